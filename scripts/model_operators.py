"""Random cases of the operators that move, join, multiply and look up values, in operator-oriented and in QDQ form."""

import numpy as np
from onnx import TensorProto, helper

from model_builders import ELEMENT, OPSETS, Quantised

# The runtime moves 8-bit values with these; it has only float kernels for the others, which QDQ networks use.
ON_BYTES = {"Slice", "Split", "Pad", "Resize", "Tile", "Expand", "Gather", "Concat", "Transpose", "Reshape"}
COORDINATES = ["asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners", "half_pixel_symmetric"]
ROUNDINGS = ["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"]


class Operators(Quantised):
    """Adds one operator after another to a quantised picture; `qdq` puts each between Dequantize- and QuantizeLinear."""

    def __init__(self, rng, shape, qdq=False, **options):
        # A resize to sizes states the batch too.
        self.qdq, self.batch = qdq, "batch"
        super().__init__(rng, shape, **options)

    def one_of(self, choices):
        return choices[self.rng.integers(len(choices))]

    def ints(self, values):
        return self.constant(values, np.int64)

    def opened(self, mark=None):
        """The tensor as the operator reads it: dequantised in a QDQ network."""
        value, scale, zero, _ = mark or self.mark()
        if not self.qdq:
            return value
        operand = [value, self.constant(scale, np.float32), self.constant(zero, self.kind)]
        return self.emit("DequantizeLinear", operand)

    def closed(self, value, shape, requantise=False):
        """The operator's result, quantised as before unless a new scale is asked for."""
        if self.qdq:
            if requantise:
                self.requantised(60 * self.scale)
            value = self.emit("QuantizeLinear", [value, *self.quantisation()])
        self.value, self.shape = value, [int(size) for size in shape]
        return self

    def moved(self, op, constants, shape, **attributes):
        requantise = self.rng.random() < 0.3
        return self.closed(self.emit(op, [self.opened(), *constants], **attributes), shape, requantise)

    def slice(self):
        axes = [1, 2, 3] if self.rng.random() < 0.5 else [-1, -2]
        starts, ends, steps, shape = [], [], [], list(self.shape)
        for axis in axes:
            size = shape[axis - 1 if axis > 0 else axis]
            start, end = sorted(int(v) for v in self.rng.choice(size + 1, 2, replace=False))
            step = int(self.rng.integers(1, 4))
            if self.rng.random() < 0.3:
                # Backwards, from the last element taken to the one before the first.
                start, end, step = end - 1, start - 1 - size, -step
            taken = len(range(size)[start : None if end < -size else end : step])
            starts.append(start)
            ends.append(end if end != -size - 1 else -(2**62))
            steps.append(step)
            shape[axis - 1 if axis > 0 else axis] = taken
        return self.moved("Slice", [self.ints(v) for v in (starts, ends, axes, steps)], shape)

    def split(self):
        axis = int(self.rng.integers(1, 4))
        size = self.shape[axis - 1]
        first = int(self.rng.integers(1, size))
        sizes, value = self.ints([first, size - first]), self.opened()
        self.count += 1
        outputs = [f"t{self.count}a", f"t{self.count}b"]
        self.nodes.append(helper.make_node("Split", [value, sizes], outputs, name=f"Split_{self.count}", axis=axis))
        which = int(self.rng.integers(2))
        shape = list(self.shape)
        shape[axis - 1] = [first, size - first][which]
        return self.closed(outputs[which], shape)

    def pad(self, mode):
        most = [min(3, size - 1) for size in self.shape]
        least = -1 if mode == "constant" else 0
        pads = [[0, 0]] + [[int(self.rng.integers(least, n + 1)) for _ in range(2)] for n in most]
        shape = [size + sum(pad) for size, pad in zip(self.shape, pads[1:])]
        constants = [self.ints([pad[0] for pad in pads] + [pad[1] for pad in pads])]
        if mode == "constant" and not self.qdq:
            constants.append(self.constant(self.zero, self.kind))
        return self.moved("Pad", constants, shape, mode=mode)

    def resize(self, scales=None, **attributes):
        if scales is None:
            shape = [self.shape[0], *(int(self.rng.integers(1, 2 * size + 2)) for size in self.shape[1:])]
            constants, self.batch = ["", "", self.ints([1, *shape])], 1
        else:
            shape = [int(np.float32(scale) * np.float32(size)) for scale, size in zip(scales, self.shape)]
            constants = ["", self.constant([1, *scales], np.float32)]
        return self.moved("Resize", constants, shape, **{"mode": "nearest"} | attributes)

    def gather(self):
        axis = int(self.rng.integers(1, 4))
        size = self.shape[axis - 1]
        indices = self.rng.integers(-size, size, int(self.rng.integers(1, 6)))
        shape = list(self.shape)
        shape[axis - 1] = len(indices)
        return self.moved("Gather", [self.ints(indices)], shape, axis=axis)

    def concat(self, marks, axis):
        """The current tensor and others, each with its own quantisation."""
        parts = [self.mark(), *marks]
        shape = list(self.shape)
        shape[axis - 1] = sum(part[3][axis - 1] for part in parts)
        if self.qdq:
            opened = [self.opened(part) for part in parts]
            return self.closed(self.emit("Concat", opened, axis=axis), shape, True)
        operands = []
        for value, scale, zero, _ in parts:
            operands += [value, self.constant(scale, np.float32), self.constant(zero, self.kind)]
        self.requantised(60 * self.scale)
        self.value = self.emit("QLinearConcat", [*self.quantisation(), *operands], axis=axis)
        self.shape = shape
        return self

    def multiply(self, mark):
        """The product with another tensor, which may broadcast to this one."""
        operands = [self.mark(), mark]
        spread = 60 * 60 * self.scale * mark[1]
        if self.qdq:
            value = self.emit("Mul", [self.opened(part) for part in operands])
            self.requantised(spread)
            return self.closed(value, self.shape)
        inputs = []
        for value, scale, zero, _ in operands:
            inputs += [value, self.constant(scale, np.float32), self.constant(zero, self.kind)]
        self.requantised(spread)
        self.value = self.emit("QLinearMul", [*inputs, *self.quantisation()])
        return self

    def parameter(self, shape):
        """A constant 8-bit tensor, as a mark."""
        values = self.rng.integers(0, 256, shape) + self.low()
        scale = np.float32(self.rng.uniform(0.005, 0.02))
        return self.constant(values, self.kind), scale, self.any_zero(), list(shape[1:])

    def quantised_constant(self, values, kind):
        """Real values that the file dequantises, with zero point 0."""
        scale = np.float32(np.abs(values).max() / (127 if kind == np.int8 else 2**20))
        names = [self.constant(np.round(values / scale), kind), self.constant(scale, np.float32)]
        return self.emit("DequantizeLinear", [*names, self.constant(0, kind)])

    def looked_up(self, op, **attributes):
        """Sigmoid, LeakyRelu or Softmax."""
        inputs = self.operand()
        if op == "LeakyRelu":
            out = np.float32(self.scale * self.rng.uniform(0.5, 1.5)), self.any_zero()
        else:
            out = np.float32(1 / 256), self.low()
        if self.qdq:
            value = self.emit(op, [self.opened()], **attributes)
            self.scale, self.zero = out
            return self.closed(value, self.shape)
        self.scale, self.zero = out
        if op == "Softmax":
            attributes["opset"] = OPSETS[0].version
        self.value = self.emit(f"QLinear{op}", [*inputs, *self.quantisation()], **attributes)
        return self


    def looked_up_real(self, op, **attributes):
        """A function that the runtime computes on real values."""
        value = self.emit(op, [self.opened()], **attributes)
        self.requantised(0.3 if op in ("HardSigmoid", "Tanh") else 40 * self.scale)
        return self.closed(value, self.shape)

    def power(self, exponent):
        value = self.emit("Pow", [self.opened(), self.constant(exponent, np.float32)])
        self.requantised(40 * self.scale)
        return self.closed(value, self.shape)

    def batch_normalised(self, dequantised):
        """By real parameters, or as the quantiser writes them: int8, and the bias int32."""
        rng, channels = self.rng, self.shape[0]
        parameters = [*rng.normal(0, 1, (3, channels)), rng.uniform(0.01, 3, channels)]
        if dequantised:
            kinds = [np.int8, np.int32, np.int8, np.int8]
            parameters = [self.quantised_constant(values, kind) for values, kind in zip(parameters, kinds)]
        else:
            parameters = [self.constant(values, np.float32) for values in parameters]
        value = self.emit("BatchNormalization", [self.opened(), *parameters], epsilon=float(rng.choice([1e-5, 1e-3])))
        self.requantised(60 * self.scale)
        return self.closed(value, self.shape)

    def combined(self, op, mark):
        """An operator of two that the runtime computes on real values."""
        value = self.emit(op, [self.opened(), self.opened(mark)])
        self.requantised(60 * (self.scale if op != "Div" else 0.05))
        return self.closed(value, self.shape)

    def reduced(self, op, axes, keep=1):
        inputs, attributes = [self.opened()], {"axes": axes}
        if op == "ReduceSum":
            inputs, attributes = [*inputs, self.ints(axes)], {}
        value = self.emit(op, inputs, keepdims=keep, **attributes)
        if op != "ReduceMax":
            # The runtime's order of summands depends on how many frames there are.
            self.batch = 1
            self.requantised(40 * self.scale * (1 if op == "ReduceMean" else 4))
        shape = [1 if at + 1 in axes else size for at, size in enumerate(self.shape)]
        return self.closed(value, shape if keep else [s for at, s in enumerate(shape) if at + 1 not in axes])


