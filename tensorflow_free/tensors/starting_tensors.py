"""A starting tensor being made: drawn or given, rounded, laid out in memory; and the dtype that it is made in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch

from tensorflow_free.recipe.names import INTEGERS
from tensorflow_free.tensors.dtypes import TORCH_DTYPES
from tensorflow_free.tensors.inits import INITS, LIKE, WINDOWS, Arguments, Init
from tensorflow_free.tensors.memory import copied, fill_of, in_storage


@dataclass(frozen=True, slots=True)
class Start:
    """A tensor that the run starts from, bound: everything that making it needs.

    `dtype` is the pinned or the recipe's one; `made_in` the one that its values are made in; `rounded_to` the input
    precision or None. `input` names the earlier tensor of a `_like`, `clone` or `as_strided`. `given` are numbers, of a
    saved run or of a file, that it has in place of those that its init makes.
    """

    name: str
    init: str
    arguments: Arguments
    dtype: torch.dtype | None
    made_in: torch.dtype | None
    device: str
    rounded_to: torch.dtype | None = None
    requires_grad: bool = False
    input: str | None = None
    shape: Sequence[int] | None = None
    seed: int | None = None
    memory_format: torch.memory_format | None = None
    stride: Sequence[int] | None = None
    storage_offset: int = 0
    given: torch.Tensor | None = None


def make(start: Start, earlier: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Make a starting tensor.

    Args:
        start: what to make.
        earlier: the tensors made before it, by name.

    Returns:
        The tensor, and the leaf that holds its gradient: itself, but for a stride of 0 the tensor that it expands.
    """
    if start.init == "as_strided" and start.input is not None:
        view = torch.as_strided(earlier[start.input], **{key: start.arguments[key] for key in start.arguments})
        return (view.requires_grad_() if start.requires_grad and view.is_leaf else view), view
    if start.given is not None:
        return _given(start, start.given, earlier)
    if start.device == "meta":
        # nothing is drawn: a size that no memory holds is as good as any
        with torch.device("meta"):
            values = _values(start, earlier)
    else:
        values = _values(start, earlier)
    if start.shape is not None:
        values = values.reshape(list(start.shape))
    if start.rounded_to is not None:
        values = _rounded(values, start.rounded_to)
    return _laid_out(start, _placed(values, start))


def _placed(values: torch.Tensor, start: Start) -> torch.Tensor:
    """The values, which are on the CPU, on the tensor's device and in its dtype."""
    if start.device == "cpu" and start.dtype in (None, values.dtype):
        return values
    return values.to(device=start.device, dtype=start.dtype)


