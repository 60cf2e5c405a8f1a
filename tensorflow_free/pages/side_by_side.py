"""Values beside what they are held against, as data for a page: rows, pictures of both and of the difference."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import torch

from tensorflow_free.codec.parts import UNTAKEN
from tensorflow_free.codec.values import plain
from tensorflow_free.judging.as_tensors import same_bits, tensor_of
from tensorflow_free.pages.pictured_values import all_numbers, numbers_of_value, picture_of_value
from tensorflow_free.pages.plain_lines import plain_lines
from tensorflow_free.picturing.chain_graph import chain_graph
from tensorflow_free.picturing.layered import laid_out
from tensorflow_free.picturing.value_pictures import FEW_NUMBERS, Bounds, Picture
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.text.page import Line, Page, Words

CHUNK: Final = 8
"""Rows whose pictures lie in one part of a page."""

MOST_PICTURED: Final = 400
"""Rows of one section that have pictures: those that differ before the others."""

NO_NUMBERS: Final = object()
"""What stands on a side that has no such value, or not its numbers."""


@dataclass(frozen=True, slots=True)
class SideRow:
    """A value on both sides.

    Attributes:
        name: the value's name.
        cells: what its row says, in the order of the columns.
        actual: the value that is judged; `NO_NUMBERS` where there is none.
        expected: the value that it is held against.
        tone: `bad` where something fails by it, `notice` where it is worth a look.
        used: the share of what is allowed that it used, by which rows are sorted; None where it was not judged.
        about: what is told of it besides.
        of: the step or tensor of the chain that it belongs to; its own name by default.
    """

    name: str
    cells: tuple[str | Words, ...]
    actual: Any = NO_NUMBERS
    expected: Any = NO_NUMBERS
    tone: str = ""
    used: float | None = None
    about: Page = ()
    of: str | None = None

    @property
    def step(self) -> str:
        """The step or tensor of the chain that it belongs to."""
        return self.name.removesuffix(".grad").partition(".")[0] if self.of is None else self.of


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Values side by side: of a pair of runs, of a case and its golden, of a run and its reference.

    Attributes:
        title: what it is of.
        lines: what was found in all.
        columns: the headings of the rows' cells.
        sides: what the two sides are: `actual` and `expected`, or one alone.
        rows: the values, in the order of the chain.
        first: the value at which it starts to differ; None where nothing does.
        notes: what else is told, a heading with its lines.
        commands: what is to be typed, each with what it is for.
        graphs: the recipes whose chains are drawn, one for each side that has another, each with its heading.
        marks: for a step of the chain how it is drawn: its tone, and a word that says it, too.
        starts: what stands before the name of the first.
        node_words: what the nodes of the chains say of their values, by name, on each side; where it is not told, what
            the rows say.
        has_numbers: whether the page holds all numbers of values that have not very many, to be asked for.
    """

    title: str
    lines: Page
    columns: Sequence[str]
    sides: Sequence[str]
    rows: Sequence[SideRow]
    first: str | None = None
    notes: Sequence[tuple[str, Page]] = ()
    commands: Sequence[tuple[str, str]] = ()
    graphs: Sequence[tuple[str, Recipe]] = ()
    marks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    has_numbers: bool = False
    starts: str = "It differs first at"
    node_words: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def head(self) -> dict[str, Any]:
        """What its first look needs."""
        places = {at: place // CHUNK for place, at in enumerate(self._pictured())}
        return {
            "title": self.title,
            "lines": told_lines(self.lines),
            "columns": list(self.columns),
            "sides": list(self.sides),
            "rows": [_plain_row(row, places.get(at)) for at, row in enumerate(self.rows)],
            "first": self.first,
            "starts": self.starts,
            "node_words": {name: list(told) for name, told in self.node_words.items()},
            "notes": [{"title": title, "lines": told_lines(lines)} for title, lines in self.notes],
            "commands": [{"about": about, "text": text} for about, text in self.commands],
            "graphs": [title for title, _ in self.graphs],
            "marks": {name: list(mark) for name, mark in self.marks.items()},
        }

    def parts(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """Its graphs and pictures, by the names of the parts that hold them."""
        for at, (_, recipe) in enumerate(self.graphs):
            yield f"{prefix}graph-{at}", laid_out(chain_graph(recipe)).to_plain()
        order = self._pictured()
        for number, begin in enumerate(range(0, len(order), CHUNK)):
            details: dict[str, Any] = {}
            for at in order[begin : begin + CHUNK]:
                row = self.rows[at]
                pictures = list(pictures_of(row.actual, row.expected, self.sides))
                if self.has_numbers and (numbers := dict(_numbers(row, pictures))):
                    yield f"{prefix}numbers-{at}", numbers
                details[row.name] = {"lines": told_lines(row.about), "pictures": pictures}
            yield f"{prefix}values-{number}", details

    def _pictured(self) -> list[int]:
        """The places of the rows that have pictures, the worst first."""
        order = sorted(range(len(self.rows)), key=lambda at: (self.rows[at].tone != "bad", -(self.rows[at].used or 0)))
        return order[:MOST_PICTURED]


def told_lines(page: Page) -> list[dict[str, Any]]:
    """The lines of a report without its tables, and without the empty ones that part these."""
    return plain_lines(one for one in page if isinstance(one, Line) and str(one))


def plain_cell(cell: str | Words) -> str | list[str]:
    """A cell of a row: its text, or its text and its style."""
    words = Words(cell) if isinstance(cell, str) else cell
    return [words.text, words.style] if words.style else words.text


def _plain_row(row: SideRow, place: int | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": row.name,
        "step": row.step,
        "cells": list(map(plain_cell, row.cells)),
        "part": place,
    }
    if row.tone:
        told["tone"] = row.tone
    if row.used is not None:
        told["used"] = plain(row.used)
    return told


def _numbers(row: SideRow, pictures: Sequence[dict[str, Any]]) -> Iterator[tuple[str, list[str]]]:
    """All numbers of the values of which a picture has not all, by the captions of these, which are told of it."""
    there = [value for value in (row.actual, row.expected) if value is not NO_NUMBERS]
    for value, told in zip(there, pictures, strict=False):
        numbers = None if "numbers" in told["picture"] or told.get("is_apart") else all_numbers(value)
        if numbers is not None and len(numbers) > FEW_NUMBERS:
            told["has_numbers"] = True
            yield told["caption"], numbers


def pictures_of(actual: Any, expected: Any, sides: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Both values, shaded alike, and their difference, each a caption and a picture; of the same bits one alone.

    Args:
        actual: the judged value, or `NO_NUMBERS`.
        expected: what it is held against, or `NO_NUMBERS`.
        sides: what the two are called.
    """
    there = [(side, value) for side, value in zip(sides, (actual, expected), strict=False) if value is not NO_NUMBERS]
    if len(there) > 1 and _same(actual, expected):
        there = [(f"{sides[0]} and {sides[1]}, the same bits", actual)]
    scale = _scale([value for _, value in there])
    for caption, value in there:
        yield {"caption": caption, "picture": picture_of_value(value, scale=scale).to_plain()}
    apart = difference(actual, expected) if len(there) > 1 else None
    if apart is not None:
        caption = f"difference: {sides[0]} less {sides[1]}"
        yield {"caption": caption, "is_apart": True, "picture": _rounded(picture_of_value(apart))}


def _rounded(picture: Picture) -> dict[str, Any]:
    """A picture whose numbers are told in four digits, since a difference has hardly more that mean anything."""
    numbers = None if picture.numbers is None or picture.is_complex else picture.numbers
    told = picture if numbers is None else replace(picture, numbers=[f"{float(one):.4g}" for one in numbers])
    return told.to_plain()


def _same(actual: Any, expected: Any) -> bool:
    try:
        mine, its = tensor_of(actual), tensor_of(expected)
        is_like = mine is not None and its is not None and (mine.dtype, mine.shape) == (its.dtype, its.shape)
        return is_like and mine is not None and its is not None and same_bits(mine, its)
    except UNTAKEN:
        return False


def _scale(values: Iterable[Any]) -> Bounds | None:
    """The bounds of the finite numbers of all values; None where there are none."""
    found: list[float] = []
    for value in values:
        numbers = numbers_of_value(value)
        if numbers is None or not numbers.size:
            continue
        flat = torch.from_numpy(numbers.reshape(-1).copy())
        sizes = flat.abs() if flat.is_complex() else flat
        finite = sizes.double()[sizes.isfinite()]
        found += [float(bound) for bound in finite.aminmax()] if finite.numel() else []
    return (min(found), max(found)) if found and math.isfinite(max(found) - min(found)) else None


def difference(actual: Any, expected: Any) -> torch.Tensor | None:
    """The first less the second, in float64 or complex128; what is alike differs by 0, infinities and NaN, too.

    Returns:
        The difference; None where they are no numbers, or of different shapes.
    """
    try:
        mine, its = tensor_of(actual), tensor_of(expected)
        if mine is None or its is None or mine.shape != its.shape:
            return None
        wide = torch.complex128 if mine.is_complex() or its.is_complex() else torch.float64
        alike = (mine == its) | (mine.isnan() & its.isnan())
        return torch.where(alike, torch.zeros((), dtype=wide), mine.to(wide) - its.to(wide))
    except UNTAKEN:
        return None
