//! Puts a file's nodes into execution order.

use std::collections::HashMap;

use super::proto::NodeProto;
use crate::error::{Error, show};

/// The indices of `nodes`, producers first, otherwise as the file has them.
///
/// # Errors
/// [`Error::Cycle`] if no such order exists, [`Error::Duplicate`] if two nodes write one value.
pub fn execution_order(nodes: &[NodeProto]) -> Result<Vec<usize>, Error> {
    let mut producer = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for output in node.output.iter().filter(|name| !name.is_empty()) {
            if producer.insert(output.as_str(), index).is_some() {
                return Err(Error::Duplicate { value: show(output) });
            }
        }
    }
    let mut waiting = vec![0_usize; nodes.len()];
    let mut readers = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        for source in node.input.iter().filter_map(|name| producer.get(name.as_str())) {
            waiting[index] += 1;
            readers[*source].push(index);
        }
    }
    let mut ready: std::collections::BTreeSet<usize> = (0..nodes.len()).filter(|&i| waiting[i] == 0).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(index) = ready.pop_first() {
        order.push(index);
        for &reader in &readers[index] {
            waiting[reader] -= 1;
            if waiting[reader] == 0 {
                ready.insert(reader);
            }
        }
    }
    match waiting.iter().position(|&count| count > 0) {
        Some(stuck) => Err(Error::Cycle { node: super::context::title(&nodes[stuck]) }),
        None => Ok(order),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            input: inputs.iter().map(ToString::to_string).collect(),
            output: vec![output.to_string()],
            ..NodeProto::default()
        }
    }

    #[test]
    fn producers_come_first() {
        let nodes = [node(&["b"], "c"), node(&["a"], "b"), node(&["c", "b"], "d")];
        assert_eq!(execution_order(&nodes), Ok(vec![1, 0, 2]));
    }

    #[test]
    fn a_cycle_names_a_node_on_it() {
        let nodes = [node(&["x"], "a"), node(&["c"], "b"), node(&["b"], "c")];
        assert!(matches!(execution_order(&nodes), Err(Error::Cycle { node }) if node == "b"));
        assert!(matches!(execution_order(&[node(&["a"], "a")]), Err(Error::Cycle { .. })));
    }

    #[test]
    fn two_writers_of_one_value_are_refused() {
        let nodes = [node(&[], "a"), node(&[], "a")];
        assert_eq!(execution_order(&nodes), Err(Error::Duplicate { value: "a".into() }));
    }
}
