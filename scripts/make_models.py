#!/usr/bin/env python3
"""Write small random int8 networks, inputs for them and ONNX Runtime's answers: cases for the tests.

    scripts/make_models.py OUTDIR [--seed S] [--samples N]

OUTDIR gets NAME.onnx and NAME.npz (arrays `x`, the inputs, and `y`, the outputs) for each case, and
manifest.json:

    {"seed": S, "onnxruntime": "1.32.0", "cases": [
        {"name", "operator", "form", "ops", "tags", "input", "output", "tolerance"}]}

`operator` is what the case is about, for tables, `form` is `qop` or `qdq`, `input` and `output` are {"name", "type", "shape"}, `tags` say what is special about a
case, and `tolerance` is the greatest difference allowed: 0 except where floating point ends the network.
"""

import argparse
import json
import logging
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

import oracle
from model_builders import Floating, Quantised
from model_corners import corner_cases
from model_operators import linear_cases, operator_cases, place_cases, real_cases, sum_cases


# Where floating point ends a network, and rows have more than sixteen values, last digits depend on the processor.
TOLERANCES = {"softmax": 1e-6, "log_softmax": 4e-6}
# What the networks written node by node are about, by the first word of their names.
OPERATORS = {
    "conv": "Conv",
    "depthwise": "Conv with groups",
    "max": "MaxPool",
    "average": "AveragePool",
    "global": "GlobalAveragePool",
    "dense": "Gemm",
    "matmul": "MatMul",
    "flatten": "Flatten",
    "reshape": "Reshape",
    "add": "Add",
    "residual": "Add",
}


