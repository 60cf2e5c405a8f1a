"""A sample that fails, cut down: fewer elements that fail alike."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Final

import torch

from tensorflow_free.support.sample_recipes import SampleRecipe

MOST_HALVES: Final = 16
"""Times that a sample is cut in half, at most."""

Cutting = Generator[SampleRecipe, bool, None]
"""Yields smaller samples to try, and is told whether each fails alike."""


def cut_down(sample: SampleRecipe) -> Cutting:
    """Cut a sample to one element, or in half again and again, as long as it fails.

    What has tensors of one shape alone is cut, as those of pointwise ops are: any other could become another call.
    """
    if not _is_of_one_shape(sample):
        return
    for one in _single_elements(sample):
        if (yield one):
            return
    for _ in range(MOST_HALVES):
        for half in _halves(sample):
            if (yield half):
                sample = half
                break
        else:
            break


def _is_of_one_shape(sample: SampleRecipe) -> bool:
    large = [one for one in sample.tensors.values() if one.dim()]
    strided = all(one.layout == torch.strided and not one.is_quantized for one in large)
    return strided and len({one.shape for one in large}) == 1 and large[0].numel() > 1


def _single_elements(sample: SampleRecipe) -> Iterator[SampleRecipe]:
    """The sample's first element alone, its middle one, its last."""
    shape = next(one.shape for one in sample.tensors.values() if one.dim())
    for share in (0.0, 0.5, 1.0):
        at = [int((size - 1) * share) for size in shape]
        yield _part(sample, partial(_element, at=at))


def _element(tensor: torch.Tensor, at: Sequence[int]) -> torch.Tensor:
    return tensor[tuple(slice(place, place + 1) for place in at)]


def _halves(sample: SampleRecipe) -> Iterator[SampleRecipe]:
    """Both halves of the sample along its longest dimension."""
    shape = next(one.shape for one in sample.tensors.values() if one.dim())
    longest = max(range(len(shape)), key=lambda dim: shape[dim])
    size, half = shape[longest], shape[longest] // 2
    if half:
        yield _part(sample, lambda one: one.narrow(longest, 0, half))
        yield _part(sample, lambda one: one.narrow(longest, half, size - half))


def _part(sample: SampleRecipe, take: Callable[[torch.Tensor], torch.Tensor]) -> SampleRecipe:
    return sample.of({name: take(one).clone() if one.dim() else one for name, one in sample.tensors.items()})
