"""Networks of the shapes that small devices run, with random weights, biases that make rectifiers pass about half, and scales that suit."""

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


def pictures(rng, count, height, width, channels):
    """Smooth pictures with a few edges, between -1 and 1."""
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    waves = rng.normal(0, 4, (count, 1, 1, channels, 2, 4))
    phases = rng.uniform(0, 2 * np.pi, (count, 1, 1, channels, 4))
    at = rows[..., None, None] * waves[..., 0, :] + columns[..., None, None] * waves[..., 1, :]
    real = np.sin(at + phases).sum(-1) / 4 + 0.3 * (rows + columns > 0.8)[..., None]
    return np.clip(real + rng.normal(0, 0.03, real.shape), -1, 1)


def person_detection(rng, count):
    """MobileNetV1, width 0.25: 7.5 M multiply-accumulates."""
    chain = Chain(rng, pictures(rng, count, 96, 96, 3)).conv(8, (3, 3), 2)
    for outputs, stride in [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1)]:
        chain.depthwise(stride=stride).conv(outputs)
    return chain.pooled().dense(2).finish()


def anomaly_detection(rng, count):
    """A dense autoencoder: 0.26 M multiply-accumulates."""
    chain = Chain(rng, pictures(rng, count, 1, 640, 1).reshape(count, 640))
    for outputs in [128] * 4 + [8] + [128] * 4:
        chain.dense(outputs, RELU)
    return chain.dense(640).finish()


def inverted_residuals(rng, count):
    """The blocks of MobileNetV2: linear bottlenecks, so activations lie on both sides of 0, and sums."""
    chain = Chain(rng, pictures(rng, count, 48, 48, 3)).conv(8, (3, 3), 2, RELU6)
    for outputs, stride, grow in [(8, 1, 1), (16, 2, 4), (16, 1, 4), (24, 2, 4), (24, 1, 4)]:
        mark, inputs = chain.mark(), chain.real.shape[-1]
        chain.conv(inputs * grow, activation=RELU6).depthwise(stride=stride, activation=RELU6)
        chain.conv(outputs, activation=NONE)
        if stride == 1 and inputs == outputs:
            chain.combine("ADD", mark)
    return chain.conv(96, activation=RELU6).pooled().dense(10).finish()


def mobile_blocks(chain, widths):
    """The blocks of MobileNetV2: how far each grows, its outputs, how often it is there and its first stride."""
    for (grow, times, stride), outputs in zip([(1, 1, 1), (6, 2, 2), (6, 3, 2), (6, 4, 2), (6, 3, 1), (6, 3, 2), (6, 1, 1)], widths):
        for at in range(times):
            mark, inputs = chain.mark(), chain.real.shape[-1]
            if grow > 1:
                chain.conv(inputs * grow, activation=RELU6)
            chain.depthwise(stride=1 if at else stride, activation=RELU6).conv(outputs, activation=NONE)
            if at:
                chain.combine("ADD", mark)
    return chain


def mobile_classifier(rng, count):
    """MobileNetV2, width 0.25, which names the class itself: more layers than instructions fit some chips."""
    chain = Chain(rng, pictures(rng, count, 64, 64, 3)).conv(8, (3, 3), 2, RELU6)
    return mobile_blocks(chain, [8, 8, 8, 16, 24, 40, 80]).conv(320, activation=RELU6).pooled().dense(200).place()


def mobile_features(rng, count):
    """MobileNetV2, width 0.35, of a small picture: more parameters than the tile memories of some chips hold."""
    chain = Chain(rng, pictures(rng, count, 48, 48, 3)).conv(16, (3, 3), 2, RELU6)
    return mobile_blocks(chain, [8, 8, 16, 24, 32, 56, 112]).conv(448, activation=RELU6).pooled().dense(200).finish()


def large_pictures(rng, count):
    """Depthwise separable layers and a sum over pictures that tile memories do not hold."""
    chain = Chain(rng, pictures(rng, count, 112, 112, 3)).conv(16, (3, 3))
    chain.depthwise(stride=2).conv(32, activation=NONE)
    mark = chain.mark()
    chain.depthwise().conv(32, activation=NONE).combine("ADD", mark)
    for outputs in [64, 96]:
        chain.depthwise(stride=2).conv(outputs)
    return chain.pooled().dense(20).finish()


def gated_residuals(rng, count):
    """The blocks of MobileNetV3: hard swishes, and channels gated by what the whole picture shows."""
    chain = Chain(rng, pictures(rng, count, 32, 32, 3)).conv(8, (3, 3), 2, NONE).hard_swish()
    for outputs, stride in [(8, 1), (16, 2), (16, 1)]:
        mark, inputs = chain.mark(), chain.real.shape[-1]
        chain.conv(inputs * 3, activation=NONE).hard_swish().depthwise((5, 5), stride, NONE).hard_swish()
        gated = chain.mark()
        chain.pooled(keep=True).conv(8).conv(inputs * 3, activation=NONE).gate(gated).conv(outputs, activation=NONE)
        if stride == 1 and inputs == outputs:
            chain.combine("ADD", mark)
    return chain.pooled().dense(10).finish()


