"""Makes models/hostile: small ONNX files that are no model that can be compiled, each wrong in one way, and
`open_size.onnx`, which is right once somebody says how large its input is.

    python3 generate_hostile_onnx.py        needs onnx and numpy
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent / "models" / "hostile"


def save(name, nodes, shape=(1, 2, 6, 6), constants=(), output="y"):
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        list(constants),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())


def weights(values=None):
    values = np.linspace(-1, 1, 3 * 2 * 9, dtype=np.float32).reshape(3, 2, 3, 3) if values is None else values
    return numpy_helper.from_array(values, "w")


def conv(source="x", result="y"):
    return helper.make_node("Conv", [source, "w"], [result], name="conv", pads=[1, 1, 1, 1])


FOLDER.mkdir(parents=True, exist_ok=True)
save("open_size", [conv()], ["batch", 2, "height", "width"], [weights()])

bad = np.ones((3, 2, 3, 3), np.float32)
bad[1, 1, 1, 1] = np.nan
save("nan_weights", [conv()], constants=[weights(bad)])
bad[1, 1, 1, 1] = np.inf
save("infinite_weights", [conv()], constants=[weights(bad)])

save("empty_axis", [conv()], (1, 2, 0, 6), [weights()])
save("empty_weights", [conv()], constants=[weights(np.ones((0, 2, 3, 3), np.float32))])

outside = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3, 2, 3, 3])
outside.data_location = TensorProto.EXTERNAL
outside.external_data.add(key="location", value="weights.bin")
save("external_weights", [conv()], constants=[outside])

save("cycle", [helper.make_node("Add", ["x", "b"], ["a"], name="first"), helper.make_node("Relu", ["a"], ["b"], name="second")], output="b")
save("no_source", [helper.make_node("Add", ["x", "nowhere"], ["y"], name="add")])

branch = helper.make_graph([helper.make_node("Relu", ["x"], ["r"])], "branch", [], [helper.make_tensor_value_info("r", TensorProto.FLOAT, None)])
save("control_flow", [helper.make_node("If", ["c"], ["y"], name="choice", then_branch=branch, else_branch=branch)], constants=[numpy_helper.from_array(np.array(True), "c")])
