"""Writes the small TFLite fixtures in models/ and expected_tflite.tsv with LiteRT's float outputs.

    pip install ai-edge-litert==2.3.0 numpy
    python generate_tflite.py [folder of real models ...]

Real models are not committed; only samples of their outputs are.
"""

import pathlib
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import interpreter
from ai_edge_litert import schema_py_generated as schema

from golden import line, sequence

HERE = pathlib.Path(__file__).parent
random = np.random.default_rng(20261123)
TYPES = {
    np.dtype(np.float32): schema.TensorType.FLOAT32,
    np.dtype(np.float16): schema.TensorType.FLOAT16,
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.int32): schema.TensorType.INT32,
}


class Model:
    """A graph under construction; tensors are numbered as they are made."""

    def __init__(self):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []
        self.model.subgraphs = [self.graph]

    def tensor(self, name, shape, dtype=np.float32, quantization=None, data=None):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, list(shape), TYPES[np.dtype(dtype)]
        if quantization is not None:
            scales, points, axis = quantization
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = scales, points
            tensor.quantization.quantizedDimension = axis
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, name, values, quantization=None):
        return self.tensor(name, values.shape, values.dtype, quantization, values)

    def input(self, name, shape):
        index = self.tensor(name, shape)
        self.graph.inputs.append(index)
        return index

    def node(self, operator, inputs, shape, options=None, name=None, dtype=np.float32):
        code = getattr(schema.BuiltinOperator, operator)
        entry = schema.OperatorCodeT()
        entry.builtinCode, entry.deprecatedBuiltinCode, entry.version = code, min(code, 127), 1
        codes = [each.builtinCode for each in self.model.operatorCodes]
        if code not in codes:
            self.model.operatorCodes.append(entry)
            codes.append(code)
        output = self.tensor(name or f"{operator.lower()}.{len(self.graph.operators)}", shape, dtype)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = codes.index(code), inputs, [output]
        if options is not None:
            made.builtinOptions = options
            made.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        self.graph.operators.append(made)
        return output

    def write(self, file, outputs):
        self.graph.outputs = outputs
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        (HERE / "models" / file).write_bytes(bytes(builder.Output()))


def options(kind, **fields):
    made = getattr(schema, kind + "OptionsT")()
    for name, value in fields.items():
        assert hasattr(made, name), name
        setattr(made, name, value)
    return made


SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
FUSED = schema.ActivationFunctionType


def weights(*shape):
    return random.normal(0, (2 / max(1, np.prod(shape[1:]))) ** 0.5, shape).astype(np.float32)


