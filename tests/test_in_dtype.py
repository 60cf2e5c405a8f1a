"""A reference's plan, made of its cell's own, is what loading the recipe in that dtype gives."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch

from tensorflow_free import load_recipe
from tensorflow_free.binding.in_dtype import in_dtype
from tensorflow_free.loading import cases_of, plan_of
from tensorflow_free.plan.plan import Plan

RECIPES = sorted((Path(__file__).parent.parent / "recipes").rglob("*.yaml"))


def derived(source: Any, overrides: tuple[str, ...] = ()) -> Plan | None:
    """The plan in float64 that is made of the plan in bfloat16."""
    recipe = load_recipe(source, [*overrides, "dtype=bfloat16"])
    return in_dtype(plan_of(recipe), "float64", {"record": recipe.record})


def told(value: Any) -> Any:
    """A part of a plan, in which functions and tensors are told by what they are."""
    if isinstance(value, torch.Tensor):
        return value.dtype, value.tolist()
    if isinstance(value, tuple | list):
        return [told(one) for one in value]
    if callable(value) and not isinstance(value, type):
        return getattr(value, "__qualname__", type(value).__name__)
    return repr(value)


@pytest.mark.parametrize("path", RECIPES[::4], ids=lambda path: path.stem)
def test_it_is_what_loading_gives(path: Path) -> None:
    case = tuple(f"case={name}" for name in cases_of(path))[:1]
    made = derived(path, case)
    if made is not None:
        loaded = plan_of(load_recipe(path, [*case, "dtype=float64"]))
        for name in {field.name for field in fields(Plan)} - {"recipe", "place"}:
            assert told(getattr(made, name)) == told(getattr(loaded, name)), name
        assert made.recipe.model_dump() == loaded.recipe.model_dump()


def test_most_recipes_need_not_be_loaded_again() -> None:
    plans = [derived(path, tuple(f"case={name}" for name in cases_of(path))[:1]) for path in RECIPES[::8]]
    assert sum(one is not None for one in plans) > len(plans) / 2


@pytest.mark.parametrize(
    "more",
    [
        {"steps": {"y": {"op": "add", "args": ["x", {"finfo": "eps"}]}}},
        {"steps": {"y": {"op": "ones_like", "args": ["x"], "kwargs": {"dtype": "floating"}}}},
        {"steps": {"y": "x * 2"}, "backward": {"target": "y", "gradient": {"init": "ones"}}},
        {"steps": {"y": "x * 2"}, "params": {"d": "${dtype}"}},
        {"steps": {"y": "x * 2"}, "backend": "aot_eager"},
    ],
    ids=["finfo", "floating", "gradient", "reference", "compiled"],
)
def test_what_else_hangs_on_the_dtype_is_loaded_again(more: dict[str, Any]) -> None:
    x = {"data": [1.0, 2.0], "requires_grad": True}
    assert derived({"tensors": {"x": x}, "steps": {"y": "x * 2"}}) is not None
    assert derived({"tensors": {"x": x}, **more}) is None
