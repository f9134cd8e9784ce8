#!/usr/bin/env python3
"""Write the int8 networks of TensorFlow Lite Micro that the crate microflow ships, and the reference kernels' answers.

    scripts/make_public_networks.py OUTDIR [--seed S] [--frames N]

OUTDIR gets, for each network, NAME.tflite as it was published and NAME.npz (`x0`, one frame a row, and `y0`), and manifest.json as
scripts/make_tflite.py writes it:

    sine            three dense layers
    speech          "yes" and "no": a convolution of 8 filters over a second of sound, a dense layer, softmax
    person_detect   MobileNetV1 0.25 on grey 96x96 pixels, 7.2 M multiply-accumulates

Because their answers are a few classes, each is also written as NAME_AT.tflite, which gives the output of the layer at place AT
instead. The sound is that of scripts/make_wake_words.py behind the same front end; the pictures are smooth shapes before noise. The crate comes
from the registry by way of cargo. Run it with .tools/venv-tflite/bin/python.
"""

import argparse
import hashlib
import json
import subprocess
from importlib.metadata import version
from pathlib import Path
from struct import pack_into

import numpy as np
import tflite

import make_wake_words
import oracle_tflite

CRATE = "microflow"
VERSION = "0.1.3"
SHA256 = {
    "sine": "780cc6ff8ecec39193e3f32a877af73385c9d6abc39f47d0e846a22d808f65df",
    "speech": "09e5e2a9dfb2d8ed78802bf18ce297bff54281a66ca18e0c23d69ca14f822a83",
    "person_detect": "808cfdfc0cf3a6fa6f6fa26bfa379ea97c16d5db7334637766e39c3408502e9d",
}
# Copies of each network that end at a layer inside.
CUTS = 5
# Steps of 20 ms that the speech network looks at.
STEPS = 49


def crate_folder(scratch):
    """Where cargo keeps the sources of the crate."""
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / "lib.rs").touch()
    (scratch / "Cargo.toml").write_text(
        '[package]\nname = "public-networks"\nversion = "0.0.0"\nedition = "2021"\n[lib]\npath = "lib.rs"\n'
        f'[dependencies]\n{CRATE} = "={VERSION}"\n[workspace]\n'
    )
    told = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--manifest-path", scratch / "Cargo.toml"],
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    return next(Path(p["manifest_path"]).parent for p in json.loads(told)["packages"] if p["name"] == CRATE)


def for_the_runtime(content):
    """A copy whose quantised tensors of one axis say so.

    The file of person_detect gives its biases the axis of the weights, 3, which no kernel reads and tflite-runtime 2.14 refuses.
    """
    copy = bytearray(content)
    graph = tflite.Model.GetRootAs(content).Subgraphs(0)
    for at in range(graph.TensorsLength()):
        tensor = graph.Tensors(at)
        quantization = tensor.Quantization()
        if quantization and tensor.ShapeLength() <= quantization.QuantizedDimension():
            # The last field of the table in schema 3.
            place = quantization._tab.Pos + quantization._tab.Offset(16)
            pack_into("<i", copy, place, 0)
    return bytes(copy)


def sounds(rng, frames):
    """Features of `frames` seconds of sound, one a row."""
    rows = make_wake_words.features(make_wake_words.audio(rng, frames + 1))
    starts = np.linspace(0, len(rows) - STEPS, frames).astype(int)
    return np.stack([rows[start : start + STEPS] for start in starts])


def pictures(rng, frames, size):
    """Grey pictures from 0 to 1: a few soft ellipses and stripes, and noise."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    result = []
    for _ in range(frames):
        picture = rng.uniform(0.2, 0.8) + 0.3 * rng.uniform(-1, 1) * np.sin(rng.uniform(1, 9) * x + rng.uniform(1, 9) * y)
        for _ in range(rng.integers(2, 6)):
            (cx, cy), (rx, ry) = rng.uniform(-0.8, 0.8, 2), rng.uniform(0.1, 0.7, 2)
            soft = 1 / (1 + np.exp(np.clip(12 * (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 - 1), -50, 50)))
            picture = (1 - soft) * picture + soft * rng.uniform()
        result.append(np.clip(picture + rng.normal(0, rng.uniform(0, 0.08), picture.shape), 0, 1))
    return np.stack(result)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=4)
    args = parser.parse_args()
    args.outdir.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(args.seed)
    models = crate_folder(args.outdir / "crate") / "models"
    inputs = {
        "sine": rng.uniform(0, 2 * np.pi, (args.frames, 1)),
        "speech": sounds(rng, args.frames),
        "person_detect": pictures(rng, args.frames, 96),
    }
    cases = []
    for name, real in inputs.items():
        content = (models / f"{name}.tflite").read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != SHA256[name]:
            raise SystemExit(f"{name}.tflite has SHA-256 {found}, not {SHA256[name]}")
        source = oracle_tflite.open_model(for_the_runtime(content)).get_input_details()[0]
        x = make_wake_words.quantised(real, source).reshape(-1, *source["shape"])
        cases += make_wake_words.write_cases(
            args.outdir, name, content, x, CUTS, "PUBLIC_NETWORK", for_the_runtime
        )
    manifest = {"seed": args.seed, "tflite_runtime": version("tflite-runtime"), "cases": cases}
    (args.outdir / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
