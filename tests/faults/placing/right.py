"""Cells in which nothing is wrong: of PyTorch's own ops, and of right kernels that differ from PyTorch's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.faults.bench.catalogue import LARGE
from tests.faults.bench.manners import ALL
from tests.faults.bench.targets import hosts as hosts_of_the_bench
from tests.faults.placing.plant import Cell, Host
from tests.wolf.kernels import KERNELS, recipe_of

LOSING: Final = frozenset({"softmax_by_hand 0", "var_welford 1"})
"""Kernels that lose more than they should: `tests/wolf/borne_out.py` and `tests/test_wolf.py` have them."""


def right_cells(paths: Sequence[Path]) -> Iterator[Cell]:
    """Those of PyTorch's own ops, in these hosts and in those of the bench, and those of right kernels."""
    for path in paths:
        yield from (Cell("right", Host(path, dtype), words=f"pytorch, {path.parent.name}") for dtype in ALL)
    for host in hosts_of_the_bench():
        if not {host.recipe, host.case} & LARGE:
            yield Cell("right", Host(host.path, host.dtype, case=host.case), words="pytorch, the bench")
    for name, several in KERNELS.items():
        for position, kernel in enumerate(several):
            title, source = f"{name} {position}", recipe_of(name, kernel)
            if title not in LOSING:
                yield from (Cell("right", Host(source, dtype, title=title), words="kernels") for dtype in ALL)
