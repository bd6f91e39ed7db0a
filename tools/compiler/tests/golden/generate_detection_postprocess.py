"""Writes small detectors that end in TFLite_Detection_PostProcess to models/detectors/, and the boxes that LiteRT, which
has that operator built in, gives for them to expected_detection_postprocess.tsv, in the form of generate_detectors.py.

    pip install ai-edge-litert==2.3.0 flatbuffers numpy onnx==1.23.2
    python generate_detection_postprocess.py

`efficientdet_like` is float, without a background column, its boxes in whole anchors; `ssd_like` is int8 with background
and variances, its anchors float. Both suppress each class for itself. LiteRT's reference kernels run them, whose integers
are TFLite Micro's; its optimized ones round otherwise.
"""

import numpy as np
from ai_edge_litert import interpreter
from flatbuffers import flexbuffers

import generate_tflite
from generate_detectors import CLASSES, FOUND, HEIGHT, LEVELS, WIDTH, centres, picture
from generate_tflite import FUSED, HERE, SAME, Model, options, schema, weights

OPERATOR = "TFLite_Detection_PostProcess"
OVERLAP = 0.99


class Detector(Model):
    """Float, or int8 with scales from the ranges of the float one's tensors, which have the same names."""

    def __init__(self, ranges=None):
        super().__init__()
        self.ranges = ranges

    def scale(self, name, like=None):
        """Symmetric scale of a tensor; joins and reshapes share theirs."""
        return float(self.ranges[like or name] / 127)

    def result(self, operator, inputs, shape, made, name, like=None):
        if self.ranges is None:
            return self.node(operator, inputs, shape, made, name)
        output = self.node(operator, inputs, shape, made, name, np.int8)
        point, scale = (-128, 1 / 256) if operator == "LOGISTIC" else (0, self.scale(name, like))
        self.graph.tensors[output].quantization = quantization([scale], [point])
        return output

    def conv(self, name, value, source, shape, kernel, stride, out, fused):
        values, bias = weights(out, kernel, kernel, shape[3]), weights(out) * 0.1
        if self.ranges is not None:
            steps = np.abs(values).max(axis=(1, 2, 3)) / 127
            values = np.round(values / steps[:, None, None, None]).astype(np.int8)
            product = steps * self.scale(source)
            bias = np.round(bias / product).astype(np.int32)
            kept = [(steps.tolist(), [0] * out, 0), (product.tolist(), [0] * out, 0)]
        else:
            kept = [None, None]
        inputs = [value, self.constant(name + "/w", values, kept[0]), self.constant(name + "/b", bias, kept[1])]
        made = options("Conv2D", padding=SAME, strideH=stride, strideW=stride, fusedActivationFunction=fused,
                       dilationHFactor=1, dilationWFactor=1)
        shape = [1, *(-(-extent // stride) for extent in shape[1:3]), out]
        return self.result("CONV_2D", inputs, shape, made, name), shape

    def post_process(self, inputs, scales, threshold):
        builder = flexbuffers.Builder()
        with builder.Map():
            for name, value in {"max_detections": 200, "max_classes_per_detection": 1, "detections_per_class": 200,
                                "num_classes": CLASSES}.items():
                builder.Key(name)
                builder.Int(value)
            builder.Key("use_regular_nms")
            builder.Bool(True)
            for name, value in {"nms_score_threshold": threshold, "nms_iou_threshold": OVERLAP, "x_scale": scales[0],
                                "y_scale": scales[0], "w_scale": scales[1], "h_scale": scales[1]}.items():
                builder.Key(name)
                builder.Float(value)
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
        code.customCode, code.version = OPERATOR, 1
        self.model.operatorCodes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs = len(self.model.operatorCodes) - 1, inputs
        # As converters leave them, without shapes.
        made.outputs = [self.tensor(f"{OPERATOR}:{index}", []) for index in range(4)]
        made.customOptions = np.frombuffer(bytes(builder.Finish()), np.uint8)
        self.graph.operators.append(made)
        return made.outputs


def quantization(scales, points):
    made = schema.QuantizationParametersT()
    made.scale, made.zeroPoint, made.quantizedDimension = scales, points, 0
    return made


def build(file, columns, scales, threshold, ranges=None):
    generate_tflite.random = np.random.default_rng(20261125)
    model = Detector(ranges)
    shape = [1, HEIGHT, WIDTH, 3]
    value = model.input("image", shape)
    if ranges is not None:
        tensor = model.graph.tensors[value]
        tensor.type, tensor.quantization = schema.TensorType.INT8, quantization([1 / 128], [0])
    value, shape = model.conv("stem", value, "image", shape, 3, 2, 8, FUSED.RELU)
    fine, fine_shape = model.conv("fine", value, "stem", shape, 3, 2, 16, FUSED.RELU)
    coarse, coarse_shape = model.conv("coarse", fine, "fine", fine_shape, 3, 2, 16, FUSED.RELU)
    sizes, joined, anchors = [[2.5, 2], [4, 5]], {"scores": [], "boxes": []}, []
    for (name, value, shape), (rows, columns_, stride) in zip(
            [("fine", fine, fine_shape), ("coarse", coarse, coarse_shape)], LEVELS):
        for what, width in [("scores", columns), ("boxes", 4)]:
            head, _ = model.conv(f"{name} {what}", value, name, shape, 1, 1, 2 * width, FUSED.NONE)
            flat = [1, rows * columns_ * 2, width]
            made = options("Reshape", newShape=flat)
            joined[what].append(model.result("RESHAPE", [head], flat, made, f"{name} {what} rows", f"all {what}"))
            if ranges is not None:
                model.graph.tensors[head].quantization = quantization([model.scale(f"all {what}")], [0])
        centre = (centres(rows, columns_) + 0.5) * np.array([stride / WIDTH, stride / HEIGHT])
        anchors += [[y, x, tall * stride / HEIGHT, wide * stride / WIDTH] for x, y in centre for tall, wide in sizes]
    join = {}
    for what, width in [("scores", columns), ("boxes", 4)]:
        made = options("Concatenation", axis=1, fusedActivationFunction=FUSED.NONE)
        join[what] = model.result("CONCATENATION", joined[what], [1, len(anchors), width], made, f"all {what}")
    scores = model.result("LOGISTIC", [join["scores"]], [1, len(anchors), columns], None, "probabilities")
    ends = [join["boxes"], scores]
    if ranges is not None:
        ends = [model.node("DEQUANTIZE", [end], [1, len(anchors), width], options("Dequantize"))
                for end, width in zip(ends, [4, columns])]
    ends.append(model.constant("anchors", np.array(anchors, np.float32)))
    results = model.post_process(ends, scales, threshold)
    model.write(file, results)


def run(file):
    runner = interpreter.Interpreter(
        str(HERE / "models" / file), experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=interpreter.OpResolverType.BUILTIN_REF)
    runner.allocate_tensors()
    entry = runner.get_input_details()[0]
    values = (picture().astype(np.float32) - 127.5) / 127.5
    if entry["dtype"] == np.int8:
        values = np.clip(np.round(values * 128), -128, 127).astype(np.int8)
    runner.set_tensor(entry["index"], values[None])
    runner.invoke()
    return runner


def boxes(runner):
    """Boxes, classes, scores, count."""
    return [runner.get_tensor(details["index"]) for details in runner.get_output_details()]


def expected(name, columns, scales, quantized):
    file, ranges = f"detectors/{name}.tflite", None
    build(file, columns, scales, 0.01)
    if quantized:
        runner = run(file)
        ranges = {details["name"]: np.abs(runner.get_tensor(details["index"])).max()
                  for details in runner.get_tensor_details() if details["shape"].size}
        ranges["image"] = 127 / 128
        build(file, columns, scales, 0.01, ranges)
    ordered = boxes(run(file))[2][0]
    # In the widest gap around the wanted number, so that no rounding moves a box across.
    cut = max(range(FOUND - 8, FOUND + 8), key=lambda index: ordered[index - 1] - ordered[index])
    threshold = float((ordered[cut - 1] + ordered[cut]) / 2)
    build(file, columns, scales, threshold, ranges)
    corners, classes, found, count = boxes(run(file))
    assert int(count[0]) == cut, (count, cut)
    words = [f"{int(label)} {score:.6f} {left:.6f} {top:.6f} {right:.6f} {bottom:.6f}"
             for (top, left, bottom, right), label, score in zip(corners[0][:cut], classes[0], found[0])]
    return f"{name}.tflite\t{threshold:.6f}\t" + " ".join(words)


if __name__ == "__main__":
    lines = [expected("efficientdet_like", CLASSES, (1.0, 1.0), False),
             expected("ssd_like", CLASSES + 1, (10.0, 5.0), True)]
    (HERE / "expected_detection_postprocess.tsv").write_text("\n".join(lines) + "\n")
