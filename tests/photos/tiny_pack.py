"""A face model pack of tiny networks with the real pack's shapes, so that the real library runs on it.

The detector fires where a 32 px cell of its 640 px input is red; the recogniser looks at mean colour; the age is the
mean of blue.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 640
STRIDES = (8, 16, 32)
HALF = 2.0  # a found box reaches two strides from its cell's corner, to each side
POINTS = (-0.8, -0.5, 0.8, -0.5, 0.0, 0.2, -0.6, 1.0, 0.6, 1.0)  # five points (x, y), in strides from that corner


def write(folder: Path, *, age: bool = True) -> Path:
    """Write the pack into `folder` and give it back."""
    folder.mkdir(parents=True)
    _save(folder / "det_tiny.onnx", *_detector(), [1, 3, SIDE, SIDE])
    _save(folder / "rec_tiny.onnx", *_recogniser(), ["batch", 3, 112, 112])
    if age:
        _save(folder / "genderage.onnx", *_age(), [1, 3, 96, 96])
    return folder


def _save(path: Path, nodes: list, constants: dict, outputs: list, shape: list) -> None:
    entry = helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)
    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in outputs]
    graph = helper.make_graph(nodes, "tiny", [entry], ends, held)
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(whole)
    onnx.save(whole, str(path))


def _detector() -> tuple[list, dict, list]:
    """Nine outputs: scores, boxes and points for three strides with two anchors per cell; only the widest finds."""
    constants: dict[str, np.ndarray] = {}
    sizes: list[tuple[str, list[int]]] = []
    for kind, width in (("score", 1), ("box", 4), ("points", 10)):
        for stride in STRIDES:
            count = (SIDE // stride) ** 2 * 2
            value = {"score": [0.0], "box": [HALF] * 4, "points": POINTS}[kind]
            constants[f"{kind}{stride}_const"] = np.tile(np.array(value, np.float32), (count, 1))
            sizes.append((f"{kind}{stride}", [count, width]))
    constants["red"] = np.array([1, -1, -1], np.float32).reshape(1, 3, 1, 1)
    constants["steep"] = np.array(20, np.float32)
    constants["bar"] = np.array(2.5, np.float32)
    constants["column"] = np.array([-1, 1], np.int64)
    nodes = [
        helper.make_node("AveragePool", ["input"], ["cells"], kernel_shape=[32, 32], strides=[32, 32]),
        helper.make_node("Conv", ["cells", "red"], ["redness"]),
        helper.make_node("Sub", ["redness", "bar"], ["over"]),
        helper.make_node("Mul", ["over", "steep"], ["steeply"]),
        helper.make_node("Sigmoid", ["steeply"], ["sure"]),
        helper.make_node("Reshape", ["sure", "column"], ["one"]),
        helper.make_node("Concat", ["one", "one"], ["both"], axis=1),  # (cells, 2): each anchor says the same
        helper.make_node("Reshape", ["both", "column"], ["score32"]),
    ]
    constants.pop("score32_const")
    nodes += [
        helper.make_node("Identity", [f"{name}_const"], [name]) for name, _ in sizes if f"{name}_const" in constants
    ]
    return nodes, constants, sizes


def _recogniser() -> tuple[list, dict, list]:
    matrix = np.random.default_rng(0).normal(size=(3, 512)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["embedding"]),
    ]
    return nodes, {"matrix": matrix}, [("embedding", ["batch", 512])]


def _age() -> tuple[list, dict, list]:
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["fc1"]),
    ]
    return nodes, {}, [("fc1", [1, 3])]
