#!/usr/bin/env python3
"""Write networks that others published in the registries of Rust and Python, and the reference kernels' answers.

    scripts/make_public_networks.py OUTDIR [--seed S] [--frames N]

OUTDIR gets, for each network, NAME.tflite as it was published and NAME.npz (`x0`, one frame a row, and `y0`), and manifest.json as
scripts/make_tflite.py writes it. int8 networks of TensorFlow Lite Micro:

    sine               three dense layers
    speech             "yes" and "no": a convolution of 8 filters over a second of sound, a dense layer, softmax
    person_detect      MobileNetV1 0.25 on grey 96x96 pixels, 7.2 M multiply-accumulates
    sine_of_reals      three dense layers between real values

networks as they were quantised before, uint8 with one scale and zero point a tensor, so that some weights have 9 bits:

    speech_uint8, person_detect_uint8    their predecessors
    digits_v1_uint8, digits_v2_uint8     handwritten digits by the blocks of MobileNetV1 and V2

and int8 networks as Silicon Labs' MLTK trained them, some between real values:

    anomaly_detection, image_classification, keyword_spotting, visual_wake_words     the four of MLPerf Tiny
    keyword_spotting_alexa, keyword_spotting_on_off_v3    long residual networks of 1-D convolutions; the second exceeds the weights of `base`
    keyword_spotting_mobilenetv2    MobileNetV2 0.15 on a second of sound
    rock_paper_scissors, fingerprint_signature_generator, image_example1    pictures of 84, 180 and 96 pixels a side
    tflite_micro_speech, tflite_micro_magic_wand, audio_example1, autoencoder_example    speech, gestures, sound, heartbeats

Because their answers are a few classes, each is also written as NAME_AT.tflite, which gives the output of the layer at place AT
instead. The sound is that of scripts/make_wake_words.py behind the same front end; the pictures are smooth shapes before noise. Run it
with .tools/venv-tflite/bin/python.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path
from struct import pack_into

import numpy as np
import tflite

import make_wake_words
import oracle_tflite
import public_networks

# Copies of each network that end at a layer inside; of those of the MLTK, which are many, fewer.
CUTS, CUTS_MLTK = 5, 3
# Steps of 20 ms that the speech networks look at.
STEPS = 49


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


def sounds(rng, frames, steps=STEPS, bands=40):
    """Features of `frames` seconds of sound, one a row: 0 to 26."""
    rows = make_wake_words.features(make_wake_words.audio(rng, frames + 1))
    rows = np.stack([np.interp(np.linspace(0, 39, bands), np.arange(40), row) for row in rows])
    starts = np.linspace(0, len(rows) - steps, frames).astype(int)
    return np.stack([rows[start : start + steps] for start in starts])


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


def colours(rng, frames, size):
    """Pictures of three channels from 0 to 1, which differ little."""
    grey = pictures(rng, frames, size)[..., np.newaxis]
    return 0.7 * grey + 0.3 * np.stack([pictures(rng, frames, size) for _ in range(3)], -1)


def motions(rng, frames, steps, axes):
    """What a sensor moves, from 0 to 1: a wave of its own an axis, and noise."""
    waves = np.sin(np.linspace(0, 2 * np.pi, steps)[:, np.newaxis] * rng.uniform(1, 12, (frames, 1, axes)))
    return np.clip(0.5 + 0.3 * waves + rng.normal(0, 0.05, (frames, steps, axes)), 0, 1)


def of_the_mltk(rng, frames):
    """Inputs from 0 to 1 of the MLTK's networks, in the order of their shapes."""
    spectrum = lambda steps, bands: sounds(rng, frames, steps, bands) / 26
    return {
        "anomaly_detection": spectrum(5, 128),
        "image_classification": colours(rng, frames, 32),
        "keyword_spotting": spectrum(50, 10),
        "visual_wake_words": colours(rng, frames, 96),
        "keyword_spotting_alexa": spectrum(118, 108),
        "keyword_spotting_on_off_v3": spectrum(98, 104),
        "keyword_spotting_mobilenetv2": spectrum(59, 49),
        "rock_paper_scissors": pictures(rng, frames, 84),
        "fingerprint_signature_generator": pictures(rng, frames, 180),
        "tflite_micro_magic_wand": motions(rng, frames, 128, 3),
        "tflite_micro_speech": spectrum(49, 40),
        "audio_example1": spectrum(59, 49),
        "autoencoder_example": motions(rng, frames, 140, 1),
        "image_example1": pictures(rng, frames, 96),
    }


def reals(content, source, share):
    """`share`, from 0 to 1, of the reals that a network's 8-bit input, or what it makes of a real one at once, can tell apart."""
    scale, zero = source["quantization"]
    graph = tflite.Model.GetRootAs(content).Subgraphs(0)
    readers = (graph.Operators(at) for at in range(graph.OperatorsLength()))
    if source["dtype"] == np.float32:
        quantiser = next(reader for reader in readers if reader.Inputs(0) == source["index"])
        parameters = graph.Tensors(quantiser.Outputs(0)).Quantization()
        scale, zero = parameters.Scale(0), parameters.ZeroPoint(0)
    return scale * (255 * share - 128 - zero)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=4)
    args = parser.parse_args()
    args.outdir.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(args.seed)
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
    shares = of_the_mltk(rng, args.frames)
    cases = []
    for name, content in public_networks.contents(args.outdir / "crates"):
        source = oracle_tflite.open_model(for_the_runtime(content)).get_input_details()[0]
        real = inputs[name] if name in inputs else reals(content, source, shares[name])
        x = real.astype(np.float32) if source["dtype"] == np.float32 else make_wake_words.quantised(real, source)
        x = x.reshape(-1, *source["shape"])
        cases += make_wake_words.write_cases(
            args.outdir, name, content, x, CUTS if name in inputs else CUTS_MLTK, "PUBLIC_NETWORK", for_the_runtime
        )
    manifest = {"seed": args.seed, "tflite_runtime": version("tflite-runtime"), "cases": cases}
    (args.outdir / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
