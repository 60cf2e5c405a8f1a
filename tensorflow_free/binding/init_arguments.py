"""Reads an init's own parameters: sizes, numbers, words and literal data."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import torch

from tensorflow_free.recipe.models import shown
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.tensors.literals import literal_number, map_numbers, shape_of_literal
from tensorflow_free.tensors.mismatch import Mismatch

WORDS: Final = {
    "mode": ("fan_in", "fan_out"),
    "nonlinearity": (
        "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
        "sigmoid", "tanh", "relu", "leaky_relu", "selu",
    ),
}  # fmt: skip
"""Parameters of inits that are words. Source: torch.nn.init.calculate_gain."""


INTEGERS: Final = frozenset({"n", "m", "steps", "row", "col", "window_length", "groups", "offset", "low", "high"})


_LEAST: Final = {"n": 0, "m": 0, "steps": 0, "row": 0, "col": 0, "window_length": 0, "groups": 1}


COMPLEX: Final = frozenset({"fill_value", "start", "end", "step"})
"""Parameters of inits that may be complex, or true and false."""


def read_parameter(init: str, key: str, written: Any, dtype: str, given: Collection[str]) -> Any:
    """What is written for the parameter `key` of an init.

    Args:
        init: the init's name.
        key: the parameter.
        written: what the recipe says.
        dtype: whose finfo `{finfo: max}` asks for.
        given: names of the tensors given before.

    Raises:
        Mismatch: it is not what the parameter takes.
    """
    if key == "input":
        return _tensor_before(written, given)
    if key in ("path", "key"):
        return _text(key, written)
    if key in ("size", "stride"):
        return _size(key, written)
    if key == "storage_offset":
        return written
    if key in WORDS:
        return _one_of(key, written)
    if key == "periodic":
        return _switch(key, written)
    if key == "data":
        return _literal(written, dtype)
    return _number(init, key, written, dtype)


def _tensor_before(written: Any, given: Collection[str]) -> str:
    if isinstance(written, str) and written in given:
        return written
    near = did_you_mean(written, given) or (f"; those are {', '.join(given)}" if given else "")
    raise Mismatch(f"'{shown(written)}' is not a tensor given before{near}")


def _text(key: str, written: Any) -> str:
    if isinstance(written, str):
        return written
    such = (
        "a file's path, such as data.npy"
        if key == "path"
        else f"a name, in quotes where it is a number: '{shown(written)}'"
    )
    raise Mismatch(f"'{shown(written)}' is not a word; `{key}` is {such}")


def _one_of(key: str, written: Any) -> Any:
    if written in WORDS[key]:
        return written
    near = did_you_mean(written, WORDS[key]) or f"; it is one of {', '.join(WORDS[key])}"
    raise Mismatch(f"'{shown(written)}' is not a {key}{near}")


def _switch(key: str, written: Any) -> bool:
    if isinstance(written, bool):
        return written
    raise Mismatch(f"'{shown(written)}' is not true or false; `{key}` is")


def _number(init: str, key: str, written: Any, dtype: str) -> Any:
    number = literal_number(written, dtype, f"`{key}` is a number")
    if key not in COMPLEX and (isinstance(number, (complex, bool))):
        raise Mismatch(f"'{shown(written)}' is not a real number; `{key}` is")
    if key in INTEGERS and not (init == "uniform" and key in ("low", "high")):
        if not isinstance(number, int) or isinstance(number, bool):
            raise Mismatch(f"'{shown(written)}' is not an integer; `{key}` is")
        if number < _LEAST.get(key, number):
            raise Mismatch(f"'{number}' is less than {_LEAST[key]}; `{key}` is a size")
    return number


def _literal(written: Any, dtype: str) -> Any:
    if isinstance(written, torch.Tensor):
        return written
    shape_of_literal(written)
    return map_numbers(written, lambda number: literal_number(number, dtype))


def _size(key: str, written: Any) -> list[int]:
    sizes = written if isinstance(written, list) else [written]
    for length in sizes:
        if not isinstance(length, int) or isinstance(length, bool):
            raise Mismatch(f"'{shown(written)}' is not a {key}; it is a list of integers, such as [2, 3]")
        if length < 0:
            raise Mismatch(f"'{shown(written)}' has a negative length; a {key} is a list of integers of at least 0")
        if length >= 2**63:
            raise Mismatch(f"'{shown(written)}' is past what 64 bits hold; no tensor is that large")
    return sizes
