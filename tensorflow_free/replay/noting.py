"""`Noting`: a mode under which what a run draws is noted. The numbers stay those that it draws anyway."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch._ops import OpOverload

from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.calls import Site
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.replay.draws import draw_of, redraw_of
from tensorflow_free.replay.visits import (
    BETWEEN,
    Drawn,
    Visit,
    generator_of,
    inside,
    is_elsewhere,
    is_users,
    other_streams_stand,
    random_op,
)
from tensorflow_free.tensors.conjugates import seeing_conjugates
from tensorflow_free.tensors.dtypes import TORCH_DTYPES
from tensorflow_free.tensors.eager_mode import EagerMode


def noting_draws(plan: Plan) -> tuple[Plan, Drawn]:
    """The plan, whose run notes what it draws; and where it is noted."""
    drawn = Drawn(TORCH_DTYPES[plan.recipe.dtype])
    mode = Noting(drawn)
    return replace(with_calls(plan, mode.around), around=inside(plan.around, lambda: mode)), drawn


class Noting(EagerMode):
    """Notes each draw of ATen's with the generator's state before it, under the call of the step that makes it."""

    def __init__(self, drawn: Drawn) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._drawn = drawn
        self._visit = self._begun(BETWEEN, "")
        self._name = "backward"

    def around(self, function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        """The call, which is a visit of its own where it may draw."""
        op = random_op(function, site)
        if op is None:
            return function
        within = self._of_users if is_users(op) else self._within

        def noted(*operands: Any) -> Any:
            with within(site, op.name):
                return function(*operands)

        return noted

    def _begun(self, path: KeyPath, op: str) -> Visit:
        state = torch.default_generator.get_state()
        visit = Visit(op, state, state)
        self._drawn.visits.setdefault(path, []).append(visit)
        return visit

    @contextmanager
    def _within(self, site: Site, op: str) -> Iterator[Visit]:
        before, visit = (self._visit, self._name), self._begun(site.path, op)
        self._visit, self._name = visit, site.name
        try:
            yield visit
        finally:
            self._visit, self._name = before

    @contextmanager
    def _of_users(self, site: Site, op: str) -> Iterator[None]:
        """The visit of an op of the user's own, which may draw what torch does not know of."""
        others = other_streams_stand()
        with self._within(site, op) as visit:
            yield
        now = torch.default_generator.get_state()
        is_seen = torch.equal(now, visit.state) or torch.equal(now, visit.after)
        if not is_seen or others != other_streams_stand():
            self._drawn.unseen.add(site.name)

    @seeing_conjugates
    def __torch_dispatch__(
        self, func: OpOverload, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an op, and note what it draws."""
        del types
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        visit, given = self._visit, generator_of(kwargs)
        generator = given or torch.default_generator
        state = generator.get_state()
        out = func(*args, **kwargs)
        if is_elsewhere(out):
            # the CPU's stream does not draw what a device's has drawn
            self._drawn.unseen.add(self._name)
            return out
        after = generator.get_state()
        if redraw_of(func) is not None or not torch.equal(state, after):
            # a step that seeds the stream anew draws from one of its own
            is_first = bool(visit.op) and not visit.draws
            own = given is not None or (is_first and not torch.equal(state, visit.begins))
            visit.draws.append(draw_of(func, args, kwargs, out, state, own=own))
            visit.after = visit.after if given else after
        return out
