#!/usr/bin/env python3
"""Turn the node cases that come with the pinned `onnx` package into models and vectors for the importer's tests.

    scripts/onnx_nodes.py OUTDIR

Takes every case of one operator that moves elements, is quantised or finds places (OPERATORS). Inputs that are parameters (shapes, axes, indices,
scales, zero points, weights) become initialisers; int32 values that are only moved become float, which holds them exactly. OUTDIR gets NAME.onnx and NAME.npz (arrays `x0`, `x1` and so on, the inputs that are
left, and `y0` and so on, the outputs) for each case, and manifest.json:

    {"onnx": "1.22.0", "cases": [{"name", "operator", "unreadable"}]}

`unreadable` says why a case has no vectors: a type that is no plain array of numbers, or answers that no runtime gives.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

MOVEMENT = [
    "Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "Identity", "Pad", "Reshape", "Resize", "Slice", "SpaceToDepth", "Split",
    "Squeeze", "Tile", "Transpose", "Unsqueeze",
]  # fmt: skip
QUANTISED = ["DequantizeLinear", "QLinearConv", "QLinearMatMul", "QuantizeLinear"]
PLACES = ["ArgMax", "ArgMin"]
OPERATORS = {*MOVEMENT, *QUANTISED, *PLACES}
PLAIN = {np.dtype(name) for name in ("float32", "int8", "uint8")}


def tensors(folder, kind):
    """The values of a case's files, in order."""
    files = sorted(folder.glob(f"{kind}_*.pb"), key=lambda path: int(path.stem.split("_")[1]))
    return [onnx.TensorProto.FromString(path.read_bytes()) for path in files]


def fold(model, inputs):
    """Makes initialisers of all inputs that are parameters; returns the others."""
    node = model.graph.node[0]
    # Concatenation reads values only; every other operator reads one value first, and parameters.
    values = set(node.input) if node.op_type == "Concat" else {node.input[0]}
    kept, left = [], []
    for declared, tensor in zip(list(model.graph.input), inputs):
        if declared.name in values:
            kept.append(declared)
            left.append(numpy_helper.to_array(tensor))
        else:
            tensor.name = declared.name
            model.graph.initializer.append(tensor)
    del model.graph.input[:]
    model.graph.input.extend(kept)
    return left


def as_float(model, arrays):
    """Turns the moved integers of a case into floats of the same value."""
    for declared in [*model.graph.input, *model.graph.output]:
        declared.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    return {name: value.astype(np.float32) for name, value in arrays.items()}


def write(folder, outdir):
    """Write one case; returns its entry in the manifest, or None if it is not about one of the operators."""
    model = onnx.load(folder / "model.onnx")
    if len(model.graph.node) != 1 or model.graph.node[0].op_type not in OPERATORS:
        return None
    entry = {"name": folder.name.removeprefix("test_"), "operator": model.graph.node[0].op_type, "unreadable": ""}
    declared = [*model.graph.input, *model.graph.output]
    if not all(value.type.HasField("tensor_type") for value in declared):
        entry["unreadable"] = "it reads or writes something other than tensors"
        return entry
    if any(attribute.name == "mode" and attribute.s == b"linear" for attribute in model.graph.node[0].attribute):
        entry["unreadable"] = "its answers were interpolated in double precision, as no runtime does"
        return entry
    data = folder / "test_data_set_0"
    arrays = {f"x{at}": value for at, value in enumerate(fold(model, tensors(data, "input")))}
    outputs = [numpy_helper.to_array(tensor) for tensor in tensors(data, "output")]
    arrays |= {f"y{at}": value for at, value in enumerate(outputs)}
    if entry["operator"] in MOVEMENT and all(value.dtype == np.int32 for value in arrays.values()):
        arrays = as_float(model, arrays)
    wide = {np.dtype(np.int64)} if entry["operator"] in PLACES else set()
    odd = sorted({str(value.dtype) for value in arrays.values() if value.dtype not in PLAIN | wide})
    if odd:
        entry["unreadable"] = f"its values are {', '.join(odd)}"
        return entry
    onnx.save(model, outdir / f"{entry['name']}.onnx")
    np.savez_compressed(outdir / f"{entry['name']}.npz", **arrays)
    return entry


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outdir", type=Path)
    args = parser.parse_args()
    args.outdir.mkdir(parents=True, exist_ok=True)
    folders = sorted((Path(onnx.__file__).parent / "backend/test/data/node").iterdir())
    cases = [entry for folder in folders if (entry := write(folder, args.outdir))]
    if not cases:
        raise SystemExit("onnx_nodes: error: the onnx package ships no node cases: install the pinned version")
    (args.outdir / "manifest.json").write_text(
        json.dumps({"onnx": onnx.__version__, "cases": cases}, indent=1) + "\n"
    )
    print(f"{len(cases)} cases in {args.outdir}")


if __name__ == "__main__":
    main()
