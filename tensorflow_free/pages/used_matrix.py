"""What each value of each cell used of what is allowed, in two bytes each: the matrix of a sweep's page. No torch.

A code is 0 for what was not judged, 1 where nothing of it was used, 65535 where NaN, an infinity or the structure
decides. Between them codes are steps of the logarithm: 1e-12 is 2, and `PER_DECADE` codes are ten times as much. A
value passes exactly if its code is at most that of 1.
"""

from __future__ import annotations

import math
import sys
from array import array
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tensorflow_free.codec.adapters import adapter_of
from tensorflow_free.outcome.outcomes import Outcome, ValueOutcome
from tensorflow_free.outcome.plain_reasons import PlainFloat

UNJUDGED, NOTHING, INFINITE = 0, 1, 65535
FIRST: Final = 2
LEAST: Final = -12
"""The power of ten of the first step."""

PER_DECADE: Final = 2400
"""Steps of a power of ten: one is a tenth of a per cent."""

LIMIT: Final = FIRST - LEAST * PER_DECADE
"""The code of 1, up to which a value passes."""

MOST_SHADES: Final = 4_000_000
"""Codes that are kept; the worst cells come first, and those for which no room is left have their row alone."""


@dataclass(frozen=True, slots=True)
class UsedValue:
    """What a matrix needs of a verdict on a value."""

    name: str
    kind: str
    op: str | None
    outcome: ValueOutcome
    used: PlainFloat = 0.0


@dataclass(frozen=True, slots=True)
class UsedValues:
    """What a matrix needs of a comparison."""

    values: tuple[UsedValue, ...]


def used_values(text: bytes) -> tuple[UsedValue, ...]:
    """The verdicts in the text of a `comparison.json`, but for those on starting tensors.

    Raises:
        ValueError: it is no comparison.
    """
    found: UsedValues = adapter_of(UsedValues).validate_json(text)
    return tuple(one for one in found.values if one.kind != "tensor")


def code_of(value: UsedValue) -> int:
    """The code of what a value used."""
    if value.outcome not in (Outcome.OK, Outcome.MISMATCH):
        return UNJUDGED
    if not value.used < math.inf:
        return INFINITE
    if not value.used:
        return NOTHING
    exact = FIRST + (math.log10(value.used) - LEAST) * PER_DECADE
    # what is above 1 has a code above that of 1
    step = math.floor(exact) if value.used <= 1 else math.ceil(exact)
    return max(FIRST, min(INFINITE - 1, max(step, LIMIT + 1) if value.used > 1 else step))


@dataclass
class UsedMatrix:
    """The matrix, a cell at a time; cells of one recipe share their columns."""

    _columns: dict[tuple[str, bool], list[Any]] = field(default_factory=dict)
    _layouts: dict[tuple[int, ...], int] = field(default_factory=dict)
    _rows: list[int] = field(default_factory=list)
    _codes: array[int] = field(default_factory=lambda: array("H"))
    left_out: int = 0
    """Cells for which no room was left."""

    def add(self, values: Sequence[UsedValue]) -> None:
        """The next cell's values, in their order; none of a cell that has none."""
        if len(self._codes) + len(values) > MOST_SHADES:
            self.left_out += 1
            values = ()
        layout = tuple(map(self._column, values))
        self._rows.append(self._layouts.setdefault(layout, len(self._layouts)))
        self._codes.extend(map(code_of, values))

    def _column(self, value: UsedValue) -> int:
        is_gradient = value.kind == "gradient"
        known = [len(self._columns), value.name, value.op or "", is_gradient]
        number: int = self._columns.setdefault((value.name, is_gradient), known)[0]
        return number

    def columns_of(self, names: Iterable[str]) -> list[int]:
        """The numbers of the columns of these names, as far as there are such."""
        found = (self._columns.get((name, is_gradient)) for name in names for is_gradient in (True, False))
        return [one[0] for one in found if one is not None]

    def to_plain(self) -> dict[str, Any]:
        """The matrix as plain data.

        `columns` are names, ops, and whether it is a gradient; `layouts` the columns of cells; `rows` the layout of
        each cell; `codes`, of all cells in turn, unsigned numbers of two bytes, the lower first, in base64.
        """
        codes = self._codes
        if sys.byteorder == "big":
            codes = array("H", codes)
            codes.byteswap()
        return {
            "columns": [one[1:] for one in self._columns.values()],
            "layouts": [list(one) for one in self._layouts],
            "rows": self._rows,
            "codes": b64encode(codes.tobytes()).decode(),
        }
