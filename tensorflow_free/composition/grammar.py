"""Hydra's override grammar, with words typed as in a recipe file. The only module that uses Hydra's parser.

Tried with hydra-core 1.3.8. The visitor's `_createPrimitive` is Hydra's own and not public; a test shows that it is
still asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, Final

from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]
from hydra.core.override_parser.overrides_parser import create_functions
from hydra.core.override_parser.overrides_visitor import HydraErrorListener, HydraOverrideVisitor
from hydra.core.override_parser.types import (
    ChoiceSweep,
    Glob,
    IntervalSweep,
    OverrideType,
    Quote,
    QuotedString,
    RangeSweep,
    Sweep,
    ValueType,
)
from hydra.core.override_parser.types import Override as HydraOverride
from hydra.errors import HydraException
from hydra.grammar.gen.OverrideLexer import OverrideLexer
from hydra.grammar.gen.OverrideParser import OverrideParser

from tensorflow_free.composition.command_line import GROUP
from tensorflow_free.composition.overrides import (
    LONGEST_OVERRIDE_SHOWN,
    NOT_GIVEN,
    Axis,
    Override,
    OverrideError,
    OverrideKind,
    as_meant,
)
from tensorflow_free.composition.scalars import scalar
from tensorflow_free.composition.writer import dump_yaml

_KINDS: Final[dict[OverrideType, OverrideKind]] = {
    OverrideType.CHANGE: "set",
    OverrideType.ADD: "add",
    OverrideType.FORCE_ADD: "force",
    OverrideType.DEL: "delete",
}

_MARKS: Final = {OverrideType.ADD: "+", OverrideType.FORCE_ADD: "++"}

_FORMS: Final = "an override is key=value, +key=value, ++key=value or ~key"


class _Typing(HydraOverrideVisitor):
    """Hydra's visitor, but for what an unquoted word is."""

    def _createPrimitive(self, ctx: Any) -> Any:  # noqa: N802 - the name is Hydra's
        value = super()._createPrimitive(ctx)
        written = ctx.getText().strip(" \t")
        if isinstance(value, QuotedString) or "\\" in written:
            return value
        return scalar(written)

    def visitDictContainer(self, ctx: Any) -> Any:  # noqa: N802 - the name is Hydra's
        pairs = [self.visitDictKeyValuePair(ctx.getChild(index)) for index in range(1, ctx.getChildCount() - 1, 2)]
        keys = [key for key, _ in pairs]
        for key in keys:
            if not isinstance(key, str):
                raise OverrideError(f"'{key}' is not a word and cannot be a key")
            if keys.count(key) > 1:
                raise OverrideError(f"the key '{key}' is given twice; keep one of the two")
        return dict(pairs)


def parsed(text: str) -> Override:
    """What `text` says.

    Raises:
        OverrideError: it does not parse, names a config group, or sweeps.
        ScalarError: a word in it is refused, such as `010`.
    """
    override = hydra_override(text)
    if is_sweep(override):
        _refuse_group(override)
        message = "it gives several values; write [a, b] for a list or quote a text, or add -m to run once with each"
        raise OverrideError(message)
    return _single(text, override)


def axis(text: str) -> Axis:
    """What `text` says, with all values that it gives.

    Raises:
        OverrideError: it does not parse, names a config group, or its values cannot be listed.
        ScalarError: a word in it is refused.
    """
    override = hydra_override(text)
    return _several(text, override) if is_sweep(override) else Axis(None, (_single(text, override),), text=text)


def _single(text: str, override: HydraOverride) -> Override:
    _refuse_group(override)
    value = NOT_GIVEN if override.value_type is None else override.value()
    parts = tuple(override.key_or_group.split("."))
    return as_meant(Override(text, _KINDS[override.type], parts, value, trusted=True))


def _refuse_group(override: HydraOverride) -> None:
    if override.package is not None or "/" in override.key_or_group:
        raise OverrideError("it chooses from a config group, and a recipe has none; write key=value with a dotted key")
    if override.key_or_group == "":
        raise OverrideError(f"it names no key; {_FORMS}")


def is_sweep(override: HydraOverride) -> bool:
    """Whether it gives several values, one for each job of a multirun."""
    return override.value_type not in (None, ValueType.ELEMENT)


def hydra_override(text: str, visitor: type[HydraOverrideVisitor] = _Typing) -> HydraOverride:
    """Hydra's own object of an override, its words typed by `visitor`."""
    listener = HydraErrorListener()
    lexer = OverrideLexer(InputStream(text))
    parser = OverrideParser(CommonTokenStream(lexer))
    for reporter in (lexer, parser):
        reporter.removeErrorListeners()
        reporter.addErrorListener(listener)
    try:
        override = visitor(create_functions()).visit(parser.override())  # type: ignore[no-untyped-call]
    except HydraException as error:
        reason = (
            str(error) if len(str(error)) <= LONGEST_OVERRIDE_SHOWN else f"{str(error)[:LONGEST_OVERRIDE_SHOWN]}..."
        )
        raise OverrideError(f"it does not parse ({reason}); {_FORMS}; {_in_quotes(text)}") from error
    except RecursionError as error:
        raise OverrideError("it is nested too deep to be read") from error
    if not isinstance(override, HydraOverride):  # what a newer grammar may give
        raise OverrideError(f"it is not one override; {_FORMS}")
    override.input_line = text
    return override


def _in_quotes(text: str) -> str:
    """How a text that the grammar would take apart is written, once for the grammar and once for the shell."""
    key, _, value = text.partition("=")
    is_line = value and not set(value) & set("\"'[]{}\\") and len(text) <= LONGEST_OVERRIDE_SHOWN
    example = f"'{key}=\"{value}\"'" if is_line else "'KEY=\"relu(w @ x)\"'"
    return f"a text with parentheses or commas is quoted, for the shell too: {example}"


