"""Faults in ops of the user's own: one step is given to an op that is wrong, and `reference` names PyTorch's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor

from tensorflow_free import register_op
from tensorflow_free.recipe.models import Step
from tests.faults.bench.fault import Wrong
from tests.faults.bench.manners import Manner
from tests.faults.fault import altered, with_gradient_of

NAME: Final = "bench.op"
"""What the op is called, one after another."""


@contextmanager
def own_op(path: str, step: Step, wrong: Wrong | None) -> Iterator[list[str]]:
    """The overrides by which one step is done by an op of the user's own; without a `wrong`, by a right one.

    Args:
        path: the step's path in the recipe, without `steps.` in front.
        step: the step.
        wrong: how it is wrong.
    """
    assert step.op is not None
    true = function_of(step.op)
    register_op(NAME, function_like(step, true, wrong), changes=("a0",) if step.op.endswith("_") else (), replace=True)
    yield [f"steps.{path}.op={NAME}", f"+reference={{steps.{path}.op: {step.op}}}"]


def function_of(op: str) -> Callable[..., Any]:
    """PyTorch's function of this name: of torch or one of its namespaces, or a method of tensors."""
    path = op.replace("F.", "nn.functional.", 1).split(".") if op.startswith("F.") else op.split(".")
    found: Any = torch
    for part in path:
        found = getattr(found, part, None)
    return getattr(Tensor, op) if found is None else found


def function_like(step: Step, true: Callable[..., Any], wrong: Wrong | None) -> Callable[..., Any]:
    """A function that has just the parameters which the step gives."""

    def function(*arguments: Any, **keywords: Any) -> Any:
        return true(*arguments, **keywords) if wrong is None else wrong(true, *arguments, **keywords)

    place, word = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(f"a{number}", place) for number in range(len(step.args))]
    parameters += [inspect.Parameter(name, word) for name in step.kwargs]
    function.__signature__ = inspect.Signature(parameters)
    function.__annotations__ = {}
    return function


def value(manner: Manner) -> Wrong:
    """The value is wrong, and its gradient the true one's."""

    def wrong(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        right = true(*arguments, **keywords)
        if isinstance(right, Tensor):
            return (
                _in_place(right, manner) if right is arguments[0] else with_gradient_of(manner(right.detach()), right)
            )
        first, *others = right
        return _like_it(right, [with_gradient_of(manner(first.detach()), first), *others])

    return wrong


def _in_place(changed: Tensor, manner: Manner) -> Tensor:
    # as a kernel that writes the wrong numbers: autograd does not see it, and keeps them where it keeps the result
    changed.data.copy_(manner(changed.detach().clone()))
    return changed


def _like_it(several: Any, results: list[Any]) -> Any:
    """The results as a tuple with the fields that the true one has."""
    return type(several)(results)


def gradient(manner: Manner) -> Wrong:
    """The value is right, and its gradient is wrong from there on."""

    def wrong(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        right = true(*arguments, **keywords)
        if isinstance(right, Tensor):
            return altered(right, manner)
        return _like_it(right, [altered(right[0], manner), *right[1:]])

    return wrong


def gradient_of_first(manner: Manner) -> Wrong:
    """The value is right, and so are the gradients but for that of the first operand that has one."""

    def wrong(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        given = list(arguments)
        for place, one in enumerate(given):
            if isinstance(one, Tensor) and one.requires_grad:
                given[place] = altered(one, manner)
                break
        return true(*given, **keywords)

    return wrong


def gradient_to_the_other(true: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """The first operand gets the second's gradient, and the second the first's, where they are of one shape."""
    first, second, *others = arguments
    if first.shape != second.shape:
        return true(*arguments, **keywords)
    return _Crossed.apply(true(first.detach(), second.detach(), *others, **keywords), first, second, true, others)


class _Crossed(torch.autograd.Function):
    """An op of two operands whose gradients go to each other."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, first: Tensor, second: Tensor, true: Any, others: Any) -> Tensor:
        ctx.save_for_backward(first, second)
        ctx.true, ctx.others = true, others
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        pair = [one.detach().requires_grad_() for one in ctx.saved_tensors]
        with torch.enable_grad():
            found = torch.autograd.grad(ctx.true(*pair, *ctx.others), pair, gradient)
        return None, found[1], found[0], None, None
