//! Operator-oriented quantised nodes: `QLinearConv`, `QLinearMatMul` and com.microsoft's.

use super::attributes::{average_window, int, invalid, real, window, windowed_shape};
use super::context::{Context, Output, unsupported};
use super::movement::{broadcast_both, volume};
use super::proto::NodeProto;
use super::shapes::view;
use crate::error::Error;
use crate::graph::{Data, TensorId};
use crate::op::{Op, Window};
use crate::quantised::{self, LinearParts, dense_bias, dense_weights};

fn not_8_bit(context: &Context, node: &NodeProto, index: usize) -> Error {
    match context.constant(node, index, "the weights") {
        Err(error) => error,
        Ok(tensor) => Error::Type {
            value: tensor.name.clone(),
            found: format!("{:?} of shape {:?}", tensor.dtype, tensor.shape),
            expected: "an 8-bit weight tensor".into(),
        },
    }
}

pub fn conv(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let (x, x_unsigned) = context.quant(node, 1, 2)?;
    let (y, y_unsigned) = context.quant(node, 6, 7)?;
    let weight_scales = context.scales(node, 4)?;
    let (weight_zero_points, _) = context.zero_points(node, 5)?;
    let input = context.activation(node, 0, x_unsigned)?;
    let bias = match context.optional(node, 8)? {
        None => None,
        Some(_) => match &context.constant(node, 8, "the bias")?.data {
            Some(Data::I32(values)) => Some(values.clone()),
            _ => {
                return Err(unsupported(node, "its bias is not int32: quantise the model again"));
            }
        },
    };
    let weights = context.constant(node, 3, "the weights")?;
    let Some(Data::I8(values)) = &weights.data else {
        return Err(not_8_bit(context, node, 3));
    };
    let shape = context.tensor(input).shape.clone();
    let groups = conv_groups(node, &shape, &weights.shape)?;
    let oihw = oihw(node, &weights.shape)?;
    let window = window(node, &shape, Some([oihw[2], oihw[3]]))?;
    let parts = LinearParts {
        node: super::context::title(node),
        x,
        y,
        weights: values.clone(),
        shape: oihw,
        weight_scales,
        weight_zero_points,
        bias,
        alpha: 1.0,
        window,
        groups,
    };
    let output = windowed_shape(node, &window, &shape, oihw[0])?;
    charge_linear(context, &output, &oihw)?;
    let op = Op::Conv(Box::new(parts.build()?));
    context.push(node, op, vec![input], Output::quantised(output, y, y_unsigned))
}

/// Counts the multiply-accumulates of a layer.
pub fn charge_linear(context: &mut Context, output: &[usize], weights: &[usize; 4]) -> Result<(), Error> {
    context.charge(volume(output).saturating_mul(volume(&weights[1..])))
}

/// Weight shape as OIHW; 1-D kernels get height 1.
pub fn oihw(node: &NodeProto, shape: &[usize]) -> Result<[usize; 4], Error> {
    let oihw = match *shape {
        [o, i, w] => [o, i, 1, w],
        [o, i, h, w] => [o, i, h, w],
        _ => {
            return Err(unsupported(
                node,
                &format!("its weights have shape {shape:?}: only 1-D and 2-D convolutions run here"),
            ));
        }
    };
    if oihw.contains(&0) {
        return Err(unsupported(node, &format!("its weights have shape {shape:?}: a dimension is empty")));
    }
    Ok(oihw)
}

/// The number of groups, checked against input and weights.
pub fn conv_groups(node: &NodeProto, input: &[usize], weights: &[usize]) -> Result<usize, Error> {
    let groups = int(node, "group", 1);
    let fits = |groups: usize| {
        let (channels, outputs, each) = (input.get(1)?, weights.first()?, weights.get(1)?);
        (groups > 0 && each.checked_mul(groups)? == *channels && outputs % groups == 0 && input.len() == weights.len())
            .then_some(groups)
    };
    usize::try_from(groups).ok().and_then(fits).ok_or_else(|| {
        invalid(
            node,
            "group",
            format!("is {groups}, which does not fit input {input:?} and weights {weights:?}: export the model again"),
        )
    })
}

/// Rows, and the length of each, that a dense layer reads.
pub fn rows(node: &NodeProto, shape: &[usize]) -> Result<[usize; 2], Error> {
    match shape.split_last() {
        Some((&length, rest)) if !rest.is_empty() => Ok([rest.iter().product(), length]),
        _ => Err(unsupported(node, &format!("its input has shape {shape:?}: it needs rows and columns"))),
    }
}

/// Shared by the two dense operators: indices of the inputs, and what `QGemm` adds.
struct Dense {
    quant_a: [usize; 2],
    b: usize,
    quant_b: [usize; 2],
    bias: Option<usize>,
    quant_y: [usize; 2],
    trans_b: bool,
    alpha: f32,
}