def detection(rng, count):
    """A small detector: leaky rectifiers, and a coarse map enlarged and joined to a fine one."""
    chain = Chain(rng, pictures(rng, count, 48, 48, 3))
    for outputs in [8, 16]:
        chain.conv(outputs, (3, 3), 2, NONE).leaky_relu()
    fine = chain.mark()
    chain.conv(32, (3, 3), 2, NONE).leaky_relu().conv(16, activation=NONE).leaky_relu()
    chain.larger("RESIZE_NEAREST_NEIGHBOR").join(fine).conv(18, activation=NONE)
    return chain.function("LOGISTIC", lambda x: 1 / (1 + np.exp(-x))).finish()


def segmentation(rng, count):
    """Down to a quarter and up again by interpolation."""
    chain = Chain(rng, pictures(rng, count, 24, 24, 3)).conv(8, (3, 3), 2)
    skipped = chain.mark()
    chain.conv(16, (3, 3), 2).conv(16, (3, 3)).larger().join(skipped).conv(8, (3, 3)).larger()
    return chain.conv(3, activation=NONE).finish()


def mobile_uint8(rng, count):
    """MobileNetV1, width 0.25, as it was quantised before int8: one scale and zero point a tensor, so that some weights have 9 bits."""
    chain = Chain(rng, pictures(rng, count, 64, 64, 3), np.uint8).conv(8, (3, 3), 2)
    for outputs, stride in [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (256, 2)]:
        chain.depthwise(stride=stride).conv(outputs)
    return chain.pooled(keep=True).conv(10, activation=NONE).finish()


def inception_uint8(rng, count):
    """Kernels of several sizes beside each other, their channels joined, in uint8."""
    chain = Chain(rng, pictures(rng, count, 32, 32, 3), np.uint8).conv(16, (3, 3), 2).conv(32, (3, 3))
    for outputs in [16, 24]:
        entry = chain.mark()
        narrow = chain.conv(outputs).mark()
        wide = chain.back(entry).conv(outputs).conv(outputs, (1, 5)).conv(outputs, (5, 1)).mark()
        chain.back(entry).conv(outputs).conv(outputs, (3, 3)).join(wide).join(narrow)
    return chain.conv(32, (3, 3), 2).pooled().dense(10).finish()


def boxes_uint8(rng, count):
    """A single-shot detector in uint8: places and scores of anchors on two maps, and the likeliest boxes."""
    chain = Chain(rng, pictures(rng, count, 64, 64, 3), np.uint8).conv(8, (3, 3), 2)
    maps = []
    for outputs, stride in [(16, 1), (32, 2), (32, 1), (64, 2), (128, 2)]:
        maps.append(chain.depthwise(stride=stride).conv(outputs).mark())
    heads = []
    for values in [4, 6]:
        parts = []
        for mark in maps[-2:]:
            size = mark[1].shape[1] ** 2
            parts.append(chain.back(mark).conv(3 * values, activation=NONE).shaped([3 * size, values]).mark())
        heads.append(chain.back(parts[1]).join(parts[0], axis=1).mark())
    chain.function("LOGISTIC", lambda x: 1 / (1 + np.exp(-x)))
    boxes = chain.real.shape[1]
    anchors = np.concatenate([rng.uniform(0, 1, (boxes, 2)), rng.uniform(0.1, 0.4, (boxes, 2))], 1)
    net = chain.net
    anchors = net.main.constant(np.rint(anchors * 255).astype(np.uint8), 1 / 255, 0)
    results = [net.main.tensor(shape, np.float32) for shape in ([1, 10, 4], [1, 10], [1, 10], [1])]
    net.main.emit(
        "TFLite_Detection_PostProcess",
        [heads[0][0], chain.value, anchors],
        results,
        max_detections=10,
        max_classes_per_detection=1,
        detections_per_class=100,
        use_regular_nms=False,
        nms_score_threshold=1e-8,
        nms_iou_threshold=0.6,
        num_classes=5,
        y_scale=10.0,
        x_scale=10.0,
        h_scale=5.0,
        w_scale=5.0,
    )
    return net.output(*results), [chain.samples]


def attention(rng, count):
    """A block of a transformer over 24 frames of 16 bands: each frame looks at all, then two layers with GELU between."""
    frames, width = 24, 32
    chain = Chain(rng, pictures(rng, count, frames, 1, 16)).conv(width, activation=NONE)
    entry = chain.mark()
    heads = [chain.back(entry).conv(16, activation=NONE).shaped([frames, 16]).mark() for _ in range(3)]
    chain.back(heads[0]).times(heads[1], turned=True).softmax().times(heads[2]).shaped([frames, 1, 16])
    chain.conv(width, activation=NONE).combine("ADD", entry)
    inner = chain.mark()
    chain.conv(2 * width, activation=NONE).gelu().conv(width, activation=NONE).combine("ADD", inner)
    return chain.pooled().dense(12).finish()


def streaming_words(rng, count):
    """A keyword spotter that hears a frame of 40 bands at a time and remembers the frames before."""
    # From as many frames on its memory is full.
    count = max(count, 24)
    chain = Chain(rng, pictures(rng, 1, count, 40, 1)[0, :, :, 0]).svdf(64, 10, 2).dense(32, RELU)
    return chain.svdf(48, 8).dense(32, RELU).svdf(32, 6).dense(12).finish()


NETWORKS = [
    person_detection, anomaly_detection, inverted_residuals, gated_residuals, detection, segmentation, mobile_classifier,
    attention, mobile_features, large_pictures, mobile_uint8, inception_uint8,
    boxes_uint8, streaming_words,
]  # fmt: skip
