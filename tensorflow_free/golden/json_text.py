"""A golden as text for review: a line for each value or row, so that a diff shows the number that changed.

The same golden gives the same text, and the text is strict JSON. Does not import torch or touch files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tensorflow_free.golden.model import GoldenCase, GoldenFile, Numbers
from tensorflow_free.text.characters import printable_json

PER_LINE: Final = 4
"""Numbers of a long row on a line; a fixed count, so that a number which grows by a digit does not move the others."""

PER_LINE_SHORT: Final = 16
"""The same for integers and booleans."""

_BLOCKS: Final = ("parts", "noise", "leeway")
"""Keys of a value with a line for each key below them."""


def text_of(golden: GoldenFile) -> str:
    """The text of the file, with a line break at its end."""
    head = golden.model_dump(exclude={"cases"}, exclude_none=True)
    lines = [f" {_one_line(key)}: {_one_line(value)}" for key, value in head.items()]
    cases = _block({name: _case(case, 3) for name, case in golden.cases.items()}, 2)
    return "{\n" + ",\n".join([*lines, f' "cases": {cases}']) + "\n}\n"


def _case(case: GoldenCase, indent: int) -> str:
    rows = {"digest": _one_line(case.digest), "made": _one_line(case.made.model_dump())}
    if case.nudged_runs is not None:
        rows["nudged_runs"] = _one_line(case.nudged_runs)
    if case.starts_from is not None:
        rows["starts_from"] = _one_line(case.starts_from.model_dump())
    if case.unsupported:
        rows["unsupported"] = _block({dtype: _one_line(why) for dtype, why in case.unsupported.items()}, indent + 1)
    if case.unmet:
        rows["unmet"] = _block({dtype: _one_line(paths) for dtype, paths in case.unmet.items()}, indent + 1)
    rows["starts"] = _list([_numbers(one, indent + 2) for one in case.starts], indent + 1)
    rows["values"] = _list([_numbers(one, indent + 2) for one in case.values], indent + 1)
    return _block(rows, indent)


def _numbers(one: Numbers, indent: int) -> str:
    """A value: what it is on one line, then its numbers, then the noise of each dtype."""
    fields = one.model_dump(exclude_defaults=True)
    head = [f"{_one_line(key)}: {_one_line(value)}" for key, value in fields.items() if key not in ("value", *_BLOCKS)]
    rows = [", ".join(head)]
    if "value" in fields:
        rows.append(f'"value": {_rows(fields["value"], indent + 1)}')
    for key in [key for key in _BLOCKS if key in fields]:
        lines = {name: _one_line(inner) for name, inner in fields[key].items()}
        rows.append(f'"{key}": {_block(lines, indent + 1)}')
    return "{" + (",\n" + " " * indent).join(rows) + "}"


def _rows(value: Any, indent: int) -> str:
    """Nested lists with a line for each innermost one, and several for one that is long."""
    if not isinstance(value, list) or not value:
        return _one_line(value)
    if any(isinstance(inner, list) for inner in value):
        return _list([_rows(inner, indent + 1) for inner in value], indent)
    count = PER_LINE if any(isinstance(inner, (float, str)) for inner in value) else PER_LINE_SHORT
    if len(value) <= count:
        return _one_line(value)
    chunks = [value[start : start + count] for start in range(0, len(value), count)]
    return _list([_one_line(chunk)[1:-1] for chunk in chunks], indent)


def _block(rows: Mapping[str, str], indent: int) -> str:
    """A mapping with a line for each key."""
    return _enclosed("{", [f"{_one_line(key)}: {value}" for key, value in rows.items()], "}", indent)


def _list(rows: Sequence[str], indent: int) -> str:
    return _enclosed("[", rows, "]", indent)


def _enclosed(opening: str, rows: Sequence[str], closing: str, indent: int) -> str:
    if not rows:
        return opening + closing
    begin = "\n" + " " * indent
    return opening + begin + ("," + begin).join(rows) + begin[:-1] + closing


def _one_line(value: Any) -> str:
    return printable_json(json.dumps(_strict(value), ensure_ascii=False, allow_nan=False))


def _strict(value: Any) -> Any:
    """The value with words for what JSON has no numbers for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {key: _strict(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(inner) for inner in value]
    return value
