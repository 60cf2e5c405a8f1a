"""Starting tensors as a recipe says them: numbers written out, patterns by their init, large ones in a file."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch

from tensorflow_free.tensors.dtypes import word_of

MOST_INLINE: Final = 1_000
"""Numbers of a tensor that are written into the recipe; more lie in a file beside it."""

SHORT: Final = 4
"""Numbers that are written out though a pattern would say them."""


def start_of(tensor: torch.Tensor, floating: torch.dtype, device: torch.device) -> dict[str, Any] | None:
    """A tensor as a starting tensor, its numbers in the recipe; None where it has too many for that.

    Args:
        tensor: of any dense dtype and layout in memory.
        floating: the dtype that is the recipe's own.
        device: the device that is the recipe's.
    """
    numbers = tensor.detach()
    said = _pattern(numbers) or _written_out(numbers)
    return None if said is None else {**said, **facts_of(tensor, floating, device)}


def facts_of(tensor: torch.Tensor, floating: torch.dtype, device: torch.device) -> dict[str, Any]:
    """What else is said of a starting tensor: its dtype where it is no usual one, its device, its place in memory."""
    facts: dict[str, Any] = {}
    if tensor.dtype not in usual_dtypes(floating):
        facts["dtype"] = word_of(tensor.dtype)
    if tensor.device.type != device.type or (tensor.device.index or 0) != (device.index or 0):
        facts["device"] = str(tensor.device)
    if tensor.layout == torch.strided and not tensor.is_contiguous():
        facts.update(_memory(tensor))
    if tensor.requires_grad:
        facts["requires_grad"] = True
    return facts


def usual_dtypes(floating: torch.dtype) -> tuple[torch.dtype, ...]:
    """The dtypes that data have where none is pinned: the recipe's own, the complex of its width, int64, bool."""
    return floating, floating.to_complex(), torch.int64, torch.bool


def _memory(tensor: torch.Tensor) -> dict[str, Any]:
    if tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last):  # noqa: PLR2004 - N, C, H, W
        return {"memory_format": "channels_last"}
    return {"stride": list(tensor.stride())}


def _pattern(numbers: torch.Tensor) -> dict[str, Any] | None:
    """The init that makes these very numbers, where one of the plain ones does."""
    size, dtype = list(numbers.shape), numbers.dtype
    if not numbers.numel():
        return {"init": "zeros", "size": size, **({} if dtype.is_floating_point else {"dtype": word_of(dtype)})}
    if numbers.numel() <= SHORT or dtype.is_complex:
        return None
    flat = numbers.reshape(-1)
    pinned = {} if dtype.is_floating_point else {"dtype": word_of(dtype)}
    first = flat[0]
    if bool((flat == first).all()) and not (dtype.is_floating_point and bool((flat == 0).any() & flat.signbit().any())):
        value = first.item()
        if value in (0, 1):
            return {"init": "ones" if value else "zeros", "size": size, **pinned}
        return {"init": "full", "size": size, "fill_value": _plain(first), **pinned}
    if dtype == torch.int64 and bool((flat == torch.arange(len(flat), device=flat.device) + first).all()):
        begin, end = int(first), int(first) + len(flat)
        made: dict[str, Any] = {"init": "arange", **({"start": begin} if begin else {}), "end": end}
        return made if len(size) == 1 else {**made, "shape": size}
    return None


def _written_out(numbers: torch.Tensor) -> dict[str, Any] | None:
    return {"data": _plain(numbers)} if numbers.numel() <= MOST_INLINE else None


def _plain(numbers: torch.Tensor) -> Any:
    """Nested lists of numbers that read back to the same bits, each as short as it can be written."""
    on_cpu = numbers.detach().cpu().resolve_conj().resolve_neg()
    if on_cpu.dtype == torch.float64 or not on_cpu.dtype.is_floating_point:
        return _complex_words(on_cpu.tolist()) if on_cpu.dtype.is_complex else on_cpu.tolist()
    return _short(on_cpu.float().numpy())


def _short(values: np.ndarray) -> Any:
    """The shortest decimal of each float32 that reads back as it; what has fewer bits is a float32, too."""
    if values.ndim == 0:
        return float(str(values[()]))
    return [_short(part) for part in values]


def _complex_words(value: Any) -> Any:
    return [_complex_words(part) for part in value] if isinstance(value, list) else str(value).strip("()")
