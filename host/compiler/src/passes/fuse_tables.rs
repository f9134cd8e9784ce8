//! Joins what exporters write for one function of a tensor, value by value: `x * sigmoid(x)`, a table of a table.
//!
//! Tables run on the host, so a tensor that is one already costs no more as a longer one, and saves the way back to the chip.

use std::collections::HashMap;

use crate::error::Error;
use crate::graph::{DType, Graph, Node, TensorId};
use crate::op::Op;
use crate::reference::{Value, apply};

/// A tensor as a function of another.
#[derive(Clone)]
struct Function {
    of: TensorId,
    /// By `q + 128`.
    values: Box<[i8; 256]>,
    /// A table, or a function of two tensors that only the host has, is on the way.
    on_host: bool,
}

/// Runs the pass; what nobody reads any more stays.
///
/// # Errors
/// Those of [`apply`]: operands of the wrong type.
pub fn run(graph: &mut Graph) -> Result<(), Error> {
    let mut functions = HashMap::new();
    for index in 0..graph.nodes.len() {
        let node = &graph.nodes[index];
        let Some(function) = function(graph, node, &functions)? else { continue };
        let rewritten = function.on_host && (node.inputs != [function.of] || !matches!(node.op, Op::Table(_)));
        let output = node.output;
        if rewritten {
            let node = &mut graph.nodes[index];
            node.op = Op::Table(function.values.clone());
            node.inputs = vec![function.of];
        }
        functions.insert(output, function);
    }
    Ok(())
}

/// The function that a node computes, if all its inputs are functions of one tensor, or that tensor.
fn function(graph: &Graph, node: &Node, known: &HashMap<TensorId, Function>) -> Result<Option<Function>, Error> {
    let by_value =
        matches!(node.op, Op::Table(_) | Op::Clamp(_) | Op::Mul(_) | Op::Product(_) | Op::Add(_) | Op::Pair(_));
    let plain = |id: &TensorId| graph.tensor(*id).dtype == DType::I8 && graph.tensor(*id).data.is_none();
    if !by_value || !node.inputs.iter().all(plain) {
        return Ok(None);
    }
    let all: Box<[i8; 256]> = Box::new(std::array::from_fn(|at| (at as i32 - 128) as i8));
    let itself = |of: TensorId| Function { of, values: all.clone(), on_host: false };
    let inputs: Vec<Function> =
        node.inputs.iter().map(|id| known.get(id).cloned().unwrap_or_else(|| itself(*id))).collect();
    let of = inputs[0].of;
    if inputs.iter().any(|input| input.of != of) {
        return Ok(None);
    }
    let operands: Vec<Value> = inputs.iter().map(|input| Value::I8(input.values.to_vec())).collect();
    let Value::I8(values) = apply(graph, node, &operands.iter().collect::<Vec<_>>())? else { return Ok(None) };
    let Ok(values) = Box::<[i8; 256]>::try_from(values) else { return Ok(None) };
    let on_host = matches!(node.op, Op::Table(_) | Op::Pair(_)) || inputs.iter().any(|input| input.on_host);
    Ok(Some(Function { of, values, on_host }))
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::op::{Clamp, Op};
    use crate::passes::dead;
    use crate::passes::testing::Builder;
    use crate::reference::{Value, run as execute};

    fn table(seed: i32) -> Op {
        Op::Table(Box::new(std::array::from_fn(|at| (at as i32 * seed) as i8)))
    }

    #[test]
    fn a_value_times_its_table_is_one_table() {
        let mut builder = Builder::new(21, &[1, 2, 4, 4]);
        let conv = builder.conv(builder.input(), 3, 3);
        let gate = builder.unary(table(7), conv);
        let product = builder.add(conv, gate);
        let out = builder.clamp(product, Clamp { min: -100, max: 60 });
        let mut graph = builder.finish(out);
        let x = Value::I8((0..32).map(|v| (v * 7 - 110) as i8).collect());
        let before = execute(&graph, std::slice::from_ref(&x)).unwrap();
        run(&mut graph).unwrap();
        dead::run(&mut graph);
        assert!(matches!(graph.nodes[..], [_, _]), "{} nodes", graph.nodes.len());
        assert!(matches!(graph.nodes[1].op, Op::Table(_)));
        assert_eq!(execute(&graph, &[x]).unwrap(), before);
    }

    #[test]
    fn what_the_chip_can_do_or_two_tensors_say_stays() {
        let mut builder = Builder::new(22, &[1, 2, 4, 4]);
        let conv = builder.conv(builder.input(), 3, 3);
        let other = builder.conv(builder.input(), 3, 3);
        let low = builder.clamp(conv, Clamp { min: -100, max: 60 });
        let sum = builder.add(conv, low);
        let gate = builder.unary(table(3), other);
        let out = builder.add(sum, gate);
        let mut graph = builder.finish(out);
        let before = graph.clone();
        run(&mut graph).unwrap();
        assert_eq!(graph.nodes, before.nodes);
    }
}
