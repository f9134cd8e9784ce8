"""Draws the shapes and windows of random TensorFlow Lite networks."""

import numpy as np

from tflite_builder import NONE, RELU, RELU6, RELU_N1_TO_1, SAME, VALID, Network

ACTIVATIONS = [NONE, RELU, RELU6, RELU_N1_TO_1]


class Draw:
    """What the makers of cases share: a generator and choices made with it."""

    def __init__(self, rng):
        self.rng = rng

    def one_of(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def size(self, low=3, high=12):
        return int(self.rng.integers(low, high))

    def picture(self, net, channels=None):
        return net.input([1, self.size(), self.size(), channels or self.one_of(1, 2, 3, 5, 8, 16, 19)])

    def network(self):
        return Network(self.rng, self.one_of(np.int8, np.int8, np.uint8))

    def out(self, size, kernel, stride, dilation, padding):
        span = (kernel - 1) * dilation + 1
        return -(-size // stride) if padding == SAME else (size - span) // stride + 1

    def window(self, x, most=4):
        """Kernel, stride, dilation and padding that fit a picture, and the output's height and width."""
        padding = self.one_of(SAME, VALID)
        kernel, stride, dilation = [], [], []
        for size in x.shape[1:3]:
            kernel.append(int(self.rng.integers(1, min(size, most) + 1)))
            stride.append(self.size(1, 4))
            room = (size - 1) // max(kernel[-1] - 1, 1)
            dilation.append(self.size(1, min(room, 3) + 1))
        out = [self.out(*each, padding) for each in zip(x.shape[1:3], kernel, stride, dilation)]
        return padding, kernel, stride, dilation, out
