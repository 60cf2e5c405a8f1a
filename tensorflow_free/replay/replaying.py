"""`Replay`: runs of a plan that draw what a cell drew, in the precision of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch._ops import OpOverload

from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.calls import Site
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.replay.draws import POOLINGS, Draw, Redraw, draw_unnoted, fits, full_name, pooled, redraw_of
from tensorflow_free.replay.visits import BETWEEN, Drawn, Visit, inside, is_elsewhere, random_op
from tensorflow_free.tensors.conjugates import seeing_conjugates
from tensorflow_free.tensors.eager_mode import EagerMode

_VISIT: ContextVar[int | None] = ContextVar("which call of a step runs, where they do not run in turn", default=None)


@contextmanager
def as_visit(number: int) -> Iterator[None]:
    """Have a call of a step draw what the cell drew in its call of this number, from 0, whatever ran before."""
    token = _VISIT.set(number)
    try:
        yield
    finally:
        _VISIT.reset(token)


class Replay:
    """What a cell drew, to be drawn again by another plan: the reference's, that of another dtype.

    Attributes:
        left: the steps whose draws could not be replayed in a run so far, as they are not those of the cell.
    """

    def __init__(self, drawn: Drawn) -> None:
        self._drawn = drawn
        self.left: set[str] = set(drawn.unseen)

    @property
    def in_steps(self) -> bool:
        """Whether a step of the cell drew, and not only a backward pass."""
        return self._drawn.in_steps

    def into(self, plan: Plan) -> Plan:
        """The plan, each of whose runs draws what the cell drew."""
        mode = _Replaying(self._drawn, self.left)
        return replace(with_calls(plan, mode.around), around=inside(plan.around, mode.run))


@dataclass(slots=True)
class _Again:
    """One call of a step while it is replayed.

    Attributes:
        name: the step's.
        op: its op.
        visit: the same call as the cell made it, if it did.
        done: how many draws of it are made again.
        drawn_in: the dtype of the last of them.
        state: the generator's state after it.
    """

    name: str
    op: str
    visit: Visit | None
    done: int = 0
    drawn_in: torch.dtype | None = None
    state: torch.Tensor | None = None

    def next_draw(self, func: OpOverload, args: Sequence[Any], kwargs: Any, dtype: torch.dtype) -> Draw | None:
        """What the cell drew at this place; None where it drew otherwise."""
        if self.visit is None:
            return None
        if not self.visit.draws and self.op:
            # the cell's own step draws nothing here: then this one draws as it would have in its place
            state = self.visit.begins if self.state is None else self.state
            return draw_unnoted(func, tuple(args), kwargs, state, dtype)
        noted = self.visit.draws[self.done] if self.done < len(self.visit.draws) else None
        self.done += 1
        if noted is None or not fits(noted, func, tuple(args)):
            return None
        if self.visit.op == self.op:
            return noted
        # another op draws from the run's stream, and by its own operands
        return None if noted.own else replace(noted, kept=None)


class _Replaying(EagerMode):
    """Draws again, call by call, what was noted."""

    def __init__(self, drawn: Drawn, left: set[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._drawn = drawn
        self._left = left
        self._done: Counter[KeyPath] = Counter()
        self._visit = _Again("", "", None)

    @contextmanager
    def run(self) -> Iterator[None]:
        """One run of the plan."""
        self._done.clear()
        self._visit = self._next(BETWEEN, "", "backward")
        with self:
            yield

    def around(self, function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        """The call, which draws what the cell's call of the same step and round drew."""
        op = random_op(function, site)
        if op is None:
            return function

        def replayed(*operands: Any) -> Any:
            before, self._visit = self._visit, self._next(site.path, op.name, site.name)
            try:
                return function(*operands)
            finally:
                self._visit = before

        return replayed

    def _next(self, path: KeyPath, op: str, name: str) -> _Again:
        visits, told = self._drawn.visits.get(path, []), _VISIT.get()
        number = self._done[path] if told is None or path == BETWEEN else told
        self._done[path] += 1
        is_known = number < len(visits) and name not in self._drawn.unseen
        return _Again(name, op, visits[number] if is_known else None)

    @seeing_conjugates
    def __torch_dispatch__(
        self, func: OpOverload, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an op; what it draws is what the cell drew."""
        del types
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            drawn_in = self._visit.drawn_in
            if drawn_in is not None and full_name(func) in POOLINGS:
                return pooled(func, args, drawn_in)
            return func(*args, **kwargs)
        redraw = redraw_of(func)
        if redraw is not None:
            draw = self._visit.next_draw(func, args, kwargs, self._drawn.dtype)
            if draw is not None:
                return self._redrawn(redraw, draw, func, args, kwargs)
        before = torch.default_generator.get_state()
        out = func(*args, **kwargs)
        if redraw is not None or is_elsewhere(out) or not torch.equal(before, torch.default_generator.get_state()):
            self._left.add(self._visit.name)
        return out

    def _redrawn(self, redraw: Redraw, draw: Draw, *call: Any) -> Any:
        """Draw again in the draw's state of the generator; the stream of the run itself goes on as if it had not."""
        func, args, kwargs = call
        kwargs = {**kwargs, "generator": None} if "generator" in kwargs else kwargs
        generator = torch.default_generator
        before = generator.get_state()
        generator.set_state(draw.state)
        self._visit.drawn_in = draw.dtype
        try:
            return redraw(draw, func, args, kwargs)
        finally:
            self._visit.state = generator.get_state()
            generator.set_state(before)
