"""What a call hands back to each of its operands, seen in the nodes of autograd's graph that the call made.

The operands themselves are what the call reads: neither what it makes nor its history is another than without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch.autograd.graph import Node, get_gradient_edge

from tensorflow_free.isolation.copies import each_tensor, tensors_in
from tensorflow_free.isolation.readers_apart import can_be_aliased

Edge = tuple[Node, int]
"""Where a gradient goes: a node, and which of its inputs."""

SeeHanded = Callable[[int, torch.Tensor | None], object]
"""Called with the position of an operand, and a gradient that is handed to it."""


class Handing:
    """A call whose gradients are seen; made before it, as an operand may be another's afterwards.

    Attributes:
        edges: where the gradient of each operand goes, and its position; of one that is given twice the first.
    """

    def __init__(self, operands: Sequence[Any], wants: Sequence[bool]) -> None:
        self.edges: dict[Edge, int] = {}
        self._first: int = torch._C._autograd._get_sequence_nr()  # noqa: SLF001 - tells old nodes from new ones
        self._casts = torch._C._is_any_autocast_enabled()  # noqa: SLF001 - for the device at hand alone it is public
        for position, (one, wanted) in enumerate(zip(tensors_in(operands), wants, strict=True)):
            edge = _edge_of(one) if wanted else None
            if edge is not None:
                self.edges.setdefault(edge, position)

    def results_apart(self, made: Any) -> Any:
        """The results, of which one that others are made of is an alias: nothing comes to that from within the call."""
        results = [one for one in tensors_in(made) if one.requires_grad and not one.is_leaf and can_be_aliased(one)]
        within = {edge for _, reached in self._nodes(results) for _, edge in reached} if results[1:] else set()
        inner = {id(one) for one in results if (edge := _edge_of(one)) in within and edge not in self.edges}
        if not inner:
            return made
        return each_tensor(lambda one: torch.ops.aten.alias.default(one) if id(one) in inner else one, made)

    def watch_results(self, made: Any, see: SeeHanded, *, in_place: bool) -> None:
        """Have what comes to the results seen; not to one that is an operand as it was."""
        for position, one in enumerate(tensors_in(made)):
            if in_place and watch_part(one, partial(see, position)):
                continue
            edge = _edge_of(one) if one.requires_grad and not one.is_leaf else None
            if edge is not None and edge not in self.edges:
                # a hook of the tensor goes to the node before a change in place, where that has one already
                node, number = edge
                node.register_prehook(partial(_came, number, partial(see, position)))

    def watch_operands(self, made: Any, see: SeeHanded) -> None:
        """Have what goes to the operands seen, in each backward pass to come."""
        if self.edges:
            for node, positions in self._handing(made):
                node.register_hook(partial(_seen, positions, see))

    def _handing(self, made: Any) -> Iterator[tuple[Node, dict[int, int]]]:
        """The nodes that the call made and that hand something to an operand: which of theirs, to which operand."""
        for node, reached in self._nodes(made):
            positions = {at: found for at, one in reached if (found := self._operand(one)) is not None}
            if positions:
                yield node, positions

    def _nodes(self, made: Any) -> Iterator[tuple[Node, list[tuple[int, Edge]]]]:
        """The nodes that the call made, each with where its gradients go, by the position among them."""
        known: set[Node] = set()
        left = [edge for one in tensors_in(made) if one.requires_grad and (edge := _edge_of(one)) is not None]
        while left:
            edge = left.pop()
            node = edge[0]
            if edge in self.edges or node in known or node._sequence_nr() < self._first:  # noqa: SLF001
                continue
            known.add(node)
            reached = [(at, (its, number)) for at, (its, number) in enumerate(node.next_functions) if its is not None]
            left += [one for _, one in reached if self._operand(one) is None]
            yield node, reached

    def _operand(self, edge: Edge) -> int | None:
        """To which operand an edge goes; under autocast also through a cast, which other calls may share."""
        if edge in self.edges:
            return self.edges[edge]
        node = edge[0]
        through = node.next_functions if self._casts and node.name().startswith("ToCopyBackward") else ()
        return next((self.edges[one] for one in through if one in self.edges), None)


def watch_part(one: torch.Tensor, see: Callable[[torch.Tensor | None], object]) -> bool:
    """Have seen what comes to a view that was changed in place: its part of what comes to all that it is a view of.

    Autograd gives such a view a history anew, that of the whole, each time it is read. False where it is none.
    """
    base = one._base  # noqa: SLF001 - no public door
    if base is None or base.grad_fn is None or not one.requires_grad:
        return False
    base.grad_fn.register_prehook(partial(_part_came, _part_of(one, base), see))
    return True


def _part_came(
    part: Callable[[torch.Tensor], torch.Tensor],
    see: Callable[[torch.Tensor | None], object],
    came: Sequence[torch.Tensor | None],
) -> None:
    see(None if came[0] is None else part(came[0].detach()))


def _part_of(view: torch.Tensor, base: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """What gives, of numbers for all of a tensor, those that a view of it has."""
    shape, strides = tuple(base.shape), base.stride()
    place = view.shape, view.stride(), int(view.storage_offset() - base.storage_offset())

    def part(numbers: torch.Tensor) -> torch.Tensor:
        spread = torch.empty_strided(shape, strides, dtype=numbers.dtype, device=numbers.device).copy_(numbers)
        return spread.as_strided(*place)

    return part


def _came(number: int, see: Callable[[torch.Tensor | None], object], came: Sequence[torch.Tensor | None]) -> None:
    see(came[number])


def _seen(
    positions: dict[int, int],
    see: SeeHanded,
    handed: Sequence[torch.Tensor | None],
    came: Sequence[torch.Tensor | None],
) -> None:
    del came
    for at, position in positions.items():
        see(position, handed[at])


def versions(operands: Sequence[Any]) -> list[int]:
    """How often each operand was changed in place, as autograd counts; of one under `inference_mode` it does not."""
    return [-1 if one.is_inference() else one._version for one in tensors_in(operands)]  # noqa: SLF001 - as documented


def _edge_of(one: torch.Tensor) -> Edge | None:
    """Where a tensor's gradient goes; None where autograd does not tell, as of a view made without gradients."""
    if one.is_leaf and one.layout != torch.strided:
        # torch makes a view to find it, which not each layout has
        with torch.enable_grad():
            copy = one.clone()
        node, number = (None, 0) if copy.grad_fn is None else copy.grad_fn.next_functions[0]
        return None if node is None else (node, number)
    try:
        edge = get_gradient_edge(one)
    except (AssertionError, RuntimeError):
        return None
    return edge.node, edge.output_nr
