#!/usr/bin/env python3
"""Write trained networks that ONNX Runtime's own quantiser has quantised, inputs for them and its answers: cases for the tests.

    scripts/make_quantised.py OUTDIR [--samples N]

The networks are a perceptron that scikit-learn trains on its 8x8 digits (as its weights say, and node by node as converters write it), the
committed digit classifier with its weights dequantised, and a network of branches with random weights. `quantize_static` quantises each in
operator-oriented and in QDQ form with several choices of types. OUTDIR is as scripts/make_models.py leaves it.
"""

import argparse
import json
import logging
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

from make_models import Samples, write
from model_builders import Floating

DIGITS = Path(__file__).resolve().parent.parent / "host/cli/assets/digits"
# Name, activation type, weight type, quantiser options. Weights keep to 7 bits: see the digits' README.
CHOICES = [
    ("int8", QuantType.QInt8, QuantType.QInt8, {"per_channel": True}),
    ("mixed", QuantType.QUInt8, QuantType.QInt8, {"per_channel": False}),
    ("uint8", QuantType.QUInt8, QuantType.QUInt8, {"per_channel": False, "extra_options": {"WeightSymmetric": False}}),
    ("symmetric", QuantType.QInt8, QuantType.QInt8, {"per_channel": True, "extra_options": {"ActivationSymmetric": True}}),
]  # fmt: skip


def perceptrons():
    """scikit-learn's perceptron: as Gemm, and as MatMul, Add and Softmax; with its images."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    trained = MLPClassifier((48, 32), random_state=1, max_iter=60, early_stopping=True)
    with warnings.catch_warnings():
        # It need not converge.
        warnings.simplefilter("ignore")
        trained.fit(images[:1200], labels[:1200])
    if (score := trained.score(images[1200:], labels[1200:])) < 0.85:
        raise AssertionError(f"the perceptron has learnt too little: {score:.2f} right")
    compact, spelt = Floating(None, (64,)), Floating(None, (64,))
    layers = list(zip(trained.coefs_, trained.intercepts_))
    for at, (weights, bias) in enumerate(layers):
        weights, bias = weights.astype(np.float32), bias.astype(np.float32)
        compact.emit("Gemm", [compact.value, compact.constant(weights), compact.constant(bias)])
        spelt.emit("MatMul", [spelt.value, spelt.constant(weights)])
        spelt.emit("Add", [spelt.value, spelt.constant(bias)])
        if at + 1 < len(layers):
            compact.relu()
            spelt.relu()
    spelt.emit("Softmax", [spelt.value], axis=-1)
    return [("perceptron", compact.model()), ("spelt", spelt.model())], images


def classifier():
    """The committed classifier as the float network that its weights describe, and its images."""
    source = onnx.load(DIGITS / "digits_qdq.onnx")
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in source.graph.initializer}
    net, names = Floating(None, (1, 28, 28)), {source.graph.input[0].name: "input"}
    feeding = {}
    for node in source.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in constants:
            values, scale = constants[node.input[0]], constants[node.input[1]]
            # Channels come first in weights and biases alike.
            scale = scale.reshape(-1, *[1] * (values.ndim - 1)) if scale.ndim else scale
            names[node.output[0]] = net.constant((values * scale).astype(np.float32))
        elif node.op_type == "DequantizeLinear":
            names[node.output[0]] = names[node.input[0]]
        elif node.op_type == "QuantizeLinear":
            # The quantiser took a rectifier into the zero point of what it rectified.
            if feeding.get(node.input[0]) in ("Conv", "Add") and constants[node.input[2]] == -128:
                net.emit("Relu", [names[node.input[0]]])
                names[node.input[0]] = net.value
            names[node.output[0]] = names[node.input[0]]
        else:
            attributes = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
            net.emit(node.op_type, [names[name] for name in node.input], **attributes)
            names[node.output[0]] = net.value
            feeding[node.output[0]] = node.op_type
    images = np.load(DIGITS / "digits_test.npz")["images"].astype(np.float32)[:, None]
    return [("classifier", net.model())], images


def branches(rng):
    """What larger networks are made of: branches that join, a gate a channel, upsampling, pieces; and noise for it."""
    net = Floating(rng, (3, 16, 16)).conv(3, 12, 3, 2).relu()
    trunk = net.value
    net.conv(12, 12, 1).emit("Sigmoid", [net.value]).emit("Mul", [net.value, trunk])
    gated = net.value
    net.emit("GlobalAveragePool", [gated]).conv(12, 12, 1).emit("Sigmoid", [net.value]).emit("Mul", [gated, net.value])
    excited = net.value
    net.emit("MaxPool", [trunk], kernel_shape=[2, 2], strides=[2, 2])
    scales = net.constant(np.array([1, 1, 2, 2], np.float32))
    upsampling = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    net.emit("Resize", [net.value, "", scales], **upsampling)
    net.emit("Concat", [net.value, excited, trunk], axis=1)
    net.emit("Pad", [net.value, net.constant(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))])
    net.emit("LeakyRelu", [net.conv(36, 20, 3).value], alpha=0.1)
    net.emit("Transpose", [net.value], perm=[0, 2, 3, 1]).emit("Reshape", [net.value, net.constant(np.array([0, -1]))])
    net.dense(10 * 10 * 20, 10)
    return [("branches", net.model())], rng.normal(0, 1, (160, 3, 16, 16)).astype(np.float32)


def quantised(model, form, choice, calibration):
    """The network in one form and choice of types."""
    _, activations, weights, options = choice
    with tempfile.TemporaryDirectory() as folder:
        source, ready, target = (Path(folder, f"{name}.onnx") for name in ("float", "ready", "quantised"))
        onnx.save(model, source)
        quant_pre_process(source, ready, skip_optimization=True, skip_symbolic_shape=True)
        quantize_static(
            ready,
            target,
            Samples(calibration),
            quant_format=form,
            reduce_range=True,
            activation_type=activations,
            weight_type=weights,
            **options,
        )
        return onnx.load(target)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--samples", type=int, default=100, help="inputs of each network (default: %(default)s)")
    args = parser.parse_args()
    args.outdir.mkdir(parents=True, exist_ok=True)
    logging.getLogger().setLevel(logging.ERROR)
    cases = []
    for networks, images in (perceptrons(), classifier(), branches(np.random.default_rng(1))):
        for name, model in networks:
            for choice in CHOICES:
                for form, kind in (("qop", QuantFormat.QOperator), ("qdq", QuantFormat.QDQ)):
                    result = quantised(model, kind, choice, images[:48])
                    samples = images[-args.samples :]
                    title = f"{name}_{choice[0]}_{form}"
                    cases.append(write(args.outdir, title, f"quantised {name}", form, [], result, samples))
    manifest = {"seed": 1, "onnxruntime": ort.__version__, "cases": cases}
    (args.outdir / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    print(f"{len(cases)} cases in {args.outdir}")


if __name__ == "__main__":
    main()
