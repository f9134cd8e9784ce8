//! The graph under construction, and the look-ups that every operator's importer shares.

use std::collections::HashMap;

use planus::Vector;

use super::batches::Batched;
use super::codes::NAMES;
use super::layout::{file_shape, graph_shape, view_op};
use super::schema::{Buffer, Operator, OperatorCode, Options, Quantization, SubGraph, Tables, Tensor, kind};
use super::states::Variables;
use crate::error::{Error, show};
use crate::graph::{DType, Data, Graph, Place, Quant, TensorId};
use crate::import::limits::{Budget, at_most};
use crate::import::tensors;
use crate::op::Op;
use crate::reference::channels_first;

/// Most operands of one operator.
const MAX_OPERANDS: u64 = 1 << 12;
/// Most values of a shape, a list of axes or a list of sizes.
const MAX_PARAMETERS: u64 = 1 << 12;

/// The graph under construction.
pub struct Importer<'a> {
    pub graph: Graph,
    pub variables: Variables,
    buffers: Option<Tables<'a>>,
    tensors: Option<Tables<'a>>,
    /// For each tensor of the present subgraph, what it is in the graph.
    values: Vec<Option<TensorId>>,
    /// For each tensor of the present subgraph that holds a picture dealt into a batch, how.
    batches: HashMap<usize, Batched>,
    /// Integers that operators of the present subgraph computed from shapes.
    known: HashMap<usize, Vec<i64>>,
    budget: Budget,
}

/// A tensor as the file declares it.
pub struct Declared<'a> {
    pub name: String,
    /// In the file's order.
    pub shape: Vec<usize>,
    /// The element type ([`kind`]).
    pub kind: i8,
    /// Its bytes, if it is constant.
    pub data: Option<&'a [u8]>,
    pub quantization: Option<Quantization<'a>>,
    /// Whether it keeps its contents from frame to frame.
    pub variable: bool,
}

/// An operator of the file.
pub struct Node<'a> {
    /// What messages call it: its first output, or its place in the file.
    pub title: String,
    /// What it does.
    pub code: i32,
    /// Tensors read; `None` where an optional one is absent.
    pub inputs: Vec<Option<usize>>,
    /// Tensors written.
    pub outputs: Vec<usize>,
    /// Tensors that lend their quantisation.
    pub intermediates: Vec<Option<usize>>,
    options: Option<Options<'a>>,
    /// The name of a custom operator, and its parameters.
    pub custom: Option<(&'a str, &'a [u8])>,
}

impl Node<'_> {
    /// What the schema, or its maker, calls the operator.
    pub fn operator(&self) -> String {
        if let Some((custom, _)) = self.custom {
            return show(custom);
        }
        let name = usize::try_from(self.code).ok().and_then(|code| NAMES.get(code));
        name.map_or(format!("operator {}", self.code), ToString::to_string)
    }

    /// An operator, or a variant of it, that cannot be imported.
    pub fn unsupported(&self, reason: impl Into<String>) -> Error {
        Error::Unsupported { node: self.title.clone(), op: self.operator(), reason: reason.into() }
    }

    /// A shape that does not fit.
    pub fn misshapen(&self, detail: impl Into<String>) -> Error {
        Error::Shape { value: self.title.clone(), detail: detail.into() }
    }

    /// The tensor at an operand that must be there.
    pub fn input(&self, at: usize) -> Result<usize, Error> {
        let missing = || Error::MissingOperand { node: self.title.clone(), what: format!("input {at}") };
        self.inputs.get(at).copied().flatten().ok_or_else(missing)
    }

    /// The tensor at a result that must be there.
    pub fn output(&self, at: usize) -> Result<usize, Error> {
        let missing = || Error::MissingOperand { node: self.title.clone(), what: format!("output {at}") };
        self.outputs.get(at).copied().ok_or_else(missing)
    }

    /// An option of the operator, `default` if the file leaves it out.
    pub fn option<T: for<'b> planus::TableRead<'b>>(&self, slot: usize, default: T) -> Result<T, Error> {
        Ok(match &self.options {
            Some(options) => options.field(slot)?.unwrap_or(default),
            None => default,
        })
    }

    /// An option that is text.
    pub fn text(&self, slot: usize) -> Result<String, Error> {
        let text = self.options.map_or(Ok(None), |options| options.field::<&str>(slot))?;
        Ok(text.unwrap_or_default().to_string())
    }

    /// An option that is a list of integers; empty if absent.
    pub fn list(&self, slot: usize) -> Result<Vec<i64>, Error> {
        let list = self.options.map_or(Ok(None), |options| options.field::<Vector<i32>>(slot))?;
        let list = list.unwrap_or_else(Vector::new_empty);
        at_most("the number of values of an option", list.len() as u64, MAX_PARAMETERS)?;
        Ok(list.iter().map(i64::from).collect())
    }
}

