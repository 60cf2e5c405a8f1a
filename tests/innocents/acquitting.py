"""What blaming says of one cell in which nothing is wrong."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from unittest import mock

import torch

from tensorflow_free.cell import blaming
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns, NoReference, Yardstick
from tensorflow_free.errors import RecipeError
from tensorflow_free.isolation.alone import Judge
from tensorflow_free.isolation.capturing import captured_run, makes_graphs
from tensorflow_free.isolation.copies import equal
from tensorflow_free.judging.culprits import Culprit
from tensorflow_free.loading import load_recipe, plan_of
from tensorflow_free.result.result import Result
from tensorflow_free.runner import run
from tests.wolf.borne_out import borne_out
from tests.wolf.cells import Cell, Red


@dataclass
class Acquitted:
    """What became of a cell.

    Attributes:
        outcome: `judged`, or why it was not: `refused`, `no reference`, `raised`.
        why: of what was not judged.
        judged: how many calls and vector-Jacobian products were judged.
        culprits: the innocents that were called.
        borne_out: how many culprits were called that are.
        unjudged: the steps that could not be judged alone, and why.
        moved: the values that the captured run has otherwise than the cell's own run.
    """

    cell: Cell
    outcome: str = "judged"
    why: str = ""
    judged: int = 0
    culprits: tuple[Culprit, ...] = ()
    borne_out: int = 0
    unjudged: dict[str, str] = field(default_factory=dict)
    moved: tuple[str, ...] = ()
    drift: bool = False
    seconds: float = 0.0

    def lines(self) -> Iterator[str]:
        """What is not as it should be, in words."""
        where = f"{self.cell.part}: {self.cell.words}"
        for one in self.culprits:
            yield f"CALLED    {where}: {one.step} ({one.op}, {one.direction}, {one.value}) {one.noise:.3g}: {one.cause}"
        for step, why in self.unjudged.items():
            yield f"UNJUDGED  {where}: {step}: {why}"
        if self.moved:
            yield f"MOVED     {where}: {', '.join(self.moved)}"
        if self.outcome != "judged":
            yield f"{self.outcome.upper():10}{where}: {self.why}"


def acquitted(cell: Cell, kept: KeptRuns) -> Acquitted:
    """Run a cell, and ask for the isolated verdict."""
    begun = perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = _acquitted(cell, kept)
        except Exception:  # noqa: BLE001 - whatever it is, it is told
            found = Acquitted(cell, "raised", traceback.format_exc())
    found.seconds = perf_counter() - begun
    return found


def _acquitted(cell: Cell, kept: KeptRuns) -> Acquitted:
    source = cell.source() if callable(cell.source) else cell.source
    overrides = [f"dtype={cell.dtype}", *cell.overrides]
    try:
        recipe = load_recipe(source, overrides)
    except RecipeError as error:
        return Acquitted(cell, "refused", str(error))
    result, _ = run(plan_of(recipe))
    try:
        yardstick: Yardstick | None = yardstick_of(source, overrides, recipe, kept)
    except NoReference as why:
        yardstick = why.partial
        if yardstick is None:
            return Acquitted(cell, "no reference", str(why))
    comparison = yardstick.compare(result)
    judges: list[Judge] = []

    def judge(*given: Any, **more: Any) -> Judge:
        judges.append(Judge(*given, **more))
        return judges[-1]

    with mock.patch.object(blaming, "Judge", judge):
        blame = blaming.blamed(source, overrides, recipe, result, comparison, kept).blame
    again = result
    if recipe.backend.name == "eager" and not makes_graphs(recipe):
        # where gradients of gradients are possible, readers are told apart by aliases, and sums come in another order
        _, again = captured_run(plan_of(recipe))
    if blame is None:
        return Acquitted(cell, "no blame")
    failed = {
        f"{one.captured.calls[number].site.name} ({one.captured.calls[number].site.op})": _one_line(error)
        for one in judges
        for number, error in one.failed.items()
    }
    return Acquitted(
        cell,
        judged=blame.judged,
        culprits=tuple(one for one in blame.culprits if not _is_borne_out(cell, one)),
        borne_out=sum(_is_borne_out(cell, one) for one in blame.culprits),
        unjudged=failed,
        moved=tuple(_moved(result, again)),
        drift=blame.drift,
    )


def _is_borne_out(cell: Cell, one: Culprit) -> bool:
    """Whether it is a loss of PyTorch's own, or of a kernel that differs, which is true."""
    red = Red(
        cell.part, " ".join((cell.name, *cell.overrides)), cell.dtype, one.value, one.op, "", one.noise,
        None, None, None, None, None, "", "", "", "",
    )  # fmt: skip
    return borne_out(red) is not None


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".split("\n", 1)[0]


def _moved(mine: Result, its: Result) -> Iterator[str]:
    """The names of values that are not the same, bit for bit."""
    if (mine.error is None) != (its.error is None):
        yield f"error: {mine.error} and {its.error}"
    for name in {**mine.records, **its.records}:
        one, other = mine.records.get(name), its.records.get(name)
        if one is None or other is None:
            yield f"{name} is missing"
        elif not _is_same(one.value, other.value):
            yield name


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if one.is_nested and other.is_nested:
            # the shapes of two are never the same object, nor told
            return all(map(_is_same, one.unbind(), other.unbind()))
        if one.shape != other.shape or one.dtype != other.dtype or one.layout != other.layout:
            return False
        return one.is_meta or one.is_quantized or equal(one, other)
    if type(one).__repr__ is object.__repr__:
        # what autograd remembers of a value: a node, of which each run makes its own
        return type(one) is type(other)
    return repr(one) == repr(other)
