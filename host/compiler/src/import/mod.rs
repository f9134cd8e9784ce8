//! Reads an int8 file, ONNX (operator-oriented or QDQ) or TensorFlow Lite, into a [`Graph`].
//!
//! Nothing in a file is trusted: sizes are checked before memory is taken ([`limits`]), names are looked up, never
//! indexed, and every problem is an [`Error`] that names the value and the remedy.

mod attributes;
mod constants;
mod context;
mod float;
pub mod limits;
mod microsoft;
mod movement;
mod order;
mod pad;
pub mod proto;
mod qoperator;
mod reductions;
mod resize;
mod shapes;
mod survive;
mod tensors;
mod tflite;

pub use survive::survives;
pub use tflite::tflite;

use prost::Message;

use crate::error::{Error, show};
use crate::graph::{DType, Graph};
use crate::op::FloatOp;
use context::Context;
use proto::{GraphProto, ModelProto, NodeProto, ValueInfoProto, elem};

/// Imports a model file, ONNX or TensorFlow Lite: its contents tell which.
///
/// # Errors
/// Any [`Error`]; the file is refused as a whole.
pub fn model(bytes: &[u8]) -> Result<Graph, Error> {
    if tflite::recognises(bytes) { tflite(bytes) } else { onnx(bytes) }
}

/// Imports an ONNX file.
///
/// # Errors
/// Any [`Error`]; the file is refused as a whole.
///
/// # Example
/// ```
/// let error = lacuna_compiler::import::onnx(b"not a model").unwrap_err();
/// assert!(error.to_string().contains("not a readable ONNX file"));
/// ```
pub fn onnx(bytes: &[u8]) -> Result<Graph, Error> {
    limits::check(bytes)?;
    let model = ModelProto::decode(bytes).map_err(|e| Error::Malformed { detail: e.to_string() })?;
    let graph = model.graph.ok_or_else(|| Error::Malformed { detail: "it holds no graph".into() })?;
    let opset =
        model.opset_import.iter().find(|set| matches!(set.domain.as_str(), "" | "ai.onnx")).map(|set| set.version);
    let opset = opset
        .ok_or_else(|| Error::Malformed { detail: "it names no operator set, perhaps because it is cut off".into() })?;
    if graph.node.len() as u64 > limits::MAX_NODES {
        let size = graph.node.len() as u64;
        return Err(Error::TooLarge { what: "the number of nodes".into(), size, limit: limits::MAX_NODES });
    }
    build(&graph, opset)
}

fn build(proto: &GraphProto, opset: i64) -> Result<Graph, Error> {
    let mut context = Context::new(show(&proto.name), opset);
    for tensor in &proto.initializer {
        let value = constants::read(tensor)?;
        context.define(&tensor.name, value)?;
    }
    let frames = proto.node.iter().any(|node| PER_FRAME.contains(&node.op_type.as_str()));
    for input in &proto.input {
        if context.lookup(&input.name).is_none() {
            declare_input(&mut context, input, frames)?;
        }
    }
    for index in order::execution_order(&proto.node)? {
        add_node(&mut context, &proto.node[index])?;
    }
    for output in &proto.output {
        let id = context
            .lookup(&output.name)
            .ok_or_else(|| Error::MissingValue { node: "graph output".into(), value: show(&output.name) })?;
        context.graph.outputs.push(id);
    }
    if context.graph.inputs.is_empty() || context.graph.outputs.is_empty() {
        return Err(Error::Malformed { detail: "its graph has no input or no output".into() });
    }
    context.graph.validate()?;
    Ok(context.graph)
}

/// Operators whose first dimension is the batch. Without any of them a network has no batch, and a fixed first dimension is one like
/// the others.
const PER_FRAME: [&str; 11] = [
    "Conv",
    "Gemm",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "MatMul",
    "QGemm",
    "QLinearAveragePool",
    "QLinearConv",
    "QLinearGlobalAveragePool",
];