impl<'a> Importer<'a> {
    pub fn new(buffers: Option<Tables<'a>>) -> Self {
        let (graph, variables, budget) = (Graph::default(), Variables::default(), Budget::default());
        let (batches, known) = (HashMap::new(), HashMap::new());
        Self { graph, variables, buffers, tensors: None, values: Vec::new(), batches, known, budget }
    }

    /// Starts a subgraph: names its tensors, forgets those of the one before.
    pub fn enter(&mut self, subgraph: &SubGraph<'a>) -> Result<(), Error> {
        self.tensors = subgraph.tensors()?;
        let count = self.tensors.map_or(0, |tensors| tensors.len);
        at_most("the number of tensors", count as u64, crate::import::limits::MAX_NODES)?;
        self.values = vec![None; count];
        self.known.clear();
        self.batches.clear();
        self.variables.forget_tensors();
        Ok(())
    }

    /// Reads an operator.
    pub fn node(&self, operator: &Operator<'a>, codes: Option<Tables<'a>>, at: usize) -> Result<Node<'a>, Error> {
        let index = operator.opcode_index()? as usize;
        let code = codes.map_or(Ok(None), |codes| codes.get::<OperatorCode>(index))?;
        let code = code.ok_or_else(|| Error::MalformedTflite { detail: format!("operator {at} has no code") })?;
        let custom = code.custom_code()?.unwrap_or_default();
        let code = code.builtin_code()?.max(i32::from(code.deprecated_builtin_code()?));
        let inputs = self.operands(operator.inputs()?, at)?;
        let outputs: Vec<usize> = self.operands(operator.outputs()?, at)?.into_iter().flatten().collect();
        let intermediates = self.operands(operator.intermediates()?, at)?;
        let title = match outputs.first() {
            Some(&output) => self.declared(output)?.name,
            None => format!("operator {at}"),
        };
        let parameters = operator.custom_options()?;
        let custom = (code == super::codes::code::CUSTOM).then_some((custom, parameters));
        Ok(Node { title, code, inputs, outputs, intermediates, options: operator.options()?, custom })
    }

    fn operands(&self, list: Vector<'a, i32>, at: usize) -> Result<Vec<Option<usize>>, Error> {
        at_most("the number of operands of an operator", list.len() as u64, MAX_OPERANDS)?;
        let outside = |index: i32| Error::MalformedTflite { detail: format!("operator {at} names tensor {index}") };
        let resolve = |index: i32| match usize::try_from(index) {
            Ok(index) if index < self.values.len() => Ok(Some(index)),
            Err(_) if index == -1 => Ok(None),
            _ => Err(outside(index)),
        };
        list.iter().map(resolve).collect()
    }

    /// What the file says about a tensor.
    pub fn declared(&self, index: usize) -> Result<Declared<'a>, Error> {
        let missing = || Error::MalformedTflite { detail: format!("there is no tensor {index}") };
        let tensor: Tensor = self.tensors.map_or(Ok(None), |tensors| tensors.get(index))?.ok_or_else(missing)?;
        let name = show(tensor.name()?);
        let name = if name.is_empty() { format!("tensor {index}") } else { name };
        let dims = tensor.shape()?;
        let dims: Vec<i64> = dims.iter().take(crate::import::limits::MAX_RANK + 1).map(i64::from).collect();
        let shape = tensors::checked_shape(&name, &dims)?;
        let buffer = tensor.buffer()? as usize;
        let buffer: Option<Buffer> = self.buffers.map_or(Ok(None), |buffers| buffers.get(buffer))?;
        let data = match buffer {
            None => None,
            Some(buffer) if buffer.offset()? > 1 => return Err(Error::ExternalData { tensor: name }),
            Some(buffer) => Some(buffer.data()?).filter(|data| !data.is_empty()),
        };
        let variable = tensor.is_variable()?;
        if variable && data.is_some() {
            let detail = "is a variable tensor and has contents, which the runtime refuses: remove them".into();
            return Err(Error::Shape { value: name, detail });
        }
        if data.is_some() && tensor.sparsity()?.is_some() {
            let detail = "is stored sparse: convert the model without sparse weights".into();
            return Err(Error::Shape { value: name, detail });
        }
        Ok(Declared { name, shape, kind: tensor.kind()?, data, quantization: tensor.quantization()?, variable })
    }

    /// The graph's tensor of an operand; a constant becomes one when first asked for.
    pub fn value(&mut self, node: &Node, at: usize) -> Result<TensorId, Error> {
        let index = node.input(at)?;
        self.tensor_of(index, &node.title)
    }

    /// The graph's tensor of a file's tensor.
    pub fn tensor_of(&mut self, index: usize, reader: &str) -> Result<TensorId, Error> {
        if let Some(id) = self.values.get(index).copied().flatten() {
            return Ok(id);
        }
        let declared = self.declared(index)?;
        if declared.variable {
            return super::states::held(self, index, kind::INT8).map(|(_, now)| now);
        }
        if declared.data.is_none() {
            return Err(Error::MissingValue { node: reader.to_string(), value: declared.name });
        }
        self.reserve(&declared)?;
        let shape = graph_shape(&declared.shape);
        occupied(&declared.name, &shape)?;
        let data = match declared.kind {
            kind::FLOAT32 => Data::F32(channels_first(&declared.floats()?, &shape)),
            _ => Data::I8(channels_first(&declared.bytes()?, &shape)),
        };
        let mut tensor = tensors::activation(&declared.name, shape, data.dtype(), declared.unsigned(), None);
        tensor.quant = declared.quant().ok();
        tensor.data = Some(data);
        let id = self.graph.add_tensor(tensor);
        self.values[index] = Some(id);
        Ok(id)
    }

    /// A quantised operand: its tensor and what its values mean.
    pub fn quantised(&mut self, node: &Node, at: usize) -> Result<(TensorId, Quant), Error> {
        let declared = self.declared(node.input(at)?)?;
        let quant = declared.quant()?;
        Ok((self.value(node, at)?, quant))
    }

    /// The integers of a constant operand.
    pub fn integers(&self, node: &Node, at: usize, role: &str) -> Result<Vec<i64>, Error> {
        let index = node.input(at)?;
        if let Some(known) = self.known.get(&index) {
            return Ok(known.clone());
        }
        let declared = self.declared(index)?;
        if declared.data.is_none() {
            let reason = format!("{role}, '{}', is computed at run time: make it constant", declared.name);
            return Err(node.unsupported(reason));
        }
        at_most(&format!("the number of values of '{}'", declared.name), declared.elements() as u64, MAX_PARAMETERS)?;
        declared.integers()
    }

    /// Whether an operand's integers are known.
    pub fn is_known(&self, index: usize) -> Result<bool, Error> {
        Ok(self.known.contains_key(&index) || self.declared(index)?.data.is_some())
    }

    /// Whether an operand holds integers that are computed from values.
    pub fn is_place(&self, index: usize) -> bool {
        let value = self.values.get(index).copied().flatten();
        value.is_some_and(|id| self.graph.tensor(id).dtype == DType::I64)
    }

    /// Keeps integers that an operator computes.
    pub fn know(&mut self, index: usize, integers: Vec<i64>) -> Result<(), Error> {
        if self.known.insert(index, integers).is_some() || self.values.get(index).copied().flatten().is_some() {
            return Err(Error::Duplicate { value: self.declared(index)?.name });
        }
        Ok(())
    }

    /// How a tensor holds a picture as a batch, if it does.
    pub fn batched(&self, index: usize) -> Option<Batched> {
        self.batches.get(&index).copied()
    }

    /// Keeps how a tensor holds a picture as a batch.
    pub fn remember(&mut self, index: usize, batched: Batched) {
        self.batches.insert(index, batched);
    }

    /// Makes a file's tensor stand for a tensor of the graph.
    pub fn bind(&mut self, index: usize, id: TensorId) -> Result<(), Error> {
        let declared = self.declared(index)?;
        match self.values.get_mut(index) {
            Some(slot @ None) if !declared.variable => *slot = Some(id),
            _ => return Err(Error::Duplicate { value: declared.name }),
        }
        Ok(())
    }

    /// Counts work against the limit of a frame.
    pub fn charge(&mut self, operations: u64) -> Result<(), Error> {
        self.budget.operations(operations)
    }

    /// Counts constants that operators keep against the limit of all tensors.
    pub fn reserve(&mut self, declared: &Declared) -> Result<(), Error> {
        self.budget.elements(declared.elements())
    }

    /// Adds a tensor of the graph's shape, which is nobody's yet.
    pub fn add(&mut self, name: &str, shape: Vec<usize>, like: Meaning) -> Result<TensorId, Error> {
        tensors::check_size(name, &shape)?;
        occupied(name, &shape)?;
        self.budget.elements(shape.iter().product())?;
        Ok(self.graph.add_tensor(tensors::activation(name, shape, like.dtype, like.unsigned, like.quant)))
    }

    /// Adds a step whose result is no tensor of the file.
    pub fn step(
        &mut self,
        node: &Node,
        op: Op,
        inputs: Vec<TensorId>,
        shape: Vec<usize>,
        like: Meaning,
    ) -> Result<TensorId, Error> {
        let name = format!("{}/{}", node.title, self.graph.nodes.len());
        self.charge(shape.iter().map(|&d| d as u64).product())?;
        let output = self.add(&name, shape, like)?;
        self.graph.nodes.push(crate::Node { name, op, inputs, output, place: Place::Chip });
        Ok(output)
    }

    /// Adds an operator and the file's tensor that it writes, of the given shape in the graph's order.
    pub fn emit(
        &mut self,
        node: &Node,
        op: Op,
        inputs: Vec<TensorId>,
        at: usize,
        shape: Vec<usize>,
    ) -> Result<(), Error> {
        let index = node.output(at)?;
        let declared = self.declared(index)?;
        let meaning = declared.meaning()?;
        self.charge(shape.iter().map(|&d| d as u64).product())?;
        let output = self.add(&declared.name, shape, meaning)?;
        self.graph.nodes.push(crate::Node { name: declared.name, op, inputs, output, place: Place::Chip });
        self.bind(index, output)
    }

    /// Shows a tensor under another shape of the file.
    pub fn view(&mut self, node: &Node, input: TensorId, file: &[usize]) -> Result<TensorId, Error> {
        let old = self.file_shape(input);
        if old == file {
            return Ok(input);
        }
        let meaning = Meaning::of(self.graph.tensor(input));
        self.step(node, view_op(&old, file), vec![input], graph_shape(file), meaning)
    }

    /// Writes an output of the file as another view of a tensor.
    pub fn emit_view(&mut self, node: &Node, input: TensorId, at: usize, file: &[usize]) -> Result<(), Error> {
        let old = self.file_shape(input);
        if old.iter().product::<usize>() != file.iter().product::<usize>() {
            return Err(node.misshapen(format!("reshapes {old:?} to {file:?}: convert the model again")));
        }
        self.emit(node, view_op(&old, file), vec![input], at, graph_shape(file))
    }

    /// The shape of a graph's tensor in the file's order.
    pub fn file_shape(&self, id: TensorId) -> Vec<usize> {
        file_shape(&self.graph.tensor(id).shape)
    }
}

/// Refuses a tensor without elements, behind whose empty dimension the others could be of any size.
fn occupied(name: &str, shape: &[usize]) -> Result<(), Error> {
    if shape.contains(&0) {
        let detail = format!("has shape {shape:?}, which is empty: remove what computes it");
        return Err(Error::Shape { value: name.to_string(), detail });
    }
    Ok(())
}

/// Element type and quantisation of a tensor.
#[derive(Debug, Clone, Copy)]
pub struct Meaning {
    pub dtype: DType,
    pub unsigned: bool,
    pub quant: Option<Quant>,
}

impl Meaning {
    /// That of values of 16 bits that layers keep.
    pub const KEPT: Self = Self { dtype: DType::I64, unsigned: false, quant: None };

    /// That of a tensor.
    pub fn of(tensor: &crate::Tensor) -> Self {
        Self { dtype: tensor.dtype, unsigned: tensor.unsigned, quant: tensor.quant }
    }
}
