"""Random cases of TensorFlow Lite operators that take each value by itself."""

import numpy as np

from tflite_builder import Network
from tflite_draw import ACTIVATIONS, Draw


class Elementwise(Draw):
    """Sums, products, clamps, tables and conversions."""

    def pair(self, net):
        """Two operands whose shapes broadcast."""
        shape = [1, self.size(), self.size(), self.size()]
        other = self.one_of(shape, shape, shape[-1:], [1, 1, 1, shape[3]], [1, shape[1], 1, 1])
        a = net.input(shape)
        if self.rng.random() < 0.3:
            return shape, a, net.main.constant(net.values(other), net.scale(), net.zero())
        return shape, a, net.input(other)

    def add(self):
        net = self.network()
        shape, a, b = self.pair(net)
        y = net.activation(shape, float(np.float32(np.hypot(a.scale, b.scale))))
        net.main.emit("ADD", [a, b], [y], "AddOptions", FusedActivationFunction=self.one_of(*ACTIVATIONS))
        return net.output(y)

    def mul(self):
        net = self.network()
        shape, a, b = self.pair(net)
        y = net.activation(shape, float(np.float32(a.scale * b.scale * 70)))
        net.main.emit("MUL", [a, b], [y], "MulOptions", FusedActivationFunction=self.one_of(*ACTIVATIONS))
        return net.output(y)

    def sub(self):
        net = self.network()
        shape, a, b = self.pair(net)
        a, b = (a, b) if self.rng.random() < 0.5 or b.shape != shape else (b, a)
        y = net.activation(shape, float(np.float32(np.hypot(a.scale, b.scale))))
        net.main.emit("SUB", [a, b], [y], "SubOptions", FusedActivationFunction=self.one_of(*ACTIVATIONS))
        return net.output(y)

    def extreme(self, code):
        net = self.network()
        shape = [1, self.size(), self.size(), self.size()]
        a = net.input(shape)
        other = self.one_of(shape, shape[-1:], [1, shape[1], 1, 1], [1])
        constant = self.rng.random() < 0.4
        b = net.main.constant(net.values(other), a.scale, a.zero) if constant else net.input(other, scale=a.scale, zero=a.zero)
        y = net.like(a, shape)
        net.main.emit(code, self.one_of([a, b], [b, a]), [y], "MaximumMinimumOptions")
        return net.output(y)

    def maximum(self):
        return self.extreme("MAXIMUM")

    def minimum(self):
        return self.extreme("MINIMUM")

    def prelu(self):
        net = self.network()
        x = self.picture(net)
        factors = self.one_of([1, 1, x.shape[3]], x.shape[1:], [1, 1, 1])
        alpha = net.main.constant(net.values(factors), net.scale(0.001, 0.01), net.zero())
        y = net.activation(x.shape, float(np.float32(x.scale * self.rng.uniform(0.5, 2))))
        net.main.emit("PRELU", [x, alpha], [y])
        return net.output(y)

    def unary(self, code, scale=None, zero=None, options=None, net=None, **fields):
        net = net or self.network()
        x = self.picture(net)
        rescaled = x.scale * self.rng.uniform(0.5, 2)
        alike = scale is None and self.rng.random() < 0.5
        y = net.like(x, x.shape) if alike else net.activation(x.shape, scale or rescaled, zero and zero + net.low())
        net.main.emit(code, [x], [y], options, **fields)
        return net.output(y)

    def relu(self):
        return self.unary("RELU")

    def relu6(self):
        return self.unary("RELU6")

    def relu_n1_to_1(self):
        return self.unary("RELU_N1_TO_1")

    def relu_0_to_1(self):
        return self.unary("RELU_0_TO_1")

    def exp(self):
        net = Network(self.rng)
        x = net.input([1, self.size(), self.size(), self.size()], scale=net.scale(0.01, 0.08))
        largest = float(np.exp((127 - x.zero) * x.scale))
        y = net.activation(x.shape, float(np.float32(min(largest, 1e6) / 255)))
        net.main.emit("EXP", [x], [y], "ExpOptions")
        return net.output(y)

    def gelu(self):
        return self.unary("GELU", options="GeluOptions", Approximate=bool(self.rng.integers(2)))

    def leaky_relu(self):
        return self.unary("LEAKY_RELU", options="LeakyReluOptions", Alpha=self.one_of(0.1, 0.2, 0.01, 1.5))

    def hard_swish(self):
        return self.unary("HARD_SWISH", options="HardSwishOptions")

    def abs(self):
        return self.unary("ABS", options="AbsOptions", net=Network(self.rng))

    def rsqrt(self):
        """Of values from 0 on; the output's scale covers a part of the results."""
        net = Network(self.rng)
        x = net.input([1, self.size(), self.size(), self.size()], zero=-128)
        y = net.activation(x.shape, float(np.float32(self.rng.uniform(0.002, 0.05) / np.sqrt(x.scale))))
        net.main.emit("RSQRT", [x], [y])
        return net.output(y)

    def squared_difference(self):
        net = Network(self.rng)
        shape, a, b = self.pair(net)
        a, b = (a, b) if self.rng.random() < 0.5 or b.shape != shape else (b, a)
        largest = 255 * max(a.scale, b.scale)
        y = net.activation(shape, float(np.float32(largest**2 / 255 * self.rng.uniform(0.1, 1))))
        net.main.emit("SQUARED_DIFFERENCE", [a, b], [y], "SquaredDifferenceOptions")
        return net.output(y)

    def l2_normalization(self):
        net = self.network()
        x = net.input(self.one_of([1, self.size(2, 40)], [1, self.size(), self.size(), self.size(1, 20)]))
        y = net.activation(x.shape, 1 / 128, int(net.low()) + 128)
        net.main.emit("L2_NORMALIZATION", [x], [y], "L2NormOptions")
        return net.output(y)

    def tanh(self):
        return self.unary("TANH", scale=1 / 128, zero=128)

    def unit_range(self, net, shape):
        """The output that softmax and logistic must have: 1/256 a step from the least value."""
        return net.activation(shape, 1 / 256, int(net.low()))

    def logistic(self):
        net = self.network()
        x = self.picture(net)
        y = self.unit_range(net, x.shape)
        net.main.emit("LOGISTIC", [x], [y])
        return net.output(y)

    def softmax(self):
        net = self.network()
        x = net.input(self.one_of([1, self.size(2, 40)], [1, self.size(), self.size(), self.size(2, 20)]))
        y = self.unit_range(net, x.shape)
        net.main.emit("SOFTMAX", [x], [y], "SoftmaxOptions", Beta=self.one_of(1.0, 1.0, 0.5))
        return net.output(y)

    def log_softmax(self):
        net = self.network()
        scale = float(np.float32(10 ** self.rng.uniform(-2, 0.5)))
        x = net.input(self.one_of([1, self.size(2, 40)], [1, self.size(), self.size(), self.size(2, 20)]), scale=scale)
        y = net.activation(x.shape, 1 / 16, int(np.iinfo(net.dtype).max))
        net.main.emit("LOG_SOFTMAX", [x], [y], "LogSoftmaxOptions")
        return net.output(y)

    def quantize(self):
        net = self.network()
        shape = [1, self.size(), self.size(), self.size()]
        if self.rng.random() < 0.5:
            x = net.main.tensor(shape, np.float32)
            net.main.inputs.append(x)
        else:
            x = net.input(shape)
        dtype = self.one_of(np.int8, np.uint8)
        zero = int(self.rng.integers(0, 256)) + int(np.iinfo(dtype).min)
        scale = x.scale if x.scale and self.rng.random() < 0.4 else net.scale()
        y = net.main.tensor(shape, dtype, scale, zero)
        net.main.emit("QUANTIZE", [x], [y], "QuantizeOptions")
        return net.output(y)

    def dequantize(self):
        net = self.network()
        x = self.picture(net)
        y = net.main.tensor(x.shape, np.float32)
        net.main.emit("DEQUANTIZE", [x], [y], "DequantizeOptions")
        return net.output(y)
