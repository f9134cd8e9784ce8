//! Executes a graph on the host, bit for bit as the model's own runtime does (rule B: ONNX Runtime 1.32 on x86-64; rule A: the
//! TensorFlow Lite reference kernels). Host fallback, calibration and the tests use it.
//!
//! Softmax of reals and its logarithm are those of processors with AVX-512: ONNX Runtime sums them in an order that depends on the
//! processor, so the last digits of rows of more than sixteen values do too.

mod detect;
mod elementwise;
mod fixed;
mod fixed16;
mod linear;
mod matmul;
mod movement;
mod normalise;
mod pair;
mod partial_sort;
mod pool;
mod real;
mod recurrent;
mod runtime;
mod softmax;
mod state;
mod vector_softmax;

pub use elementwise::{add, add_a, dequantize, dequantize_all, mul, quantise_multiplier, quantize, quantize_a};
pub(crate) use fixed::inverse_root;
pub use movement::{channels_first, channels_last, origins, to_channels_first, to_channels_last};
pub use pair::pair;
pub use pool::{average, rounded_mean};
use runtime::binary;
pub(crate) use runtime::unary;
pub use runtime::{logistic, product};
pub use state::State;

use crate::error::Error;
use crate::graph::{DType, Data, Graph, Node, Tensor, TensorId};
use crate::op::{FloatOp, Op, Pad};

/// The contents of a run-time tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Quantised; uint8 tensors are rebased ([`Value::from_u8`]).
    I8(Vec<i8>),
    /// Real.
    F32(Vec<f32>),
    /// Places, of a file's 32- or 64-bit integers, and what layers keep of 16 bits.
    I64(Vec<i64>),
}

