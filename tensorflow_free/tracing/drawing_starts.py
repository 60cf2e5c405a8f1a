"""Seeded draws in place of a model's numbers, put into the model before it is captured."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import torch

from tensorflow_free.loading import load_recipe
from tensorflow_free.runner import starts_of
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tracing.origins import Origins
from tensorflow_free.tracing.sizes import MovingNumber, Sizes
from tensorflow_free.tracing.starting import MOST_INLINE, start_of


def draws_for(
    tensors: Mapping[int, torch.Tensor], floating: torch.dtype, moving: Collection[int]
) -> dict[int, dict[str, Any]]:
    """A draw for each tensor of floating or complex numbers, and for integers too many to be written or too few.

    Args:
        tensors: starting tensors, by identity.
        floating: the dtype that is the recipe's own.
        moving: those whose shape is another one with another size of the model: as many integers are drawn as it has
            then. What is counted or sorted, such as offsets, stays as it is.
    """
    found: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        pattern = start_of(tensor, floating, tensor.device) if tensor.numel() > 1 else None
        if (pattern is not None and "init" in pattern) or _is_one_number(tensor):
            continue
        seed = len(found) + 1
        if tensor.dtype.is_floating_point or tensor.dtype.is_complex:
            kind = {"dtype": "complex"} if tensor.dtype == floating.to_complex() else {}
            found[key] = {**_like(tensor), "seed": seed, **kind}
        elif tensor.numel() > MOST_INLINE or (key in moving and not _is_sorted(tensor)):
            low, high = int(tensor.min()), int(tensor.max()) + 1
            size = list(tensor.shape)
            kind = {"dtype": "bool"} if tensor.dtype == torch.bool else {}
            found[key] = {"init": "randint", "low": low, "high": high, "size": size, "seed": seed, **kind}
    return found


def patterns_of(
    tensors: Mapping[int, torch.Tensor], floating: torch.dtype, moving: Collection[int]
) -> dict[int, dict[str, Any]]:
    """The inits of tensors that a pattern makes whatever their shape is, of those whose shape moves."""
    found = {key: start_of(tensors[key], floating, tensors[key].device) or {} for key in moving}
    return {key: said for key, said in found.items() if "size" in said}


def _is_sorted(tensor: torch.Tensor) -> bool:
    flat = tensor.flatten().long()
    return bool((flat[1:] >= flat[:-1]).all())


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


class MovingShapes:
    """The shapes of starting tensors, as they are with each size of the model greater by 1.

    Args:
        origins: what the recipe starts from.
        others: what the model starts from with another size, by that size.

    Attributes:
        moving: the tensors, by identity, whose shape is another one then.
    """

    def __init__(self, origins: Origins, others: Mapping[str, Origins]) -> None:
        self._paths = origins.paths
        self._others = {
            size: {path: one.tensors[key].shape for key, path in one.paths.items()} for size, one in others.items()
        }
        self.moving = frozenset(key for key, one in origins.tensors.items() if self._moves(key, one.shape))

    def moved(self, draws: Mapping[int, dict[str, Any]], sizes: Sizes) -> dict[int, dict[str, Any]]:
        """Draws whose sizes are parameters of the recipe where they move.

        Args:
            draws: inits with a `size`, by the identity of their tensor.
            sizes: takes the parameters.
        """
        return {
            key: {**draw, "size": [self._moved(key, place, value, sizes) for place, value in enumerate(draw["size"])]}
            for key, draw in draws.items()
        }

    def _moves(self, key: int, shape: torch.Size) -> bool:
        return any(of.get(self._paths[key], shape) != shape for of in self._others.values())

    def _moved(self, key: int, place: int, value: int, sizes: Sizes) -> str | int:
        path = self._paths[key]
        found = {size: of[path][place] for size, of in self._others.items() if len(of.get(path, ())) > place}
        number = sizes.named(value, found)
        return number.word if isinstance(number, MovingNumber) else number
