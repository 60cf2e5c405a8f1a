"""The top-level keys of a recipe, with what each is where nobody sets it. Knows nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "description": None,
        "tags": (),
        "source": None,
        "device": "cpu",
        "dtype": "float32",
        "seed": 0,
        "backend": "eager",
        "settings": MappingProxyType({}),
        "params": MappingProxyType({}),
        "cases": MappingProxyType({}),
        "case": None,
        "tensors": MappingProxyType({}),
        "steps": MappingProxyType({}),
        "backward": None,
        "checks": MappingProxyType({}),
        "expect": MappingProxyType({}),
        "tolerance": None,
        "record": None,
        "input_precision": None,
        "reference": MappingProxyType({}),
        "xfail": (),
        "ops": (),
    }
)
"""What an override may set although the file does not, and what `${device}` is where the file says nothing."""

RECIPE_KEYS: Final = (*DEFAULTS, "defaults")
"""Every key that may stand at the top of a recipe file."""


def settings() -> dict[str, Any]:
    """The defaults as fresh plain values, for whoever changes them."""
    return {key: _plain(value) for key, value in DEFAULTS.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value
