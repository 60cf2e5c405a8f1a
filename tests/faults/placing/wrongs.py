"""Ways for an op to be wrong: in its value, in the gradient of one operand, in what it leaves in an operand's memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor

from tensorflow_free import register_op
from tensorflow_free.recipe.models import Step
from tests.faults.bench.compilers import compiler
from tests.faults.bench.fault import Wrong
from tests.faults.bench.manners import Manner
from tests.faults.bench.own_ops import function_like, function_of
from tests.faults.fault import altered
from tests.faults.placing.plant import Cell, Plant, Rounds, Spot

NAMES: Final = ("placing.first", "placing.second")
"""What the wrong ops of a cell are called."""


@contextmanager
def planted(cell: Cell) -> Iterator[list[str]]:
    """Make it so that cells which run inside have the faults; gives the overrides that they need."""
    overrides, reference = list(cell.overrides), []
    with ExitStack() as stack:
        for name, plant in zip(NAMES, cell.plants, strict=False):
            spot = plant.spot
            if plant.node:
                direction = "backward" if plant.direction == "backward" else "forward"
                stack.enter_context(compiler(plant.node, direction, plant.wrong, always=True))
                continue
            register(name, spot, plant.wrong)
            overrides.append(f"steps.{spot.path}.op={name}")
            reference.append(f"steps.{spot.path}.op: '{spot.op}'")
        if reference:
            overrides.append(f"+reference={{{', '.join(reference)}}}")
        yield overrides


def register(name: str, spot: Spot, wrong: Wrong | None) -> None:
    """Register a step's op under another name, wrong in this way; or right."""
    function = function_like(Step.model_validate(spot.step), function_of(spot.op), wrong)
    register_op(name, function, changes=("a0",) if spot.op.endswith("_") else (), replace=True)


# gradients


