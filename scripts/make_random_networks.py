#!/usr/bin/env python3
"""Write random TensorFlow Lite networks, which join 3 to 12 operators as exporters do, inputs for them and
the reference kernels' answers: cases for the tests.

    scripts/make_random_networks.py OUTDIR [--seed S] [--count N]

OUTDIR gets NAME.tflite, NAME.npz and manifest.json, as scripts/make_tflite.py writes them. A network depends
on the seed and on its number alone. Run it with .tools/venv-tflite/bin/python.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

import oracle_tflite
from random_networks import Refused, Steps

LEAST_VALUES, MOST_ELEMENTS, MOST_OPERATORS, MOST_ENDS = 4, 4000, 12, 5
# How often each step is tried.
STEPS = {
    "conv_2d": 8, "depthwise_conv_2d": 7, "pointwise": 4, "fully_connected": 4, "add": 5, "mul": 2.5,
    "sub": 1.5, "maximum": 1, "minimum": 1, "concatenation": 3.5, "pad": 2, "padv2": 0.6, "mirror_pad": 0.5,
    "slice": 2, "strided_slice": 2, "masked": 0.5, "split": 2, "unpack": 0.4, "reshape": 3, "transpose": 2,
    "squeeze": 1.5, "expand_dims": 1, "depth_to_space": 1.5, "space_to_depth": 1.5,
    "resize_nearest_neighbor": 1.5, "gather": 1, "tile": 0.8, "reverse_v2": 0.4, "max_pool_2d": 2.5,
    "average_pool_2d": 2.5, "mean": 2, "reduce_max": 0.4, "resize_bilinear": 0.3, "space_to_batch": 0.7,
    "relu": 2, "relu6": 1.5, "relu_n1_to_1": 1, "leaky_relu": 0.5, "hard_swish": 0.4, "prelu": 0.3,
    "logistic": 0.2, "tanh": 0.2, "quantize": 2,
}  # fmt: skip
# Operators whose output may have any scale.
SCALING = """CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED ADD SUB MUL MEAN RELU RELU6 RELU_N1_TO_1 LEAKY_RELU
HARD_SWISH PRELU""".split()


def varied(answers):
    return all(len(np.unique(values)) >= LEAST_VALUES for values in answers)


class Growth(Steps):
    """Grows a network by what the reference kernels compute for it."""

    def answers(self, *tensors):
        written, self.main.outputs = self.main.outputs, list(tensors)
        try:
            return oracle_tflite.run(self.net.bytes(), self.frames)
        finally:
            self.main.outputs = written

    def grow(self):
        """Tries steps; whether operators came to 3, beside those that convert inputs and outputs."""
        main, wanted = self.main, self.size(3, MOST_OPERATORS + 1)
        lists, first = [main.operators, main.outputs, main.tensors, self.net.buffers], len(main.operators)
        shares = np.array(list(STEPS.values())) / sum(STEPS.values())
        for step in self.rng.choice(list(STEPS), 20 * wanted, p=shares):
            before = [len(each) for each in lists]
            if before[0] >= first + wanted:
                break
            try:
                getattr(self, step)()
                self.settle(main.operators[before[0] :], main.outputs[before[1] :], first + MOST_OPERATORS)
            except (Refused, RuntimeError, ValueError):
                for each, length in zip(lists, before):
                    del each[length:]
        return len(main.operators) >= first + 3

    def settle(self, operators, written, most):
        """Gives new values scales that suit, and refuses those that are too large or hardly vary."""
        large = any(len(y.shape) > 4 or not 0 < np.prod(y.shape) <= MOST_ELEMENTS for y in written)
        if large or len(self.main.operators) > most:
            raise Refused
        new = {y.index: y for y in written}
        for code, inputs, (index, *_), *_ in operators:
            moved = self.main.tensors[index][3:5] == self.main.tensors[inputs[0]][3:5]
            if code in SCALING and index in new and not moved:
                self.suit(new[index])
        if not varied(self.answers(*written)):
            raise Refused

    def suit(self, y):
        """Gives a value the scale and zero point that its range asks for, sometimes another zero point."""
        low = int(self.net.low())
        scale, middle = y.scale, low + 128
        for _ in range(4):
            self.quantise(y, scale, middle)
            values = self.answers(y)[0].astype(int)
            least, greatest = np.quantile(values, [0.02, 0.98]) - middle
            if np.isin(values, [low, low + 255]).mean() > 0.3:
                scale *= 6
            elif greatest - least < 20:
                scale /= 8
            else:
                break
        least, greatest = min(least, 0) * y.scale, max(greatest, 0) * y.scale
        if least == greatest:
            raise Refused
        scale = (greatest - least) * self.rng.uniform(0.6, 1.2) / 255
        zero = int(np.clip(np.rint(low - least / scale), low, low + 255))
        self.quantise(y, scale, self.zero(y.dtype) if self.chance(0.12) else zero)

    def quantise(self, y, scale, zero):
        y.scale, y.zero = float(np.float32(scale)), zero
        shape, kind, buffer, _, _, axis, variable = self.main.tensors[y.index]
        self.main.tensors[y.index] = (shape, kind, buffer, y.scale, y.zero, axis, variable)

    def finish(self):
        """Makes outputs of what nothing reads and of a few other values, and leaves unread inputs out."""
        main, read = self.main, self.read()
        ends = [y for y in main.outputs if y.index not in read][-MOST_ENDS:]
        outputs = [y for y in main.outputs if y in ends or self.chance(0.12)]
        self.rng.shuffle(outputs)
        main.outputs = [self.converted(y, self.other_kind()) if self.chance(0.1) else y for y in outputs]
        used = [(x, frames) for x, frames in zip(main.inputs, self.frames) if x.index in read]
        main.inputs, self.frames = [x for x, _ in used], [frames for _, frames in used]


def drawn(rng):
    """A network, its inputs' frames and its outputs."""
    while True:
        growth = Growth(rng)
        if not growth.grow():
            continue
        written = growth.main.outputs
        growth.finish()
        ends = growth.main.outputs
        outputs = growth.answers(*ends)
        # The runtime may compute in place where a reshaped value shares its memory with one that is read
        # later: then answers change with what else is an output, and are no reference.
        kept = growth.answers(*ends, *[y for y in written if y not in ends])
        if varied(outputs) and all(np.array_equal(*pair) for pair in zip(outputs, kept)):
            return growth.net, growth.frames, outputs


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=40)
    args = parser.parse_args()
    args.outdir.mkdir(parents=True, exist_ok=True)
    cases = []
    for at in range(args.count):
        net, inputs, outputs = drawn(np.random.default_rng([args.seed, at]))
        name = f"random_{at:03}"
        (args.outdir / f"{name}.tflite").write_bytes(net.bytes())
        arrays = {f"x{i}": x for i, x in enumerate(inputs)} | {f"y{i}": y for i, y in enumerate(outputs)}
        oracle_tflite.save(str(args.outdir / f"{name}.npz"), arrays)
        cases.append({"name": name, "operator": "NETWORK"})
        operators = " ".join(code for code, *_ in net.main.operators)
        print(f"{name}: {len(inputs)} inputs, {len(outputs)} outputs, {operators}")
    manifest = {"seed": args.seed, "tflite_runtime": version("tflite-runtime"), "cases": cases}
    (args.outdir / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


if __name__ == "__main__":
    main()
