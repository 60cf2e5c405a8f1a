"""Kinds of checks of a call's arguments. A check gives what is wrong, or None.

A kernel that trusts an index, a size or a flag reads or writes memory that is not its tensors'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

CallArguments = Mapping[str, Any]
"""A call's arguments, by the names of the parameters; one that is not given has its default."""

ArgumentRule = Callable[[CallArguments], str | None]
"""Says what is wrong with the arguments, or None."""

Number = Callable[[CallArguments], int]
Shape = Callable[[CallArguments], Sequence[int]]


def each(names: str, problem: Callable[[str, Any], str | None]) -> ArgumentRule:
    """None of the arguments of these names that are given has a problem; it gets the name and the value."""

    def rule(given: CallArguments) -> str | None:
        for name in names.split():
            value = given.get(name)
            told = None if value is None else problem(name, value)
            if told is not None:
                return told
        return None

    return rule


def among(name: str, *allowed: Any) -> ArgumentRule:
    """The argument is one of these values."""

    def rule(given: CallArguments) -> str | None:
        value = given.get(name)
        if value in allowed:
            return None
        return f"'{name}' is {value}; it can be {' or '.join(str(one) for one in allowed)}"

    return rule


def within(name: str, below: Number, *, of: str, least: int = 0) -> ArgumentRule:
    """Each number of the tensor or list is from `least` to less than `below`; `of` says in words what that counts."""

    def rule(given: CallArguments) -> str | None:
        numbers = _integers(given.get(name))
        if numbers is None or not numbers.numel():
            return None
        limit = below(given)
        lowest, highest = (int(one) for one in numbers.aminmax())
        if least <= lowest and highest < limit:
            return None
        wrong = lowest if lowest < least else highest
        return f"'{name}' holds {wrong}; it can hold {least} to {limit - 1}, for there are {limit} {of}"

    return rule


def _integers(value: Any) -> torch.Tensor | None:
    """Numbers whose values can be read; None where there are none (a tensor of `meta` has none)."""
    if isinstance(value, torch.Tensor):
        return None if value.is_meta else value.detach().to(torch.int64)
    return None if value is None else torch.tensor(value, dtype=torch.int64)


def shaped(names: str, shape: Shape, *, of: str) -> ArgumentRule:
    """Each tensor of these names that is given has this shape, which is `of` something, in words."""

    def rule(given: CallArguments) -> str | None:
        try:
            wanted = list(shape(given))
        except (IndexError, RuntimeError, TypeError, ValueError) as error:
            return f"there is no {of}: {str(error).splitlines()[0]}"

        def problem(name: str, value: torch.Tensor) -> str | None:
            found = list(value.shape)
            return None if found == wanted else f"'{name}' is of shape {found}; it can be of shape {wanted}, {of}"

        return each(names, problem)(given)

    return rule


def alike(names: str) -> ArgumentRule:
    """The tensors of these names that are given are of one dtype, dense and on one device."""

    def rule(given: CallArguments) -> str | None:
        tensors = {name: given[name] for name in names.split() if given.get(name) is not None}
        kinds = {name: (one.dtype, one.layout, one.device) for name, one in tensors.items()}
        first, *others = kinds or [""]
        for name in others:
            if kinds[name] != kinds[first]:
                mine, its = (" ".join(str(part) for part in kinds[one]) for one in (name, first))
                return f"'{name}' is {mine}; it can be {its}, as '{first}'"
        return None

    return rule


def contiguous(names: str, *, channels_last: bool = False) -> ArgumentRule:
    """Each tensor of these names that is given is contiguous; or in channels last, where the kernel knows that, too."""

    def problem(name: str, value: torch.Tensor) -> str | None:
        fits = value.is_contiguous() or (channels_last and _in_channels_last(value))
        return None if fits else _strides(name, value)

    return each(names, problem)


def _in_channels_last(value: torch.Tensor) -> bool:
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return value.dim() in formats and value.is_contiguous(memory_format=formats[value.dim()])


def distinct(names: str) -> ArgumentRule:
    """No element of these tensors shares its memory with another, as those of an expanded tensor do."""

    def problem(name: str, value: Any) -> str | None:
        for one in tensors_in(value):
            if _expanded(one):
                strides = f"the strides {list(one.stride())} for the shape {list(one.shape)}"
                return f"'{name}' has {strides}, so that elements share memory; give `contiguous` of it"
        return None

    return each(names, problem)


def without_meta(given: CallArguments) -> str | None:
    """A tensor of the device `meta` is given with others of its kind.

    Among others it makes PyTorch choose a kernel that computes nothing, and leaves the memory of a result unwritten.
    """
    return _mixed(given, lambda one: one.is_meta, "on meta", "has no numbers to go with others")


def without_mkldnn(given: CallArguments) -> str | None:
    """A tensor of oneDNN's own layout is given with others of its kind: most kernels take its address for numbers."""
    return _mixed(given, lambda one: one.is_mkldnn, "of mkldnn", "is no plain one: give `to_dense` of it")


