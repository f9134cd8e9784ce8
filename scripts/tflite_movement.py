"""Random cases of TensorFlow Lite operators that only move values."""

import numpy as np

from tflite_draw import Draw


class Movement(Draw):
    """One case of each operator that moves values."""

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
