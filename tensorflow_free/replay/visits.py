"""The calls of a plan that may draw random numbers, and what each of them drew whenever it was called."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from torch.utils._pytree import tree_leaves

from tensorflow_free.ops.seeding import begun
from tensorflow_free.ops.signatures import Op, Signature
from tensorflow_free.plan.calls import Site
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.models import Recipe, Step
from tensorflow_free.registry import find
from tensorflow_free.replay.draws import Draw

OFF: Final[Mapping[str, object]] = {"p": 0, "dropout_p": 0, "dropout": 0, "training": False, "train": False}
"""Arguments with which a random op draws nothing: attention without dropout, a dropout that is not in training."""

BETWEEN: Final[KeyPath] = ()
"""Where draws are that no random step makes: those of a backward pass, of a gradient that is drawn."""


@dataclass(slots=True)
class Visit:
    """One call of a random step.

    Attributes:
        op: the op, or "" between the steps.
        state: the generator's state before it.
        after: the generator's state after its last draw.
        draws: what it drew, in order.
    """

    op: str
    state: torch.Tensor
    after: torch.Tensor
    draws: list[Draw] = field(default_factory=list)

    @property
    def begins(self) -> torch.Tensor:
        """The state that its first draw begins with: that before it, or that of its own seed."""
        seeded = begun()
        return self.state if seeded is None else seeded


Visits = dict[KeyPath, list[Visit]]
"""The calls of each random step, by its path in the recipe."""


@dataclass(slots=True)
class Drawn:
    """What a cell drew.

    Attributes:
        dtype: the cell's.
        visits: each call of each random step.
        unseen: the steps that drew what was not seen, as by numpy.
    """

    dtype: torch.dtype
    visits: Visits = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)

    @property
    def in_steps(self) -> bool:
        """Whether a step drew, and not only a backward pass."""
        drew = any(one.draws for path, visits in self.visits.items() for one in visits if path != BETWEEN)
        return drew or bool(self.unseen)


def draws(recipe: Recipe) -> bool:
    """Whether any step may draw random numbers."""
    return any(_may_draw(step) for step in _all_steps(recipe))


def draws_gradients(recipe: Recipe) -> bool:
    """Whether a backward pass may begin with a gradient that is drawn."""
    written = [one.gradient for one in recipe.backward]
    for step in _all_steps(recipe):
        written += [*step.args, *step.kwargs.values()]
    return any(isinstance(one, Mapping) and "init" in one for one in written)


def _all_steps(recipe: Recipe) -> list[Step]:
    return [step for _, step in (*steps_of(recipe.steps), *steps_of(recipe.checks))]


def _may_draw(step: Step) -> bool:
    op = find(step.op or "")
    if op is None:
        return False
    # what an op of the user's own draws is not known
    return is_users(op) or (op.random and not all(is_off(one, step) for one in op.signatures))


def is_users(op: Op) -> bool:
    """Whether it is an op of the user's own."""
    return any(one.form == "user" for one in op.signatures)


def is_off(signature: Signature, step: Step) -> bool:
    """Whether the step's arguments, or their defaults, say that nothing is drawn."""
    given = {parameter.name: parameter.default for parameter in signature.parameters}
    given |= dict(zip((parameter.name for parameter in signature.parameters), step.args, strict=False))
    given |= step.kwargs
    return any(name in given and _equal(given[name], value) for name, value in OFF.items())


def _equal(given: Any, value: object) -> bool:
    return isinstance(given, bool | int | float) and given == value


def generator_of(kwargs: Mapping[str, Any]) -> torch.Generator | None:
    """The generator that a call is given, where that is another than torch's default one."""
    generator = kwargs.get("generator")
    return None if generator is torch.default_generator else generator


def random_op(function: Callable[..., Any], site: Site) -> Op | None:
    """The op of a call that may draw random numbers, else None."""
    made = function.func if isinstance(function, partial) else function
    if made is torch.tensor:
        # numbers that a step has among its arguments are made by a call of their own
        return None
    op = find(site.op)
    return op if op is not None and (op.random or is_users(op)) else None


def other_streams_stand() -> tuple[Any, ...]:
    """Where the random streams of Python and numpy stand."""
    kind, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - those of an op of the user's own
    return random.getstate(), kind, keys.tobytes(), *rest  # type: ignore[union-attr]


def is_elsewhere(made: Any) -> bool:
    """Whether what a call made lies on a device, which draws from a random stream of its own."""
    return any(isinstance(one, torch.Tensor) and one.device.type not in ("cpu", "meta") for one in tree_leaves(made))


Entering = Callable[[], AbstractContextManager[Any]]
"""Makes a context."""


def inside(outer: Entering, inner: Entering) -> Entering:
    """Makes a context inside another."""

    @contextmanager
    def both() -> Iterator[None]:
        with outer(), inner():
            yield

    return both