def direct_cases(rng):
    """Networks written node by node: (name, tags, builder, batch, greatest input)."""

    def plain(shape, **options):
        return Quantised(rng, shape, **options)

    kernels = [((1, 1), 0), ((3, 3), 1), ((5, 5), 2), ((3, 3), 0), ((1, 3), 1), ((5, 1), 2)]
    channels = [1, 3, 5, 10, 16, 24, 40, 64]
    for at in range(24):
        kernel, pad = kernels[at % len(kernels)]
        inputs = channels[at % len(channels)]
        outputs = int(rng.choice(channels))
        strides = [(1, 1), (2, 2), (1, 1), (2, 1), (3, 2)][at % 5]
        dilations = (2, 2) if at % 7 == 3 and max(kernel) == 3 else (1, 1)
        pads = [pad if kernel[axis % 2] > 1 else 0 for axis in range(4)]
        if at % 4 == 1:
            pads = [int(rng.integers(0, k)) for k in (*kernel, *kernel)]
        size = (int(rng.integers(7, 13)), int(rng.integers(7, 13)))
        net = plain(
            (inputs, *size), kind="uint8" if at % 6 == 5 else "int8", io="int8" if at % 8 == 7 else "float"
        )
        net.conv(outputs, kernel, strides, pads, dilations, per_channel=at % 3 != 0, bias=at % 5 != 4)
        yield f"conv_{at:02}", ["asymmetric_pads"] * (at % 4 == 1), net, "batch", 255

    yield "conv_fixed_batch", [], plain((8, 6, 6)).conv(20, (3, 3), pads=(1, 1, 1, 1)), 1, 255
    yield (
        "conv_same_upper",
        ["auto_pad"],
        plain((6, 9, 8)).conv(12, (3, 3), (2, 2), auto_pad="SAME_UPPER"),
        "batch",
        255,
    )
    net = plain((16, 8, 8)).conv(16, (3, 3), pads=(1, 1, 1, 1), weight_zero=9, per_channel=False)
    yield "conv_weight_zero", ["weight_zero_point"], net, "batch", 255
    # Every weight value; the inputs keep to half the range so that the oracle cannot saturate.
    yield "conv_full_weights", [], plain((20, 7, 7)).conv(24, (3, 3), full=True), "batch", 126
    yield "conv_whole_image", [], plain((7, 6, 5)).conv(33, (6, 5)), "batch", 255

    for name, kernel, strides, pads in [
        ("2x2", (2, 2), (2, 2), (0, 0, 0, 0)),
        ("3x3", (3, 3), (2, 2), (1, 1, 1, 1)),
        ("ragged", (3, 2), (1, 2), (0, 1, 1, 0)),
    ]:
        net = plain((5, 9, 8)).conv(24, (3, 3), pads=(1, 1, 1, 1), zero=-128)
        yield f"max_pool_{name}", [], net.pool("MaxPool", kernel, strides, pads), "batch", 255
        for include in (0, 1) if any(pads) else (0,):
            net = plain((5, 9, 8)).conv(24, (3, 3), pads=(1, 1, 1, 1))
            net.pool("QLinearAveragePool", kernel, strides, pads, count_include_pad=include)
            yield f"average_pool_{name}_{include}", ["average_pool"], net, "batch", 255
    # Windows that end behind the input, and some that would begin there.
    for name, kernel, strides, pads in [
        ("2x2", (2, 2), (2, 3), (0, 0, 0, 0)),
        ("3x3", (3, 3), (2, 2), (0, 0, 0, 0)),
        ("padded", (2, 3), (3, 4), (1, 1, 1, 0)),
    ]:
        for kind, op, tags in [("max", "MaxPool", []), ("average", "QLinearAveragePool", ["average_pool"])]:
            net = plain((5, 9, 8)).conv(24, (3, 3), pads=(1, 1, 1, 1))
            yield f"{kind}_pool_ceil_{name}", tags, net.pool(op, kernel, strides, pads, ceil_mode=1), "batch", 255
    yield "max_pool_first", [], plain((16, 8, 8)).pool("MaxPool", (2, 2), (2, 2)), "batch", 255

    for at, shape in enumerate([(16, 4, 4), (10, 7, 5), (64, 2, 3)]):
        yield f"global_pool_{at}", [], plain(shape).conv(shape[0], (1, 1)).mean(), "batch", 255
    net = plain((3, 12, 12)).conv(24, (3, 3), (2, 2), zero=-128).mean().flatten().dense(10)
    yield "global_pool_dense", [], net, "batch", 255

    yield "dense_plain", [], plain((100,)).dense(10), "batch", 255
    yield "dense_straight", [], plain((64,)).dense(40, transposed=False), "batch", 255
    yield "dense_no_bias", [], plain((37,)).dense(5, per_channel=False, bias=False), "batch", 255
    yield "dense_two", [], plain((200,)).dense(64).dense(16), "batch", 255
    yield "dense_uint8", [], plain((50,), kind="uint8").dense(17), "batch", 255
    yield "matmul", [], plain((48,)).dense(24, "QLinearMatMul", transposed=False), "batch", 255
    yield "flatten_dense", [], plain((3, 8, 8)).conv(10, (3, 3), (2, 2)).flatten().dense(12), "batch", 255
    yield "reshape_dense", [], plain((5, 6, 4)).conv(24, (3, 3)).flatten(reshape=True).dense(9), "batch", 255

    net = plain((16, 7, 7)).conv(16, (3, 3), pads=(1, 1, 1, 1), zero=-128)
    mark = net.mark()
    yield "add_residual", [], net.conv(16, (3, 3), pads=(1, 1, 1, 1)).add(mark, -128), "batch", 255
    net = plain((10, 6, 9))
    mark = net.mark()
    net.conv(24, (1, 1))
    left = net.mark()
    yield "add_branches", [], net.back(mark).conv(24, (3, 3), pads=(1, 1, 1, 1)).add(left), "batch", 255
    net = plain((24, 5, 5)).conv(40, (1, 1))
    yield "add_itself", [], net.add(net.mark()), "batch", 255
    net = plain((3, 12, 12)).conv(16, (3, 3), pads=(1, 1, 1, 1), zero=-128).pool("MaxPool", (2, 2), (2, 2))
    for _ in range(2):
        mark = net.mark()
        net.conv(16, (3, 3), pads=(1, 1, 1, 1), zero=-128).conv(16, (3, 3), pads=(1, 1, 1, 1)).add(mark, -128)
    yield "residual_chain", [], net.mean().flatten().dense(10), "batch", 255

    # 336 KiB of weights, more than the largest chip for an FPGA holds; a stream of its own leaves the other cases as they are.
    net = Quantised(rng.spawn(1)[0], (64, 2, 2)).conv(256, (1, 1))
    for _ in range(5):
        net.conv(256, (1, 1))
    yield "conv_beyond_the_pages", ["large"], net, "batch", 255


