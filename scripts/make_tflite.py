#!/usr/bin/env python3
"""Write small random int8 and uint8 TensorFlow Lite networks, inputs for them and the reference kernels' answers: cases for the tests.

    scripts/make_tflite.py OUTDIR [--seed S] [--rounds N] [--frames N]

OUTDIR gets NAME.tflite and NAME.npz (arrays `x0`, `x1` and so on, the inputs, and `y0` and so on, the outputs) for each case, and
manifest.json: {"seed": S, "tflite_runtime": "2.14.0", "cases": [{"name", "operator"}]}. Each round makes every operator once, with other
parameters. Run it with .tools/venv-tflite/bin/python.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

import oracle_tflite
from tflite_builder import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, Network

ACTIVATIONS = [NONE, RELU, RELU6, RELU_N1_TO_1]


class Maker:
    """Makes one case of each operator."""

    def __init__(self, rng):
        self.rng = rng

    def one_of(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def size(self, low=3, high=12):
        return int(self.rng.integers(low, high))

    def picture(self, net, channels=None):
        return net.input([1, self.size(), self.size(), channels or self.one_of(1, 2, 3, 5, 8, 16, 19)])

    def network(self):
        return Network(self.rng, self.one_of(np.int8, np.int8, np.uint8))

    def out(self, size, kernel, stride, dilation, padding):
        span = (kernel - 1) * dilation + 1
        return -(-size // stride) if padding == SAME else (size - span) // stride + 1

    def window(self, x, most=4):
        """Kernel, stride, dilation and padding that fit a picture, and the output's height and width."""
        padding = self.one_of(SAME, VALID)
        kernel, stride, dilation = [], [], []
        for size in x.shape[1:3]:
            kernel.append(int(self.rng.integers(1, min(size, most) + 1)))
            stride.append(self.size(1, 4))
            room = (size - 1) // max(kernel[-1] - 1, 1)
            dilation.append(self.size(1, min(room, 3) + 1))
        out = [self.out(*each, padding) for each in zip(x.shape[1:3], kernel, stride, dilation)]
        return padding, kernel, stride, dilation, out

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

    def concatenation(self):
        net = self.network()
        shape = [1, self.size(), self.size(), self.size()]
        axis = self.one_of(1, 2, 3, -1)
        pieces, total = [], 0
        first = None
        for _ in range(self.size(2, 5)):
            piece = list(shape)
            piece[axis] = self.size(1, 6)
            total += piece[axis]
            alike = first is not None and (net.dtype == np.int8 or self.rng.random() < 0.5)
            quantisation = {"scale": first.scale, "zero": first.zero} if alike else {}
            pieces.append(net.input(piece, **quantisation))
            first = first or pieces[0]
        shape[axis] = total
        y = net.like(first, shape)
        net.main.emit("CONCATENATION", pieces, [y], "ConcatenationOptions", Axis=axis)
        return net.output(y)

    def amounts(self, net):
        values = self.rng.integers(0, 4, (4, 2))
        values[0] = 0
        return values, net.main.integers(values, self.one_of(np.int32, np.int64))

    def pad(self):
        net = self.network()
        x = self.picture(net)
        values, amounts = self.amounts(net)
        y = net.like(x, [d + int(v.sum()) for d, v in zip(x.shape, values)])
        net.main.emit("PAD", [x, amounts], [y], "PadOptions")
        return net.output(y)

    def padv2(self):
        net = self.network()
        x = self.picture(net)
        values, amounts = self.amounts(net)
        value = net.main.constant(net.values((1,)), x.scale, x.zero)
        y = net.like(x, [d + int(v.sum()) for d, v in zip(x.shape, values)])
        net.main.emit("PADV2", [x, amounts, value], [y], "PadV2Options")
        return net.output(y)

    def slice(self):
        net = self.network()
        x = self.picture(net)
        begin = [0] + [int(self.rng.integers(0, d)) for d in x.shape[1:]]
        size = [1] + [int(self.rng.integers(1, d - b + 1)) for d, b in zip(x.shape[1:], begin[1:])]
        stated = [-1 if b + s == d and self.rng.random() < 0.5 else s for d, b, s in zip(x.shape, begin, size)]
        y = net.like(x, size)
        net.main.emit("SLICE", [x, net.main.integers(begin), net.main.integers(stated)], [y], "SliceOptions")
        return net.output(y)

    def split(self):
        net = self.network()
        count, axis = self.size(2, 5), self.one_of(1, 2, 3, -1)
        shape = [1, self.size(), self.size(), self.size()]
        part = list(shape)
        part[axis] = self.size(1, 4)
        shape[axis] = part[axis] * count
        x = net.input(shape)
        parts = [net.like(x, part) for _ in range(count)]
        net.main.emit("SPLIT", [net.main.integers(axis), x], parts, "SplitOptions", NumSplits=count)
        return net.output(*parts)

    def split_v(self):
        net = self.network()
        axis = self.one_of(1, 2, 3, -1)
        sizes = [self.size(1, 5) for _ in range(self.size(2, 5))]
        shape = [1, self.size(), self.size(), self.size()]
        shape[axis] = sum(sizes)
        x = net.input(shape)
        parts = []
        for size in sizes:
            part = list(shape)
            part[axis] = size
            parts.append(net.like(x, part))
        stated = list(sizes)
        if self.rng.random() < 0.5:
            stated[self.size(0, len(sizes))] = -1
        inputs = [x, net.main.integers(stated), net.main.integers(axis)]
        net.main.emit("SPLIT_V", inputs, parts, "SplitVOptions", NumSplits=len(sizes))
        return net.output(*parts)

    def strided_slice(self):
        net = self.network()
        x = self.picture(net)
        while True:
            begin, end, step, taken = [], [], [], []
            masks = [0, 0, 0]
            for axis, d in enumerate(x.shape):
                b, e = (int(v) for v in self.rng.integers(-d, d, 2))
                s = int(self.one_of(1, 1, 2, 3, -1, -2))
                kind = self.rng.integers(6) if axis else 0
                if kind == 0:
                    masks[0] |= 1 << axis
                    masks[1] |= 1 << axis
                    bounds = slice(None, None, s)
                elif kind == 1:
                    masks[0] |= 1 << axis
                    bounds = slice(None, e, s)
                elif kind == 2:
                    masks[1] |= 1 << axis
                    bounds = slice(b, None, s)
                elif kind == 3:
                    masks[2] |= 1 << axis
                    s, bounds = 1, slice(b, b + 1 or None, 1)
                    e = b + 1
                else:
                    bounds = slice(b, e, s)
                begin.append(b), end.append(e), step.append(s)
                taken.append(len(range(d)[bounds]))
            if all(taken):
                break
        shape = [d for axis, d in enumerate(taken) if not masks[2] >> axis & 1]
        y = net.like(x, shape)
        bounds = [net.main.integers(values) for values in (begin, end, step)]
        net.main.emit(
            "STRIDED_SLICE", [x, *bounds], [y], "StridedSliceOptions",
            BeginMask=masks[0], EndMask=masks[1], ShrinkAxisMask=masks[2],
        )  # fmt: skip
        return net.output(y)

    def reshape(self):
        net = self.network()
        h, w, c = self.size(), self.size(), self.size()
        x = net.input([1, h, w, c])
        shape = self.one_of([1, h * w * c], [1, c, w, h], [1, h * w, c], [h, w * c], [1, h * c, w, 1])
        y = net.like(x, shape)
        stated = list(shape)
        if self.rng.random() < 0.5:
            stated[-1] = -1
        if self.rng.random() < 0.3:
            net.main.emit("RESHAPE", [x], [y], "ReshapeOptions", NewShape=stated)
        else:
            net.main.emit("RESHAPE", [x, net.main.integers(stated)], [y], "ReshapeOptions")
        return net.output(y)

    def transpose(self):
        net = self.network()
        x = net.input([1, self.size(), self.size(), self.size()][: self.one_of(2, 3, 4)])
        order = [int(axis) for axis in self.rng.permutation(len(x.shape))]
        y = net.like(x, [x.shape[axis] for axis in order])
        net.main.emit("TRANSPOSE", [x, net.main.integers(order)], [y], "TransposeOptions")
        return net.output(y)

    def squeeze(self):
        net = self.network()
        shape = self.one_of([1, self.size(), 1, self.size()], [1, 1, self.size(), 1], [1, 1, 1, self.size()])
        x = net.input(shape)
        ones = [axis for axis, d in enumerate(shape) if d == 1]
        dims = self.one_of([], ones[1:], [ones[-1] - len(shape)])
        dropped = {axis % len(shape) for axis in dims} or set(ones)
        y = net.like(x, [d for axis, d in enumerate(shape) if axis not in dropped])
        net.main.emit("SQUEEZE", [x], [y], "SqueezeOptions", SqueezeDims=dims)
        return net.output(y)

    def expand_dims(self):
        net = self.network()
        shape = [self.size() for _ in range(self.size(1, 4))]
        x = net.input(shape)
        axis = int(self.rng.integers(-len(shape) - 1, len(shape) + 1))
        wide = list(shape)
        wide.insert(axis % (len(shape) + 1), 1)
        y = net.like(x, wide)
        net.main.emit("EXPAND_DIMS", [x, net.main.integers(axis)], [y], "ExpandDimsOptions")
        return net.output(y)

    def depth_to_space(self):
        net = self.network()
        block = self.one_of(2, 3)
        x = net.input([1, self.size(), self.size(), block * block * self.size(1, 5)])
        y = net.like(x, [1, x.shape[1] * block, x.shape[2] * block, x.shape[3] // block**2])
        net.main.emit("DEPTH_TO_SPACE", [x], [y], "DepthToSpaceOptions", BlockSize=block)
        return net.output(y)

    def space_to_depth(self):
        net = self.network()
        block = self.one_of(2, 3)
        x = net.input([1, block * self.size(1, 5), block * self.size(1, 5), self.size(1, 5)])
        y = net.like(x, [1, x.shape[1] // block, x.shape[2] // block, x.shape[3] * block**2])
        net.main.emit("SPACE_TO_DEPTH", [x], [y], "SpaceToDepthOptions", BlockSize=block)
        return net.output(y)

    def resize_nearest_neighbor(self):
        net = self.network()
        x = self.picture(net)
        to = self.one_of([self.size(1, 20), self.size(1, 20)], [2 * d for d in x.shape[1:3]])
        corners, centres = self.one_of((False, False), (True, False), (False, True))
        y = net.like(x, [1, *to, x.shape[3]])
        net.main.emit(
            "RESIZE_NEAREST_NEIGHBOR", [x, net.main.integers(to)], [y], "ResizeNearestNeighborOptions",
            AlignCorners=corners, HalfPixelCenters=centres,
        )  # fmt: skip
        return net.output(y)

    def unary(self, code, scale=None, zero=None, options=None, **fields):
        net = self.network()
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


OPERATORS = """conv_2d depthwise_conv_2d fully_connected add mul max_pool_2d average_pool_2d mean concatenation pad padv2 slice split
split_v strided_slice reshape transpose squeeze expand_dims depth_to_space space_to_depth resize_nearest_neighbor relu relu6
relu_n1_to_1 logistic softmax quantize dequantize stream""".split()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--frames", type=int, default=6)
    args = parser.parse_args()
    args.outdir.mkdir(parents=True, exist_ok=True)
    cases = []
    for round_ in range(args.rounds):
        for at, operator in enumerate(OPERATORS):
            maker = Maker(np.random.default_rng([args.seed, round_, at]))
            net = getattr(maker, operator)()
            name = f"{operator}_{round_}"
            content, inputs = net.bytes(), net.samples(args.frames)
            (args.outdir / f"{name}.tflite").write_bytes(content)
            outputs = oracle_tflite.run(content, inputs)
            arrays = {f"x{i}": x for i, x in enumerate(inputs)} | {f"y{i}": y for i, y in enumerate(outputs)}
            oracle_tflite.save(str(args.outdir / f"{name}.npz"), arrays)
            cases.append({"name": name, "operator": operator.upper()})
    manifest = {"seed": args.seed, "tflite_runtime": version("tflite-runtime"), "cases": cases}
    (args.outdir / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    print(f"{len(cases)} cases in {args.outdir}")


if __name__ == "__main__":
    main()