def made_of(
    numbers: torch.Tensor, start: Start, earlier: Mapping[str, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Make a starting tensor of numbers that are given, which are drawn, reshaped and rounded already; as `make`."""
    if start.init == "as_strided":
        return make(start, earlier)
    same = start.dtype in (None, numbers.dtype) or not (numbers.is_floating_point() or numbers.is_complex())
    values = copied(numbers) if same else numbers.to(dtype=start.dtype)
    values = values.to(device=start.device)
    plain = values.layout == torch.strided and start.stride is None and not same
    return _laid_out(start, values.contiguous() if plain else values)


def _given(
    start: Start, numbers: torch.Tensor, earlier: Mapping[str, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """A starting tensor of the numbers of a saved run; the random stream goes on as if its own had been drawn."""
    init = LIKE.get(start.init) or INITS.get(start.init)
    if init is not None and init.draws:
        _values(start, earlier)
    if start.rounded_to is not None:
        numbers = _rounded(numbers, start.rounded_to)
    return made_of(numbers, start, earlier)


def _rounded(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The values on the grid of a floating dtype; of complex ones, both parts."""
    if not values.is_complex():
        return values.to(dtype)
    parts = torch.view_as_real(values)
    return torch.view_as_complex(parts.to(dtype).to(parts.dtype))


def _values(start: Start, earlier: Mapping[str, torch.Tensor]) -> torch.Tensor:
    if start.init == "clone" and start.input is not None:
        return copied(earlier[start.input].detach())
    generator = None
    if start.seed is not None:
        generator = torch.Generator().manual_seed(start.seed)
    arguments = start.arguments
    if start.init in LIKE and start.input is not None:
        arguments = {**arguments, "size": list(earlier[start.input].shape)}
    init = LIKE.get(start.init) or INITS[start.init]
    if start.device == "meta" and "data" not in arguments:
        # a meta tensor has no values: none are made, so that its size is not bounded by memory
        with torch.device("meta"):
            return init.make(arguments, start.made_in, None)
    values = init.make(arguments, start.made_in, generator)
    if init.name == "empty":
        values.fill_(fill_of(values.dtype))
    return copied(values) if isinstance(arguments.get("data"), torch.Tensor) else values


def _laid_out(start: Start, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The values in the memory that the recipe asks for, and the leaf."""
    if start.memory_format is not None:
        values = values.contiguous(memory_format=start.memory_format)
    if start.stride is None:
        leaf = values.requires_grad_() if start.requires_grad else values
        return leaf, leaf
    size = list(values.shape)
    kept = [1 if step == 0 else length for length, step in zip(size, start.stride, strict=True)]
    leaf = in_storage(values, kept, start.stride, start.storage_offset)
    if start.requires_grad:
        leaf.requires_grad_()
    return (leaf if kept == size else leaf.expand(size)), leaf


def made_in(init: Init, pinned: torch.dtype | None, target: torch.dtype, rounded: torch.dtype | None) -> torch.dtype:
    """The dtype that values are made in before they are converted to `target`.

    Drawn values: float32 (complex64, int64), or the pinned dtype where torch draws it. Others: the target itself where
    torch makes it, but float64 where they are rounded to an input precision first, so that every cell rounds the same
    numbers.
    """
    if init.draws:
        return _drawn_in(init, pinned, target)
    if rounded is not None and (target.is_floating_point or target.is_complex):
        target = torch.complex128 if target.is_complex else torch.float64
    return _counted_in(init, target) if init.name in _COUNTED else target


_COUNTED: Final = frozenset(
    {"arange", "linspace", "logspace", "eye", "dirac", "tril_indices", "triu_indices", *WINDOWS},
)
"""Inits that neither draw nor copy: torch has no kernel of theirs for the rarer dtypes."""


_HALVES: Final = frozenset({torch.float16, torch.bfloat16})


_RARE: Final = frozenset({torch.bool, torch.uint16, torch.uint32, torch.uint64})


def _drawn_in(init: Init, pinned: torch.dtype | None, target: torch.dtype) -> torch.dtype:
    """The dtype that random values are drawn in."""
    if init.kind == "boolean":
        return torch.bool
    if init.kind == "integer":
        # in the pinned dtype, so that torch refuses a number that it cannot hold
        in_own = target in _INTEGERS and not (init.name == "randperm" and target in _RARE)
        return target if in_own else torch.int64
    if target.is_complex and init.complex:
        return pinned if pinned is not None else torch.complex64
    if pinned is not None and pinned.is_floating_point and pinned.itemsize > 1:
        return torch.float32 if init.name == "orthogonal" and pinned in _HALVES else pinned
    return torch.float32


def _counted_in(init: Init, target: torch.dtype) -> torch.dtype:
    """The target, or the nearest dtype that torch has a kernel for."""
    if init.kind == "integer":
        return target if target in (torch.int32, torch.int64) else torch.int64
    if target in _RARE:
        return torch.int64
    if target.is_complex:
        # torch counts in real numbers alone, and has no half of a complex one
        whole = torch.float64 if target == torch.complex128 else torch.float32
        return whole if init.name in ("arange", "dirac", *WINDOWS) else _wide(target)
    return torch.float32 if target.is_floating_point and target.itemsize == 1 else target


def _wide(target: torch.dtype) -> torch.dtype:
    return torch.complex64 if target == torch.complex32 else target


_INTEGERS: Final = frozenset(TORCH_DTYPES[word] for word in INTEGERS if word in TORCH_DTYPES)