def depthwise_cases(rng):
    """Networks with a group a channel: (name, tags, builder, batch, greatest input)."""

    def plain(shape, **options):
        return Quantised(rng, shape, **options)

    net = plain((3, 12, 10)).conv(40, (3, 3), (2, 2), (1, 1, 1, 1), zero=-128)
    for outputs in (24, 40):
        net.depthwise((3, 3), (1, 1), (1, 1, 1, 1), zero=-128).conv(outputs, (1, 1), zero=-128)
    yield "depthwise_separable", [], net.mean().flatten().dense(10), "batch", 255
    for name, shape, kernel, window, options in [
        ("strided", (33, 9, 10), (3, 3), ((2, 2), (0, 1, 2, 1)), {}),
        ("dilated", (10, 9, 9), (3, 3), ((1, 1), (2, 2, 2, 2), (2, 2)), {"bias": False}),
        ("5x5", (20, 8, 8), (5, 5), ((1, 1), (2, 2, 2, 2)), {}),
        ("wide", (16, 4, 20), (1, 9), ((1, 1), (0, 4, 0, 4)), {}),
        ("1x1", (48, 5, 5), (1, 1), (), {"per_channel": False}),
        ("deep", (96, 2, 2), (3, 3), ((1, 1), (1, 1, 1, 1)), {}),
    ]:
        net = plain(shape).depthwise(kernel, *window, **options)
        yield f"depthwise_{name}", [], net, "batch", 255
    net = plain((24, 6, 7), kind="uint8").conv(24, (1, 1)).depthwise((3, 3), (1, 1), (1, 1, 1, 1))
    yield "depthwise_uint8", [], net, "batch", 255
    # As for conv_full_weights.
    yield "depthwise_full_weights", [], plain((16, 6, 6)).depthwise((3, 3), full=True), "batch", 126


def float_cases(rng):
    """Networks for the quantiser: (name, tags, builder, quantiser options)."""
    whole = {"per_channel": True}
    net = Floating(rng, (3, 10, 10)).conv(3, 16, 3).relu().conv(16, 24, 3, 2).relu()
    yield (
        "plain",
        [],
        net.emit("GlobalAveragePool", [net.value]).emit("Flatten", [net.value]).dense(24, 10),
        whole,
    )
    net = (
        Floating(rng, (1, 12, 12))
        .conv(1, 10, 5)
        .clip(0, 6)
        .emit("MaxPool", ["t1"], kernel_shape=[2, 2], strides=[2, 2])
    )
    yield "clip", [], net.conv(10, 40, 3).clip(-1, 4), {"per_channel": False}
    net = Floating(rng, (8, 8, 8)).conv(8, 16, 3).relu()
    left = net.value
    net.conv(16, 16, 3)
    yield "residual", [], net.emit("Add", [net.value, left]).relu().conv(16, 5, 1), whole
    net = Floating(rng, (6, 9, 9)).conv(6, 24, 3).relu()
    net.emit("AveragePool", [net.value], kernel_shape=[3, 3], strides=[2, 2], count_include_pad=0)
    yield "average", ["average_pool"], net.conv(24, 8, 1), whole
    net = Floating(rng, (4, 6, 6)).conv(4, 10, 3).relu().emit("Reshape", ["t1", "shape"])
    net.initialisers.append(numpy_helper.from_array(np.array([-1, 360], np.int64), "shape"))
    yield "reshape", [], net.dense(360, 20), whole
    yield "dense", [], Floating(rng, (60,)).dense(60, 48).relu().dense(48, 7), {"per_channel": False}
    yield "matmul", [], Floating(rng, (32,)).matmul(32, 24).relu().matmul(24, 6), whole
    # Streams of their own leave the other cases as they are.
    rows = Floating(rng.spawn(1)[0], (6, 32)).matmul(32, 24).relu().matmul(24, 6)
    yield "matmul_rows", ["rows"], rows, whole
    rows = Floating(rng.spawn(1)[0], (2, 5, 20)).matmul(20, 33)
    yield "matmul_rows_bias", ["rows"], rows.emit("Add", [rows.value, rows.random((33,), 20)]).relu(), whole
    net = Floating(rng, (5, 7, 7)).conv(5, 24, 3).relu().conv(24, 10, 3)
    yield "symmetric", ["relu_kept"], net.relu(), {"per_channel": True, "ActivationSymmetric": True}
    net = Floating(rng, (3, 8, 8)).conv(3, 16, 3, 2).relu().emit("Flatten", ["t1"]).dense(256, 10)
    exclude = {"per_channel": True, "float_tail": True}
    yield "softmax", ["softmax"], net.emit("Softmax", [net.value], axis=1), exclude
    net = Floating(rng.spawn(1)[0], (3, 8, 8)).conv(3, 16, 3, 2).relu().emit("Flatten", ["t1"]).dense(256, 24)
    yield "log_softmax", ["log_softmax"], net.emit("LogSoftmax", [net.value], axis=1), exclude
    # What a transformer's attention multiplies: two tensors that the network computes.
    net = Floating(rng.spawn(1)[0], (6, 32))
    query, key, value = [net.emit("MatMul", ["input", net.random((32, n), 32)]).value for n in (16, 16, 20)]
    turned = net.emit("Transpose", [key], perm=[0, 2, 1]).value
    scores = net.emit("MatMul", [query, turned]).value
    yield "matmul_computed", ["rows"], net.emit("MatMul", [scores, value]), whole


