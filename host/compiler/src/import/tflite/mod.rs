//! Reads an int8 or uint8 TensorFlow Lite file into a [`Graph`].
//!
//! Such files keep channels last: every tensor of three dimensions or more is held with its last dimension moved behind the batch, so that
//! both kinds of file give the same graph. Inputs and outputs of the graph keep the file's order; a transpose leads from one to the other.

mod batches;
mod codes;
mod declared;
mod detect;
mod elementwise;
mod flexmap;
mod functions;
mod importer;
mod layers;
mod layout;
mod lstm;
mod matmul;
mod movement;
mod pairs;
mod places;
mod pools;
mod reals;
mod rearrange;
mod rectifiers;
mod resize;
mod schema;
mod shapes;
mod states;
mod strided;
mod svdf;
mod transposed;
mod windows;

use super::limits::{MAX_MODEL_BYTES, MAX_NODES, at_most};
use crate::error::Error;
use crate::graph::{DType, Graph};
use crate::op::Pair;
use codes::code;
use importer::{Importer, Node};
use layout::{graph_shape, same_order};
use schema::{Model, Operator, SubGraph, Tables};

/// Whether the bytes claim to be a TensorFlow Lite file.
#[must_use]
pub fn recognises(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(schema::IDENTIFIER)
}

/// Imports a TensorFlow Lite file.
///
/// # Errors
/// Any [`Error`]; the file is refused as a whole.
///
/// # Example
/// ```
/// let error = lacuna_compiler::import::tflite(b"not a model").unwrap_err();
/// assert!(error.to_string().contains("not a readable TFLite file"));
/// ```
pub fn tflite(bytes: &[u8]) -> Result<Graph, Error> {
    let malformed = |detail: &str| Error::MalformedTflite { detail: detail.to_string() };
    if !recognises(bytes) {
        return Err(malformed("its identifier is not TFL3"));
    }
    at_most("the model file in bytes", bytes.len() as u64, MAX_MODEL_BYTES)?;
    let model = Model::read(bytes)?;
    if model.version()? != 3 {
        return Err(malformed(&format!("its schema has version {}, not 3", model.version()?)));
    }
    let subgraphs = model.subgraphs()?.ok_or_else(|| malformed("it holds no graph"))?;
    let main: SubGraph = subgraphs.get(0)?.ok_or_else(|| malformed("it holds no graph"))?;
    let codes = model.operator_codes()?;
    let mut importer = Importer::new(model.buffers()?);
    importer.graph.name = crate::error::show(main.name()?);
    for index in initialisers(&mut importer, &main, codes)? {
        let subgraph: Option<SubGraph> = usize::try_from(index).map_or(Ok(None), |index| subgraphs.get(index))?;
        initialise(
            &mut importer,
            &subgraph.ok_or_else(|| malformed("it calls a graph that it does not hold"))?,
            codes,
        )?;
    }
    importer.enter(&main)?;
    inputs(&mut importer, &main)?;
    for_each(&mut importer, &main, codes, add_node)?;
    outputs(&mut importer, &main)?;
    states::finish(&mut importer);
    if importer.graph.inputs.is_empty() || importer.graph.outputs.is_empty() {
        return Err(malformed("its graph has no input or no output"));
    }
    importer.graph.validate()?;
    Ok(importer.graph)
}

/// Visits the operators of a subgraph in the file's order, which is the order of execution.
fn for_each<'a>(
    importer: &mut Importer<'a>,
    subgraph: &SubGraph<'a>,
    codes: Option<Tables<'a>>,
    mut visit: impl FnMut(&mut Importer<'a>, &Node<'a>) -> Result<(), Error>,
) -> Result<(), Error> {
    let Some(operators) = subgraph.operators()? else { return Ok(()) };
    at_most("the number of nodes", operators.len as u64, MAX_NODES)?;
    for at in 0..operators.len {
        if let Some(operator) = operators.get::<Operator>(at)? {
            let node = importer.node(&operator, codes, at)?;
            visit(importer, &node)?;
        }
    }
    Ok(())
}

