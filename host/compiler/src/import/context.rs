//! The symbol table and the look-ups that every operator's importer shares.

use std::collections::HashMap;

use super::constants::scalar_f32;
use super::limits::Budget;
use super::proto::NodeProto;
use super::tensors::activation;
use crate::error::{Error, show};
use crate::graph::{DType, Data, Graph, Node, Place, Quant, Tensor, TensorId};
use crate::op::Op;
use crate::reference::{dequantize_all, move_shapes};

/// The graph under construction and the names defined so far.
pub struct Context {
    pub graph: Graph,
    /// The version of ONNX's own operator set.
    pub opset: i64,
    names: HashMap<String, TensorId>,
    /// Results of nodes that only dequantise and move constants, and where those nodes are, unless they were evaluated.
    constants: HashMap<TensorId, usize>,
    budget: Budget,
}

/// The name by which messages mention a node.
pub fn title(node: &NodeProto) -> String {
    if node.name.is_empty() { show(node.output.first().map_or("", String::as_str)) } else { show(&node.name) }
}

/// An operator, or a variant of it, that cannot be imported.
pub fn unsupported(node: &NodeProto, reason: &str) -> Error {
    let op = match node.domain.as_str() {
        "" => show(&node.op_type),
        domain => format!("{}.{}", show(domain), show(&node.op_type)),
    };
    Error::Unsupported { node: title(node), op, reason: reason.to_string() }
}

/// The name of the only value that a node writes.
pub fn output_name(node: &NodeProto) -> Result<&str, Error> {
    match node.output.first().map(String::as_str) {
        None | Some("") => Err(Error::MissingOperand { node: title(node), what: "an output".into() }),
        Some(name) => Ok(name),
    }
}

impl Context {
    pub fn new(name: String, opset: i64) -> Self {
        let graph = Graph { name, ..Graph::default() };
        Self { graph, opset, names: HashMap::new(), constants: HashMap::new(), budget: Budget::default() }
    }

    pub fn lookup(&self, name: &str) -> Option<TensorId> {
        self.names.get(name).copied()
    }

    /// Adds a tensor under a name of the file.
    pub fn define(&mut self, name: &str, tensor: Tensor) -> Result<TensorId, Error> {
        self.budget.elements(tensor.elements())?;
        let id = self.graph.add_tensor(tensor);
        self.bind(name, id)?;
        Ok(id)
    }

    /// Whether a value is a constant, or one that was dequantised and moved.
    pub fn derives_from_constants(&self, id: TensorId) -> bool {
        self.tensor(id).data.is_some() || self.constants.contains_key(&id)
    }

    /// Counts work against the limit of a frame.
    pub fn charge(&mut self, operations: u64) -> Result<(), Error> {
        self.budget.operations(operations)
    }

    /// The input at `index`, if the node has one there.
    pub fn optional(&self, node: &NodeProto, index: usize) -> Result<Option<TensorId>, Error> {
        match node.input.get(index).map(String::as_str) {
            None | Some("") => Ok(None),
            Some(name) => match self.lookup(name) {
                Some(id) => Ok(Some(id)),
                None => Err(Error::MissingValue { node: title(node), value: show(name) }),
            },
        }
    }

    /// The input at `index`.
    pub fn required(&self, node: &NodeProto, index: usize) -> Result<TensorId, Error> {
        let missing = || Error::MissingOperand { node: title(node), what: format!("input {index}") };
        self.optional(node, index)?.ok_or_else(missing)
    }

