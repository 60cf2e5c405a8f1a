"""`Forced`: runs of a plan in which each call reads what the cell's call read, whatever the calls before it made.

So each call of the reference's plan, with all that stands around it (draws made again, defaults, nudges), is run alone,
and what it makes of the cell's own operands stands under a name that the cell's value has, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from tensorflow_free.isolation.captured import Captured, CapturedCall, tensor_names
from tensorflow_free.isolation.capturing import DIFFERENTIATES, HELPERS, changes, raw_function
from tensorflow_free.isolation.copies import Convert, each_tensor, tensors_in
from tensorflow_free.isolation.strangers import Strangers
from tensorflow_free.isolation.vjps import Alone, run_alone, widened
from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.calls import Site
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.registry import find
from tensorflow_free.replay.replaying import as_visit
from tensorflow_free.runner import GivenTensors, values_of_run
from tensorflow_free.tensors.streams import kept_streams


class CaptureEndsError(Exception):
    """The cell did not come to this call."""


@dataclass
class Forced:
    """Runs of one plan on the operands of a cell's calls.

    Attributes:
        captured: the cell's calls.
        plan: whose ops are called.
        given: what the plan starts from, as of `run`.
        convert: makes the numbers of an operand anew, in the dtype that is wanted.
        wanted: the numbers of the calls that are run; None for all that are judged.
        failed: the calls that could not be run alone, and why.
    """

    captured: Captured
    plan: Plan
    given: GivenTensors | None
    convert: Convert = widened
    wanted: frozenset[int] | None = None
    failed: dict[int, Exception] = field(default_factory=dict)

    def plan_into(self, found: dict[int, Alone], *, backward: bool = True) -> Plan:
        """The plan, whose run leaves what each call came to in `found`."""
        return replace(with_calls(self.plan, _Forcing(self, found, backward=backward).around), passes=(), checks=())

    def run(self, under: Callable[[], AbstractContextManager[Any]] = nullcontext) -> dict[int, Alone]:
        """What each call came to, by its number."""
        found: dict[int, Alone] = {}
        with kept_streams(self.captured.devices):
            values_of_run(self.plan_into(found), self.given, under)
        return found


class _Forcing:
    """One run."""

    def __init__(self, forced: Forced, found: dict[int, Alone], *, backward: bool) -> None:
        self._forced = forced
        self._calls = forced.captured.by_visit()
        self._found = found
        self._backward = backward
        self._strangers = Strangers(forced.captured)
        self._visits: Counter[KeyPath] = Counter()
        self._number = 0

    def around(self, function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        """A call that reads what the cell's read."""
        raw = raw_function(function)
        if raw in HELPERS:
            return function
        may_change = changes(find(site.op))

        def forced(*operands: Any) -> Any:
            if self._strangers.has(site):
                return self._strangers.run(function, site, operands, self._forced.convert)
            visit, number = self._visits[site.path], self._number
            self._visits[site.path] += 1
            self._number += 1
            if number < self._forced.captured.first:
                return function(*operands)
            call = self._calls.get((site.path, visit))
            if call is None:
                raise CaptureEndsError
            if raw not in DIFFERENTIATES and self._is_wanted(call):
                arranged = self._strangers.with_them(function, site, operands, call)
                arranged = _arranged(function, site, operands, call) if arranged is None else arranged
                self._run(call, arranged, in_place=call.in_place or may_change)
            # what follows reads the cell's own numbers anyway, and only shapes of these
            return call.result

        return forced

    def _is_wanted(self, call: CapturedCall) -> bool:
        wanted = self._forced.wanted
        return call.is_judged and call.number not in self._forced.failed and (wanted is None or call.number in wanted)

    def _run(self, call: CapturedCall, function: Callable[..., Any], *, in_place: bool) -> None:
        passes = tuple(call.passes) if self._backward else ()
        try:
            with as_visit(call.visit):
                self._found[call.number] = run_alone(call, function, self._forced.convert, passes, in_place=in_place)
        except Exception as error:  # noqa: BLE001 - an op that does not take float64, in whatever way
            self._forced.failed[call.number] = error


def _arranged(
    function: Callable[..., Any], site: Site, operands: Sequence[Any], call: CapturedCall
) -> Callable[..., Any]:
    """The reference's function for the cell's operands, which it may take in another order, and with other constants.

    Args:
        function: what the reference calls.
        site: where that is.
        operands: what it would be called with; of these only the places of tensors are looked at.
        call: the cell's.
    """
    order = _order(tensor_names(call.site), tensor_names(site), len(tensors_in(call.operands)))
    if order is None or len(tensors_in(operands)) != len(order):
        return function

    def arranged(*given: Any) -> Any:
        tensors = tensors_in(given)
        following = (tensors[at] for at in order)
        return function(*each_tensor(lambda _: next(following), tuple(operands)))

    return arranged


def _order(mine: Sequence[str], its: Sequence[str], count: int) -> list[int] | None:
    """For each of the reference's tensors which of the cell's it is, by their names; None where those do not tell."""
    if mine == its or count == 1:
        return list(range(count))
    if len(mine) != count or len(set(mine)) != count or set(mine) != set(its) or len(its) != count:
        return None
    return [mine.index(name) for name in its]
