"""What one argument means, by its parameter's type: a value of the run, a dtype, a string, or a problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch

from tensorflow_free.binding.gradients import gradient_start
from tensorflow_free.binding.kinds import LAYOUTS, MEMORY_FORMATS, wanted
from tensorflow_free.binding.operands import Known, of_a_key, reference
from tensorflow_free.errors import Message, said
from tensorflow_free.ops.signatures import Op, Parameter
from tensorflow_free.recipe.expressions import ExpressionError, Name, Slice, parse_subscript
from tensorflow_free.recipe.models import LITERAL_KEYS
from tensorflow_free.recipe.names import did_you_mean, nearest
from tensorflow_free.tensors import devices
from tensorflow_free.tensors.dtypes import TORCH_DTYPES, dtype_of
from tensorflow_free.tensors.literals import literal
from tensorflow_free.tensors.mismatch import Mismatch
from tensorflow_free.text.phrases import shown


@dataclass(frozen=True, slots=True)
class TensorLiteral:
    """`{tensor: 1.5}`: a tensor that each run makes anew."""

    data: Any


WORD_TYPES: Final = frozenset({"str", "dtype", "device", "layout", "memory_format", "str[]", "generator", "callable"})
"""The types that only a word can be; every other type may be a value of the run."""


SUBSCRIPTED: Final = frozenset({"[]", "[]=", "__getitem__", "__setitem__"})
"""The ops whose `index` is a subscript."""


def read(written: Any, parameter: Parameter, op: Op, known: Known) -> Any:
    """What an argument is for this parameter.

    Raises:
        Mismatch: it cannot be what the parameter takes.
    """
    types = parameter.types
    if op.name.removeprefix("Tensor.") in SUBSCRIPTED and parameter.name == "index":
        return read_subscript(written, known)
    if written is None:
        if types & {"None", "any"}:
            return None
        raise Mismatch(wanted("null", parameter))
    if isinstance(written, str):
        return _read_word(written, parameter, known)
    if isinstance(written, dict):
        return _read_exact(written, parameter, known)
    if isinstance(written, (list, tuple)):
        return _read_list(written, parameter, op, known)
    if isinstance(written, torch.Tensor):
        return written
    if _number_fits(written, types, numbers=op.numbers):
        return written
    raise Mismatch(wanted(written, parameter))


def _number_fits(written: Any, types: frozenset[str], *, numbers: bool) -> bool:
    if "any" in types or (numbers and "Tensor" in types):
        return True
    if isinstance(written, bool):
        return bool(types & {"bool", "number"})
    if isinstance(written, int):
        return bool(types & {"int", "float", "number", "complex"})
    if isinstance(written, float):
        return bool(types & {"float", "number", "complex"})
    return bool(types & {"number", "complex"})


def _read_word(word: str, parameter: Parameter, known: Known) -> Any:
    types = parameter.types
    meaning = _meaning(word, parameter, known)
    values_fit = bool(types - WORD_TYPES - {"None"})
    named = word.partition(".")[0] in known.names
    if not values_fit:
        if meaning is not None:
            return meaning
        if "." in word and named:
            return reference(word, known)
        raise Mismatch(partial(_wrong_word, word, parameter, known))
    if meaning is not None and types & WORD_TYPES:
        if named and "." not in word:
            raise Mismatch(ambiguous(word), weight=5)
        if not named:
            return meaning
    return reference(word, known, parameter)


def _wrong_word(word: str, parameter: Parameter, known: Known) -> str:
    words: list[str] = sorted(parameter.words or ())
    near = of_a_key(word, known)
    if not words:
        return wanted(word, parameter) + (
            near or did_you_mean(word.removeprefix("torch."), TORCH_DTYPES if "dtype" in parameter.types else ())
        )
    near = near or did_you_mean(word, words)
    return f"'{word}' is not a word that '{parameter.name}' takes{near or '; it is one of ' + ', '.join(words)}"


def ambiguous(word: str) -> str:
    """What is said of a word that is a value's name and a word of the op's."""
    return (
        f"'{word}' is the name of a value and also a word that the op takes; write {{ref: {word}}} or {{str: {word}}}"
    )


def _meaning(word: str, parameter: Parameter, known: Known) -> Any:
    """What the word is where the parameter takes a word, or None."""
    types = parameter.types
    readers: dict[str, Callable[[str], Any]] = {
        "dtype": lambda text: dtype_of(text.removeprefix("torch."), known.dtype),
        "layout": lambda text: LAYOUTS.get(text.removeprefix("torch.")),
        "memory_format": lambda text: MEMORY_FORMATS.get(text.removeprefix("torch.")),
        "device": lambda text: _device(text, known),
    }
    for kind, reader in readers.items():
        if kind in types and (found := reader(word)) is not None:
            return found
    if "str" in types and (parameter.words is None or word in parameter.words):
        return word
    return None


def _device(word: str, known: Known) -> str | None:
    """The device that a word names, or None; whether it is present is for the run to find."""
    kind, _, index = word.partition(":")
    return word if (kind in devices.all_kinds() or kind in known.devices) and (not index or index.isdigit()) else None


def _read_exact(written: Mapping[str, Any], parameter: Parameter | None, known: Known) -> Any:
    """A mapping that says just what it is: `{ref: w}`, `{str: mean}`, `{finfo: max}`."""
    if len(written) != 1 or not set(written) <= LITERAL_KEYS:
        if parameter is not None and "gradient" in parameter.types:
            return gradient_start(written, known.dtype)
        if len(written) == 1 and (near := nearest(next(iter(written)), LITERAL_KEYS)):
            raise Mismatch(f"'{shown(dict(written))}' is not a form of argument; did you mean '{near}'?")
        forms = "{ref: w}, {str: mean}, {dtype: int64}, {complex: [1, 2]}, {tensor: 1.5} or {finfo: max}"
        raise Mismatch(f"'{shown(dict(written))}' is a mapping, which no argument is; it may be {forms}")
    [(kind, value)] = written.items()
    if kind == "ref":
        return reference(str(value), known)
    if kind == "str":
        if parameter is not None and not parameter.types & {"str", "any", "dtype", "device", "layout", "memory_format"}:
            raise Mismatch(wanted(value, parameter))
        return str(value)
    if kind == "tensor":
        return TensorLiteral(_checked_data(value))
    return literal(written, known.dtype)


def _checked_data(written: Any) -> Any:
    """Literal data, once it is seen that torch makes a tensor of them."""
    if isinstance(written, torch.Tensor):
        return written
    try:
        torch.tensor(written)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise Mismatch(f"'{shown(written)}' is not a number or a list of numbers: {error}") from error
    return written


def _read_list(written: Sequence[Any], parameter: Parameter, op: Op, known: Known) -> Any:
    types = parameter.types
    if "any" not in types and not any(kind.endswith("[]") for kind in types):
        raise Mismatch(wanted(list(written), parameter))
    element = Parameter(
        parameter.name,
        frozenset(kind.removesuffix("[]") for kind in types if kind.endswith("[]")) | _deeper(types),
        words=parameter.words,
    )
    return list(_read_elements(written, element, op, known))


def _read_elements(written: Sequence[Any], element: Parameter, op: Op, known: Known) -> Iterator[Any]:
    for position, part in enumerate(written):
        try:
            yield _read_element(part, element, op, known)
        except Mismatch as mismatch:
            mismatch.below = (position, *mismatch.below)
            mismatch.words = partial(_of_an_element, mismatch.words, element.name)
            raise


def _of_an_element(words: Message, name: str) -> str:
    return said(words).replace(f" fit '{name}'", f" fit an element of '{name}'")


def _deeper(types: frozenset[str]) -> frozenset[str]:
    """What the elements of a list may be besides: nested lists where anything is taken; null among tensors."""
    if "any" in types:
        return frozenset({"any"})
    return frozenset({"None"}) if types & {"Tensor[]"} else frozenset()


def _read_element(part: Any, element: Parameter, op: Op, known: Known) -> Any:
    if isinstance(part, (list, tuple)) and "any" in element.types:
        return list(_read_elements(part, element, op, known))
    return read(part, element, op, known)


def read_subscript(written: Any, known: Known) -> Any:
    """The subscript of `[]` and `[]=`, its words read as names of values.

    Raises:
        Mismatch: it is not a subscript.
    """
    if isinstance(written, bool) or written is None or isinstance(written, int):
        return written
    if isinstance(written, dict):
        return _read_exact(written, None, known)
    if isinstance(written, list):
        items = ", ".join(str(item) for item in written)
        better = f'write "{items}" for one index a dimension, or "[{items}]" for a list of indices'
        raise Mismatch(f"'{shown(written)}' is a list; {better}")
    if not isinstance(written, str):
        raise Mismatch(
            f"'{shown(written)}' is not a subscript; write what comes between the brackets, such as '1:3, 0'"
        )
    if "." in written and written.split(".")[0] in known.names and not set(written) & set(" ,:["):
        return reference(written, known)
    try:
        return _named(parse_subscript(written), known)
    except ExpressionError as error:
        raise Mismatch(error.message) from error


def _named(subscript: Any, known: Known) -> Any:
    if isinstance(subscript, Name):
        return reference(subscript.dotted, known)
    if isinstance(subscript, Slice):
        return Slice(*(_named(part, known) for part in (subscript.start, subscript.stop, subscript.step)))
    if isinstance(subscript, tuple):
        return tuple(_named(part, known) for part in subscript)
    if isinstance(subscript, list):
        return [_named(part, known) for part in subscript]
    return subscript
