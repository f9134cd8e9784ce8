#!/usr/bin/env python3
"""Write TensorFlow Lite networks of the shapes that small devices run, inputs for them and the reference kernels' answers: for tests and benches.

    scripts/make_tflite_networks.py OUTDIR [--seed S] [--frames N]

OUTDIR gets NAME.tflite, NAME.npz and manifest.json, as scripts/make_tflite.py writes them. Run it with .tools/venv-tflite/bin/python.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

import oracle_tflite
from tflite_networks import NETWORKS


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=2)
    args = parser.parse_args()
    args.outdir.mkdir(parents=True, exist_ok=True)
    cases = []
    for at, network in enumerate(NETWORKS):
        net, inputs = network(np.random.default_rng([args.seed, at]), args.frames)
        content = net.bytes()
        (args.outdir / f"{network.__name__}.tflite").write_bytes(content)
        outputs = oracle_tflite.run(content, inputs)
        arrays = {f"x{i}": x for i, x in enumerate(inputs)} | {f"y{i}": y for i, y in enumerate(outputs)}
        oracle_tflite.save(str(args.outdir / f"{network.__name__}.npz"), arrays)
        cases.append({"name": network.__name__, "operator": "NETWORK"})
        print(f"{network.__name__}: {len(content)} bytes, output takes {len(np.unique(outputs[0]))} values")
    manifest = {"seed": args.seed, "tflite_runtime": version("tflite-runtime"), "cases": cases}
    (args.outdir / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
