#!/usr/bin/env python3
"""Run a TensorFlow Lite model in the pinned runtime's reference kernels and keep its outputs: the oracle for rule A.

    scripts/oracle_tflite.py MODEL --input FILE --output FILE.npz [--limit N]

FILE is .npy or .npz (its array `x`, or `x0`, `x1` and so on for several inputs, or the only one), one frame a row. The
result holds the inputs as they were given and the model's outputs as y0, y1 and so on. What a model keeps from one frame to the
next starts afresh once, before the first frame.

Run it with .tools/venv-tflite/bin/python: the runtime is tflite-runtime 2.14.0, with BUILTIN_REF, the kernels that every other
implementation of rule A is compared with. The default kernels round otherwise.
"""

import argparse
import os
import sys

import numpy as np
from tflite_runtime.interpreter import Interpreter, OpResolverType


def open_model(content):
    """An interpreter for a model file's bytes, on one thread, without delegates."""
    interpreter = Interpreter(
        model_content=content,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    return interpreter


def run(content, inputs):
    """The outputs, a list of arrays with one frame a row, for a list of such inputs."""
    interpreter = open_model(content)
    sources, results = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != len(sources):
        raise ValueError(f"{len(inputs)} inputs are given, but the model has {len(sources)}")
    rows = []
    for frame in range(len(inputs[0])):
        for source, values in zip(sources, inputs):
            value = np.ascontiguousarray(values[frame], source["dtype"]).reshape(source["shape"])
            interpreter.set_tensor(source["index"], value)
        interpreter.invoke()
        rows.append([interpreter.get_tensor(result["index"]).copy() for result in results])
    return [np.stack(column) for column in zip(*rows)]


def load(path):
    """The inputs that a file holds."""
    if path.endswith(".npy"):
        return [np.load(path)]
    with np.load(path) as arrays:
        if "x" in arrays:
            return [arrays["x"]]
        numbered = [arrays[name] for name in sorted(arrays.files) if name[0] == "x" and name[1:].isdigit()]
        if numbered or len(arrays.files) != 1:
            return numbered
        return [arrays[arrays.files[0]]]


def save(path, arrays):
    """Writes an archive beside its place and renames it, so that a reader never sees half a file."""
    partial = f"{path}.partial"
    with open(partial, "wb") as file:
        np.savez_compressed(file, **arrays)
    os.replace(partial, path)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--input", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--limit", type=int, help="use only the first LIMIT frames")
    args = parser.parse_args()
    inputs = [values[: args.limit] for values in load(args.input)]
    with open(args.model, "rb") as file:
        outputs = run(file.read(), inputs)
    names = ["x"] if len(inputs) == 1 else [f"x{at}" for at in range(len(inputs))]
    save(args.output, {**dict(zip(names, inputs)), **{f"y{at}": y for at, y in enumerate(outputs)}})


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, ValueError) as error:
        print(f"oracle_tflite: error: {error}", file=sys.stderr)
        sys.exit(1)
