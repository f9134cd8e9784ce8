//! Convolutions and dense layers.

use super::batches;
use super::importer::{Declared, Importer, Node};
use super::schema::kind;
use super::windows::{Slots, activation, output_shape, window};
use crate::error::Error;
use crate::graph::{Quant, TensorId};
use crate::op::{Linear, Op, Requantise, Weights, Window};
use crate::reference::quantise_multiplier;

/// What a layer's parameters are made of.
pub struct Parts<'a, 'b> {
    pub node: &'a Node<'b>,
    pub x: Quant,
    pub y: Quant,
    pub filter: &'a Declared<'b>,
    /// Weights in OIHW order.
    pub data: Vec<i8>,
    pub shape: [usize; 4],
    pub bias: Option<Vec<i32>>,
    pub window: Window,
    pub groups: usize,
    /// The fused activation.
    pub function: i8,
}

impl Parts<'_, '_> {
    pub fn build(self) -> Result<Linear, Error> {
        let outputs = self.shape[0];
        let (scales, zero_points) = self.filter.quants()?;
        let several = scales.len() > 1;
        if several && scales.len() != outputs {
            let reason = format!("its weights have {} scales for {outputs} output channels", scales.len());
            return Err(self.node.unsupported(reason));
        }
        let depthwise = self.node.code == super::codes::code::DEPTHWISE_CONV_2D;
        if several && self.filter.quantized_axis()? != if depthwise { 3 } else { 0 } {
            return Err(self.node.unsupported("its weights are not quantised along their output channels"));
        }
        if several && zero_points.iter().any(|&zero_point| zero_point != 0) {
            return Err(self
                .node
                .unsupported("its weights have several scales and a zero point: quantise them symmetrically"));
        }
        let bias = self.bias.unwrap_or_else(|| vec![0; outputs]);
        if bias.len() != outputs {
            return Err(self.node.misshapen(format!("has {} biases for {outputs} output channels", bias.len())));
        }
        let (x, y) = (f64::from(self.x.scale), f64::from(self.y.scale));
        let dense = self.node.code == super::codes::code::FULLY_CONNECTED;
        let real = |&scale: &f32| {
            // The runtime multiplies the scales of legacy and dense layers in single precision, those of others in double.
            let product = if self.filter.unsigned() || (dense && !several) {
                f64::from(self.x.scale * scale)
            } else {
                x * f64::from(scale)
            };
            product / y
        };
        let (mut multipliers, mut shifts): (Vec<i32>, Vec<i32>) =
            scales.iter().map(|scale| quantise_multiplier(real(scale))).unzip();
        if let Some(shift) = shifts.iter().find(|shift| !(-31..=30).contains(*shift)) {
            return Err(self.node.unsupported(format!("its scales give the shift {shift}: quantise the model again")));
        }
        multipliers.resize(outputs, multipliers[0]);
        shifts.resize(outputs, shifts[0]);
        let mut zero_points = zero_points;
        zero_points.resize(outputs, zero_points[0]);
        Ok(Linear {
            weights: Weights { data: self.data, shape: self.shape, zero_points },
            bias,
            window: self.window,
            groups: self.groups,
            x_zero_point: self.x.zero_point,
            y_zero_point: self.y.zero_point,
            requantise: Requantise::A { multipliers, shifts },
            clamp: activation(self.node, self.function, self.y)?,
            gate: self.x.zero_point,
            monitor: None,
        })
    }
}

/// The constants of an operand that an operator keeps, called `role`.
pub fn constants<'a>(importer: &mut Importer<'a>, node: &Node, at: usize, role: &str) -> Result<Declared<'a>, Error> {
    let declared = importer.declared(node.input(at)?)?;
    if declared.data.is_none() {
        let reason = format!("its {role}, '{}', are computed at run time: make them constant", declared.name);
        return Err(node.unsupported(reason));
    }
    importer.reserve(&declared)?;
    Ok(declared)
}

/// The constant weights of a layer.
pub fn filter<'a>(importer: &mut Importer<'a>, node: &Node) -> Result<Declared<'a>, Error> {
    constants(importer, node, 1, "weights")
}