/// Declares a graph input. A frame is one batch item, so an open first dimension becomes 1; a fixed one must be 1 if the network runs
/// frame by frame.
fn declare_input(context: &mut Context, input: &ValueInfoProto, frames: bool) -> Result<(), Error> {
    let name = show(&input.name);
    let tensor_type = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
    let tensor_type = tensor_type.ok_or_else(|| Error::Type {
        value: name.clone(),
        found: "not a tensor".into(),
        expected: "float, int8 or uint8".into(),
    })?;
    let (dtype, unsigned) = match tensor_type.elem_type {
        elem::FLOAT => (DType::F32, false),
        elem::INT8 => (DType::I8, false),
        elem::UINT8 => (DType::I8, true),
        other => {
            let expected = "float, int8 or uint8".into();
            return Err(Error::Type { value: name, found: elem::name(other), expected });
        }
    };
    let dims = tensor_type.shape.as_ref().map(|shape| shape.dim.as_slice()).ok_or_else(|| Error::Shape {
        value: name.clone(),
        detail: "has no shape: fix the input shape in the model".into(),
    })?;
    let mut shape = Vec::with_capacity(dims.len().min(limits::MAX_RANK));
    for (axis, dim) in dims.iter().enumerate() {
        shape.push(match dim.dim_value {
            Some(1) if axis == 0 => 1,
            Some(value) if axis == 0 && value > 1 && frames => {
                let detail = format!("has batch {value}: export the model with batch 1 or an open batch");
                return Err(Error::Shape { value: name, detail });
            }
            Some(value) if value > 0 => value,
            _ if axis == 0 => 1,
            _ => {
                let detail = format!("has an open dimension {axis}: fix it in the model (only the batch may be open)");
                return Err(Error::Shape { value: name, detail });
            }
        });
    }
    let shape = tensors::checked_shape(&name, &shape)?;
    let id = context.define(&input.name, tensors::activation(&name, shape, dtype, unsigned, None))?;
    context.graph.inputs.push(id);
    Ok(())
}

