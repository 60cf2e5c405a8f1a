"""One cell of a bench of right cells: what is run, how it is judged, and what of it is red."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns, NoReference
from tensorflow_free.errors import RecipeError
from tensorflow_free.judging.verdicts import Comparison, ValueVerdict
from tensorflow_free.loading import load_recipe, plan_of
from tensorflow_free.runner import run

Source = str | Path | Mapping[str, Any]

DTYPES: Final = ("float64", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Cell:
    """A cell that is right.

    Attributes:
        part: the part of the bench that it is of.
        name: the recipe, the operator's sample, the chain.
        dtype: its dtype.
        source: its recipe, or what makes it, which may be dear.
        overrides: what makes the cell, besides the dtype.
    """

    part: str
    name: str
    dtype: str
    source: Source | Callable[[], Source]
    overrides: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        return " ".join((self.name, self.dtype, *self.overrides))


@dataclass(frozen=True)
class Red:
    """A value of a right cell that was called wrong, with its numbers."""

    part: str
    cell: str
    dtype: str
    value: str
    op: str | None
    rule: str
    used: float
    rmse: float | None
    max_abs: float | None
    max_ulp: float | None
    rms: float | None
    elements: int | None
    found: str
    wanted: str
    reason: str
    allowed: str


@dataclass
class Judged:
    """What became of a cell.

    Attributes:
        outcome: `judged`, or why it was not: `unsupported`, `failed`, `no reference`, `refused`.
        values: how many values came to which outcome; `vacuous` counts verdicts that could not have failed, too.
    """

    cell: Cell
    outcome: str
    why: str = ""
    values: Counter[str] = field(default_factory=Counter)
    reds: list[Red] = field(default_factory=list)
    seconds: float = 0.0


NOT_THERE: Final = {"no kernel": "unsupported", "step failed": "failed"}


def judged(cell: Cell, kept: KeptRuns) -> Judged:
    """Run a cell and judge it."""
    begun = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _judged(cell, kept)
    found.seconds = perf_counter() - begun
    return found


def _judged(cell: Cell, kept: KeptRuns) -> Judged:
    source = cell.source() if callable(cell.source) else cell.source
    overrides = [f"dtype={cell.dtype}", *cell.overrides]
    try:
        recipe = load_recipe(source, overrides)
        result, _ = run(plan_of(recipe))
    except RecipeError as error:
        return Judged(cell, "refused", str(error))
    if result.error is not None and not result.error.expected:
        return Judged(cell, NOT_THERE.get(result.error.code, result.error.code), result.error.message)
    try:
        yardstick = yardstick_of(source, overrides, recipe, kept)
    except NoReference as why:
        return Judged(cell, "no reference", str(why))
    comparison = yardstick.compare(result)
    return Judged(cell, "judged", "", counted(comparison), [red_of(cell, one) for one in comparison.bad])


def counted(comparison: Comparison) -> Counter[str]:
    values: Counter[str] = Counter(str(one.outcome) for one in comparison.values)
    values["vacuous"] = sum(getattr(one, "vacuous", False) for one in comparison.values)
    return values


def red_of(cell: Cell, one: ValueVerdict) -> Red:
    found = one.measure
    return Red(
        part=cell.part,
        cell=" ".join((cell.name, *cell.overrides)),
        dtype=cell.dtype,
        value=one.name,
        op=one.op,
        rule=one.rule,
        used=one.used,
        rmse=found and found.rmse,
        max_abs=found and found.max_abs,
        max_ulp=found and found.max_ulp,
        rms=found and found.rms,
        elements=found and found.elements,
        found=found.found if found else "",
        wanted=found.wanted if found else "",
        reason=one.reason,
        allowed=one.allowed,
    )


def all_judged(cells: Iterator[Cell]) -> Iterator[Judged]:
    """Judge cells in order; those that stand beside each other share their references."""
    kept = KeptRuns()
    for cell in cells:
        yield judged(cell, kept)
