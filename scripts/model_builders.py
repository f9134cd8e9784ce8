"""Builders of small random networks: quantised node by node, or float for ONNX Runtime's quantiser."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

OPSETS = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
ELEMENT = {"float": TensorProto.FLOAT, "int8": TensorProto.INT8, "uint8": TensorProto.UINT8}
# Products of pairs stay inside int16 with these, which x86 kernels without VNNI need; see the digits' README.
WEIGHT_LIMIT = 64
# Quantised operators of ONNX itself; the others that begin with Q are ONNX Runtime's own.
STANDARD = {"QLinearConv", "QLinearMatMul", "QuantizeLinear"}


class Quantised:
    """Builds a QOperator network node by node, with random scales, zero points and weights."""

    def __init__(self, rng, shape, io="float", kind="int8", zero=None):
        self.rng, self.io, self.kind = rng, io, kind
        self.nodes, self.initialisers, self.count = [], [], 0
        self.scale = np.float32(rng.uniform(0.01, 0.1))
        self.zero = self.any_zero() if zero is None else zero
        self.source_shape, self.shape = list(shape), list(shape)
        self.first = (self.scale, self.zero)
        self.value = "input"
        if io == "float":
            self.value = self.emit("QuantizeLinear", ["input", *self.quantisation()])

    def low(self):
        return 0 if self.kind == "uint8" else -128

    def any_zero(self):
        return int(self.rng.choice([self.low(), self.low() + 128, self.rng.integers(0, 256) + self.low()]))

    def constant(self, values, dtype):
        name = f"k{len(self.initialisers)}"
        self.initialisers.append(numpy_helper.from_array(np.array(values, dtype), name))
        return name

    def quantisation(self):
        """Names of the current scale and zero point."""
        return [self.constant(self.scale, np.float32), self.constant(self.zero, self.kind)]

    def emit(self, op, inputs, **attributes):
        self.count += 1
        output = f"t{self.count}"
        domain = "com.microsoft" if op.startswith("Q") and op not in STANDARD else ""
        self.nodes.append(
            helper.make_node(op, inputs, [output], name=f"{op}_{self.count}", domain=domain, **attributes)
        )
        return output

    def operand(self):
        return [self.value, *self.quantisation()]

    def requantised(self, spread, zero=None):
        """Takes a new scale that suits values of this spread, and a new zero point."""
        self.scale = np.float32(spread * self.rng.uniform(2, 4) / 128)
        self.zero = self.any_zero() if zero is None else zero

    def weights(self, shape, channels, per_channel, zero=0, full=False):
        """Sparse random weights with their scales and zero points: names, and the mean scale."""
        if full:
            values = self.rng.integers(-128, 128, shape)
        else:
            values = self.rng.integers(-WEIGHT_LIMIT + abs(zero), WEIGHT_LIMIT + 1 - abs(zero), shape) + zero
        values[self.rng.random(shape) < 0.2] = zero
        scales = self.rng.uniform(0.001, 0.02, channels if per_channel else ()).astype(np.float32)
        zeros = np.full(scales.shape, zero)
        names = [
            self.constant(values, np.int8),
            self.constant(scales, np.float32),
            self.constant(zeros, np.int8),
        ]
        return names, float(scales.mean())

    def conv(self, outputs, kernel, strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), **options):
        per_channel, bias = options.get("per_channel", True), options.get("bias", True)
        auto_pad, groups = options.get("auto_pad"), options.get("groups", 1)
        channels, height, width = self.shape
        names, scale = self.weights(
            (outputs, channels // groups, *kernel),
            outputs,
            per_channel,
            options.get("weight_zero", 0),
            options.get("full", False),
        )
        inputs = self.operand() + names
        spread = np.sqrt(channels // groups * np.prod(kernel)) * 60 * 35
        bias_name = (
            [self.constant(self.rng.normal(0, spread / 2, outputs).astype(int), np.int32)] if bias else []
        )
        self.requantised(spread * scale * self.scale / options.get("gain", 1), options.get("zero"))
        attributes = {"kernel_shape": kernel, "strides": strides, "dilations": dilations}
        if groups > 1:
            attributes["group"] = groups
        if auto_pad:
            attributes["auto_pad"] = auto_pad
            size = [-(-height // strides[0]), -(-width // strides[1])]
        else:
            attributes["pads"] = pads
            extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
            size = [
                (height + pads[0] + pads[2] - extent[0]) // strides[0] + 1,
                (width + pads[1] + pads[3] - extent[1]) // strides[1] + 1,
            ]
        self.value = self.emit("QLinearConv", inputs + self.quantisation() + bias_name, **attributes)
        self.shape = [outputs, *size]
        return self

    def depthwise(self, kernel, *window, **options):
        return self.conv(self.shape[0], kernel, *window, groups=self.shape[0], **options)

    def pool(self, op, kernel, strides, pads=(0, 0, 0, 0), **attributes):
        attributes.update(kernel_shape=kernel, strides=strides, pads=pads)
        if op == "MaxPool":
            self.value = self.emit(op, [self.value], **attributes)
        else:
            inputs = self.operand()
            self.requantised(30 * self.scale)
            self.value = self.emit(op, inputs + self.quantisation(), **attributes)
        for axis, size in enumerate(self.shape[1:]):
            rest = size + pads[axis] + pads[axis + 2] - kernel[axis]
            count = rest // strides[axis] + 1
            # Where it rounds up, a last window begins in the input or in the padding before it.
            rounds_up = attributes.get("ceil_mode", 0) and rest % strides[axis]
            self.shape[1 + axis] = count + bool(rounds_up and count * strides[axis] < size + pads[axis])
        return self

    def mean(self):
        inputs = self.operand()
        self.requantised(15 * self.scale)
        self.value = self.emit("QLinearGlobalAveragePool", inputs + self.quantisation(), channels_last=0)
        self.shape[1:] = [1, 1]
        return self

    def flatten(self, reshape=False):
        size = int(np.prod(self.shape))
        if reshape:
            self.value = self.emit("Reshape", [self.value, self.constant([-1, size], np.int64)])
        else:
            self.value = self.emit("Flatten", [self.value], axis=1)
        self.shape = [size]
        return self

    def dense(self, outputs, op="QGemm", transposed=True, per_channel=True, bias=True, zero=None):
        size = self.shape[0]
        names, scale = self.weights((outputs, size) if transposed else (size, outputs), outputs, per_channel)
        inputs = self.operand() + names
        spread = np.sqrt(size) * 60 * 35
        if op == "QGemm":
            inputs.append(
                self.constant(self.rng.normal(0, spread / 2, outputs).astype(int), np.int32) if bias else ""
            )
        self.requantised(spread * scale * self.scale, zero)
        attributes = {"transB": int(transposed)} if op == "QGemm" else {}
        self.value = self.emit(op, inputs + self.quantisation(), **attributes)
        self.shape = [outputs]
        return self

    def mark(self):
        """The current tensor, to come back to or to add."""
        return self.value, self.scale, self.zero, list(self.shape)

    def back(self, mark):
        self.value, self.scale, self.zero, self.shape = *mark[:3], list(mark[3])
        return self

    def add(self, mark, zero=None):
        inputs = self.operand()
        other = mark[0], self.constant(mark[1], np.float32), self.constant(mark[2], self.kind)
        self.requantised(60 * float(np.hypot(self.scale, mark[1])), zero)
        self.value = self.emit("QLinearAdd", [*inputs, *other, *self.quantisation()])
        return self

    def model(self, batch="batch"):
        if self.io == "float":
            self.value = self.emit("DequantizeLinear", self.operand())
        self.nodes[-1].output[0] = "output"
        kind = ELEMENT["float" if self.io == "float" else self.kind]
        graph = helper.make_graph(
            self.nodes,
            "case",
            [helper.make_tensor_value_info("input", kind, [batch, *self.source_shape])],
            [helper.make_tensor_value_info("output", kind, [batch, *self.shape])],
            self.initialisers,
        )
        return helper.make_model(graph, opset_imports=OPSETS, ir_version=8)

    def samples(self, count, highest=255):
        """Inputs that meet every value, half of them at the zero point."""
        scale, zero = self.first
        values = self.rng.integers(0, highest + 1, (count, *self.source_shape)) + self.low()
        values[self.rng.random(values.shape) < 0.5] = zero
        if self.io != "float":
            return values.astype(self.kind)
        return ((values - zero + self.rng.uniform(-0.4, 0.4, values.shape)) * scale).astype(np.float32)


class Floating:
    """Builds a float network with random weights, for ONNX Runtime's own quantiser."""

    def __init__(self, rng, shape):
        self.rng, self.source_shape, self.shape = rng, list(shape), list(shape)
        self.nodes, self.initialisers, self.value = [], [], "input"

    def constant(self, values):
        name = f"k{len(self.initialisers)}"
        self.initialisers.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def emit(self, op, inputs, **attributes):
        self.value = f"t{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(op, inputs, [self.value], name=f"{op}_{len(self.nodes)}", **attributes)
        )
        return self

    def random(self, shape, fan):
        return self.constant(self.rng.normal(0, np.sqrt(2 / fan), shape).astype(np.float32))

    def conv(self, inputs, outputs, kernel, stride=1):
        fan = inputs * kernel * kernel
        weights = self.random((outputs, inputs, kernel, kernel), fan)
        pads = [kernel // 2] * 4
        return self.emit(
            "Conv",
            [self.value, weights, self.random((outputs,), 20)],
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=pads,
        )

    def relu(self):
        return self.emit("Relu", [self.value])

    def clip(self, low, high):
        bounds = [self.constant(np.float32(low)), self.constant(np.float32(high))]
        return self.emit("Clip", [self.value, *bounds])

    def dense(self, inputs, outputs):
        weights = self.random((outputs, inputs), inputs)
        return self.emit("Gemm", [self.value, weights, self.random((outputs,), 20)], transB=1)

    def matmul(self, inputs, outputs):
        return self.emit("MatMul", [self.value, self.random((inputs, outputs), inputs)])

    def model(self):
        self.nodes[-1].output[0] = "output"
        graph = helper.make_graph(
            self.nodes,
            "case",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", *self.source_shape])],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, None)],
            self.initialisers,
        )
        return helper.make_model(graph, opset_imports=OPSETS[:1], ir_version=8)