fn add_node(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    if node.op_type != "Split" && node.output.iter().skip(1).any(|name| !name.is_empty()) {
        return Err(context::unsupported(node, "it has more than one output: only Split may have several here"));
    }
    let domain = match node.domain.as_str() {
        "ai.onnx" => "",
        other => other,
    };
    match (domain, node.op_type.as_str()) {
        ("", "Constant") => constants::node(context, node),
        ("", "Identity") => context.alias(node),
        ("", "Dropout") if node.input.len() < 3 => context.alias(node),
        ("", "QLinearConv") => qoperator::conv(context, node),
        ("", "QLinearMatMul") => qoperator::mat_mul(context, node),
        ("com.microsoft", "QGemm") => qoperator::gemm(context, node),
        ("com.microsoft", "QLinearAdd") => qoperator::add(context, node),
        ("com.microsoft", "QLinearMul") => microsoft::mul(context, node),
        ("com.microsoft", "QLinearConcat") => microsoft::concat(context, node),
        ("com.microsoft", "QLinearSigmoid") => microsoft::sigmoid(context, node),
        ("com.microsoft", "QLinearLeakyRelu") => microsoft::leaky_relu(context, node),
        ("com.microsoft", "QLinearSoftmax") => microsoft::softmax(context, node),
        ("com.microsoft", "QLinearAveragePool") => qoperator::average_pool(context, node),
        ("com.microsoft", "QLinearGlobalAveragePool") => qoperator::global_average_pool(context, node),
        ("" | "com.microsoft", "QuantizeLinear") => float::quantize(context, node),
        ("" | "com.microsoft", "DequantizeLinear") => float::dequantize(context, node),
        ("", "Conv") => float::conv(context, node),
        ("", "Gemm") => float::gemm(context, node),
        ("", "MatMul") => float::mat_mul(context, node),
        ("", "Add") => float::binary(context, node, FloatOp::Add),
        ("", "Sub") => float::binary(context, node, FloatOp::Sub),
        ("", "Mul") => float::binary(context, node, FloatOp::Mul),
        ("", "Div") => float::binary(context, node, FloatOp::Div),
        ("", "Max") => float::binary(context, node, FloatOp::Max),
        ("", "Min") => float::binary(context, node, FloatOp::Min),
        ("", "PRelu") => float::binary(context, node, FloatOp::PRelu),
        ("", "Sigmoid") => float::unary(context, node, FloatOp::Sigmoid),
        ("", "HardSigmoid") => float::unary(context, node, float::hard_sigmoid(node)),
        ("", "HardSwish") => float::unary(context, node, FloatOp::HardSwish),
        ("", "Tanh") => float::unary(context, node, FloatOp::Tanh),
        ("", "Elu") => float::unary(context, node, FloatOp::Elu { alpha: attributes::real(node, "alpha", 1.0) }),
        ("", "Abs") => float::unary(context, node, FloatOp::Abs),
        ("", "Neg") => float::unary(context, node, FloatOp::Neg),
        ("", "Sqrt") => float::unary(context, node, FloatOp::Sqrt),
        ("", "Reciprocal") => float::unary(context, node, FloatOp::Reciprocal),
        ("", "Floor") => float::unary(context, node, FloatOp::Floor),
        ("", "Ceil") => float::unary(context, node, FloatOp::Ceil),
        ("", "Round") => float::unary(context, node, FloatOp::Round),
        ("", "Pow") => float::power(context, node),
        ("", "BatchNormalization") => float::batch_normalise(context, node),
        ("", "LeakyRelu") => {
            float::unary(context, node, FloatOp::LeakyRelu { alpha: attributes::real(node, "alpha", 0.01) })
        }
        ("", "ReduceMean") => reductions::sum(context, node, |axes| FloatOp::Mean { axes }),
        ("", "ReduceSum") => reductions::sum(context, node, |axes| FloatOp::Sum { axes }),
        ("", "ReduceMax") => reductions::max(context, node),
        ("", "ArgMax") => reductions::place(context, node, true),
        ("", "ArgMin") => reductions::place(context, node, false),
        ("", "GlobalMaxPool") => reductions::global_max(context, node),
        ("", "Relu") => float::relu(context, node),
        ("", "Clip") => float::clip(context, node),
        ("", "MaxPool") => float::max_pool(context, node),
        ("", "AveragePool") => float::average_pool(context, node),
        ("", "GlobalAveragePool") => float::global_average_pool(context, node),
        ("", "Softmax") => float::softmax(context, node, false),
        ("", "LogSoftmax") => float::softmax(context, node, true),
        ("", "Flatten") => shapes::flatten(context, node),
        ("", "Reshape") => shapes::reshape(context, node),
        ("", "Squeeze") => shapes::squeeze(context, node),
        ("", "Unsqueeze") => shapes::unsqueeze(context, node),
        ("", "Transpose") => shapes::transpose(context, node),
        ("", "Shape") => shapes::shape(context, node),
        ("", "Cast") => shapes::cast(context, node),
        ("", "Concat") => movement::concat(context, node),
        ("", "Slice") => movement::slice(context, node),
        ("", "Split") => movement::split(context, node),
        ("", "Pad") => pad::pad(context, node),
        ("", "DepthToSpace") => movement::depth_to_space(context, node),
        ("", "SpaceToDepth") => movement::space_to_depth(context, node),
        ("", "Resize" | "Upsample") => resize::resize(context, node),
        ("", "Expand") => movement::expand(context, node),
        ("", "Tile") => movement::tile(context, node),
        ("", "Gather") => movement::gather(context, node),
        _ => Err(context::unsupported(node, "this compiler has no such operator: remove or replace the node")),
    }
}
