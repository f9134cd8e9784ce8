#!/usr/bin/env python3
"""Run an ONNX model in the pinned ONNX Runtime and keep its outputs: the oracle for the chip.

    scripts/oracle.py MODEL --input FILE --output FILE.npz [--limit N] [--nodes] [--level LEVEL]

FILE is .npy, .npz (its array `images` or `x`, or the only one) or IDX; samples are cast to the model's
input type and reshaped to its sample shape. The result holds the model's outputs as y0, y1 and so on, samples
first, and with --nodes every tensor inside under its own name.

QOperator models give the same answer at every optimisation level. QDQ models do not: at `none` and `basic`
each DequantizeLinear, float operator and QuantizeLinear is computed as written; at `extended` and `all`, the
default, they are fused into integer operators, int8 ones included, and then equal the same network in
QOperator form. With --nodes the tensors in between must stay visible, so less is fused.
"""

import argparse
import gzip
import os
import sys

import numpy as np
import onnx
import onnxruntime as ort

LEVELS = {
    "none": ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
    "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
}
TYPES = {"tensor(float)": np.float32, "tensor(int8)": np.int8, "tensor(uint8)": np.uint8}
IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def with_nodes(model):
    """The model with every tensor inside as an output, of whatever type it has."""
    known = {output.name for output in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in known:
                model.graph.output.append(onnx.ValueInfoProto(name=name))
    return model


def open_session(model, level="all"):
    """A session on one thread of the CPU."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.graph_optimization_level = LEVELS[level]
    # On x86, ONNX Runtime leaves int8 activations in float unless told otherwise.
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(path, samples, level="all", nodes=False, batch=50):
    """Outputs by name for samples in any layout that holds the model's sample shape."""
    model = onnx.load(path)
    session = open_session(with_nodes(model) if nodes else model, level)
    source = session.get_inputs()[0]
    if source.type not in TYPES:
        raise ValueError(f"input {source.name} is {source.type}: float, int8 and uint8 are supported")
    if isinstance(source.shape[0], int):
        batch = source.shape[0]
    shape = [size if isinstance(size, int) else -1 for size in source.shape[1:]]
    fixed = int(np.prod([size for size in shape if size > 0]))
    if not samples.size or samples[0].size % fixed:
        raise ValueError(f"samples have shape {samples.shape[1:]}: the model takes {source.shape[1:]}")
    samples = np.ascontiguousarray(samples, TYPES[source.type]).reshape(len(samples), *shape)
    if len(samples) % batch and isinstance(source.shape[0], int):
        raise ValueError(f"{len(samples)} samples do not fill batches of {batch}, which the model asks for")
    names = [output.name for output in session.get_outputs()]
    parts = [
        session.run(names, {source.name: samples[at : at + batch]}) for at in range(0, len(samples), batch)
    ]
    return {name: np.concatenate(values) for name, values in zip(names, zip(*parts))}


def load(path):
    """The samples of an .npy, .npz or IDX file."""
    if path.endswith(".npy"):
        return np.load(path)
    if path.endswith(".npz"):
        with np.load(path) as arrays:
            for name in ("images", "x"):
                if name in arrays:
                    return arrays[name]
            if len(arrays.files) != 1:
                raise ValueError(f"{path} holds {', '.join(arrays.files)}: name one of them images or x")
            return arrays[arrays.files[0]]
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        data = file.read()
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in IDX_TYPES:
        raise ValueError(f"{path} is neither .npy, .npz nor IDX")
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, 4)
    return np.frombuffer(data, IDX_TYPES[data[2]], int(np.prod(shape)), 4 + 4 * rank).reshape(shape)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--input", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--limit", type=int, help="use only the first LIMIT samples")
    parser.add_argument("--nodes", action="store_true", help="keep every tensor inside the model as well")
    parser.add_argument(
        "--level", choices=LEVELS, default="all", help="graph optimisation (default: %(default)s)"
    )
    args = parser.parse_args()
    outputs = run(args.model, load(args.input)[: args.limit], args.level, args.nodes)
    names = [output.name for output in onnx.load(args.model).graph.output]
    results = {f"y{at}": outputs.pop(name) for at, name in enumerate(names)}
    # Written beside and renamed, so that a reader never sees half a file.
    partial = f"{args.output}.partial"
    with open(partial, "wb") as file:
        np.savez_compressed(file, **{**outputs, **results})
    os.replace(partial, args.output)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # what ONNX Runtime raises has no class in common
        print(f"oracle: error: {error}", file=sys.stderr)
        sys.exit(1)
