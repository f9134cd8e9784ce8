"""Networks of the shapes that small devices run, with random weights."""

import numpy as np

from tflite_builder import NONE, RELU, RELU6
from tflite_chain import Chain


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
