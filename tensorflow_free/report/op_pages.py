"""`recipe ops` as pages: a list of a table of ops, and one op in full. Does not import torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from tensorflow_free.ops.op_names import suggestion
from tensorflow_free.report.op_entry import OpRecord, OpTable
from tensorflow_free.text.page import Page, line, listed, parted, text_lines

NEAR: Final = 20
"""Names of other ops that stand below an op."""


def page_of(pattern: str | None, table: OpTable) -> tuple[Page, bool]:
    """What `recipe ops PATTERN` prints, and whether anything fits.

    No pattern lists every op; an op's name shows it in full; a pattern (`*`, `?`, or a part of a name) lists what fits.
    """
    if pattern is None:
        return _listing(table.names(), table), True
    op = table.find(pattern)
    others = [name for name in fitting(pattern, table) if op is None or name != op.name]
    by_words = [name for name in _described_by(pattern, table) if name not in others] if op is None else []
    if op is not None:
        more = ", …" if len(others) > NEAR else ""
        near = [line(f"names with '{pattern}' in them: {', '.join(others[:NEAR])}{more}")] if others else []
        return parted([[line(op.name, "title"), *text_lines(op.page)], near]), True
    if others or by_words:
        return _listing([*others, *by_words], table, is_told=True), True
    near_it = suggestion(pattern, table.names, table.aten_names)
    return [line(f"'{pattern}' is not an op, nor part of the name of one{near_it}")], False


def fitting(pattern: str, table: OpTable) -> list[str]:
    """The ops whose names fit a pattern; those of aten only where the pattern says aten."""
    known = table.names() if not pattern.startswith("aten.") else table.aten_names()
    wild = any(mark in pattern for mark in "*?[") and pattern not in ("[]", "[]=", "*", "**")
    return [name for name in known if (fnmatchcase(name, pattern) if wild else pattern in name)]


def _described_by(pattern: str, table: OpTable) -> list[str]:
    """The ops whose names and first sentences hold every word of a pattern; none for one with `*` or `?`."""
    words = re.findall(r"\w+", pattern.lower())
    if not words or pattern.startswith("aten.") or not re.fullmatch(r"[\w\s-]+", pattern):
        return []
    wanted = [re.compile(rf"\b{word}") for word in words]
    texts = ((name, re.sub(r"[\W_]+", " ", f"{name} {_about(name, table)}".lower())) for name in table.names())
    return [name for name, text in texts if all(word.search(text) for word in wanted)]


def _about(name: str, table: OpTable) -> str:
    op = table.find(name)
    return "" if op is None else op.about


def records_of(pattern: str | None, table: OpTable) -> list[str] | dict[str, Any]:
    """The same as plain values: a list of names, or one op's record.

    Raises:
        ValueError: the table has none that is right.
    """
    op = table.find(pattern) if pattern is not None else None
    if op is not None:
        return OpRecord.model_validate_json(op.record).model_dump()
    if pattern is None:
        return list(table.names())
    return list(dict.fromkeys([*fitting(pattern, table), *_described_by(pattern, table)]))


def _listing(found: Sequence[str], table: OpTable, *, is_told: bool = False) -> Page:
    """A row for each op, and where a pattern chose it what it does."""
    ops = [table.find(name) for name in found]
    about = ["" if op is None else f"{op.brief}  {op.about}" if is_told else op.brief for op in ops]
    return [*listed(found, about), line(f"{len(found)} ops")]
