#!/usr/bin/env python3
"""Write small random int8 and uint8 TensorFlow Lite networks, inputs for them and the reference kernels' answers: cases for the tests.

    scripts/make_tflite.py OUTDIR [--seed S] [--rounds N] [--frames N] [--only OPERATOR ...]

OUTDIR gets NAME.tflite and NAME.npz (arrays `x0`, `x1` and so on, the inputs, and `y0` and so on, the outputs) for each case, and
manifest.json: {"seed": S, "tflite_runtime": "2.14.0", "cases": [{"name", "operator"}]}. Each round makes every operator once, with other
parameters. Run it with .tools/venv-tflite/bin/python.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

import oracle_tflite
from tflite_detection import Detection
from tflite_elementwise import Elementwise
from tflite_layers import Layers
from tflite_movement import Movement
from tflite_rearranging import Rearranging
from tflite_reals import REALS, Reals
from tflite_recurrent import Recurrent


class Maker(Layers, Elementwise, Movement, Rearranging, Reals, Detection, Recurrent):
    """Makes one case of each operator."""


OPERATORS = """conv_2d depthwise_conv_2d fully_connected add mul max_pool_2d average_pool_2d mean concatenation pad padv2 slice split
split_v strided_slice reshape transpose squeeze expand_dims depth_to_space space_to_depth resize_nearest_neighbor relu relu6
relu_n1_to_1 logistic softmax quantize dequantize stream sub maximum minimum prelu leaky_relu hard_swish abs tanh transpose_conv
reduce_max resize_bilinear mirror_pad pack unpack gather tile broadcast_to reverse_v2 shape masked
l2_normalization sum rsqrt squared_difference space_to_batch batch_to_space arg_max arg_min log_softmax
exp gelu relu_0_to_1 reduce_min batch_matmul gather_nd""".split() + REALS
OPERATORS += ["svdf", "unidirectional_sequence_lstm", "detection_postprocess"]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--only", nargs="+", choices=OPERATORS, default=OPERATORS, metavar="OPERATOR")
    args = parser.parse_args()
    args.outdir.mkdir(parents=True, exist_ok=True)
    cases = []
    for round_ in range(args.rounds):
        for at, operator in enumerate(OPERATORS):
            if operator not in args.only:
                continue
            maker = Maker(np.random.default_rng([args.seed, round_, at]))
            net = getattr(maker, operator)()
            name = f"{operator}_{round_}"
            content, inputs = net.bytes(), net.samples(args.frames)
            (args.outdir / f"{name}.tflite").write_bytes(content)
            outputs = oracle_tflite.run(content, inputs)
            arrays = {f"x{i}": x for i, x in enumerate(inputs)} | {f"y{i}": y for i, y in enumerate(outputs)}
            oracle_tflite.save(str(args.outdir / f"{name}.npz"), arrays)
            cases.append({"name": name, "operator": operator.upper()})
    manifest = {"seed": args.seed, "tflite_runtime": version("tflite-runtime"), "cases": cases}
    (args.outdir / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    print(f"{len(cases)} cases in {args.outdir}")


if __name__ == "__main__":
    main()
