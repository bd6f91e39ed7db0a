"""Writes small detectors whose graphs decode their own boxes to models/detectors/, and expected_detectors.tsv with
the boxes that ONNX's reference evaluator gives for them.

    pip install onnx==1.23.2 numpy
    python generate_detectors.py

One is written in the manner of SSD and one of each kind of YOLO head, spelled as the usual exporters spell them.
A line is `file  threshold  class score left top right bottom ...`: everything above the threshold, best first,
where 1 is the input's width and height. The picture is that of `picture()`, 48 wide and 32 high.
"""

import pathlib

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

import generate_onnx
from generate_onnx import HERE, Model, weights

WIDTH, HEIGHT, CLASSES, FOUND = 48, 32, 3, 24
# Rows, columns and stride of the feature maps.
LEVELS = [(8, 12, 4), (4, 6, 8)]


def picture():
    """Red, green, blue of every pixel, 0 to 255."""
    y, x, channel = np.mgrid[0:HEIGHT, 0:WIDTH, 0:3]
    return ((x * 37 + y * 91 + channel * 53 + x * y * 7 + x * x * 3) % 256).astype(np.uint8)


class Detector(Model):
    def __init__(self):
        super().__init__([1, 3, HEIGHT, WIDTH])
        value = self.node("Relu", self.conv("image", 3, 8, 3, stride=2))
        fine = self.node("Relu", self.conv(value, 8, 16, 3, stride=2))
        coarse = self.node("Relu", self.conv(fine, 16, 16, 3, stride=2))
        self.levels = [fine, coarse]

    def head(self, value, channels):
        return self.conv(value, 16, channels, 1)

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def number(self, value):
        return self.constant(np.float32(value))

    def slice(self, value, start, end, axis):
        return self.node("Slice", value, self.ints(start), self.ints(end), self.ints(axis))


def centres(rows, columns):
    """x and y of the cells' indices, in the order of rows."""
    y, x = np.mgrid[0:rows, 0:columns]
    return np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)


def ssd():
    """Priors as constants, variances 0.1 and 0.2, a softmax over background and classes, corners from 0 to 1."""
    model, scores, boxes, priors = Detector(), [], [], []
    for value, (rows, columns, stride) in zip(model.levels, LEVELS):
        for heads, width in (scores, CLASSES + 1), (boxes, 4):
            head = model.node("Transpose", model.head(value, 2 * width), perm=[0, 2, 3, 1])
            heads.append(model.node("Reshape", head, model.ints(1, -1, width)))
        # Steps that are no whole parts of the input, as UltraFace has them.
        centre = (centres(rows, columns) + 0.5) * np.array([stride / WIDTH, stride * 1.07 / HEIGHT])
        for x, y in centre:
            priors += [[x, y, side * stride / WIDTH, side * stride / HEIGHT] for side in (2.5, 4)]
    priors = np.array(priors, np.float32)[None]
    scores = model.node("Softmax", model.node("Concat", *scores, axis=1), axis=2)
    raw = model.node("Concat", *boxes, axis=1)
    position = model.node("Mul", model.node("Mul", model.slice(raw, 0, 2, 2), model.number(0.1)),
                          model.constant(priors[..., 2:]))
    position = model.node("Add", position, model.constant(priors[..., :2]))
    size = model.node("Exp", model.node("Mul", model.slice(raw, 2, 1 << 40, 2), model.number(0.2)))
    size = model.node("Mul", size, model.constant(priors[..., 2:]))
    half = model.node("Div", size, model.number(2))
    corners = model.node("Concat", model.node("Sub", position, half), model.node("Add", position, half), axis=2)
    return model, [scores, corners]


ANCHORS = np.array([[[10, 8], [14, 16]], [[22, 18], [30, 28]]], np.float32)


def yolo(square):
    """Joint heads, anchor by anchor; centre, size, objectness and classes in pixels and probabilities."""
    model, rows_of = Detector(), []
    for value, (rows, columns, stride), anchors in zip(model.levels, LEVELS, ANCHORS):
        width = 5 + CLASSES
        head = model.node("Reshape", model.head(value, 2 * width), model.ints(1, 2, width, rows, columns))
        head = model.node("Transpose", head, perm=[0, 1, 3, 4, 2])
        grid = model.constant(centres(rows, columns).reshape(1, 1, rows, columns, 2))
        sides = model.constant(anchors.reshape(1, 2, 1, 1, 2))
        if square:
            head = model.node("Sigmoid", head)
            position, size, rest = (model.slice(head, *part, 4) for part in [(0, 2), (2, 4), (4, width)])
            position = model.node("Sub", model.node("Mul", position, model.number(2)), model.number(0.5))
            size = model.node("Pow", model.node("Mul", size, model.number(2)), model.number(2))
        else:
            position, size, rest = (model.slice(head, *part, 4) for part in [(0, 2), (2, 4), (4, width)])
            position, size, rest = model.node("Sigmoid", position), model.node("Exp", size), model.node("Sigmoid", rest)
        position = model.node("Mul", model.node("Add", position, grid), model.number(stride))
        joined = model.node("Concat", position, model.node("Mul", size, sides), rest, axis=4)
        rows_of.append(model.node("Reshape", joined, model.ints(1, -1, width)))
    return model, [model.node("Concat", *rows_of, axis=1)]


