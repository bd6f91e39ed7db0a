#!/usr/bin/env python3
"""Writes the golden vectors: what TFLite Micro answers, operator by operator.

Needs `pip install tflite-micro numpy`. Run it from anywhere; it rewrites, next to itself,

  models/*.tflite  one int8 operator each, weights random
  vectors.tsv      model, seed, shift, output bytes in hex. The inputs are filled in order from one
                   xorshift32 stream (x ^= x << 13; x ^= x >> 17; x ^= x << 5) that starts at the
                   seed: byte k is the low byte of the k-th state as int8, shifted right by `shift`.
  layers.tsv       model, operator and what stands in the file as key=value, for tests that call
                   kernels without a compiler. Scales are the shortest decimals of a binary32.
  unary.tsv        operator, input scale and zero point, output scale and zero point, parameter
                   (slope of LEAKY_RELU, otherwise 0), outputs for -128 to 127 in hex

The lines that start with # say which TFLite Micro answered and from which seed the weights come.
"""

import math
import os

import numpy as np
from tflite_micro.python.tflite_micro import _version, runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

SEED = 20261123
HERE = os.path.dirname(os.path.abspath(__file__))
HEADER = f"# tflite-micro {_version.__version__}, numpy.random.default_rng({SEED}), written by generate.py\n"

NONE, RELU, RELU6 = (getattr(schema.ActivationFunctionType, name) for name in ("NONE", "RELU", "RELU6"))
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID

random = np.random.default_rng(SEED)


def scale(value):
    """A scale as the file stores it."""
    return float(np.float32(value))


class Tensor:
    """An int8 tensor, or a constant of any type."""

    places = False  # int32 in the file, counted from -128 in the answers

    def __init__(self, shape, scales=None, zero_point=0, data=None, axis=0):
        self.shape, self.zero_point, self.axis = list(shape), zero_point, axis
        self.scales = None if scales is None else [scale(s) for s in np.atleast_1d(scales)]
        self.data = None if data is None else np.asarray(data)

    def text(self):
        return f"{self.scales[0]!r},{self.zero_point}"


def model_bytes(operator, options, inputs, outputs):
    """A model of one operator; tensors with data are constants."""
    outputs = outputs if isinstance(outputs, list) else [outputs]
    model = schema.ModelT()
    model.version = 3
    model.description = "Ocelli golden vector"
    model.buffers = [schema.BufferT()]
    graph = schema.SubGraphT()
    graph.tensors = []
    for index, tensor in enumerate([*inputs, *outputs]):
        t = schema.TensorT()
        t.name = f"{'output' if index >= len(inputs) else 'input'}_{index}"
        t.shape = tensor.shape
        t.type = schema.TensorType.INT32 if tensor.places else schema.TensorType.INT8
        if tensor.data is not None:
            t.type = {"int8": schema.TensorType.INT8, "int32": schema.TensorType.INT32}[str(tensor.data.dtype)]
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(tensor.data.tobytes(), np.uint8)
            t.buffer = len(model.buffers)
            model.buffers.append(buffer)
        if tensor.scales is not None:
            t.quantization = schema.QuantizationParametersT()
            t.quantization.scale = tensor.scales
            t.quantization.zeroPoint = [tensor.zero_point] * len(tensor.scales)
            t.quantization.quantizedDimension = tensor.axis
        graph.tensors.append(t)
    variable = [i for i, tensor in enumerate(inputs) if tensor.data is None]
    graph.inputs, graph.outputs = variable, list(range(len(inputs), len(inputs) + len(outputs)))
    node = schema.OperatorT()
    node.opcodeIndex = 0
    node.inputs, node.outputs = list(range(len(inputs))), graph.outputs
    if options is not None:
        node.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        node.builtinOptions = options
    graph.operators = [node]
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, operator)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = 3
    model.operatorCodes, model.subgraphs = [code], [graph]
    builder = schema.flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def xorshift32(seed, count, shift):
    """The input sequence; `count` may be spread over several tensors."""
    values, x = np.empty(count, np.int8), seed
    for k in range(count):
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        values[k] = np.int8(np.uint8(x & 0xFF).view(np.int8) >> shift)
    return values


def run(model, inputs, values, count=1):
    """TFLite Micro's answer to a run of bytes, dealt out to the inputs in order: all outputs, one after another."""
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=1 << 20)
    for index, tensor in enumerate(tensor for tensor in inputs if tensor.data is None):
        size = math.prod(tensor.shape)
        interpreter.set_input(values[:size].reshape(tensor.shape), index)
        values = values[size:]
    assert values.size == 0
    interpreter.invoke()
    outputs = [interpreter.get_output(index) for index in range(count)]
    # Places count from -128.
    outputs = [output - 128 if output.dtype == np.int32 else output for output in outputs]
    return np.concatenate([output.astype(np.int8).ravel() for output in outputs])


models, vectors, layers, unary = {}, [], [], []


def hexed(array):
    return np.asarray(array).tobytes().hex()


