"""Seeded draws in place of a model's numbers, put into the model before it is captured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from tensorflow_free.loading import load_recipe
from tensorflow_free.runner import starts_of
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tracing.origins import Origins
from tensorflow_free.tracing.sizes import MovingNumber, Sizes
from tensorflow_free.tracing.starting import MOST_INLINE, start_of


def draws_for(tensors: Mapping[int, torch.Tensor], floating: torch.dtype) -> dict[int, dict[str, Any]]:
    """A draw for each tensor of floating or complex numbers, and for integers too many to be written.

    Args:
        tensors: starting tensors, by identity.
        floating: the dtype that is the recipe's own.
    """
    found: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        pattern = start_of(tensor, floating, tensor.device) if tensor.numel() > 1 else None
        if (pattern is not None and "init" in pattern) or _is_one_number(tensor):
            continue
        if tensor.dtype.is_floating_point or tensor.dtype.is_complex:
            kind = {"dtype": "complex"} if tensor.dtype == floating.to_complex() else {}
            found[key] = {**_like(tensor), "seed": len(found) + 1, **kind}
        elif tensor.numel() > MOST_INLINE:
            low, high = int(tensor.min()), int(tensor.max()) + 1
            found[key] = {
                "init": "randint",
                "low": low,
                "high": high,
                "size": list(tensor.shape),
                "seed": len(found) + 1,
            }
    return found


def _is_one_number(tensor: torch.Tensor) -> bool:
    """Whether all elements are one small whole number, which tells nothing: 0, or the 1 of a norm's weight."""
    return (
        tensor.numel() > 1
        and bool((tensor == tensor.flatten()[0]).all())
        and float(tensor.flatten()[0].real) in (0.0, 1.0)
    )


def _like(tensor: torch.Tensor) -> dict[str, Any]:
    """A draw whose numbers are as large as these: between two bounds where none is negative, and normal otherwise."""
    size, numbers = list(tensor.shape), tensor.detach().cpu()
    numbers = (torch.view_as_real(numbers) if numbers.is_complex() else numbers).double()
    finite = numbers[numbers.isfinite()]
    if not finite.numel():
        return {"init": "randn", "size": size}
    if bool((finite >= 0).all()):
        low, high = _rounded(float(finite.min())), _rounded(float(finite.max()))
        return {"init": "uniform", "size": size, "low": low, "high": high if high > low else low + 1.0}
    deviation = float(finite.std()) if finite.numel() > 1 else abs(float(finite))
    return {"init": "normal", "size": size, "std": _rounded(deviation) or 1.0}


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")


def _dtype_of(tensor: torch.Tensor, floating: torch.dtype) -> str:
    return "floating" if tensor.dtype == floating else word_of(tensor.dtype)


def put_into(tensors: Mapping[int, torch.Tensor], draws: Mapping[int, dict[str, Any]], floating: torch.dtype) -> None:
    """Draw as a recipe would, and copy the numbers into the tensors."""
    names = {f"t{position}": key for position, key in enumerate(draws)}
    pinned = {name: {"dtype": _dtype_of(tensors[key], floating), **draws[key]} for name, key in names.items()}
    recipe = load_recipe({"dtype": word_of(floating), "tensors": pinned})
    made = starts_of(recipe.plan)
    with torch.no_grad():
        for name, key in names.items():
            tensors[key].copy_(made[name])


def moving_draws(
    draws: Mapping[int, dict[str, Any]], origins: Origins, others: Mapping[str, Origins], sizes: Sizes
) -> dict[int, dict[str, Any]]:
    """Draws whose sizes are parameters of the recipe where they move.

    Args:
        draws: by identity.
        origins: what is drawn.
        others: what the model starts from with each of its sizes greater by 1.
        sizes: takes the parameters.
    """
    shapes = {size: {path: one.tensors[key].shape for key, path in one.paths.items()} for size, one in others.items()}

    def moved(path: str, place: int, value: int) -> str | int:
        found = {size: of[path][place] for size, of in shapes.items() if len(of.get(path, ())) > place}
        number = sizes.named(value, found)
        return number.word if isinstance(number, MovingNumber) else number

    return {
        key: {**draw, "size": [moved(origins.paths[key], place, value) for place, value in enumerate(draw["size"])]}
        for key, draw in draws.items()
    }