def yolox():
    """Boxes, objectness and classes from heads of their own, decoded after all cells are in a row."""
    model, flat = Detector(), []
    for value, (rows, columns, stride) in zip(model.levels, LEVELS):
        boxes, of_object, classes = (model.head(value, width) for width in (4, 1, CLASSES))
        joined = model.node("Concat", boxes, model.node("Sigmoid", of_object), model.node("Sigmoid", classes), axis=1)
        flat.append(model.node("Reshape", joined, model.ints(1, 5 + CLASSES, -1)))
    rows = model.node("Transpose", model.node("Concat", *flat, axis=2), perm=[0, 2, 1])
    grid = np.concatenate([centres(rows, columns) for rows, columns, _ in LEVELS])[None]
    strides = np.concatenate([np.full((rows * columns, 1), stride, np.float32) for rows, columns, stride in LEVELS])[None]
    position = model.node("Add", model.slice(rows, 0, 2, 2), model.constant(grid))
    position = model.node("Mul", position, model.constant(strides))
    size = model.node("Mul", model.node("Exp", model.slice(rows, 2, 4, 2)), model.constant(strides))
    return model, [model.node("Concat", position, size, model.slice(rows, 4, 5 + CLASSES, 2), axis=2)]


def distribution():
    """Edges as the mean of 16 bins, a convolution as the mean; centre, size and classes in columns, in pixels."""
    model, flat = Detector(), []
    for value, _ in zip(model.levels, LEVELS):
        joined = model.node("Concat", model.head(value, 64), model.head(value, CLASSES), axis=1)
        flat.append(model.node("Reshape", joined, model.ints(1, 64 + CLASSES, -1)))
    rows = model.node("Concat", *flat, axis=2)
    bins, classes = model.node("Split", rows, model.ints(64, CLASSES), axis=1, outputs=2), None
    classes = bins + ".1"
    bins = model.node("Transpose", model.node("Reshape", bins, model.ints(1, 4, 16, -1)), perm=[0, 2, 1, 3])
    mean = model.constant(np.arange(16, dtype=np.float32).reshape(1, 16, 1, 1))
    edges = model.node("Conv", model.node("Softmax", bins, axis=1), mean, kernel_shape=[1, 1])
    edges = model.node("Reshape", edges, model.ints(1, 4, -1))
    centre = np.concatenate([centres(rows, columns) + 0.5 for rows, columns, _ in LEVELS]).T[None]
    strides = np.concatenate([np.full(rows * columns, stride, np.float32) for rows, columns, stride in LEVELS])[None, None]
    least = model.node("Sub", model.constant(centre), model.slice(edges, 0, 2, 1))
    most = model.node("Add", model.constant(centre), model.slice(edges, 2, 4, 1))
    middle = model.node("Div", model.node("Add", least, most), model.number(2))
    boxes = model.node("Concat", middle, model.node("Sub", most, least), axis=1)
    boxes = model.node("Mul", boxes, model.constant(strides))
    return model, [model.node("Concat", boxes, model.node("Sigmoid", classes), axis=1)]


def found(name, outputs):
    """Classes, scores and corners of all rows."""
    if name == "ssd":
        return outputs[0][0][:, 1:], outputs[1][0]
    rows = outputs[0][0].T if name == "distribution" else outputs[0][0]
    classes = rows[:, 4:] if name == "distribution" else rows[:, 5:] * rows[:, 4:5]
    position, half = rows[:, :2], rows[:, 2:4] / 2
    corners = np.concatenate([position - half, position + half], axis=1)
    return classes, corners / np.array([WIDTH, HEIGHT, WIDTH, HEIGHT])


def expected(name, path):
    values = (picture().astype(np.float32) - 127.5) / 127.5
    outputs = ReferenceEvaluator(onnx.load(path)).run(None, {"image": values.transpose(2, 0, 1)[None]})
    scores, corners = found(name, outputs)
    ordered = np.sort(scores.reshape(-1))[::-1]
    # In the widest gap around the wanted number, so that no rounding moves a box across.
    cut = max(range(FOUND - 8, FOUND + 8), key=lambda index: ordered[index - 1] - ordered[index])
    threshold = (ordered[cut - 1] + ordered[cut]) / 2
    boxes = sorted(((scores[row, label], label, row) for row, label in zip(*np.where(scores > threshold))), reverse=True)
    words = [f"{label} {score:.6f} " + " ".join(f"{edge:.6f}" for edge in corners[row]) for score, label, row in boxes]
    return f"{path.name}\t{threshold:.6f}\t" + " ".join(words)


if __name__ == "__main__":
    generate_onnx.random = np.random.default_rng(20261124)
    (HERE / "models" / "detectors").mkdir(exist_ok=True)
    lines = []
    builds = {"ssd": ssd, "yolo_exponential": lambda: yolo(False), "yolo_square": lambda: yolo(True), "yolox": yolox,
              "distribution": distribution}
    for name, build in builds.items():
        model, outputs = build()
        file = f"detectors/{name}.onnx"
        model.write(file, outputs)
        lines.append(expected(name, HERE / "models" / file))
    (HERE / "expected_detectors.tsv").write_text("\n".join(lines) + "\n")
