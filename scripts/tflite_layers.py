"""Random cases of TensorFlow Lite operators with weights or windows."""

import numpy as np

from tflite_builder import KINDS, NONE, RELU, RELU6, SAME, VALID, Network
from tflite_draw import ACTIVATIONS, Draw


class Layers(Draw):
    """Convolutions, dense layers, pools, means, and a convolution over a stream."""

    def weights(self, net, shape, axis, outputs, span):
        """Weights and the scale of what they make; legacy uint8 ones have one scale and any zero point."""
        rng = self.rng
        if net.dtype == np.uint8:
            scale, zero = net.scale(0.002, 0.02), int(rng.integers(0, 256))
            return net.main.constant(rng.integers(0, 256, shape).astype(np.uint8), scale, zero), np.full(outputs, scale)
        values = rng.integers(-127, 128, shape).astype(np.int8)
        if rng.random() < 0.3:
            scale = net.scale(0.002, 0.02)
            return net.main.constant(values, scale, 0), np.full(outputs, scale)
        scales = rng.uniform(0.0005, 0.02, outputs).astype(np.float32)
        return net.main.constant(values, scales, np.zeros(outputs), axis), scales

    def layer(self, net, code, x, weights, scales, out_shape, rows, options, **fields):
        rng, outputs = self.rng, out_shape[-1]
        y = net.activation(out_shape, float(np.float32(x.scale * np.median(scales) * np.sqrt(rows) * 60)))
        bias = None
        if code == "CONV_2D" or rng.random() < 0.8:
            product = (np.float32(x.scale) * np.asarray(scales, np.float32)).astype(np.float32)
            shared = len(np.atleast_1d(weights.scale)) == 1
            values = rng.integers(-3000, 3000, outputs).astype(np.int32)
            bias = net.main.constant(values, float(product[0]) if shared else product, 0 if shared else np.zeros(outputs))
        inputs = [x, weights, bias] if bias else [x, weights]
        net.main.emit(code, inputs, [y], options, FusedActivationFunction=self.one_of(*ACTIVATIONS), **fields)
        return net.output(y)

    def conv_2d(self):
        net = self.network()
        x = self.picture(net)
        padding, kernel, stride, dilation, out = self.window(x)
        groups = self.one_of(1, 1, 1, 2) if x.shape[3] % 2 == 0 and net.dtype == np.int8 else 1
        outputs, each = groups * self.size(1, 12), x.shape[3] // groups
        weights, scales = self.weights(net, (outputs, *kernel, each), 0, outputs, 1)
        return self.layer(
            net, "CONV_2D", x, weights, scales, [1, *out, outputs], each * kernel[0] * kernel[1], "Conv2DOptions",
            Padding=padding, StrideH=stride[0], StrideW=stride[1],
            DilationHFactor=dilation[0], DilationWFactor=dilation[1],
        )  # fmt: skip

    def depthwise_conv_2d(self):
        net = self.network()
        x = self.picture(net)
        padding, kernel, stride, dilation, out = self.window(x)
        multiplier = self.one_of(1, 1, 2, 3)
        outputs = x.shape[3] * multiplier
        weights, scales = self.weights(net, (1, *kernel, outputs), 3, outputs, 1)
        return self.layer(
            net, "DEPTHWISE_CONV_2D", x, weights, scales, [1, *out, outputs], kernel[0] * kernel[1],
            "DepthwiseConv2DOptions", Padding=padding, StrideH=stride[0], StrideW=stride[1],
            DepthMultiplier=multiplier, DilationHFactor=dilation[0], DilationWFactor=dilation[1],
        )  # fmt: skip

    def transpose_conv(self):
        net = Network(self.rng)
        x = self.picture(net)
        outputs, stride, padding = self.size(1, 9), self.one_of(1, 2, 2, 2, 3), self.one_of(SAME, VALID)
        kernel = [self.size(1, 5), self.size(1, 5)]
        out = [n * stride if padding == SAME else (n - 1) * stride + max(k, stride) for n, k in zip(x.shape[1:3], kernel)]
        weights, scales = self.weights(net, (outputs, *kernel, x.shape[3]), 0, outputs, 1)
        y = net.activation([1, *out, outputs], float(np.float32(x.scale * np.median(scales) * np.sqrt(x.shape[3]) * 90)))
        inputs = [net.main.integers([1, *out, outputs]), weights, x]
        if self.rng.random() < 0.7:
            product = (np.float32(x.scale) * np.asarray(scales, np.float32)).astype(np.float32)
            shared = len(np.atleast_1d(weights.scale)) == 1
            values = self.rng.integers(-3000, 3000, outputs).astype(np.int32)
            inputs.append(net.main.constant(values, float(product[0]) if shared else product, 0 if shared else np.zeros(outputs)))
        fused = self.one_of(NONE, NONE, RELU, RELU6)
        net.main.emit(
            "TRANSPOSE_CONV", inputs, [y], "TransposeConvOptions", Padding=padding, StrideH=stride, StrideW=stride,
            FusedActivationFunction=fused,
        )  # fmt: skip
        return net.output(y)

    def reduce_max(self):
        return self.reduced("REDUCE_MAX")

    def reduce_min(self):
        return self.reduced("REDUCE_MIN")

    def reduced(self, code):
        net = self.network()
        x = self.picture(net)
        axes = self.one_of([1, 2], [2, 1], [1], [-2])
        keep = bool(self.rng.integers(2))
        reduced = {axis % 4 for axis in axes}
        shape = [1 if axis in reduced else d for axis, d in enumerate(x.shape)]
        shape = shape if keep else [d for axis, d in enumerate(x.shape) if axis not in reduced]
        y = net.like(x, shape)
        net.main.emit(code, [x, net.main.integers(axes)], [y], "ReducerOptions", KeepDims=keep)
        return net.output(y)

    def batch_matmul(self):
        net = Network(self.rng)
        stack = self.one_of([1], [3], [1, 4], [2, 2])
        rows, inner, columns = self.size(1, 9), self.size(1, 40), self.size(1, 20)
        kind = self.one_of("stack", "one", "constant")
        kinds = {"stack": stack, "one": self.one_of([1] * len(stack), []), "constant": self.one_of([1] * len(stack), [])}
        # The reference kernels read the wrong matrices where they turn a and repeat b along the last dimension before.
        wrong = stack[-1] > 1 and kinds[kind][-1:] == [1]
        turn_a, turn_b = not wrong and bool(self.rng.integers(2)), bool(self.rng.integers(2))
        a = net.input([*stack, *((inner, rows) if turn_a else (rows, inner))])
        matrix = (columns, inner) if turn_b else (inner, columns)
        if kind == "constant":
            b = net.main.constant(net.values([*kinds[kind], *matrix]), net.scale(), self.one_of(0, 0, net.zero()))
        else:
            b = net.input([*kinds[kind], *matrix])
        y = net.activation([*stack, rows, columns], float(np.float32(a.scale * b.scale * 80 * np.sqrt(inner))))
        net.main.emit("BATCH_MATMUL", [a, b], [y], "BatchMatMulOptions", AdjX=turn_a, AdjY=turn_b)
        return net.output(y)

    def place(self, code):
        net = self.network()
        # Few values, so that many are equal.
        low = int(self.rng.integers(0, 252)) + int(net.low())
        net.values = lambda shape: (self.rng.integers(0, 5, shape) + low).astype(net.dtype)
        x = self.one_of(self.picture, lambda net: net.input([1, self.size(2, 40)]))(net)
        axis = int(self.rng.integers(-len(x.shape), len(x.shape)))
        if self.rng.random() < 0.2:
            x = net.main.emit("DEQUANTIZE", [x], [net.main.tensor(x.shape, np.float32)])
        kind = self.one_of(np.int32, np.int64)
        shape = [d for at, d in enumerate(x.shape) if at != axis % len(x.shape)]
        y = net.main.tensor(shape, kind)
        places = net.main.integers(axis, self.one_of(np.int32, np.int64))
        net.main.emit(
            code, [x, places], [y], f"{code.title().replace('_', '')}Options", OutputType=KINDS[np.dtype(kind)]
        )
        if self.rng.random() < 0.3:
            y = net.main.emit("EXPAND_DIMS", [y, net.main.integers(-1)], [net.main.tensor([*shape, 1], kind)])
        elif self.rng.random() < 0.3:
            other = np.int32 if kind == np.int64 else np.int64
            y = net.main.emit(
                "CAST", [y], [net.main.tensor(shape, other)], "CastOptions", InDataType=KINDS[np.dtype(kind)],
                OutDataType=KINDS[np.dtype(other)],
            )  # fmt: skip
        return net.output(y)

    def arg_max(self):
        return self.place("ARG_MAX")

    def arg_min(self):
        return self.place("ARG_MIN")

    def fully_connected(self):
        net = self.network()
        columns, outputs = self.size(1, 100), self.size(1, 30)
        rows = self.one_of(1, 1, 1, 5)
        shape = self.one_of([rows, columns], [1, rows, columns], [1, rows, 1, columns])
        x = net.input(shape)
        if net.dtype == np.int8:
            scale = net.scale(0.002, 0.02)
            values = self.rng.integers(-127, 128, (outputs, columns)).astype(np.int8)
            weights, scales = net.main.constant(values, scale, 0), np.full(outputs, scale)
        else:
            weights, scales = self.weights(net, (outputs, columns), 0, outputs, 1)
        keep = bool(self.rng.integers(2))
        out = [*shape[:-1], outputs] if keep else [rows, outputs]
        return self.layer(
            net, "FULLY_CONNECTED", x, weights, scales, out, columns, "FullyConnectedOptions", KeepNumDims=keep
        )

    def pool(self, code):
        net = self.network()
        x = self.picture(net)
        padding, kernel, stride, _, _ = self.window(x)
        if self.rng.random() < 0.3:
            padding, kernel = VALID, x.shape[1:3]
        out = [self.out(*each, 1, padding) for each in zip(x.shape[1:3], kernel, stride)]
        y = net.like(x, [1, *out, x.shape[3]])
        net.main.emit(
            code, [x], [y], "Pool2DOptions", Padding=padding, StrideH=stride[0], StrideW=stride[1],
            FilterHeight=kernel[0], FilterWidth=kernel[1], FusedActivationFunction=self.one_of(*ACTIVATIONS),
        )  # fmt: skip
        return net.output(y)

    def max_pool_2d(self):
        return self.pool("MAX_POOL_2D")

    def average_pool_2d(self):
        return self.pool("AVERAGE_POOL_2D")

    def mean(self):
        net = self.network()
        x = self.picture(net)
        axes = self.one_of([1, 2], [1, 2], [2, 1], [1], [3], [-1], [1, 2, 3])
        keep = bool(self.rng.integers(2))
        reduced = {axis % 4 for axis in axes}
        shape = [1 if axis in reduced else d for axis, d in enumerate(x.shape)]
        shape = shape if keep else [d for axis, d in enumerate(x.shape) if axis not in reduced]
        y = net.like(x, shape) if self.rng.random() < 0.3 else net.activation(shape, x.scale * self.rng.uniform(0.2, 1.2))
        net.main.emit("MEAN", [x, net.main.integers(axes)], [y], "ReducerOptions", KeepDims=keep)
        return net.output(y)

    def sum(self):
        net = Network(self.rng, np.uint8)
        x = self.picture(net)
        axes = self.one_of([1, 2], [2, 1], [1], [3], [-1], [1, 2, 3])
        keep = bool(self.rng.integers(2))
        reduced = {axis % 4 for axis in axes}
        count = int(np.prod([x.shape[axis] for axis in reduced]))
        shape = [1 if axis in reduced else d for axis, d in enumerate(x.shape) if keep or axis not in reduced]
        y = net.activation(shape, float(np.float32(x.scale * count * self.one_of(2, 1, 0.2))))
        net.main.emit("SUM", [x, net.main.integers(axes)], [y], "ReducerOptions", KeepDims=keep)
        return net.output(y)

    def space_to_batch(self):
        """A dilated layer as converters write it: SPACE_TO_BATCH_ND, the layer, BATCH_TO_SPACE_ND."""
        net = self.network()
        x = self.picture(net)
        block = [self.size(1, 4), self.size(1, 4)]
        kernel, pads = [], []
        for size, side in zip(x.shape[1:3], block):
            before, after = self.size(0, 4), self.size(0, 4)
            after += -(size + before + after) % side
            pads.append([before, after])
            kernel.append(int(self.rng.integers(1, min((size + before + after) // side, 3) + 1)))
        dealt = [(size + sum(pad)) // side for size, pad, side in zip(x.shape[1:3], pads, block)]
        count, channels, padding = block[0] * block[1], x.shape[3], self.one_of(SAME, VALID, VALID)
        y = net.like(x, [count, *dealt, channels])
        net.main.emit("SPACE_TO_BATCH_ND", [x, net.main.integers(block), net.main.integers(pads)], [y], "SpaceToBatchNDOptions")
        out = dealt if padding == SAME else [d - k + 1 for d, k in zip(dealt, kernel)]
        layer, options = self.one_of(("CONV_2D", "Conv2DOptions"), ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions"))
        more = {}
        if layer == "CONV_2D":
            outputs, taps = self.size(1, 12), channels * kernel[0] * kernel[1]
            weights, scales = self.weights(net, (outputs, *kernel, channels), 0, outputs, 1)
        else:
            outputs, taps, more = channels, kernel[0] * kernel[1], {"DepthMultiplier": 1}
            weights, scales = self.weights(net, (1, *kernel, outputs), 3, outputs, 1)
        self.layer(
            net, layer, y, weights, scales, [count, *out, outputs], taps, options,
            Padding=padding, StrideH=1, StrideW=1, DilationHFactor=1, DilationWFactor=1, **more,
        )  # fmt: skip
        return self.undealt(net, block)

    def undealt(self, net, block):
        """Makes the network's output a batch's picture, cropped."""
        y = net.main.outputs.pop()
        sizes = [d * side for d, side in zip(y.shape[1:3], block)]
        crops = []
        for size in sizes:
            before = int(self.rng.integers(0, min(size, 4)))
            crops.append([before, int(self.rng.integers(0, min(size - before, 4)))])
        z = net.like(y, [1, *[size - sum(crop) for size, crop in zip(sizes, crops)], y.shape[3]])
        net.main.emit("BATCH_TO_SPACE_ND", [y, net.main.integers(block), net.main.integers(crops)], [z], "BatchToSpaceNDOptions")
        return net.output(z)

    def batch_to_space(self):
        """Both moves with a clamp between, or the first alone."""
        net = self.network()
        x = self.picture(net)
        block = [self.size(1, 4), self.size(1, 4)]
        pads = [[self.size(0, 3), 0] for _ in block]
        for pad, size, side in zip(pads, x.shape[1:3], block):
            pad[1] = -(size + pad[0]) % side
        dealt = [(size + sum(pad)) // side for size, pad, side in zip(x.shape[1:3], pads, block)]
        y = net.like(x, [block[0] * block[1], *dealt, x.shape[3]])
        net.main.emit("SPACE_TO_BATCH_ND", [x, net.main.integers(block), net.main.integers(pads)], [y], "SpaceToBatchNDOptions")
        if self.rng.random() < 0.3:
            return net.output(y)
        clamped = net.like(y, y.shape)
        net.main.emit("RELU", [y], [clamped])
        return self.undealt(net.output(clamped), block)

    def stream(self):
        """A ring buffer that one convolution reads: VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE and CALL_ONCE."""
        net = Network(self.rng)
        main, first = net.main, net.graph("first")
        kept, new, channels = self.size(1, 6), self.size(1, 3), self.size(1, 9)
        x = net.input([1, new, 1, channels])
        names = {"Container": "", "SharedName": "ring"}
        main.emit("CALL_ONCE", [], [], "CallOnceOptions", InitSubgraphIndex=1)
        handle = main.emit("VAR_HANDLE", [], [main.tensor([], None)], "VarHandleOptions", **names)
        held = net.like(x, [1, kept, 1, channels])
        main.emit("READ_VARIABLE", [handle], [held], "ReadVariableOptions")
        both = net.like(x, [1, kept + new, 1, channels])
        main.emit("CONCATENATION", [held, x], [both], "ConcatenationOptions", Axis=1)
        rest = net.like(x, [1, kept, 1, channels])
        bounds = [main.integers(v) for v in ([0, new, 0, 0], [1, kept + new, 1, channels], [1, 1, 1, 1])]
        main.emit("STRIDED_SLICE", [both, *bounds], [rest], "StridedSliceOptions", BeginMask=13, EndMask=13)
        main.emit("ASSIGN_VARIABLE", [handle, rest], [], "AssignVariableOptions")
        start = first.constant(np.full((1, kept, 1, channels), x.zero, np.int8), x.scale, x.zero)
        early = first.emit("VAR_HANDLE", [], [first.tensor([], None)], "VarHandleOptions", **names)
        first.emit("ASSIGN_VARIABLE", [early, start], [], "AssignVariableOptions")
        outputs = self.size(1, 6)
        weights, scales = self.weights(net, (outputs, kept + new, 1, channels), 0, outputs, 1)
        return self.layer(
            net, "CONV_2D", both, weights, scales, [1, 1, 1, outputs], (kept + new) * channels, "Conv2DOptions",
            Padding=VALID, StrideH=1, StrideW=1, DilationHFactor=1, DilationWFactor=1,
        )  # fmt: skip
