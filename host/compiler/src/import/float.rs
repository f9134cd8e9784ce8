//! Operators that ONNX defines on real numbers: the inside of QDQ patterns, and those that also run on int8.

use super::attributes::{average_window, int, invalid, pool_window, real, spatial_rank, window, windowed_shape};
use super::constants::is_8_bit;
use super::context::{Context, Output, title, unsupported};
use super::movement::{broadcast_both, volume};
use super::proto::{NodeProto, elem};
use super::qoperator::{charge_linear, conv_groups, mat_mul_shape, oihw, one_row, over_rows, rows};
use crate::error::Error;
use crate::graph::{DType, Data, Quant, TensorId};
use crate::op::{Affine, Clamp, FloatOp, MaxPool, Op, Rounding};

/// A run-time input that must be real.
pub fn real_input(context: &Context, node: &NodeProto, index: usize) -> Result<TensorId, Error> {
    let id = context.required(node, index)?;
    let tensor = context.tensor(id);
    if tensor.dtype == DType::F32 {
        return Ok(id);
    }
    let found = format!("{:?}", tensor.dtype);
    let expected = format!("a float input for {}", node.op_type);
    Err(Error::Type { value: tensor.name.clone(), found, expected })
}

pub fn quantize(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = real_input(context, node, 0)?;
    let (mut zero_points, mut unsigned) = context.zero_points(node, 2)?;
    if context.optional(node, 2)?.is_none() && int(node, "output_dtype", 0) != 0 {
        (zero_points, unsigned) = match int(node, "output_dtype", 0) as i32 {
            elem::INT8 => (vec![0], false),
            elem::UINT8 => (vec![-128], true),
            other => {
                return Err(unsupported(
                    node,
                    &format!("its output is {}: quantise to int8 or uint8", elem::name(other)),
                ));
            }
        };
    }
    let scales = context.scales(node, 1)?;
    if zero_points.len() == 1 {
        zero_points = vec![zero_points[0]; scales.len()];
    }
    if zero_points.iter().any(|zero_point| !(-128..=127).contains(zero_point)) {
        return Err(unsupported(node, "its output is not 8 bits wide: quantise to int8 or uint8"));
    }
    let shape = context.tensor(input).shape.clone();
    let axis = scale_axis(node, &shape, &scales, &zero_points)?;
    let quant = (scales.len() == 1).then(|| Quant { scale: scales[0], zero_point: zero_points[0] });
    let output = Output { shape, dtype: DType::I8, unsigned, quant };
    let op = Op::Quantize(Affine { scales, zero_points, axis, rounding: Rounding::HalfEven });
    context.push(node, op, vec![input], output)
}

/// The dimension along which scales go, 0 for a single one.
fn scale_axis(node: &NodeProto, shape: &[usize], scales: &[f32], zero_points: &[i32]) -> Result<usize, Error> {
    if scales.len() == 1 && zero_points.len() == 1 {
        return Ok(0);
    }
    let along = super::shapes::axis(node, int(node, "axis", 1), shape.len())?;
    if shape[along] == scales.len() && zero_points.len() == scales.len() && int(node, "block_size", 0) == 0 {
        return Ok(along);
    }
    Err(unsupported(
        node,
        "its scales do not match the dimension they belong to: use per-tensor or per-channel quantisation",
    ))
}

pub fn dequantize(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let tensor = context.tensor(input);
    if !matches!(tensor.dtype, DType::I8 | DType::I32) {
        let expected = "an int8, uint8 or int32 tensor to dequantise".into();
        return Err(Error::Type { value: tensor.name.clone(), found: format!("{:?}", tensor.dtype), expected });
    }
    let (unsigned, shape, dtype) = (tensor.unsigned, tensor.shape.clone(), tensor.dtype);
    let scales = context.scales(node, 1)?;
    let mut zero_points = match (context.optional(node, 2)?, dtype) {
        (None, DType::I8) => vec![if unsigned { -128 } else { 0 }],
        (None, _) => vec![0],
        (Some(id), _) => {
            let found = context.tensor(id);
            if found.dtype != dtype || found.unsigned != unsigned {
                let (value, found) = (found.name.clone(), format!("{:?}", found.dtype));
                return Err(Error::Type { value, found, expected: "a zero point of the tensor's own type".into() });
            }
            context.zero_points(node, 2)?.0
        }
    };
    if zero_points.len() == 1 {
        zero_points = vec![zero_points[0]; scales.len()];
    }
    let along = scale_axis(node, &shape, &scales, &zero_points)?;
    let op = Op::Dequantize(Affine { scales, zero_points, axis: along, rounding: Rounding::HalfEven });
    context.push(node, op, vec![input], Output::real(shape))
}