impl Value {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::I8(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The quantised contents; `None` for others.
    #[must_use]
    pub fn as_i8(&self) -> Option<&[i8]> {
        if let Self::I8(values) = self { Some(values) } else { None }
    }

    /// The real contents; `None` for others.
    #[must_use]
    pub fn as_f32(&self) -> Option<&[f32]> {
        if let Self::F32(values) = self { Some(values) } else { None }
    }

    /// The integers; `None` for others.
    #[must_use]
    pub fn as_i64(&self) -> Option<&[i64]> {
        if let Self::I64(values) = self { Some(values) } else { None }
    }

    /// Rebases the contents of a uint8 tensor.
    #[must_use]
    pub fn from_u8(values: &[u8]) -> Self {
        Self::I8(values.iter().map(|&value| (value ^ 0x80) as i8).collect())
    }

    /// The contents of a uint8 tensor as the file means them; `None` for other tensors.
    #[must_use]
    pub fn to_u8(&self) -> Option<Vec<u8>> {
        match self {
            Self::I8(values) => Some(values.iter().map(|&value| value as u8 ^ 0x80).collect()),
            Self::F32(_) | Self::I64(_) => None,
        }
    }
}

/// Runs one frame, from the initial state, and returns the graph's outputs.
///
/// # Errors
/// [`Error::Input`] if the inputs do not fit, [`Error::NotQuantised`] for operators that only exist quantised.
pub fn run(graph: &Graph, inputs: &[Value]) -> Result<Vec<Value>, Error> {
    State::new(graph).run(graph, inputs)
}

/// Runs one frame, from the initial state, and returns every tensor that was computed or supplied, indexed by [`TensorId`].
///
/// # Errors
/// As [`run`].
pub fn run_all(graph: &Graph, inputs: &[Value]) -> Result<Vec<Option<Value>>, Error> {
    State::new(graph).run_all(graph, inputs)
}

/// The values of constant tensors, indexed by [`TensorId`]; `None` for the others.
#[must_use]
pub fn constants(graph: &Graph) -> Vec<Option<Value>> {
    let constant = |tensor: &Tensor| match &tensor.data {
        Some(Data::I8(data)) => Some(Value::I8(data.clone())),
        Some(Data::F32(data)) => Some(Value::F32(data.clone())),
        _ => None,
    };
    graph.tensors.iter().map(constant).collect()
}

/// Runs one node on the given operands.
///
/// # Errors
/// [`Error::NotQuantised`] for operators that only exist quantised, [`Error::Type`] for operands of the wrong type.
pub fn apply(graph: &Graph, node: &Node, operands: &[&Value]) -> Result<Value, Error> {
    let tensors: Vec<&Tensor> = node.inputs.iter().map(|id| graph.tensor(*id)).collect();
    let wrong = || Error::Type {
        value: node.name.clone(),
        found: "given operands of another type".into(),
        expected: format!("what {} computes on", node.op.name()),
    };
    let shape = |index: usize| tensors.get(index).and_then(|tensor| tensor.chw()).ok_or_else(wrong);
    let value = match (&node.op, operands) {
        (Op::Conv(layer), [Value::I8(x)]) => Value::I8(linear::linear(layer, x, shape(0)?)),
        // A dense layer's kernel covers its whole input, whatever the tensor's shape is called.
        (Op::Dense(layer), [Value::I8(x)]) => {
            let [_, channels, height, width] = layer.weights.shape;
            Value::I8(linear::linear(layer, x, [channels, height, width]))
        }
        (Op::Add(op), [Value::I8(a), Value::I8(b)]) => {
            Value::I8(a.iter().zip(b).map(|(&a, &b)| add(op, a, b)).collect())
        }
        (Op::MaxPool(op), [Value::I8(x)]) => {
            let pooled = pool::max(&op.window, x, shape(0)?, i8::MIN);
            Value::I8(pooled.into_iter().map(|value| op.clamp.apply(i32::from(value))).collect())
        }
        (Op::MaxPool(op), [Value::F32(x)]) => Value::F32(pool::max(&op.window, x, shape(0)?, f32::NEG_INFINITY)),
        (Op::AveragePool(op), [Value::I8(x)]) => Value::I8(pool::average(op, x, shape(0)?)),
        (Op::GlobalAveragePool(op), [Value::I8(x)]) => Value::I8(pool::global_average(op, x, shape(0)?)),
        (Op::Clamp(clamp), [Value::I8(x)]) => Value::I8(x.iter().map(|&q| clamp.apply(i32::from(q))).collect()),
        (Op::Table(table), [Value::I8(x)]) => {
            Value::I8(x.iter().map(|&q| table[(i32::from(q) + 128) as usize]).collect())
        }
        (Op::Mean(op), [Value::I8(x)]) => Value::I8(pool::mean(op, x, &tensors[0].shape)),
        (Op::ArgExtreme(op), [Value::I8(x)]) => Value::I64(pool::place(op, x, &tensors[0].shape)),
        (Op::ArgExtreme(op), [Value::F32(x)]) => Value::I64(pool::place(op, x, &tensors[0].shape)),
        (Op::Mul(op), [Value::I8(a), Value::I8(b)]) => {
            Value::I8(a.iter().zip(b).map(|(&a, &b)| elementwise::mul(op, a, b)).collect())
        }
        (Op::MatMul(op), [Value::I8(a), Value::I8(b)]) => {
            let shapes = [&tensors[0].shape[..], &tensors[1].shape[..]];
            Value::I8(matmul::matmul(op, [a, b], shapes).ok_or_else(wrong)?)
        }
        (Op::Pair(op), [Value::I8(a), Value::I8(b)]) => {
            Value::I8(a.iter().zip(b).map(|(&a, &b)| pair(op, a, b)).collect())
        }
        (Op::Interpolate(op), [Value::I8(x)]) => {
            let [.., height, width] = *tensors[0].shape else { return Err(wrong()) };
            Value::I8(pair::interpolate(op, x, [height, width]))
        }
        (Op::RealInterpolate(op), [Value::I8(x)]) => {
            let [.., height, width] = *tensors[0].shape else { return Err(wrong()) };
            Value::I8(pair::interpolate_real(op, x, [height, width]))
        }
        (Op::Bilinear(op), [Value::F32(x)]) => {
            let [.., height, width] = *tensors[0].shape else { return Err(wrong()) };
            Value::F32(pair::bilinear(op, x, [height, width]))
        }
        (Op::L2Normalise(op), [Value::I8(x)]) => Value::I8(normalise::l2(*op, x, &tensors[0].shape)),
        (Op::Product(op), [Value::I8(a), Value::I8(b)]) => {
            Value::I8(a.iter().zip(b).map(|(&a, &b)| runtime::product(op, a, b)).collect())
        }
        (Op::TableSoftmax(op), [Value::I8(x)]) => {
            Value::I8(runtime::softmax(op, x, tensors[0].shape.last().copied().unwrap_or(1)))
        }
        (Op::QuantisedSoftmax(op), [Value::I8(x)]) => Value::I8(softmax::softmax(op, x, &tensors[0].shape)),
        (Op::LogSoftmax(op), [Value::I8(x)]) => Value::I8(softmax::log_softmax(op, x, &tensors[0].shape)),
        (Op::Quantize(affine), [Value::F32(x)]) => Value::I8(elementwise::quantize_all(affine, x, &tensors[0].shape)),
        (Op::Dequantize(affine), [Value::I8(x)]) => Value::F32(dequantize_all(affine, x, &tensors[0].shape)),
        (Op::Detect(op), [Value::F32(places), Value::F32(scores)]) => {
            let [places, scores] =
                [(places, &tensors[0].shape), (scores, &tensors[1].shape)].map(|(x, shape)| channels_last(x, shape));
            Value::F32(detect::detect(op, &places, &scores).ok_or_else(wrong)?)
        }
        (Op::Softmax { axis, log }, [Value::F32(x)]) => {
            let rows = if *log { vector_softmax::log_softmax } else { vector_softmax::softmax };
            Value::F32(rows(x, tensors[0].shape[*axis]))
        }
        (Op::Float(op), [Value::F32(a), Value::F32(b)]) if binary(op, 0.0, 0.0).is_some() => {
            Value::F32(a.iter().zip(b).filter_map(|(&a, &b)| binary(op, a, b)).collect())
        }
        (Op::Float(FloatOp::Sum { axes }), [Value::F32(x)]) => Value::F32(runtime::sum(x, &tensors[0].shape, axes)),
        (Op::Float(FloatOp::Mean { axes }), [Value::F32(x)]) => Value::F32(runtime::mean(x, &tensors[0].shape, axes)),
        (Op::Float(FloatOp::BatchNormalise { scales, biases }), [Value::F32(x)]) => {
            Value::F32(runtime::batch_normalise(x, &tensors[0].shape, scales, biases))
        }
        (Op::Float(FloatOp::Pad(_)), [Value::F32(_)]) => return move_elements(graph, node, operands).ok_or_else(wrong),
        (Op::Float(op), [Value::F32(x)]) if unary(op, 0.0).is_some() => Value::F32(runtime::unary_all(op, x)),
        (Op::Real(op), _) => {
            let operands: Option<Vec<&[f32]>> = operands.iter().map(|value| value.as_f32()).collect();
            let shape = &tensors.first().ok_or_else(wrong)?.shape;
            Value::F32(operands.and_then(|operands| real::apply(op, &operands, shape)).ok_or_else(wrong)?)
        }
        (Op::Recurrent(op), _) => recurrent::apply(op, operands, &tensors[0].shape).ok_or_else(wrong)?,
        (Op::Float(_), _) => {
            return Err(Error::NotQuantised { node: node.name.clone(), op: node.op.name().into() });
        }
        _ => return move_elements(graph, node, operands).ok_or_else(wrong),
    };
    Ok(value)
}

/// Runs an operator that only moves elements.
fn move_elements(graph: &Graph, node: &Node, operands: &[&Value]) -> Option<Value> {
    let shapes: Vec<&[usize]> = node.inputs.iter().map(|id| graph.tensor(*id).shape.as_slice()).collect();
    let output = &graph.tensor(node.output).shape;
    if let Op::Pad(_) = &node.op
        && !matches!(operands, [Value::I8(_)])
    {
        return None;
    }
    let fill = if let Op::Pad(pad) = &node.op { pad.value } else { 0 };
    if operands.iter().all(|value| matches!(value, Value::I8(_))) {
        let inputs: Vec<&[i8]> = operands.iter().filter_map(|value| value.as_i8()).collect();
        return movement::movement(&node.op, &inputs, &shapes, output, fill).map(Value::I8);
    }
    let integers: Option<Vec<&[i64]>> = operands.iter().map(|value| value.as_i64()).collect();
    if let Some(inputs) = integers {
        return movement::movement(&node.op, &inputs, &shapes, output, 0).map(Value::I64);
    }
    let inputs: Option<Vec<&[f32]>> = operands.iter().map(|value| value.as_f32()).collect();
    if let Op::Float(FloatOp::Pad(pad)) = &node.op {
        let frame = Op::Pad(Pad { before: pad.before.clone(), after: pad.after.clone(), value: 0 });
        return movement::movement(&frame, &inputs?, &shapes, output, pad.value).map(Value::F32);
    }
    movement::movement(&node.op, &inputs?, &shapes, output, 0.0).map(Value::F32)
}

/// What a movement operator makes of constant shapes; `None` if it is none, or if an input is not constant or no shape.
pub(crate) fn move_shapes(op: &Op, inputs: &[&Tensor], output: &[usize]) -> Option<Data> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|tensor| tensor.shape.as_slice()).collect();
    let values =
        |tensor: &&Tensor| if let Some(Data::I64(values)) = &tensor.data { Some(values.clone()) } else { None };
    let inputs: Vec<Vec<i64>> = inputs.iter().map(values).collect::<Option<_>>()?;
    let slices: Vec<&[i64]> = inputs.iter().map(Vec::as_slice).collect();
    movement::movement(op, &slices, &shapes, output, 0).map(Data::I64)
}

