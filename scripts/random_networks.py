"""What a random network holds, and the steps by which it grows.

The makers of single cases serve as steps: where one asks for a network and a picture, it gets the network so
far and a value that it holds. Where a maker would draw its input's shape, a step here goes by a value's.
"""

import numpy as np

from tflite_builder import SAME
from tflite_elementwise import Elementwise
from tflite_layers import Layers
from tflite_movement import Movement
from tflite_rearranging import Rearranging

FRAMES = 6


class Refused(Exception):
    """A step that fits no value, or whose values are too many or hardly vary."""


class Steps(Layers, Elementwise, Movement, Rearranging):
    """A network under construction; its outputs are all that the steps wrote."""

    def __init__(self, rng):
        super().__init__(rng)
        self.net = super().network()
        self.main, self.entries, self.frames = self.net.main, [], []
        shape = self.entry_shape()
        for _ in range(self.one_of(1, 1, 1, 2, 3)):
            self.enter(shape)
            shape = self.one_of(shape, self.entry_shape())

    def network(self):
        return self.net

    def picture(self, net, channels=None):
        return self.source(lambda shape: len(shape) == 4)

    def chance(self, share):
        return self.rng.random() < share

    def entry_shape(self):
        size = self.size
        return self.one_of(
            [1, size(1, 101)], [1, size(1, 31), 1, size(1, 41)], [1, 1, size(1, 31), size(1, 25)],
            [1, size(8, 21), size(8, 21), size(1, 5)], [1, size(), size(), size(1, 41)],
            [1, size(2, 8), size(2, 8), self.one_of(1, 4, 8, 16, 17, 32, 33, 40)],
        )  # fmt: skip

    def other_kind(self):
        return np.dtype(np.uint8 if self.net.dtype == np.int8 else np.int8)

    def zero(self, kind):
        """A zero point: often the least, the greatest or the middle value."""
        return int(np.iinfo(kind).min) + self.one_of(0, 255, 128, self.size(0, 256), self.size(0, 256))

    def enter(self, shape):
        """An input, sometimes of the other type and converted first."""
        kind = self.other_kind() if self.chance(0.15) else self.net.dtype
        x = self.main.tensor(shape, kind, self.net.scale(0.01, 0.1), self.zero(kind))
        self.main.inputs.append(x)
        self.frames.append(self.frames_of(x))
        self.entries.append(x if kind == self.net.dtype else self.converted(x, self.net.dtype))

    def converted(self, x, kind):
        """The same real values in the other type."""
        zero = x.zero - int(np.iinfo(x.dtype).min) + int(np.iinfo(kind).min)
        y = self.main.tensor(x.shape, kind, x.scale, zero)
        return self.main.emit("QUANTIZE", [x], [y], "QuantizeOptions")

    def frames_of(self, x):
        """Uniform values, few beside the zero point, normal ones and the extremes, in turn."""
        low, shape, rng = int(np.iinfo(x.dtype).min), (FRAMES, *x.shape), self.rng
        frames = rng.integers(low, low + 256, shape)
        frames[1::4][rng.random(shape)[1::4] < 0.85] = x.zero
        frames[2::4] = np.clip(np.rint(rng.normal(x.zero, rng.uniform(3, 60), shape)), low, low + 255)[2::4]
        frames[3::4] = np.where(rng.random(shape) < 0.5, low, low + 255)[3::4]
        return frames.astype(x.dtype)

    def held(self):
        return self.entries + self.main.outputs

    def read(self):
        return {at for _, inputs, *_ in self.main.operators for at in inputs}

    def source(self, fits=lambda shape: True):
        """A value to read, by its shape: mostly the last that nothing reads yet."""
        fitting = [tensor for tensor in self.held() if fits(tensor.shape)]
        if not fitting:
            raise Refused
        read = self.read()
        unread = [tensor for tensor in fitting if tensor.index not in read]
        return unread[-1] if unread and self.chance(0.65) else self.one_of(*fitting)

    def pointwise(self, x=None, outputs=None):
        x, outputs = x or self.picture(self.net), outputs or self.size(1, 41)
        weights, scales = self.weights(self.net, (outputs, 1, 1, x.shape[3]), 0, outputs, 1)
        self.layer(
            self.net, "CONV_2D", x, weights, scales, [*x.shape[:3], outputs], x.shape[3], "Conv2DOptions",
            Padding=SAME, StrideH=1, StrideW=1, DilationHFactor=1, DilationWFactor=1,
        )  # fmt: skip
        return self.main.outputs[-1]

    def fully_connected(self):
        x, net = self.source(), self.net
        columns, outputs = self.one_of(x.shape[-1], int(np.prod(x.shape))), self.size(1, 41)
        zero = 0 if net.dtype == np.int8 else net.zero()
        weights = net.main.constant(net.values((outputs, columns)), net.scale(0.002, 0.02), zero)
        keep = columns == x.shape[-1] and self.chance(0.5)
        shape = [*x.shape[:-1], outputs] if keep else [int(np.prod(x.shape)) // columns, outputs]
        scales = np.full(outputs, weights.scale)
        options = {"options": "FullyConnectedOptions", "KeepNumDims": keep}
        self.layer(net, "FULLY_CONNECTED", x, weights, scales, shape, columns, **options)

    def mate(self, x):
        """Mostly a value that broadcasts to this one's shape."""
        smaller = [y for y in self.held() if len(y.shape) <= len(x.shape)]
        fits = lambda y: all(d in (1, whole) for d, whole in zip(y.shape[::-1], x.shape[::-1]))
        return None if self.chance(0.25) else self.one_of(*[y for y in smaller if fits(y)])

    def operand(self, x, scale, zero):
        shape = self.one_of(x.shape, x.shape[-1:], [1] * (len(x.shape) - 1) + x.shape[-1:], [1])
        return self.main.constant(self.net.values(shape), scale, zero)

    def pair(self, net):
        """A value and what a layer makes of it, another value or a constant."""
        a = self.source()
        if len(a.shape) == 4 and self.chance(0.35):
            b = self.pointwise(a, a.shape[3])
        else:
            b = self.mate(a) or self.operand(a, net.scale(), self.zero(net.dtype))
        return (a.shape, b, a) if b.shape == a.shape and self.chance(0.5) else (a.shape, a, b)

    def alike(self, x, like):
        """A value requantised where its scale or zero point is not that of another."""
        if (x.scale, x.zero) == (like.scale, like.zero):
            return x
        return self.main.emit("QUANTIZE", [x], [self.net.like(like, x.shape)], "QuantizeOptions")

    def extreme(self, code):
        a = self.source()
        b = self.mate(a)
        b = self.alike(b, a) if b else self.operand(a, a.scale, a.zero)
        self.written(self.net, a, a.shape, code, self.one_of([a, b], [b, a]), "MaximumMinimumOptions")

    def concatenation(self):
        x = self.source()
        rank = len(x.shape)
        axis = self.size(1, rank)
        rest = lambda y: [d for at, d in enumerate(y.shape) if at != axis]
        fitting = [y for y in self.held() if len(y.shape) == rank and rest(y) == rest(x)]
        parts = [x]
        for _ in range(self.size(1, 4)):
            fresh = rank == 4 and self.chance(0.4)
            outputs = self.size(1, 21) if axis == 3 else x.shape[-1]
            parts.append(self.pointwise(x, outputs) if fresh else self.one_of(*fitting))
        self.rng.shuffle(parts)
        # Legacy uint8 parts may differ in scale and zero point.
        if self.net.dtype == np.int8 or self.chance(0.5):
            parts = [self.alike(part, x) for part in parts]
        shape = list(x.shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        options = {"options": "ConcatenationOptions", "Axis": self.one_of(axis, axis - rank)}
        self.written(self.net, x, shape, "CONCATENATION", parts, **options)

    def split(self):
        x = self.source()
        axis = self.size(1, len(x.shape))
        count = self.one_of(*[n for n in (2, 3, 4, 5) if x.shape[axis] % n == 0] or [1])
        if count == 1:
            raise Refused
        part = list(x.shape)
        part[axis] //= count
        parts = [self.net.like(x, part) for _ in range(count)]
        self.main.emit("SPLIT", [self.main.integers(axis), x], parts, "SplitOptions", NumSplits=count)
        self.net.output(*parts)

    def views(self, shape):
        if len(shape) == 4:
            _, h, w, c = shape
            return [
                [1, h * w * c], [1, h * w, c], [h * w, c], [1, h, w * c], [1, c, w, h], [1, w, h, c],
                [1, h * w, 1, c], [1, 1, h * w, c], [1, 1, 1, h * w * c],
            ]  # fmt: skip
        divisor = lambda n: self.one_of(*[d for d in range(1, n + 1) if n % d == 0])
        count = int(np.prod(shape))
        first = divisor(count)
        rest = count // first
        second = divisor(rest)
        return [[1, count], [1, first, rest], [1, first, second, rest // second], [1, first, 1, rest]]

    def reshape(self):
        x = self.source()
        shape = self.one_of(*self.views(x.shape))
        stated = self.main.integers([*shape[:-1], self.one_of(-1, shape[-1])])
        self.written(self.net, x, shape, "RESHAPE", [x, stated], "ReshapeOptions")

    def transpose(self):
        x = self.source(lambda shape: len(shape) > 2)
        order = [0, *(1 + self.rng.permutation(len(x.shape) - 1))]
        shape = [x.shape[at] for at in order]
        self.written(self.net, x, shape, "TRANSPOSE", [x, self.main.integers(order)], "TransposeOptions")

    def squeeze(self):
        x = self.source(lambda shape: len(shape) > 2 and 1 in shape[1:])
        ones = [at for at, d in enumerate(x.shape) if at and d == 1]
        dropped = self.one_of(ones, ones[-1:])
        shape = [d for at, d in enumerate(x.shape) if at not in dropped]
        self.written(self.net, x, shape, "SQUEEZE", [x], "SqueezeOptions", SqueezeDims=dropped)

    def expand_dims(self):
        x = self.source(lambda shape: len(shape) < 4)
        axis = self.size(1, len(x.shape) + 1)
        shape = [*x.shape[:axis], 1, *x.shape[axis:]]
        self.written(self.net, x, shape, "EXPAND_DIMS", [x, self.main.integers(axis)], "ExpandDimsOptions")

    def depth_to_space(self):
        block = self.one_of(2, 2, 3)
        x = self.source(lambda shape: len(shape) == 4 and shape[3] % block**2 == 0)
        shape = [1, x.shape[1] * block, x.shape[2] * block, x.shape[3] // block**2]
        self.written(self.net, x, shape, "DEPTH_TO_SPACE", [x], "DepthToSpaceOptions", BlockSize=block)

    def space_to_depth(self):
        block = self.one_of(2, 2, 3)
        x = self.source(lambda shape: len(shape) == 4 and shape[1] % block == shape[2] % block == 0)
        shape = [1, x.shape[1] // block, x.shape[2] // block, x.shape[3] * block**2]
        self.written(self.net, x, shape, "SPACE_TO_DEPTH", [x], "SpaceToDepthOptions", BlockSize=block)

    def quantize(self):
        x = self.source()
        scale = float(np.float32(x.scale * self.one_of(1, self.rng.uniform(0.4, 2.5))))
        y = self.net.activation(x.shape, scale, self.one_of(x.zero, self.zero(self.net.dtype)))
        self.net.output(self.main.emit("QUANTIZE", [x], [y], "QuantizeOptions"))
