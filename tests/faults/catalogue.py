"""All faults of the bench."""

from __future__ import annotations

from typing import Final

from tests.faults import (
    accumulation,
    arguments,
    backward,
    memory,
    norms,
    precision,
    randomness,
    reductions,
    values,
)
from tests.faults.fault import FAULTS, Fault

FAMILIES: Final = (accumulation, arguments, backward, memory, norms, precision, randomness, reductions, values)
"""The modules that add to it."""

CATALOGUE: Final[tuple[Fault, ...]] = tuple(FAULTS)