/// A constant matrix of the given type, quantised without a zero point, and its rows and columns.
pub fn matrix<'a>(
    importer: &mut Importer<'a>,
    node: &Node,
    at: usize,
    of: i8,
) -> Result<(Declared<'a>, [usize; 2]), Error> {
    let declared = constants(importer, node, at, "weights")?;
    if declared.kind != of {
        return Err(declared.wrong_type(&kind::name(of)));
    }
    match *declared.shape.as_slice() {
        [rows, columns] if rows > 0 && columns > 0 => Ok((declared, [rows, columns])),
        _ => Err(node.misshapen(format!("has weights of shape {:?}: two dimensions are needed", declared.shape))),
    }
}

/// The constant bias of a layer, the operand at `at`.
pub fn bias(importer: &mut Importer, node: &Node, at: usize) -> Result<Option<Vec<i32>>, Error> {
    let Some(index) = node.inputs.get(at).copied().flatten() else { return Ok(None) };
    let bias = importer.declared(index)?;
    if bias.data.is_none() {
        return Err(node.unsupported(format!("its bias, '{}', is computed at run time: make it constant", bias.name)));
    }
    importer.reserve(&bias)?;
    bias.words().map(Some)
}

/// A quantised operand whose type its weights share: the runtime computes on int8 or on uint8, not on both.
pub fn operand(importer: &mut Importer, node: &Node, at: usize, filter: &Declared) -> Result<(TensorId, Quant), Error> {
    let (id, quant) = importer.quantised(node, at)?;
    let output = importer.declared(node.output(0)?)?;
    if importer.graph.tensor(id).unsigned != filter.unsigned() || output.kind != filter.kind {
        return Err(node.unsupported(format!(
            "it mixes element types ({} weights): quantise the model again",
            kind::name(filter.kind)
        )));
    }
    Ok((id, quant))
}

/// `[O, H, W, I]` weights as OIHW.
pub fn oihw(data: &[i8], [outputs, height, width, inputs]: [usize; 4]) -> Vec<i8> {
    let pixels = height * width;
    let order = (0..outputs)
        .flat_map(|o| (0..inputs).flat_map(move |i| (0..pixels).map(move |p| (o * pixels + p) * inputs + i)));
    order.map(|at| data[at]).collect()
}

/// `CONV_2D`.
pub fn conv(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let filter = filter(importer, node)?;
    let (input, x) = operand(importer, node, 0, &filter)?;
    let (chw, batched) = batches::picture(importer, node, input)?;
    let &[outputs, height, width, inputs] = filter.shape.as_slice() else {
        return Err(node.unsupported(format!("its weights have shape {:?}: four dimensions are needed", filter.shape)));
    };
    let groups = chw[0].checked_div(inputs).filter(|&groups| {
        groups > 0 && groups * inputs == chw[0] && outputs > 0 && outputs.is_multiple_of(groups) && height * width > 0
    });
    let groups = groups.ok_or_else(|| {
        node.misshapen(format!(
            "has weights of shape {:?} for {} channels: convert the model again",
            filter.shape, chw[0]
        ))
    })?;
    if filter.kind == kind::INT8 && filter.quants()?.1.iter().any(|&zero| zero != 0) {
        return Err(node.unsupported(
            "its int8 weights have a zero point, which the runtime ignores: quantise them symmetrically",
        ));
    }
    let slots = Slots { padding: 0, stride: [2, 1], dilation: Some([5, 4]) };
    let window = window(node, &slots, [height, width], chw)?;
    let shape = output_shape(node, &window, outputs, chw)?;
    let data = oihw(&filter.bytes()?, [outputs, height, width, inputs]);
    let parts = Parts {
        node,
        x,
        y: importer.declared(node.output(0)?)?.quant()?,
        filter: &filter,
        data,
        shape: [outputs, inputs, height, width],
        bias: bias(importer, node, 2)?,
        window,
        groups,
        function: node.option(3, 0)?,
    };
    let layer = parts.build()?;
    match batched {
        Some(batched) => batches::layer(importer, node, layer, batched),
        None => emit(importer, node, layer, input, shape),
    }
}

