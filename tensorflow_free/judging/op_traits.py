"""What the name of an op tells of its result: that it is a place, or that it jumps."""

from __future__ import annotations

from typing import Final


def chooses(op: str | None) -> bool:
    """Whether an op tells the place of a number that it chooses."""
    return op is not None and op.rpartition(".")[2] in _CHOICES


_CHOICES: Final = frozenset({"argmax", "argmin", "kthvalue", "max", "median", "min", "mode", "nanmedian"})


def jumps(op: str | None) -> bool:
    """Whether an op's result jumps where an operand moves a little."""
    return op is not None and op.rpartition(".")[2].rstrip("_") in _JUMPS


_JUMPS: Final = frozenset(
    {
        *("ceil", "fix", "floor", "floor_divide", "fmod", "frac", "heaviside", "remainder", "round", "sgn", "sign"),
        *("trunc", "fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine", "quantize_per_tensor"),
        *("bernoulli", "__floordiv__", "__mod__"),
    }
)
"""Ops whose result jumps where an operand moves a little."""
