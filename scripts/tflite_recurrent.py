"""Random cases of TensorFlow Lite operators that keep variable tensors from frame to frame."""

import numpy as np

from tflite_builder import NONE, RELU, Network
from tflite_draw import Draw

TANH = 4
# The standard deviation of random 8-bit values.
SPREAD = 74.0


class Recurrent(Draw):
    """Networks that answer with what earlier frames held, too."""

    def matrix(self, net, shape, scale):
        return net.main.constant(self.rng.integers(-127, 128, shape).astype(np.int8), float(np.float32(scale)), 0)

    def dense(self, net, x, outputs):
        """A dense layer over the last dimension."""
        columns = x.shape[-1]
        weights = self.matrix(net, (outputs, columns), net.scale(0.002, 0.02))
        y = net.activation([*x.shape[:-1], outputs], x.scale * weights.scale * SPREAD * columns**0.5)
        net.main.emit(
            "FULLY_CONNECTED", [x, weights, None], [y], "FullyConnectedOptions", FusedActivationFunction=NONE,
            KeepNumDims=True,
        )  # fmt: skip
        return y

    def filters(self, net, x, state=None):
        """One `SVDF`, and its state, which is its own unless one is given."""
        rank, units, memory, columns = self.size(1, 4), self.size(1, 9), self.size(1, 12), x.shape[1]
        if state is not None:
            rank, units, memory = 1, state.shape[1], 1
        count = rank * units
        features = self.matrix(net, (count, columns), net.scale(0.002, 0.02))
        steps = x.scale * features.scale * SPREAD**2 * columns**0.5
        if state is None:
            # Some are so fine that values saturate.
            scale = float(np.float32(steps / self.one_of(300, 9000, 40000)))
            state = net.main.variable([1, memory * count], np.int16, scale)
        times = np.clip(np.rint(self.rng.normal(0, self.one_of(30, 1000, 12000), (count, memory))), -32768, 32767)
        time = net.main.constant(times.astype(np.int16), net.scale(1e-5, 1e-4), 0)
        sums = min(steps / state.scale, 32767) * max(np.abs(times).mean(), 1) * (memory * rank) ** 0.5
        bias = None
        if self.rng.random() < 0.7:
            values = np.clip(np.rint(self.rng.normal(0, sums, units)), -(2**31), 2**31 - 1)
            bias = net.main.constant(values.astype(np.int32), state.scale * time.scale, 0)
        y = net.activation([1, units], float(np.float32(state.scale * time.scale * sums / self.one_of(30, 60, 200))))
        # The runtime asks for the rectifier, but does not apply it.
        net.main.emit(
            "SVDF", [x, features, time, bias, state], [y], "SVDFOptions", Rank=rank, FusedActivationFunction=RELU
        )
        return y, state

    def svdf(self):
        net = Network(self.rng)
        x = net.input([1, self.size(1, 40)])
        y, state = self.filters(net, x)
        behind = self.one_of("nothing", "nothing", "dense", "another", "sharer")
        if behind == "dense":
            y = self.dense(net, y, self.size(1, 12))
        elif behind == "another":
            y, _ = self.filters(net, y)
        elif behind == "sharer":
            net.output(self.filters(net, x, state)[0])
        return net.output(y)

    def cells(self, net, x, units, time_major):
        """One `UNIDIRECTIONAL_SEQUENCE_LSTM` of 8-bit weights and a 16-bit cell, as the converter writes it."""
        main, reach = net.main, self.one_of(0.5, 2, 2, 8)
        hidden = (net.scale(1 / 160, 1 / 110), net.zero())
        held = main.variable([1, units], np.int8, *hidden)
        cell = main.variable([1, units], np.int16, 2.0 ** -self.size(9, 16))
        # Sums of products reach as far; gates saturate from 8 on.
        gates = []
        for columns, scale in ((x.shape[2], x.scale), (units, held.scale)):
            one = reach / (scale * SPREAD**2 * columns**0.5)
            gates.append([self.matrix(net, (units, columns), one * net.scale(0.5, 1.5)) for _ in range(4)])
        biases = []
        for weights in gates[0]:
            scale = x.scale * weights.scale
            biases.append(main.constant(np.rint(self.rng.normal(0, reach / scale, units)).astype(np.int32), scale, 0))
        if self.rng.random() < 0.2:
            # What the forget gate lets go is what enters.
            gates[0][0] = gates[1][0] = biases[0] = None
        y = main.tensor([*x.shape[:2], units], np.int8, *hidden)
        inner = [main.tensor([0], np.float32) for _ in range(4)] + [main.tensor([0], np.int8, *hidden)]
        main.emit(
            "UNIDIRECTIONAL_SEQUENCE_LSTM",
            [x, *gates[0], *gates[1], *[None] * 3, *biases, None, None, held, cell, *[None] * 4],
            [y], "UnidirectionalSequenceLSTMOptions", inner, FusedActivationFunction=TANH, TimeMajor=time_major,
            CellClip=self.one_of(0.0, 0.0, 10.0, 0.3),
        )  # fmt: skip
        return y

    def unidirectional_sequence_lstm(self):
        net = Network(self.rng)
        time_major, steps = bool(self.rng.integers(2)), self.size(1, 8)
        x = net.input([steps, 1, self.size(1, 20)] if time_major else [1, steps, self.size(1, 20)])
        y = self.cells(net, x, self.size(1, 20), time_major)
        behind = self.one_of("nothing", "nothing", "dense", "another")
        if behind == "dense":
            y = self.dense(net, y, self.size(1, 12))
        elif behind == "another":
            y = self.cells(net, y, self.size(1, 12), time_major)
        return net.output(y)