class Samples(CalibrationDataReader):
    """Feeds calibration samples one at a time."""

    def __init__(self, samples):
        self.left = iter(samples)

    def get_next(self):
        sample = next(self.left, None)
        return None if sample is None else {"input": sample[None]}


def quantise(net, options, form, calibration):
    """The network, quantised; its last operator stays float if the options ask for it."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "float.onnx"), Path(folder, "quantised.onnx")
        model = net.model()
        onnx.save(onnx.shape_inference.infer_shapes(model), source)
        quantize_static(
            source,
            target,
            Samples(calibration),
            quant_format=form,
            per_channel=options["per_channel"],
            reduce_range=True,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=[model.graph.node[-1].name] if options.get("float_tail") else [],
            extra_options={
                "ActivationSymmetric": options.get("ActivationSymmetric", False),
                "WeightSymmetric": True,
            },
        )
        return onnx.load(target)


class Dull(Exception):
    """A case whose outputs hardly vary, so that it proves little."""


def describe(value):
    return {"name": value.name, "type": value.type[7:-1], "shape": value.shape}


def write(folder, name, operator, form, tags, model, samples):
    """Write one case with the oracle's answers; returns its entry in the manifest."""
    onnx.save(model, folder / f"{name}.onnx")
    outputs = oracle.run(folder / f"{name}.onnx", samples)
    if len(np.unique(outputs["output"])) < 4:
        raise Dull(f"case {name} is dull: its outputs take fewer than four values")
    np.savez_compressed(folder / f"{name}.npz", x=samples, y=outputs["output"])
    session = oracle.open_session(model)
    return {
        "name": name,
        "operator": operator,
        "form": form,
        "ops": sorted({node.op_type for node in model.graph.node}),
        "tags": tags,
        "input": describe(session.get_inputs()[0]),
        "output": describe(session.get_outputs()[0]) | {"shape": ["batch", *outputs["output"].shape[1:]]},
        "tolerance": max((TOLERANCES.get(tag, 0) for tag in tags), default=0),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=int, default=3, help="inputs of each case (default: %(default)s)")
    args = parser.parse_args()
    args.outdir.mkdir(parents=True, exist_ok=True)
    logging.getLogger().setLevel(logging.ERROR)
    rng = np.random.default_rng(args.seed)
    cases, dull = [], []
    # Of their own, so that the other cases stay what they were.
    depthwise = depthwise_cases(np.random.default_rng([args.seed, 1]))
    for name, tags, net, batch, highest in [*direct_cases(rng), *depthwise]:
        model = net.model(batch)
        onnx.checker.check_model(model)
        operator = OPERATORS[name.split("_")[0]]
        cases.append(write(args.outdir, name, operator, "qop", tags, model, net.samples(args.samples, highest)))
    operators = operator_cases(np.random.default_rng([args.seed, 2]))
    real = real_cases(np.random.default_rng([args.seed, 3]))
    places = place_cases(np.random.default_rng([args.seed, 4]))
    sums = sum_cases(np.random.default_rng([args.seed, 6]))
    linear = linear_cases(np.random.default_rng([args.seed, 5]))
    corners = corner_cases(np.random.default_rng([args.seed, 7]))
    for name, operator, net in [*operators, *real, *places, *linear, *sums, *corners]:
        model = net.model(net.batch)
        onnx.checker.check_model(model)
        # Half the range of inputs, so that the oracle cannot saturate.
        samples = net.samples(args.samples, 255 if net.kind == "int8" else 126)
        try:
            cases.append(write(args.outdir, name, operator, name[:3], [], model, samples))
        except Dull as error:
            # Some boxes hold a few values only; nine in ten must hold more.
            dull.append(str(error))
    if 10 * len(dull) > len(cases):
        raise AssertionError(f"{len(dull)} cases are dull, the first: {dull[0]}")
    for name, tags, net, options in float_cases(rng):
        calibration = rng.normal(0, 1, (16, *net.source_shape)).astype(np.float32)
        samples = rng.normal(0, 1, (args.samples, *net.source_shape)).astype(np.float32)
        samples[rng.random(samples.shape) < 0.5] = 0
        for form, kind in [("qop", QuantFormat.QOperator), ("qdq", QuantFormat.QDQ)]:
            model = quantise(net, options, kind, calibration)
            cases.append(write(args.outdir, f"{form}_{name}", "quantize_static", form, tags, model, samples))
    manifest = {"seed": args.seed, "onnxruntime": ort.__version__, "cases": cases}
    (args.outdir / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    print(f"{len(cases)} cases in {args.outdir}, seed {args.seed}; {len(dull)} dull ones left out")


if __name__ == "__main__":
    main()
