"""What a run of a cell read and made, call by call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from tensorflow_free.isolation.copies import tensors_in
from tensorflow_free.isolation.sharing import MemoryOf
from tensorflow_free.plan.calls import Site, named_fields
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.tensors.streams import Streams


@dataclass(slots=True)
class GradientPass:
    """One backward pass through a call: what came in, and what it handed on. All by their positions among the tensors.

    Attributes:
        turn: when it came, counted with the calls.
        incoming: the gradient of each of the call's results.
        outgoing: the gradient that the call handed to each operand.
        has_graph: whether it was made to be differentiated again.
        further: of passes before it that were, what came in for a gradient that they handed on: by the pass, and the
            operand that they handed it to.
        returned: what those handed on for a gradient that had come in to them: by the pass, and the result.
    """

    turn: int
    incoming: dict[int, torch.Tensor] = field(default_factory=dict)
    outgoing: dict[int, torch.Tensor] = field(default_factory=dict)
    has_graph: bool = False
    further: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict)
    returned: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict)


@dataclass(slots=True)
class CapturedCall:
    """One call of a step.

    Attributes:
        number: its number among all.
        turn: when it ended, counted with the backward passes.
        site: where it is in the recipe.
        visit: how many times its step was called before.
        rounds: the round of each `repeat` block around it, from 1, from the outermost in.
        function: what was called.
        operands: what it was called with, as it was before.
        result: what it made.
        after: the operands that it changed, as they were afterwards, by their positions among its tensors.
        wants: whether each of its tensors wants a gradient.
        passes: the backward passes through it.
        is_hooked: whether what it hands on to its operands was noted, and not only what came in.
        is_judged: whether it computes, so that it can be judged alone.
        in_place: whether it changes operands, whatever its op says.
        read: the memory of the tensors that it read.
        memory: the memory of those that it made.
        stood: where the random streams of the CPU and of its devices stood before it; None where it drew nothing.
    """

    number: int
    turn: int
    site: Site
    visit: int
    rounds: tuple[int, ...]
    function: Callable[..., Any]
    operands: tuple[Any, ...]
    result: Any = None
    after: dict[int, torch.Tensor] = field(default_factory=dict)
    wants: tuple[bool, ...] = ()
    passes: dict[int, GradientPass] = field(default_factory=dict)
    is_hooked: bool = False
    is_judged: bool = True
    in_place: bool = False
    read: MemoryOf = ()
    memory: MemoryOf = ()
    stood: Streams | None = None


@dataclass
class Captured:
    """The calls of a run, in order.

    Attributes:
        calls: all of them.
        first: the number of the first call that is kept; those before it are not.
        made: how many calls were made in all.
        is_cut: whether calls after the last of these were made, and not kept, as that would take too much memory.
        is_partial: whether a pass asks for some gradients alone, so that one that is not there may not have been asked.
        device: where the cell ran.
        devices: all that it may draw random numbers on, besides the CPU.
        is_aliased: whether steps read aliases of results, whose gradients may be parts of those of the cell.
    """

    calls: list[CapturedCall] = field(default_factory=list)
    first: int = 0
    made: int = 0
    is_cut: bool = False
    is_partial: bool = False
    device: str = "cpu"
    is_aliased: bool = False
    devices: tuple[str, ...] = ()

    def by_visit(self) -> dict[tuple[KeyPath, int], CapturedCall]:
        """The calls by the paths of their steps and how many times those were called before."""
        return {(one.site.path, one.visit): one for one in self.calls}


def tensor_names(site: Site) -> list[str]:
    """The names of a call's operands, those in a list each by itself; constants have none."""
    found: list[str] = []
    for one in site.operands:
        found += one[1:-1].split(", ") if one.startswith("[") else [one] if one else []
    return found


def result_name(call: CapturedCall, position: int) -> str:
    """What a result is called: the step, with the field where it has several."""
    made, name = call.result, call.site.name
    if isinstance(made, (tuple, list)):
        fields = [field for field, part in named_fields(made)]
        return f"{name}.{fields[position]}" if position < len(fields) else name
    return name


def operand_name(call: CapturedCall, position: int) -> str:
    """What an operand is called; its position where it is one of a list."""
    site = call.site
    if len(site.operands) == len(call.operands):
        # a name may be that of a plain number
        pairs = zip(site.operands, call.operands, strict=True)
        site = replace(site, operands=tuple(name for name, one in pairs if tensors_in(one)))
    names = tensor_names(site)
    return names[position] if len(names) == len(call.wants) else f"operand {position}"
