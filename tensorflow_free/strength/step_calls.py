"""The calls of a plan that are its steps, and what each of them gives in a right run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import torch
from torch.utils._pytree import tree_leaves

from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.calls import Site
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.result.run_value import recorded

Around = Callable[[Callable[..., Any], Site], Callable[..., Any]]

WIDE: Final = {True: torch.float64, False: torch.int64}


@dataclass(slots=True)
class StepCall:
    """The call of a step.

    Attributes:
        number: which of the plan's calls it is, as `with_calls` meets them.
        site: where it comes from.
        parts: what it gave when it was called first: the tensors and numbers of its result, in order.
        is_differentiated: whether a gradient went through it.
    """

    number: int
    site: Site
    parts: list[ResultPart] = field(default_factory=list)
    is_differentiated: bool = False


@dataclass(frozen=True, slots=True)
class ResultPart:
    """A tensor or a number of what a step gave.

    Attributes:
        name: that of its record: `y`, `qr.Q`.
        at: which of the leaves of the step's result it is.
        value: the numbers, in the widest dtype of their kind.
        dtype: their own dtype.
        before: as of `Given`.
    """

    name: str
    at: int
    value: torch.Tensor
    dtype: torch.dtype
    before: torch.Tensor | None = None


def numbered(plan: Plan, around: Callable[[int], Around | None]) -> Plan:
    """The plan with something around some of its calls, told by their numbers."""
    numbers = count()

    def one(function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        found = around(next(numbers))
        return function if found is None else found(function, site)

    return with_calls(plan, one)


def step_calls(plan: Plan) -> list[StepCall]:
    """The calls of a plan's steps, in the order in which they run; those of checks are no steps."""
    ops = {name: step.op for name, step in steps_of(plan.recipe.steps)}
    numbers = count()
    found: dict[tuple[str | int, ...], StepCall] = {}

    def noted(function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        number = next(numbers)
        # reading a field, or keeping a copy, is a call of its own beside that of the step
        if site.path[0] == "steps" and ops.get(site.name) == site.op:
            found[tuple(site.path)] = StepCall(number, site)
        return function

    with_calls(plan, noted)
    return list(found.values())


def noting_results(plan: Plan, calls: Sequence[StepCall]) -> Plan:
    """The plan, whose run notes what its steps give, in `calls`."""
    of_number = {call.number: call for call in calls}
    latest: dict[tuple[torch.Size, torch.dtype], torch.Tensor] = {}

    def around(number: int) -> Around | None:
        call = of_number.get(number)
        return None if call is None else lambda function, site: _noted(function, site, call, latest)

    return numbered(plan, around)


def _noted(
    function: Callable[..., Any],
    site: Site,
    call: StepCall,
    latest: dict[tuple[torch.Size, torch.dtype], torch.Tensor],
) -> Callable[..., Any]:
    def noted(*operands: Any) -> Any:
        stood = nodes_in(operands)
        held = [wide for one in tree_leaves(operands) if (wide := widened(one)) is not None]
        found = function(*operands)
        if not call.parts:
            call.parts.extend(_parts(found, site, latest, held))
        for part in tree_leaves(found):
            if (wide := widened(part)) is not None:
                latest[wide.shape, wide.dtype] = wide
        for node in nodes_in(found) - stood:
            node.register_prehook(lambda _: _reached(call))
        return found

    return noted


def _reached(call: StepCall) -> None:
    call.is_differentiated = True


def _parts(
    found: Any, site: Site, latest: dict[tuple[torch.Size, torch.dtype], torch.Tensor], held: Sequence[torch.Tensor]
) -> Iterator[ResultPart]:
    leaves = tree_leaves(found)
    names = [record.name for record in recorded(site.name, "step", found)]
    for at, leaf in enumerate(leaves):
        wide = widened(leaf)
        if wide is None:
            continue
        alike = next((one for one in held if (one.shape, one.dtype) == (wide.shape, wide.dtype)), None)
        name = names[at] if len(names) == len(leaves) else site.name
        dtype = leaf.dtype if isinstance(leaf, torch.Tensor) else wide.dtype
        yield ResultPart(name, at, wide, dtype, latest.get((wide.shape, wide.dtype), alike))


def nodes_in(values: Any) -> set[Any]:
    """The functions of autograd that made tensors."""
    tensors = [one for one in tree_leaves(values) if isinstance(one, torch.Tensor)]
    return {node for one in tensors if not one.is_inference() and (node := one.grad_fn) is not None}


def widened(value: Any) -> torch.Tensor | None:
    """A copy of a tensor's or a number's values on the CPU, in the widest dtype of their kind; None for any other."""
    if isinstance(value, (bool, int, float, complex)):
        return _wide(torch.tensor(value))
    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_nested:
        return None
    if value.is_meta or value.is_quantized or not value.numel():
        return None
    return _wide(value.detach().cpu())


def _wide(value: torch.Tensor) -> torch.Tensor:
    if value.is_complex():
        wide = torch.complex128
    elif value.dtype == torch.bool:
        wide = torch.bool
    else:
        wide = WIDE[value.is_floating_point()]
    return value.to(wide, copy=True).contiguous()
