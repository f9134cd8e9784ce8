//! `Resize` to the nearest neighbour, and by linear interpolation of pictures.

use super::attributes::{int, ints, invalid, text};
use super::context::{Context, Output, title, unsupported};
use super::movement::{finish, volume};
use super::proto::NodeProto;
use super::shapes::{axis, required, view};
use crate::error::{Error, show};
use crate::graph::{DType, Data};
use crate::op::{Bilinear, Op, Resize, Weighted};

/// Where an output coordinate lies in the input, in `f32` as ONNX Runtime computes it.
fn coordinate(mode: &str, to: usize, scale: f32, [input, output]: [usize; 2]) -> Option<f32> {
    let (to, from_size, to_size) = (to as f32, input as f32, output as f32);
    Some(match mode {
        "asymmetric" => to / scale,
        "half_pixel" => (to + 0.5) / scale - 0.5,
        "pytorch_half_pixel" if output > 1 => (to + 0.5) / scale - 0.5,
        "tf_half_pixel_for_nn" => (to + 0.5) / scale,
        "align_corners" if output > 1 => to * (from_size - 1.0) / (to_size - 1.0),
        "pytorch_half_pixel" | "align_corners" => 0.0,
        "half_pixel_symmetric" => {
            let adjustment = to_size / (scale * from_size);
            let offset = from_size / 2.0 * (1.0 - adjustment);
            (f64::from(offset) + (f64::from(to) + 0.5) / f64::from(scale) - 0.5) as f32
        }
        _ => return None,
    })
}

fn nearest(mode: &str, at: f32, shrinks: bool) -> Option<i64> {
    Some(match mode {
        "round_prefer_floor" if at.to_bits() == (at.trunc() + 0.5).to_bits() => at.floor() as i64,
        "round_prefer_floor" | "round_prefer_ceil" => at.round() as i64,
        "floor" => at.floor() as i64,
        "ceil" => at.ceil() as i64,
        // Operator set 10.
        "" if shrinks => at.ceil() as i64,
        "" => at as i64,
        _ => return None,
    })
}

/// Factors and output sizes of all dimensions.
fn extents(context: &Context, node: &NodeProto, shape: &[usize]) -> Result<(Vec<f32>, Vec<usize>), Error> {
    let axes: Vec<usize> = match ints(node, "axes") {
        None => (0..shape.len()).collect(),
        Some(values) => values.iter().map(|&value| axis(node, value, shape.len())).collect::<Result<_, _>>()?,
    };
    let (at_scales, at_sizes) = if context.opset < 11 { (1, 3) } else { (2, 3) };
    let given = match context.optional(node, at_scales)? {
        None => None,
        Some(_) => match &context.constant(node, at_scales, "its scales")?.data {
            Some(Data::F32(values)) if values.is_empty() => None,
            Some(Data::F32(values)) => Some(values.clone()),
            _ => return Err(invalid(node, "scales", "is not float: export the model again".into())),
        },
    };
    let (mut scales, mut sizes) = (vec![1.0; shape.len()], shape.to_vec());
    let wrong = |count: usize| invalid(node, "scales", format!("holds {count} values for {} dimensions", axes.len()));
    if let Some(given) = given {
        if given.len() != axes.len() || given.iter().any(|scale| !scale.is_finite() || *scale <= 0.0) {
            return Err(wrong(given.len()));
        }
        for (&at, &scale) in axes.iter().zip(&given) {
            scales[at] = scale;
            sizes[at] = (scale * shape[at] as f32) as usize;
        }
    } else {
        let given = required(context, node, at_sizes, "sizes")?;
        if given.len() != axes.len() {
            return Err(wrong(given.len()));
        }
        let given = super::tensors::checked_shape(&title(node), &given)?;
        for (&at, &size) in axes.iter().zip(&given) {
            scales[at] = size as f32 / shape[at] as f32;
            sizes[at] = size;
        }
        let factors = axes.iter().map(|&at| scales[at]);
        let common = match text(node, "keep_aspect_ratio_policy").unwrap_or("stretch") {
            "stretch" => None,
            "not_larger" => Some(factors.fold(f32::MAX, f32::min)),
            "not_smaller" => Some(factors.fold(f32::MIN_POSITIVE, f32::max)),
            other => return Err(unsupported(node, &format!("its aspect ratio policy is '{}'", show(other)))),
        };
        if let Some(scale) = common {
            for &at in &axes {
                scales[at] = scale;
                sizes[at] = (scale * shape[at] as f32).round() as usize;
            }
        }
    }
    super::tensors::check_size(&title(node), &sizes)?;
    Ok((scales, sizes))
}

