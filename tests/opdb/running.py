"""A recipe run without torch's warnings."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from tensorflow_free import Result, load_recipe, run_recipe


def run_quietly(mapping: Mapping[str, Any]) -> Result:
    """Run a recipe without torch's warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return run_recipe(load_recipe(mapping))
