"""The starting tensors of a saved run, from which another run begins: whose they are, and their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from tensorflow_free.tensors.dtypes import word_of

DIGEST_DIGITS = 16
"""Hexadecimal digits of a digest where people read it."""


@dataclass(frozen=True)
class SavedStarts:
    """The tensors that a saved run started from.

    Attributes:
        name: the name of the run's recipe.
        digest: the SHA-256 of the tensors: the same on every machine for the same names, dtypes, shapes and bits.
        numbers: the tensors by name, on the CPU; none where only their digest is known.
        unstored: the starting tensors whose numbers the run does not hold, and why.
    """

    name: str
    digest: str
    numbers: Mapping[str, torch.Tensor] = field(default_factory=dict, repr=False)
    unstored: Mapping[str, str] = field(default_factory=dict)

    @property
    def told(self) -> str:
        """Whose they are, in words: `linear_autograd (sha256 0123456789abcdef)`."""
        return f"{self.name} (sha256 {self.digest[:DIGEST_DIGITS]})"


def digest_of_numbers(parts: Mapping[str, torch.Tensor]) -> str:
    """The SHA-256 of plain arrays: of their names, dtypes, shapes and bits; their order does not matter."""
    found = hashlib.sha256()
    for name in sorted(parts):
        array = parts[name].contiguous()
        found.update(f"{name}\0{word_of(array.dtype)}{list(array.shape)}\0".encode())
        found.update(array.flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()
