"""Libraries that only some need, imported when they are first wanted."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def wanted(module: str, what: str) -> Any:
    """A module of a library of the extra `notebook`.

    Args:
        module: its name: `matplotlib.pyplot`.
        what: what wants it, in words: `a plot`.

    Raises:
        ImportError: it is not installed.
    """
    package = module.partition(".")[0]
    try:
        import_module(package)
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        message = (
            f"{what} wants {package}, which is not installed; pip install {package}, or 'tensorflow_free[notebook]'"
        )
        raise ImportError(message, name=package) from error
