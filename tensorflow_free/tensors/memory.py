"""Where a tensor's elements are: strides, the storage they span, and what fills the rest. Pure torch."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import torch


def fill_of(dtype: torch.dtype) -> float | int | bool:
    """What fills uninitialised memory: NaN, or the largest integer, so that reading it shows."""
    if dtype.is_floating_point or dtype.is_complex:
        return math.nan
    return True if dtype == torch.bool else torch.iinfo(dtype).max


def data_of(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor without history, as `tensor.data`.

    Of one without gradients it is `tensor.detach()`: changes of that are counted, so that a backward pass refuses what
    its forward pass has kept. Kernels trust the indices that were kept.
    """
    return tensor.detach() if is_of_integers(tensor) else tensor.data


def is_of_integers(tensor: torch.Tensor) -> bool:
    """Whether its numbers are integers or booleans, which may be indices."""
    return not tensor.is_floating_point() and not tensor.is_complex()


def extent_of(size: Sequence[int], stride: Sequence[int], offset: int) -> int:
    """How many elements of storage a view reaches over, from the storage's start."""
    if 0 in size:
        return offset
    return offset + 1 + sum((length - 1) * step for length, step in zip(size, stride, strict=True))


def copied(values: torch.Tensor) -> torch.Tensor:
    """A copy in memory of its own with the same strides and storage offset, overlaps included."""
    if values.layout != torch.strided or values.device.type == "meta" or values.is_quantized:
        return values.clone()
    if values.is_conj():
        # a product with a conjugate view may round otherwise than one with the conjugates worked out
        return copied(values.conj()).conj()
    if values.is_neg():
        return values.clone()
    extent = extent_of(values.shape, values.stride(), int(values.storage_offset()))
    storage = torch.empty(extent, dtype=values.dtype, device=values.device)
    storage.copy_(values.as_strided((extent,), (1,), 0))
    return storage.new_empty(0).set_(storage.untyped_storage(), values.storage_offset(), values.shape, values.stride())


def aligned(values: torch.Tensor, step: int) -> torch.Tensor:
    """The contiguous values, copied where their address is no multiple of `step` bytes.

    Kernels take for granted that an element lies at a multiple of its size, and some crash where one does not. What is
    mapped from a file may lie at any address.
    """
    if values.data_ptr() % step == 0:
        return values
    copy = torch.empty_like(values)
    copy.flatten().view(torch.uint8).copy_(values.flatten().view(torch.uint8))
    return copy


def in_storage(values: torch.Tensor, size: Sequence[int], stride: Sequence[int], offset: int) -> torch.Tensor:
    """The values at these strides in a storage of the right extent that is filled with what nobody wrote.

    Args:
        values: what to lay out; where `size` is 1, its first part alone.
        size: the view's size.
        stride: the view's strides, in elements.
        offset: where the view begins in its storage.
    """
    storage = torch.empty(extent_of(size, stride, offset), dtype=values.dtype, device=values.device)
    if values.device.type != "meta":
        storage.fill_(fill_of(values.dtype))
    view = storage.new_empty(0).set_(storage.untyped_storage(), offset, list(size), list(stride))
    for dimension, length in enumerate(size):
        values = values.narrow(dimension, 0, length)
    return view.copy_(values)


def overlaps(size: Sequence[int], stride: Sequence[int]) -> bool:
    """Whether two elements of such a view lie in one place of its storage.

    Exact. It is quick where each stride steps over what the smaller ones reach; else it takes a byte of memory for each
    element of storage.

    Example:
        >>> overlaps([3, 2], [2, 3]), overlaps([4, 3], [2, 3])
        (False, True)
    """
    if 0 in size:
        return False
    pairs = sorted((step, length) for step, length in zip(stride, size, strict=True) if length > 1)
    while pairs and pairs[-1][0] > _reach(pairs[:-1]):
        pairs.pop()
    lengths, places = [length for _, length in pairs], _reach(pairs) + 1
    if math.prod(lengths) > places:
        return True
    taken = torch.zeros(places, dtype=torch.bool)
    taken.as_strided(lengths, [step for step, _ in pairs]).fill_(value=True)
    return int(taken.count_nonzero()) < math.prod(lengths)


def _reach(pairs: Sequence[tuple[int, int]]) -> int:
    """How far the last element lies behind the first; pairs of stride and length."""
    return sum(step * (length - 1) for step, length in pairs)


def check_room(values: torch.Tensor) -> None:
    """See that a tensor's numbers can be read, and held apart from each other; an expanded view may have any size.

    Raises:
        MemoryError: this machine could not hold them, or its storage does not.
    """
    if values.layout != torch.strided or values.is_nested or values.device.type == "meta":
        return
    if min(values.shape, default=0) < 0:
        # some of torch's ops take on a shape before they find that it is none
        raise MemoryError(f"{list(values.shape)} is not a shape")
    needed = values.numel() * values.itemsize
    # one that autograd knows to be zero has no storage
    is_zero = values._is_zerotensor()  # noqa: SLF001 - torch tells it nowhere else
    held = 0 if is_zero else values.untyped_storage().nbytes()
    if needed > held and needed > installed():
        raise MemoryError(f"{gibibytes(needed)} are more than this machine has")
    if needed and not is_zero:
        # a `resize_` that fails leaves the new shape on the old storage
        offset = int(values.storage_offset())
        plain = values.is_contiguous()
        elements = offset + values.numel() if plain else extent_of(values.shape, values.stride(), offset)
        if elements * values.itemsize > held:
            raise MemoryError(f"its storage holds {held} of its {elements * values.itemsize} bytes")


def gibibytes(count: int) -> str:
    """A number of bytes in words: `1.5 GiB`."""
    return f"{count / 2**30:,.1f} GiB" if count < 2**63 else "more than 2**33 GiB"


def installed() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**63