/// The subgraphs that run once, before the first frame, each once.
fn initialisers<'a>(
    importer: &mut Importer<'a>,
    main: &SubGraph<'a>,
    codes: Option<Tables<'a>>,
) -> Result<Vec<i32>, Error> {
    let mut found = Vec::new();
    importer.enter(main)?;
    for_each(importer, main, codes, |_, node| {
        if node.code == code::CALL_ONCE {
            let index = node.option(0, 0_i32)?;
            if index == 0 {
                return Err(node.unsupported("it calls the graph that it is in"));
            }
            if !found.contains(&index) {
                found.push(index);
            }
        }
        Ok(())
    })?;
    at_most("the number of graphs that run once", found.len() as u64, 64)?;
    Ok(found)
}

/// Runs a subgraph that gives variables their first values.
fn initialise<'a>(
    importer: &mut Importer<'a>,
    subgraph: &SubGraph<'a>,
    codes: Option<Tables<'a>>,
) -> Result<(), Error> {
    importer.enter(subgraph)?;
    for_each(importer, subgraph, codes, |importer, node| match node.code {
        code::VAR_HANDLE => states::handle(importer, node),
        code::ASSIGN_VARIABLE => states::initialise(importer, node),
        _ => Err(node.unsupported("only variables are assigned before the first frame here")),
    })
}

/// Declares the graph's inputs.
fn inputs(importer: &mut Importer, main: &SubGraph) -> Result<(), Error> {
    let list = main.inputs()?;
    at_most("the number of inputs", list.len() as u64, 256)?;
    for index in list {
        let index =
            usize::try_from(index).map_err(|_| Error::MalformedTflite { detail: "an input is absent".into() })?;
        let declared = importer.declared(index)?;
        let meaning = declared.meaning()?;
        if meaning.dtype == DType::I64 {
            return Err(declared.wrong_type("float32, int8 or uint8"));
        }
        // Where both orders are one, the graph's shape spares the transpose.
        let plain = same_order(&declared.shape);
        let shape = if plain { graph_shape(&declared.shape) } else { declared.shape.clone() };
        let id = importer.add(&declared.name, shape, meaning)?;
        importer.graph.inputs.push(id);
        let inside = movement::reorder(importer, &format!("{}/channels first", declared.name), id, !plain)?;
        importer.bind(index, inside)?;
    }
    Ok(())
}

/// Lists the graph's outputs.
fn outputs(importer: &mut Importer, main: &SubGraph) -> Result<(), Error> {
    let list = main.outputs()?;
    at_most("the number of outputs", list.len() as u64, 256)?;
    for index in list {
        let index =
            usize::try_from(index).map_err(|_| Error::MalformedTflite { detail: "an output is absent".into() })?;
        let id = importer.tensor_of(index, "graph output")?;
        let name = format!("{}/channels last", importer.graph.tensor(id).name);
        let outside = movement::reorder(importer, &name, id, false)?;
        importer.graph.outputs.push(outside);
    }
    Ok(())
}

