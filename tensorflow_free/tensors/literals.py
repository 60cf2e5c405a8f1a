"""Numbers and nested lists of them, as recipes write them: `.nan`, `1+2i`, `{finfo: max}`, `[[1, 2], [3, 4]]`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self

import torch

from tensorflow_free.recipe.init_kinds import INIT_KINDS
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.tensors.dtypes import TORCH_DTYPES, dtype_of
from tensorflow_free.tensors.mismatch import Mismatch
from tensorflow_free.text.phrases import shown

MOST_BITS: Final = 1023
"""Bits of an integer that is sure to become a float64."""


DATA: Final = "data are numbers, booleans and lists of them"
"""What would be right for literal data."""

FINFO_FIELDS: Final = ("max", "min", "eps", "tiny", "smallest_normal", "resolution")
"""The numbers of a dtype's `torch.finfo` that `{finfo: …}` may ask for."""

NUMBER_WORDS: Final = {"nan", "inf", "-inf", "+inf", "infinity"}


class FinfoNumber(float):
    """A number of a dtype's `torch.finfo`, which knows its field: a run in another dtype may ask for the same number.

    Attributes:
        field: the field's name: `max`.
    """

    field: str

    @classmethod
    def of_dtype(cls, field: str, dtype: torch.dtype | None) -> Self:
        """The number of this field of a floating dtype's."""
        found = cls(getattr(torch.finfo(dtype), field))  # type: ignore[arg-type]
        found.field = field
        return found


def literal(written: Mapping[str, Any], recipe_dtype: str) -> Any:
    """The number or dtype that `{complex: [re, im]}`, `{finfo: max}` or `{dtype: int64}` stands for.

    Raises:
        Mismatch: it stands for none.
    """
    [(kind, value)] = written.items()
    if kind == "complex" and isinstance(value, list) and [_is_real(part) for part in value] == [True, True]:
        return complex(*value)
    if kind == "dtype":
        found = dtype_of(str(value).removeprefix("torch."), recipe_dtype)
        if found is None:
            raise Mismatch(f"'{value}' is not a dtype{did_you_mean(value, TORCH_DTYPES)}")
        return found
    if kind == "finfo":
        if value not in FINFO_FIELDS:
            near = did_you_mean(value, FINFO_FIELDS) or f"; it is one of {', '.join(FINFO_FIELDS)}"
            raise Mismatch(f"'{value}' is not a field of finfo{near}")
        return FinfoNumber.of_dtype(value, dtype_of(recipe_dtype, recipe_dtype))
    raise Mismatch(f"'{shown(dict(written))}' is not a number; {{complex: [re, im]}} takes two numbers")


def _is_real(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def as_number(word: str) -> str:
    """How the number is written that a word spells, or nothing where it spells none: `.nan`, `-.inf`."""
    if word.lower() not in NUMBER_WORDS:
        return ""
    return f"{'-' if word.startswith('-') else ''}.{word.lower().lstrip('+-')[:3]}"


def literal_number(written: Any, dtype: str, wanted: str = DATA) -> Any:
    """A number: itself, a complex number in words, or `{finfo: max}` of `dtype`.

    Args:
        written: what the recipe says.
        dtype: whose finfo is asked for.
        wanted: what would be right, in words.

    Raises:
        Mismatch: it is no number.
    """
    if isinstance(written, (bool, int, float, complex)):
        return written
    if isinstance(written, dict) and len(written) == 1 and set(written) <= {"finfo", "complex"}:
        return literal(written, dtype)
    if isinstance(written, str):
        if number := as_number(written):
            raise Mismatch(f"'{written}' is a word; the number is written {number}")
        if written[-1:] not in ("j", "i"):
            is_number = written.replace(".", "", 1).lstrip("+-").isdigit()
            why = "leave the quotes out" if is_number else _made(written) or wanted
            raise Mismatch(f"'{shown(written)}' is {'text' if is_number else 'not a number'}; {why}")
        try:
            return complex(
                written.replace(" ", "").replace("i", "j") if written.endswith("i") else written.replace(" ", "")
            )
        except ValueError:
            raise Mismatch(f"'{shown(written)}' is not a number; {wanted}") from None
    raise Mismatch(f"'{shown(written)}' is not a number; {wanted}")


def _made(written: str) -> str:
    """How a tensor is made that a line of Python would make: `randn(3)`."""
    found = re.match(r"(?:torch\.)?(\w+)(?:\(|$)", written)
    return f"a tensor that is made is written {{init: {found[1]}, …}}" if found and found[1] in INIT_KINDS else ""


def check_literal(written: Any, dtype: str) -> None:
    """See that nested lists hold numbers, as many in each.

    Raises:
        Mismatch: they do not.
    """
    data = written["tensor"] if isinstance(written, dict) and list(written) == ["tensor"] else written
    shape_of_literal(data)
    map_numbers(data, lambda number: literal_number(number, dtype))


def map_numbers(data: Any, read: Callable[[Any], Any]) -> Any:
    """The nested lists with each number as `read` gives it; tuples become lists."""
    if isinstance(data, (list, tuple)):
        return [map_numbers(part, read) for part in data]
    return read(data)


def shape_of_literal(data: Any) -> list[int]:
    """The shape of nested lists.

    Raises:
        Mismatch: they are ragged.
    """
    if not isinstance(data, (list, tuple)):
        return []
    shapes = [shape_of_literal(part) for part in data]
    for position, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise Mismatch(
                f"'{shown(list(data))}' is ragged: its part {position} has the shape {shape}, its part 0 {shapes[0]}"
            )
    return [len(data), *(shapes[0] if shapes else [])]


def misfits(numbers: Sequence[Any], dtype: torch.dtype) -> list[Any]:
    """One of the numbers that torch cannot make in `dtype`, or none."""
    if dtype.is_complex:
        return []
    odd = [number for number in numbers if isinstance(number, complex) or _is_nan(number)][:1]
    real = [number for number in numbers if not isinstance(number, complex) and not _is_nan(number)]
    extremes = [min(real), max(real)] if real else []
    if dtype.is_floating_point:
        odd = [number for number in odd if isinstance(number, complex)]
        extremes = [number for number in extremes if isinstance(number, int) and number.bit_length() > MOST_BITS]
    return [number for number in (*odd, *extremes) if not _fits(number, dtype)][:1]


def _is_nan(number: float) -> bool:
    return isinstance(number, float) and math.isnan(number)


def _fits(number: Any, dtype: torch.dtype) -> bool:
    try:
        torch.tensor(number, dtype=dtype)
    except (RuntimeError, TypeError, OverflowError, ValueError):
        return False
    return True