def case(name, operator, options, inputs, output, runs=((1, 0), (2, 0), (3, 2)), **keys):
    """Builds a model, runs it on some inputs and keeps everything."""
    name += ".tflite"
    assert name not in models, name
    model = model_bytes(operator, options, inputs, output)
    assert len(model) < 20_000, (name, len(model))
    models[name] = model
    size = sum(math.prod(tensor.shape) for tensor in inputs if tensor.data is None)
    for seed, shift in runs:
        answer = run(model, inputs, xorshift32(seed, size, shift), len(output) if isinstance(output, list) else 1)
        if operator not in ("SOFTMAX", "LOGISTIC", "TANH", "HARD_SWISH") and "saturated" not in name:
            assert np.mean((answer == 127) | (answer == -128)) < 0.7, (name, seed)
        vectors.append(f"{name}\t{seed}\t{shift}\t{hexed(answer)}")
    first = next(tensor for tensor in inputs if tensor.data is None)
    output = output[0] if isinstance(output, list) else output
    keys = {"input": first.shape, "output": output.shape, **keys}
    keys |= {"input_q": first.text(), "output_q": output.text()}
    text = "\t".join(f"{k}={','.join(map(str, v)) if isinstance(v, (list, tuple)) else v}" for k, v in keys.items())
    layers.append(f"{name}\t{operator}\t{text}")


