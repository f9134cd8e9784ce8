//! Damaged and hostile files: typed errors that name the value, never a panic, a hang or an absurd allocation.

use std::path::Path;
use std::time::{Duration, Instant};

use lacuna_compiler::error::Error;
use lacuna_compiler::import::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, elem,
};
use lacuna_compiler::import::{onnx, survives};
use prost::Message;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Small real files to damage.
fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models");
    let names = [
        "conv_01",
        "add_residual",
        "dense_uint8",
        "reshape_dense",
        "qdq_clip",
        "qdq_softmax",
        "average_pool_3x3_1",
        "qop_slice_04",
        "qdq_split_02",
        "qop_gather_01",
        "qop_pad_04",
        "qdq_pad_07",
        "qop_resize_05",
        "qdq_resize_by_factors_02",
        "qop_tile_01",
        "qop_expand_04",
        "qdq_depthtospace_03",
        "qdq_spacetodepth_02",
        "qop_concat_01",
        "qdq_concat_06",
        "qdq_mul_03",
        "qop_softmax_05",
        "qop_matmul_of_rows_00",
        "qop_matmul_of_two_00",
        "qop_argmin_01",
        "qdq_argmin_11",
        "qdq_linear_resize_03",
        "qdq_sum_reducesum_00",
    ];
    let mut files: Vec<Vec<u8>> =
        names.iter().map(|name| std::fs::read(folder.join(format!("{name}.onnx"))).unwrap()).collect();
    files.push(std::fs::read(folder.join("../../../cli/assets/digits/digits_qdq.onnx")).unwrap());
    assert!(files.iter().take(names.len()).all(|file| survives(file)), "a seed does not even run");
    files
}

/// Runs the importer on one damaged file; panics if it takes longer than any honest file of that size.
fn check(bytes: &[u8]) -> bool {
    let start = Instant::now();
    let ran = survives(bytes);
    assert!(start.elapsed() < Duration::from_secs(20), "{} bytes took {:?}", bytes.len(), start.elapsed());
    ran
}

