#!/usr/bin/env python3
"""Write the streaming wake-word networks of pymicro-wakeword, features of synthetic audio and the reference kernels' answers.

    scripts/make_wake_words.py OUTDIR [--seed S] [--seconds N]

OUTDIR gets NAME.tflite and NAME.npz (`x0`, one step of the network a row, in order, and `y0`) for each network, and manifest.json as
scripts/make_tflite.py writes it. Because a network mostly answers that it heard nothing, each is also written as NAME_AT.tflite, which
differs in its output alone: a tensor inside, that of the layer at place AT. The audio holds noise, sweeps and bursts at changing loudness; pymicro-features turns it into what the
networks were trained on. Run it with .tools/venv-tflite/bin/python.
"""

import argparse
import json
import struct
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import tflite
from pymicro_features import MicroFrontend

import oracle_tflite

RATE = 16_000
# 10 ms, the front end's step.
CHUNK = RATE // 100


def audio(rng, seconds):
    """16-bit samples: a new sound every fifth of a second."""
    sounds = []
    time = np.arange(RATE // 5) / RATE
    for _ in range(5 * seconds):
        loud = 10 ** rng.uniform(0, 4.3)
        low, high = rng.uniform(80, 6000, 2)
        sweep = np.sin(2 * np.pi * (low + (high - low) * time * 2.5) * time)
        envelope = np.exp(-rng.uniform(0, 30) * time)
        sounds.append(loud * (rng.uniform() * sweep * envelope + rng.uniform() * rng.normal(0, 0.3, len(time))))
    return np.clip(np.concatenate(sounds), -32768, 32767).astype(np.int16)


def features(samples):
    """The front end's output, one row of 40 reals a step."""
    frontend, rows, rest = MicroFrontend(), [], samples.tobytes()
    while len(rest) >= 2 * CHUNK:
        result = frontend.process_samples(rest[: 2 * CHUNK])
        rest = rest[2 * result.samples_read :]
        if result.features:
            rows.append(result.features)
    return np.array(rows, np.float32)


def cut_short(content, count):
    """Copies of a model that return the output of a layer inside instead: (place of the layer, file)."""
    graph = tflite.Model.GetRootAs(content).Subgraphs(0)
    layers = [at for at in range(graph.OperatorsLength()) if graph.Operators(at).InputsLength() == 3]
    # Where the file keeps the first (and only) output.
    place = graph._tab.Vector(graph._tab.Offset(8))
    for at in layers[:: -(-len(layers) // count)]:
        copy = bytearray(content)
        struct.pack_into("<i", copy, place, graph.Operators(at).Outputs(0))
        yield at, bytes(copy)


def quantised(real, source):
    """Reals as a network's input, as the runtime tells of it, takes them."""
    scale, zero = source["quantization"]
    limits = np.iinfo(source["dtype"])
    return np.clip(np.round(real / scale + zero), limits.min, limits.max).astype(source["dtype"])


def write_cases(outdir, name, content, x, cuts, operator, for_the_runtime=bytes):
    """Write a network and copies that end inside, with the answers to `x`; gives their lines of the manifest."""
    cases = []
    copies = {name: content} | {f"{name}_{at}": copy for at, copy in cut_short(content, cuts)}
    for case, copy in copies.items():
        y = oracle_tflite.run(for_the_runtime(copy), [x])[0]
        (outdir / f"{case}.tflite").write_bytes(copy)
        oracle_tflite.save(str(outdir / f"{case}.npz"), {"x0": x, "y0": y})
        cases.append({"name": case, "operator": operator})
        print(f"{case}: {len(x)} steps, {len(np.unique(x))} values in, {len(np.unique(y))} values out")
    return cases


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=10)
    args = parser.parse_args()
    args.outdir.mkdir(parents=True, exist_ok=True)
    rows = features(audio(np.random.default_rng(args.seed), args.seconds))
    models = Path(find_spec("pymicro_wakeword").origin).parent / "models"
    cases = []
    for path in sorted(models.glob("*.tflite")):
        content = path.read_bytes()
        source = oracle_tflite.open_model(content).get_input_details()[0]
        steps = rows[: len(rows) // source["shape"][1] * source["shape"][1]].reshape(-1, *source["shape"])
        cases += write_cases(args.outdir, path.stem, content, quantised(steps, source), 4, "WAKE_WORD")
    manifest = {"seed": args.seed, "tflite_runtime": version("tflite-runtime"), "cases": cases}
    (args.outdir / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
