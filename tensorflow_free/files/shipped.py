"""What comes with the package beside its code: the example recipes, and the pages of the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

_PACKAGE: Final = Path(__file__).parent.parent
_IN_WHEEL: Final = _PACKAGE / "shipped"


def shipped(name: Literal["recipes", "docs"]) -> Path:
    """A folder that comes with the package: in a wheel inside of it, in a checkout beside it."""
    inside = _IN_WHEEL / name
    return inside if inside.is_dir() else _PACKAGE.parent / name