/// The operands of a node among the values of a frame.
///
/// # Errors
/// [`Error::MissingValue`] for one that is not there yet.
pub fn operands<'a>(graph: &Graph, node: &Node, values: &'a [Option<Value>]) -> Result<Vec<&'a Value>, Error> {
    let inputs = node.inputs.iter();
    inputs.map(|id| values[id.0].as_ref().ok_or_else(|| missing(graph, *id))).collect()
}

fn missing(graph: &Graph, id: TensorId) -> Error {
    let tensor = graph.tensor(id);
    Error::Type {
        value: tensor.name.clone(),
        found: format!("{:?}", tensor.dtype),
        expected: "a computed 8-bit or float tensor".into(),
    }
}

/// Checks number, type and length of a frame's inputs.
///
/// # Errors
/// [`Error::Input`] names the first input that does not fit.
pub fn check_inputs(graph: &Graph, inputs: &[Value]) -> Result<(), Error> {
    if inputs.len() != graph.inputs.len() {
        let detail = format!("is one of {} given, but the model has {}", inputs.len(), graph.inputs.len());
        let name = graph.inputs.first().map_or(String::new(), |id| graph.tensor(*id).name.clone());
        return Err(Error::Input { index: 0, name, detail });
    }
    for (index, (id, value)) in graph.inputs.iter().zip(inputs).enumerate() {
        let tensor = graph.tensor(*id);
        let fits = matches!((tensor.dtype, value), (DType::I8, Value::I8(_)) | (DType::F32, Value::F32(_)));
        if !fits || value.len() != tensor.elements() {
            let found = if matches!(value, Value::I8(_)) { "8-bit" } else { "float" };
            let detail = format!(
                "is {} {found} values, but the model needs {} of type {:?} (shape {:?})",
                value.len(),
                tensor.elements(),
                tensor.dtype,
                tensor.shape
            );
            return Err(Error::Input { index, name: tensor.name.clone(), detail });
        }
    }
    Ok(())
}