fn dense(context: &mut Context, node: &NodeProto, dense: &Dense) -> Result<(), Error> {
    let (x, x_unsigned) = context.quant(node, dense.quant_a[0], dense.quant_a[1])?;
    let (y, y_unsigned) = context.quant(node, dense.quant_y[0], dense.quant_y[1])?;
    let input = context.activation(node, 0, x_unsigned)?;
    let matrix = context.constant(node, dense.b, "the weights")?;
    let (weights, shape) = dense_weights(matrix, dense.trans_b).ok_or_else(|| not_8_bit(context, node, dense.b))?;
    let old = context.tensor(input).shape.clone();
    let [rows, length] = rows(node, &old)?;
    if length != shape[1] || shape.contains(&0) {
        let detail = format!("multiplies {length} inputs by a matrix for {}: export the model again", shape[1]);
        return Err(Error::Shape { value: super::context::title(node), detail });
    }
    let bias = match dense.bias.map(|index| context.optional(node, index)) {
        None | Some(Ok(None)) => None,
        Some(Err(error)) => return Err(error),
        Some(Ok(Some(id))) => {
            let bias = context.tensor(id);
            Some(dense_bias(bias, shape[0]).ok_or_else(|| Error::Type {
                value: bias.name.clone(),
                found: format!("{:?} of shape {:?}", bias.dtype, bias.shape),
                expected: format!("a constant int32 bias of {} values", shape[0]),
            })?)
        }
    };
    let parts = LinearParts {
        node: super::context::title(node),
        x,
        y,
        weights,
        shape,
        weight_scales: context.scales(node, dense.quant_b[0])?,
        weight_zero_points: context.zero_points(node, dense.quant_b[1])?.0,
        bias,
        alpha: dense.alpha,
        window: Window::of([1, 1]),
        groups: 1,
    };
    let mut output = old;
    if let Some(last) = output.last_mut() {
        *last = shape[0];
    }
    charge_linear(context, &output, &shape)?;
    let layer = Box::new(parts.build()?);
    let result = |shape: Vec<usize>| Output::quantised(shape, y, y_unsigned);
    if rows == 1 {
        return one_row(context, node, Op::Dense(layer), vec![input], output, result);
    }
    over_rows(context, node, Op::Conv(layer), vec![input], output, result)
}

/// A dense layer over one row, the first of `inputs`, whatever their rank: it is a matrix of one row for the layer. `result` makes
/// outputs of a shape.
pub fn one_row(
    context: &mut Context,
    node: &NodeProto,
    layer: Op,
    mut inputs: Vec<TensorId>,
    output: Vec<usize>,
    result: impl Fn(Vec<usize>) -> Output,
) -> Result<(), Error> {
    if output.len() == 2 {
        return context.push(node, layer, inputs, result(output));
    }
    let length = context.tensor(inputs[0]).elements();
    inputs[0] = view(context, node, inputs[0], vec![1, length])?;
    let outputs = output.last().copied().unwrap_or(1);
    let row = context.push_inner(node, layer, inputs, result(vec![1, outputs]))?;
    context.push(node, Op::Reshape, vec![row], result(output))
}

/// A dense layer over several rows, the first of `inputs`: they are the pixels of a picture one row high, and the layer is a
/// convolution with kernel 1 over it. `result` makes outputs of a shape.
pub fn over_rows(
    context: &mut Context,
    node: &NodeProto,
    layer: Op,
    mut inputs: Vec<TensorId>,
    output: Vec<usize>,
    result: impl Fn(Vec<usize>) -> Output,
) -> Result<(), Error> {
    let ends = |shape: &[usize]| shape.split_last().map_or((1, 1), |(&last, rest)| (rest.iter().product(), last));
    let ((rows, length), (_, outputs)) = (ends(&context.tensor(inputs[0]).shape), ends(&output));
    let pixels = view(context, node, inputs[0], vec![1, rows, length])?;
    let turned = Output::like(context.tensor(pixels), vec![1, length, rows]);
    inputs[0] = context.push_inner(node, Op::Transpose(vec![0, 2, 1]), vec![pixels], turned)?;
    let convolved = context.push_inner(node, layer, inputs, result(vec![1, outputs, rows]))?;
    let turned = result(vec![1, rows, outputs]);
    let last = context.push_inner(node, Op::Transpose(vec![0, 2, 1]), vec![convolved], turned)?;
    context.push(node, Op::Reshape, vec![last], result(output))
}

pub fn mat_mul(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let operands =
        Dense { quant_a: [1, 2], b: 3, quant_b: [4, 5], bias: None, quant_y: [6, 7], trans_b: false, alpha: 1.0 };
    let b = context.tensor(context.required(node, 3)?);
    if b.data.is_some() && b.shape.len() <= 2 { dense(context, node, &operands) } else { mat_mul_of_two(context, node) }
}

/// A product of two stacks of matrices.
fn mat_mul_of_two(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let (a, a_unsigned) = context.quant(node, 1, 2)?;
    let (b, b_unsigned) = context.quant(node, 4, 5)?;
    let (y, unsigned) = context.quant(node, 6, 7)?;
    let inputs = [context.activation(node, 0, a_unsigned)?, context.activation(node, 3, b_unsigned)?];
    let shape = mat_mul_shape(context, node, inputs)?;
    let op = quantised::mat_mul(&super::context::title(node), a, b, y)?;
    // The operator counts channels first, where a result's rows and columns have changed places.
    context.push(node, op, vec![inputs[1], inputs[0]], Output::quantised(shape, y, unsigned))
}