fn add_node<'a>(importer: &mut Importer<'a>, node: &Node<'a>) -> Result<(), Error> {
    if places::concerns(importer, node) {
        return places::add(importer, node);
    }
    if shapes::computes_integers(importer, node)? {
        return shapes::evaluate(importer, node);
    }
    if reals::add(importer, node)? {
        return Ok(());
    }
    match node.code {
        code::CONV_2D => layers::conv(importer, node),
        code::DEPTHWISE_CONV_2D => layers::depthwise(importer, node),
        code::TRANSPOSE_CONV => transposed::conv(importer, node),
        code::FULLY_CONNECTED => layers::dense(importer, node),
        code::SVDF => svdf::svdf(importer, node),
        code::UNIDIRECTIONAL_SEQUENCE_LSTM => lstm::sequence(importer, node),
        code::BATCH_MATMUL => matmul::batched(importer, node),
        code::ADD => elementwise::add(importer, node),
        code::MUL => elementwise::mul(importer, node),
        code::SQUARED_DIFFERENCE => pairs::squared_difference(importer, node),
        code::SUB => pairs::sub(importer, node),
        code::MAXIMUM => pairs::extreme(importer, node, Pair::Maximum),
        code::MINIMUM => pairs::extreme(importer, node, Pair::Minimum),
        code::PRELU => rectifiers::parametric(importer, node),
        code::RELU => functions::relu(importer, node, 1),
        code::RELU_N1_TO_1 => functions::relu(importer, node, 2),
        code::RELU6 => functions::relu(importer, node, 3),
        code::RELU_0_TO_1 => functions::relu_0_to_1(importer, node),
        code::LEAKY_RELU => rectifiers::leaky(importer, node),
        code::HARD_SWISH => functions::hard_swish(importer, node),
        code::LOGISTIC => functions::logistic(importer, node),
        code::TANH => functions::tanh(importer, node),
        code::EXP => functions::exp(importer, node),
        code::GELU => functions::gelu(importer, node),
        code::RSQRT => functions::rsqrt(importer, node),
        code::ABS => functions::abs(importer, node),
        code::L2_NORMALIZATION => elementwise::l2_normalise(importer, node),
        code::SOFTMAX => elementwise::softmax(importer, node),
        code::LOG_SOFTMAX => elementwise::log_softmax(importer, node),
        code::QUANTIZE => elementwise::quantize(importer, node),
        code::DEQUANTIZE => elementwise::dequantize(importer, node),
        code::MAX_POOL_2D => pools::max(importer, node),
        code::AVERAGE_POOL_2D => pools::average(importer, node),
        code::REDUCE_MAX => pools::reduce_extreme(importer, node, true),
        code::REDUCE_MIN => pools::reduce_extreme(importer, node, false),
        code::MEAN => pools::mean(importer, node),
        code::SUM => pools::sum(importer, node),
        code::RESHAPE => movement::reshape(importer, node),
        code::SQUEEZE => movement::squeeze(importer, node),
        code::EXPAND_DIMS => movement::expand_dims(importer, node),
        code::TRANSPOSE => movement::transpose(importer, node),
        code::CONCATENATION => movement::concat(importer, node),
        code::PAD | code::PADV2 => movement::pad(importer, node),
        code::SLICE => movement::slice(importer, node),
        code::STRIDED_SLICE => strided::strided_slice(importer, node),
        code::SPLIT => movement::split(importer, node, false),
        code::SPLIT_V => movement::split(importer, node, true),
        code::DEPTH_TO_SPACE => movement::depth_and_space(importer, node, true),
        code::SPACE_TO_DEPTH => movement::depth_and_space(importer, node, false),
        code::SPACE_TO_BATCH_ND => batches::from_space(importer, node),
        code::BATCH_TO_SPACE_ND => batches::to_space(importer, node),
        code::MIRROR_PAD => rearrange::mirror_pad(importer, node),
        code::PACK => rearrange::pack(importer, node),
        code::UNPACK => rearrange::unpack(importer, node),
        code::GATHER => rearrange::gather(importer, node),
        code::GATHER_ND => rearrange::gather_nd(importer, node),
        code::TILE => rearrange::tile(importer, node),
        code::BROADCAST_TO => rearrange::broadcast_to(importer, node),
        code::REVERSE_V2 => rearrange::reverse(importer, node),
        code::RESIZE_NEAREST_NEIGHBOR => resize::nearest_neighbour(importer, node),
        code::RESIZE_BILINEAR => resize::bilinear(importer, node),
        // Carried out before the first frame.
        code::CALL_ONCE => Ok(()),
        code::VAR_HANDLE => states::handle(importer, node),
        code::READ_VARIABLE => states::read(importer, node),
        code::ASSIGN_VARIABLE => states::assign(importer, node),
        code::CUSTOM => match node.custom {
            Some((detect::NAME, parameters)) => detect::add(importer, node, parameters),
            _ => Err(node.unsupported("it is a custom operator: remove or replace it")),
        },
        _ => Err(node.unsupported("this compiler has no such operator: remove or replace it")),
    }
}
