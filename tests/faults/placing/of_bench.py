"""The faults of `tests/faults/bench` that are put into ops of the user's own, so that it is known in which step they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from tests.faults.bench import catalogue, fault
from tests.faults.bench.fault import Fault
from tests.faults.placing.plant import Cell, Direction, Host, Plant, spots_of

BACKWARD: Final = ("gradient", "backward", "padding learns")
"""Words that tell a fault of a gradient."""

IN_MEMORY: Final = "batch norm that forgets its running mean"
"""A fault of what is left in an operand's memory."""

LEFT_OUT: Final[Mapping[str, str]] = {"erf by a polynomial": "its value is within rounding, and its gradient is not"}
"""Faults of which it is not clear in which direction they are."""


def faults_of_the_bench() -> Iterator[Cell]:
    """Those in hosts that are not large."""
    for one in catalogue.faults():
        if one.target.kind == "op" and one.manner not in LEFT_OUT and not _is_large(one.host):
            host = Host(one.host.path, one.host.dtype, case=one.host.case)
            spots = {spot.path: spot for spot in spots_of(host)}
            yield Cell("bench", host, (Plant(spots[one.target.step], _direction(one), one.manner, one.wrong),))


def _is_large(host: fault.Host) -> bool:
    return bool({host.recipe, host.case} & catalogue.LARGE)


def _direction(one: Fault) -> Direction:
    if one.manner == IN_MEMORY:
        return "operand"
    return "backward" if any(word in one.manner for word in BACKWARD) else "forward"