/// The shape of a product of two stacks of matrices.
pub fn mat_mul_shape(context: &mut Context, node: &NodeProto, inputs: [TensorId; 2]) -> Result<Vec<usize>, Error> {
    let shapes = inputs.map(|id| context.tensor(id).shape.clone());
    let (Some((stack_a, &[rows, inner])), Some((stack_b, &[inner_b, columns]))) =
        (shapes[0].split_last_chunk::<2>(), shapes[1].split_last_chunk::<2>())
    else {
        return Err(unsupported(node, "it multiplies by a vector: give it a matrix of one row or column"));
    };
    if inner != inner_b {
        let detail = format!("multiplies shapes {:?} and {:?}: export the model again", shapes[0], shapes[1]);
        return Err(Error::Shape { value: super::context::title(node), detail });
    }
    let one = |stack: &[usize]| stack.iter().all(|&size| size == 1);
    let stack = match (stack_a == stack_b, one(stack_a), one(stack_b)) {
        (true, ..) => stack_a,
        (_, _, true) if stack_b.len() <= stack_a.len() => stack_a,
        (_, true, _) if stack_a.len() <= stack_b.len() => stack_b,
        _ => {
            let why = format!(
                "it multiplies a stack {stack_a:?} of matrices by a stack {stack_b:?}: one of them must be a single matrix, or both equal"
            );
            return Err(unsupported(node, &why));
        }
    };
    let output = [stack, &[rows, columns]].concat();
    charge_linear(context, &output, &[columns, inner, 1, 1])?;
    Ok(output)
}

pub fn gemm(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    if int(node, "transA", 0) != 0 {
        return Err(invalid(node, "transA", "is 1: transpose the input in the model".into()));
    }
    if context.optional(node, 7)?.is_none() {
        return Err(unsupported(node, "it has no output scale, so its output is float: quantise the output as well"));
    }
    let operands = Dense {
        quant_a: [1, 2],
        b: 3,
        quant_b: [4, 5],
        bias: Some(6),
        quant_y: [7, 8],
        trans_b: int(node, "transB", 0) != 0,
        alpha: real(node, "alpha", 1.0),
    };
    dense(context, node, &operands)
}

pub fn add(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let (a, a_unsigned) = context.quant(node, 1, 2)?;
    let (b, b_unsigned) = context.quant(node, 4, 5)?;
    let (y, unsigned) = context.quant(node, 6, 7)?;
    let inputs = [context.activation(node, 0, a_unsigned)?, context.activation(node, 3, b_unsigned)?];
    one_signedness(node, [a_unsigned, b_unsigned, unsigned])?;
    let (inputs, shape) = broadcast_both(context, node, inputs)?;
    let op = Op::Add(quantised::add(a, b, y, unsigned));
    context.push(node, op, inputs, Output::quantised(shape, y, unsigned))
}

/// Refuses operands of different 8-bit types.
pub fn one_signedness(node: &NodeProto, [a, b, y]: [bool; 3]) -> Result<(), Error> {
    if a == y && b == y {
        return Ok(());
    }
    Err(unsupported(node, "it mixes int8 and uint8: quantise the model with one activation type"))
}

/// Refuses NHWC pools.
fn channels_first(node: &NodeProto) -> Result<(), Error> {
    if int(node, "channels_last", 0) == 0 {
        return Ok(());
    }
    Err(invalid(node, "channels_last", "is 1: save the model before the runtime's layout optimisation".into()))
}

pub fn average_pool(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    channels_first(node)?;
    let (x, x_unsigned) = context.quant(node, 1, 2)?;
    let (y, unsigned) = context.quant(node, 3, 4)?;
    let input = context.activation(node, 0, x_unsigned)?;
    let shape = context.tensor(input).shape.clone();
    let window = average_window(node, &shape)?;
    let output = windowed_shape(node, &window, &shape, shape[1])?;
    charge_linear(context, &output, &[1, 1, window.kernel[0], window.kernel[1]])?;
    let include = int(node, "count_include_pad", 0) != 0;
    let op = quantised::average(&super::context::title(node), window, include, x, y, unsigned, &shape[2..])?;
    context.push(node, op, vec![input], Output::quantised(output, y, unsigned))
}

pub fn global_average_pool(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    channels_first(node)?;
    let (x, x_unsigned) = context.quant(node, 1, 2)?;
    let (y, unsigned) = context.quant(node, 3, 4)?;
    let input = context.activation(node, 0, x_unsigned)?;
    let shape = context.tensor(input).shape.clone();
    super::attributes::spatial_rank(node, &shape)?;
    let pixels = shape[2..].iter().product();
    let pool = quantised::global_average_pool(&super::context::title(node), x, y, pixels)?;
    context.charge(shape.iter().map(|&d| d as u64).product())?;
    let output = shape.iter().enumerate().map(|(axis, &d)| if axis < 2 { d } else { 1 }).collect();
    context.push(node, Op::GlobalAveragePool(pool), vec![input], Output::quantised(output, y, unsigned))
}
