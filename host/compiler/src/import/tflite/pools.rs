//! Pools and means.

use super::functions::multiplier;
use super::importer::{Importer, Node};
use super::layout::graph_axis;
use super::windows::{Slots, activation, extent, output_shape, picture, window};
use crate::error::Error;
use crate::graph::{Quant, TensorId};
use crate::op::{AveragePool, MaxPool, Mean, MeanRule, Op, Window};
use crate::reference::quantise_multiplier;

/// A pool's operand, window, output shape and output quantisation. The runtime pools raw values, so input and output must mean the same.
fn pool(importer: &mut Importer, node: &Node) -> Result<(TensorId, Window, Vec<usize>, Quant), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    let y = importer.declared(node.output(0)?)?.quant()?;
    if x != y {
        return Err(node.unsupported("its input and output are quantised differently: quantise them alike"));
    }
    let chw = picture(importer, node, input)?;
    let kernel = [extent(node, 4, 0)?, extent(node, 3, 0)?];
    let slots = Slots { padding: 0, stride: [2, 1], dilation: None };
    let window = window(node, &slots, kernel, chw)?;
    let shape = output_shape(node, &window, chw[0], chw)?;
    let outputs: u64 = shape.iter().map(|&d| d as u64).product();
    importer.charge(outputs.saturating_mul((kernel[0] * kernel[1]) as u64))?;
    Ok((input, window, shape, y))
}

/// `MAX_POOL_2D`.
pub fn max(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, window, shape, y) = pool(importer, node)?;
    let clamp = activation(node, node.option(5, 0)?, y)?;
    importer.emit(node, Op::MaxPool(MaxPool { window, clamp }), vec![input], 0, shape)
}

/// `AVERAGE_POOL_2D`.
pub fn average(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let (input, window, shape, y) = pool(importer, node)?;
    let clamp = activation(node, node.option(5, 0)?, y)?;
    let offset = crate::quantised::offset(importer.graph.tensor(input).unsigned);
    let op = AveragePool { window, count_include_pad: false, rule: MeanRule::A, x: y, y, offset, clamp, chip: None };
    importer.emit(node, Op::AveragePool(op), vec![input], 0, shape)
}

/// What a mean and a sum read: the operand, its meaning, its shape and the axes in the file's order.
struct Reduction {
    input: TensorId,
    x: Quant,
    file: Vec<usize>,
    axes: Vec<usize>,
    /// Values that become one.
    count: usize,
}

impl Reduction {
    fn read(importer: &mut Importer, node: &Node) -> Result<Self, Error> {
        let (input, x) = importer.quantised(node, 0)?;
        let file = importer.file_shape(input);
        let axes = axes(node, &importer.integers(node, 1, "its axes")?, file.len())?;
        let count: usize = axes.iter().map(|&axis| file[axis]).product();
        if count == 0 || count > 1 << 22 {
            let reason = format!("it takes {count} values together: 1 to {} run here", 1 << 22);
            return Err(node.unsupported(reason));
        }
        importer.charge(file.iter().map(|&d| d as u64).product())?;
        Ok(Self { input, x, file, axes, count })
    }

    /// Emits the operator, whose sums are scaled by a mantissa and a left shift, and a view without the axes where the file
    /// keeps none of them.
    fn emit(
        self,
        importer: &mut Importer,
        node: &Node,
        y: Quant,
        (multiplier, shift): (i32, i32),
    ) -> Result<(), Error> {
        let Self { input, x, file, axes, .. } = self;
        let mut inside: Vec<usize> = axes.iter().map(|&axis| graph_axis(axis, file.len())).collect();
        inside.sort_unstable();
        let op = Op::Mean(Mean {
            axes: inside,
            x_zero_point: x.zero_point,
            y_zero_point: y.zero_point,
            multiplier,
            shift,
            clamp: crate::op::Clamp::FULL,
        });
        let sizes = file.iter().enumerate();
        let kept: Vec<usize> = sizes.clone().map(|(axis, &d)| if axes.contains(&axis) { 1 } else { d }).collect();
        let shape = super::layout::graph_shape(&kept);
        if node.option(0, false)? {
            return importer.emit(node, op, vec![input], 0, shape);
        }
        let meaning = importer.declared(node.output(0)?)?.meaning()?;
        let reduced = importer.step(node, op, vec![input], shape, meaning)?;
        let left: Vec<usize> = sizes.filter(|(axis, _)| !axes.contains(axis)).map(|(_, &d)| d).collect();
        importer.emit_view(node, reduced, 0, &left)
    }
}

/// `MEAN`.
pub fn mean(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let reduction = Reduction::read(importer, node)?;
    let (x, y) = (reduction.x, importer.declared(node.output(0)?)?.quant()?);
    let scale = scaled_down(x, y, reduction.count);
    reduction.emit(importer, node, y, scale)
}

