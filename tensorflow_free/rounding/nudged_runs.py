"""The nudged runs of a reference, made one by one as they are asked for, and the dtypes that its steps round to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Final

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from tensorflow_free.judging.movement import needs_backward
from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.calls import Site
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.result.run_value import Record
from tensorflow_free.rounding.nudge import Nudge
from tensorflow_free.runner import GivenTensors, values_of_run

MOST_RUNS: Final = 16
"""How many nudged runs there are at most with nudges of one epsilon."""

KEPT_BYTES: Final = 1 << 24
"""Values of nudged runs up to this size are usually kept; of larger ones those of the first run alone."""


@dataclass(frozen=True, slots=True)
class Roundings:
    """To what a cell rounds.

    Attributes:
        usual: the dtype of the cell; of those it and its reference have the coarser.
        steps: the dtypes of the steps that round to another, by their paths in the recipe.
        products: the epsilon of matrix products, where settings let a device compute them in less; else 0.
        convolutions: that of convolutions.
        starts: whether the starting tensors are rounded, too, as the reference has its own.
    """

    usual: torch.dtype
    steps: Mapping[KeyPath, torch.dtype] = field(default_factory=dict)
    products: float = 0.0
    convolutions: float = 0.0
    starts: bool = False


@dataclass
class NudgedRuns:
    """The reference's run, again and again, nudged; the same numbers each time it is asked.

    Attributes:
        plan: the reference's.
        given: the starting tensors that it is given, as of `run`.
        find_roundings: tells what the nudges are like, once they are needed.
        jumps: as of `Movement`.
        apart: as of `Movement`.
        keep_bytes: up to how many bytes of values are kept for when they are asked for again; of more, those of the
            first run alone.
    """

    plan: Plan
    given: GivenTensors | None
    find_roundings: Callable[[], Roundings]
    jumps: bool = False
    apart: bool = False
    keep_bytes: int = KEPT_BYTES
    _roundings: Roundings | None = None
    _kept: dict[tuple[int, bool], Mapping[str, Record]] = field(default_factory=dict)

    def values(self, number: int, times: float = 1.0, *, names: Collection[str] | None = None) -> Mapping[str, Record]:
        """The values of a nudged run, by name; those up to a failure.

        Args:
            number: which of the runs, from 0.
            times: by how many epsilons the numbers are nudged at most.
            names: as of `Movement`.
        """
        whole = not self.plan.passes or needs_backward(names)
        found = self._known(number, whole=whole) if times == 1 else None
        if found is not None:
            return found
        made = self._made(number, times, self.plan if whole else replace(self.plan, passes=()))
        if times == 1:
            self._keep(number, made, whole=whole)
        return made

    def _known(self, number: int, *, whole: bool) -> Mapping[str, Record] | None:
        """The values of a run that are kept: of a whole one, or of one without backward passes where these will do."""
        found = self._kept.get((number, True))
        return self._kept.get((number, False)) if found is None and not whole else found

    def _keep(self, number: int, made: Mapping[str, Record], *, whole: bool) -> None:
        if (whole and number == 0) or _bytes(made) * MOST_RUNS <= self.keep_bytes:
            self._kept[number, whole] = made
            if whole:
                self._kept.pop((number, False), None)

    def of(self, plan: Plan) -> NudgedRuns:
        """Runs of another plan, nudged alike."""
        return NudgedRuns(plan, self.given, self.find_roundings)

    def run(self, number: int, times: float = 1.0) -> None:
        """Make a nudged run of a plan that notes for itself what it comes to."""
        self._made(number, times, self.plan)

    def _made(self, number: int, times: float, plan: Plan) -> Mapping[str, Record]:
        rounds = self._roundings = self._roundings or self.find_roundings()
        # every second run is on the dtype's grid, where ties, exact zeros and steps too small to count happen; of these
        # the first rounds to nearest
        nudge = Nudge(
            rounds.usual,
            number,
            products=rounds.products,
            convolutions=rounds.convolutions,
            times=0.0 if number == 1 else times,
            on_grid=number % 2 == 1,
        )
        given = self.given
        if rounds.starts and given is not None:
            given = {name: nudge.nudged(one) for name, one in given.items()}
        # by twos, so that both are on the grid and off it
        is_fused = number % 4 > 1
        values = values_of_run(_told(plan, rounds.steps, nudge), given, lambda: _within(nudge, is_fused=is_fused))
        self.jumps = self.jumps or nudge.jumps
        return values


@contextmanager
def _within(nudge: Nudge, *, is_fused: bool) -> Iterator[None]:
    """Where ops are nudged: attention by its formula, or fused where float64 has such a kernel.

    The formula's backward takes the weights that the forward saved; a fused one makes them again from the scores and
    the logarithm of their sum, of which each is rounded in proportion to its own size.
    """
    with nullcontext() if is_fused else sdpa_kernel(SDPBackend.MATH), nudge:
        yield


def _bytes(values: Mapping[str, Record]) -> int:
    """How much memory the values take at most: those of a sparse tensor as many as of a dense one."""
    tensors = [one.value for one in values.values() if isinstance(one.value, torch.Tensor)]
    return sum(one.numel() * one.element_size() for one in tensors)


def _told(plan: Plan, steps: Mapping[KeyPath, torch.dtype], nudge: Nudge) -> Plan:
    """The plan, whose calls tell the nudge to what they round; itself where all round to the same."""
    if not steps:
        return plan

    def around(function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        dtype = steps.get(site.path, nudge.usual)

        def told(*operands: Any) -> Any:
            with nudge.rounding_to(dtype):
                return function(*operands)

        return told

    return with_calls(plan, around)
