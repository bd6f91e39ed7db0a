#!/usr/bin/env python3
"""Writes wide.tsv: what TFLite Micro answers on int16 activations, with int8 weights and int64 biases.

Needs `pip install tflite-micro numpy`. Each line is an operator and key=value: shapes, window, scales (the shortest
decimals of a binary32), constants, and the input and output of one run as little-endian hex. The lines that start with #
say which TFLite Micro answered and from which seed the numbers come.
"""

import math
import os

import numpy as np
from tflite_micro.python.tflite_micro import _version, runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

SEED = 20261125
TYPES = {"int8": "INT8", "int16": "INT16", "int64": "INT64"}
NONE, RELU, RELU6 = (getattr(schema.ActivationFunctionType, name) for name in ("NONE", "RELU", "RELU6"))
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID

random = np.random.default_rng(SEED)
lines = []


class Tensor:
    """An activation, or a constant with data."""

    def __init__(self, shape, scales, type="int16", data=None, axis=0, zero_point=0):
        self.shape, self.axis, self.zero_point = list(shape), axis, zero_point
        self.scales = [float(np.float32(s)) for s in np.atleast_1d(scales)]
        self.data = data
        self.type = type if data is None else str(data.dtype)


def model_bytes(operator, options, inputs, output):
    model = schema.ModelT()
    model.version, model.buffers = 3, [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors = []
    for index, tensor in enumerate([*inputs, output]):
        t = schema.TensorT()
        t.name, t.shape, t.type = f"tensor_{index}", tensor.shape, getattr(schema.TensorType, TYPES[tensor.type])
        if tensor.data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(tensor.data.tobytes(), np.uint8)
            t.buffer = len(model.buffers)
            model.buffers.append(buffer)
        t.quantization = schema.QuantizationParametersT()
        t.quantization.scale = tensor.scales
        t.quantization.zeroPoint = [tensor.zero_point] * len(tensor.scales)
        t.quantization.quantizedDimension = tensor.axis
        graph.tensors.append(t)
    graph.inputs = [i for i, tensor in enumerate(inputs) if tensor.data is None]
    graph.outputs = [len(inputs)]
    node = schema.OperatorT()
    node.opcodeIndex, node.inputs, node.outputs = 0, list(range(len(inputs))), graph.outputs
    if options is not None:
        node.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        node.builtinOptions = options
    graph.operators = [node]
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, operator)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = 7
    model.operatorCodes, model.subgraphs = [code], [graph]
    builder = schema.flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def case(operator, options, inputs, output, most=32767, **keys):
    """Runs one operator on random values up to `most`, and keeps everything."""
    interpreter = runtime.Interpreter.from_bytes(model_bytes(operator, options, inputs, output), arena_size=1 << 20)
    variable = [tensor for tensor in inputs if tensor.data is None]
    for index, tensor in enumerate(variable):
        least, most_here = (-128, 127) if tensor.type == "int8" else (-most - 1, most)
        values = random.integers(least, most_here + 1, tensor.shape).astype(tensor.type)
        interpreter.set_input(values, index)
        keys |= {f"input_{index}": tensor.shape, f"scale_{index}": repr(tensor.scales[0])}
        keys |= {f"zero_point_{index}": tensor.zero_point, f"values_{index}": values.tobytes().hex()}
    interpreter.invoke()
    answer = interpreter.get_output(0)
    assert len(np.unique(answer)) >= 5, operator
    keys |= {"output": output.shape, "scale": repr(output.scales[0]), "zero_point": output.zero_point}
    keys |= {"type": output.type, "answer": answer.tobytes().hex()}
    text = "\t".join(f"{k}={','.join(map(str, v)) if isinstance(v, (list, tuple)) else v}" for k, v in keys.items())
    lines.append(f"{operator}\t{text}")


