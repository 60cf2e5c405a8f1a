"""The parts of the bench of innocents, by name."""

from __future__ import annotations

from typing import Final

from tests.innocents import features
from tests.wolf import kernels, operators, recipes
from tests.wolf.parts import Part

SUBJECTS: Final[dict[str, Part]] = {
    "recipes": recipes.cells,
    "features": features.cells,
    "kernels": kernels.cells,
    "operators": operators.cells,
}