pub fn conv(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let mut inputs = vec![real_input(context, node, 0)?, real_input(context, node, 1)?];
    inputs.extend(context.optional(node, 2)?);
    let (shape, weights) = (context.tensor(inputs[0]).shape.clone(), context.tensor(inputs[1]).shape.clone());
    let groups = conv_groups(node, &shape, &weights)?;
    let oihw = oihw(node, &weights)?;
    let window = window(node, &shape, Some([oihw[2], oihw[3]]))?;
    let output = windowed_shape(node, &window, &shape, oihw[0])?;
    charge_linear(context, &output, &oihw)?;
    context.push(node, Op::Float(FloatOp::Conv { window, groups }), inputs, Output::real(output))
}

pub fn gemm(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    if int(node, "transA", 0) != 0 {
        return Err(invalid(node, "transA", "is 1: transpose the input in the model".into()));
    }
    let (alpha, beta) = (real(node, "alpha", 1.0), real(node, "beta", 1.0));
    dense(context, node, alpha, beta, int(node, "transB", 0) != 0)
}

pub fn mat_mul(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let inputs = [real_input(context, node, 0)?, real_input(context, node, 1)?];
    if context.tensor(inputs[1]).shape.len() <= 2 && context.derives_from_constants(inputs[1]) {
        return dense(context, node, 1.0, 1.0, false);
    }
    let shape = mat_mul_shape(context, node, inputs)?;
    context.push(node, Op::Float(FloatOp::MatMul), inputs.to_vec(), Output::real(shape))
}

fn dense(context: &mut Context, node: &NodeProto, alpha: f32, beta: f32, trans_b: bool) -> Result<(), Error> {
    let mut inputs = vec![real_input(context, node, 0)?, real_input(context, node, 1)?];
    inputs.extend(context.optional(node, 2)?);
    let mut output = context.tensor(inputs[0]).shape.clone();
    let [rows_in, length] = rows(node, &output)?;
    let [rows, columns] = *context.tensor(inputs[1]).shape.as_slice() else {
        return Err(unsupported(node, "its second input is not a matrix: only rows times a constant matrix run here"));
    };
    let (k, n) = if trans_b { (columns, rows) } else { (rows, columns) };
    if k != length {
        let detail = format!("multiplies {length} inputs by a matrix for {k}: export the model again");
        return Err(Error::Shape { value: title(node), detail });
    }
    if let Some(last) = output.last_mut() {
        *last = n;
    }
    charge_linear(context, &output, &[n, k, 1, 1])?;
    let op = Op::Float(FloatOp::Gemm { alpha, beta, trans_b });
    if rows_in == 1 {
        return one_row(context, node, op, inputs, output, Output::real);
    }
    over_rows(context, node, op, inputs, output, Output::real)
}

/// An operator of two real tensors that broadcast.
pub fn binary(context: &mut Context, node: &NodeProto, op: FloatOp) -> Result<(), Error> {
    let inputs = [real_input(context, node, 0)?, real_input(context, node, 1)?];
    if node.input.len() > 2 {
        return Err(unsupported(node, "it has more than two inputs: chain operators of two"));
    }
    let (inputs, shape) = broadcast_both(context, node, inputs)?;
    context.push(node, Op::Float(op), inputs, Output::real(shape))
}

/// `HardSigmoid`'s parameters.
pub fn hard_sigmoid(node: &NodeProto) -> FloatOp {
    FloatOp::HardSigmoid { alpha: real(node, "alpha", 0.2), beta: real(node, "beta", 0.5) }
}

/// An operator of one real tensor.
pub fn unary(context: &mut Context, node: &NodeProto, op: FloatOp) -> Result<(), Error> {
    let input = real_input(context, node, 0)?;
    let shape = context.tensor(input).shape.clone();
    context.charge(volume(&shape))?;
    context.push(node, Op::Float(op), vec![input], Output::real(shape))
}

/// A power, of which the runtime computes squares and cubes by products.
pub fn power(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    match context.real(node, 1, "an exponent")? {
        Some(2.0) => unary(context, node, FloatOp::Square),
        Some(3.0) => unary(context, node, FloatOp::Cube),
        _ => Err(unsupported(node, "its exponent is not the constant 2 or 3: replace the node")),
    }
}

/// Folds what it knows of each channel into a scale and a bias, in the order and precision of the runtime.
pub fn batch_normalise(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    if int(node, "training_mode", 0) != 0 {
        return Err(invalid(node, "training_mode", "is 1: export the model for inference".into()));
    }
    let input = real_input(context, node, 0)?;
    let shape = context.tensor(input).shape.clone();
    let channels = shape.get(1).copied().unwrap_or(1);
    let parameter = |index: usize| {
        let values = context.reals(node, index, "a parameter of each channel")?;
        values.filter(|values| values.len() == channels).ok_or_else(|| {
            let name = node.input.get(index).cloned().unwrap_or_default();
            Error::Shape { value: name, detail: format!("does not hold {channels} reals, one for each channel") }
        })
    };
    let [scales, biases, means, variances] = [parameter(1)?, parameter(2)?, parameter(3)?, parameter(4)?];
    let epsilon = real(node, "epsilon", 1e-5);
    let scales: Vec<f32> = scales.iter().zip(&variances).map(|(s, v)| s * (1.0 / (v + epsilon).sqrt())).collect();
    let biases = biases.iter().zip(means.iter().zip(&scales)).map(|(bias, (mean, scale))| bias - mean * scale);
    let op = FloatOp::BatchNormalise { biases: biases.collect(), scales };
    unary(context, node, op)
}