#[test]
fn mutated_models_never_panic() {
    let seed = std::env::var("LACUNA_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    println!("LACUNA_SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut ran = 0;
    for file in seeds() {
        for _ in 0..150 {
            let mut bytes = file.clone();
            for _ in 0..rng.random_range(1..6) {
                let at = rng.random_range(0..bytes.len());
                match rng.random_range(0..5) {
                    0 => bytes[at] = rng.random(),
                    1 => bytes[at] ^= 1 << rng.random_range(0..8),
                    2 => bytes[at] = [0x00, 0x7f, 0x80, 0xff][rng.random_range(0..4)],
                    3 => drop(bytes.drain(at..(at + rng.random_range(1..9)).min(bytes.len()))),
                    _ => {
                        let piece: Vec<u8> = bytes[at..(at + rng.random_range(1..40)).min(bytes.len())].to_vec();
                        let to = rng.random_range(0..bytes.len());
                        bytes.splice(to..to, piece);
                    }
                }
                if bytes.is_empty() {
                    break;
                }
            }
            ran += usize::from(check(&bytes));
        }
    }
    assert!(ran > 50, "only {ran} mutants still ran: the mutations are too coarse to reach deep");
}

#[test]
fn mutated_fields_never_panic() {
    // Damage inside decoded messages gets past the decoder, deep into shapes and attributes.
    let seed = std::env::var("LACUNA_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(2);
    println!("LACUNA_SEED={seed}");
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let odd = [i64::MIN, -1, 0, 1, 2, 3, 7, 65_535, 1 << 31, i64::MAX];
    for file in seeds() {
        let model = ModelProto::decode(file.as_slice()).unwrap();
        for _ in 0..150 {
            let mut model = model.clone();
            let graph = model.graph.as_mut().unwrap();
            let node = rng.random_range(0..graph.node.len());
            let other = rng.random_range(0..graph.node.len());
            let tensor = rng.random_range(0..graph.initializer.len());
            let value = odd[rng.random_range(0..odd.len())];
            match rng.random_range(0..7) {
                0 => graph.initializer[tensor].dims.push(value),
                1 => graph.initializer[tensor].dims = vec![value; rng.random_range(0..3)],
                2 => graph.initializer[tensor].data_type = rng.random_range(0..9),
                3 => {
                    let count = graph.node[node].input.len();
                    graph.node[node].input.remove(rng.random_range(0..count));
                }
                4 => graph.node[node].op_type = graph.node[other].op_type.clone(),
                5 => graph.node[node].input[0] = graph.node[other].output[0].clone(),
                _ => {
                    for attribute in &mut graph.node[node].attribute {
                        attribute.i = attribute.i.map(|_| value);
                        if !attribute.ints.is_empty() {
                            let at = rng.random_range(0..attribute.ints.len());
                            attribute.ints[at] = value;
                        }
                    }
                }
            }
            check(&model.encode_to_vec());
        }
    }
}

#[test]
fn truncated_models_are_refused() {
    for file in seeds() {
        // The last bytes only list operator sets; what remains without some of them is still whole.
        let end = file.len() - 200;
        for length in (0..end).step_by(end / 60 + 1) {
            assert!(!check(&file[..length]), "{length} of {} bytes ran", file.len());
        }
    }
}

fn text(result: Result<impl Sized, Error>) -> String {
    result.err().expect("the file was accepted").to_string()
}

fn value(name: &str, elem_type: i32, dims: &[i64]) -> ValueInfoProto {
    let dim = dims.iter().map(|&dim| DimensionProto { dim_value: Some(dim), dim_param: None }).collect();
    let tensor_type = TensorTypeProto { elem_type, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

fn constant(name: &str, data_type: i32, dims: &[i64], raw: &[u8]) -> TensorProto {
    TensorProto {
        name: name.into(),
        data_type,
        dims: dims.to_vec(),
        raw_data: Some(raw.to_vec()),
        ..TensorProto::default()
    }
}

fn node(op_type: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        name: format!("the {op_type}"),
        op_type: op_type.into(),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.into()],
        ..NodeProto::default()
    }
}

/// An int8 1x1 convolution from `x` to `y`, to be damaged.
fn small() -> GraphProto {
    let scale = |name: &str| constant(name, elem::FLOAT, &[], &0.5_f32.to_le_bytes());
    let zero = |name: &str| constant(name, elem::INT8, &[], &[0]);
    GraphProto {
        name: "small".into(),
        node: vec![node("QLinearConv", &["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"], "y")],
        initializer: vec![
            scale("xs"),
            zero("xz"),
            constant("w", elem::INT8, &[3, 2, 1, 1], &[1, 2, 3, 4, 5, 6]),
            scale("ws"),
            zero("wz"),
            scale("ys"),
            zero("yz"),
        ],
        input: vec![value("x", elem::INT8, &[1, 2, 4, 4])],
        output: vec![value("y", elem::INT8, &[1, 3, 4, 4])],
    }
}

fn import(change: impl FnOnce(&mut GraphProto)) -> Result<lacuna_compiler::Graph, Error> {
    let mut graph = small();
    change(&mut graph);
    onnx(
        &ModelProto {
            graph: Some(graph),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 17 }],
        }
        .encode_to_vec(),
    )
}

#[test]
fn the_small_model_is_accepted() {
    assert_eq!(import(|_| ()).unwrap().nodes.len(), 1);
}

#[test]
fn errors_name_the_value_and_the_remedy() {
    let attribute = |name: &str, ints: &[i64]| AttributeProto {
        name: name.into(),
        ints: ints.to_vec(),
        ..AttributeProto::default()
    };
    let cases: [(Result<_, Error>, &str); 16] = [
        (import(|g| g.initializer.retain(|t| t.name != "w")), "node 'the QLinearConv' reads 'w', which is neither"),
        (
            import(|g| g.node[0].input[0] = "y".into()),
            "node 'the QLinearConv' depends on its own output: remove the cycle",
        ),
        (import(|g| g.node.push(node("Relu", &["x"], "y"))), "value 'y' is defined twice"),
        (
            import(|g| {
                g.initializer[2].external_data.push(StringStringEntryProto::default());
            }),
            "tensor 'w' is stored outside the file: save the model with its data inside",
        ),
        (import(|g| g.initializer[2].dims = vec![1 << 40, 1 << 40]), "the number of elements of 'w' is"),
        (import(|g| g.initializer[2].dims = vec![3, -2, 1, 1]), "value 'w' has dimension -2"),
        (import(|g| g.initializer[2].dims = vec![3, 2, 2, 1]), "value 'w' promises 12 elements but holds 6"),
        (import(|g| g.initializer[2].data_type = 10), "value 'w' is float16, but float, int8"),
        (import(|g| g.initializer[0].raw_data = Some(vec![0; 4])), "quantisation of 'xs' has scale 0"),
        (
            import(|g| g.initializer[0].raw_data = Some(f32::NAN.to_le_bytes().to_vec())),
            "quantisation of 'xs' has scale NaN",
        ),
        (
            import(|g| g.input[0] = value("x", elem::INT8, &[8, 2, 4, 4])),
            "value 'x' has batch 8: export the model with batch 1",
        ),
        (import(|g| g.input[0] = value("x", elem::UINT8, &[1, 2, 4, 4])), "value 'x' is uint8, but int8 is needed"),
        (import(|g| g.node[0].op_type = "Einsum".into()), "node 'the QLinearConv' uses Einsum"),
        (
            import(|g| g.node[0].attribute.push(attribute("strides", &[0, 1]))),
            "attribute 'strides' of node 'the QLinearConv' is [0, 1]: it needs 2 values from 1",
        ),
        (
            import(|g| g.input[0] = value("x", elem::INT8, &[1, 2, 1 << 20, 1 << 20])),
            "the number of elements of 'x' is",
        ),
        (import(|g| g.output.clear()), "not a readable ONNX file (its graph has no input or no output)"),
    ];
    for (result, expected) in cases {
        let found = text(result);
        assert!(found.starts_with(expected), "'{found}' does not start with '{expected}'");
    }
}

