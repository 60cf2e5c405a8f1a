"""One argument of a valid call made wrong: an index, a size, a flag, a shape, a dtype, a layout of memory."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import torch

from bounds.targets import Arguments
from bounds.valid import copied
from tensorflow_free.support.eager_runs import tensors_in

FAR: Final = (2**31, 2**40)
FLOATS: Final = (0.0, -1.0, 1.5, 1e30, math.nan, math.inf)
NESTED: Final = 3
"""Forms of nested tensors that are made of a dense one."""

FLIPPED: Final = ("unsafe", "check", "coalesced", "sorted", "invariant", "accumulate", "sparse", "valid")
"""What a flag is called that says whether to trust: everything is tried with it turned, too."""

KINDS: Final = {
    "sparse": torch.Tensor.to_sparse,
    "sparse CSR": torch.Tensor.to_sparse_csr,
    "of mkldnn": torch.Tensor.to_mkldnn,
    "quantised": lambda tensor: torch.quantize_per_tensor(tensor, 0.5, 1, torch.quint8),
    "nested": lambda tensor: torch.nested.as_nested_tensor(list(tensor.unbind())),
    "on meta": lambda tensor: tensor.to("meta"),
}
"""Kinds of tensors that an op may not expect."""


class Mutation(NamedTuple):
    """A call with one argument (`where`) that is `what`."""

    where: str
    what: str
    arguments: Arguments


def mutations(arguments: Arguments) -> Iterator[Mutation]:
    """The call itself, then each way to make it wrong; each call has tensors of its own only once it is copied."""
    numbers = _out_of_range(arguments)
    yield Mutation("", "as it is", arguments)
    for base, said in _turned(arguments):
        for name, value in base.items():
            for where, what, changed in _changed(name, value, numbers):
                yield Mutation(where, said + what, {**base, name: changed})


def nested(arguments: Arguments) -> Iterator[Arguments]:
    """The call with its first tensor nested, and with all of them nested."""
    made = {name: list(_nested(value)) for name, value in arguments.items() if isinstance(value, torch.Tensor)}
    names = [name for name, forms in made.items() if forms]
    for position in range(NESTED if names else 0):
        for chosen in (names[:1], names) if len(names) > 1 else (names,):
            yield {**arguments, **{name: made[name][position] for name in chosen}}


def _nested(tensor: torch.Tensor) -> Iterator[torch.Tensor]:
    """Its parts along the first dimension; those of unlike length; scalars; as many forms as `NESTED` says, or none."""
    if (
        tensor.layout != torch.strided
        or tensor.is_quantized
        or tensor.is_nested
        or not (tensor.dim() and tensor.numel())
    ):
        return
    parts = [part.clone() for part in tensor.unbind()]
    ragged = [torch.cat([part, part]) if part.dim() and not number else part for number, part in enumerate(parts)]
    with contextlib.suppress(NotImplementedError):  # not every dtype can be nested
        for form in (parts, ragged, [part.clone() for part in tensor.flatten()[:4]]):
            yield torch.nested.as_nested_tensor(form)


def _turned(arguments: Arguments) -> Iterator[tuple[Arguments, str]]:
    yield arguments, ""
    for name, value in arguments.items():
        if isinstance(value, bool) and any(word in name for word in FLIPPED):
            yield {**arguments, name: not value}, f"{name}={not value}, "


def _out_of_range(arguments: Arguments) -> list[int]:
    """n, n + 1, -1 and -n - 1 for each size n that there is, and numbers far away."""
    parts = [one.unbind() if one.is_nested else (one,) for one in tensors_in(arguments) if one.layout == torch.strided]
    tensors = list(itertools.chain.from_iterable(parts))
    sizes = {size for one in tensors for size in (*one.shape, one.numel())}
    small = sorted(sizes, key=lambda size: (size < 2, size))[:5]
    found = [0, -1, *(number for size in small for number in (size, size + 1, -size - 1))]
    return [*dict.fromkeys(found), *FAR, -FAR[1]]


def _changed(name: str, value: Any, numbers: list[int]) -> Iterator[tuple[str, str, Any]]:
    if isinstance(value, torch.Tensor):
        yield from ((name, what, changed) for what, changed in _tensor(value, numbers))
    elif isinstance(value, bool):
        yield name, f"{not value}", not value
    elif isinstance(value, int):
        yield from ((name, f"{number}", number) for number in numbers if number != value)
    elif isinstance(value, float):
        yield from ((name, f"{number}", number) for number in FLOATS)
    elif isinstance(value, (list, tuple)):
        yield from _list(name, list(value), numbers)


def _list(name: str, value: list[Any], numbers: list[int]) -> Iterator[tuple[str, str, Any]]:
    for position, part in enumerate(value[:6]):
        for where, what, changed in _changed(f"{name}[{position}]", part, numbers):
            yield where, what, [*value[:position], changed, *value[position + 1 :]]
    if value:
        yield name, "one shorter", value[:-1]
        yield name, "one longer", [*value, value[-1]]
        yield name, "empty", []


def _tensor(tensor: torch.Tensor, numbers: list[int]) -> Iterator[tuple[str, torch.Tensor]]:
    if tensor.layout in (torch.sparse_coo, torch.sparse_csr):
        yield from _sparse(tensor)
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
        return
    if not tensor.is_floating_point() and not tensor.is_complex() and tensor.dtype != torch.bool:
        yield from _integers(tensor, numbers)
    elif tensor.is_floating_point():
        for number in FLOATS:
            with contextlib.suppress(RuntimeError):  # not every dtype has infinities
                yield f"all {number}", torch.full_like(tensor, number)
    yield from _shapes(tensor)
    other = (
        torch.int32 if tensor.dtype == torch.int64 else torch.int64 if not tensor.is_floating_point() else torch.float64
    )
    yield f"of dtype {other}", tensor.to(other)
    yield "of dtype torch.uint8", tensor.to(torch.uint8)


def _sparse(tensor: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    """Other shapes, other places of the numbers, another dtype."""
    whole, convert = tensor.to_dense(), KINDS["sparse" if tensor.layout == torch.sparse_coo else "sparse CSR"]
    yield "dense", whole
    yield "without numbers", convert(torch.zeros_like(whole))
    yield "full of numbers", convert(torch.ones_like(whole))
    yield "of dtype torch.float64", tensor.to(torch.float64)
    for dim in range(whole.dim()):
        yield f"twice as long in {dim}", convert(torch.cat([whole, whole], dim))
        yield f"one long in {dim}", convert(whole.narrow(dim, 0, min(1, whole.shape[dim])))
        yield f"of size 0 in {dim}", convert(whole.narrow(dim, 0, 0))
    if tensor.layout == torch.sparse_coo and tensor.is_coalesced():
        yield "one dimension more", tensor.unsqueeze(0)
        doubled = (torch.cat([part, part], -1) for part in (tensor.indices(), tensor.values()))
        yield "not coalesced", torch.sparse_coo_tensor(*doubled, tensor.shape)


def _integers(tensor: torch.Tensor, numbers: list[int]) -> Iterator[tuple[str, torch.Tensor]]:
    limits = torch.iinfo(tensor.dtype)
    for number in numbers:
        if not limits.min <= number <= limits.max:
            continue
        places = {"first": 0, "last": -1} if tensor.numel() > 1 else {}
        for word, place in places.items():
            changed = tensor.clone(memory_format=torch.contiguous_format)
            changed.view(-1)[place] = number
            yield f"{word} {number}", changed
        if tensor.numel():
            yield f"all {number}", torch.full_like(tensor, number)


def _shapes(tensor: torch.Tensor) -> Iterator[tuple[str, torch.Tensor]]:
    yield "empty", tensor.new_empty(0)
    for dim in range(tensor.dim()):
        if tensor.shape[dim] > 1:
            yield f"one shorter in {dim}", tensor.narrow(dim, 0, tensor.shape[dim] - 1)
            yield f"one long in {dim}", tensor.narrow(dim, 0, 1)
        if tensor.shape[dim]:
            with contextlib.suppress(RuntimeError):  # not every dtype has kernels for it
                yield f"twice as long in {dim}", torch.cat([tensor, tensor], dim)
            yield f"of size 0 in {dim}", tensor.narrow(dim, 0, 0)
    yield "one dimension more", tensor.unsqueeze(0)
    if tensor.dim():
        yield "one dimension less", tensor.select(0, 0) if tensor.shape[0] else tensor.new_empty(tensor.shape[1:])
        yield "a scalar", tensor.new_ones(())
    if tensor.dim() > 1 and tensor.numel():
        yield "transposed", Laid(tensor.transpose(-1, -2).contiguous().transpose(-1, -2))
    if tensor.numel():
        yield "expanded", Laid(tensor[tuple(slice(0, 1) for _ in tensor.shape)].expand(tensor.shape))
    for word, convert in KINDS.items():
        with contextlib.suppress(Exception):  # not every tensor can be of each kind
            yield word, convert(tensor)


def Laid(tensor: torch.Tensor) -> torch.Tensor:  # noqa: N802
    """The tensor, marked to be copied with its strides."""
    tensor.keeps_strides = True
    return tensor


def fresh(value: Any) -> Any:
    """Arguments in memory of their own, which ends where the tensor ends."""
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided or value.is_quantized or value.is_nested:
            return value.clone()
        if not hasattr(value, "keeps_strides"):
            return value.clone(memory_format=torch.contiguous_format)
        reach = 1 + sum((size - 1) * step for size, step in zip(value.shape, value.stride(), strict=True))
        flat = value.as_strided((reach,), (1,)).clone()
        return flat.as_strided(value.shape, value.stride())
    if isinstance(value, dict):
        return {key: fresh(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [fresh(part) for part in value]
    return value


__all__ = ["Mutation", "copied", "fresh", "mutations", "nested"]
