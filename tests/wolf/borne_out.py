"""Values of right cells that are called wrong, and are: what float64 by hand says of each."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from tests.wolf.cells import Red


@dataclass(frozen=True)
class BorneOut:
    """A true loss or overflow of PyTorch's.

    Attributes:
        part: the part of the bench; parts that run the same subjects otherwise (`recipes-aot`) are meant, too.
        cell: the subject's name, as a pattern of `fnmatch`, and so are `dtype` and `value`.
        why: one sentence: what the kernel does, with numbers.
    """

    part: str
    cell: str
    dtype: str
    value: str
    why: str


BORNE_OUT: Final[tuple[BorneOut, ...]] = ()
"""All that are known. One that is red nowhere any more comes off: the tests see to it."""


def borne_out(red: Red) -> BorneOut | None:
    """What bears a red value out, or None."""
    return next((one for one in BORNE_OUT if _is_of(one, red)), None)


def _is_of(one: BorneOut, red: Red) -> bool:
    pairs = ((red.cell, one.cell), (red.dtype, one.dtype), (red.value, one.value))
    return red.part.startswith(one.part) and all(fnmatchcase(word, pattern) for word, pattern in pairs)
