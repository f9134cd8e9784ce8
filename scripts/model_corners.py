"""What random networks of other kinds were found to hold beside the operators: views, ranks and quantisers in odd places."""

import numpy as np

from model_operators import Operators


class Corners(Operators):
    """Combines operators as exporters and quantisers do, not as one would by hand."""

    def row(self, outputs):
        """A product of one row, whatever its rank, with a constant matrix."""
        names, scale = self.weights((self.shape[-1], outputs), outputs, False)
        spread = np.sqrt(self.shape[-1]) * 60 * 35 * scale * self.scale
        shape = [*self.shape[:-1], outputs]
        if self.qdq:
            matrix = self.emit("DequantizeLinear", names)
            value = self.emit("MatMul", [self.opened(), matrix])
            self.requantised(spread)
            return self.closed(value, shape)
        inputs = self.operand() + names
        self.requantised(spread)
        return self.closed(self.emit("QLinearMatMul", inputs + self.quantisation()), shape)

    def quantised_again(self, times):
        """Quantised with other parameters, several times in a row."""
        for _ in range(times):
            value = self.opened()
            self.requantised(60 * self.scale)
            self.closed(value, self.shape)
        return self

    def padded_by_constant(self):
        """A pad whose value is dequantised, as the quantiser writes it."""
        constant = [self.constant(self.zero, self.kind), *self.quantisation()]
        value = self.emit("DequantizeLinear", constant)
        channels, height, width = self.shape
        pads = self.ints([0, 0, 1, 0, 0, 0, 0, 2])
        return self.closed(self.emit("Pad", [self.opened(), pads, value]), [channels, height + 1, width + 2])

    def branched(self, outputs):
        """Rows times a matrix, quantised for each of its two readers."""
        self.row(outputs)
        real = self.nodes[-1].input[0]
        left = self.mark()
        self.closed(real, self.shape)
        return self.combined("Sub", left)


def corner_cases(rng):
    """What networks of random shape were found to have beside the rest: (name, operator, builder)."""
    for at in range(4):
        kind = ["int8", "uint8"][at % 2]

        def net(*shape, qdq=True):
            return Corners(rng, shape, qdq=qdq, kind=kind, io=["float", kind][at % 3 // 2])

        for rank, shape in enumerate([(24,), (1, 24), (1, 1, 24)]):
            for qdq in (False, True):
                row = net(*shape, qdq=qdq).row([5, 40][at // 2])
                yield f"{'qdq' if qdq else 'qop'}_one_row_{rank + 2}_{at:02}", "MatMul of one row", row
        yield f"qdq_again_{at:02}", "Quantised again", net(3, 5, 6).quantised_again(1 + at)
        yield f"qdq_pad_constant_{at:02}", "Pad", net(4, 5, 6).padded_by_constant()
        yield f"qdq_branched_{at:02}", "MatMul of rows", net(4, 24).branched(9)
        lifted = net(17, 5, qdq=False)
        lifted.value = lifted.emit("Unsqueeze", [lifted.value, lifted.ints([2])])
        lifted.shape = [17, 1, 5]
        yield f"qop_lifted_{at:02}", "Add of a view", lifted.add(lifted.mark())
