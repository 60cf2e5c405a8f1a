"""Overrides parsed: `steps.y.op=sub`, `+steps.z={op: relu, args: [y]}`, `~steps.h`, `seed=1,2`.

Their grammar is Hydra's, except that a word is a number, a boolean or a word by the rule of recipe files. A plain
`key=word`, `+key=word` or `~key` is read here; Hydra's parser, which takes a tenth of a second to import, is loaded for
the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from tensorflow_free.composition.overrides import (
    NOT_GIVEN,
    Axis,
    Override,
    OverrideError,
    OverrideKind,
    Unreadable,
    as_meant,
    check,
    override_place,
)
from tensorflow_free.composition.scalars import ScalarError, scalar
from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.errors import Place, Problem, RecipeError, refuse_any

_PART: Final = r"(?:[A-Za-z_][A-Za-z0-9_]*|0|[1-9][0-9]*)"
_KEY, _WORD = rf"([A-Za-z_][A-Za-z0-9_]*(?:\.{_PART})*)", "([A-Za-z0-9_.+:/-]+)"
_PLAIN: Final = re.compile(rf"(\+\+|\+|~|){_KEY}={_WORD}|(~){_KEY}", re.ASCII)
"""What needs no parser: a dotted key, and a word without spaces, quotes, brackets or commas; or a key to delete."""

_MARKED: Final[dict[str, OverrideKind]] = {"": "set", "+": "add", "++": "force", "~": "delete"}

LONGEST: Final = 100_000
"""Characters of one override."""


def parse_overrides(texts: Sequence[str | Override]) -> list[Override]:
    """Every override as what it does; one that is read already is only checked.

    Raises:
        RecipeError: with all that do not parse, that sweep, or that set what a recipe does not have.
    """
    refuse_no_list(texts)
    overrides = [as_override(text) for text in texts]
    problems = []
    for override in overrides:
        try:
            check(override)
        except OverrideError as error:
            problems.append(Problem(override.place, str(error)))
    refuse_any(problems)
    return overrides


def refuse_no_list(overrides: Any) -> None:
    """Refuse what is no list of overrides, with the list to write.

    Raises:
        RecipeError: it is a text, a mapping, or something else.
    """
    if isinstance(overrides, str):
        wanted, place = [overrides], override_place(overrides)
    elif isinstance(overrides, Mapping):
        wanted, place = [f"{key}={_flow(value)}" for key, value in overrides.items()], Place(file="overrides")
    elif isinstance(overrides, Sequence):
        return
    else:
        wanted, place = ["dtype=float64"], Place(file="overrides")
    raise RecipeError([Problem(place, f"a list of overrides is wanted; write {wanted}")])


def _flow(value: Any) -> str:
    """A value as an override has it, as far as it is plain."""
    try:
        return dump_yaml([value]).strip()[1:-1]
    except TypeError:
        return str(value)


def override_of_file(text: str | Override) -> Override:
    """One override as what it does, which was read back from a file and is trusted no more than one."""
    return text if isinstance(text, Override) else replace(as_override(text), trusted=False)


def as_override(text: str | Override) -> Override:
    """One override as what it does; one that cannot be read holds why, for `check` to tell."""
    if isinstance(text, Override):
        return text
    try:
        return parse_override(text)
    except (OverrideError, ScalarError) as error:
        key = str(text).lstrip("+~").partition("=")[0]
        return Override(str(text), "set", tuple(key.split(".")), Unreadable(str(error)))


def parse_override(text: str) -> Override:
    """One override as a person types it, its value typed as in a recipe file.

    Raises:
        OverrideError: it does not parse, or gives several values.
        ScalarError: a word in it is refused.
    """
    if not isinstance(text, str):
        raise OverrideError("it is not a string; write it as on the command line, such as 'device=cuda'")
    if len(text) > LONGEST:
        raise OverrideError(f"{len(text)} characters; at most {LONGEST} are read, so write it in the file")
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        mark, key, word, deletes, deleted = plain.groups()
        value = NOT_GIVEN if deletes else scalar(word)
        parts = tuple((deleted or key).split("."))
        return as_meant(Override(text, _MARKED[deletes or mark], parts, value, trusted=True))
    # Hydra takes a tenth of a second to import, and most runs have none but plain overrides.
    from tensorflow_free.composition.grammar import parsed  # noqa: PLC0415

    return parsed(text)


def parse_axis(text: str) -> Axis:
    """One override with all values that it gives; of those of a glob, how it picks them.

    Raises:
        OverrideError: it does not parse, or its values cannot be listed.
        ScalarError: a word in it is refused.
    """
    # several values need a comma or a function's bracket
    if not isinstance(text, str) or not set(text) & set(",("):
        return Axis(None, (parse_override(text),), text=text)
    from tensorflow_free.composition.grammar import axis  # noqa: PLC0415 - as above

    return axis(text)


def word_override(key: str, word: str) -> Override:
    """The override that sets a key to a word: `case=large`, `case='a, b'`."""
    text = f"{key}={word}"
    if not (word.isidentifier() and _PLAIN.fullmatch(text) and scalar(word) is word):
        from tensorflow_free.composition.grammar import written  # noqa: PLC0415 - as above

        text = f"{key}={written(word)}"
    return Override(text, "set", (key,), word)


def case_override(name: str) -> Override:
    """The override that chooses a case."""
    return word_override("case", name)


def of_case(name: str) -> tuple[Override, ...]:
    """The override that chooses a case; none for '', the bare file."""
    return (case_override(name),) if name else ()
