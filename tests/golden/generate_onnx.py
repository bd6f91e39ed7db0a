"""Makes golden/onnx: small quantized ONNX models in every form and opset that import claims, and the
outputs of onnxruntime for random inputs (onnxruntime rounds otherwise, so a step of difference is allowed).

    python3 tests/golden/generate_onnx.py        needs onnx, onnxruntime and numpy

The table's bytes are int8, uint8 less 128, images with their channels last, as Ocelli stores them.
"""

import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SEED = 20_261_124
FOLDER = pathlib.Path(__file__).parent / "onnx"


class Model:
    """A graph under construction; activations and weights are uint8 or int8."""

    def __init__(self, name, opset, shape, signed=False, weights_signed=True, seed=0):
        self.name, self.opset, self.shape = name, opset, shape
        self.dtype = np.int8 if signed else np.uint8
        self.weights_dtype = np.int8 if weights_signed else np.uint8
        self.random = np.random.default_rng([SEED, seed, opset])
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, values):
        self.count += 1
        name = f"constant_{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, kind, inputs, domain="", **attributes):
        self.count += 1
        name = f"{kind}_{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, domain=domain, **attributes))
        return name

    def scale(self, scale, zero_point):
        return [self.constant(np.float32(scale)), self.constant(self.dtype(zero_point))]

    def weights(self, shape, channels=None, zero_point=0):
        """Integers, and their scale and zero point by tensor or by channel."""
        low, high = (-127, 128) if self.weights_dtype == np.int8 else (zero_point - 110, zero_point + 110)
        values = self.random.integers(low, high, shape).clip(0 if self.weights_dtype == np.uint8 else -127, 255)
        scales = self.random.uniform(0.002, 0.01, channels or ()).astype(np.float32)
        points = np.full(scales.shape, zero_point, self.weights_dtype)
        return self.constant(values.astype(self.weights_dtype)), self.constant(scales), self.constant(points)

    def write(self, result, domains=()):
        element = TensorProto.INT8 if self.dtype == np.int8 else TensorProto.UINT8
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info("image", element, self.shape)],
            [helper.make_tensor_value_info(result, element, None)],
            self.constants,
        )
        opsets = [helper.make_opsetid("", self.opset)] + [helper.make_opsetid(domain, 1) for domain in domains]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10 if self.opset > 20 else 7)
        path = FOLDER / f"{self.name}.onnx"
        onnx.save(model, path)
        low = -128 if self.dtype == np.int8 else 0
        data = self.random.integers(low, low + 256, self.shape).astype(self.dtype)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (output,) = session.run(None, {"image": data})
        print(path.name, stored(data, low), stored(output, low), sep="\t", file=TABLE)


def stored(values, low):
    values = (values.astype(np.int32) - low - 128).astype(np.int8)
    if values.ndim == 4:
        values = values.transpose(0, 2, 3, 1)
    return values.tobytes().hex()


def conv_qdq(opset, per_channel, signed, weights_signed, weights_point, name, bias_int=True):
    model = Model(name, opset, [1, 3, 9, 8], signed, weights_signed, seed=1)
    x = model.node("DequantizeLinear", ["image", *model.scale(0.02, 5)])
    channels = 6 if per_channel else None
    weights, scales, points = model.weights((6, 3, 3, 3), channels, weights_point)
    axis = {"axis": 0} if per_channel and opset >= 13 else {}
    w = model.node("DequantizeLinear", [weights, scales, points], **axis)
    real_scales = numpy_helper.to_array(next(c for c in model.constants if c.name == scales))
    if bias_int:
        bias_scales = np.broadcast_to((np.float32(0.02) * real_scales).astype(np.float32), (6,)) if opset >= 13 else np.float32(0.02) * real_scales
        values = model.random.integers(-3000, 3000, 6).astype(np.int32)
        zero = model.constant(np.zeros(bias_scales.shape, np.int32))
        b = model.node("DequantizeLinear", [model.constant(values), model.constant(bias_scales), zero], **({"axis": 0} if opset >= 13 else {}))
    else:
        b = model.constant(model.random.uniform(-0.2, 0.2, 6).astype(np.float32))
    y = model.node("Conv", [x, w, b], pads=[1, 1, 1, 1], strides=[2, 1])
    y = model.node("Relu", [y])
    y = model.node("QuantizeLinear", [y, *model.scale(0.03, 0 if not signed else -128)])
    return model, y


