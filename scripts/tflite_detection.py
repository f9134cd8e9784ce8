"""Random cases of `TFLite_Detection_PostProcess`, with which detectors end."""

import numpy as np

import oracle_tflite
from tflite_draw import Draw


class Detection(Draw):
    """Boxes from places and sizes relative to anchors, the best of them that do not overlap."""

    def detection_postprocess(self):
        """The faster way of it leaves memory as it was where it finds fewer than there is room for, so it always finds enough; the other way
        has as much room as it fills."""
        while True:
            net, regular = self.postprocess()
            most, inputs = net.main.outputs[1].shape[1], net.samples(64)
            found = oracle_tflite.run(net.bytes(), inputs)[3].ravel()
            kept = np.flatnonzero(regular | (found * self.per_detection == most))[:6]
            if len(kept) == 6:
                net.samples = lambda count: [values[kept[:count]] for values in inputs]
                return net

    def postprocess(self):
        net, of_reals = self.network(), self.rng.random() < 0.5
        net.dtype = np.dtype(np.uint8)
        boxes, classes, background = self.size(1, 40), self.size(1, 6), self.one_of(0, 1, 1)
        most = self.size(1, 8)
        anchors = np.concatenate([self.rng.uniform(0, 1, (boxes, 2)), self.rng.uniform(0.05, 0.5, (boxes, 2))], 1)
        shapes = [[1, boxes, 4], [1, boxes, classes + background]]
        if of_reals:
            encodings, scores = (net.main.tensor(shape, np.float32) for shape in shapes)
            net.main.inputs.extend([encodings, scores])
            anchors = net.main.constant(anchors.astype(np.float32))
        else:
            encodings = net.input(shapes[0], scale=net.scale(0.02, 0.1), zero=int(self.rng.integers(90, 160)))
            scores = net.input(shapes[1], scale=1 / 256, zero=0)
            step = float(np.float32(anchors.max() / 255))
            anchors = net.main.constant(np.rint(anchors / step).astype(np.uint8), step, 0)
        regular = bool(self.rng.random() < 0.4)
        self.per_detection = per_detection = 1 if regular else min(self.one_of(1, 1, 2), classes)
        shapes = [[1, most * per_detection, 4], [1, most * per_detection], [1, most * per_detection], [1]]
        results = [net.main.tensor(shape, np.float32) for shape in shapes]
        net.main.emit(
            "TFLite_Detection_PostProcess",
            [encodings, scores, anchors],
            results,
            max_detections=most,
            max_classes_per_detection=per_detection,
            detections_per_class=self.size(1, 10),
            use_regular_nms=regular,
            nms_score_threshold=float(np.float32(self.one_of(1e-8, 0.3))),
            nms_iou_threshold=float(np.float32(self.rng.uniform(0.1, 0.9))),
            num_classes=classes,
            y_scale=self.one_of(1.0, 10.0),
            x_scale=self.one_of(1.0, 10.0),
            h_scale=self.one_of(1.0, 5.0),
            w_scale=self.one_of(1.0, 5.0),
        )
        return net.output(*results), regular
