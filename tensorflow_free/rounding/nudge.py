"""`Nudge`: a mode under which every number that an op rounds is moved as rounding to another dtype would move it.

It works below autograd, so that what a forward op saved and gradients that are summed are moved, too. The rule and why
each part of it is needed: docs/judging.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any, Final

import torch
from torch._decomp import decomposition_table
from torch._ops import OpOverload

from tensorflow_free.rounding.aten_kinds import (
    CONTRACTIONS,
    FLAGS,
    JUMPS,
    NORMWISE,
    STATISTICS,
    WRITTEN_UNSAID,
    Kind,
    base_name,
    inner_length,
    is_exact_call,
    kind_of_op,
)
from tensorflow_free.rounding.call_arguments import each_argument, in_place_of, written
from tensorflow_free.rounding.composed_forms import FORMS
from tensorflow_free.rounding.moving import Move, epsilon_of, held, move, scaled
from tensorflow_free.rounding.steps_in_backward import StepsInBackward
from tensorflow_free.rounding.uniform import Uniform
from tensorflow_free.tensors.conjugates import seeing_conjugates
from tensorflow_free.tensors.eager_mode import EagerMode

PER_ROOT: Final = 8.0
"""An operand that goes into a sum of n is nudged by eps * sqrt(n) / 8: sums err as the root of their length."""


OF_NUMBERS: Final = 1 << 20
"""What the seed of the nudges of plain numbers is away from that of the others."""

BY_NORM: Final = 2.0
"""How many times as far, beside their RMS, numbers are nudged of a matrix whose singular values or eigenvalues are
computed. With 1, three of 1,050 cells of random matrices in float32 exceed their bound, by up to 1.15; with 2 none."""


class Nudge(EagerMode):
    """Every floating number that an op rounds is moved by up to an epsilon of a dtype, at random.

    Args:
        dtype: the dtype to whose rounding the nudges are like.
        seed: of the nudges; the same seed gives the same run.
        products: the epsilon of matrix products, where a setting lets them be computed in less; else 0.
        convolutions: that of convolutions.
        times: how many epsilons; with 0, and on the grid, each result is rounded to nearest.
        on_grid: whether moved numbers are rounded to the dtype, too.

    Attributes:
        jumps: whether an op ran whose result jumps where an operand moves a little.
    """

    def __init__(
        self,
        dtype: torch.dtype,
        seed: int,
        *,
        products: float = 0.0,
        convolutions: float = 0.0,
        times: float = 1.0,
        on_grid: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._uniform = Uniform(seed)
        self._of_numbers = Uniform(seed + OF_NUMBERS)
        self.usual = self._dtype = dtype
        self._products, self._convolutions = products, convolutions
        self._times, self._on_grid = times, on_grid
        self.jumps = False
        self._steps = StepsInBackward()
        self._plain: set[OpOverload] = set()
        self._inner: torch.dtype | None = None

    @contextmanager
    def rounding_to(self, dtype: torch.dtype) -> Iterator[None]:
        """What runs within is rounded to this dtype, and so is its backward, whenever that runs."""
        before, self._dtype = self._dtype, dtype
        try:
            with self._steps.made_within(dtype):
                yield
        finally:
            self._dtype = before

    @seeing_conjugates
    def __torch_dispatch__(
        self, func: OpOverload, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an op, nudged as its kind is."""
        del types
        kwargs = kwargs or {}
        kind, name = kind_of_op(func), base_name(func)
        self.jumps = self.jumps or name in JUMPS
        if kind is Kind.EXACT or is_exact_call(name, args, kwargs):
            return func(*args, **kwargs)
        dtype = self._inner or self._steps.dtype_here(self._dtype)
        if kind is Kind.COMPOSED and func not in self._plain:
            try:
                made = self._composed(func, args, kwargs, dtype)
                if made is not NotImplemented:
                    return made
                self._plain.add(func)
            except (NotImplementedError, RuntimeError, TypeError, ValueError, AssertionError):
                # a decomposition is not always all that the op is
                self._plain.add(func)
        if kind is Kind.POINTWISE and _has_numbers(args, kwargs):
            args, kwargs = self._with_numbers(func, args, kwargs, dtype)
        if kind is Kind.POINTWISE and not written(func):
            args = tuple(map(_as_it_reads, args))
        elif kind is not Kind.POINTWISE:
            args, kwargs = self._operands(func, name, args, kwargs, dtype)
        return self._result(func, name, args, kwargs, dtype)

    def _composed(self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], dtype: torch.dtype) -> Any:
        """What a fused kernel makes, op by op; statistics of a half dtype in float32, and their result rounded."""
        form = FORMS.get(func) or decomposition_table[func]
        if dtype not in HALVES or base_name(func) not in STATISTICS:
            with self:
                return form(*args, **kwargs)
        known = {_memory(one) for one in _tensors_in((*args, *kwargs.values()))}
        before, self._inner = self._inner, torch.float32
        try:
            with self:
                made = form(*args, **kwargs)
        finally:
            self._inner = before
        for one in _tensors_in((made,)):
            if _memory(one) not in known:
                self._move(one, dtype, None)
        return made

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
        size = self._size_in(func, name, args, dtype) * self._times
        kept = written(func)
        if name in WRITTEN_UNSAID or name in FLAGS:
            kept = {**kept, **dict.fromkeys(FLAGS.get(name, _STATISTICS))}
        copies = tuple(one if at in kept else self._copied(one, size) for at, one in enumerate(args))
        if name in NORMWISE:
            copies = (self._moved_by_norm(copies[0], BY_NORM * size), *copies[1:])
        return copies, {key: one if key in kept else self._copied(one, size) for key, one in kwargs.items()}

    def _copied(self, one: Any, size: float) -> Any:
        """A nudged copy of an operand, or of a list of them."""
        if type(one) in (list, tuple):
            return type(one)([self._copied(each, size) for each in one])
        if not _is_nudged(one) or not one.numel():
            return one
        if not size:
            return _as_it_reads(one)
        if one.layout == torch.strided and not one.is_nested:
            plain = one.resolve_conj().resolve_neg()
            copy = self._turned(plain, size) if one.is_complex() else scaled(plain, self._uniform, size)
        else:
            copy = one.clone()
            for part in strided_parts(copy):
                part.copy_(self._copied(part, size))
        return in_place_of(one, copy)

    def _with_numbers(
        self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], dtype: torch.dtype
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The operands with their plain numbers moved, where the dtype does not hold them exactly."""
        if not any(map(_is_nudged, args)):
            return args, kwargs
        takes = _takes_numbers(func)
        moved = tuple(
            self._number(one, dtype) if taken else one for one, taken in zip(args, takes.values(), strict=False)
        )
        return moved, {key: self._number(one, dtype) if takes.get(key) else one for key, one in kwargs.items()}

    def _number(self, one: Any, dtype: torch.dtype) -> Any:
        if type(one) not in (int, float) or not math.isfinite(one):
            return one
        number = torch.tensor([float(one)], dtype=torch.float64)
        if held(number, dtype):
            return one
        # in a stream of their own, so that a number that is held exactly changes no other nudge
        self._uniform, self._of_numbers = self._of_numbers, self._uniform
        self._move(number, dtype, None)
        self._uniform, self._of_numbers = self._of_numbers, self._uniform
        return number.item()

    def _moved_by_norm(self, one: torch.Tensor, size: float) -> torch.Tensor:
        """Matrices, each number moved by up to a share of the root mean square of its matrix."""
        rms = one.abs().square().mean((-2, -1), keepdim=True).sqrt()
        if one.is_complex():
            return one + torch.view_as_complex(self._uniform.of((*one.shape, 2))).to(one.dtype) * (rms * size)
        return one + self._uniform.of(one.shape).to(one.dtype) * (rms * size)

    def _turned(self, one: torch.Tensor, size: float) -> torch.Tensor:
        """Complex numbers, each moved by up to a share of its modulus in both parts."""
        return one * (torch.view_as_complex(self._uniform.of((*one.shape, 2))) * size + 1).to(one.dtype)

    def _size_in(self, func: OpOverload, name: str, args: tuple[Any, ...], dtype: torch.dtype) -> float:
        size = epsilon_of(dtype)
        if name in CONTRACTIONS:
            size = max(size, self._convolutions if name.startswith("convolution") else self._products)
        length = inner_length(func, args)
        if length == 1:
            return size
        inner = epsilon_of(torch.float64 if dtype == torch.float64 else torch.float32)
        return max(size, inner * math.sqrt(length) / PER_ROOT)

    # results

    def _result(
        self, func: OpOverload, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], dtype: torch.dtype
    ) -> Any:
        if written(func):
            changed = [one for position, one in each_argument(args, kwargs) if position in written(func)]
            stood = [one.clone() for one in changed if _is_nudged(one)] if name in _PARTS_ALONE else []
            out = func(*args, **kwargs)
            for number, one in enumerate(_tensors_in(changed)):
                self._move(one, dtype, stood[number] if stood else None)
            return out
        known = {_memory(one) for one in _tensors_in((*args, *kwargs.values()))}
        out = func(*args, **kwargs)
        for one in _tensors_in((out,)):
            if _memory(one) not in known:
                self._move(one, dtype, None)
        return out

    def _move(self, one: torch.Tensor, dtype: torch.dtype, stood: torch.Tensor | None) -> None:
        """Nudge the numbers that the dtype does not hold exactly, in place; those that are as they stood stay."""
        how = Move(epsilon_of(dtype) * self._times, dtype, on_grid=self._on_grid and dtype != torch.float64)
        before = [] if stood is None else list(strided_parts(stood))
        for number, part in enumerate(strided_parts(one)):
            still = part == before[number] if before else None
            if part.is_complex():
                self._move_complex(part, how, still)
            else:
                move(part, self._uniform, how, still)

    def _move_complex(self, one: torch.Tensor, how: Move, still: torch.Tensor | None) -> None:
        moved = torch.view_as_real(self._turned(one, how.size))
        if how.on_grid:
            move(moved, self._uniform, replace(how, size=0.0))
        if how.dtype != torch.float64:
            exact = held(torch.view_as_real(one.resolve_conj()), how.dtype).all(-1)
            still = exact if still is None else exact | still
        turned = torch.view_as_complex(moved)
        one.copy_(turned if still is None else torch.where(still, one, turned))


def _has_numbers(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether there are plain numbers among operands."""
    return any(type(one) in (int, float) for one in args) or any(type(one) in (int, float) for one in kwargs.values())


