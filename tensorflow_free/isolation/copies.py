"""Copies of what a call reads and makes: out of reach of later changes, sharing memory among each other as before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map

from tensorflow_free.judging.as_tensors import same_bits
from tensorflow_free.tensors.memory import extent_of

Convert = Callable[[torch.Tensor], torch.Tensor]


def tensors_in(tree: Any) -> list[torch.Tensor]:
    """The tensors of a value, of several, or of a call's operands, in order."""
    return [one for one in tree_leaves(tree) if isinstance(one, torch.Tensor)]


def each_tensor(function: Convert, tree: Any) -> Any:
    """A tree with a function called on each of its tensors, and the rest as it is; a shape stays one."""
    return tree_map(
        lambda one: function(one) if isinstance(one, torch.Tensor) else one,
        tree,
        is_leaf=lambda one: isinstance(one, torch.Size),
    )


def numbers_in(tree: Any) -> list[float | complex]:
    """The plain numbers of a value that are no integers, in order."""
    return [one for one in tree_leaves(tree) if isinstance(one, (float, complex))]


@dataclass
class Copies:
    """Makes copies on the CPU; one that was made already of the same numbers serves again.

    Attributes:
        held: how many bytes the copies take.
    """

    held: int = 0
    _kept: dict[tuple[Any, ...], torch.Tensor] = field(default_factory=dict)

    def of(self, tree: Any) -> Any:
        """A copy of all tensors of a tree, and the rest as it is."""
        return alike(tree, self._flat)

    def _flat(self, flat: torch.Tensor) -> torch.Tensor:
        if not _is_plain(flat):
            # one of MKL-DNN's is copied so alone
            stays = flat.is_meta or flat.device.type == "cpu"
            return flat.detach().clone() if stays else flat.detach().to("cpu", copy=True)
        key = (flat.data_ptr(), flat.numel(), flat.dtype, flat.device)
        kept = self._kept.get(key)
        if kept is not None and same_bits(kept, flat):
            return kept
        self._kept[key] = copy = flat.detach().to("cpu", copy=True)
        self.held += copy.numel() * copy.element_size()
        return copy


def alike(tree: Any, convert: Convert) -> Any:
    """A tree whose tensors are made anew, each with its strides, and those that share memory sharing it again.

    Args:
        tree: what holds tensors.
        convert: makes the numbers of one memory anew, flat; those of a tensor that is not strided as they are.
    """
    if type(tree) is torch.Tensor:
        return _made([tree], convert)[id(tree)]
    leaves, _ = tree_flatten(tree)
    distinct = {id(one): one for one in leaves if isinstance(one, torch.Tensor)}
    made = _made(list(distinct.values()), convert)
    return each_tensor(lambda one: made[id(one)], tree)


def _made(tensors: list[torch.Tensor], convert: Convert) -> dict[int, torch.Tensor]:
    made: dict[int, torch.Tensor] = {}
    for group in _by_memory(tensors):
        if not _is_plain(group[0]):
            made[id(group[0])] = convert(group[0].detach())
            continue
        plain = [_physical(one) for one in group]
        low = min(int(one.storage_offset()) for one in plain)
        high = max(extent_of(one.shape, one.stride(), int(one.storage_offset())) for one in plain)
        flat = convert(plain[0].as_strided((max(0, high - low),), (1,), low))
        for one, its in zip(group, plain, strict=True):
            again = flat.as_strided(its.shape, its.stride(), int(its.storage_offset()) - low)
            made[id(one)] = again.conj() if one.is_conj() else torch._neg_view(again) if one.is_neg() else again  # noqa: SLF001
    return made


def _by_memory(tensors: list[torch.Tensor]) -> Iterator[list[torch.Tensor]]:
    """The tensors in groups that share memory; those that are not strided each alone."""
    groups: dict[Any, list[torch.Tensor]] = {}
    for one in tensors:
        key = (one.untyped_storage().data_ptr(), one.dtype, one.device) if _is_plain(one) and one.numel() else id(one)
        groups.setdefault(key, []).append(one)
    yield from groups.values()


def _is_plain(one: torch.Tensor) -> bool:
    return (
        one.layout == torch.strided
        and not one.is_nested
        and not one.is_meta
        and not one.is_quantized
        and not one._is_zerotensor()  # noqa: SLF001 - it has no memory
    )


def _physical(one: torch.Tensor) -> torch.Tensor:
    """The numbers as they lie in memory: without a conjugation or negation that is only marked."""
    one = one.detach()
    return one.conj() if one.is_conj() else torch._neg_view(one) if one.is_neg() else one  # noqa: SLF001


def equal(mine: torch.Tensor, its: torch.Tensor) -> bool:
    """Whether two tensors hold the same numbers, NaN for NaN."""
    if not _is_plain(mine) or not _is_plain(its):
        # the numbers of no other layout are changed by an op of PyTorch's
        return mine.layout == its.layout
    if mine.shape != its.shape or mine.dtype != its.dtype:
        return False
    if mine.stride() != its.stride() or mine.is_conj() != its.is_conj() or mine.is_neg() != its.is_neg():
        return same_bits(mine, its)
    # what lies in memory, as an expanded tensor may have more elements than fit into any
    return same_bits(*(_span(_physical(one)) for one in (mine, its)))


def _span(one: torch.Tensor) -> torch.Tensor:
    """All elements of memory from a tensor's first to its last."""
    offset = int(one.storage_offset())
    return one.as_strided((extent_of(one.shape, one.stride(), offset) - offset,), (1,), offset)
