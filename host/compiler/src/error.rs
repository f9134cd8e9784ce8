//! Everything that can be wrong with a model, in words that name the value and the remedy.

use thiserror::Error;

/// Why a model cannot be imported, transformed or executed.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A size passes a documented limit ([`crate::import::limits`]).
    #[error("{what} is {size}, more than the limit of {limit}: use a smaller model")]
    TooLarge {
        /// What was measured.
        what: String,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The bytes are not a protobuf message of the ONNX schema.
    #[error("not a readable ONNX file ({detail}): export or copy the model again")]
    Malformed {
        /// What the decoder said.
        detail: String,
    },
    /// The bytes are not a flatbuffer of the TensorFlow Lite schema.
    #[error("not a readable TFLite file ({detail}): convert or copy the model again")]
    MalformedTflite {
        /// What is wrong.
        detail: String,
    },
    /// A tensor keeps its values in another file.
    #[error(
        "tensor '{tensor}' is stored outside the file: save the model with its data inside (onnx.save_model with save_as_external_data=False)"
    )]
    ExternalData {
        /// The tensor's name.
        tensor: String,
    },
    /// A value has an element type that does not fit its use.
    #[error("value '{value}' is {found}, but {expected} is needed: quantise the model to int8 or uint8")]
    Type {
        /// The value's name.
        value: String,
        /// Its type.
        found: String,
        /// What would fit.
        expected: String,
    },
    /// A node reads a value that nothing defines.
    #[error(
        "node '{node}' reads '{value}', which is neither an input, an initialiser nor a node's output: repair the graph"
    )]
    MissingValue {
        /// The reading node.
        node: String,
        /// The undefined value.
        value: String,
    },
    /// A node lacks an input or output that its operator requires.
    #[error("node '{node}' lacks {what}: export the model again")]
    MissingOperand {
        /// The node.
        node: String,
        /// What it lacks.
        what: String,
    },
    /// A value depends on itself.
    #[error("node '{node}' depends on its own output: remove the cycle")]
    Cycle {
        /// A node on the cycle.
        node: String,
    },
    /// Two definitions share one name.
    #[error("value '{value}' is defined twice: give each value its own name")]
    Duplicate {
        /// The shared name.
        value: String,
    },
    /// An operator, or a variant of one, that this compiler does not know.
    #[error("node '{node}' uses {op}: {reason}")]
    Unsupported {
        /// The node.
        node: String,
        /// The operator.
        op: String,
        /// Why, and what to do.
        reason: String,
    },
    /// A parameter is computed at run time.
    #[error(
        "'{value}', {role} of node '{node}', is computed at run time: make it an initialiser (onnxruntime's basic optimisations fold it)"
    )]
    NotConstant {
        /// The node.
        node: String,
        /// The value.
        value: String,
        /// Its role.
        role: String,
    },
    /// A shape is impossible or does not fit.
    #[error("value '{value}' {detail}")]
    Shape {
        /// The value.
        value: String,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// An attribute is out of range.
    #[error("attribute '{attribute}' of node '{node}' {detail}")]
    Attribute {
        /// The node.
        node: String,
        /// The attribute.
        attribute: String,
        /// What is wrong, and the remedy.
        detail: String,
    },
    /// A scale or zero point is unusable.
    #[error("quantisation of '{value}' {detail}: quantise the model again")]
    Quantisation {
        /// The tensor or node.
        value: String,
        /// What is wrong.
        detail: String,
    },
    /// An operator computes in floating point.
    #[error(
        "node '{node}' ({op}) computes in floating point: quantise the model (onnxruntime.quantization.quantize_static) or surround the node with QuantizeLinear and DequantizeLinear"
    )]
    NotQuantised {
        /// The node.
        node: String,
        /// The operator.
        op: String,
    },
    /// An input handed to the executor does not fit the graph.
    #[error("input {index} ('{name}') {detail}")]
    Input {
        /// Which input.
        index: usize,
        /// Its name.
        name: String,
        /// What is wrong, and the remedy.
        detail: String,
    },
}

/// Shortens and escapes a name from a file so that it cannot garble a terminal.
pub(crate) fn show(name: &str) -> String {
    const LIMIT: usize = 96;
    let mut text: String = name.chars().take(LIMIT).flat_map(char::escape_debug).collect();
    if name.chars().nth(LIMIT).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::show;

    #[test]
    fn hostile_names_are_shortened_and_escaped() {
        assert_eq!(show("a\x1b[2J\n"), "a\\u{1b}[2J\\n");
        assert_eq!(show(&"x".repeat(1_000_000)).chars().count(), 97);
    }
}