    /// A tensor defined so far.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        self.graph.tensor(id)
    }

    /// A constant input.
    pub fn constant(&self, node: &NodeProto, index: usize, role: &str) -> Result<&Tensor, Error> {
        let tensor = self.tensor(self.required(node, index)?);
        if tensor.data.is_some() {
            return Ok(tensor);
        }
        Err(Error::NotConstant { node: title(node), value: tensor.name.clone(), role: role.to_string() })
    }

    /// The number of a constant input, which may be one that the file dequantises; `None` if it is several or of another type.
    pub fn real(&self, node: &NodeProto, index: usize, role: &str) -> Result<Option<f32>, Error> {
        let values = self.reals(node, index, role)?;
        Ok(values.filter(|values| values.len() == 1).map(|values| values[0]))
    }

    /// The numbers of a constant input, which may be some that the file dequantises; `None` if they are of another type.
    pub fn reals(&self, node: &NodeProto, index: usize, role: &str) -> Result<Option<Vec<f32>>, Error> {
        let id = self.required(node, index)?;
        let made_by = self.constants.get(&id).and_then(|&at| self.graph.nodes.get(at)).filter(|made| made.output == id);
        if let Some(Node { op: Op::Dequantize(affine), inputs, .. }) = made_by {
            let Tensor { data, shape, .. } = self.tensor(inputs[0]);
            match data {
                Some(Data::I8(values)) => return Ok(Some(dequantize_all(affine, values, shape))),
                Some(Data::I32(values)) => return Ok(Some(dequantize_all(affine, values, shape))),
                _ => {}
            }
        }
        Ok(match &self.constant(node, index, role)?.data {
            Some(Data::F32(values)) => Some(values.clone()),
            _ => None,
        })
    }

    /// A constant positive scale.
    pub fn scale(&self, node: &NodeProto, index: usize) -> Result<f32, Error> {
        let tensor = self.constant(node, index, "a scale")?;
        let scale = scalar_f32(tensor).ok_or_else(|| Error::Quantisation {
            value: tensor.name.clone(),
            detail: "is not one float scale".into(),
        })?;
        check_scale(&tensor.name, scale)
    }

    /// Constant positive scales, one or several.
    pub fn scales(&self, node: &NodeProto, index: usize) -> Result<Vec<f32>, Error> {
        let tensor = self.constant(node, index, "a scale")?;
        match &tensor.data {
            Some(Data::F32(values)) if !values.is_empty() => {
                values.iter().map(|&scale| check_scale(&tensor.name, scale)).collect()
            }
            _ => Err(Error::Quantisation { value: tensor.name.clone(), detail: "is not a float scale".into() }),
        }
    }

    /// Constant 8-bit (rebased) or 32-bit zero points, and whether they are uint8. An absent one is ONNX's default: uint8 zero.
    pub fn zero_points(&self, node: &NodeProto, index: usize) -> Result<(Vec<i32>, bool), Error> {
        if self.optional(node, index)?.is_none() {
            return Ok((vec![-128], true));
        }
        let tensor = self.constant(node, index, "a zero point")?;
        match &tensor.data {
            Some(Data::I8(values)) if !values.is_empty() => {
                Ok((values.iter().map(|&v| i32::from(v)).collect(), tensor.unsigned))
            }
            Some(Data::I32(values)) if !values.is_empty() => Ok((values.clone(), false)),
            _ => Err(Error::Quantisation { value: tensor.name.clone(), detail: "is not an 8-bit zero point".into() }),
        }
    }

    /// A scale and an 8-bit zero point, and whether they describe uint8.
    pub fn quant(&self, node: &NodeProto, scale: usize, zero_point: usize) -> Result<(Quant, bool), Error> {
        let (zero_points, unsigned) = self.zero_points(node, zero_point)?;
        match *zero_points.as_slice() {
            [zero_point] if (-128..=127).contains(&zero_point) => {
                Ok((Quant { scale: self.scale(node, scale)?, zero_point }, unsigned))
            }
            _ => Err(Error::Quantisation {
                value: title(node),
                detail: "needs exactly one 8-bit zero point a tensor".into(),
            }),
        }
    }

    /// Checks that an 8-bit activation has the signedness its zero point claims.
    pub fn activation(&self, node: &NodeProto, index: usize, unsigned: bool) -> Result<TensorId, Error> {
        let id = self.required(node, index)?;
        let tensor = self.tensor(id);
        let found = match (tensor.dtype, tensor.unsigned) {
            (DType::I8, found) if found == unsigned => return Ok(id),
            (DType::I8, true) => "uint8".to_string(),
            (DType::I8, false) => "int8".to_string(),
            (other, _) => format!("{other:?}"),
        };
        let expected = if unsigned { "uint8" } else { "int8" };
        Err(Error::Type { value: tensor.name.clone(), found, expected: expected.into() })
    }

    /// Adds a node and the tensor it writes.
    pub fn push(&mut self, node: &NodeProto, op: Op, inputs: Vec<TensorId>, output: Output) -> Result<(), Error> {
        self.push_as(node, output_name(node)?, op, inputs, output)
    }

    /// Adds a node that writes the file's value `name`.
    pub fn push_as(
        &mut self,
        node: &NodeProto,
        name: &str,
        op: Op,
        inputs: Vec<TensorId>,
        output: Output,
    ) -> Result<(), Error> {
        let id = self.push_inner(node, op, inputs, output)?;
        self.name(name, id)
    }

    /// Gives a tensor that no name of the file stands for yet its name.
    pub fn name(&mut self, name: &str, id: TensorId) -> Result<(), Error> {
        self.graph.tensors[id.0].name = show(name);
        self.bind(name, id)
    }

    /// Adds a node whose output has no name in the file. Moved shapes are evaluated on the spot.
    pub fn push_inner(
        &mut self,
        node: &NodeProto,
        op: Op,
        inputs: Vec<TensorId>,
        output: Output,
    ) -> Result<TensorId, Error> {
        let Output { shape, dtype, unsigned, quant } = output;
        let name = title(node);
        super::tensors::check_size(&name, &shape)?;
        let mut tensor = activation(&name, shape, dtype, unsigned, quant);
        self.budget.elements(tensor.elements())?;
        let operands: Vec<&Tensor> = inputs.iter().map(|id| self.tensor(*id)).collect();
        tensor.data = move_shapes(&op, &operands, &tensor.shape);
        let evaluated = tensor.data.is_some();
        let constant =
            (matches!(op, Op::Dequantize(_)) || op.moves()) && inputs.iter().all(|&id| self.derives_from_constants(id));
        let output = self.graph.add_tensor(tensor);
        if constant {
            self.constants.insert(output, self.graph.nodes.len());
        }
        if !evaluated {
            self.graph.nodes.push(Node { name, op, inputs, output, place: Place::Chip });
        }
        Ok(output)
    }

    fn bind(&mut self, name: &str, id: TensorId) -> Result<(), Error> {
        match self.names.insert(name.to_string(), id) {
            Some(_) => Err(Error::Duplicate { value: show(name) }),
            None => Ok(()),
        }
    }

    /// Gives the input of an identity a second name.
    pub fn alias(&mut self, node: &NodeProto) -> Result<(), Error> {
        let input = self.required(node, 0)?;
        self.bind(output_name(node)?, input)
    }
}

/// What a node writes.
pub struct Output {
    pub shape: Vec<usize>,
    pub dtype: DType,
    pub unsigned: bool,
    pub quant: Option<Quant>,
}

impl Output {
    /// A quantised tensor.
    pub fn quantised(shape: Vec<usize>, quant: Quant, unsigned: bool) -> Self {
        Self { shape, dtype: DType::I8, unsigned, quant: Some(quant) }
    }

    /// A real tensor.
    pub fn real(shape: Vec<usize>) -> Self {
        Self { shape, dtype: DType::F32, unsigned: false, quant: None }
    }

    /// Same type and meaning as `tensor`, another shape.
    pub fn like(tensor: &Tensor, shape: Vec<usize>) -> Self {
        Self { shape, dtype: tensor.dtype, unsigned: tensor.unsigned, quant: tensor.quant }
    }
}

fn check_scale(value: &str, scale: f32) -> Result<f32, Error> {
    if scale.is_finite() && scale > 0.0 {
        return Ok(scale);
    }
    Err(Error::Quantisation {
        value: value.to_string(),
        detail: format!("has scale {scale}, which is not a positive number"),
    })
}
