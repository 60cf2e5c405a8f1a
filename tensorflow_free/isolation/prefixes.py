"""A plan cut after one of its steps, which then gives that step's value alone, and is differentiated from there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

from tensorflow_free.isolation.capturing import HELPERS, raw_function
from tensorflow_free.plan.calls import Call, Repeat, Within, whole
from tensorflow_free.plan.plan import Pass, Plan, Recording
from tensorflow_free.recipe.dotted import KeyPath


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a plan is cut.

    Attributes:
        path: the path of the last step that runs.
        name: its name.
        op: its op.
        gradient: what comes in to its value, backward; None to run forward alone.
    """

    path: KeyPath
    name: str
    op: str
    gradient: torch.Tensor | None = None

    def of(self, plan: Plan, dtype: torch.dtype | None = None) -> Plan:
        """The plan up to there.

        Args:
            plan: a plan of the recipe, eager or compiled.
            dtype: that of the gradient; None as it is.
        """
        at, slot = next((at, call[2]) for at, call in _steps(plan) if call[3].path == self.path)
        made = Recording(self.name, "step", self.op, slot, slot)
        changed = [one._replace(stood=None) for one in plan.recordings if one.kind == "tensor" and one.after]
        recipe = plan.recipe.model_copy(update={"record": "all", "expect": {}, "xfail": []})
        return replace(
            plan,
            recipe=recipe,
            forward=plan.forward[: at + 1],
            rest=(),
            returned=(slot,),
            passes=() if self.gradient is None else (self._pass(slot, self.gradient, plan, dtype),),
            retained=(),
            watched=frozenset(),
            checks=(),
            standing={},
            recordings=(made, *changed),
            differentiates=self.gradient is not None,
        )

    def _pass(self, slot: int, gradient: torch.Tensor, plan: Plan, dtype: torch.dtype | None) -> Pass:
        made = gradient.to(device=plan.recipe.device, dtype=dtype or gradient.dtype)
        return Pass(
            target=self.name,
            reads=(),
            slot=slot,
            path=("backward",),
            gradient=made,
            gradient_slot=None,
            gradient_start=None,
            inputs=None,
            retain_graph=None,
            create_graph=False,
        )


def cuts_of(plan: Plan) -> list[Cut]:
    """Where a plan can be cut: after each step of its forward part that stands in no block."""
    return [Cut(site.path, site.name, site.op) for _, (_, _, _, site) in _steps(plan)]


def _steps(plan: Plan) -> Iterator[tuple[int, Call]]:
    for at, call in enumerate(plan.forward):
        function, arguments, _, _ = call
        if (
            not isinstance(function, Within | Repeat)
            and arguments is not whole
            and raw_function(function) not in HELPERS
        ):
            yield at, call
