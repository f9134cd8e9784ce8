#!/usr/bin/env python3
"""Write networks that others published in crates of the Rust registry, and the reference kernels' answers.

    scripts/make_public_networks.py OUTDIR [--seed S] [--frames N]

OUTDIR gets, for each network, NAME.tflite as it was published and NAME.npz (`x0`, one frame a row, and `y0`), and manifest.json as
scripts/make_tflite.py writes it. int8 networks of TensorFlow Lite Micro:

    sine               three dense layers
    speech             "yes" and "no": a convolution of 8 filters over a second of sound, a dense layer, softmax
    person_detect      MobileNetV1 0.25 on grey 96x96 pixels, 7.2 M multiply-accumulates
    sine_of_reals      three dense layers between real values

and networks as they were quantised before, uint8 with one scale and zero point a tensor, so that some weights have 9 bits:

    speech_uint8, person_detect_uint8    their predecessors
    digits_v1_uint8, digits_v2_uint8     handwritten digits by the blocks of MobileNetV1 and V2

Because their answers are a few classes, each is also written as NAME_AT.tflite, which gives the output of the layer at place AT
instead. The sound is that of scripts/make_wake_words.py behind the same front end; the pictures are smooth shapes before noise. The
crates come from the registry by way of cargo. Run it with .tools/venv-tflite/bin/python.
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

CRATES = {"microflow": "0.1.3", "tfmicro": "0.1.0", "tflite": "0.9.8"}
# Crate, file in it, SHA-256 of the file.
NETWORKS = {
    "sine": (
        "microflow",
        "models/sine.tflite",
        "780cc6ff8ecec39193e3f32a877af73385c9d6abc39f47d0e846a22d808f65df",
    ),
    "speech": (
        "microflow",
        "models/speech.tflite",
        "09e5e2a9dfb2d8ed78802bf18ce297bff54281a66ca18e0c23d69ca14f822a83",
    ),
    "person_detect": (
        "microflow",
        "models/person_detect.tflite",
        "808cfdfc0cf3a6fa6f6fa26bfa379ea97c16d5db7334637766e39c3408502e9d",
    ),
    "sine_of_reals": (
        "tfmicro",
        "examples/models/hello_world.tflite",
        "06a6f319488fb9a7e67ca24af572693a07d9bb175936e3a8134d7c1417cadb07",
    ),
    "speech_uint8": (
        "tfmicro",
        "examples/models/micro_speech.tflite",
        "454779dcfea05290759256178162fa86eb17642e7c9cac0de8ea78e1693cee00",
    ),
    "person_detect_uint8": (
        "tfmicro",
        "examples/models/person_detection_grayscale.tflite",
        "a28acd87062ec79332e693261b4bc2d7ea8f5894ccd1835c703ebbf2dd5b7ab4",
    ),
    "digits_v1_uint8": (
        "tflite",
        "data/MNISTnet_uint8_quant.tflite",
        "dbb034d92fbc122aee930739c35d6710c35cae224e00b51ebbd48df97a293d91",
    ),
    "digits_v2_uint8": (
        "tflite",
        "data/MNISTnet_v2_uint8_quant.tflite",
        "2213904dae3a355d4a96453048d51e7144ebcfad03770c05bde6219fe4b60a1b",
    ),
}
# Copies of each network that end at a layer inside.
CUTS = 5
# Steps of 20 ms that the speech network looks at.
STEPS = 49


def crate_folder(scratch, crate):
    """Where cargo keeps the sources of a crate. Each has a manifest of its own, for not all can be linked together."""
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / "lib.rs").touch()
    (scratch / "Cargo.toml").write_text(
        '[package]\nname = "public-networks"\nversion = "0.0.0"\nedition = "2021"\n[lib]\npath = "lib.rs"\n'
        f'[dependencies]\n{crate} = "={CRATES[crate]}"\n[workspace]\n'
    )
    # Of one platform, so that what the crate would be built with elsewhere is not fetched.
    told = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"],
        check=True,
        cwd=scratch,
        stdout=subprocess.PIPE,
    ).stdout
    return next(Path(p["manifest_path"]).parent for p in json.loads(told)["packages"] if p["name"] == crate)


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
    folders = {crate: crate_folder(args.outdir / "crates" / crate, crate) for crate in CRATES}
    angles, sound = rng.uniform(0, 2 * np.pi, (args.frames, 1)), sounds(rng, args.frames)
    people, digits = pictures(rng, args.frames, 96), pictures(rng, args.frames, 28)
    inputs = {
        "sine": angles,
        "speech": sound,
        "person_detect": people,
        "sine_of_reals": angles,
        "speech_uint8": sound,
        "person_detect_uint8": 2 * people - 1,
        "digits_v1_uint8": 2 * digits - 1,
        "digits_v2_uint8": 2 * digits - 1,
    }
    cases = []
    for name, real in inputs.items():
        crate, path, wanted = NETWORKS[name]
        content = (folders[crate] / path).read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != wanted:
            raise SystemExit(f"{path} of {crate} has SHA-256 {found}, not {wanted}")
        source = oracle_tflite.open_model(for_the_runtime(content)).get_input_details()[0]
        x = real.astype(np.float32) if source["dtype"] == np.float32 else make_wake_words.quantised(real, source)
        x = x.reshape(-1, *source["shape"])
        cases += make_wake_words.write_cases(
            args.outdir, name, content, x, CUTS, "PUBLIC_NETWORK", for_the_runtime
        )
    manifest = {"seed": args.seed, "tflite_runtime": version("tflite-runtime"), "cases": cases}
    (args.outdir / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
