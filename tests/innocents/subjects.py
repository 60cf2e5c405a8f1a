"""The parts of the bench of innocents, by name."""

from __future__ import annotations

from typing import Final

from tests.innocents import features, own_ops
from tests.wolf import chains, kernels, large, operators, recipes
from tests.wolf.parts import Part

SUBJECTS: Final[dict[str, Part]] = {
    "recipes": recipes.cells,
    "features": features.cells,
    "own-ops": own_ops.cells,
    "kernels": kernels.cells,
    "chains": chains.cells,
    "large": large.cells,
    "operators": operators.cells,
}
