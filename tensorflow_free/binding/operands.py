"""Operands: words that name values of the run (`w`, `qr.Q`, `train.loss`), and the messages for words that do not."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tensorflow_free.binding.kinds import meant_otherwise
from tensorflow_free.ops.signatures import Parameter
from tensorflow_free.plan.calls import ATTRIBUTES, no_attribute
from tensorflow_free.recipe.expressions import Slice
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.tensors.literals import as_number
from tensorflow_free.tensors.mismatch import Mismatch
from tensorflow_free.text.phrases import shown

FIELDS: Final = (*ATTRIBUTES, "after")
"""What may follow the name of a starting tensor."""

MOST_LISTED: Final = 12
"""Names that a message lists of those given so far."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A value of the run, by name, with the fields read from it: `qr.Q` is Ref("qr", ("Q",))."""

    name: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What binding knows while it reads an argument: the names given so far and later, and the recipe's own words."""

    names: Mapping[str, Any]
    later: Mapping[str, Any]
    dtype: str
    device: str
    kinds: Mapping[str, str]
    """What each name given so far is: a tensor, a step, a block, a check."""
    traces: Mapping[str, Sequence[str]]
    """What each block traces."""
    own: str = ""
    """The step whose argument it is."""
    params: Collection[str] = ()
    """The recipe's own numbers and words, which are no values."""
    devices: Collection[str] = ()
    """Kinds of devices that the recipe speaks of, which torch may not know."""


def reference(word: str, known: Known, parameter: Parameter | None = None) -> Ref:
    """The value that a word names.

    Raises:
        Mismatch: no value of that name is given yet.
    """
    name, *fields = word.split(".")
    if name in known.names:
        _check_fields(word, known)
        return Ref(name, tuple(fields))
    if name in known.later:
        raise Mismatch(_too_early(name, known), weight=3)
    raise Mismatch(partial(_unknown, word, known, parameter))


def references(argument: Any) -> Iterator[Ref]:
    """Every reference inside an argument."""
    if isinstance(argument, Ref):
        yield argument
    elif isinstance(argument, Slice):
        yield from references((argument.start, argument.stop, argument.step))
    elif isinstance(argument, (list, tuple)):
        for part in argument:
            yield from references(part)


def _unknown(word: str, known: Known, parameter: Parameter | None) -> str:
    name = word.partition(".")[0]
    near = of_a_key(word, known) or did_you_mean(name, known.names)
    if number := as_number(word):
        near = f"; the number is written {number}"
    elif not _NAME.fullmatch(word):
        return f"'{shown(word)}' is not the name of a value{_otherwise(word)}"
    if not near and parameter is not None:
        near = meant_otherwise(word, parameter)
    return f"'{name}' is not a value of this recipe{near or _given(known)}"


_NAME: Final = re.compile(r"[^\W\d]\w*(\.\w*)*")


def _otherwise(word: str) -> str:
    """What was meant by a word that can be no name: a number in quotes, or something that is to be computed."""
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", word.strip(), re.IGNORECASE):
        return ", and a number stands without quotes"
    return "; what is computed is a step of its own, or the whole step is written in one line"


def of_a_key(word: str, known: Known) -> str:
    """How a word that names a key of the recipe is written, where that was meant: `${params.n}`."""
    key = f"params.{word}" if word in known.params else word
    is_key = key.startswith("params.") or key in ("dtype", "device", "seed")
    return f"; a key of the recipe is written ${{{key}}}" if is_key else ""


def _given(known: Known) -> str:
    names = list(known.names)
    more = ", …" if len(names) > MOST_LISTED else ""
    return f"; given so far: {', '.join(names[:MOST_LISTED])}{more}" if names else ""


def _too_early(name: str, known: Known) -> str:
    if name == known.own:
        return f"'{name}' is used in its own step; a step reads values given before it"
    if known.later[name] == "checks" and known.later.get(known.own) != "checks":
        return f"'{name}' is one of `checks`, which run after the steps"
    return f"'{name}' is used before it is given; it stands below"


def _check_fields(word: str, known: Known) -> None:
    """Refuse a field that no value of this kind has; those of several results are for the run to find."""
    name, *fields = word.split(".")
    kind = known.kinds.get(name)
    if kind == "block":
        _check_trace(name, fields, known.traces.get(name, ()))
    for field in fields:
        if not field.isdigit() and (not field.isidentifier() or field.startswith("_")):
            raise Mismatch(f"'{field}' in '{word}' is not a field; one is read by name or position, as {name}.shape.0")
    if fields and kind == "tensor" and not fields[0].isdigit() and fields[0] not in FIELDS:
        raise Mismatch(no_attribute(fields[0], f"the tensor '{name}'", FIELDS))


def without_value(block: str) -> str:
    """What is said where a block is named and a value is wanted."""
    return f"'{block}' is a block and has no value of its own; name a step in it"


def _check_trace(name: str, fields: Sequence[str], traces: Sequence[str]) -> None:
    if not fields:
        raise Mismatch(without_value(name))
    if fields[0] not in traces:
        near = did_you_mean(fields[0], traces) or "; name it in `trace`"
        raise Mismatch(f"'{fields[0]}' is not traced by '{name}'{near}")
