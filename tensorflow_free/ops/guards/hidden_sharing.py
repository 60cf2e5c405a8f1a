"""Ops whose results share an operand's memory in a way that autograd does not see.

A backward pass refuses what its forward pass has kept where that was changed since: PyTorch counts the changes of each
tensor and of its views. These ops begin a count of their own. Indices that were kept could be changed through their
results, and kernels trust them. So a tensor of integers goes another way, in which changes are counted; and one that
is viewed as integers meets none of these ops. Found by trying every way to share memory, with torch 2.13.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import torch

from tensorflow_free.ops.guards.checks import CallArguments
from tensorflow_free.tensors.memory import data_of, is_of_integers

COUNTED: Final[dict[str, Callable[..., Any]]] = {
    "_unsafe_view": torch.Tensor.view,
    "unsafe_chunk": torch.chunk,
    "unsafe_split": torch.split,
    "unsafe_split_with_sizes": torch.split_with_sizes,
}
"""What is called instead of such an op, for a tensor of integers."""

SPARSE: Final = re.compile(r"_?to_sparse(?:_\w+)?")
"""The ops that may make a sparse tensor around the numbers of another."""

NAMED_AS_SHARING: Final = re.compile(r"\b(?:data|numpy)\b|unsafe|sparse")
"""What names an op of this kind."""

COMPILED: Final = re.compile(rf"{NAMED_AS_SHARING.pattern}|inference_mode")
"""The same for a recipe that is compiled, where inference mode cannot be left for a view in another dtype."""


def with_visible_sharing(base: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """What is called for the op of this name: the function itself, or one whose results share memory visibly."""
    if base == "data":
        return data_of
    if base in COUNTED:
        return partial(_counted, function, COUNTED[base])
    if base == "view":
        return partial(_viewed, function)
    return partial(_apart, function) if SPARSE.fullmatch(base) else function


def _operand(args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor:
    found: torch.Tensor = args[0] if args else kwargs["input" if "input" in kwargs else "self"]
    return found


def _counted(function: Callable[..., Any], instead: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    operand = _operand(args, kwargs)
    writes = kwargs.get("out") is not None
    return function(*args, **kwargs) if writes or not is_of_integers(operand) else instead(*args, **kwargs)


def _viewed(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """A view in another dtype; in inference mode it would be a tensor whose changes are not counted."""
    operand = _operand(args, kwargs)
    if torch.compiler.is_compiling() or not torch.is_inference_mode_enabled() or operand.is_inference():
        return function(*args, **kwargs)
    with torch.inference_mode(mode=False), torch.no_grad():
        return function(*args, **kwargs)


def _apart(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    made = function(*args, **kwargs)
    return made.clone() if is_of_integers(made) and kwargs.get("out") is None else made


def one_kind(given: CallArguments) -> str | None:
    """Floating numbers are viewed as such, and integers as integers, for who names an op that autograd does not see."""
    operand: Any = given.get("input", given.get("self"))
    # which of two overloads `x.view(y)` stands for shows in the value
    dtype = next((value for value in given.values() if isinstance(value, torch.dtype)), None)
    if dtype is None or is_of_integers(operand) == is_of_integers(torch.empty(0, dtype=dtype, device="meta")):
        return None
    return (
        f"'dtype' is {dtype}, and the numbers are {operand.dtype}; in a recipe that names `data`, `numpy`, an op of "
        "sparse or unsafe kind, or compiles `inference_mode`, autograd may not see what is changed through both; take "
        "`detach` for `data`, or make the view in a recipe of its own"
    )
