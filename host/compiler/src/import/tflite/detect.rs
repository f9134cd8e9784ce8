//! `TFLite_Detection_PostProcess`, the custom operator with which detectors end: boxes from anchors, and the likeliest of them.

use super::flexmap::FlexMap;
use super::importer::{Importer, Meaning, Node};
use super::layers::constants;
use super::layout::graph_shape;
use super::schema::kind;
use crate::error::Error;
use crate::graph::{DType, TensorId};
use crate::import::limits::at_most;
use crate::op::{Affine, Choice, Detect, Op, Slice};
use crate::reference::dequantize;

/// What the operator is called.
pub const NAME: &str = "TFLite_Detection_PostProcess";

/// Most boxes that are listed, and most classes of one.
const MOST_LISTED: u64 = 1 << 16;

const REALS: Meaning = Meaning { dtype: DType::F32, unsigned: false, quant: None };

/// The operator's parameters.
struct Parameters<'a, 'n> {
    map: FlexMap<'a>,
    node: &'n Node<'a>,
}

impl Parameters<'_, '_> {
    /// A count from 1 on; `default` if the file leaves it out.
    fn count(&self, key: &str, default: Option<u64>) -> Result<usize, Error> {
        let stated = self.map.number(key).map_or(default, |number| Some(number as u64));
        let count = stated.filter(|&count| count > 0);
        let count =
            count.ok_or_else(|| self.node.misshapen(format!("has no {key} from 1 on: convert the model again")))?;
        at_most(key, count, MOST_LISTED)?;
        Ok(count as usize)
    }

    fn real(&self, key: &str) -> Result<f32, Error> {
        let value = self.map.number(key).map(|value| value as f32).filter(|value| value.is_finite());
        value.ok_or_else(|| self.node.misshapen(format!("has no {key}: convert the model again")))
    }
}

/// Adds the operator: one node that finds everything, and a slice for each of the file's four outputs.
pub fn add<'a>(importer: &mut Importer<'a>, node: &Node<'a>, parameters: &'a [u8]) -> Result<(), Error> {
    let unreadable = || node.misshapen("has parameters that are no map of a FlexBuffer: convert the model again");
    let parameters = Parameters { map: FlexMap::root(parameters).ok_or_else(unreadable)?, node };
    let each_class = parameters.map.number("use_regular_nms").is_some_and(|number| number != 0.0);
    let [places, scores] = [real(importer, node, 0)?, real(importer, node, 1)?];
    let anchors = anchors(importer, node)?;
    let classes = parameters.count("num_classes", None)?;
    let choice = if each_class {
        Choice::EachClass { most: parameters.count("detections_per_class", Some(100))? }
    } else {
        Choice::Likeliest
    };
    let op = Detect {
        classes,
        most: parameters.count("max_detections", None)?,
        listed: parameters.count("max_classes_per_detection", None)?,
        choice,
        least_score: parameters.real("nms_score_threshold")?,
        most_overlap: parameters.real("nms_iou_threshold")?,
        scales: [
            parameters.real("y_scale")?,
            parameters.real("x_scale")?,
            parameters.real("h_scale")?,
            parameters.real("w_scale")?,
        ],
        anchors,
    };
    if op.most_overlap <= 0.0 || op.most_overlap > 1.0 || op.scales.iter().any(|&scale| scale <= 0.0) {
        return Err(node.misshapen(
            "has a share of overlap that is not above 0 and up to 1, or a scale that is not above 0: convert the model again",
        ));
    }
    let boxes = op.anchors.len();
    let [places_of, scores_of] = [places, scores].map(|id| importer.file_shape(id));
    let fits = match (places_of.as_slice(), scores_of.as_slice()) {
        (&[1, rows, values], &[1, columns, stated]) => {
            rows == boxes && columns == boxes && values >= 4 && (classes..=classes + 1).contains(&stated)
        }
        _ => false,
    };
    if !fits {
        let detail = format!(
            "has places {places_of:?} and scores {scores_of:?} for {boxes} anchors and {classes} classes: convert the model again"
        );
        return Err(node.misshapen(detail));
    }
    let slots = op.slots();
    at_most("the number of boxes that are listed", slots as u64, MOST_LISTED)?;
    // Each is compared with all that are listed; class by class, again for each class.
    let passes = if each_class { classes } else { 1 };
    importer.charge((boxes as u64).saturating_mul((op.most * passes + classes) as u64))?;
    let found = importer.step(node, Op::Detect(Box::new(op)), vec![places, scores], vec![1, 6 * slots + 1], REALS)?;
    let parts: [(usize, &[usize]); 4] =
        [(0, &[1, slots, 4]), (4 * slots, &[1, slots]), (5 * slots, &[1, slots]), (6 * slots, &[1])];
    for (at, (start, file)) in parts.into_iter().enumerate() {
        let size = vec![1, file.iter().product()];
        let op = Op::Slice(Slice { start: vec![0, start], step: vec![1, 1], size: size.clone() });
        let part = importer.step(node, op, vec![found], size, REALS)?;
        importer.emit_view(node, part, at, file)?;
    }
    Ok(())
}

/// An input as real values.
fn real(importer: &mut Importer, node: &Node, at: usize) -> Result<TensorId, Error> {
    let id = importer.value(node, at)?;
    let declared = importer.declared(node.input(at)?)?;
    match declared.kind {
        kind::FLOAT32 => Ok(id),
        kind::UINT8 => {
            let op = Op::Dequantize(Affine::per_tensor(declared.quant()?));
            importer.step(node, op, vec![id], graph_shape(&declared.shape), REALS)
        }
        _ => Err(declared.wrong_type("float32 or uint8")),
    }
}

/// The anchors, which are constant: four values a box.
fn anchors(importer: &mut Importer, node: &Node) -> Result<Vec<[f32; 4]>, Error> {
    let declared = constants(importer, node, 2, "anchors")?;
    if declared.shape.last() != Some(&4) {
        let detail = format!("has anchors of shape {:?}: four values each are needed", declared.shape);
        return Err(node.misshapen(detail));
    }
    let places = importer.declared(node.input(0)?)?.kind;
    if declared.kind != places {
        return Err(declared.wrong_type(&format!("{}, as the places are", kind::name(places))));
    }
    let values = if declared.kind == kind::FLOAT32 {
        declared.floats()?
    } else {
        let quant = declared.quant()?;
        declared.bytes()?.into_iter().map(|q| dequantize(q, quant.scale, quant.zero_point)).collect()
    };
    Ok(values.as_chunks().0.to_vec())
}