def conv(model, source, shape, kernel, stride=1, padding=SAME, fused=FUSED.RELU, dilation=1, out=None):
    filters = model.constant("w", weights(out, kernel, kernel, shape[3]))
    inputs = [source, filters, model.constant("b", weights(out))]
    reach = (kernel - 1) * dilation + 1
    if padding == SAME:
        size = [-(-extent // stride) for extent in shape[1:3]]
    else:
        size = [(extent - reach) // stride + 1 for extent in shape[1:3]]
    made = options("Conv2D", padding=padding, strideH=stride, strideW=stride, fusedActivationFunction=fused,
                   dilationHFactor=dilation, dilationWFactor=dilation)
    shape = [1, *size, out]
    return model.node("CONV_2D", inputs, shape, made), shape


def depthwise(model, source, shape, kernel, stride=1, padding=SAME, fused=FUSED.RELU6, multiplier=1):
    out = shape[3] * multiplier
    filters = model.constant("w", weights(kernel * kernel, out).reshape(1, kernel, kernel, out))
    if padding == SAME:
        size = [-(-extent // stride) for extent in shape[1:3]]
    else:
        size = [(extent - kernel) // stride + 1 for extent in shape[1:3]]
    made = options("DepthwiseConv2D", padding=padding, strideH=stride, strideW=stride, depthMultiplier=multiplier,
                   fusedActivationFunction=fused, dilationHFactor=1, dilationWFactor=1)
    shape = [1, *size, out]
    return model.node("DEPTHWISE_CONV_2D", [source, filters, model.constant("b", weights(out))], shape, made), shape


def windows():
    """Every sliding window, with odd extents."""
    model = Model()
    shape = [1, 13, 11, 3]
    value = model.input("image", shape)
    value, shape = conv(model, value, shape, 3, 2, fused=FUSED.RELU6, out=6)
    value, shape = depthwise(model, value, shape, 3, multiplier=2)
    dilated, dilated_shape = conv(model, value, shape, 3, dilation=2, fused=FUSED.NONE, out=5)
    average = model.node("AVERAGE_POOL_2D", [value], [1, 4, 3, 12],
                         options("Pool2D", padding=SAME, strideH=2, strideW=2, filterHeight=3, filterWidth=3))
    largest = model.node("MAX_POOL_2D", [dilated], [1, 3, 2, 5],
                         options("Pool2D", padding=VALID, strideH=2, strideW=2, filterHeight=3, filterWidth=3))
    valid, _ = depthwise(model, dilated, dilated_shape, 5, stride=2, padding=VALID, fused=FUSED.RELU_N1_TO_1)
    model.write("windows.tflite", [average, largest, valid])


def pointwise():
    """Operators of single numbers, broadcasts, joins, padding and resizing."""
    model = Model()
    value = model.input("image", [1, 4, 5, 6])
    factor = model.constant("factor", weights(6) * 2)
    offset = model.constant("offset", weights(1, 1, 6))
    scaled = model.node("MUL", [value, factor], [1, 4, 5, 6], options("Mul"))
    shifted = model.node("SUB", [scaled, offset], [1, 4, 5, 6], options("Sub", fusedActivationFunction=FUSED.NONE))
    outputs = []
    for operator, made in [("LOGISTIC", None), ("TANH", None), ("RELU", None), ("RELU6", None),
                           ("RELU_N1_TO_1", None), ("HARD_SWISH", options("HardSwish")),
                           ("LEAKY_RELU", options("LeakyRelu", alpha=0.25)), ("SOFTMAX", options("Softmax", beta=1.5))]:
        outputs.append(model.node(operator, [shifted], [1, 4, 5, 6], made))
    joined = model.node("CONCATENATION", [outputs[0], shifted, outputs[3]], [1, 4, 5, 18],
                        options("Concatenation", axis=-1, fusedActivationFunction=FUSED.NONE))
    paddings = model.constant("paddings", np.array([[0, 0], [1, 2], [0, 1], [3, 0]], np.int32))
    padded = model.node("PAD", [joined, paddings], [1, 7, 6, 21], options("Pad"))
    mean = model.node("MEAN", [padded, model.constant("axes", np.array([1, -2], np.int32))], [1, 21],
                      options("Reducer", keepDims=False))
    size = model.constant("size", np.array([7, 9], np.int32))
    for align, centers in [(False, False), (True, False), (False, True)]:
        for operator, kind in [("RESIZE_BILINEAR", "ResizeBilinear"),
                               ("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighbor")]:
            made = options(kind, alignCorners=align, halfPixelCenters=centers)
            outputs.append(model.node(operator, [shifted, size], [1, 7, 9, 6], made))
    model.write("pointwise.tflite", outputs + [joined, padded, mean])


def classifier():
    """fp16 weights behind DEQUANTIZE, a residual, a squeeze and a dense tail without a bias."""
    model = Model()
    shape = [1, 8, 8, 4]
    value = model.input("image", shape)

    def half(name, values):
        stored = model.constant(name, values.astype(np.float16))
        return model.node("DEQUANTIZE", [stored], values.shape, options("Dequantize"))

    made = options("Conv2D", padding=SAME, strideH=1, strideW=1, fusedActivationFunction=FUSED.NONE,
                   dilationHFactor=1, dilationWFactor=1)
    branch = model.node("CONV_2D", [value, half("w", weights(4, 3, 3, 4)), half("b", weights(4))], shape, made)
    total = model.node("ADD", [value, branch], shape, options("Add", fusedActivationFunction=FUSED.NONE))
    active = model.node("RELU", [total], shape)
    pool = model.node("AVERAGE_POOL_2D", [active], [1, 1, 1, 4],
                      options("Pool2D", padding=VALID, strideH=8, strideW=8, filterHeight=8, filterWidth=8))
    flat = model.node("SQUEEZE", [pool], [1, 4], options("Squeeze", squeezeDims=[1, 2]))
    dense = model.node("FULLY_CONNECTED", [flat, half("d", weights(7, 4)), -1], [1, 7],
                       options("FullyConnected", fusedActivationFunction=FUSED.NONE))
    scores = model.node("SOFTMAX", [dense], [1, 7], options("Softmax", beta=1.0))
    model.write("classifier.tflite", [scores, dense])


def expected(path, seed):
    runner = interpreter.Interpreter(
        str(path), experimental_op_resolver_type=interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    runner.allocate_tensors()
    for index, details in enumerate(runner.get_input_details()):
        values = sequence(seed + index, int(np.prod(details["shape"])))
        runner.set_tensor(details["index"], values.reshape(details["shape"]))
    runner.invoke()
    for index, details in enumerate(runner.get_output_details()):
        yield line(path.name, seed, index, runner.get_tensor(details["index"]))


if __name__ == "__main__":
    windows()
    pointwise()
    classifier()
    lines = [text for path in sorted((HERE / "models").glob("*.tflite")) for text in expected(path, 1)]
    wanted = {"ad01_fp32.tflite", "vww_96_float.tflite", "pretrainedResnet.tflite",
              "face_detection_short_range.tflite"}
    for folder in sys.argv[1:]:
        for path in sorted(pathlib.Path(folder).rglob("*.tflite")):
            if path.name in wanted:
                lines += [text for seed in (1, 2) for text in expected(path, seed)]
    (HERE / "expected_tflite.tsv").write_text("\n".join(lines) + "\n")