class Places(Operators):
    """Ends in the places of extremes, among few values so that many are equal."""

    def place(self, op, axis, keep, last, squeezed):
        value = self.opened() if self.qdq else self.value
        self.value = self.emit(op, [value], axis=axis, keepdims=keep, select_last_index=last)
        axis = axis % 4 - 1
        self.shape = [1 if at == axis else d for at, d in enumerate(self.shape) if keep or at != axis]
        if squeezed:
            self.value = self.emit("Cast", [self.value], to=TensorProto.INT32)
        return self

    def model(self, batch="batch"):
        self.io, io = "places", self.io
        model = super().model(batch)
        kind = TensorProto.INT32 if self.nodes[-1].op_type == "Cast" else TensorProto.INT64
        model.graph.input[0].type.tensor_type.elem_type = ELEMENT["float" if io == "float" else self.kind]
        model.graph.output[0].type.tensor_type.elem_type = kind
        self.io = io
        return model

    def samples(self, count, highest=255):
        scale, zero = self.first
        values = self.rng.integers(0, 6, (count, *self.source_shape)) + max(self.low(), min(zero - 2, self.low() + 250))
        if self.io != "float":
            return values.astype(self.kind)
        return ((values - zero) * scale).astype(np.float32)


def place_cases(rng):
    """Networks that end in integers: (name, operator, builder)."""
    for at in range(12):
        for op in ["ArgMax", "ArgMin"]:
            kind, form = ["int8", "uint8"][at % 2], ["qop", "qdq"][at // 2 % 2]
            shape = (int(rng.choice([4, 8, 21])), int(rng.integers(3, 9)), int(rng.integers(3, 9)))
            net = Places(rng, shape, qdq=form == "qdq", kind=kind, io=["float", kind][at % 3 // 2])
            axis = [1, -1, 2, -3][at % 4 if at % 5 else 0]
            yield f"{form}_{op.lower()}_{at:02}", op, net.place(op, axis, at // 3 % 2, at % 4 // 2, at % 5 == 3)


def linear_cases(rng):
    """Pictures resized by interpolation, some between convolutions: (name, operator, builder)."""
    for at in range(15):
        kind = ["int8", "uint8"][at % 2]
        shape = (int(rng.choice([4, 8, 12])), int(rng.integers(2, 9)), int(rng.integers(2, 9)))
        net = Operators(rng, shape, qdq=True, kind=kind, io=["float", kind][at // 2 % 2])
        if at % 4 > 1:
            net.conv(8, (3, 3), pads=(1, 1, 1, 1))
        scales = [None, (1, 2, 2), (1, *rng.uniform(0.5, 3, 2))][at // 5]
        net.resize(scales, mode="linear", coordinate_transformation_mode=COORDINATES[at % 5])
        if at % 4 == 3:
            net.conv(5, (1, 1))
        yield f"qdq_linear_resize_{at:02}", "Linear resize", net


def sum_cases(rng):
    """Sums and means of real values: (name, operator, builder)."""
    for at in range(14):
        axes = [[2, 3], [1], [3], [2], [1, 2, 3], [1, 3], [1, 2]][at % 7]
        for op in ["ReduceSum", "ReduceMean"]:
            kind = ["int8", "uint8"][at % 2]
            net = Operators(rng, [int(v) for v in rng.integers(2, 12, 3)], qdq=True, kind=kind, io=["float", kind][at // 2 % 2])
            yield f"qdq_sum_{op.lower()}_{at:02}", op, net.reduced(op, axes, at % 2)


def real_cases(rng):
    """Operators that have no quantised kernel in the runtime, in QDQ form: (name, operator, builder)."""
    for at in range(8):
        kind = ["int8", "uint8"][at % 2]

        def net(*shape):
            shape = shape or (int(rng.choice([4, 8, 12])), int(rng.integers(3, 9)), int(rng.integers(3, 9)))
            return Operators(rng, shape, qdq=True, kind=kind, io=["float", kind][at % 3 // 2])

        for op, attributes in [
            ("HardSigmoid", {"alpha": float(rng.uniform(0.1, 0.3))}), ("HardSwish", {}), ("Tanh", {}),
            ("Elu", {"alpha": float(rng.uniform(0.5, 1.5))}),
        ]:  # fmt: skip
            yield f"qdq_{op.lower()}_{at:02}", op, net().looked_up_real(op, **attributes)
        for op in ["Abs", "Neg", "Sqrt", "Reciprocal", "Floor", "Ceil", "Round"]:
            yield f"qdq_{op.lower()}_{at:02}", op, net().looked_up_real(op)
        yield f"qdq_pow_{at:02}", "Pow", net().power(2 + at // 2 % 2)
        yield f"qdq_batchnormalization_{at:02}", "BatchNormalization", net().batch_normalised(at % 4 > 1)
        for op in ["Sub", "Div", "Max", "Min", "PRelu"]:
            two = net()
            other = two.mark()
            if at % 2 == 0 and op != "PRelu":
                two.conv(two.shape[0], (3, 3), pads=(1, 1, 1, 1))
            else:
                other = two.parameter([1, two.shape[0], 1, 1])
            yield f"qdq_{op.lower()}_{at:02}", op, two.combined(op, other)
        axes = [[2, 3], [1], [3], [2, 3], [2], [1, 2, 3], [2, 3], [1, 2]][at]
        yield f"qdq_reducemean_{at:02}", "ReduceMean", net().reduced("ReduceMean", axes, at % 3 % 2)
        axes = [[2, 3], [2], [3], [2, 3]][at % 4]
        # Few values each, so that the largest are not all alike.
        yield f"qdq_reducemax_{at:02}", "ReduceMax", net(24, 2, 3).reduced("ReduceMax", axes, at % 3 % 2)
        pooled = net(24, 3, 2)
        value = pooled.emit("GlobalMaxPool", [pooled.opened()])
        yield f"qdq_globalmaxpool_{at:02}", "GlobalMaxPool", pooled.closed(value, [pooled.shape[0], 1, 1])


def operator_cases(rng):
    """One network an operator, several of each: (name, operator, builder)."""
    for at in range(12):
        kind, qdq = ["int8", "uint8"][at % 2], at % 4 > 1
        form = "qdq" if qdq else "qop"

        def net(*shape):
            shape = shape or (int(rng.choice([4, 8, 12])), int(rng.integers(3, 9)), int(rng.integers(3, 9)))
            return Operators(rng, shape, qdq=qdq, kind=kind, io=["float", kind][at % 3 // 2])

        def case(operator, built):
            return f"{form}_{operator.lower().replace(' ', '_')}_{at:02}", operator, built

        yield case("Slice", net().slice())
        yield case("Split", net().split())
        yield case("Gather", net().gather())
        yield case("Pad", net().pad(["constant", "edge", "reflect", "wrap"][at % 4 if qdq else at // 3]))
        coordinates = COORDINATES[at % len(COORDINATES)]
        sizes = net().resize(coordinate_transformation_mode=coordinates, nearest_mode=ROUNDINGS[at // 3])
        yield case("Resize", sizes)
        scales = (1, 2, 2) if at % 2 else (1, *rng.uniform(0.4, 3, 2))
        scaled = net().resize(scales, coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        yield case("Resize by factors", scaled)
        tiled = net(4, 3, 2)
        repeats = [int(v) for v in rng.integers(1, 4, 3)]
        tiled.moved("Tile", [tiled.ints([1, *repeats])], [a * b for a, b in zip(tiled.shape, repeats)])
        yield case("Tile", tiled)
        grown = net(5, 1, 6)
        yield case("Expand", grown.moved("Expand", [grown.ints([1, 1, 4, 1])], (5, 4, 6)))
        order = [0, *(int(v) + 1 for v in rng.permutation(3))]
        turned = net(4, 5, 6)
        yield case("Transpose", turned.moved("Transpose", [], [turned.shape[v - 1] for v in order[1:]], perm=order))
        if qdq:
            deep = net(8, 3, 5)
            mode = ["DCR", "CRD"][at % 2]
            yield case("DepthToSpace", deep.moved("DepthToSpace", [], (2, 6, 10), blocksize=2, mode=mode))
            wide = net(3, 4, 6)
            yield case("SpaceToDepth", wide.moved("SpaceToDepth", [], (12, 2, 3), blocksize=2))

        joined = net()
        mark = joined.mark()
        joined.conv(8, (1, 1))
        left = joined.mark()
        joined.back(mark).conv(5, (3, 3), pads=(1, 1, 1, 1))
        yield case("Concat", joined.concat([left, mark] if at % 3 else [left], 1))

        product = net()
        mark = product.mark()
        channels, height, width = product.shape
        if at % 3 == 0:
            product.conv(channels, (3, 3), pads=(1, 1, 1, 1)).multiply(mark)
        elif at % 3 == 1:
            product.multiply(product.parameter([1, channels, 1, 1]))
        else:
            # Squeeze and excite: one factor a channel.
            gate = product.conv(channels, (height, width)).looked_up("Sigmoid").mark()
            product.back(mark).multiply(gate)
        yield case("Mul", product)
        added = net()
        if not qdq:
            added.add(added.parameter([added.shape[0], 1, 1]))
            yield case("Add of a constant", added)
        yield case("Sigmoid", net().looked_up("Sigmoid"))
        yield case("LeakyRelu", net().looked_up("LeakyRelu", alpha=float(rng.uniform(0, 0.5))))
        yield case("Softmax", net(int(rng.integers(2, 40))).looked_up("Softmax", axis=-1))
        depthwise = net(8, 7, 6)
        weights, _ = depthwise.weights((8, 1, 3, 3), 8, True)
        inputs = depthwise.operand() + weights
        depthwise.requantised(3 * 60 * 35 * 0.01 * depthwise.scale)
        pads = [int(v) for v in rng.integers(0, 3, 4)]
        stride = int(rng.integers(1, 3))
        depthwise.value = depthwise.emit(
            "QLinearConv", inputs + depthwise.quantisation(), group=8, pads=pads, strides=[stride, 1]
        )
        depthwise.shape = [8, (7 + pads[0] + pads[2] - 3) // stride + 1, 6 + pads[1] + pads[3] - 2]
        yield case("Conv with groups", depthwise)
        line = net(6, 20)
        weights, _ = line.weights((10, 6, 3), 10, True)
        inputs = line.operand() + weights
        line.requantised(4 * 60 * 35 * 0.01 * line.scale)
        line.value = line.emit("QLinearConv", inputs + line.quantisation(), pads=[2, 1], dilations=[2], strides=[2])
        line.shape = [10, (20 + 3 - 5) // 2 + 1]
        yield case("Conv 1-D", line)
        rows = net(5, 16)
        weights, _ = rows.weights((16, 7), 7, False)
        inputs = rows.operand() + weights
        rows.requantised(4 * 60 * 35 * 0.01 * rows.scale)
        rows.value = rows.emit("QLinearMatMul", inputs + rows.quantisation())
        rows.shape = [5, 7]
        yield case("MatMul of rows", rows)
        pair = net(int(rng.integers(2, 6)), 7, 11)
        inputs = pair.operand()
        left = pair.value
        pair.value = pair.emit("Transpose", [left], perm=[0, 1, 3, 2])
        turned = [pair.value, *inputs[1:]]
        pair.requantised(60 * 60 * 11 * 0.2 * pair.scale * pair.scale)
        pair.value = pair.emit("QLinearMatMul", [left, *inputs[1:], *turned, *pair.quantisation()])
        pair.shape = [pair.shape[0], 7, 7]
        yield case("MatMul of two", pair)
