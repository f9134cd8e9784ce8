//! Resource variables and variable tensors: what a network keeps from one frame to the next.
//!
//! A frame reads a variable's kept value until it assigns a new one; what was assigned last is kept. So each variable becomes one tensor
//! that enters the frame and one that leaves it, and the order of the file's reads and assignments is followed once, at import. A variable
//! tensor is read and assigned by operators that name it.

use std::collections::HashMap;

use super::importer::{Declared, Importer, Meaning, Node};
use super::layout::graph_shape;
use super::schema::kind;
use crate::error::{Error, show};
use crate::graph::{State, TensorId};
use crate::reference::{Value, channels_first};

/// The variables of a network, by the name that its handles share.
#[derive(Default)]
pub struct Variables {
    table: Vec<Variable>,
    names: HashMap<String, usize>,
    /// The variable that each resource tensor of the present subgraph refers to.
    handles: HashMap<usize, usize>,
    /// The variable that each variable tensor of the present subgraph is.
    tensors: HashMap<usize, usize>,
}

struct Variable {
    name: String,
    /// What the first frame reads, once it is known.
    initial: Option<Initial>,
    /// What the frame reads, once it has.
    read: Option<TensorId>,
    /// What the variable holds at this point of the frame, once assigned.
    current: Option<TensorId>,
}

#[derive(Clone)]
struct Initial {
    values: Value,
    shape: Vec<usize>,
    meaning: Meaning,
}

impl Variables {
    /// Leaves a subgraph, whose tensors mean nothing in the next.
    pub fn forget_tensors(&mut self) {
        self.handles.clear();
        self.tensors.clear();
    }

    fn variable(&self, node: &Node) -> Result<usize, Error> {
        let handle = node.input(0)?;
        self.handles.get(&handle).copied().ok_or_else(|| node.unsupported("its handle comes from no VAR_HANDLE"))
    }
}

/// `VAR_HANDLE`.
pub fn handle(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let output = node.output(0)?;
    let declared = importer.declared(output)?;
    if declared.kind != kind::RESOURCE {
        return Err(declared.wrong_type("a resource"));
    }
    let (container, name) = (node.text(0)?, node.text(1)?);
    let variables = &mut importer.variables;
    let next = variables.table.len();
    let index = *variables.names.entry(format!("{container}\0{name}")).or_insert(next);
    if index == next {
        variables.table.push(Variable { name: show(&name), initial: None, read: None, current: None });
    }
    variables.handles.insert(output, index);
    Ok(())
}

/// `ASSIGN_VARIABLE` in the subgraph that runs once: the value must be constant.
pub fn initialise(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let variable = importer.variables.variable(node)?;
    let declared = importer.declared(node.input(1)?)?;
    if declared.data.is_none() {
        return Err(node.unsupported("it initialises a variable with a computed value: make it constant"));
    }
    importer.reserve(&declared)?;
    let shape = graph_shape(&declared.shape);
    let values = Value::I8(channels_first(&declared.bytes()?, &shape));
    let meaning = declared.meaning()?;
    importer.variables.table[variable].initial = Some(Initial { values, shape, meaning });
    Ok(())
}

/// `READ_VARIABLE`.
pub fn read(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let index = importer.variables.variable(node)?;
    let output = node.output(0)?;
    let Some(id) = current(importer, index)? else {
        return Err(node.unsupported("it reads a variable that is never initialised: convert the model again"));
    };
    let (declared, tensor) = (importer.declared(output)?, importer.graph.tensor(id));
    let meaning = declared.meaning()?;
    if meaning.dtype != tensor.dtype || meaning.unsigned != tensor.unsigned || meaning.quant != tensor.quant {
        return Err(node.unsupported("it reads a variable as another type than was assigned: convert the model again"));
    }
    importer.bind(output, id)
}

/// What a variable holds at this point of the frame.
fn current(importer: &mut Importer, index: usize) -> Result<Option<TensorId>, Error> {
    let variable = &importer.variables.table[index];
    if let Some(id) = variable.current.or(variable.read) {
        return Ok(Some(id));
    }
    let (name, Some(initial)) = (variable.name.clone(), variable.initial.clone()) else { return Ok(None) };
    let id = importer.add(&name, initial.shape, initial.meaning)?;
    importer.variables.table[index].read = Some(id);
    Ok(Some(id))
}

/// `ASSIGN_VARIABLE` of a frame.
pub fn assign(importer: &mut Importer, node: &Node) -> Result<(), Error> {
    let index = importer.variables.variable(node)?;
    let (value, quant) = importer.quantised(node, 1)?;
    let tensor = importer.graph.tensor(value);
    let fits = importer.variables.table[index].initial.as_ref().is_none_or(|initial| {
        initial.shape == tensor.shape
            && initial.meaning.unsigned == tensor.unsigned
            && initial.meaning.quant == Some(quant)
    });
    if !fits {
        return Err(
            node.unsupported("it gives a variable another shape or type than it starts with: convert the model again")
        );
    }
    importer.variables.table[index].current = Some(value);
    Ok(())
}

/// The variable that a variable tensor of the given type is, and what it holds at this point of the frame: before the first one that is 0,
/// of int8 the zero point (`ResetVariableTensor` of the runtime).
pub fn held(importer: &mut Importer, index: usize, of: i8) -> Result<(usize, TensorId), Error> {
    let declared = importer.declared(index)?;
    if !declared.variable || declared.kind != of {
        return Err(declared.wrong_type(&format!("a variable tensor of {}", kind::name(of))));
    }
    let variable = importer.variables.tensors.get(&index).copied();
    let variable = variable.map_or_else(|| first_seen(&mut importer.variables, index, &declared), Ok)?;
    let missing = Error::MissingValue { node: "variable tensor".into(), value: declared.name };
    Ok((variable, current(importer, variable)?.ok_or(missing)?))
}

/// Adds the variable that a tensor is.
fn first_seen(variables: &mut Variables, index: usize, declared: &Declared) -> Result<usize, Error> {
    let (elements, shape) = (declared.elements(), graph_shape(&declared.shape));
    let initial = if declared.kind == kind::INT8 {
        let zero_point = declared.quant()?.zero_point as i8;
        Initial { values: Value::I8(vec![zero_point; elements]), shape, meaning: declared.meaning()? }
    } else {
        Initial { values: Value::I64(vec![0; elements]), shape, meaning: Meaning::KEPT }
    };
    let next = variables.table.len();
    variables.table.push(Variable { name: declared.name.clone(), initial: Some(initial), read: None, current: None });
    variables.tensors.insert(index, next);
    Ok(next)
}

/// Makes a variable hold something else of its shape and type from here on.
pub fn hold(importer: &mut Importer, variable: usize, value: TensorId) {
    importer.variables.table[variable].current = Some(value);
}

/// Hands the variables that a frame reads to the graph; others keep nothing that matters.
pub fn finish(importer: &mut Importer) {
    for variable in &importer.variables.table {
        if let (Some(read), Some(initial)) = (variable.read, &variable.initial) {
            let write = variable.current.unwrap_or(read);
            let state = State { name: variable.name.clone(), read, write, initial: initial.values.clone() };
            importer.graph.states.push(state);
        }
    }
}