@cache
def _takes_numbers(func: OpOverload) -> dict[str, bool]:
    """The parameters of an op, and whether a plain number that one is given is rounded by kernels: `x - 0.1`."""
    return {one.name: str(one.type) in _NUMBERS for one in func._schema.arguments}  # noqa: SLF001 - torch's own table


_NUMBERS: Final = frozenset({"number", "Tensor"})
"""The types of parameters, in torch's schemas, that take a plain number which is rounded."""

HALVES: Final = frozenset({torch.bfloat16, torch.float16})
"""Dtypes in which no kernel adds up."""

_PARTS_ALONE: Final = frozenset({"index_add", "scatter_add", "index_put", "_index_put_impl", "scatter_reduce"})
"""Ops that change some numbers of what they write to."""

_STATISTICS: Final = (3, 4)
"""The positions of running statistics in the ops of `WRITTEN_UNSAID`."""


def strided_parts(one: torch.Tensor) -> Iterator[torch.Tensor]:
    """The numbers of a tensor of any layout as strided tensors on its memory, as they lie there.

    Of conjugates and negatives by a bit, which arithmetic below autograd does not see, a move is the same.
    """
    if one.is_nested:
        for part in one.unbind():
            yield from strided_parts(part)
    elif one.layout != torch.strided:
        yield from strided_parts(one._values() if one.layout == torch.sparse_coo else one.values())  # noqa: SLF001
    else:
        one = torch._neg_view(one) if one.is_neg() else one  # noqa: SLF001
        yield one.conj() if one.is_conj() else one


def _as_it_reads(one: Any) -> Any:
    """A conjugate or a negative by a bit, which arithmetic below autograd does not see, as numbers of its own."""
    return one.resolve_conj().resolve_neg() if isinstance(one, torch.Tensor) else one


def _is_nudged(one: Any) -> bool:
    if not isinstance(one, torch.Tensor) or one.is_meta:
        return False
    # autograd's zeros without memory of their own: below it, whoever reads or writes them does so at no address
    return (one.dtype.is_floating_point or one.dtype.is_complex) and not one._is_zerotensor()  # noqa: SLF001


def _tensors_in(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    """The tensors whose numbers are rounded, in lists too."""
    for one in values:
        if isinstance(one, torch.Tensor):
            if _is_nudged(one) and one.numel():
                yield one
        elif isinstance(one, (list, tuple)):
            yield from _tensors_in(one)


def _memory(one: torch.Tensor) -> int:
    try:
        return one.untyped_storage().data_ptr()
    except (RuntimeError, NotImplementedError):
        return id(one)
