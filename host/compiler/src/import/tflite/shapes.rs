//! Integers that a network computes from shapes: converters leave them where the batch was open. Shapes are fixed here, so they are known.

use super::codes::code;
use super::importer::{Importer, Node};
use super::pools::axis;
use super::schema::kind;
use super::strided::picked;
use crate::error::Error;

/// Most integers of one such tensor: shapes and places have one an axis.
const MOST: usize = 64;

/// Whether a node writes integers, which no operator on values does.
pub fn computes_integers(importer: &Importer, node: &Node) -> Result<bool, Error> {
    let Some(&output) = node.outputs.first() else { return Ok(false) };
    Ok(matches!(importer.declared(output)?.kind, kind::INT32 | kind::INT64))
}

/// Evaluates a node that computes integers from shapes and constants.
pub fn evaluate(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let input = |at: usize| importer.integers(node, at, "an operand");
    let values = match node.code {
        code::SHAPE => {
            let shape = match importer.value(node, 0) {
                Ok(id) => importer.file_shape(id),
                Err(_) => importer.declared(node.input(0)?)?.shape,
            };
            shape.iter().map(|&size| size as i64).collect()
        }
        code::CAST | code::RESHAPE | code::SQUEEZE | code::EXPAND_DIMS => input(0)?,
        code::PACK | code::CONCATENATION => {
            let pieces = (0..node.inputs.len()).map(input).collect::<Result<Vec<_>, _>>()?;
            pieces.concat()
        }
        code::GATHER => {
            let from = input(0)?;
            let at = |&place: &i64| usize::try_from(place).ok().and_then(|place| from.get(place)).copied();
            let values: Option<Vec<i64>> = input(1)?.iter().map(at).collect();
            values.ok_or_else(|| node.misshapen("takes an element that is not there"))?
        }
        code::SLICE => {
            let (from, begin, size) = (input(0)?, input(1)?, input(2)?);
            let bounds = begin.first().zip(size.first()).and_then(|(&begin, &size)| {
                let begin = usize::try_from(begin).ok()?;
                let end = if size == -1 { from.len() } else { begin.checked_add(usize::try_from(size).ok()?)? };
                from.get(begin..end)
            });
            bounds.ok_or_else(|| node.misshapen("cuts elements that are not there"))?.to_vec()
        }
        code::STRIDED_SLICE => picked(node, &input(0)?, &[input(1)?, input(2)?, input(3)?])?,
        code::REDUCE_PROD => vec![input(0)?.iter().fold(1_i64, |product, &value| product.saturating_mul(value))],
        code::ADD | code::SUB | code::MUL => {
            let of = match node.code {
                code::ADD => i64::saturating_add,
                code::SUB => i64::saturating_sub,
                _ => i64::saturating_mul,
            };
            joined(&input(0)?, &input(1)?, of).ok_or_else(|| node.misshapen("joins lists of different lengths"))?
        }
        _ => {
            return Err(node.unsupported(
                "it computes integers at run time: end the model before it, or make its operands constant",
            ));
        }
    };
    // Joined along any other axis, the integers would lie in another order.
    let list = importer.declared(node.output(0)?)?.shape.len() < 2;
    if !list || values.len() > MOST {
        return Err(node.unsupported(format!("it computes more than a list of {MOST} integers: make it constant")));
    }
    if matches!(node.code, code::CONCATENATION | code::PACK) {
        axis(node, i64::from(node.option(usize::from(node.code == code::PACK), 0_i32)?), 1)?;
    }
    importer.know(node.output(0)?, values)
}

/// Two lists, or a list and one value, element by element.
fn joined(a: &[i64], b: &[i64], of: fn(i64, i64) -> i64) -> Option<Vec<i64>> {
    let count = if a.len() == 1 { b.len() } else { a.len() };
    let at = |list: &[i64], index: usize| if list.len() == 1 { Some(list[0]) } else { list.get(index).copied() };
    if b.len() != 1 && b.len() != count {
        return None;
    }
    (0..count).map(|index| Some(of(at(a, index)?, at(b, index)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::joined;

    #[test]
    fn lists_join_with_lists_and_with_single_values() {
        assert_eq!(joined(&[2, 3], &[4, 5], i64::saturating_mul), Some(vec![8, 15]));
        assert_eq!(joined(&[2], &[4, 5], i64::saturating_sub), Some(vec![-2, -3]));
        assert_eq!(joined(&[4, 5], &[2], i64::saturating_sub), Some(vec![2, 3]));
        assert_eq!(joined(&[1, 2], &[1, 2, 3], i64::saturating_add), None);
    }
}
