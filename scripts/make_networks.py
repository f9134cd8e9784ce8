#!/usr/bin/env python3
"""Write four networks of the shapes that small devices run, with random weights: for profiles and benches.

    scripts/make_networks.py OUTDIR [--seed S] [--samples N]

OUTDIR gets NAME.onnx and NAME.npz (arrays `x`, the inputs, and `y`, ONNX Runtime's outputs) for each network:

    image_classification  residual, 8 convolutions, 32x32x3          12.5 M multiply-accumulates
    keyword_spotting      depthwise separable, 49x10x1                2.7 M
    person_detection      depthwise separable, width 0.25, 96x96x3    7.5 M
    anomaly_detection     dense autoencoder, 640 wide                 0.26 M

Activations rest at the zero point where a rectifier would leave them, so about half of their values are 0.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx

import oracle
from model_builders import Quantised

# A rectified tensor uses the whole range: deep networks would fade to a constant else.
RELU = {"zero": -128, "gain": 2.5}


def same(size, kernel, stride):
    """Padding (above, left, below, right) that keeps ceil(size / stride)."""
    total = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(size, kernel, stride)]
    return [total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2]


def conv(net, outputs, kernel, stride=1, groups=1, **options):
    strides = stride if isinstance(stride, tuple) else (stride, stride)
    pads = same(net.shape[1:], kernel, strides)
    return net.conv(outputs, kernel, strides, pads, groups=groups, **{**RELU, **options})


def image_classification(rng):
    net = conv(Quantised(rng, (3, 32, 32), io="int8", zero=-128), 16, (3, 3))
    for outputs, stride in [(16, 1), (32, 2), (64, 2)]:
        mark = net.mark()
        conv(conv(net, outputs, (3, 3), stride), outputs, (3, 3), zero=None)
        if stride > 1:
            left = net.mark()
            mark = conv(net.back(mark), outputs, (1, 1), stride, zero=None).mark()
            net.back(left)
        net.add(mark, -128)
    return net.mean().flatten().dense(10)


def separable(net, outputs, stride=1):
    conv(net, net.shape[0], (3, 3), stride, groups=net.shape[0])
    return conv(net, outputs, (1, 1))


def keyword_spotting(rng):
    net = conv(Quantised(rng, (1, 49, 10), io="int8", zero=83), 64, (10, 4), 2)
    for _ in range(4):
        separable(net, 64)
    return net.mean().flatten().dense(12)


def person_detection(rng):
    net = conv(Quantised(rng, (3, 96, 96), io="int8", zero=-1), 8, (3, 3), 2)
    for outputs, stride in [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1)]:
        separable(net, outputs, stride)
    return net.mean().flatten().dense(2)


def anomaly_detection(rng):
    net = Quantised(rng, (640,), io="int8", zero=90)
    for outputs in [128] * 4 + [8] + [128] * 4:
        net.dense(outputs, zero=-128)
    return net.dense(640)


NETWORKS = [image_classification, keyword_spotting, person_detection, anomaly_detection]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=int, default=3, help="inputs of each network (default: %(default)s)")
    args = parser.parse_args()
    args.outdir.mkdir(parents=True, exist_ok=True)
    for network in NETWORKS:
        net = network(np.random.default_rng(args.seed))
        path = args.outdir / f"{network.__name__}.onnx"
        onnx.save(net.model(), path)
        samples = net.samples(args.samples)
        outputs = oracle.run(path, samples)["output"]
        np.savez_compressed(path.with_suffix(".npz"), x=samples, y0=outputs)
        print(f"{path}: output takes {len(np.unique(outputs))} values")


if __name__ == "__main__":
    main()
