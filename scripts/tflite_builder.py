"""Writes small TensorFlow Lite files with random parameters, without TensorFlow."""

import flatbuffers
import numpy as np
import tflite
from flatbuffers import flexbuffers

KINDS = {
    np.dtype(np.float32): tflite.TensorType.FLOAT32,
    np.dtype(np.int32): tflite.TensorType.INT32,
    np.dtype(np.uint8): tflite.TensorType.UINT8,
    np.dtype(np.int64): tflite.TensorType.INT64,
    np.dtype(np.int16): tflite.TensorType.INT16,
    np.dtype(np.int8): tflite.TensorType.INT8,
}
NONE, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3
SAME, VALID = 0, 1


class Tensor:
    """A tensor of a network under construction."""

    def __init__(self, index, shape, dtype, scale, zero):
        self.index, self.shape, self.dtype = index, list(shape), np.dtype(dtype) if dtype else None
        self.scale, self.zero = scale, zero


class Graph:
    """One subgraph: tensors and operators in execution order."""

    def __init__(self, network, name):
        self.network, self.name = network, name
        self.tensors, self.operators, self.inputs, self.outputs = [], [], [], []

    def tensor(self, shape, dtype, scale=None, zero=None, data=None, axis=0, variable=False):
        """Adds a tensor; `dtype` None is a resource."""
        buffer = 0 if data is None else self.network.buffer(np.ascontiguousarray(data, dtype))
        index = len(self.tensors)
        self.tensors.append((list(shape), dtype, buffer, scale, zero, axis, variable))
        return Tensor(index, shape, dtype, scale, zero)

    def constant(self, data, scale=None, zero=None, axis=0):
        data = np.asarray(data)
        return self.tensor(data.shape, data.dtype, scale, zero, data, axis)

    def integers(self, values, dtype=np.int32):
        return self.constant(np.asarray(values, dtype))

    def variable(self, shape, dtype, scale, zero=0):
        """Adds a tensor that keeps its contents from frame to frame."""
        return self.tensor(shape, dtype, scale, zero, variable=True)

    def emit(self, code, inputs, outputs, options=None, intermediates=(), **fields):
        """Adds an operator by its name in the schema, or that of a custom one; options are a table's name and its fields, of a custom one
        the fields alone."""
        at, inner, to = ([-1 if tensor is None else tensor.index for tensor in of] for of in (inputs, intermediates, outputs))
        self.operators.append((code, at, to, options, inner, fields))
        return outputs[0] if outputs else None


