"""Writes the small ONNX fixtures in models/ and expected_onnx.tsv with the outputs of ONNX's reference evaluator.

    pip install onnx==1.23.2 numpy
    python generate_onnx.py [folder of real models ...]

Outputs that are images are written as [N, H, W, C], and so are inputs read.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from golden import line, sequence

HERE = pathlib.Path(__file__).parent
random = np.random.default_rng(20261123)


class Model:
    def __init__(self, shape):
        self.nodes, self.constants, self.shape = [], [], shape

    def constant(self, values):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, operator, *inputs, outputs=1, **attributes):
        name = f"{operator.lower()}{len(self.nodes)}"
        names = [f"{name}.{slot}" if slot else name for slot in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=name, **attributes))
        return names[0]

    def write(self, file, outputs, opset=17):
        values = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        graph = helper.make_graph(self.nodes, file, [values("image", self.shape)],
                                  [values(name, None) for name in outputs], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        onnx.save(onnx.shape_inference.infer_shapes(model), HERE / "models" / file)

    def conv(self, value, channels, out, kernel, stride=1, groups=1, bias=True, **attributes):
        fan = channels // groups * kernel * kernel
        inputs = [value, self.constant(weights(fan, out, channels // groups, kernel, kernel))]
        if bias:
            inputs.append(self.constant(weights(9, out)))
        attributes.setdefault("pads", [kernel // 2] * 4)
        return self.node("Conv", *inputs, kernel_shape=[kernel] * 2, strides=[stride] * 2, group=groups, **attributes)

    def norm(self, value, channels):
        parameters = [random.uniform(0.5, 1.5, channels), weights(9, channels), weights(9, channels),
                      random.uniform(0.5, 2, channels)]
        return self.node("BatchNormalization", value,
                         *[self.constant(each.astype(np.float32)) for each in parameters])


def weights(fan, *shape):
    return random.normal(0, (2 / fan) ** 0.5, shape).astype(np.float32)


def mobilenet():
    """Depthwise and pointwise convolutions with batch norm and Clip, as PyTorch exports them; a free batch."""
    model = Model(["batch", 3, 17, 15])
    value = model.conv("image", 3, 8, 3, stride=2, bias=False)
    zero, six = model.constant(np.float32(0)), model.constant(np.float32(6))
    value = model.node("Clip", model.norm(value, 8), zero, six)
    for channels, out, stride in [(8, 16, 1), (16, 24, 2)]:
        value = model.conv(value, channels, channels, 3, stride=stride, groups=channels, bias=False)
        value = model.node("Clip", model.norm(value, channels), zero, six)
        value = model.node("Clip", model.norm(model.conv(value, channels, out, 1, bias=False), out), zero, six)
    value = model.node("GlobalAveragePool", value)
    value = model.node("Flatten", value, axis=1)
    value = model.node("Gemm", value, model.constant(weights(24, 10, 24)), model.constant(weights(9, 10)), transB=1)
    model.write("mobilenet_like.onnx", [model.node("Softmax", value, axis=1)])


def resnet():
    """Residuals, max pool with padding, a flattened image before Gemm, MatMul with a bias of its own."""
    model = Model([1, 3, 16, 12])
    value = model.node("Relu", model.norm(model.conv("image", 3, 8, 7, stride=2, bias=False), 8))
    value = model.node("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    inner = model.node("Relu", model.norm(model.conv(value, 8, 8, 3), 8))
    inner = model.norm(model.conv(inner, 8, 8, 3), 8)
    value = model.node("Relu", model.node("Add", inner, value))
    shortcut = model.conv(value, 8, 12, 1, stride=2)
    inner = model.conv(model.node("Relu", model.conv(value, 8, 12, 3, stride=2)), 12, 12, 3, dilations=[1, 1])
    value = model.node("Relu", model.node("Add", shortcut, inner))
    mean = model.node("ReduceMean", value, axes=[2, 3], keepdims=0)
    flat = model.node("Reshape", value, model.constant(np.array([1, -1], np.int64)))
    dense = model.node("Gemm", flat, model.constant(weights(48, 48, 5)), model.constant(weights(9, 5)), alpha=0.5)
    other = model.node("Add", model.node("MatMul", mean, model.constant(weights(12, 12, 5))),
                       model.constant(weights(9, 5)))
    model.write("resnet_like.onnx", [model.node("Softmax", dense, axis=-1), other, value])


def detector():
    """Two heads over two grids: transposes before reshapes, joins, resizing, activations, groups."""
    model = Model([1, 4, 10, 8])
    value = model.node("LeakyRelu", model.conv("image", 4, 8, 3, stride=2, groups=2), alpha=0.125)
    small = model.node("Tanh", model.conv(value, 8, 8, 3, stride=2, auto_pad="SAME_UPPER", pads=None))
    sizes = model.constant(np.array([1, 8, 5, 4], np.int64))
    nearest = model.node("Resize", small, "", "", sizes, mode="nearest", nearest_mode="floor",
                         coordinate_transformation_mode="asymmetric")
    twice = model.constant(np.array([1, 1, 2, 2], np.float32))
    linear = model.node("Resize", value, "", twice, mode="linear", coordinate_transformation_mode="half_pixel")
    joined = model.node("Concat", value, nearest, axis=1)
    weighed = model.node("Mul", joined, model.constant(weights(2, 1, 16, 1, 1)))
    padded = model.node("Pad", weighed, model.constant(np.array([0, 0, 1, 0, 0, 0, 0, 2], np.int64)),
                        model.constant(np.float32(0.5)))
    average = model.node("AveragePool", padded, kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1],
                         count_include_pad=1)
    swish = model.node("Mul", average, model.node("Sigmoid", average))
    heads = []
    for source, channels in [(swish, 16), (small, 8)]:
        scores = model.node("Transpose", model.conv(source, channels, 6, 3), perm=[0, 2, 3, 1])
        heads.append(model.node("Reshape", scores, model.constant(np.array([1, -1, 3], np.int64))))
    scores = model.node("Softmax", model.node("Concat", *heads, axis=1), axis=2)
    shifted = model.node("Sub", model.constant(np.float32(1)), model.node("Div", linear, model.constant(np.float32(4))))
    model.write("detector_like.onnx", [scores, shifted])


def channels_last():
    """As tf2onnx writes a TensorFlow model: the input is [N, H, W, C] and is transposed first."""
    model = Model([1, 9, 7, 3])
    value = model.node("Transpose", "image", perm=[0, 3, 1, 2])
    value = model.node("Relu", model.conv(value, 3, 5, 3, stride=2))
    value = model.node("Transpose", value, perm=[0, 2, 3, 1])
    model.write("channels_last.onnx", [value])


def gather():
    """Operators that are not supported, two of them."""
    model = Model([1, 3, 8, 8])
    value = model.conv("image", 3, 4, 3)
    value = model.node("CumSum", value, model.constant(np.array(1, np.int64)))
    value = model.node("Gather", value, model.constant(np.array([0, 2], np.int64)), axis=1)
    model.write("unsupported.onnx", [model.node("Relu", value)])


def element_wise():
    """Operators of one number, alone and as exporters compose them, and of two numbers that broadcast."""
    model = Model([1, 4, 6, 5])
    number = lambda value: model.constant(np.float32(value))
    outputs = []
    plain = "Abs Ceil Cos Erf Exp Floor HardSwish Mish Neg Round Sigmoid Sign Sin Softplus Softsign Tanh Atan Sinh"
    for operator in plain.split():
        outputs.append(model.node(operator, "image"))
    for operator, attributes in [
        ("Elu", {"alpha": 1.5}), ("Selu", {}), ("Celu", {}), ("HardSigmoid", {"alpha": 0.3}),
        ("LeakyRelu", {"alpha": 0.2}), ("ThresholdedRelu", {"alpha": 0.4}), ("Shrink", {"bias": 0.1, "lambd": 0.3}),
        ("Gelu", {}), ("Gelu", {"approximate": "tanh"}),
    ]:
        outputs.append(model.node(operator, "image", **attributes))
    positive = model.node("Add", model.node("Abs", "image"), number(0.1))
    for operator in ["Log", "Sqrt", "Reciprocal"]:
        outputs.append(model.node(operator, positive))
    outputs.append(model.node("Pow", positive, number(1.7)))
    outputs.append(model.node("Clip", "image", number(-0.3), number(0.45)))
    # silu, hard swish and gelu by their parts
    outputs.append(model.node("Mul", "image", model.node("Sigmoid", "image")))
    gate = model.node("Clip", model.node("Add", "image", number(3)), number(0), number(6))
    outputs.append(model.node("Div", model.node("Mul", "image", gate), number(6)))
    error = model.node("Erf", model.node("Div", "image", number(2 ** 0.5)))
    half = model.node("Mul", model.node("Mul", "image", model.node("Add", error, number(1))), number(0.5))
    outputs.append(half)
    outputs.append(model.node("PRelu", "image", model.constant(random.uniform(-0.5, 1, (4, 1, 1)).astype(np.float32))))
    outputs.append(model.node("PRelu", "image", number(0.3)))
    # two numbers: squeeze and excite, rows, columns, constants
    squeezed = model.node("GlobalAveragePool", "image")
    rows = model.node("ReduceMean", "image", model.constant(np.array([2, 3], np.int64)), keepdims=1)
    outputs.append(model.node("Mul", "image", model.node("Sigmoid", squeezed)))
    outputs.append(model.node("Sub", rows, "image"))
    outputs.append(model.node("Max", "image", squeezed))
    outputs.append(model.node("Min", half, "image"))
    outputs.append(model.node("Add", "image", model.constant(weights(2, 1, 1, 6, 1))))
    outputs.append(model.node("Sub", model.constant(weights(2, 4, 1, 1)), "image"))
    model.write("element_wise.onnx", outputs, opset=20)


def nin():
    """Network in Network: each convolution followed by two of one tap, pools rounded up, dropout, a mean for each class."""
    model = Model([1, 3, 17, 16])
    value, channels = "image", 3
    for kernel, widths, pool in [(5, (12, 10, 6), "MaxPool"), (5, (12, 12, 12), "AveragePool"), (3, (12, 12, 10), None)]:
        for width, size in zip(widths, (kernel, 1, 1)):
            value = model.node("Relu", model.conv(value, channels, width, size))
            channels = width
        if pool:
            value = model.node(pool, value, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
            value = model.node("Dropout", value)
    value = model.node("Flatten", model.node("GlobalAveragePool", value))
    model.write("nin_like.onnx", [model.node("Softmax", value, axis=1)])


def expected(path, seed):
    model = onnx.load(path)
    shape = [each.dim_value or 1 for each in model.graph.input[0].type.tensor_type.shape.dim]
    channels_first = len(shape) == 4 and path.name != "channels_last.onnx"
    values = sequence(seed, int(np.prod(shape)))
    if channels_first:
        batch, channels, height, width = shape
        values = values.reshape(batch, height, width, channels).transpose(0, 3, 1, 2)
    results = ReferenceEvaluator(model).run(None, {model.graph.input[0].name: values.reshape(shape)})
    for index, result in enumerate(results):
        if result.ndim == 4 and channels_first:
            result = result.transpose(0, 2, 3, 1)
        yield line(path.name, seed, index, np.ascontiguousarray(result))


if __name__ == "__main__":
    for build in (mobilenet, resnet, detector, channels_last, gather, element_wise, nin):
        build()
    paths = [path for path in sorted((HERE / "models").glob("*.onnx")) if path.name != "unsupported.onnx"]
    for folder in sys.argv[1:]:
        paths += [path for path in sorted(pathlib.Path(folder).rglob("light_squeezenet.onnx"))]
    lines = [text for path in paths for text in expected(path, 1)]
    (HERE / "expected_onnx.tsv").write_text("\n".join(lines) + "\n")