/// `DEPTHWISE_CONV_2D`: one group a channel.
pub fn depthwise(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let filter = filter(importer, node)?;
    let (input, x) = operand(importer, node, 0, &filter)?;
    let (chw, batched) = batches::picture(importer, node, input)?;
    let &[1, height, width, outputs] = filter.shape.as_slice() else {
        return Err(node.unsupported(format!(
            "its weights have shape {:?}: (1, height, width, channels) is needed",
            filter.shape
        )));
    };
    if outputs == 0 || !outputs.is_multiple_of(chw[0]) || height * width == 0 {
        let detail =
            format!("has weights of shape {:?} for {} channels: convert the model again", filter.shape, chw[0]);
        return Err(node.misshapen(detail));
    }
    if filter.kind == kind::INT8 && filter.quants()?.1.iter().any(|&zero| zero != 0) {
        return Err(node.unsupported(
            "its int8 weights have a zero point, which the runtime ignores: quantise them symmetrically",
        ));
    }
    let slots = Slots { padding: 0, stride: [2, 1], dilation: Some([6, 5]) };
    let window = window(node, &slots, [height, width], chw)?;
    let shape = output_shape(node, &window, outputs, chw)?;
    let (bytes, pixels) = (filter.bytes()?, height * width);
    let data = (0..outputs).flat_map(|o| (0..pixels).map(move |p| p * outputs + o)).map(|at| bytes[at]).collect();
    let parts = Parts {
        node,
        x,
        y: importer.declared(node.output(0)?)?.quant()?,
        filter: &filter,
        data,
        shape: [outputs, 1, height, width],
        bias: bias(importer, node, 2)?,
        window,
        groups: chw[0],
        function: node.option(4, 0)?,
    };
    let layer = parts.build()?;
    match batched {
        Some(batched) => batches::layer(importer, node, layer, batched),
        None => emit(importer, node, layer, input, shape),
    }
}

pub fn emit(
    importer: &mut Importer,
    node: &Node,
    layer: Linear,
    input: TensorId,
    shape: Vec<usize>,
) -> Result<(), Error> {
    let outputs: u64 = shape.iter().map(|&d| d as u64).product();
    importer.charge(outputs.saturating_mul(layer.rows() as u64))?;
    importer.emit(node, Op::Conv(Box::new(layer)), vec![input], 0, shape)
}

/// `FULLY_CONNECTED`: a dense layer of one row a frame, or a 1x1 convolution over several rows.
pub fn dense(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let filter = filter(importer, node)?;
    let (input, x) = operand(importer, node, 0, &filter)?;
    if node.option(1, 0_i8)? != 0 {
        return Err(node.unsupported("its weights are shuffled: convert the model again"));
    }
    let &[outputs, columns] = filter.shape.as_slice() else {
        return Err(node.unsupported(format!("its weights have shape {:?}: two dimensions are needed", filter.shape)));
    };
    let from = importer.file_shape(input);
    let elements: usize = from.iter().product();
    if outputs == 0 || columns == 0 || elements == 0 || !elements.is_multiple_of(columns) {
        let detail =
            format!("multiplies shape {from:?} by a matrix of shape {:?}: convert the model again", filter.shape);
        return Err(node.misshapen(detail));
    }
    let rows = elements / columns;
    let to = if node.option(2, false)? {
        let Some((&last, rest)) = from.split_last() else { return Err(node.misshapen("has a scalar input")) };
        if last != columns {
            return Err(node.misshapen(format!("multiplies shape {from:?} by a matrix of shape {:?}", filter.shape)));
        }
        rest.iter().copied().chain([outputs]).collect()
    } else {
        vec![rows, outputs]
    };
    let parts = Parts {
        node,
        x,
        y: importer.declared(node.output(0)?)?.quant()?,
        data: filter.bytes()?,
        filter: &filter,
        shape: [outputs, columns, 1, 1],
        bias: bias(importer, node, 2)?,
        window: Window::of([1, 1]),
        groups: 1,
        function: node.option(0, 0)?,
    };
    let layer = Box::new(parts.build()?);
    importer.charge((rows as u64).saturating_mul(filter.elements() as u64))?;
    let (op, seen, made) = if rows == 1 {
        (Op::Dense(layer), vec![1, columns], vec![1, outputs])
    } else {
        (Op::Conv(layer), vec![1, 1, rows, columns], vec![1, 1, rows, outputs])
    };
    let seen = importer.view(node, input, &seen)?;
    if made == to {
        let shape = super::layout::graph_shape(&made);
        return importer.emit(node, op, vec![seen], 0, shape);
    }
    let meaning = importer.declared(node.output(0)?)?.meaning()?;
    let product = importer.step(node, op, vec![seen], super::layout::graph_shape(&made), meaning)?;
    importer.emit_view(node, product, 0, &to)
}