/// `SUM` of uint8: a mean that nothing divides.
pub fn sum(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let reduction = Reduction::read(importer, node)?;
    let output = importer.declared(node.output(0)?)?;
    let (x, y) = (reduction.x, output.quant()?);
    if !output.unsigned() || !importer.graph.tensor(reduction.input).unsigned {
        return Err(node.unsupported("it adds up int8 values, which the reference kernels read as uint8: use a mean"));
    }
    if x == y {
        return Err(node.unsupported("its input and output are quantised alike, where the runtime's sums wrap"));
    }
    let (multiplier, shift) = multiplier(node, f64::from(x.scale) / f64::from(y.scale))?;
    // The runtime shifts a sum to the left in 32 bits.
    if (reduction.count as u64 * 255) << shift.max(0) >= 1 << 31 {
        return Err(node.unsupported("its sums leave the runtime's integers: quantise the model again"));
    }
    reduction.emit(importer, node, y, (multiplier, shift))
}

/// `REDUCE_MAX` and `REDUCE_MIN` over height and width, or one of them. The least value is the greatest of all values turned over.
pub fn reduce_extreme(importer: &mut Importer, node: &Node, greatest: bool) -> Result<(), Error> {
    let (input, x) = importer.quantised(node, 0)?;
    if x != importer.declared(node.output(0)?)?.quant()? {
        return Err(node.unsupported("its input and output are quantised differently: quantise them alike"));
    }
    let [channels, height, width] = picture(importer, node, input)?;
    let file = importer.file_shape(input);
    let axes = axes(node, &importer.integers(node, 1, "its axes")?, file.len())?;
    if axes.is_empty() || axes.iter().any(|axis| !(1..3).contains(axis)) {
        return Err(
            node.unsupported(format!("it takes the extreme over axes {axes:?}: only height and width run here"))
        );
    }
    let along = |axis: usize, size: usize| if axes.contains(&axis) { size } else { 1 };
    let kernel = [along(1, height), along(2, width)];
    importer.charge(file.iter().map(|&d| d as u64).product())?;
    let meaning = importer.declared(node.output(0)?)?.meaning()?;
    let turned = Op::Table(Box::new(std::array::from_fn(|at| 127 - at as i32).map(|q| q as i8)));
    let mut reduced = input;
    if !greatest {
        let shape = importer.graph.tensor(input).shape.clone();
        reduced = importer.step(node, turned.clone(), vec![input], shape, meaning)?;
    }
    let shape = vec![1, channels, height / kernel[0], width / kernel[1]];
    let op = Op::MaxPool(MaxPool { window: Window::of(kernel), clamp: crate::op::Clamp::FULL });
    let keep = node.option(0, false)?;
    if keep && greatest {
        return importer.emit(node, op, vec![reduced], 0, shape);
    }
    reduced = importer.step(node, op, vec![reduced], shape.clone(), meaning)?;
    if keep {
        return importer.emit(node, turned, vec![reduced], 0, shape);
    }
    if !greatest {
        reduced = importer.step(node, turned, vec![reduced], shape, meaning)?;
    }
    let left: Vec<usize> = file.iter().enumerate().filter(|(axis, _)| !axes.contains(axis)).map(|(_, &d)| d).collect();
    importer.emit_view(node, reduced, 0, &left)
}

/// The multiplier of a sum of `count` values: that of the scales, divided in integers with as many more bits as fit.
fn scaled_down(x: Quant, y: Quant, count: usize) -> (i32, i32) {
    let (multiplier, shift) = quantise_multiplier(f64::from(x.scale) / f64::from(y.scale));
    let bits = (63 - (count as u64).leading_zeros() as i32).min(32).min(31 + shift).max(0);
    (((i64::from(multiplier) << bits) / count as i64) as i32, shift - bits)
}

/// Resolves axes that may count from the end; each once.
pub fn axes(node: &Node, values: &[i64], rank: usize) -> Result<Vec<usize>, Error> {
    let mut axes = Vec::with_capacity(values.len().min(rank));
    for &value in values {
        let axis = axis(node, value, rank)?;
        if !axes.contains(&axis) {
            axes.push(axis);
        }
    }
    Ok(axes)
}

/// Resolves an axis that may count from the end.
pub fn axis(node: &Node, value: i64, rank: usize) -> Result<usize, Error> {
    let rank = rank as i64;
    if (-rank..rank).contains(&value) {
        return Ok(value.rem_euclid(rank) as usize);
    }
    Err(node.misshapen(format!("names axis {value} of a tensor of {rank} dimensions: convert the model again")))
}