def _mixed(given: CallArguments, is_odd: Callable[[torch.Tensor], bool], kind: str, why: str) -> str | None:
    odd = [is_odd(one) for one in tensors_in(list(given.values()))]
    return f"some of its operands are {kind} and some are not; a tensor {kind} {why}" if len(set(odd)) > 1 else None


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """The tensors of an argument, of the lists in it too."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from tensors_in(part)


def _expanded(value: torch.Tensor) -> bool:
    """Whether two elements may lie at one place in memory: each step must lead past all that smaller ones reach."""
    if value.layout != torch.strided or value.is_nested or not value.numel():
        return False
    reach = 0
    for stride, size in sorted((stride, size) for stride, size in zip(value.stride(), value.shape, strict=True)):
        if size > 1 and stride <= reach:
            return True
        reach += stride * (size - 1)
    return False


def unexpanded(name: str, dim: str) -> ArgumentRule:
    """Where the argument `dim` is given, the tensor has no stride of 0, as an expanded one has."""

    def rule(given: CallArguments) -> str | None:
        value = given[name]
        if given.get(dim) is None or value.layout != torch.strided or value.is_nested:
            return None
        sizes = zip(value.stride(), value.shape, strict=True)
        if all(stride or size <= 1 for stride, size in sizes):
            return None
        return f"'{name}' is expanded: it has the strides {list(value.stride())}; give `contiguous` of it"

    return rule


def of_int64(name: str) -> ArgumentRule:
    """The tensor is of int64."""

    def rule(given: CallArguments) -> str | None:
        value = given[name]
        return None if value.dtype == torch.int64 else f"'{name}' is of {value.dtype}; it can be of torch.int64"

    return rule


def small(names: str) -> ArgumentRule:
    """Each integer of these arguments is one of 32 bits, in which kernels compute with them."""

    def problem(name: str, value: Any) -> str | None:
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(one, int) and not -(2**31) <= one < 2**31:
                return f"'{name}' holds {one}; it can hold numbers of 32 bits"
        return None

    return each(names, problem)


def finite(name: str) -> ArgumentRule:
    """No number of the tensor is NaN or infinite."""

    def rule(given: CallArguments) -> str | None:
        value = given[name]
        if value.is_meta or bool(value.isfinite().all()):
            return None
        return f"'{name}' holds NaN or infinity; its numbers must be finite"

    return rule


def has_rows(name: str) -> ArgumentRule:
    """The tensor has at least one element in its first dimension."""

    def rule(given: CallArguments) -> str | None:
        value = given[name]
        empty = value.dim() and not value.shape[0]
        return f"'{name}' is of shape {list(value.shape)}; it needs at least one row" if empty else None

    return rule


def like(name: str) -> Shape:
    """The shape of the operand of this name."""
    return lambda given: given[name].shape


def same(names: str, as_: str) -> tuple[ArgumentRule, ...]:
    """Each tensor of these names that is given has the shape, the dtype and the device of the tensor `as_`."""
    return shaped(names, like(as_), of=f"that of '{as_}'"), alike(f"{as_} {names}")


def dense(names: str) -> ArgumentRule:
    """Each tensor of these names that is given holds its numbers plainly, in order and without gaps."""

    def problem(name: str, value: Any) -> str | None:
        for one in tensors_in(value):
            if (found := _not_plain(name, one)) is not None:
                return found
            if not one.is_contiguous():
                return _strides(name, one)
        return None

    return each(names, problem)


def rows_apart(names: str, *, apart: bool = True) -> ArgumentRule:
    """Each tensor of these names that is given holds its rows plainly, wherever they begin.

    Args:
        names: of parameters.
        apart: whether no two rows may share memory.
    """

    def problem(name: str, value: torch.Tensor) -> str | None:
        if (found := _not_plain(name, value)) is not None or value.dim() < 2:  # noqa: PLR2004 - a matrix has rows
            return found
        *_, between, inside = value.stride()
        plain = inside == 1 or value.shape[-1] == 1
        fits = inside == 1 and between >= value.shape[-1] if apart else plain
        return None if fits or value.is_contiguous() else _strides(name, value)

    return each(names, problem)


def _not_plain(name: str, value: torch.Tensor) -> str | None:
    if value.layout != torch.strided or value.is_nested or value.is_quantized:
        return f"'{name}' is not a plain tensor of numbers; give one, such as `to_dense` or `dequantize` of it"
    if value.is_conj() or value.is_neg():
        return f"'{name}' is a conjugate or negative view; give `resolve_conj` or `resolve_neg` of it"
    return None


def _strides(name: str, value: torch.Tensor) -> str:
    return f"'{name}' has the strides {list(value.stride())}; give `contiguous` of it"


def filled(names: str) -> ArgumentRule:
    """Each tensor of these names that is given has an element."""

    def problem(name: str, value: torch.Tensor) -> str | None:
        return None if value.numel() else f"'{name}' is of shape {list(value.shape)}; it needs at least one element"

    return each(names, problem)
