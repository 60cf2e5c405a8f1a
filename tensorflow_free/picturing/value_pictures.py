"""A value as a picture: its numbers where they are few, else a heat map and a histogram. NumPy alone, no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FEW_NUMBERS: Final = 64
"""Numbers up to which a picture holds each of them as text."""

SIDE: Final = 32
"""Cells on a side of a heat map, at most."""

BINS: Final = 24
"""Bars of a histogram, at most."""

CHUNK: Final = 1 << 20
"""Numbers that are looked at together, at least a block of the heat map."""

SHADES: Final = 255
"""The shade of the greatest mean in a heat map; that of the least is 0."""

NAN, INFINITE, BELOW = -1, -2, -3
"""What stands in a heat map for a cell that holds a NaN, an infinity, or only infinities below zero."""

AnyNumbers = NDArray[Any]
Bounds = tuple[float, float]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The means of blocks of numbers as shades.

    Attributes:
        rows: cells from top to bottom: all dimensions but the last, one behind another.
        columns: cells from left to right: the last dimension.
        shades: a shade from 0 to 255 for each cell, row by row; -1 where it holds a NaN, -2 where it holds an infinity,
            -3 where its infinities all lie below zero.
        least: the mean that has the shade 0; None where no cell is finite.
        greatest: the mean that has the shade 255.
        block: rows and columns of numbers in a cell, of the largest.
    """

    rows: int
    columns: int
    shades: list[int]
    least: float | None
    greatest: float | None
    block: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many of the finite numbers lie in each of equal parts of their range.

    Attributes:
        counts: how many, part by part.
        least: where the first part begins.
        greatest: where the last part ends; both include their ends.
    """

    counts: list[int]
    least: float
    greatest: float


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn and told of a value.

    Attributes:
        words: the value in a few words.
        dtype: its dtype, or its type where it is no tensor.
        shape: its shape; None of what has none.
        size: how many numbers it has.
        numbers: each of them as text, the last dimension fastest; None where they are more than 64.
        heat: their heat map, of complex numbers that of their distances from zero; None where there are no numbers.
        histogram: their histogram, of complex numbers likewise; None where none is finite, or their range overflows.
        least: the least finite number, of complex ones the least distance from zero.
        greatest: the greatest.
        mean: the mean of the finite ones; None where there is none, or it overflows.
        nan: how many are NaN.
        inf: how many are infinite, of real numbers those above zero.
        below: how many are infinite below zero.
        is_complex: whether they are complex.
    """

    words: str
    dtype: str
    shape: list[int] | None = None
    size: int = 0
    numbers: list[str] | None = None
    heat: HeatMap | None = None
    histogram: Histogram | None = None
    least: float | None = None
    greatest: float | None = None
    mean: float | None = None
    nan: int = 0
    inf: int = 0
    below: int = 0
    is_complex: bool = False

    def to_plain(self) -> dict[str, Any]:
        """The same as strict JSON holds it, without what is not there and counts of none."""
        is_told = {"nan": self.nan, "inf": self.inf, "below": self.below, "is_complex": self.is_complex}
        parts = {"heat": self.heat and _plain(self.heat), "histogram": self.histogram and _plain(self.histogram)}
        told = _plain(self) | parts
        return {key: value for key, value in told.items() if value is not None and is_told.get(key, True)}


def _plain(one: HeatMap | Histogram | Picture) -> dict[str, Any]:
    """Its attributes by name, as they are: a copy of many shades takes its time."""
    return {each.name: getattr(one, each.name) for each in fields(one)}