class Network:
    """A file: its buffers and subgraphs."""

    def __init__(self, rng, dtype=np.int8):
        self.rng, self.dtype = rng, np.dtype(dtype)
        self.buffers, self.graphs = [b""], []
        self.graph("main")

    @property
    def main(self):
        return self.graphs[0]

    def graph(self, name):
        self.graphs.append(Graph(self, name))
        return self.graphs[-1]

    def buffer(self, data):
        self.buffers.append(data.tobytes())
        return len(self.buffers) - 1

    def low(self):
        return np.iinfo(self.dtype).min

    def zero(self):
        """A zero point: often the least value, as behind a ReLU, else any."""
        if self.rng.random() < 0.3:
            return int(self.low())
        return int(self.rng.integers(0, 256)) + int(self.low())

    def scale(self, low=0.01, high=0.2):
        return float(np.float32(self.rng.uniform(low, high)))

    def activation(self, shape, scale=None, zero=None):
        """A quantised tensor that an operator writes."""
        scale = self.scale() if scale is None else scale
        return self.main.tensor(shape, self.dtype, scale, self.zero() if zero is None else zero)

    def like(self, tensor, shape):
        return self.activation(shape, tensor.scale, tensor.zero)

    def input(self, shape, **quantisation):
        tensor = self.activation(shape, **quantisation)
        self.main.inputs.append(tensor)
        return tensor

    def values(self, shape):
        """Random 8-bit values, the greatest and the least among them."""
        return (self.rng.integers(0, 256, shape) + self.low()).astype(self.dtype)

    def output(self, *tensors):
        self.main.outputs.extend(tensors)
        return self

    def samples(self, count):
        return [self.values((count, *tensor.shape)) if tensor.dtype == self.dtype else self.real(count, tensor)
                for tensor in self.main.inputs]

    def real(self, count, tensor):
        return self.rng.normal(0, 3, (count, *tensor.shape)).astype(np.float32)

    def bytes(self):
        """The file."""
        b = flatbuffers.Builder(1024)
        codes = sorted({code for graph in self.graphs for code, *_ in graph.operators})
        buffers = vector(b, [self._buffer(b, data) for data in self.buffers])
        graphs = vector(b, [self._graph(b, graph, codes) for graph in self.graphs])
        code_table = vector(b, [operator_code(b, code) for code in codes])
        root = table(b, "Model", Version=3, OperatorCodes=code_table, Subgraphs=graphs, Buffers=buffers)
        b.Finish(root, b"TFL3")
        return bytes(b.Output())

    def _buffer(self, b, data):
        return table(b, "Buffer", Data=b.CreateByteVector(data)) if data else table(b, "Buffer")

    def _graph(self, b, graph, codes):
        tensors = vector(b, [self._tensor(b, f"{graph.name}/{at}", *t) for at, t in enumerate(graph.tensors)])
        operators = vector(b, [self._operator(b, codes, *o) for o in graph.operators])
        name = b.CreateString(graph.name)
        inputs = b.CreateNumpyVector(np.array([t.index for t in graph.inputs], np.int32))
        outputs = b.CreateNumpyVector(np.array([t.index for t in graph.outputs], np.int32))
        return table(
            b, "SubGraph", Tensors=tensors, Inputs=inputs, Outputs=outputs, Operators=operators, Name=name
        )

    def _tensor(self, b, name, shape, dtype, buffer, scale, zero, axis, variable):
        extra = {}
        if scale is not None:
            scales = b.CreateNumpyVector(np.atleast_1d(np.array(scale, np.float32)))
            zeros = b.CreateNumpyVector(np.atleast_1d(np.array(zero, np.int64)))
            meaning = table(
                b, "QuantizationParameters", Scale=scales, ZeroPoint=zeros, QuantizedDimension=axis
            )
            extra = {"Quantization": meaning}
        if variable:
            extra["IsVariable"] = True
        kind = tflite.TensorType.RESOURCE if dtype is None else KINDS[np.dtype(dtype)]
        sizes = b.CreateNumpyVector(np.array(shape, np.int32))
        return table(b, "Tensor", Shape=sizes, Type=kind, Buffer=buffer, Name=b.CreateString(name), **extra)

    def _operator(self, b, codes, code, inputs, outputs, options, intermediates, fields):
        extra = {}
        if not hasattr(tflite.BuiltinOperator, code):
            extra = {"CustomOptions": b.CreateByteVector(bytes(flexbuffers.Dumps(fields)))}
        elif options:
            made = {}
            for name, value in fields.items():
                if isinstance(value, str):
                    value = b.CreateString(value)
                elif isinstance(value, (list, tuple)):
                    value = b.CreateNumpyVector(np.array(value, np.int32))
                made[name] = value
            kind = getattr(tflite.BuiltinOptions, options)
            extra = {"BuiltinOptionsType": kind, "BuiltinOptions": table(b, options, **made)}
        if intermediates:
            extra["Intermediates"] = b.CreateNumpyVector(np.array(intermediates, np.int32))
        inputs = b.CreateNumpyVector(np.array(inputs, np.int32))
        outputs = b.CreateNumpyVector(np.array(outputs, np.int32))
        return table(
            b, "Operator", OpcodeIndex=codes.index(code), Inputs=inputs, Outputs=outputs, **extra
        )


def table(b, name, **fields):
    """Writes one table of the schema."""
    getattr(tflite, f"{name}Start")(b)
    for field, value in fields.items():
        getattr(tflite, f"{name}Add{field}")(b, value)
    return getattr(tflite, f"{name}End")(b)


def operator_code(b, code):
    # The runtime has no first version of this one.
    version = 2 if code == "BROADCAST_TO" else 1
    number = getattr(tflite.BuiltinOperator, code, tflite.BuiltinOperator.CUSTOM)
    custom = {"CustomCode": b.CreateString(code)} if number == tflite.BuiltinOperator.CUSTOM else {}
    return table(b, "OperatorCode", DeprecatedBuiltinCode=min(number, 127), Version=version, BuiltinCode=number, **custom)


def vector(b, offsets):
    b.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        b.PrependUOffsetTRelative(offset)
    return b.EndVector()