pub fn relu(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let tensor = context.tensor(input);
    let output = Output::like(tensor, tensor.shape.clone());
    let op = match tensor.dtype {
        // On raw integers ReLU compares with 0 as stored, whatever the zero point is.
        DType::I8 if tensor.unsigned => Op::Clamp(Clamp::FULL),
        DType::I8 => Op::Clamp(Clamp { min: 0, max: i8::MAX }),
        _ => {
            real_input(context, node, 0)?;
            Op::Float(FloatOp::Relu)
        }
    };
    context.push(node, op, vec![input], output)
}

pub fn clip(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let tensor = context.tensor(input);
    let output = Output::like(tensor, tensor.shape.clone());
    let op = if is_8_bit(tensor) {
        let bound = |index: usize, default: i8| match context.optional(node, index)? {
            None => Ok(default),
            Some(_) => match &context.constant(node, index, "a bound")?.data {
                Some(Data::I8(values)) if values.len() == 1 => Ok(values[0]),
                _ => Err(unsupported(node, "a bound is not one 8-bit constant: export the model again")),
            },
        };
        let (min, max) = (bound(1, i8::MIN)?, bound(2, i8::MAX)?);
        Op::Clamp(Clamp { min: min.min(max), max })
    } else {
        real_input(context, node, 0)?;
        let bound = |index: usize, attribute: &str, default: f32| match context.optional(node, index)? {
            None => Ok(real(node, attribute, default)),
            Some(_) => context
                .real(node, index, "a bound")?
                .ok_or_else(|| unsupported(node, "a bound is not one float constant: export the model again")),
        };
        let (min, max) = (bound(1, "min", f32::NEG_INFINITY)?, bound(2, "max", f32::INFINITY)?);
        if min.is_nan() || max.is_nan() {
            return Err(unsupported(node, "a bound is not a number: export the model again"));
        }
        Op::Float(FloatOp::Clip { min: min.min(max), max })
    };
    context.push(node, op, vec![input], output)
}

pub fn max_pool(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let shape = context.tensor(input).shape.clone();
    if !matches!(context.tensor(input).dtype, DType::I8 | DType::F32) {
        real_input(context, node, 0)?;
    }
    let window = pool_window(node, &shape)?;
    let output = windowed_shape(node, &window, &shape, shape[1])?;
    charge_linear(context, &output, &[1, 1, window.kernel[0], window.kernel[1]])?;
    let output = Output::like(context.tensor(input), output);
    context.push(node, Op::MaxPool(MaxPool { window, clamp: Clamp::FULL }), vec![input], output)
}

pub fn average_pool(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = real_input(context, node, 0)?;
    let shape = context.tensor(input).shape.clone();
    let window = average_window(node, &shape)?;
    let output = windowed_shape(node, &window, &shape, shape[1])?;
    charge_linear(context, &output, &[1, 1, window.kernel[0], window.kernel[1]])?;
    let count_include_pad = int(node, "count_include_pad", 0) != 0;
    let op = Op::Float(FloatOp::AveragePool { window, count_include_pad });
    context.push(node, op, vec![input], Output::real(output))
}

pub fn global_average_pool(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = real_input(context, node, 0)?;
    let shape = context.tensor(input).shape.clone();
    spatial_rank(node, &shape)?;
    context.charge(shape.iter().map(|&d| d as u64).product())?;
    let output = shape.iter().enumerate().map(|(axis, &d)| if axis < 2 { d } else { 1 }).collect();
    context.push(node, Op::Float(FloatOp::GlobalAveragePool), vec![input], Output::real(output))
}

/// Softmax, or its logarithm.
pub fn softmax(context: &mut Context, node: &NodeProto, log: bool) -> Result<(), Error> {
    let input = real_input(context, node, 0)?;
    let shape = context.tensor(input).shape.clone();
    let default = if context.opset < 13 { 1 } else { -1 };
    let axis = super::shapes::axis(node, int(node, "axis", default), shape.len())?;
    // Operator sets before 13 flatten everything after the axis; both readings agree where that is of length 1.
    if shape[axis + 1..].iter().any(|&dim| dim != 1) {
        return Err(invalid(
            node,
            "axis",
            format!("is {axis} of {shape:?}: only the last dimension runs here, transpose first"),
        ));
    }
    context.charge(shape.iter().map(|&d| d as u64).product())?;
    context.push(node, Op::Softmax { axis, log }, vec![input], Output::real(shape))
}