def gradient_of(place: int, manner: Manner) -> Wrong:
    """The value is right, and so are the gradients but for that of the operand in this place."""

    def wrong(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        given = list(arguments)
        given[place] = altered(given[place], manner)
        return true(*given, **keywords)

    return wrong


def cut(place: int) -> Wrong:
    """The value is right, and the operand in this place gets no gradient."""

    def wrong(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        given = list(arguments)
        given[place] = given[place].detach()
        return true(*given, **keywords)

    return wrong


class _InPlace(torch.autograd.Function):
    """A change in place with a gradient that is wrong for one operand."""

    @staticmethod
    def forward(ctx: Any, call: Callable[..., Any], place: int, manner: Manner, *arguments: Any) -> Any:
        ctx.given = [one.detach().clone() if isinstance(one, Tensor) else one for one in arguments]
        ctx.needs = [isinstance(one, Tensor) and one.requires_grad for one in arguments]
        ctx.call, ctx.place, ctx.manner = call, place, manner
        call(*arguments)
        ctx.mark_dirty(arguments[0])
        return arguments[0]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        leaves = [one.requires_grad_() if needed else one for one, needed in zip(ctx.given, ctx.needs, strict=True)]
        followed = [one for one, needed in zip(leaves, ctx.needs, strict=True) if needed]
        with torch.enable_grad():
            first = leaves[0].clone()
            result = ctx.call(first, *leaves[1:])
            found = iter(torch.autograd.grad(result, followed, gradient))
        gradients = [next(found) if needed else None for needed in ctx.needs]
        altered_one = gradients[ctx.place]
        gradients[ctx.place] = None if altered_one is None else ctx.manner(altered_one)
        return None, None, None, *gradients


def gradient_in_place(place: int, manner: Manner) -> Wrong:
    """The same of an op that works in place."""

    def wrong(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        return _InPlace.apply(partial(true, **keywords), place, manner, *arguments)

    return wrong


def fresh(wrong: Wrong) -> Wrong:
    """The same with a result that may be changed in place, as autograd refuses of the views that these functions give."""

    def made(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        found = wrong(true, *arguments, **keywords)
        return found.clone() if found is not arguments[0] and found._is_view() else found

    return made


# memory


def writes(place: int, manner: Manner) -> Wrong:
    """The value is right; the operand in this place is overwritten, and nobody is told."""

    def wrong(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        right = true(*arguments, **keywords)
        its = arguments[place].detach()
        # as a kernel does it: autograd does not see it
        arguments[place].data.copy_(manner(its.clone()))
        return right

    return wrong


def lost_write(true: Callable[..., Any], changed: Tensor, *arguments: Any, **keywords: Any) -> Any:
    """What an op that works in place gives is right, and what it should have changed is as it was."""
    return true(changed.clone(), *arguments, **keywords)


def copied(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """What should lie in the operand's memory is a copy of it."""
    return true(*arguments, **keywords).clone()


def not_copied(true: Callable[..., Any], operand: Tensor) -> Any:
    """What should be a copy is the operand itself."""
    del true
    return operand.view_as(operand)


def half_written(true: Callable[..., Any], changed: Tensor, *arguments: Any, **keywords: Any) -> Any:
    """Only the first half of the rows is changed in place."""
    before = changed.detach().clone()
    right = true(changed, *arguments, **keywords)
    rows = len(before) // 2
    changed.data[rows:] = before[rows:]
    return right


# when


def in_round(wrong: Wrong, rounds: Rounds, repeats: Sequence[int]) -> Wrong:
    """Wrong in one round alone, which is found by counting calls; from then on, whenever it is given the same numbers.

    So that it is wrong when the call is made again alone, as of a kernel that is wrong for some numbers.
    """
    at = 0
    for number, count in zip(rounds, repeats, strict=True):
        at = at * count + number - 1
    calls, numbers = 0, []

    def sometimes(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        nonlocal calls, numbers
        mine = [one.detach().clone() for one in arguments if isinstance(one, Tensor)]
        if calls == at:
            numbers = mine
        calls += 1
        is_wrong = bool(numbers) and all(map(torch.equal, mine, numbers))
        return wrong(true, *arguments, **keywords) if is_wrong else true(*arguments, **keywords)

    return sometimes


def counting(wrong: Wrong, rounds: Rounds, repeats: Sequence[int]) -> Wrong:
    """Wrong in one round alone, whatever the numbers: each so many-th call."""
    at = 0
    for number, count in zip(rounds, repeats, strict=True):
        at = at * count + number - 1
    calls, most = 0, math.prod(repeats)

    def sometimes(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        is_wrong = calls % most == at
        calls += 1
        return wrong(true, *arguments, **keywords) if is_wrong else true(*arguments, **keywords)

    return sometimes


def when_compiled(wrong: Wrong) -> Wrong:
    """Wrong where a compiler runs it, and right elsewhere."""

    def sometimes(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        if torch.compiler.is_compiling():
            return wrong(true, *arguments, **keywords)
        return true(*arguments, **keywords)

    return sometimes


# small errors


def by_epsilons(count: float) -> Manner:
    """Every number is so many epsilons of its dtype too large."""
    return lambda x: x * (1 + count * torch.finfo(x.dtype).eps)


def by_turns(count: float) -> Manner:
    """Numbers are so many epsilons too large and too small, in turns."""

    def changed(x: Tensor) -> Tensor:
        signs = 1 - 2 * (torch.arange(x.numel(), device=x.device).view(x.shape) % 2)
        return x + x * signs * (count * torch.finfo(x.dtype).eps)

    return changed


MANNERS_OF_EPSILONS: Final[Mapping[str, Callable[[float], Manner]]] = {"all": by_epsilons, "in turns": by_turns}
"""Ways to be off by a number of epsilons."""


def is_in_place(plant_or_spot: Plant | Spot) -> bool:
    """Whether the op changes its first operand, and says so."""
    spot = plant_or_spot.spot if isinstance(plant_or_spot, Plant) else plant_or_spot
    return spot.op.endswith("_")