def window(size, filter_size, stride, dilation, padding):
    reach = (filter_size - 1) * dilation + 1
    output = -(-size // stride) if padding == SAME else -(-(size - reach + 1) // stride)
    return output, max(0, (output - 1) * stride + reach - size) // 2


def geometry(shape, filter_hw, stride, dilation, padding):
    (height, top), (width, left) = (
        window(shape[1 + i], filter_hw[i], stride[i], dilation[i], padding) for i in range(2)
    )
    return [height, width], {"filter": filter_hw, "stride": stride, "dilation": dilation, "padding": [top, left]}


def clamp(activation, scale):
    low = -32768 if activation == NONE else 0
    six = int(np.float32(6) / np.float32(scale) + np.float32(0.5))
    return {"activation": [low, min(32767, six) if activation == RELU6 else 32767]}


def constants(shape, products, channels, axis, in_scale, most=32767):
    """Weights, bias, and an output scale that leaves few outputs saturated."""
    weights = random.integers(-127, 128, shape).astype(np.int8)
    scales = np.float32(0.01 * (random.uniform(0.5, 2.0, channels) if axis is not None else np.ones(1)))
    deviation = 74 * 0.577 * most * math.sqrt(products)
    # Beyond 32 bits where many are added up.
    bias = random.integers(-int(3 * deviation), int(3 * deviation) + 1, channels).astype(np.int64)
    weight = Tensor(shape, scales, data=weights, axis=axis or 0)
    keys = {"weight_scales": [repr(s) for s in weight.scales]}
    keys |= {"weights": weights.tobytes().hex(), "bias": bias.tobytes().hex()}
    return weight, Tensor([channels], np.float32(in_scale) * scales, data=bias), deviation * in_scale * 0.01 / 9000, keys


def conv(shape, channels, filter_hw, stride=(1, 1), dilation=(1, 1), padding=SAME, activation=NONE, per_channel=True,
         multiplier=None, most=32767, groups=1):
    # Small enough that some outputs are below 6.
    in_scale = float(np.float32(0.00005 if activation == RELU6 else 0.0007))
    depthwise = multiplier is not None
    channels = shape[3] * multiplier if depthwise else channels
    weights_shape = [1, *filter_hw, channels] if depthwise else [channels, *filter_hw, shape[3] // groups]
    products = math.prod(filter_hw) * (1 if depthwise else shape[3] // groups)
    axis = (3 if depthwise else 0) if per_channel else None
    weights, bias, natural, keys = constants(weights_shape, products, channels, axis, in_scale, most)
    hw, window_keys = geometry(shape, filter_hw, stride, dilation, padding)
    output = Tensor([shape[0], *hw, channels], natural)
    options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
    if depthwise:
        options.depthMultiplier = multiplier
    options.padding, options.fusedActivationFunction = padding, activation
    options.strideH, options.strideW = stride
    options.dilationHFactor, options.dilationWFactor = dilation
    case("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", options, [Tensor(shape, in_scale), weights, bias], output,
         most, groups=groups, **window_keys, **keys, **clamp(activation, output.scales[0]))


def fully_connected(batches, inputs, outputs, activation=NONE):
    in_scale = float(np.float32(0.0003))
    weights, bias, natural, keys = constants([outputs, inputs], inputs, outputs, None, in_scale)
    output = Tensor([batches, outputs], natural)
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = activation
    case("FULLY_CONNECTED", options, [Tensor([batches, inputs], in_scale), weights, bias], output,
         **keys, **clamp(activation, output.scales[0]))


def pool(operator, shape, filter_hw, stride, padding, activation=NONE):
    options = schema.Pool2DOptionsT()
    options.filterHeight, options.filterWidth = filter_hw
    options.strideH, options.strideW = stride
    options.padding, options.fusedActivationFunction = padding, activation
    hw, keys = geometry(shape, filter_hw, stride, (1, 1), padding)
    scale = 0.0004
    case(operator, options, [Tensor(shape, scale)], Tensor([shape[0], *hw, shape[3]], scale),
         **keys, **clamp(activation, scale))


def add(shape, scales, out_scale, activation=NONE):
    options = schema.AddOptionsT()
    options.fusedActivationFunction = activation
    case("ADD", options, [Tensor(shape, s) for s in scales], Tensor(shape, out_scale), **clamp(activation, out_scale))


def quantize(types, scales, zero_points, most=32767):
    inputs = [Tensor([1, 200], scales[0], types[0], zero_point=zero_points[0])]
    output = Tensor([1, 200], scales[1], types[1], zero_point=zero_points[1])
    case("QUANTIZE", schema.QuantizeOptionsT(), inputs, output, most)


conv([1, 5, 6, 3], 4, (3, 3))
conv([1, 7, 5, 4], 5, (3, 3), stride=(2, 2), activation=RELU6)
conv([2, 4, 4, 8], 3, (1, 1), activation=RELU)
conv([1, 6, 7, 2], 3, (3, 2), dilation=(2, 2), padding=VALID)
conv([1, 3, 3, 70], 2, (3, 3), per_channel=False)
conv([1, 4, 3, 5], 3, (2, 3), most=10)  # a factor above 1
conv([1, 5, 4, 6], 4, (3, 2), groups=2, dilation=(1, 2))
conv([1, 6, 5, 5], None, (3, 3), multiplier=1)
conv([1, 7, 6, 3], None, (3, 3), stride=(2, 1), multiplier=2, activation=RELU6)
conv([1, 3, 4, 37], None, (2, 2), padding=VALID, multiplier=1, activation=RELU)
fully_connected(1, 40, 7)
fully_connected(3, 300, 8, RELU)
pool("AVERAGE_POOL_2D", [1, 6, 5, 3], (2, 2), (2, 2), VALID)
pool("AVERAGE_POOL_2D", [1, 5, 5, 20], (3, 3), (1, 1), SAME, RELU6)
pool("AVERAGE_POOL_2D", [1, 7, 7, 8], (7, 7), (1, 1), VALID)
pool("MAX_POOL_2D", [1, 6, 5, 3], (2, 2), (2, 2), VALID)
pool("MAX_POOL_2D", [1, 5, 5, 4], (3, 2), (1, 1), SAME, RELU)
add([1, 4, 5, 3], (0.0004, 0.0004), 0.0007)
add([1, 4, 5, 3], (0.0004, 0.00003), 0.0004)
add([1, 30], (0.0002, 0.0003), 0.0001, RELU6)
quantize(("int8", "int16"), (0.02, 0.02), (-17, 0))
quantize(("int8", "int16"), (0.02, 0.0001), (5, 0))
quantize(("int16", "int8"), (0.0001, 0.02), (0, -17))
quantize(("int16", "int8"), (0.02, 0.01), (0, 3), most=100)
quantize(("int16", "int16"), (0.0002, 0.00031), (0, 0))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "wide.tsv"), "w") as file:
    file.write(f"# tflite-micro {_version.__version__}, numpy.random.default_rng({SEED}), written by generate_wide.py\n")
    file.write("operator\tkey=value\n" + "".join(line + "\n" for line in lines))
