"""The parts of the bench of right cells, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from tests.wolf import chains, kernels, large, operators, recipes
from tests.wolf.cells import Cell

Part = Callable[..., Iterator[Cell]]
"""Called with its name, how many subjects to leave out between two, and `dtypes`."""

COMPILED: Final = ("backend=aot_eager",)
TWO: Final = ("settings.num_threads=2",)

PARTS: Final[dict[str, Part]] = {
    "recipes": recipes.cells,
    "operators": operators.cells,
    "chains": chains.cells,
    "kernels": kernels.cells,
    "large": large.cells,
    "recipes-threads": partial(recipes.cells, overrides=TWO),
    "kernels-threads": partial(kernels.cells, overrides=TWO),
    "large-threads": partial(large.cells, overrides=TWO),
    "recipes-aot": partial(recipes.cells, overrides=COMPILED),
    "operators-aot": partial(operators.cells, overrides=COMPILED),
    "kernels-aot": partial(kernels.cells, overrides=COMPILED),
    "chains-aot": partial(chains.cells, overrides=COMPILED),
}
