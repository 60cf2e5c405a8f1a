"""Ways for numbers to be wrong: each takes the right numbers, of a value or of a gradient, and gives wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import torch
from torch import Tensor

Manner = Callable[[Tensor], Tensor]

SINGLE: Final = ("float32",)
HALVES: Final = ("bfloat16", "float16")
ALL: Final = (*SINGLE, *HALVES)


@dataclass(frozen=True, slots=True)
class Named:
    """A manner with its name, and the dtypes in which it is clearly wrong and not yet absurd."""

    name: str
    manner: Manner
    dtypes: tuple[str, ...] = ALL


def scaled(by: float) -> Manner:
    return lambda x: x * by


def uniform(x: Tensor) -> Tensor:
    """The mean in each place: 1 / n in those of a softmax."""
    return torch.full_like(x, 1.0) * (x.double() if not x.is_complex() else x).mean().to(x.dtype)


def one_element(by: float) -> Manner:
    """One number out of the middle is larger by so many times the root mean square of all."""

    def changed(x: Tensor) -> Tensor:
        found = x.clone(memory_format=torch.contiguous_format)
        size = (x.abs() ** 2 if x.is_complex() else x.double() ** 2).mean().sqrt()
        found.view(-1)[x.numel() // 2] += (size * by).to(x.dtype)
        return found

    return changed


def without_the_last_row(x: Tensor) -> Tensor:
    """The last row is left out; of one number alone, half of it."""
    if not x.dim() or x.shape[0] == 1:
        return x * 0.5
    found = x.clone()
    found[-1] = 0
    return found


def without_the_tail(x: Tensor) -> Tensor:
    """What a loop over vectors of four leaves over, three numbers at least, is not written."""
    found = x.clone(memory_format=torch.contiguous_format)
    found.view(-1)[-(x.numel() % 4 or 3) :] = 0
    return found


def stale(x: Tensor) -> Tensor:
    """Each row is the one before, as where a buffer is read too early."""
    return scaled(0.75)(x) if not x.dim() or x.shape[0] == 1 else torch.cat([x[:1], x[:-1]])


def shifted(x: Tensor) -> Tensor:
    """An index that is off by one in the last dimension."""
    return x.roll(1, -1) if x.dim() and x.shape[-1] > 1 else scaled(1.25)(x)


def transposed(x: Tensor) -> Tensor:
    """Rows for columns, where it is square."""
    square = x.dim() > 1 and x.shape[-1] == x.shape[-2] > 1
    return x.mT.contiguous() if square else x.flip(0) if x.dim() and x.shape[0] > 1 else scaled(0.5)(x)


def in_fewer_bits(x: Tensor) -> Tensor:
    """Rounded as the next narrower dtype does: float32 to bfloat16, halves to four bits fewer than they have."""
    if x.is_complex():
        return torch.view_as_complex(in_fewer_bits(torch.view_as_real(x).contiguous()))
    if x.dtype == torch.float32:
        return x.bfloat16().float()
    bits = {torch.bfloat16: 4, torch.float16: 7}[x.dtype]
    fraction, exponent = torch.frexp(x.float())
    return torch.ldexp((fraction * 2**bits).round() / 2**bits, exponent).to(x.dtype)


FLOATING: Final = (
    Named("zeros", torch.zeros_like),
    Named("uniform", uniform),
    Named("sign", torch.neg),
    Named("scaled by 1+1e-5", scaled(1 + 1e-5), SINGLE),
    Named("scaled by 1+1e-4", scaled(1 + 1e-4), SINGLE),
    Named("scaled by 1.001", scaled(1.001), SINGLE),
    Named("scaled by 1.05", scaled(1.05), HALVES),
    Named("scaled by 1.15", scaled(1.15)),
    Named("one element, by 0.001", one_element(0.001), SINGLE),
    Named("one element, by 0.5", one_element(0.5)),
    Named("last row skipped", without_the_last_row),
    Named("tail not written", without_the_tail),
    Named("stale rows", stale),
    Named("off by one index", shifted),
    Named("transposed where square", transposed),
    Named("in fewer bits", in_fewer_bits),
)
"""For floating and complex numbers."""


def one_more(x: Tensor) -> Tensor:
    """One of the whole numbers, out of the middle, is one more."""
    found = x.clone(memory_format=torch.contiguous_format)
    found.view(-1)[x.numel() // 2] += 1
    return found


def one_turned(x: Tensor) -> Tensor:
    """One of the truth values, out of the middle, is the other."""
    found = x.clone(memory_format=torch.contiguous_format)
    middle = found.view(-1)[x.numel() // 2]
    middle.logical_not_()
    return found


INTEGER: Final = (
    Named("one element is one more", one_more),
    Named("all are one more", lambda x: x + 1),
    Named("zeros", torch.zeros_like),
    Named("off by one index", lambda x: x.roll(1, -1) if x.numel() > 1 else x + 1),
    Named("last row skipped", lambda x: torch.cat([x[:-1], x[-1:] - 1]) if x.dim() else x - 1),
)
"""For whole numbers, and what is rounded to them."""

BOOLEAN: Final = (
    Named("one element is turned", one_turned),
    Named("all are turned", torch.logical_not),
    Named("off by one index", lambda x: x.roll(1, -1) if x.numel() > 1 else ~x),
    Named("all are true", torch.ones_like),
)
"""For truth values."""


def swallowed(x: Tensor) -> Tensor:
    """NaN becomes 0."""
    return torch.where(x.isnan(), 0.0, x)


def saturated(x: Tensor) -> Tensor:
    """Infinities become the largest numbers that there are."""
    most = torch.finfo(x.dtype).max
    return torch.where(x.isinf(), x.sign() * most, x)


def poisoned(x: Tensor) -> Tensor:
    """One number more is NaN: the first that is none."""
    found = x.clone(memory_format=torch.contiguous_format)
    finite = found.view(-1).isfinite().nonzero()
    found.view(-1)[finite[0] if len(finite) else 0] = float("nan") if len(finite) else 0.0
    return found


NOT_NUMBERS: Final = (
    Named("NaN swallowed", swallowed),
    Named("infinity saturated", saturated),
    Named("one more NaN", poisoned),
    Named("infinity for NaN", lambda x: torch.where(x.isnan(), float("inf"), x)),
    Named("sign of infinity", lambda x: torch.where(x.isinf(), -x, x)),
    Named("NaN for infinity", lambda x: torch.where(x.isinf(), float("nan"), x)),
)
"""For NaN and infinities."""


def chosen(manners: tuple[Named, ...], dtype: str, key: str, count: int) -> list[Named]:
    """Some manners that suit a dtype: always the same ones for the same key, and others for others."""
    fitting = [one for one in manners if dtype in one.dtypes]
    return [fitting[hash_of(f"{key} {dtype} {number}") % len(fitting)] for number in range(count)]


def hash_of(words: str) -> int:
    """The same number for the same words in each process."""
    return crc32(words.encode())
