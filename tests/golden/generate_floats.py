#!/usr/bin/env python3
"""Writes floats.tsv: what other engines answer for float models, beside which `ocelli run` stands.

Needs `pip install onnxruntime onnx ai-edge-litert tflite-micro numpy`. Run it with the models' paths; it rewrites,
next to itself,

  floats.tsv    file, engine, seed, output, count, step, values. The inputs are filled in order from one xorshift32
                stream (x ^= x << 13; x ^= x >> 17; x ^= x << 5) that starts at the seed: number k is the low byte
                of the k-th state as int8, over 128, images row by row with channels last. Of an output's `count`
                numbers, in the same order, every `step`-th is kept.

onnxruntime answers for ONNX, LiteRT for TFLite. Weights that a TFLite file keeps as int8 are made float first:
LiteRT would round the activations that meet them, by other rules in each of its kernels.

The line that starts with # says which engines answered.
"""

import importlib.metadata
import os
import sys

import flatbuffers
import numpy

SEED = 5
KEPT = 40
HERE = os.path.dirname(os.path.abspath(__file__))
# Tensors in front of the decoding of boxes, which `ocelli run` shows in its place.
HEADS = {"ultraface_version-RFB-320.onnx": ["317", "363", "403", "435", "331", "377", "417", "447"]}
VERSIONS = {name: importlib.metadata.version(name) for name in ("onnxruntime", "ai-edge-litert")}


def stream(state):
    while True:
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        yield ((state & 0xFF) ^ 0x80) - 0x80


def numbers(source, shape):
    return numpy.array([next(source) for _ in range(numpy.prod(shape))], numpy.float32).reshape(shape) / 128


def channels_last(values):
    return values.transpose(0, 2, 3, 1) if values.ndim == 4 else values


def onnxruntime(path):
    import onnx
    import onnxruntime

    model = onnx.load(path)
    heads = HEADS.get(os.path.basename(path), [])
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in heads)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    source, inputs = stream(SEED), {}
    for details in session.get_inputs():
        batch, *extents = details.shape
        shape = [batch if isinstance(batch, int) else 1, *extents]
        if len(shape) == 4:
            batch, channels, height, width = shape
            values = numbers(source, [batch, height, width, channels]).transpose(0, 3, 1, 2)
        else:
            values = numbers(source, shape)
        inputs[details.name] = values
    names = heads or [details.name for details in session.get_outputs()]
    return zip(names, map(channels_last, session.run(names, inputs)))


def with_float_weights(path):
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

    with open(path, "rb") as file:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(file.read(), 0))
    for tensor in model.subgraphs[0].tensors:
        data, quantization = model.buffers[tensor.buffer].data, tensor.quantization
        if tensor.type != schema.TensorType.INT8 or data is None:
            continue
        axes = [1] * len(tensor.shape)
        axes[quantization.quantizedDimension] = -1
        scale, zero = (numpy.reshape(numpy.atleast_1d(each), axes) for each in (quantization.scale, quantization.zeroPoint))
        values = (numpy.array(data, numpy.uint8).view(numpy.int8).reshape(tensor.shape) - zero) * scale
        tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None
        model.buffers[tensor.buffer].data = values.astype(numpy.float32).reshape(-1).view(numpy.uint8)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def lite_rt(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=with_float_weights(path), num_threads=1)
    interpreter.allocate_tensors()
    source = stream(SEED)
    for details in interpreter.get_input_details():
        interpreter.set_tensor(details["index"], numbers(source, details["shape"]))
    interpreter.invoke()
    outputs = interpreter.get_output_details()
    return [(details["name"], interpreter.get_tensor(details["index"])) for details in outputs]


def main():
    versions = ", ".join(f"{name} {version}" for name, version in VERSIONS.items())
    lines = [f"# {versions}, written by generate_floats.py"]
    for path in sys.argv[1:]:
        engine, answer = ("onnxruntime", onnxruntime) if path.endswith(".onnx") else ("ai-edge-litert", lite_rt)
        for name, values in answer(path):
            values = values.reshape(-1)
            step = -(-len(values) // KEPT)
            kept = " ".join(f"{value:.9g}" for value in values[::step])
            lines.append("\t".join(map(str, [os.path.basename(path), engine, SEED, name, len(values), step, kept])))
    with open(os.path.join(HERE, "floats.tsv"), "w") as file:
        file.write("\n".join(lines) + "\n")


main()
