"""Numbers of one sign in sixteen levels, rounded up: a leeway of each number in a hexadecimal digit."""

from __future__ import annotations

import math
from typing import Final

import torch

LEVELS: Final = 15
"""Levels above none."""

ALIKE: Final = 1.25
"""How many times the smallest the largest is where one level is enough for all."""

DIGITS: Final = 3
"""Significant digits to which ends are rounded, upwards."""


def ends_of(numbers: torch.Tensor) -> tuple[float | None, float]:
    """The ends of the levels of numbers >= 0, float64, flat: the smallest that is not 0, and the largest.

    The first is None where one level is enough.
    """
    most = float(numbers.max()) if numbers.numel() else 0.0
    if not most:
        return None, 0.0
    above = numbers[numbers > 0]
    least = float(above.min())
    if above.numel() == numbers.numel() and most <= ALIKE * least:
        return None, rounded_up(most)
    return rounded_up(least), rounded_up(most)


def levels_of(numbers: torch.Tensor, least: float, most: float) -> torch.Tensor:
    """The level of each number, uint8: 0 for 0, and the first of 1 to 15 that is no smaller than it."""
    table = _table(least, most)
    # what is as large as a level but for the last bits is not above it
    found = torch.searchsorted(table, numbers * (1 - _SLACK)).clamp(max=LEVELS)
    return torch.where(numbers > 0, found.clamp(min=1), 0).to(torch.uint8)


def numbers_of(levels: torch.Tensor, least: float, most: float) -> torch.Tensor:
    """The numbers of levels, float64."""
    return _table(least, most)[levels.long()]


def _table(least: float, most: float) -> torch.Tensor:
    step = math.log(max(1.0, most / least)) / (LEVELS - 1)
    return torch.tensor([0.0, *(least * math.exp(step * level) for level in range(LEVELS))], dtype=torch.float64)


_SLACK: Final = 1e-9


def rounded_up(number: float, digits: int = DIGITS) -> float:
    """A number to a few significant digits, no smaller than it."""
    if not number or not math.isfinite(number):
        return number
    short = float(f"{number:.{digits - 1}e}")
    if short >= number:
        return short
    unit = 10.0 ** (math.floor(math.log10(number)) - digits + 1)
    return float(f"{number + unit:.{digits - 1}e}")


def text_of(levels: torch.Tensor) -> str:
    """Levels as hexadecimal digits."""
    return "".join(f"{one:x}" for one in levels.tolist())


_DIGITS: Final = b"0123456789abcdef"


def of_text(text: str) -> torch.Tensor:
    """Levels from hexadecimal digits, one or more."""
    return torch.frombuffer(bytearray(text.encode().translate(_OF_DIGIT)), dtype=torch.uint8)


_OF_DIGIT: Final = bytes.maketrans(_DIGITS, bytes(range(len(_DIGITS))))


def packed(rows: list[torch.Tensor]) -> torch.Tensor:
    """Rows of levels, two in a byte: the first in its upper half."""
    levels = torch.stack(rows)
    if levels.shape[1] % 2:
        levels = torch.nn.functional.pad(levels, (0, 1))
    return levels[:, ::2] * 16 + levels[:, 1::2]


def unpacked(array: torch.Tensor, count: int) -> list[torch.Tensor]:
    """The rows again, of `count` levels each."""
    levels = torch.stack([array // 16, array % 16], dim=-1).flatten(1)
    return list(levels[:, :count])
