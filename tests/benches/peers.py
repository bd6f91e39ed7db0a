"""Time of one inference in other engines, one thread: LiteRT with XNNPACK, and onnxruntime for ONNX files.

Prints one line a model and engine: file, engine with its version, median microseconds. Called by
`cargo xtask bench-host`, which installs the packages that `tests/benches/peers.txt` names.
"""

import importlib.metadata
import statistics
import sys
import time

import numpy

RUNS = 500


def median_us(call):
    for _ in range(RUNS // 10):
        call()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e6)
    return statistics.median(times)


def lite_rt(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()[0]
    interpreter.set_tensor(details["index"], numpy.zeros(details["shape"], details["dtype"]))
    return interpreter.invoke


def onnxruntime(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    details = session.get_inputs()[0]
    shape = [extent if isinstance(extent, int) and extent > 0 else 1 for extent in details.shape]
    values = numpy.zeros(shape, numpy.int8 if "int8" in details.type else numpy.float32)
    return lambda: session.run(None, {details.name: values})


def main():
    for path in sys.argv[1:]:
        engine, package = (onnxruntime, "onnxruntime") if path.endswith(".onnx") else (lite_rt, "ai-edge-litert")
        try:
            time_us = median_us(engine(path))
        except Exception as error:  # Some engines refuse some files; the table then has a gap.
            print(f"{path}: {package}: {str(error).splitlines()[0][:100]}", file=sys.stderr)
            continue
        print(f"{path}\t{package} {importlib.metadata.version(package)}\t{time_us:.2f}", flush=True)


main()
