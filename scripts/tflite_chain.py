"""Builds networks of random weights layer by layer, with biases that make rectifiers pass about half, and scales that suit."""

import numpy as np

from tflite_builder import KINDS, NONE, RELU, RELU6, SAME, Network


class Chain:
    """Adds layers to a network and follows what a few samples become in real numbers, so that scales suit."""

    def __init__(self, rng, samples, dtype=np.int8):
        self.rng, self.net, self.real = rng, Network(rng, dtype), samples
        low, high = min(samples.min(), 0.0), max(samples.max(), 0.0)
        self.value = self.net.input([1, *samples.shape[1:]], **self.quantisation(low, high))
        self.samples = self.quantised(self.value, samples)

    def quantisation(self, low, high):
        scale, least = np.float32((high - low) / 255), self.net.low()
        return {"scale": float(scale), "zero": int(np.clip(np.rint(least - low / scale), least, least + 255))}

    def quantised(self, tensor, real):
        least = self.net.low()
        return np.clip(np.rint(real / tensor.scale) + tensor.zero, least, least + 255).astype(self.net.dtype)

    def written(self, real, **quantisation):
        """The tensor of these values, which becomes the present one."""
        if not quantisation:
            quantisation = self.quantisation(min(np.quantile(real, 0.0005), 0.0), max(np.quantile(real, 0.9995), 0.0))
        self.value = self.net.activation([1, *real.shape[1:]], **quantisation)
        self.real = real
        return self.value

    def layer(self, code, options, filters, axis, product, activation, per_channel=True, **fields):
        """Weights of normal distribution, and biases on both sides of what half the pixels exceed."""
        if self.net.dtype == np.uint8:
            return self.uint8_layer(code, options, filters, product, activation, **fields)
        rest = tuple(at for at in range(filters.ndim) if at != axis)
        scales = np.abs(filters).max(rest if per_channel else None) / 127
        kept = scales.reshape([-1 if at == axis else 1 for at in range(filters.ndim)]) if per_channel else scales
        values = np.clip(np.rint(filters / kept), -127, 127).astype(np.int8)
        sums = product(self.real, values * kept)
        scales = np.atleast_1d(scales).astype(np.float32)
        weights = self.net.main.constant(values, scales, np.zeros(scales.size), axis)
        return self.biased(code, options, weights, scales, sums, activation, **fields)

    def uint8_layer(self, code, options, filters, product, activation, **fields):
        """The same with weights from 0 to 255, of one scale and zero point."""
        low, high = filters.min(), filters.max()
        scale = np.float32((high - low) / 255)
        zero = int(np.rint(-low / scale))
        values = np.clip(np.rint(filters / scale) + zero, 0, 255).astype(np.uint8)
        weights = self.net.main.constant(values, scale, zero)
        sums = product(self.real, (values.astype(float) - zero) * scale)
        return self.biased(code, options, weights, np.array([scale]), sums, activation, **fields)

    def biased(self, code, options, weights, scales, sums, activation, **fields):
        """A layer of these weights and sums."""
        x = self.value
        middle = np.median(sums, tuple(range(sums.ndim - 1)))
        bias = -middle + self.rng.normal(0, sums.std() / 2, sums.shape[-1])
        product_scales, zeros = np.float32(x.scale) * scales, np.zeros(scales.size)
        biases = self.net.main.constant(np.rint(bias / product_scales).astype(np.int32), product_scales, zeros)
        real = sums + bias
        if activation != NONE:
            real = np.clip(real, 0, 6 if activation == RELU6 else None)
        y = self.written(real)
        self.net.main.emit(code, [x, weights, biases], [y], options, FusedActivationFunction=activation, **fields)
        return self

    def window(self, code, options, filters, axis, stride, activation):
        height, width = filters.shape[1:3]
        product = lambda x, w: windows(x, (height, width), stride, w, code == "DEPTHWISE_CONV_2D")
        return self.layer(
            code, options, filters, axis, product, activation, Padding=SAME, StrideH=stride, StrideW=stride,
            DilationHFactor=1, DilationWFactor=1,
        )  # fmt: skip

    def conv(self, outputs, kernel=(1, 1), stride=1, activation=RELU):
        filters = self.rng.normal(0, 1, (outputs, *kernel, self.real.shape[-1])) / np.sqrt(np.prod(kernel))
        return self.window("CONV_2D", "Conv2DOptions", filters / self.real.shape[-1] ** 0.5, 0, stride, activation)

    def depthwise(self, kernel=(3, 3), stride=1, activation=RELU):
        filters = self.rng.normal(0, 1, (1, *kernel, self.real.shape[-1])) / np.sqrt(np.prod(kernel))
        return self.window(
            "DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", filters, 3, stride, activation
        )

    def dense(self, outputs, activation=NONE):
        columns = self.real.shape[-1]
        filters = self.rng.normal(0, columns**-0.5, (outputs, columns))
        return self.layer(
            "FULLY_CONNECTED", "FullyConnectedOptions", filters, 0, lambda x, w: x @ w.T, activation, per_channel=False
        )

    def svdf(self, units, memory, rank=1):
        """Filters over the features of a frame, then over their last values; the samples are frames behind one another."""
        x, main, count = self.value, self.net.main, units * rank
        filters = self.rng.normal(0, self.real.shape[-1] ** -0.5, (count, self.real.shape[-1]))
        times = self.rng.normal(0, (memory * rank) ** -0.5, (count, memory))
        features = self.real @ filters.T
        # Nothing is kept before the first frame.
        kept = np.concatenate([np.zeros((memory - 1, count)), features])
        sums = sum(kept[at : at + len(features)] * times[:, at] for at in range(memory))
        real = sums.reshape(-1, units, rank).sum(-1)
        bias = self.rng.normal(0, real.std() / 2, units)
        most = ((filters, 127), (times, 32767), (features, 16384))
        scales = [float(np.float32(np.abs(values).max() / steps)) for values, steps in most]
        weights = main.constant(np.rint(filters / scales[0]).astype(np.int8), scales[0], 0)
        time = main.constant(np.rint(times / scales[1]).astype(np.int16), scales[1], 0)
        state = main.variable([1, memory * count], np.int16, scales[2])
        biases = main.constant(np.rint(bias / (scales[1] * scales[2])).astype(np.int32), scales[1] * scales[2], 0)
        y = self.written(real + bias)
        main.emit("SVDF", [x, weights, time, biases, state], [y], "SVDFOptions", Rank=rank, FusedActivationFunction=RELU)
        return self

    def pooled(self, keep=False):
        """The mean over the picture."""
        x, real = self.value, self.real.mean((1, 2), keepdims=keep)
        axes = self.net.main.integers([1, 2])
        self.net.main.emit("MEAN", [x, axes], [self.written(real)], "ReducerOptions", KeepDims=keep)
        return self

    def mark(self):
        return self.value, self.real

    def back(self, mark):
        self.value, self.real = mark
        return self

    def combine(self, code, mark, activation=NONE):
        """`ADD` or `MUL` of the present value and one before it."""
        (x, real), (other, before) = self.mark(), mark
        real = real + before if code == "ADD" else real * before
        y = self.written(np.maximum(real, 0) if activation == RELU else real)
        options = {"ADD": "AddOptions", "MUL": "MulOptions"}[code]
        self.net.main.emit(code, [other, x], [y], options, FusedActivationFunction=activation)
        return self

    def function(self, code, of, options=None, **fields):
        """A function of each value."""
        x, real = self.value, of(self.real)
        unit = {"scale": 1 / 256, "zero": int(self.net.low())} if code in ("LOGISTIC", "SOFTMAX") else {}
        self.net.main.emit(code, [x], [self.written(real, **unit)], options, **fields)
        return self

    def shaped(self, shape):
        """The same values under another shape."""
        x, real = self.value, self.real.reshape(-1, *shape)
        y = self.written(real, scale=x.scale, zero=x.zero)
        sizes = self.net.main.integers([1, *shape])
        self.net.main.emit("RESHAPE", [x, sizes], [y], "ReshapeOptions", NewShape=[1, *shape])
        return self

    def times(self, mark, turned=False):
        """The product of the present matrices and others, these turned."""
        (x, real), (other, matrices) = self.mark(), mark
        product = real @ (matrices.swapaxes(-1, -2) if turned else matrices)
        self.net.main.emit("BATCH_MATMUL", [x, other], [self.written(product)], "BatchMatMulOptions", AdjY=turned)
        return self

    def softmax(self):
        power = lambda x: np.exp(x - x.max(-1, keepdims=True))
        return self.function("SOFTMAX", lambda x: power(x) / power(x).sum(-1, keepdims=True), "SoftmaxOptions", Beta=1.0)

    def gelu(self):
        of = lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        return self.function("GELU", of, "GeluOptions", Approximate=True)

    def hard_swish(self):
        return self.function("HARD_SWISH", lambda x: x * np.clip(x + 3, 0, 6) / 6, "HardSwishOptions")

    def leaky_relu(self, alpha=0.1):
        return self.function("LEAKY_RELU", lambda x: np.where(x < 0, alpha * x, x), "LeakyReluOptions", Alpha=alpha)

    def gate(self, mark):
        """Each channel of a mark times a hard sigmoid of the present value: what is added and multiplied are constants."""
        for code, value, activation in [("ADD", 3.0, RELU6), ("MUL", 1 / 6, NONE)]:
            x, real = self.mark()
            constant = self.net.main.constant(np.full([1], 127, np.int8), float(np.float32(value / 127)), 0)
            real = np.clip(real + value, 0, 6) if code == "ADD" else real * value
            options = {"ADD": "AddOptions", "MUL": "MulOptions"}[code]
            self.net.main.emit(
                code, [x, constant], [self.written(real)], options, FusedActivationFunction=activation
            )
        return self.combine("MUL", mark)

    def larger(self, code="RESIZE_BILINEAR"):
        """Twice the height and width."""
        x, size = self.value, [2 * d for d in self.real.shape[1:3]]
        options = {"RESIZE_BILINEAR": "ResizeBilinearOptions", "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions"}
        y = self.written(self.real.repeat(2, 1).repeat(2, 2), scale=x.scale, zero=x.zero)
        self.net.main.emit(code, [x, self.net.main.integers(size)], [y], options[code], HalfPixelCenters=True)
        return self

    def join(self, mark, axis=3):
        """The channels of a mark, or what lies along another axis, then the present ones."""
        parts = [mark, self.mark()]
        y = self.written(np.concatenate([real for _, real in parts], axis))
        for at, (x, real) in enumerate(parts):
            if (x.scale, x.zero) != (y.scale, y.zero):
                parts[at] = (self.net.activation([1, *real.shape[1:]], y.scale, y.zero), real)
                self.net.main.emit("QUANTIZE", [x], [parts[at][0]], "QuantizeOptions")
        self.net.main.emit("CONCATENATION", [x for x, _ in parts], [y], "ConcatenationOptions", Axis=axis)
        return self

    def place(self):
        """The place of the greatest value."""
        places = self.net.main.tensor([1], np.int64)
        self.net.main.emit(
            "ARG_MAX", [self.value, self.net.main.integers(-1)], [places], "ArgMaxOptions", OutputType=KINDS[np.dtype(np.int64)]
        )
        self.value = places
        return self.finish()

    def finish(self):
        self.net.output(self.value)
        return self.net, [self.samples]


def windows(x, kernel, stride, weights, depthwise):
    """A convolution of pictures with SAME padding in real numbers."""
    sizes = [-(-size // stride) for size in x.shape[1:3]]
    total = [max((n - 1) * stride + k - size, 0) for n, k, size in zip(sizes, kernel, x.shape[1:3])]
    padded = np.pad(x, [(0, 0), *[(t // 2, t - t // 2) for t in total], (0, 0)])
    result = 0
    for row in range(kernel[0]):
        for column in range(kernel[1]):
            part = padded[:, row::stride, column::stride][:, : sizes[0], : sizes[1]]
            tap = weights[:, row, column]
            result = result + (part * tap[0] if depthwise else part @ tap.T)
    return result