/// Resizes pictures by interpolation between four pixels.
fn linear(
    context: &mut Context,
    node: &NodeProto,
    (scales, sizes): (&[f32], &[usize]),
    transformation: &str,
) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let tensor = context.tensor(input);
    let shape = tensor.shape.clone();
    let whole = |at: usize| sizes[at] == shape[at] && scales[at].to_bits() == 1.0_f32.to_bits();
    if tensor.dtype != DType::F32 {
        let reason = "it interpolates 8-bit values, for which the runtime has several rules: use the QDQ form";
        return Err(unsupported(node, reason));
    }
    if shape.len() != 4 || !whole(0) || !whole(1) {
        let reason = format!("it interpolates {shape:?} to {sizes:?}: only height and width of pictures run here");
        return Err(unsupported(node, &reason));
    }
    let known = || unsupported(node, &format!("it interpolates by '{}'", show(transformation)));
    if transformation == "tf_half_pixel_for_nn" {
        return Err(known());
    }
    let table = |at: usize| -> Option<Vec<Weighted>> {
        let last = shape[at] - 1;
        let between = |to: usize| {
            let same = scales[at].to_bits() == 1.0_f32.to_bits();
            let place =
                if same { to as f32 } else { coordinate(transformation, to, scales[at], [shape[at], sizes[at]])? };
            let place = place.clamp(0.0, last as f32);
            let low = (place as usize).min(last);
            let high = (low + 1).min(last);
            let (of_high, of_low) = if low == high { (0.5, 0.5) } else { (place - low as f32, high as f32 - place) };
            Some(Weighted { low, high, of_low, of_high })
        };
        (0..sizes[at]).map(between).collect()
    };
    let (rows, columns) = (table(2).ok_or_else(known)?, table(3).ok_or_else(known)?);
    context.charge(volume(sizes).saturating_mul(4))?;
    let output = Output::like(context.tensor(input), sizes.to_vec());
    context.push(node, Op::Bilinear(Bilinear { rows, columns }), vec![input], output)
}

pub fn resize(context: &mut Context, node: &NodeProto) -> Result<(), Error> {
    let input = context.required(node, 0)?;
    let shape = context.tensor(input).shape.clone();
    let mode = text(node, "mode").unwrap_or("nearest");
    if !matches!(mode, "nearest" | "linear") {
        let reason = format!("its mode is '{}': only 'nearest' and 'linear' run here", show(mode));
        return Err(unsupported(node, &reason));
    }
    let old = context.opset < 11;
    let default = if old { "asymmetric" } else { "half_pixel" };
    let transformation = text(node, "coordinate_transformation_mode").unwrap_or(default);
    let rounding = if old { "" } else { text(node, "nearest_mode").unwrap_or("round_prefer_floor") };
    let (scales, sizes) = extents(context, node, &shape)?;
    if shape.contains(&0) || int(node, "antialias", 0) != 0 {
        return Err(unsupported(node, "its input is empty, or it is to blur: resize without 'antialias'"));
    }
    // The runtime copies where no size changes, whatever the factors are.
    if sizes == shape {
        return context.alias(node);
    }
    if mode == "linear" {
        return linear(context, node, (&scales, &sizes), transformation);
    }
    let table = |at: usize| -> Option<Vec<usize>> {
        let from = |to: usize| {
            if scales[at].to_bits() == 1.0_f32.to_bits() {
                return Some(to.min(shape[at] - 1));
            }
            let place = coordinate(transformation, to, scales[at], [shape[at], sizes[at]])?;
            let index = nearest(rounding, place, scales[at] < 1.0)?;
            Some(index.clamp(0, shape[at] as i64 - 1) as usize)
        };
        (0..sizes[at]).map(from).collect()
    };
    let known = || unsupported(node, &format!("it resizes by '{}' and '{}'", show(transformation), show(rounding)));
    let mut id = input;
    let changed: Vec<usize> = (0..shape.len()).filter(|&at| scales[at].to_bits() != 1.0_f32.to_bits()).collect();
    // The last two dimensions together as rows and columns, any other one by itself as rows.
    let picture = shape.len() == 4 && changed.iter().all(|&at| at >= 2);
    let steps: Vec<Vec<usize>> = if picture { vec![vec![2, 3]] } else { changed.iter().map(|&at| vec![at]).collect() };
    for step in steps {
        let now = context.tensor(id).shape.clone();
        let mut then = now.clone();
        for &at in &step {
            then[at] = sizes[at];
        }
        let rows = table(step[0]).ok_or_else(known)?;
        let (planes, columns) = if let [_, column] = *step.as_slice() {
            (now.clone(), table(column).ok_or_else(known)?)
        } else {
            let (outer, inner) = (volume(&now[..step[0]]) as usize, volume(&now[step[0] + 1..]) as usize);
            (vec![1, outer, now[step[0]], inner], (0..inner).collect())
        };
        let target = vec![planes[0], planes[1], rows.len(), columns.len()];
        super::tensors::check_size(&title(node), &target)?;
        context.charge(volume(&target))?;
        if planes != now {
            id = view(context, node, id, planes)?;
        }
        let output = Output::like(context.tensor(id), target.clone());
        id = context.push_inner(node, Op::Resize(Resize { rows, columns }), vec![id], output)?;
        if target != then {
            id = view(context, node, id, then)?;
        }
    }
    finish(context, node, id)
}
