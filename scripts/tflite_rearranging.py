"""Random cases of TensorFlow Lite operators that slices and concatenations make up, and of shapes computed by the network."""

import numpy as np

from tflite_builder import Network
from tflite_draw import Draw


class Rearranging(Draw):
    """One case of each."""

    def written(self, net, x, shape, code, inputs, options=None, **fields):
        y = net.like(x, shape)
        net.main.emit(code, inputs, [y], options, **fields)
        return net.output(y)

    def resize_bilinear(self):
        net = self.network()
        x = self.picture(net)
        to = [self.size(1, 24), self.size(1, 24)]
        corners = bool(self.rng.integers(2))
        return self.written(
            net, x, [1, *to, x.shape[3]], "RESIZE_BILINEAR", [x, net.main.integers(to)], "ResizeBilinearOptions",
            AlignCorners=corners, HalfPixelCenters=not corners and bool(self.rng.integers(2)),
        )  # fmt: skip

    def mirror_pad(self):
        net = self.network()
        x = self.picture(net)
        mode = int(self.rng.integers(2))
        most = [0, *[d - 1 + mode for d in x.shape[1:]]]
        amounts = np.array([[min(int(self.rng.integers(0, 4)), m) for _ in range(2)] for m in most])
        shape = [d + int(a.sum()) for d, a in zip(x.shape, amounts)]
        return self.written(
            net, x, shape, "MIRROR_PAD", [x, net.main.integers(amounts)], "MirrorPadOptions", Mode=mode
        )

    def pack(self):
        net = self.network()
        shape = self.one_of([1, self.size(), self.size()], [self.size(), self.size()], [1, self.size(), self.size(), 2])
        axis = int(self.rng.integers(-len(shape) - 1, len(shape) + 1))
        first = net.input(shape)
        rest = [net.input(shape, scale=first.scale, zero=first.zero) for _ in range(self.size(0, 3))]
        packed = list(shape)
        packed.insert(axis % (len(shape) + 1), 1 + len(rest))
        return self.written(
            net, first, packed, "PACK", [first, *rest], "PackOptions", Axis=axis, ValuesCount=1 + len(rest)
        )

    def unpack(self):
        net = self.network()
        x = self.picture(net)
        axis = self.one_of(1, 2, 3, -1)
        kept = [d for at, d in enumerate(x.shape) if at != axis % 4]
        outputs = [net.like(x, kept) for _ in range(x.shape[axis])]
        net.main.emit("UNPACK", [x], outputs, "UnpackOptions", Axis=axis, Num=x.shape[axis])
        return net.output(*outputs)

    def gather(self):
        net = self.network()
        x = self.picture(net)
        axis = self.one_of(1, 2, 3, -1)
        listed = self.one_of([self.size(1, 6)], [2, 2], [])
        places = np.sort(self.rng.integers(0, x.shape[axis], listed), None) if self.rng.random() < 0.5 else 0
        places = np.reshape(places if np.size(places) > 1 else self.rng.integers(0, x.shape[axis], listed), listed)
        shape = [*x.shape[: axis % 4], *listed, *x.shape[axis % 4 + 1 :]]
        return self.written(
            net, x, shape, "GATHER", [x, net.main.integers(places)], "GatherOptions", Axis=axis
        )

    def gather_nd(self):
        net = self.network()
        x = self.picture(net)
        depth = self.size(1, 5)
        listed = self.one_of([self.size(1, 6)], [2, 2])
        places = np.stack([self.rng.integers(0, d, listed) for d in x.shape[:depth]], -1)
        shape = [*listed, *x.shape[depth:]]
        return self.written(net, x, shape, "GATHER_ND", [x, net.main.integers(places)], "GatherNdOptions")

    def tile(self):
        net = self.network()
        x = self.picture(net)
        counts = [1, *[self.one_of(1, 1, 2, 3) for _ in range(3)]]
        shape = [d * n for d, n in zip(x.shape, counts)]
        return self.written(net, x, shape, "TILE", [x, net.main.integers(counts)], "TileOptions")

    def broadcast_to(self):
        net = self.network()
        channels = self.size()
        shape = [1, self.size(), self.size(), channels]
        x = net.input(self.one_of([channels], [1, shape[1], 1, channels], [1, 1, 1, 1]))
        return self.written(net, x, shape, "BROADCAST_TO", [x, net.main.integers(shape)], "BroadcastToOptions")

    def reverse_v2(self):
        net = self.network()
        x = self.picture(net)
        axes = self.one_of([1], [2], [3])
        return self.written(net, x, x.shape, "REVERSE_V2", [x, net.main.integers(axes)], "ReverseV2Options")

    def masked(self):
        """A strided slice with an ellipsis or a new axis."""
        net = self.network()
        x = self.picture(net)
        low = int(self.rng.integers(0, x.shape[3]))
        high = int(self.rng.integers(low + 1, x.shape[3] + 1))
        if self.rng.random() < 0.5:
            # x[..., low:high]
            bounds, masks, shape = [[0, low], [0, high], [1, 1]], {"EllipsisMask": 1}, [*x.shape[:3], high - low]
        else:
            # x[:, newaxis, 1:]
            bounds, masks = [[0, 0, 1], [0, 0, 0], [1, 1, 1]], {"NewAxisMask": 2, "BeginMask": 1, "EndMask": 5}
            shape = [1, 1, x.shape[1] - 1, *x.shape[2:]]
        bounds = [net.main.integers(values) for values in bounds]
        return self.written(net, x, shape, "STRIDED_SLICE", [x, *bounds], "StridedSliceOptions", **masks)

    def shape(self):
        """What converters write for a flattening of open batch: SHAPE, STRIDED_SLICE, PACK, RESHAPE."""
        net = self.network()
        x = self.picture(net)
        main, rest = net.main, int(np.prod(x.shape[1:]))
        dims = main.tensor([4], np.int32)
        main.emit("SHAPE", [x], [dims], "ShapeOptions", OutType=2)
        first = main.tensor([], np.int32)
        bounds = [main.integers([value]) for value in (0, 1, 1)]
        main.emit("STRIDED_SLICE", [dims, *bounds], [first], "StridedSliceOptions", ShrinkAxisMask=1)
        wanted = main.tensor([2], np.int32)
        if self.rng.random() < 0.5:
            tail = main.tensor([3], np.int32)
            bounds = [main.integers([value]) for value in (1, 4, 1)]
            main.emit("STRIDED_SLICE", [dims, *bounds], [tail], "StridedSliceOptions")
            product = main.tensor([], np.int32)
            main.emit("REDUCE_PROD", [tail, main.integers([0])], [product], "ReducerOptions")
            main.emit("PACK", [first, product], [wanted], "PackOptions", ValuesCount=2)
        else:
            main.emit("PACK", [first, main.integers(rest)], [wanted], "PackOptions", ValuesCount=2)
        return self.written(net, x, [1, rest], "RESHAPE", [x, wanted], "ReshapeOptions")
