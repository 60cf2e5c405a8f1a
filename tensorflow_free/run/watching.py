"""A run that reports its step to a parent process, and that can be stopped between steps. Only under limits.

The loop of steps is unchanged: the step is reported by the function that takes a call's arguments.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import torch

from tensorflow_free.plan.calls import Call, Repeat, Site, Stopped, Values, Within
from tensorflow_free.plan.plan import Plan
from tensorflow_free.process.board import Board, packed
from tensorflow_free.process.limits import Limits, TimedOut, cap_memory

STOP: Final = signal.SIGXCPU
"""What the parent sends at the time limit: the system's own word for a limit of time."""

_WARM: Final = 1 << 17
"""Elements of which torch shares out the work, so that its threads begin."""


class Watch:
    """What a run tells: at which step it is."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._stoppable = False
        self._late: TimedOut | None = None

    def at(self, plan: Plan, site: Site | None) -> None:
        """Tell where the run is; None for nowhere in particular."""
        self._board.say(packed(None if site is None else _words(plan, site)))

    def marked(self, plan: Plan) -> Plan:
        """The plan, each of whose steps is reported before it begins; of compiled ones only that they are."""
        forward = plan.forward if plan.compiled else self._calls(plan, plan.forward)
        checks = tuple(replace(check, calls=self._calls(plan, check.calls)) for check in plan.checks)
        return replace(plan, forward=forward, rest=self._calls(plan, plan.rest), checks=checks)

    def _calls(self, plan: Plan, calls: Sequence[Call]) -> tuple[Call, ...]:
        return tuple(self._call(plan, call) for call in calls)

    def _call(self, plan: Plan, call: Call) -> Call:
        function, arguments, out, site = call
        if isinstance(function, Within | Repeat):
            function = replace(function, body=self._calls(plan, function.body))
        return function, _telling(self._board.say, packed(_words(plan, site)), arguments), out, site

    # being stopped

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """What runs within may be stopped by the parent, between steps: `TimedOut` is raised in it."""
        self._stoppable = True
        try:
            if self._late is not None:
                raise Stopped(Site("tensors", "tensors", ("tensors",)), ()) from self._late
            yield
        finally:
            self._stoppable = False

    def listen(self, limits: Limits) -> None:
        """Stop the run when the parent says so; behind its steps it has a few seconds more, and is ended then."""

        def stop(number: int, frame: Any) -> None:
            del number, frame
            self._late = TimedOut(limits.time_message)
            if self._stoppable:
                self._stoppable = False
                raise self._late

        signal.signal(STOP, stop)


def _words(plan: Plan, site: Site) -> dict[str, Any]:
    """A place in a recipe, as a `StepFailed` has it."""
    place = plan.place(site.path)
    path = place.path or ".".join(map(str, site.path))
    where = {"file": place.file, "line": place.line, "column": place.column, "path": path}
    return {"step": site.name, "op": site.op, **where, "operands": [name for name in site.operands if name]}


def _telling(
    say: Callable[[bytes], None], text: bytes, arguments: Callable[[Values], Sequence[Any]]
) -> Callable[[Values], Sequence[Any]]:
    def marked(values: Values) -> Sequence[Any]:
        say(text)
        return arguments(values)

    return marked


def limit_memory(gib: float | None) -> None:
    """Let this process take so much more memory than it has now, once torch's own threads have theirs."""
    if gib is None:
        return
    numbers = torch.ones(_WARM, requires_grad=True)
    (numbers * 2).sum().backward()  # type: ignore[no-untyped-call]
    cap_memory(gib)