def picture_of(
    numbers: AnyNumbers, *, words: str, dtype: str, shape: Sequence[int] | None, scale: Bounds | None = None
) -> Picture:
    """The picture of an array of numbers.

    Args:
        numbers: the numbers: booleans, integers, floating or complex numbers, of any shape.
        words: the value in a few words.
        dtype: the word of its own dtype, which NumPy may not have.
        shape: its own shape; None of what has none, such as a nested tensor.
        scale: the means that the first and the last shade stand for, so that several pictures can be compared; None
            for the least and greatest of its own.
    """
    of = None if shape is None else list(shape)
    if not numbers.size:
        return Picture(words, dtype, of)
    blocks = _Blocks.of(numbers)
    found = _Counts()
    heat = _heat(blocks, found, scale)
    return Picture(
        words,
        dtype,
        of,
        numbers.size,
        number_texts(numbers) if numbers.size <= FEW_NUMBERS else None,
        heat,
        _histogram(blocks, found),
        found.least,
        found.greatest,
        found.mean,
        found.nan,
        found.inf,
        found.below,
        bool(np.iscomplexobj(numbers)),
    )


def number_texts(numbers: AnyNumbers) -> list[str]:
    """Each number as the shortest text that tells it from the others of its dtype in NumPy."""
    return [_text(number) for number in numbers.ravel()]


