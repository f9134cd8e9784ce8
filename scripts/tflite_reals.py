"""Random cases of TensorFlow Lite operators on real values, as the converter leaves them between 8-bit parts."""

from functools import partialmethod

import numpy as np

from tflite_draw import ACTIVATIONS, Draw

# Operators of one tensor and their table of options.
FUNCTIONS = {
    "abs": "AbsOptions", "cos": "CosOptions", "exp": "ExpOptions", "floor": None,
    "hard_swish": "HardSwishOptions", "leaky_relu": "LeakyReluOptions", "log": None, "logistic": None, "neg": "NegOptions",
    "relu": None, "relu6": None, "relu_n1_to_1": None, "relu_0_to_1": None, "rsqrt": None, "sin": None,
    "sqrt": None, "square": "SquareOptions", "tanh": None, "softmax": "SoftmaxOptions", "log_softmax": "LogSoftmaxOptions",
    "l2_normalization": "L2NormOptions",
}
PAIRS = {
    "add": "AddOptions", "sub": "SubOptions", "mul": "MulOptions", "div": "DivOptions", "maximum": "MaximumMinimumOptions",
    "minimum": "MaximumMinimumOptions", "pow": "PowOptions", "squared_difference": "SquaredDifferenceOptions", "prelu": None,
}
REDUCTIONS = ["mean", "sum", "reduce_max", "reduce_min", "reduce_prod"]
MOVES = ["pad", "padv2", "concatenation", "transpose"]
REALS = [f"real_{name}" for name in [*FUNCTIONS, *PAIRS, *REDUCTIONS, *MOVES]]

# Of values from 0 on.
ROOTS = {"log", "rsqrt", "sqrt", "pow"}
# Whose results may exceed what the runtime can quantise.
LARGE = {"exp", "log", "rsqrt", "pow", "div", "reduce_prod"}


class Reals(Draw):
    """Parts in floating point behind a dequantised picture; some are quantised again."""

    def any_shape(self):
        return self.one_of([1, self.size(2, 40)], *[[1, self.size(), self.size(), self.size(1, 20)]] * 3)

    def dequantised(self, net, shape, positive=False):
        x = net.input(shape, zero=int(net.low())) if positive else net.input(shape)
        return net.main.emit("DEQUANTIZE", [x], [self.real_tensor(net, shape)], "DequantizeOptions")

    def real_tensor(self, net, shape):
        return net.main.tensor(shape, np.float32)

    def finish(self, net, y, large=False):
        """Ends with a real tensor, or with one quantised by any scale."""
        if large or self.rng.random() < 0.5:
            return net.output(y)
        q = net.activation(y.shape)
        net.main.emit("QUANTIZE", [y], [q], "QuantizeOptions")
        return net.output(q)

    def real_function(self, name):
        net = self.network()
        x = self.dequantised(net, self.any_shape(), name in ROOTS)
        fields = {}
        if name == "leaky_relu":
            fields = {"Alpha": self.one_of(0.1, 0.2, 1.5, -0.3)}
        elif name == "softmax":
            fields = {"Beta": self.one_of(1.0, 0.5, 2.0)}
        y = net.main.emit(name.upper(), [x], [self.real_tensor(net, x.shape)], FUNCTIONS[name], **fields)
        return self.finish(net, y, name in LARGE)

    def real_pair(self, name):
        net = self.network()
        shape = [1, self.size(), self.size(), self.size()]
        other = self.one_of(shape, shape[-1:], [1, 1, 1, shape[3]], [1, shape[1], 1, 1])
        a = self.dequantised(net, shape, name in ROOTS)
        constant = name in ("div", "pow", "prelu") or self.rng.random() < 0.4
        if constant:
            b = net.main.constant(self.rng.uniform(0.3, 3, other).astype(np.float32))
        else:
            b = self.dequantised(net, other)
        swapped = other == shape and name not in ("div", "pow", "prelu") and self.rng.random() < 0.5
        fused = {}
        if name in ("add", "sub", "mul", "div"):
            fused = {"FusedActivationFunction": self.one_of(*ACTIVATIONS)}
        operands = [b, a] if swapped else [a, b]
        y = net.main.emit(name.upper(), operands, [self.real_tensor(net, shape)], PAIRS[name], **fused)
        return self.finish(net, y, name in LARGE)

    def real_reduction(self, name):
        net = self.network()
        x = self.dequantised(net, [1, self.size(), self.size(), self.size()])
        axes = self.one_of([1, 2], [2, 1], [1], [2], [3], [-1], [1, 3], [2, 3], [1, 2, 3])
        keep = bool(self.rng.integers(2))
        gone = {axis % 4 for axis in axes}
        shape = [1 if at in gone else d for at, d in enumerate(x.shape) if keep or at not in gone]
        y = self.real_tensor(net, shape)
        net.main.emit(name.upper(), [x, net.main.integers(axes)], [y], "ReducerOptions", KeepDims=keep)
        return self.finish(net, y, name in LARGE)

    def real_pad(self, name="pad"):
        net = self.network()
        x = self.dequantised(net, [1, self.size(), self.size(), self.size()])
        amounts = np.array([[0, 0], *self.rng.integers(0, 3, (3, 2))], np.int32)
        y = self.real_tensor(net, [d + int(sum(pair)) for d, pair in zip(x.shape, amounts)])
        operands = [x, net.main.constant(amounts)]
        if name == "padv2":
            operands.append(net.main.constant(self.rng.normal(0, 3, [1]).astype(np.float32)))
        net.main.emit(name.upper(), operands, [y], "PadV2Options" if name == "padv2" else "PadOptions")
        return self.finish(net, y)

    def real_padv2(self):
        return self.real_pad("padv2")

    def real_concatenation(self):
        net = self.network()
        shape = [1, self.size(), self.size(), self.size()]
        axis = self.size(1, 4)
        parts = [[self.size() if at == axis else d for at, d in enumerate(shape)] for _ in range(2)]
        operands = [self.dequantised(net, part) for part in parts]
        whole = [sum(part[at] for part in parts) if at == axis else d for at, d in enumerate(shape)]
        y = self.real_tensor(net, whole)
        net.main.emit("CONCATENATION", operands, [y], "ConcatenationOptions", Axis=axis)
        return self.finish(net, y)

    def real_transpose(self):
        net = self.network()
        x = self.dequantised(net, [1, self.size(), self.size(), self.size()])
        order = [0, *(1 + int(axis) for axis in self.rng.permutation(3))]
        y = self.real_tensor(net, [x.shape[axis] for axis in order])
        net.main.emit("TRANSPOSE", [x, net.main.integers(order)], [y], "TransposeOptions")
        return self.finish(net, y)


for makers, make in ((FUNCTIONS, Reals.real_function), (PAIRS, Reals.real_pair), (REDUCTIONS, Reals.real_reduction)):
    for maker in makers:
        setattr(Reals, f"real_{maker}", partialmethod(make, maker))