def for_hydra(text: str) -> str:
    """`text` so that stock Hydra reads the values that it has here.

    What may make a new key gets `++`, as Hydra wants a mark on every key that it has not seen. Words that Hydra would
    take for something else are quoted, and numbers that it does not know are written in decimal. Infinity and NaN stay,
    as what is read here in the end is the text.
    """
    ours, stock = hydra_override(text), hydra_override(text, HydraOverrideVisitor)
    if ours.value_type is None or ours.is_hydra_override() or ours.package is not None:
        return text
    value, alike = _value(ours), repr(_value(ours)) == repr(_value(stock))
    values = value.list if isinstance(value, ChoiceSweep) else [value]
    may_be_new = "." in ours.key_or_group or any(isinstance(one, dict) for one in values)
    head = ("++" if may_be_new and ours.type is OverrideType.CHANGE else "") + ours.get_key_element()
    if not alike and ours.value_type is ValueType.ELEMENT:
        return f"{head}={_stock(value)}"
    if not alike and isinstance(value, ChoiceSweep) and value.simple_form:
        return f"{head}={','.join(_stock(one) for one in values)}"
    return f"{head}={text.partition('=')[2]}"


def choosing(options: Sequence[str]) -> str:
    """The override by which Hydra gets recipes: a name that it would read as a number (`inf`, `1`) is quoted."""
    return f"{GROUP}={','.join(map(_option, options))}"


def _option(name: str) -> str:
    read = _value(hydra_override(f"{GROUP}={name}", HydraOverrideVisitor))
    return name if isinstance(read, str) else _stock(name)


def _value(override: HydraOverride) -> Any:
    """The value with its quotes still marked, which `Override.value` takes off."""
    return override._value  # noqa: SLF001 - Hydra has no public way to it


def _stock(value: Any) -> str:
    """`value` as stock Hydra writes it, so that it and `_Typing` read it alike."""
    return _spelled(value, lambda word: str(word.with_quotes()) if isinstance(word, QuotedString) else _quoted(word))


def _spelled(value: Any, spell: Callable[[Any], str]) -> str:
    """`value` in the grammar of overrides, each word in it as `spell` gives it."""
    if isinstance(value, str | QuotedString):
        return spell(value)
    if isinstance(value, list):
        return "[" + ",".join(_spelled(element, spell) for element in value) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_spelled(below, spell)}" for key, below in value.items()) + "}"
    return dump_yaml(value).strip()


def _quoted(word: str) -> str:
    return str(QuotedString(word, Quote.single).with_quotes())


# ------------------------------------------------------------------------------------------------------ sweeps

MOST_VALUES: Final = 1_000_000
"""Values of one axis."""

_PLAIN_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]*|[./][A-Za-z0-9_.:/-]*[A-Za-z0-9_]", re.ASCII)
"""Words that the grammar reads as themselves."""


def _several(text: str, override: HydraOverride) -> Axis:
    """The axis of an override that gives several values."""
    _refuse_group(override)
    if override.type is OverrideType.DEL:
        raise OverrideError(f"a key cannot be deleted several times; write ~{override.key_or_group}")
    value = _value(override)
    if isinstance(value, IntervalSweep):
        raise OverrideError(
            f"interval({value.start}, {value.end}) has infinitely many values; write "
            f"range({value.start}, {value.end}, STEP) or a list, or choose a sweeper that draws from "
            "intervals, as hydra/sweeper=NAME"
        )
    key, mark, kind = override.key_or_group, _MARKS.get(override.type, ""), _KINDS[override.type]
    parts = tuple(key.split("."))

    def each(values: Sequence[Any]) -> tuple[Override, ...]:
        texts = ((f"{mark}{key}={written(one)}", _unquoted(one)) for one in values)
        return tuple(as_meant(Override(text, kind, parts, value, trusted=True)) for text, value in texts)

    if isinstance(value, Glob):
        return Axis(key, (), text=text, pick=lambda names: each(value.filter(list(names))))
    in_order = isinstance(value, RangeSweep) and not value.shuffle
    return Axis(key, each(_listed(override)), in_order, text)


def _listed(override: HydraOverride) -> list[Any]:
    """The values of a choice or a range."""
    try:
        values = list(islice(override.sweep_iterator(), MOST_VALUES + 1))
    except (HydraException, ValueError, ArithmeticError, TypeError, MemoryError, OverflowError) as error:
        raise OverrideError(f"its values cannot be listed: {error}") from error
    if not values:
        raise OverrideError("it gives no values, so that no cell could run; give at least one")
    if any(isinstance(value, (Sweep, Glob)) for value in values):
        raise OverrideError("one of its values is a choice, a range or a glob itself; list all values in one")
    if len(values) > MOST_VALUES:
        raise OverrideError(f"it gives more than {MOST_VALUES:,} values; a sweep has at most so many on one axis")
    return values


def _unquoted(value: Any) -> Any:
    """`value` without the marks of its quotes."""
    if isinstance(value, QuotedString):
        return value.text
    if isinstance(value, list):
        return [_unquoted(element) for element in value]
    if isinstance(value, dict):
        return {key: _unquoted(below) for key, below in value.items()}
    return value


def written(value: Any) -> str:
    """`value` as an override writes it, so that it is read here as the same value."""
    return _spelled(_unquoted(value), lambda word: word if _is_plain(word) else _quoted(word))


def _is_plain(word: str) -> bool:
    return _PLAIN_WORD.fullmatch(word) is not None and scalar(word) is word