#[test]
fn a_model_without_operator_set_is_refused() {
    let model = ModelProto { graph: Some(small()), opset_import: Vec::new() };
    assert!(text(onnx(&model.encode_to_vec())).starts_with("not a readable ONNX file (it names no operator set"));
}

#[test]
fn softmax_means_what_its_operator_set_says() {
    let softmax = |version: i64| {
        let graph = GraphProto {
            name: "softmax".into(),
            node: vec![node("Softmax", &["x"], "y")],
            initializer: Vec::new(),
            input: vec![value("x", elem::FLOAT, &[1, 3, 4])],
            output: vec![value("y", elem::FLOAT, &[1, 3, 4])],
        };
        let opset_import = vec![OperatorSetIdProto { domain: String::new(), version }];
        onnx(&ModelProto { graph: Some(graph), opset_import }.encode_to_vec())
    };
    assert!(softmax(13).is_ok());
    // Before 13 it would sum over both dimensions, which nothing here computes.
    assert!(text(softmax(12)).starts_with("attribute 'axis' of node 'the Softmax' is 1"));
}

#[test]
fn a_frame_of_absurd_work_is_refused() {
    let result = import(|g| {
        g.input[0] = value("x", elem::INT8, &[1, 2, 2048, 2048]);
        let pool = |from: &str, to: &str| {
            let mut pool = node("MaxPool", &[from], to);
            let ints = |name: &str, ints: &[i64]| AttributeProto {
                name: name.into(),
                ints: ints.to_vec(),
                ..AttributeProto::default()
            };
            pool.attribute = vec![ints("kernel_shape", &[2047, 2047]), ints("pads", &[1023; 4])];
            pool
        };
        g.node = vec![pool("x", "y")];
        g.initializer.clear();
    });
    assert!(text(result).starts_with("the number of multiply-accumulates of a frame is"));
}

#[test]
fn a_matrix_of_many_moves_is_looked_through_once() {
    // Each step reads the one before twice: 2^60 ways from the product to the constant.
    let result = import(|g| {
        g.input[0] = value("x", elem::FLOAT, &[1, 2]);
        g.output[0] = value("y", elem::FLOAT, &[1, 2]);
        let ints = |name: &str, values: &[i64]| {
            let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            constant(name, elem::INT64, &[values.len() as i64], &raw)
        };
        g.initializer = vec![
            constant("m0", elem::FLOAT, &[2, 2], &[0; 16]),
            ints("from", &[0]),
            ints("to", &[2]),
            ints("axes", &[0]),
        ];
        g.node.clear();
        for step in 0..60 {
            let [last, both, next] = [format!("m{step}"), format!("b{step}"), format!("m{}", step + 1)];
            let mut concat = node("Concat", &[&last, &last], &both);
            concat.attribute = vec![AttributeProto { name: "axis".into(), i: Some(0), ..AttributeProto::default() }];
            g.node.extend([concat, node("Slice", &[&both, "from", "to", "axes"], &next)]);
        }
        g.node.push(node("MatMul", &["x", "m60"], "y"));
    });
    assert!(result.is_ok());
}

#[test]
fn garbage_is_not_a_model() {
    assert!(text(onnx(b"GIF89a")).starts_with("not a readable ONNX file"));
    assert!(text(onnx(&[])).starts_with("not a readable ONNX file (it holds no graph)"));
    assert!(text(onnx(&vec![0; 65 << 20])).starts_with("the model file in bytes is 68157440, more than the limit"));
}
