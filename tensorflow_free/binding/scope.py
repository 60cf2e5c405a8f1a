"""What binding knows at one step: the names so far, their ids, the constants, and the problems found."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import count
from typing import Any

import torch

from tensorflow_free.binding.operands import Known
from tensorflow_free.errors import Message, Place, Problem
from tensorflow_free.ops.guards.hidden_sharing import COMPILED, NAMED_AS_SHARING
from tensorflow_free.plan.call_rows import RESERVED
from tensorflow_free.plan.plan import ValueKind
from tensorflow_free.recipe.device_names import named_by
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.tensors.devices import kinds

Places = Callable[[Sequence[str | int]], Place]


class Scope:
    """The names of a recipe while it is read from top to bottom."""

    def __init__(self, recipe: Recipe, place: Places, broken: Collection[KeyPath] = ()) -> None:
        self.recipe = recipe
        self._broken = {_owner(path) for path in broken}
        self.problems: list[Problem] = []
        self.absent: list[Problem] = []
        self.names: dict[str, int] = {}
        self.later: dict[str, str] = {}
        """Names that are given further down, each with the top-level key that gives it."""
        self.kinds: dict[str, ValueKind] = {}
        self.ops: dict[str, str] = {}
        self.undifferentiable: dict[str, torch.dtype] = {}
        """The dtype of each starting tensor that can have no gradient."""
        self.leaves: dict[str, int] = {}
        """The id of the leaf that holds each starting tensor's gradient; the tensor itself, but for a stride of 0."""
        self.gradients: dict[str, int] = {}
        """An id for each leaf's gradient, which backward changes."""
        self.live: dict[str, int] = {}
        """While checks are bound: the ids of values as they are at the end, while `names` has them as they were."""
        self.read: set[str] = set()
        """Names that a later step reads."""
        self.asked: set[str] = set()
        """Steps whose gradient the recipe asks for: `retain_grad`, or `STEP.grad` read by a step."""
        self.traces: dict[str, tuple[str, ...]] = {}
        """What each repeat block traces; the trace `train.loss` is a value of that name."""
        self.devices: dict[str, None] = {}
        """The devices that the recipe may draw random numbers on, besides the CPU."""
        self.place = place
        self._ids = count(RESERVED)

    def known(self, own: str = "") -> Known:
        """What reading an argument of the step `own` needs to know; it follows the scope."""
        recipe = self.recipe
        return Known(
            names=self.names,
            later=self.later,
            dtype=recipe.dtype,
            device=recipe.device,
            kinds=self.kinds,
            traces=self.traces,
            own=own,
            params=recipe.params,
            devices=self.named_devices,
        )

    @cached_property
    def named_devices(self) -> frozenset[str]:
        """The kinds of devices that the recipe itself speaks of, in `when`."""
        return frozenset(named_by(self.recipe.written))

    @cached_property
    def keeps_graphs(self) -> bool:
        """Whether passes go through one graph: a compiler makes one node of all steps before the first of them."""
        return self.recipe.backend.name != "eager"

    @cached_property
    def has_odd(self) -> bool:
        """Whether tensors of the device `meta`, or of oneDNN's layout, may meet others: the recipe names these."""
        texts, tensors = _leaves([self.recipe.written])
        whole = " ".join(texts)
        if not tensors and "meta" not in whole and "mkldnn" not in whole:
            return False
        names = {kind for leaves in (texts, tensors) for leaf in leaves for kind in _kinds_named(leaf)}
        return "mkldnn" in names or ("meta" in names and (self.recipe.device != "meta" or len(names) > 1))

    @cached_property
    def has_unseen(self) -> bool:
        """Whether a backward pass may not see what ops change: the recipe has one, and names such an op."""
        recipe = self.recipe
        words = NAMED_AS_SHARING if recipe.backend.name == "eager" else COMPILED
        differentiates = bool(recipe.backward) or not self._named.isdisjoint({"backward", "grad"})
        return differentiates and any(words.search(word) is not None for word in self._named)

    @cached_property
    def has_nested(self) -> bool:
        """Whether there may be nested tensors: no recipe starts from one, and only ops that are named so make one."""
        return any("nested" in word for word in self._named)

    @cached_property
    def _named(self) -> set[str]:
        """The words of the recipe that name what runs: ops, contexts, the fields of operands (`data` in `x.data`)."""
        steps = [one for _, one in (*steps_of(self.recipe.steps), *steps_of(self.recipe.checks))]
        texts, _ = _leaves([part for one in steps for part in (one.args, one.kwargs)])
        fields = {text.partition(".")[2] for text in texts if "." in text}
        return fields.union(one.op or str(one.context) for one in steps)

    def is_broken(self, path: KeyPath) -> bool:
        """Whether the form of the tensor, step or expectation at `path` is wrong, so that the rest says little."""
        return path in self._broken

    def new(self) -> int:
        """A new id."""
        return next(self._ids)

    def give(self, name: str, kind: ValueKind, op: str | None = None, identity: int | None = None) -> int:
        """Give a name to a new value, or to the one of this id."""
        identity = self.new() if identity is None else identity
        self.names[name] = identity
        self.kinds[name] = kind
        if op is not None:
            self.ops[name] = op
        self.later.pop(name, None)
        return identity

    def uses(self, device: str) -> None:
        """Note a device that values lie on."""
        if device.partition(":")[0] not in ("cpu", "meta"):
            self.devices[device] = None

    def wrong(self, path: Sequence[str | int], message: Message) -> None:
        """Note a problem of the recipe; what makes its words late must not hang on what is given further down."""
        self.problems.append(Problem(self.place(path), message))

    def missing(self, path: Sequence[str | int], message: str) -> None:
        """Note something that this machine does not have."""
        self.absent.append(Problem(self.place(path), message))


def _leaves(waiting: list[Any]) -> tuple[set[str], list[torch.Tensor]]:
    """The texts and tensors of what is written in these mappings and lists."""
    texts, tensors = set[str](), list[torch.Tensor]()
    while waiting:
        part = waiting.pop()
        for one in part.values() if isinstance(part, dict) else part:
            if isinstance(one, str):
                texts.add(one)
            elif isinstance(one, (dict, list, tuple)):
                waiting.append(one)
            elif isinstance(one, torch.Tensor):
                tensors.append(one)
    return texts, tensors


def _kinds_named(leaf: str | torch.Tensor) -> Iterator[str]:
    """The kinds of devices that a text speaks of, or that a tensor lies on; `mkldnn` where it speaks of that."""
    if isinstance(leaf, torch.Tensor):
        yield "mkldnn" if leaf.is_mkldnn else leaf.device.type
        return
    if "mkldnn" in leaf:
        yield "mkldnn"
    yield from (kind for kind in kinds() if re.search(rf"\b{kind}\b", leaf))


def _owner(path: KeyPath) -> KeyPath:
    """The tensor, step or expectation in which `path` lies, or its top-level key."""
    if path[0] == "expect":
        return path[: 3 if len(path) > 2 and isinstance(path[2], int) else 2]  # noqa: PLR2004 - expect, name, position
    for position in range(len(path) - 2, -1, -1):
        if path[position] in ("tensors", "steps", "checks"):
            return path[: position + 2]
    return path[:1]


def values_of(arguments: Mapping[str, Any], names: Sequence[str] | None) -> list[Any]:
    """The arguments of these parameters, or all of them."""
    if names is None:
        return list(arguments.values())
    return [arguments[name] for name in names if name in arguments]
