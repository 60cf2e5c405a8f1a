"""A value in a few words: its numbers where they are few, else their range."""

from __future__ import annotations

import math
from typing import Any

import torch

from tensorflow_free.codec.parts import UNTAKEN, counts, is_plain, numbers_of
from tensorflow_free.codec.values import plain
from tensorflow_free.errors import words_of
from tensorflow_free.report.value_words import FEW, NO_VALUES, Range, numbers_words, truth_words
from tensorflow_free.text.phrases import shown


def summary(value: Any) -> str:
    """A value in a few words: the numbers where they are few, else their range, with how many are NaN or infinite."""
    if value is None:
        return "none"
    if not isinstance(value, torch.Tensor):
        return _number_or_word(value)
    try:
        return _summary(value)
    except UNTAKEN as error:
        return shown(f"not shown: {words_of(error)}")


def _summary(value: torch.Tensor) -> str:
    if value.device.type == "meta":
        return NO_VALUES
    if is_plain(value) and value.numel() <= FEW:
        return numbers_words(_readable(value).tolist())
    numbers = [_readable(part).flatten() for part in numbers_of(value)]
    words = _range(torch.cat(numbers)) if numbers else "no numbers"
    kind = "nested" if value.is_nested else str(value.layout).removeprefix("torch.")
    return words if is_plain(value) else f"{kind}: {words}"


def _number_or_word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return shown(f"[{', '.join(_number_or_word(part) for part in value)}]")
    if isinstance(value, bool):
        return shown(value)
    if type(value).__module__ == "numpy":
        return summary(torch.as_tensor(value))
    return f"{value:.6g}" if isinstance(value, (float, complex)) else shown(str(plain(value)))


def _readable(value: torch.Tensor) -> torch.Tensor:
    """The same numbers on the CPU, in a dtype that has every op."""
    value = value.resolve_conj().resolve_neg().cpu()
    if value.dtype in (torch.uint16, torch.uint32):
        return value.to(torch.int64)
    if value.dtype == torch.uint64:
        return value.double() if value.numel() > FEW else value
    return value.float() if value.is_floating_point() and value.dtype.itemsize == 1 else value


def _range(value: torch.Tensor) -> str:
    if value.numel() <= FEW:
        return numbers_words(value.tolist())
    if value.dtype == torch.bool:
        return truth_words(int(value.count_nonzero()), value.numel())
    least, greatest = _bounds(value.abs() if value.is_complex() else value)
    nan, inf = counts(value) or (0, 0)
    # a complex number has no sign
    below = int((value == -math.inf).count_nonzero()) if inf and not value.is_complex() else 0
    return Range(least, greatest, nan, inf, below, value.is_complex()).words()


def _bounds(value: torch.Tensor) -> tuple[float | None, float | None]:
    if value.is_floating_point() and value.numel():
        # choosing those that are finite takes many times as long, and mostly all are
        least, greatest = (bound.item() for bound in value.aminmax())
        if math.isfinite(least) and math.isfinite(greatest):
            return least, greatest
    finite = value[value.isfinite()] if value.is_floating_point() else value
    if finite.numel() == 0:
        return None, None
    least, greatest = (bound.item() for bound in finite.aminmax())
    return least, greatest
