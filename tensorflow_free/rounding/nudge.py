"""`Nudge`: a mode under which every number that an op rounds is moved as rounding to another dtype would move it.

It works below autograd, so that what a forward op saved and gradients that are summed are moved, too. The rule and why
each part of it is needed: docs/judging.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch._decomp import decomposition_table
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from tensorflow_free.rounding.aten_kinds import (
    CONTRACTIONS,
    EXACT_UNLESS_ADDED,
    WRITTEN_UNSAID,
    Kind,
    accumulates,
    base_name,
    inner_length,
    kind_of_op,
)
from tensorflow_free.rounding.call_arguments import each_argument, written
from tensorflow_free.rounding.steps_in_backward import StepsInBackward

PER_ROOT: Final = 8.0
"""An operand that goes into a sum of n is nudged by eps * sqrt(n) / 8: sums err as the root of their length."""


class Nudge(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Every floating number that an op rounds is moved by up to an epsilon of a dtype, at random.

    Args:
        dtype: the dtype to whose rounding the nudges are like.
        seed: of the nudges; the same seed gives the same run.
        products: the epsilon of matrix products, where a setting lets them be computed in less; else 0.
        convolutions: that of convolutions.
        times: how many epsilons.
    """

    def __init__(
        self, dtype: torch.dtype, seed: int, *, products: float = 0.0, convolutions: float = 0.0, times: float = 1.0
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._generator = torch.Generator().manual_seed(seed)
        self.usual = self._dtype = dtype
        self._products, self._convolutions = products, convolutions
        self._times = times
        self._steps = StepsInBackward()
        self._plain: set[OpOverload] = set()

    @contextmanager
    def rounding_to(self, dtype: torch.dtype) -> Iterator[None]:
        """What runs within is rounded to this dtype, and so is its backward, whenever that runs."""
        before, self._dtype = self._dtype, dtype
        try:
            with self._steps.made_within(dtype):
                yield
        finally:
            self._dtype = before

    def __torch_dispatch__(
        self, func: OpOverload, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an op, nudged as its kind is."""
        del types
        kwargs = kwargs or {}
        kind = kind_of_op(func)
        if kind is Kind.EXACT:
            return func(*args, **kwargs)
        name = base_name(func)
        if name in EXACT_UNLESS_ADDED and not accumulates(args, kwargs):
            return func(*args, **kwargs)
        if kind is Kind.COMPOSED and func not in self._plain:
            try:
                with self:
                    return decomposition_table[func](*args, **kwargs)
            except (NotImplementedError, RuntimeError, TypeError, ValueError, AssertionError):
                # a decomposition is not always all that the op is
                self._plain.add(func)
        dtype = self._steps.dtype_here(self._dtype)
        if kind is not Kind.POINTWISE:
            args, kwargs = self._operands(func, name, args, kwargs, dtype)
        return self._result(func, name, args, kwargs, dtype)

    def nudged(self, one: torch.Tensor) -> torch.Tensor:
        """A copy of a tensor that is rounded, moved; any other as it is."""
        if not _is_nudged(one) or not one.numel():
            return one
        copy = one.detach().clone()
        self._move(copy, self.usual, None)
        return copy

    # operands

    def _operands(
        self, func: OpOverload, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], dtype: torch.dtype
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Nudged copies of what an op adds up; what it writes to is not copied."""
        size = self._size_in(func, name, args, dtype)
        kept = written(func)

        def nudged(one: Any) -> Any:
            return _times(one, self._factor(one, size)) if _is_nudged(one) and one.numel() else one

        moved = tuple(
            one if position in kept or (name in WRITTEN_UNSAID and position in _STATISTICS) else tree_map(nudged, one)
            for position, one in enumerate(args)
        )
        return moved, {key: one if key in kept else tree_map(nudged, one) for key, one in kwargs.items()}

    def _size_in(self, func: OpOverload, name: str, args: tuple[Any, ...], dtype: torch.dtype) -> float:
        size = epsilon_of(dtype)
        if name in CONTRACTIONS:
            size = max(size, self._convolutions if name.startswith("convolution") else self._products)
        length = inner_length(func, args)
        if length == 1:
            return size
        inner = epsilon_of(torch.float64 if dtype == torch.float64 else torch.float32)
        return max(size, inner * math.sqrt(length) / PER_ROOT)

    def _factor(self, one: torch.Tensor, size: float) -> torch.Tensor:
        size *= self._times
        if one.is_complex():
            parts = torch.empty((*one.shape, 2), dtype=torch.float64).uniform_(-size, size, generator=self._generator)
            return torch.view_as_complex(parts) + 1
        return torch.empty(one.shape, dtype=torch.float64).uniform_(1 - size, 1 + size, generator=self._generator)

    # results

    def _result(
        self, func: OpOverload, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], dtype: torch.dtype
    ) -> Any:
        changed = [one for position, one in each_argument(args, kwargs) if position in written(func)]
        stood = [one.clone() for one in changed if _is_nudged(one)] if name in _PARTS_ALONE else []
        known = None if changed else {_memory(one) for one in tree_leaves((args, kwargs)) if _is_nudged(one)}
        out = func(*args, **kwargs)
        made = tree_leaves(changed) if changed else tree_leaves(out)
        for number, one in enumerate(made):
            if _is_nudged(one) and one.numel() and (known is None or _memory(one) not in known):
                self._move(one, dtype, stood[number] if stood else None)
        return out

    def _move(self, one: torch.Tensor, dtype: torch.dtype, stood: torch.Tensor | None) -> None:
        """Nudge the numbers that the dtype does not hold exactly, in place."""
        if one.is_nested:
            for part in one.unbind():
                self._move(part, dtype, None)
            return
        if one.layout != torch.strided:
            one = one._values() if one.layout == torch.sparse_coo else one.values()  # noqa: SLF001
        # the numbers as they lie there: of conjugates and negatives by a bit, a nudge is the same
        one = torch._neg_view(one) if one.is_neg() else one  # noqa: SLF001
        one = one.conj() if one.is_conj() else one
        factor = self._factor(one, epsilon_of(dtype))
        if epsilon_of(one.dtype) < epsilon_of(dtype):
            factor = torch.where(_held(one, dtype), 1, factor)
        if stood is not None:
            factor = torch.where(one == stood, 1, factor)
        # of a dtype that the recipe pins, and that the reference rounds to as well: the next number or none
        one.copy_(_times(one, factor))


_PARTS_ALONE: Final = frozenset({"index_add", "scatter_add", "index_put", "_index_put_impl", "scatter_reduce"})
"""Ops that change some numbers of what they write to."""

_STATISTICS: Final = (3, 4)
"""The positions of running statistics in the ops of `WRITTEN_UNSAID`."""


def epsilon_of(dtype: torch.dtype) -> float:
    """The machine epsilon of a floating dtype."""
    return float(torch.finfo(dtype).eps)


def _times(one: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """A tensor times a factor of float64, rounded to the tensor's own dtype.

    Below autograd, arithmetic does not see that a tensor is a conjugate or a negative by a bit of its own.
    """
    one = one.resolve_conj().resolve_neg()
    return one * factor if one.dtype == factor.dtype else (one.to(factor.dtype) * factor).to(one.dtype)


def _is_nudged(one: Any) -> bool:
    return isinstance(one, torch.Tensor) and (one.is_floating_point() or one.is_complex()) and not one.is_meta


def _held(one: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Which numbers the dtype holds exactly."""
    if one.is_complex():
        parts = torch.view_as_real(one.resolve_conj())
        return (parts.to(dtype).to(parts.dtype) == parts).all(-1)
    return one.to(dtype).to(one.dtype) == one


def _memory(one: torch.Tensor) -> int:
    try:
        return one.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):
        return id(one)