def _text(number: Any) -> str:
    if np.iscomplexobj(number):
        return f"{_text(number.real)}{'' if str(number.imag).startswith('-') else '+'}{_text(number.imag)}j"
    return str(number).removesuffix(".0") if number.dtype.kind == "f" else str(number)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Numbers as a matrix, cut into the blocks that become the cells of a heat map.

    Attributes:
        matrix: the numbers; a line of them lies along its rows, so that only a part of it is looked at at once.
        rows: where blocks begin and end.
        columns: likewise.
        is_line: whether it is a line, whose heat map lies on its side.
    """

    matrix: AnyNumbers
    rows: list[int]
    columns: list[int]
    is_line: bool

    @classmethod
    def of(cls, numbers: AnyNumbers) -> _Blocks:
        is_line = numbers.ndim < 2  # noqa: PLR2004 - a matrix has two dimensions
        matrix = numbers.reshape(-1, 1 if is_line else numbers.shape[-1])
        return cls(matrix, _edges(matrix.shape[0]), _edges(matrix.shape[1]), is_line)

    def read(self) -> Iterator[tuple[AnyNumbers, list[int]]]:
        """Some rows after another in float64, complex ones by distance from zero; and where blocks begin in them.

        So no more of a large array is copied at once than of a block.
        """
        height = max(CHUNK // max(self.matrix.shape[1], 1), 1)
        first = 0
        while first < len(self.rows) - 1:
            last = first + 1
            while last < len(self.rows) - 1 and self.rows[last + 1] - self.rows[first] <= height:
                last += 1
            begin, end = self.rows[first], self.rows[last]
            rows = self.matrix[begin:end]
            with np.errstate(all="ignore"):
                real = (np.abs(rows) if np.iscomplexobj(rows) else rows).astype(np.float64)
            yield real, [edge - begin for edge in self.rows[first : last + 1]]
            first = last

    @property
    def largest(self) -> tuple[int, int]:
        """Rows and columns of the largest block, as the heat map lies."""
        rows, columns = (max(np.diff(edges).tolist()) for edges in (self.rows, self.columns))
        return (columns, rows) if self.is_line else (rows, columns)


def _edges(length: int) -> list[int]:
    parts = min(length, SIDE)
    return [length * part // parts for part in range(parts + 1)]


@dataclass(slots=True)
class _Counts:
    """What is found of the numbers, block by block."""

    least: float | None = None
    greatest: float | None = None
    total: float = 0.0
    finite: int = 0
    nan: int = 0
    inf: int = 0
    below: int = 0

    def add(self, rows: AnyNumbers, good: AnyNumbers) -> None:
        if good.size < rows.size:
            self.nan += int(np.isnan(rows).sum())
            self.inf += int((rows == np.inf).sum())
            self.below += int((rows == -np.inf).sum())
        if good.size:
            self.finite += good.size
            least, greatest = float(good.min()), float(good.max())
            self.least = least if self.least is None else min(self.least, least)
            self.greatest = greatest if self.greatest is None else max(self.greatest, greatest)
            self.total += float(good.sum())

    @property
    def mean(self) -> float | None:
        return self.total / self.finite if self.finite and np.isfinite(self.total) else None


def _heat(blocks: _Blocks, found: _Counts, scale: Bounds | None) -> HeatMap:
    """The heat map, counting on the way."""
    lines = []
    with np.errstate(all="ignore"):
        for rows, edges in blocks.read():
            good = _finite(rows)
            found.add(rows, good)
            lines.append(_means(rows, edges, blocks.columns, is_finite=good.size == rows.size))
        means = np.concatenate(lines)
        means = means.T if blocks.is_line else means
        finite = means[np.isfinite(means)]
        bounds = scale or ((float(finite.min()), float(finite.max())) if finite.size else None)
        shades = _shades(means, bounds)
    least, greatest = bounds or (None, None)
    rows, columns = means.shape
    return HeatMap(rows, columns, shades.ravel().tolist(), least, greatest, blocks.largest)


def _finite(rows: AnyNumbers) -> AnyNumbers:
    """Those that are finite; where all are, as they lie."""
    is_finite = np.isfinite(rows)
    return rows.ravel() if is_finite.all() else rows[is_finite]


def _means(rows: AnyNumbers, edges: Sequence[int], columns: Sequence[int], *, is_finite: bool) -> AnyNumbers:
    """The mean of each block of some rows; what is not finite makes its mean so."""
    heights, widths = np.diff(edges), np.diff(columns)
    # each number is divided first, so that a sum of large ones does not overflow
    sums = np.add.reduceat(rows / np.repeat(heights, heights)[:, None], edges[:-1], axis=0)
    means: AnyNumbers = np.add.reduceat(sums / np.repeat(widths, widths), columns[:-1], axis=1)
    if is_finite:
        return means

    def in_block(one: AnyNumbers) -> AnyNumbers:
        found: AnyNumbers = np.logical_or.reduceat(
            np.logical_or.reduceat(one, edges[:-1], axis=0), columns[:-1], axis=1
        )
        return found

    below = np.where(in_block(rows == -np.inf), -np.inf, means)
    return np.where(in_block(np.isnan(rows)), np.nan, np.where(in_block(rows == np.inf), np.inf, below))


def _shades(means: AnyNumbers, bounds: Bounds | None) -> NDArray[np.int64]:
    marks = np.select([np.isnan(means), means == np.inf], [NAN, INFINITE], BELOW)
    if bounds is None:
        return marks
    share = _shares(means, bounds)
    return np.where(np.isfinite(means), np.rint(np.nan_to_num(share) * SHADES), marks).astype(np.int64)


def _shares(numbers: AnyNumbers, bounds: Bounds) -> AnyNumbers:
    """How far each number lies between two bounds, from 0 to 1; in the middle where they are equal."""
    # halved first, since the distance of two numbers may overflow
    least, greatest = (bound / 2 for bound in bounds)
    if least == greatest:
        return np.full(numbers.shape, 0.5)
    return np.clip((numbers / 2 - least) / (greatest - least), 0, 1)


def _histogram(blocks: _Blocks, found: _Counts) -> Histogram | None:
    if found.least is None or found.greatest is None:
        return None
    bins = _bins(blocks.matrix.dtype.kind, found.least, found.greatest)
    counts = np.zeros(bins, np.int64)
    with np.errstate(all="ignore"):
        for rows, _ in blocks.read():
            share = _shares(_finite(rows), (found.least, found.greatest))
            counts += np.bincount(np.minimum((share * bins).astype(np.int64), bins - 1), minlength=bins)
    return Histogram(counts.tolist(), found.least, found.greatest)


def _bins(kind: str, least: float, greatest: float) -> int:
    """How many bars there are: of whole numbers that are near each other one for each."""
    if least == greatest:
        return 1
    return int(greatest - least) + 1 if kind in "biu" and greatest - least < BINS else BINS
