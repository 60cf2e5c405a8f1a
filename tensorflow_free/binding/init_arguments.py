"""Reads an init's own parameters: sizes, numbers, words and literal data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch

from tensorflow_free.recipe.init_kinds import INIT_KINDS, InitParameter, ParameterForm
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.tensors.literals import literal_number, map_numbers, shape_of_literal
from tensorflow_free.tensors.mismatch import Mismatch
from tensorflow_free.text.phrases import shown


@dataclass(frozen=True, slots=True)
class _Written:
    """What is written for a parameter; and the dtype and the names that it is read with."""

    parameter: InitParameter
    value: Any
    dtype: str
    given: Collection[str]

    @property
    def key(self) -> str:
        return self.parameter.name

    @property
    def shown(self) -> str:
        return shown(self.value)


Reader = Callable[[_Written], Any]
"""Gives the argument, or raises a `Mismatch`."""


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
    parameter = INIT_KINDS[init].parameter(key)
    return _READERS[parameter.takes](_Written(parameter, written, dtype, given))


def _tensor_before(one: _Written) -> str:
    if isinstance(one.value, str) and one.value in one.given:
        return one.value
    near = did_you_mean(one.value, one.given) or (f"; those are {', '.join(one.given)}" if one.given else "")
    raise Mismatch(f"'{one.shown}' is not a tensor given before{near}")


def _path(one: _Written) -> str:
    return _text(one, "a file's path, such as data.npy")


def _name(one: _Written) -> str:
    return _text(one, f"a name, in quotes where it is a number: '{one.shown}'")


def _text(one: _Written, such: str) -> str:
    if isinstance(one.value, str):
        return one.value
    raise Mismatch(f"'{one.shown}' is not a word; `{one.key}` is {such}")


def _word(one: _Written) -> Any:
    words = one.parameter.words
    if one.value in words:
        return one.value
    near = did_you_mean(one.value, words) or f"; it is one of {', '.join(words)}"
    raise Mismatch(f"'{one.shown}' is not a {one.key}{near}")


def _switch(one: _Written) -> bool:
    if isinstance(one.value, bool):
        return one.value
    raise Mismatch(f"'{one.shown}' is not true or false; `{one.key}` is")


def _number(one: _Written) -> Any:
    """Any number, complex ones, true and false included."""
    return literal_number(one.value, one.dtype, f"`{one.key}` is a number")


def _real(one: _Written) -> Any:
    number = _number(one)
    if isinstance(number, (complex, bool)):
        raise Mismatch(f"'{one.shown}' is not a real number; `{one.key}` is")
    return number


def _integer(one: _Written) -> int:
    number = _real(one)
    if isinstance(number, int):
        return number
    raise Mismatch(f"'{one.shown}' is not an integer; `{one.key}` is")


def _at_least(least: int) -> Reader:
    def read(one: _Written) -> int:
        number = _integer(one)
        if number < least:
            raise Mismatch(f"'{number}' is less than {least}; `{one.key}` is a size")
        return number

    return read


def _data(one: _Written) -> Any:
    if isinstance(one.value, torch.Tensor):
        return one.value
    shape_of_literal(one.value)
    return map_numbers(one.value, lambda number: literal_number(number, one.dtype))


def _size(one: _Written) -> list[int]:
    sizes = one.value if isinstance(one.value, list) else [one.value]
    for length in sizes:
        if not isinstance(length, int) or isinstance(length, bool):
            raise Mismatch(f"'{one.shown}' is not a {one.key}; it is a list of integers, such as [2, 3]")
        if length < 0:
            raise Mismatch(f"'{one.shown}' has a negative length; a {one.key} is a list of integers of at least 0")
        if length >= 2**63:
            raise Mismatch(f"'{one.shown}' does not fit in 64 bits; no tensor is that large")
    return sizes


_READERS: Final[Mapping[ParameterForm, Reader]] = {
    "tensor": _tensor_before,
    "path": _path,
    "text": _name,
    "data": _data,
    "size": _size,
    # a key of every tensor, whose form is checked with the others
    "offset": lambda one: one.value,
    "number": _number,
    "real": _real,
    "integer": _integer,
    "length": _at_least(0),
    "count": _at_least(1),
    "switch": _switch,
    "word": _word,
}
"""How what a parameter takes is read."""
