"""Shapes of starting tensors, computed from their arguments before a tensor is made; and what is wrong with one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tensorflow_free.tensors.inits import Init, value_of
from tensorflow_free.tensors.literals import shape_of_literal
from tensorflow_free.text.phrases import shown


def shape_made(init: Init | None, arguments: Mapping[str, Any]) -> list[int] | None:
    """The shape that an init gives, or None where only making it tells."""
    if "data" in arguments:
        found = arguments["data"]
        return list(found.shape) if isinstance(found, torch.Tensor) else shape_of_literal(found)
    if "size" in arguments:
        return list(arguments["size"])
    for key in ("steps", "window_length"):
        if key in arguments:
            return [arguments[key]]
    if init is not None and init.name == "eye":
        return [arguments["n"], arguments.get("m", arguments["n"])]
    if init is not None and init.name == "randperm":
        return [arguments["n"]]
    if init is not None and init.name == "arange":
        return _shape_of_range(arguments)
    if init is not None and init.name in ("tril_indices", "triu_indices"):
        return [2, _triangle(init.name, arguments)]
    return None


def _triangle(init: str, arguments: Mapping[str, Any]) -> int:
    """How many elements lie in the lower or upper triangle of a matrix, the diagonal `offset` included."""
    rows, columns, offset = arguments["row"], arguments["col"], value_of(init, "offset", arguments)
    # row i of the lower one has min(max(i + offset + 1, 0), columns); the upper one is what that of offset - 1 leaves
    first = offset + 1 if init == "tril_indices" else offset
    growing = range(max(0, -first), max(0, min(rows, columns - first)))
    lower: int = len(growing) * (2 * first + growing.start + growing.stop - 1) // 2
    lower += columns * (rows - max(0, min(rows, columns - first)))
    return lower if init == "tril_indices" else rows * columns - lower


def _shape_of_range(arguments: Mapping[str, Any]) -> list[int]:
    return [math.ceil(_range_count(arguments))]


def _range_of(arguments: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """Where `arange` starts, where it ends, and its step."""
    start, end, step = (value_of("arange", key, arguments) for key in ("start", "end", "step"))
    return start, end, step


def _range_count(arguments: Mapping[str, Any]) -> float:
    """How many steps `arange` takes; less than 0 where it steps away from its end."""
    start, end, step = _range_of(arguments)
    try:
        return float((end - start) / step)
    except OverflowError:
        return math.inf


def range_problem(init: str, arguments: Mapping[str, Any]) -> tuple[str, str] | None:
    """The parameter of `arange` that is wrong, and why."""
    if init != "arange":
        return None
    start, end, step = _range_of(arguments)
    for key, number in (("start", start), ("end", end), ("step", step)):
        if isinstance(number, complex) or (isinstance(number, float) and not math.isfinite(number)):
            return key, f"'{shown(number)}' is not a finite number; arange counts from one to another"
    if step == 0:
        return "step", "'0' steps nowhere; `step` is any number but 0"
    count = _range_count(arguments)
    if count < 0:
        key = "step" if "step" in arguments else "end"
        return key, f"'{shown(step)}' does not step from {shown(start)} to {shown(end)}"
    if not math.isfinite(count):
        return "end", f"'{shown(end)}' is too many steps away; no tensor is that large"
    return None


def shape_problem(shape: Sequence[int]) -> str | None:
    """Why the key `shape` cannot say this, or None."""
    if any(length < -1 for length in shape) or shape.count(-1) > 1:
        return f"'{shown(shape)}' is not a shape; its lengths are at least 0, and one may be -1 for what is left"
    return None


def inferred(shape: list[int], made: list[int] | None) -> list[int]:
    """A shape with its -1 filled in."""
    if made is None or -1 not in shape:
        return shape
    rest = math.prod(length for length in shape if length != -1)
    return [math.prod(made) // max(rest, 1) if length == -1 else length for length in shape]


def stride_problem(stride: Sequence[int], shape: Sequence[int]) -> str | None:
    """Why a tensor of this shape cannot have these strides, or None."""
    if len(stride) != len(shape):
        return f"'{list(stride)}' is {len(stride)} long; the tensor has {len(shape)} dimensions, each with a stride"
    if any(step < 0 for step in stride):
        return f"'{list(stride)}' has a negative stride; torch has none"
    return None