def window(size, filter_size, stride, dilation, padding):
    """Output size and padding before, as TFLite computes them."""
    reach = (filter_size - 1) * dilation + 1
    output = -(-size // stride) if padding == SAME else -(-(size - reach + 1) // stride)
    return output, max(0, (output - 1) * stride + reach - size) // 2


def activation_range(activation, output):
    """The clamp of a fused activation on the output's scale."""
    six = output.zero_point + int(np.float32(6) / np.float32(output.scales[0]) + np.float32(0.5))
    low = -128 if activation == NONE else max(-128, output.zero_point)
    return [low, min(127, six) if activation == RELU6 else 127]


def geometry(shape, filter_hw, stride, dilation, padding):
    """Output height and width, and the keys that describe the window."""
    (height, top), (width, left) = (
        window(shape[1 + i], filter_hw[i], stride[i], dilation[i], padding) for i in range(2)
    )
    return [height, width], {"filter": filter_hw, "stride": stride, "dilation": dilation, "padding": [top, left]}


def weighted(products, weights_shape, channels, axis, in_scale, reach=127):
    """Random weights, their scales, bias, and an output scale that leaves few outputs saturated."""
    weights = random.integers(-reach, reach + 1, weights_shape, dtype=np.int8)
    spread = random.uniform(0.5, 2.0, channels) if axis is not None else np.ones(1)
    weight_scales = np.float32(0.02 * spread / max(1, reach / 40))
    deviation = 74 * max(1, reach * 0.58) * math.sqrt(products)
    bias = random.integers(-int(deviation), int(deviation) + 1, channels, dtype=np.int32)
    out_scale = deviation * in_scale * float(np.mean(weight_scales)) / 40
    weight = Tensor(weights_shape, weight_scales, 0, weights, 0 if axis is None else axis)
    bias_scales = np.float32(in_scale) * weight_scales
    bias = Tensor([channels], bias_scales, 0, bias)
    keys = {"weight_scales": [repr(s) for s in weight.scales], "weights": hexed(weights), "bias": hexed(bias.data)}
    return weight, bias, out_scale, keys


def conv(name, shape, channels, filter_hw, stride=(1, 1), dilation=(1, 1), padding=SAME, activation=NONE,
         zero_points=(-5, 3), per_channel=True, reach=127, out_scale=None, in_scale=0.05, groups=1, **more):
    in_scale = scale(in_scale)
    filter_shape = [channels, *filter_hw, shape[3] // groups]
    products = math.prod(filter_hw) * shape[3] // groups
    axis = 0 if per_channel else None
    weights, bias, natural, keys = weighted(products, filter_shape, channels, axis, in_scale, reach)
    hw, window_keys = geometry(shape, filter_hw, stride, dilation, padding)
    output = Tensor([shape[0], *hw, channels], out_scale or natural, zero_points[1])
    options = schema.Conv2DOptionsT()
    options.padding, options.fusedActivationFunction = padding, activation
    options.strideH, options.strideW = stride
    options.dilationHFactor, options.dilationWFactor = dilation
    inputs = [Tensor(shape, in_scale, zero_points[0]), weights, bias]
    clamp = activation_range(activation, output)
    case(name, "CONV_2D", options, inputs, output, **window_keys, **keys, activation=clamp, **more)


def depthwise(name, shape, multiplier, filter_hw, stride=(1, 1), dilation=(1, 1), padding=SAME, activation=NONE,
              zero_points=(-5, 3), per_channel=True, out_scale=None):
    in_scale, channels = scale(0.05), shape[3] * multiplier
    axis = 3 if per_channel else None
    weights, bias, natural, keys = weighted(math.prod(filter_hw), [1, *filter_hw, channels], channels, axis, in_scale)
    hw, window_keys = geometry(shape, filter_hw, stride, dilation, padding)
    output = Tensor([shape[0], *hw, channels], out_scale or natural, zero_points[1])
    options = schema.DepthwiseConv2DOptionsT()
    options.padding, options.fusedActivationFunction = padding, activation
    options.strideH, options.strideW = stride
    options.dilationHFactor, options.dilationWFactor = dilation
    options.depthMultiplier = multiplier
    inputs = [Tensor(shape, in_scale, zero_points[0]), weights, bias]
    clamp = activation_range(activation, output)
    case(name, "DEPTHWISE_CONV_2D", options, inputs, output, **window_keys, **keys, activation=clamp)


def transpose_conv(name, shape, channels, filter_hw, stride, padding=SAME, zero_points=(-5, 3), per_channel=True,
                   with_bias=True):
    in_scale = scale(0.05)
    axis = 0 if per_channel else None
    products = max(shape[3], math.prod(filter_hw) * shape[3] // math.prod(stride))
    weights, bias, natural, keys = weighted(products, [channels, *filter_hw, shape[3]], channels, axis, in_scale)
    if padding == SAME:
        hw = [shape[1 + i] * stride[i] for i in range(2)]
    else:
        hw = [(shape[1 + i] - 1) * stride[i] + filter_hw[i] for i in range(2)]
    before = [max(0, (shape[1 + i] - 1) * stride[i] + filter_hw[i] - hw[i]) // 2 for i in range(2)]
    options = schema.TransposeConvOptionsT()
    options.padding, (options.strideH, options.strideW) = padding, stride
    size = Tensor([4], data=np.array([shape[0], *hw, channels], np.int32))
    output = Tensor([shape[0], *hw, channels], natural, zero_points[1])
    inputs = [size, weights, Tensor(shape, in_scale, zero_points[0])] + [bias] * with_bias
    if not with_bias:
        keys["bias"] = ""
    keys |= {"filter": filter_hw, "stride": stride, "dilation": (1, 1), "padding": before}
    case(name, "TRANSPOSE_CONV", options, inputs, output, **keys, activation=[-128, 127])


def fully_connected(name, batches, depth, channels, activation=NONE, zero_points=(-5, 3), with_bias=True):
    in_scale = scale(0.05)
    weights, bias, natural, keys = weighted(depth, [channels, depth], channels, None, in_scale)
    output = Tensor([batches, channels], natural, zero_points[1])
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = activation
    inputs = [Tensor([batches, depth], in_scale, zero_points[0]), weights] + [bias] * with_bias
    if not with_bias:
        keys["bias"] = ""
    clamp = activation_range(activation, output)
    case(name, "FULLY_CONNECTED", options, inputs, output, **keys, activation=clamp)


def pool(name, operator, shape, filter_hw, stride, padding, activation=NONE, zero_point=-7):
    hw, window_keys = geometry(shape, filter_hw, stride, (1, 1), padding)
    tensor, output = (Tensor(s, 0.07, zero_point) for s in (shape, [shape[0], *hw, shape[3]]))
    options = schema.Pool2DOptionsT()
    options.padding, options.fusedActivationFunction = padding, activation
    options.strideH, options.strideW = stride
    options.filterHeight, options.filterWidth = filter_hw
    clamp = activation_range(activation, output)
    case(name, operator, options, [tensor], output, **window_keys, activation=clamp)


def reduce(name, operator, shape, axes, keep, input_q, output_q):
    output_shape = [1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]
    options = schema.ReducerOptionsT()
    options.keepDims = keep
    axis = Tensor([len(axes)], data=np.array(axes, np.int32))
    case(name, operator, options, [Tensor(shape, *input_q), axis], Tensor(output_shape, *output_q), axes=axes)


def mean(name, shape, axes, keep, input_q, output_q):
    reduce(name, "MEAN", shape, axes, keep, input_q, output_q)


def places(name, operator, shape, axis):
    options = schema.ArgMaxOptionsT() if operator == "ARG_MAX" else schema.ArgMinOptionsT()
    options.outputType = schema.TensorType.INT32
    output = Tensor(shape[:axis] + shape[axis + 1:], 1.0, -128)
    output.places = True
    # Values that are often equal.
    case(name, operator, options, [Tensor(shape, 0.05, -3), Tensor([1], data=np.array([axis], np.int32))], output,
         runs=((1, 0), (2, 6), (3, 5)), axes=[axis])


def batch_matmul(name, left, right, left_q, right_q, output_q, transposed=False):
    options = schema.BatchMatMulOptionsT()
    options.adjY = transposed
    columns = right[-2] if transposed else right[-1]
    inputs = [Tensor(left, *left_q), Tensor(right, *right_q)]
    keys = {"right": right, "right_q": inputs[1].text(), "transposed": int(transposed)}
    case(name, "BATCH_MATMUL", options, inputs, Tensor([*left[:-1], columns], *output_q), **keys)


def binary(name, operator, shape, left_q, right_q, output_q, activation=NONE, right_shape=None, **more):
    kind = {"SQUARED_DIFFERENCE": "SquaredDifference", "MINIMUM": "MaximumMinimum", "MAXIMUM": "MaximumMinimum"}
    options = getattr(schema, f"{kind.get(operator, operator.capitalize())}OptionsT")()
    if hasattr(options, "fusedActivationFunction"):
        options.fusedActivationFunction = activation
    right_shape = right_shape or shape
    broadcast = list(np.broadcast_shapes(shape, right_shape))
    left, right, output = Tensor(shape, *left_q), Tensor(right_shape, *right_q), Tensor(broadcast, *output_q)
    keys = {"right": right_shape, "right_q": right.text(), "activation": activation_range(activation, output)}
    case(name, operator, options, [left, right], output, **keys, **more)


def concatenate(name, shapes, axis):
    options = schema.ConcatenationOptionsT()
    options.axis = axis
    output = list(shapes[0])
    output[axis] = sum(shape[axis] for shape in shapes)
    keys = {"axis": axis % len(output), "parts": [shape[axis] for shape in shapes]}
    inputs = [Tensor(shape, 0.05, -3) for shape in shapes]
    case(name, "CONCATENATION", options, inputs, Tensor(output, 0.05, -3), **keys)


def pad(name, shape, paddings, zero_point=-9):
    output = [n + sum(p) for n, p in zip(shape, paddings)]
    amounts = Tensor([len(shape), 2], data=np.array(paddings, np.int32))
    inputs = [Tensor(shape, 0.05, zero_point), amounts]
    before = [p[0] for p in paddings]
    case(name, "PAD", schema.PadOptionsT(), inputs, Tensor(output, 0.05, zero_point), before=before)


def reshape(name, shape, output):
    options = schema.ReshapeOptionsT()
    options.newShape = output
    target = Tensor([len(output)], data=np.array(output, np.int32))
    case(name, "RESHAPE", options, [Tensor(shape, 0.05, 4), target], Tensor(output, 0.05, 4))


def resize(name, operator, shape, hw, align_corners=False, half_pixel_centers=False):
    kind = "ResizeBilinear" if operator == "RESIZE_BILINEAR" else "ResizeNearestNeighbor"
    options = getattr(schema, f"{kind}OptionsT")()
    options.alignCorners, options.halfPixelCenters = align_corners, half_pixel_centers
    size = Tensor([2], data=np.array(hw, np.int32))
    output = Tensor([shape[0], *hw, shape[3]], 0.05, 4)
    sampling = "align_corners" if align_corners else "half_pixel_centers" if half_pixel_centers else "asymmetric"
    case(name, operator, options, [Tensor(shape, 0.05, 4), size], output, sampling=sampling)


def numbers(values):
    """A constant of integers."""
    return Tensor(np.shape(values), data=np.array(values, np.int32))


def walk(indices):
    """Start and strides that visit the input in the order of `indices`, element numbers in the output's shape."""
    start = int(indices.flat[0])
    unit = np.eye(indices.ndim, dtype=int)
    strides = [int(indices[tuple(unit[k])]) - start if indices.shape[k] > 1 else 0 for k in range(indices.ndim)]
    return {"start": start, "strides": strides}


def move(name, operator, options, shape, constants, pick, first=False):
    """An operator that moves values as `pick` does to numpy's arrays; several outputs where it gives a list."""
    picked = pick(np.arange(math.prod(shape)).reshape(shape))
    outputs = [Tensor(part.shape, 0.05, 4) for part in (picked if isinstance(picked, list) else [picked])]
    tensor = Tensor(shape, 0.05, 4)
    inputs = [*constants, tensor] if first else [tensor, *constants]
    keys = {} if isinstance(picked, list) else walk(picked)
    case(name, operator, options, inputs, outputs if len(outputs) > 1 else outputs[0], **keys)


def gather(name, shape, places, axis):
    options = schema.GatherOptionsT()
    options.axis, options.batchDims = axis, 0
    output = [*shape[:axis], *np.shape(places), *shape[axis + 1:]]
    inputs = [Tensor(shape, 0.05, 4), numbers(places)]
    keys = {"axis": axis, "places": list(np.ravel(places))}
    case(name, "GATHER", options, inputs, Tensor(output, 0.05, 4), **keys)


def mirror_pad(name, shape, paddings, mode):
    options = schema.MirrorPadOptionsT()
    options.mode = getattr(schema.MirrorPadMode, mode)
    output = [n + sum(p) for n, p in zip(shape, paddings)]
    places = np.pad(np.arange(math.prod(shape)).reshape(shape), paddings, mode.lower()).ravel()
    keys = {"axis": 0, "places": list(places)}
    case(name, "MIRROR_PAD", options, [Tensor(shape, 0.05, 4), numbers(paddings)], Tensor(output, 0.05, 4), **keys)


def blocks(name, operator, shape, block):
    kind = "DepthToSpace" if operator == "DEPTH_TO_SPACE" else "SpaceToDepth"
    options = getattr(schema, f"{kind}OptionsT")()
    options.blockSize = block
    n, h, w, c = shape
    if operator == "DEPTH_TO_SPACE":
        output = [n, h * block, w * block, c // block**2]
    else:
        output = [n, h // block, w // block, c * block**2]
    case(name, operator, options, [Tensor(shape, 0.05, 4)], Tensor(output, 0.05, 4))


def strided_slice(name, shape, begin, end, strides, begin_mask=0, end_mask=0, shrink=0):
    options = schema.StridedSliceOptionsT()
    options.beginMask, options.endMask, options.shrinkAxisMask = begin_mask, end_mask, shrink
    bit = lambda mask, axis: mask >> axis & 1
    ranges = tuple(
        begin[axis] if bit(shrink, axis) else slice(None if bit(begin_mask, axis) else begin[axis],
                                                    None if bit(end_mask, axis) else end[axis], strides[axis])
        for axis in range(len(shape))
    )
    constants = [numbers(values) for values in (begin, end, strides)]
    move(name, "STRIDED_SLICE", options, shape, constants, lambda array: array[ranges])


def split(name, shape, parts, axis):
    options = schema.SplitOptionsT()
    options.numSplits = parts
    move(name, "SPLIT", options, shape, [numbers([axis])], lambda array: np.split(array, parts, axis), first=True)


def split_v(name, shape, sizes, axis):
    options = schema.SplitVOptionsT()
    options.numSplits = len(sizes)
    cut = lambda array: np.split(array, np.cumsum(sizes)[:-1], axis)
    move(name, "SPLIT_V", options, shape, [numbers(sizes), numbers([axis])], cut)


def unpack(name, shape, axis):
    options = schema.UnpackOptionsT()
    options.num, options.axis = shape[axis], axis
    move(name, "UNPACK", options, shape, [], lambda array: [np.take(array, k, axis) for k in range(shape[axis])])


def pack(name, shape, count, axis):
    options = schema.PackOptionsT()
    options.valuesCount, options.axis = count, axis
    output = list(shape)
    output.insert(axis, count)
    inputs = [Tensor(shape, 0.05, 4) for _ in range(count)]
    case(name, "PACK", options, inputs, Tensor(output, 0.05, 4))


def pad_v2(name, shape, paddings, value):
    output = [n + sum(p) for n, p in zip(shape, paddings)]
    inputs = [Tensor(shape, 0.05, 4), numbers(paddings), Tensor([1], 0.05, 4, np.array([value], np.int8))]
    before = [p[0] for p in paddings]
    case(name, "PADV2", schema.PadV2OptionsT(), inputs, Tensor(output, 0.05, 4), before=before, value=value)


def softmax(name, shape, in_scale, beta):
    options = schema.SoftmaxOptionsT()
    options.beta = beta
    inputs = [Tensor(shape, in_scale, 11)]
    case(name, "SOFTMAX", options, inputs, Tensor(shape, 1 / 256, -128), beta=repr(scale(beta)))


def prelu(name, shape, slopes_shape, input_q, slopes_q, output_q):
    slopes = random.integers(-128, 128, slopes_shape, dtype=np.int8)
    inputs = [Tensor(shape, *input_q), Tensor(slopes_shape, *slopes_q, data=slopes)]
    keys = {"slopes": hexed(slopes), "slopes_q": inputs[1].text()}
    case(name, "PRELU", None, inputs, Tensor(shape, *output_q), **keys)


def table(name, operator, input_q, output_q, parameter=0.0):
    """A unary operator: once over the random stream, long enough for every int8, and once over all."""
    options = schema.AbsOptionsT() if operator == "ABS" else None
    if operator == "LEAKY_RELU":
        options = schema.LeakyReluOptionsT()
        options.alpha = parameter
    parameter = scale(parameter)
    shape = [1, 64, 64, 1]
    assert len(set(xorshift32(1, 4096, 0))) == 256
    case(name, operator, options, [Tensor(shape, *input_q)], Tensor(shape, *output_q), runs=[(1, 0)],
         parameter=repr(parameter))
    tensor, output = Tensor([1, 256], *input_q), Tensor([1, 256], *output_q)
    answer = run(model_bytes(operator, options, [tensor], output), [tensor], np.arange(-128, 128).astype(np.int8))
    quantization = f"{tensor.scales[0]!r}\t{tensor.zero_point}\t{output.scales[0]!r}\t{output.zero_point}"
    unary.append(f"{operator}\t{quantization}\t{parameter!r}\t{hexed(answer)}")


conv("conv_3x3_same", [1, 7, 5, 4], 6, (3, 3))
conv("conv_3x3_valid", [1, 7, 5, 4], 5, (3, 3), padding=VALID)
conv("conv_3x3_same_stride_2", [1, 8, 7, 3], 8, (3, 3), stride=(2, 2), activation=RELU6)
conv("conv_3x3_valid_stride_2", [1, 9, 8, 3], 4, (3, 3), stride=(2, 2), padding=VALID, activation=RELU)
conv("conv_3x3_same_dilation_2", [1, 9, 8, 2], 3, (3, 3), dilation=(2, 2))
conv("conv_2x3_valid_dilation_2_1", [1, 6, 6, 3], 3, (2, 3), dilation=(2, 1), padding=VALID)
conv("conv_5x5_on_3x3", [1, 3, 3, 2], 3, (5, 5))
conv("conv_10x4_stride_2_1", [1, 12, 6, 1], 7, (10, 4), stride=(2, 1))
conv("conv_1x1", [1, 5, 4, 16], 9, (1, 1), activation=RELU6, zero_points=(-128, -128))
conv("conv_1x1_stride_2", [1, 5, 6, 8], 4, (1, 1), stride=(2, 2))
conv("conv_batch_2", [2, 4, 5, 3], 4, (3, 3))
conv("conv_one_pixel", [1, 1, 1, 1], 1, (1, 1), per_channel=False)
conv("conv_per_tensor", [1, 5, 5, 3], 4, (3, 3), per_channel=False)
conv("conv_zero_points_high", [1, 5, 5, 3], 4, (3, 3), zero_points=(127, 127))
conv("conv_zero_points_low", [1, 5, 5, 3], 4, (3, 3), zero_points=(-128, -128))
conv("conv_multiplier_above_1", [1, 6, 6, 2], 5, (1, 1), reach=1, out_scale=0.0009, in_scale=0.06,
     zero_points=(2, -1), runs=((1, 2), (2, 3), (3, 4)))
conv("conv_saturated", [1, 5, 5, 3], 4, (3, 3), out_scale=0.05)
depthwise("depthwise_3x3_same", [1, 7, 6, 9], 1, (3, 3))
depthwise("depthwise_3x3_valid", [1, 7, 6, 5], 1, (3, 3), padding=VALID, activation=RELU)
depthwise("depthwise_3x3_stride_2", [1, 8, 9, 8], 1, (3, 3), stride=(2, 2), activation=RELU6)
depthwise("depthwise_3x3_dilation_2", [1, 8, 9, 4], 1, (3, 3), dilation=(2, 2))
depthwise("depthwise_5x5_same", [1, 4, 6, 3], 1, (5, 5), per_channel=False)
depthwise("depthwise_multiplier_2", [1, 5, 6, 3], 2, (3, 3))
depthwise("depthwise_multiplier_8", [1, 9, 8, 1], 8, (3, 3), stride=(2, 2), activation=RELU6)
depthwise("depthwise_multiplier_3_batch_2", [2, 4, 4, 2], 3, (2, 2), padding=VALID)
depthwise("depthwise_zero_points_low", [1, 5, 5, 4], 1, (3, 3), zero_points=(-128, -40))
fully_connected("fully_connected", 1, 64, 10)
fully_connected("fully_connected_relu_batch_3", 3, 17, 5, activation=RELU, zero_points=(-128, -128))
fully_connected("fully_connected_without_bias", 1, 33, 7, with_bias=False, zero_points=(127, -4))
fully_connected("fully_connected_1x1", 1, 1, 1)
for kind, operator in (("average", "AVERAGE_POOL_2D"), ("max", "MAX_POOL_2D")):
    pool(f"{kind}_pool_2x2", operator, [1, 6, 8, 3], (2, 2), (2, 2), VALID)
    pool(f"{kind}_pool_3x3_same_clipped", operator, [1, 7, 6, 5], (3, 3), (2, 2), SAME)
    pool(f"{kind}_pool_3x2_stride_1_relu6", operator, [2, 4, 5, 2], (3, 2), (1, 1), SAME, RELU6, -20)
    pool(f"{kind}_pool_whole", operator, [1, 5, 5, 20], (5, 5), (1, 1), VALID)
mean("mean_hw_keep", [1, 6, 5, 7], [1, 2], True, (0.05, -9), (0.02, 5))
mean("mean_hw", [2, 3, 3, 18], [1, 2], False, (0.05, -128), (0.05, -128))
mean("mean_hw_same_scale", [1, 8, 8, 4], [1, 2], True, (0.1, 3), (0.1, 3))
mean("mean_channels", [1, 3, 4, 6], [3], True, (0.05, 10), (0.03, -2))
mean("mean_all", [1, 4, 5, 3], [1, 2, 3], False, (0.05, -9), (0.01, 5))
reduce("sum_hw", "SUM", [1, 6, 5, 7], [1, 2], True, (0.05, -9), (0.4, 5))
reduce("sum_channels", "SUM", [2, 3, 4, 6], [3], False, (0.05, 10), (0.13, -2))
reduce("sum_rows", "SUM", [1, 9, 4, 3], [1], True, (0.05, -128), (0.4, -128))
reduce("reduce_max_channels", "REDUCE_MAX", [1, 3, 4, 6], [3], True, (0.05, 10), (0.05, 10))
reduce("reduce_max_hw", "REDUCE_MAX", [2, 5, 4, 3], [1, 2], False, (0.05, -10), (0.05, -10))
reduce("reduce_min_rows", "REDUCE_MIN", [1, 5, 4, 3], [1], False, (0.05, 100), (0.05, 100))
places("arg_max_channels", "ARG_MAX", [1, 5, 4, 21], 3)
places("arg_max_rows", "ARG_MAX", [1, 7, 4, 3], 1)
places("arg_min_channels", "ARG_MIN", [1, 5, 4, 9], 3)
batch_matmul("batch_matmul", [2, 5, 7], [2, 7, 4], (0.05, -3), (0.04, 12), (0.3, -6))
batch_matmul("batch_matmul_transposed", [1, 2, 3, 8], [1, 2, 5, 8], (0.05, 40), (0.04, -50), (1.1, 5), True)
binary("add", "ADD", [1, 4, 5, 6], (0.05, -3), (0.08, 12), (0.1, -6))
binary("add_relu6", "ADD", [1, 4, 5, 6], (0.05, -3), (0.008, 100), (0.04, -128), RELU6)
binary("add_same_scale", "ADD", [1, 100], (0.05, -128), (0.05, -128), (0.09, -128), RELU)
binary("add_far_scales", "ADD", [1, 100], (0.9, 127), (0.0003, -128), (0.7, 127))
binary("mul", "MUL", [1, 4, 5, 6], (0.05, -3), (0.08, 12), (0.3, -6))
binary("mul_relu", "MUL", [1, 99], (0.05, 127), (0.08, -128), (0.4, 20), RELU)
binary("mul_by_gate", "MUL", [1, 4, 4, 3], (0.1, 0), (1 / 256, -128), (0.08, 1))
binary("add_channels", "ADD", [1, 4, 5, 6], (0.05, -3), (0.08, 12), (0.1, -6), right_shape=[1, 1, 1, 6])
binary("add_outer", "ADD", [1, 7, 1, 1], (0.05, -3), (0.08, 12), (0.1, -6), right_shape=[1, 1, 5, 3])
binary("mul_gates", "MUL", [1, 4, 5, 6], (0.1, 3), (1 / 256, -128), (0.08, 1), right_shape=[1, 1, 1, 6])
binary("mul_rows", "MUL", [1, 1, 5, 1], (0.1, 3), (0.06, -12), (0.5, 1), right_shape=[1, 4, 5, 6])
binary("sub", "SUB", [1, 4, 5, 6], (0.05, -3), (0.08, 12), (0.1, -6))
binary("sub_relu", "SUB", [1, 100], (0.05, -128), (0.02, 127), (0.06, -90), RELU)
binary("sub_far_scales", "SUB", [1, 100], (0.9, 127), (0.0003, -128), (0.7, 127))
binary("sub_channels", "SUB", [1, 4, 5, 6], (0.05, -3), (0.08, 12), (0.1, -6), right_shape=[1, 1, 1, 6])
binary("sub_from_number", "SUB", [1, 1, 1, 1], (0.05, -3), (0.05, -3), (0.1, -6), right_shape=[1, 4, 5, 6])
binary("minimum", "MINIMUM", [1, 4, 5, 6], (0.05, -3), (0.05, -3), (0.05, -3))
binary("minimum_columns", "MINIMUM", [1, 4, 5, 1], (0.05, -3), (0.05, -3), (0.05, -3), right_shape=[1, 4, 5, 6])
binary("maximum", "MAXIMUM", [1, 4, 5, 6], (0.05, 9), (0.05, 9), (0.05, 9))
binary("maximum_channels", "MAXIMUM", [1, 4, 5, 6], (0.05, 9), (0.05, 9), (0.05, 9), right_shape=[1, 1, 1, 6])
binary("squared_difference", "SQUARED_DIFFERENCE", [1, 4, 5, 6], (0.05, -3), (0.08, 12), (0.9, -128))
binary("squared_difference_mean", "SQUARED_DIFFERENCE", [1, 4, 5, 6], (0.05, -3), (0.02, 12), (0.4, -120),
       right_shape=[1, 1, 1, 6])
# Denominators that are never 0, which TFLite Micro does not allow.
binary("div", "DIV", [1, 4, 5, 6], (0.05, -3), (0.02, -128), (0.02, -6), runs=((1, 1), (2, 1), (3, 2)))
binary("div_by_negative", "DIV", [1, 100], (0.05, 20), (0.01, 100), (0.013, 40), RELU, runs=((1, 1), (2, 1), (3, 2)))
binary("div_channels", "DIV", [1, 4, 5, 6], (0.07, -3), (0.03, 64), (0.04, -60), right_shape=[1, 1, 1, 6],
       runs=((1, 2), (2, 2), (3, 3)))
concatenate("concatenate_channels_2", [[1, 4, 3, 5], [1, 4, 3, 2]], 3)
concatenate("concatenate_channels_3", [[1, 2, 3, 5], [1, 2, 3, 1], [1, 2, 3, 4]], -1)
concatenate("concatenate_rows_3", [[1, 2, 3, 4], [1, 1, 3, 4], [1, 3, 3, 4]], 1)
concatenate("concatenate_vectors", [[2, 7], [2, 9]], 1)
pad("pad_hw", [1, 3, 4, 3], [[0, 0], [1, 2], [0, 1], [0, 0]])
pad("pad_channels", [1, 3, 4, 3], [[0, 0], [0, 0], [0, 0], [0, 5]])
pad("pad_all", [2, 2, 3, 2], [[1, 0], [0, 2], [3, 1], [2, 1]], 99)
reshape("reshape_flatten", [1, 3, 4, 5], [1, 60])
reshape("reshape_rows", [1, 6, 10], [1, 4, 5, 3])
for corners, half, tag in ((False, False, "asymmetric"), (True, False, "corners"), (False, True, "half_pixel")):
    for kind, operator in (("bilinear", "RESIZE_BILINEAR"), ("nearest", "RESIZE_NEAREST_NEIGHBOR")):
        resize(f"resize_{kind}_up_{tag}", operator, [1, 4, 3, 3], [8, 7], corners, half)
        resize(f"resize_{kind}_down_{tag}", operator, [1, 9, 11, 2], [5, 4], corners, half)
        resize(f"resize_{kind}_one_{tag}", operator, [1, 1, 5, 2], [3, 1], corners, half)
for order in ([1, 0], [0, 2, 1], [2, 0, 1], [0, 3, 1, 2], [0, 2, 3, 1], [3, 2, 1, 0], [0, 1, 3, 2, 4], [4, 1, 0, 3, 2]):
    shape = [2, 3, 4, 5, 2][:len(order)]
    name = "transpose_" + "".join(map(str, order))
    constants = [numbers(order)]
    move(name, "TRANSPOSE", schema.TransposeOptionsT(), shape, constants, lambda array: array.transpose(order))
for name, shape, begin, size in (("slice", [1, 5, 6, 7], [0, 1, 2, 3], [1, 3, 4, 2]), ("slice_rows", [9, 4], [2, 0], [5, 4])):
    ranges = tuple(slice(b, b + n) for b, n in zip(begin, size))
    constants = [numbers(begin), numbers(size)]
    move(name, "SLICE", schema.SliceOptionsT(), shape, constants, lambda array: array[ranges])
strided_slice("strided_slice", [1, 8, 9, 3], [0, 1, 0, 0], [1, 8, 9, 3], [1, 2, 3, 1])
strided_slice("strided_slice_masks", [1, 8, 9, 3], [0, 3, 4, 1], [1, 2, 7, 3], [1, 1, 1, 2], 4, 2)
strided_slice("strided_slice_backwards", [1, 5, 6, 3], [0, 4, 5, 2], [1, 0, 0, 0], [1, -1, -2, -1], 0, 14)
strided_slice("strided_slice_shrinks", [4, 5, 6], [2, 0, 1], [3, 5, 6], [1, 1, 2], shrink=1)
split("split_channels", [1, 3, 4, 6], 3, 3)
split("split_rows", [1, 6, 4, 2], 2, 1)
split_v("split_v", [1, 3, 4, 7], [2, 4, 1], 3)
unpack("unpack", [3, 4, 5], 1)
pack("pack", [3, 4], 3, 1)
gather("gather_rows", [5, 4], [4, 0, 0, 3], 0)
gather("gather_channels", [1, 3, 3, 6], [5, 1, 2], 3)
gather("gather_matrix", [1, 6, 2], [[0, 5, 2], [1, 1, 4]], 1)
mirror_pad("mirror_pad_reflect", [1, 4, 5, 2], [[0, 0], [2, 3], [1, 4], [0, 0]], "REFLECT")
mirror_pad("mirror_pad_symmetric", [1, 4, 5, 2], [[0, 0], [4, 3], [1, 5], [0, 0]], "SYMMETRIC")
pad_v2("pad_v2", [1, 3, 4, 2], [[0, 0], [1, 2], [0, 1], [0, 0]], -77)
blocks("depth_to_space", "DEPTH_TO_SPACE", [1, 3, 2, 12], 2)
blocks("depth_to_space_3", "DEPTH_TO_SPACE", [2, 2, 1, 18], 3)
blocks("space_to_depth", "SPACE_TO_DEPTH", [1, 4, 6, 3], 2)
for name, shape, target in (("broadcast_to", [1, 3, 1, 2], [2, 3, 4, 2]), ("broadcast_to_more_axes", [4, 1], [2, 3, 4, 5])):
    constants = [numbers(target)]
    move(name, "BROADCAST_TO", schema.BroadcastToOptionsT(), shape, constants,
         lambda array: np.ascontiguousarray(np.broadcast_to(array, target)))
softmax("softmax_2", [1, 2], 0.1, 1.0)
softmax("softmax_10", [1, 10], 0.17, 1.0)
softmax("softmax_beta_0_5", [3, 7], 0.3, 0.5)
softmax("softmax_beta_3", [2, 5], 0.05, 3.0)
softmax("softmax_fine", [2, 300], 0.01, 1.0)
softmax("softmax_coarse", [1, 6, 12], 1.5, 1.0)
softmax("softmax_1", [4, 1], 0.1, 1.0)
prelu("prelu", [1, 4, 5, 6], [1, 1, 6], (0.05, -3), (0.01, 4), (0.04, 7))
prelu("prelu_full", [1, 3, 2, 4], [3, 2, 4], (0.05, 12), (0.02, 0), (0.06, -1))
table("logistic", "LOGISTIC", (0.06, 3), (1 / 256, -128))
table("logistic_fine", "LOGISTIC", (0.004, -60), (1 / 256, -128))
table("logistic_coarse", "LOGISTIC", (0.5, 20), (1 / 256, -128))
table("tanh", "TANH", (0.03, -4), (1 / 128, 0))
table("tanh_fine", "TANH", (0.002, 90), (1 / 128, 0))
table("tanh_coarse", "TANH", (0.3, 0), (1 / 128, 0))
table("relu", "RELU", (0.05, -20), (0.03, -128))
table("relu_same_scale", "RELU", (0.05, -20), (0.05, -20))
table("relu6", "RELU6", (0.08, -10), (0.08, -10))
table("leaky_relu", "LEAKY_RELU", (0.05, 10), (0.04, -30), 0.1)
table("leaky_relu_negative", "LEAKY_RELU", (0.05, 10), (0.06, 0), -0.3)
table("leaky_relu_steep", "LEAKY_RELU", (0.05, 10), (0.1, 0), 1.7)
table("hard_swish", "HARD_SWISH", (0.05, 5), (0.04, -100))
table("hard_swish_coarse", "HARD_SWISH", (0.2, -128), (0.19, -120))
table("hard_swish_fine", "HARD_SWISH", (0.01, 0), (0.008, -20))
table("requantize", "QUANTIZE", (0.05, 10), (0.08, -30))
table("abs", "ABS", (0.05, 10), (0.04, -128))
table("abs_same_scale", "ABS", (0.05, -30), (0.05, -100))
table("elu", "ELU", (0.05, 10), (0.04, -90))
table("elu_fine", "ELU", (0.011, -4), (0.013, -40))
table("rsqrt", "RSQRT", (0.05, -128), (0.02, -128))
table("rsqrt_coarse", "RSQRT", (0.4, -128), (0.013, -100))
table("requantize_finer", "QUANTIZE", (0.05, 10), (0.021, 3))

# A stream of its own, so that what stands above keeps its numbers.
random = np.random.default_rng(SEED + 1)
conv("conv_3x3_two_groups", [1, 6, 5, 6], 8, (3, 3), groups=2)
conv("conv_1x1_four_groups", [1, 5, 4, 8], 4, (1, 1), groups=4, activation=RELU)
conv("conv_3x2_three_groups_dilated", [1, 9, 7, 9], 6, (3, 2), stride=(2, 1), dilation=(1, 2), groups=3, padding=VALID)
transpose_conv("transpose_conv_2x2_stride_2", [1, 4, 3, 5], 4, (2, 2), (2, 2))
transpose_conv("transpose_conv_3x3_stride_2", [1, 4, 5, 3], 6, (3, 3), (2, 2))
transpose_conv("transpose_conv_3x3_valid", [1, 3, 4, 4], 3, (3, 3), (2, 2), padding=VALID)
transpose_conv("transpose_conv_4x4_stride_2", [1, 5, 3, 2], 5, (4, 4), (2, 2), per_channel=False)
transpose_conv("transpose_conv_5x3_stride_1", [1, 5, 4, 3], 4, (5, 3), (1, 1), with_bias=False)
transpose_conv("transpose_conv_3x2_stride_3_1", [2, 3, 3, 3], 2, (3, 2), (3, 1), padding=VALID)
transpose_conv("transpose_conv_1x1_stride_3", [1, 3, 2, 4], 3, (1, 1), (3, 3))

folder = os.path.join(HERE, "models")
os.makedirs(folder, exist_ok=True)
for name in os.listdir(folder):
    if name not in models:
        os.remove(os.path.join(folder, name))
for name, model in models.items():
    with open(os.path.join(folder, name), "wb") as file:
        file.write(model)
tables = {
    "vectors.tsv": ["model\tseed\tshift\toutput_hex", *vectors],
    "layers.tsv": ["model\toperator\tkeys", *layers],
    "unary.tsv": ["operator\tinput_scale\tinput_zero_point\toutput_scale\toutput_zero_point\tparameter\toutput_hex",
                  *unary],
}
for name, lines in tables.items():
    with open(os.path.join(HERE, name), "w", encoding="ascii") as file:
        file.write(HEADER + "\n".join(lines) + "\n")
print(f"{len(models)} models of {sum(map(len, models.values()))} bytes, {len(vectors)} vectors, {len(unary)} tables")
