"""A plan with a mutant in the place of one of its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from tensorflow_free.plan.calls import Site
from tensorflow_free.plan.plan import Plan
from tensorflow_free.strength.mutants import Given, GradientChange, Mutant
from tensorflow_free.strength.step_calls import Around, ResultPart, StepCall, nodes_in, numbered, widened


@dataclass
class Insertion:
    """A mutant in a step.

    Attributes:
        mutant: what is wrong.
        call: the step's call.
        part: which part of its result is wrong; None for a mutant in the backward.
        noise: as of `Given`.
        is_in: whether the last run came to it, and it could be.
    """

    mutant: Mutant
    call: StepCall
    part: ResultPart | None = None
    noise: torch.Tensor | None = None
    is_in: bool = False

    def into(self, plan: Plan) -> Plan:
        """The plan in which this step is wrong, and no other; for one run."""
        self.is_in = False
        around = self._wrong_value if self.mutant.value is not None else self._wrong_gradient

        def at(number: int) -> Around | None:
            return around if number == self.call.number else None

        # a step that is wrong is no op of PyTorch's, which relations excuse where they break in eager, too
        return replace(numbered(plan, at), ops=(*plan.ops, f"{self.call.site.op} ({self.mutant.name})"))

    # values

    def _wrong_value(self, function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        del site
        before = None if self.part is None else self.part.before

        def wrong(*operands: Any) -> Any:
            nonlocal before
            stood = list(_standing(operands))
            leaves, spec = tree_flatten(function(*operands))
            at = 0 if self.part is None else self.part.at
            if at < len(leaves):
                right = widened(leaves[at])
                leaves[at] = self._altered(leaves[at], before, stood)
                before = right
            return tree_unflatten(leaves, spec)

        return wrong

    def _altered(self, leaf: Any, before: torch.Tensor | None, stood: list[tuple[torch.Tensor, int]]) -> Any:
        """A part of the result with wrong numbers: where it lies, if it has memory of its own; else a copy of it."""
        value = widened(leaf)
        if value is None or self.mutant.value is None:
            return leaf
        noise = self.noise if self.noise is not None and self.noise.shape == value.shape else None
        before = before if before is not None and before.shape == value.shape else None
        with torch.no_grad():
            numbers = self.mutant.value(Given(value, noise, before))
        if numbers is None:
            return leaf
        self.is_in = True
        if not isinstance(leaf, torch.Tensor):
            return type(leaf)(numbers.item())
        wrong = leaf if _owns_its_memory(leaf, stood) else leaf.clone()
        wrong.data.copy_(numbers)
        return wrong

    # gradients

    def _wrong_gradient(self, function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        del site

        def wrong(*operands: Any) -> Any:
            stood = nodes_in(operands)
            found = function(*operands)
            # an op that gives its operand back is no function of autograd's, and the operand's own stays as it is
            for node in nodes_in(found) - stood:
                if self.mutant.incoming is not None:
                    change = self.mutant.incoming
                    node.register_prehook(lambda gradients, change=change: self._changed(change, gradients))
                elif self.mutant.outgoing is not None:
                    change = self.mutant.outgoing
                    node.register_hook(lambda gradients, _, change=change: self._changed(change, gradients))
            return found

        return wrong

    def _changed(self, change: GradientChange, gradients: tuple[torch.Tensor | None, ...]) -> Any:
        found = change(gradients)
        self.is_in |= found is not None
        return found


def _standing(operands: Any) -> Iterator[tuple[torch.Tensor, int]]:
    """The tensors among operands, their gradients too, and how often each was changed so far."""
    for one in tree_leaves(operands):
        if isinstance(one, torch.Tensor):
            yield one, _changes(one)
            if one.is_leaf and one.grad is not None:
                yield one.grad, _changes(one.grad)


def _changes(tensor: torch.Tensor) -> int:
    """How often a tensor was changed in place; -1 where torch does not count."""
    return -1 if tensor.is_inference() else tensor._version  # noqa: SLF001 - torch's documentation names it


def _owns_its_memory(leaf: torch.Tensor, stood: list[tuple[torch.Tensor, int]]) -> bool:
    """Whether writing to a result changes nothing else: its memory is new, or the step has written there itself."""
    if any(stride == 0 and size > 1 for stride, size in zip(leaf.stride(), leaf.shape, strict=True)):
        return False
    if leaf.is_conj() or leaf.is_neg():
        return False
    for one, changes in stood:
        if one.layout != torch.strided or one.is_nested:
            return False
        if one.untyped_storage().data_ptr() == leaf.untyped_storage().data_ptr() and changes == _changes(one):
            return False
    return True