def cases():
    model, y = conv_qdq(10, False, False, False, 128, "qdq_conv_opset_10")
    model.write(y)
    for opset in [13, 17, 19, 21]:
        model, y = conv_qdq(opset, True, True, True, 0, f"qdq_conv_channels_opset_{opset}")
        model.write(y)
    model, y = conv_qdq(13, False, False, False, 120, "qdq_conv_weights_with_zero_point", bias_int=False)
    model.write(y)

    # Between two scales: a residual, a pool on integers, a softmax with a scale of its own.
    model, y = conv_qdq(13, True, True, True, 0, "qdq_tail")
    pooled = model.node("MaxPool", [y], kernel_shape=[2, 2], strides=[2, 2])
    real = model.node("DequantizeLinear", [pooled, *model.scale(0.03, -128)])
    gate = model.node("Sigmoid", [real])
    gate = model.node("QuantizeLinear", [gate, *model.scale(1 / 256, -128)])
    gate = model.node("DequantizeLinear", [gate, *model.scale(1 / 256, -128)])
    y = model.node("Mul", [real, gate])
    y = model.node("QuantizeLinear", [y, *model.scale(0.02, -100)])
    y = model.node("DequantizeLinear", [y, *model.scale(0.02, -100)])
    y = model.node("Add", [y, real])
    y = model.node("QuantizeLinear", [y, *model.scale(0.05, -90)])
    model.write(y)

    # Float weights that the file rounds itself, transposed before the product.
    model = Model("qdq_matmul_of_rounded_floats", 13, [2, 20], seed=2)
    x = model.node("DequantizeLinear", ["image", *model.scale(0.02, 128)])
    weights = model.constant(model.random.normal(0, 0.2, (7, 20)).astype(np.float32))
    scales = model.constant(model.random.uniform(0.004, 0.006, 7).astype(np.float32))
    points = model.constant(np.zeros(7, np.int8))
    w = model.node("QuantizeLinear", [weights, scales, points], axis=0)
    w = model.node("DequantizeLinear", [w, scales, points], axis=0)
    w = model.node("Transpose", [w], perm=[1, 0])
    y = model.node("MatMul", [x, w])
    y = model.node("Add", [y, model.constant(model.random.normal(0, 0.3, 7).astype(np.float32))])
    y = model.node("QuantizeLinear", [y, *model.scale(0.04, 120)])
    y = model.node("DequantizeLinear", [y, *model.scale(0.04, 120)])
    y = model.node("Softmax", [y], axis=1)
    y = model.node("QuantizeLinear", [y, *model.scale(0.004, 3)])
    model.write(y)

    model = Model("qlinear_conv", 10, [1, 4, 7, 6], weights_signed=False, seed=3)
    weights, scale, point = model.weights((8, 1, 3, 3), None, 128)
    bias = model.constant(model.random.integers(-500, 500, 8).astype(np.int32))
    y = model.node("QLinearConv", ["image", *model.scale(0.03, 100), weights, scale, point, *model.scale(0.09, 110), bias], group=4, dilations=[2, 1], pads=[2, 0, 2, 2])
    model.write(y)

    model = Model("qlinear_matmul", 10, [3, 12], signed=True, seed=4)
    weights, scale, point = model.weights((12, 5), 5)
    y = model.node("QLinearMatMul", ["image", *model.scale(0.03, -7), weights, scale, point, *model.scale(0.08, 4)])
    model.write(y)

    ours = "com.microsoft"
    model = Model("qlinear_chain", 13, [1, 4, 6, 6], weights_signed=True, seed=5)
    weights, scale, point = model.weights((4, 4, 1, 1), 4)
    first = model.scale(0.03, 100)
    y = model.node("QLinearConv", ["image", *first, weights, scale, point, *model.scale(0.05, 90)])
    y = model.node("QLinearAdd", [y, *model.scale(0.05, 90), "image", *first, *model.scale(0.06, 95)], ours)
    y = model.node("QLinearLeakyRelu", [y, *model.scale(0.06, 95), *model.scale(0.04, 60)], ours, alpha=0.1)
    y = model.node("QLinearConcat", [*model.scale(0.05, 80), y, *model.scale(0.04, 60), "image", *first], ours, axis=1)
    y = model.node("QLinearAveragePool", [y, *model.scale(0.05, 80), *model.scale(0.05, 80)], ours, kernel_shape=[2, 2], strides=[2, 2])
    y = model.node("QLinearGlobalAveragePool", [y, *model.scale(0.05, 80), *model.scale(0.02, 70)], ours)
    y = model.node("Reshape", [y, model.constant(np.array([1, 8], np.int64))])
    weights, scale, point = model.weights((5, 8), None)
    bias = model.constant(model.random.integers(-500, 500, 5).astype(np.int32))
    y = model.node("QGemm", [y, *model.scale(0.02, 70), weights, scale, point, bias, *model.scale(0.03, 128)], ours, transB=1)
    y = model.node("QLinearSigmoid", [y, *model.scale(0.03, 128), *model.scale(1 / 256, 0)], ours)
    model.write(y, [ours])


FOLDER.mkdir(exist_ok=True)
with open(FOLDER / "outputs.tsv", "w") as TABLE:
    versions = f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}, numpy {np.__version__}, seed {SEED}"
    print(f"# generate_onnx.py, {versions}", file=TABLE)
    print("model", "input_hex", "output_hex", sep="\t", file=TABLE)
    cases()
