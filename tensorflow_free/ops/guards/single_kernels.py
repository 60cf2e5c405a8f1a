"""Checks for single kernels: the shapes, positions and numbers of their operands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch

from tensorflow_free.ops.guards.checks import (
    ArgumentRule,
    CallArguments,
    Shape,
    alike,
    contiguous,
    of_int64,
    shaped,
    within,
)


def channels(given: CallArguments) -> Sequence[int]:
    """One number for each channel of the input."""
    return given["input"].shape[1:2] if given["input"].dim() > 1 else (-1,)


def forward(name: str, names: str, output: int = 0) -> Shape:
    """The shape that the forward op gives for these arguments, found out without numbers."""
    overload = getattr(torch.ops.aten, name).default

    def shape(given: CallArguments) -> Sequence[int]:
        meta = [one.to("meta") if isinstance(one := given[word], torch.Tensor) else one for word in names.split()]
        return _part(overload(*meta), output).shape

    return shape


def _part(made: torch.Tensor | Sequence[torch.Tensor], output: int = 0) -> torch.Tensor:
    return made if isinstance(made, torch.Tensor) else made[output]


def adaptive(name: str, dims: int) -> Shape:
    """The shape of an adaptive pooling to as many places as the gradient has."""
    overload = getattr(torch.ops.aten, name).default

    def shape(given: CallArguments) -> Sequence[int]:
        return _part(overload(given["self"].to("meta"), given["grad_output"].shape[-dims:])).shape

    return shape


def pooled(forward: Shape, dims: int) -> tuple[ArgumentRule, ...]:
    """The backward pass of a pooling that takes the places of the largest elements."""

    def plane(given: CallArguments) -> int:
        return math.prod(given["self"].shape[-dims:])

    return (
        shaped("grad_output indices", forward, of="the shape of what was pooled"),
        alike("self grad_output"),
        of_int64("indices"),
        contiguous("indices", channels_last=True),
        within("indices", plane, of=f"elements in the last {dims} dimensions of 'self'"),
    )


def bags(indices: str, last: str) -> ArgumentRule:
    """Where the bags of `embedding_bag` begin: in order, from 0, and together all of the indices."""

    def rule(given: CallArguments) -> str | None:
        offsets, count = given.get("offsets"), given[indices].numel()
        if offsets is None or offsets.is_meta:
            return None
        begins = offsets.reshape(-1).tolist()
        if begins != sorted(begins) or begins[:1] not in ([0], [] if not count and not given.get(last) else [0]):
            return f"'offsets' holds {begins}; it must begin with 0 and never fall"
        if begins and (begins[-1] > count or (given.get(last) and begins[-1] != count)):
            return f"'offsets' ends with {begins[-1]}; with {count} indices it can end with {count} at most"
        return None

    return rule


def segments(given: CallArguments) -> str | None:
    """Where the segments of `segment_reduce` begin and end: from 0, in order, to the end of the data."""
    offsets, data = given.get("offsets"), given["data"]
    if offsets is None or offsets.is_meta:
        return None
    axis = offsets.dim() - 1
    if axis < 0 or offsets.shape[:-1] != data.shape[:axis] or data.dim() <= axis or not offsets.shape[-1]:
        return (
            f"'offsets' is of shape {list(offsets.shape)}; it holds a list for each of the first dimensions of 'data'"
        )
    length = data.shape[axis]
    for begins in offsets.reshape(-1, offsets.shape[-1]).tolist():
        if begins != sorted(begins) or begins[0] != 0 or begins[-1] != length:
            return f"'offsets' holds {begins}; it must begin with 0, never fall and end with {length}"
    return None


def dense_for_out(given: CallArguments) -> str | None:
    """With `out`, the kernel of batch_norm leaves what it saves unwritten where the input is not contiguous."""
    if given.get("out") is None or given["input"].is_contiguous():
        return None
    return f"'input' has the strides {list(given['input'].stride())}; with 'out', give `contiguous` of it"


def labels(given: CallArguments) -> str | None:
    """The labels of `ctc_loss`, as far as the lengths count them: each is one of the classes."""
    classes, targets = given["log_probs"].shape[-1], given["targets"]
    lengths = torch.as_tensor(given["target_lengths"]).reshape(-1)
    if targets.is_meta or lengths.is_meta:
        return None
    if targets.dim() > 1:
        counted = targets[torch.arange(targets.shape[1]) < lengths.to(targets.device).unsqueeze(1)]
    else:
        counted = targets[: int(lengths.sum())]
    wrong = counted[(counted < 0) | (counted >= classes)]
    if not wrong.numel():
        return None
    return f"'targets' holds {wrong[0].item()}; it can hold 0 to {classes - 1}, for there are {classes} classes"


def blocks(given: CallArguments) -> str | None:
    """The blocks of a sparse tensor of blocks have elements."""
    compressed = next((given[name] for name in _COMPRESSED if name in given), None)
    first = torch.as_tensor(compressed).dim()
    shape = list(torch.as_tensor(given["values"]).shape)
    if given.get("layout") in (torch.sparse_csr, torch.sparse_csc) or 0 not in shape[first : first + 2]:
        return None
    return f"'values' is of shape {shape}; its blocks need at least one element"


_COMPRESSED: Final = ("crow_indices", "ccol_indices", "compressed_indices")


def diagonals(given: CallArguments) -> str | None:
    """The diagonals of `spdiags` are different ones."""
    offsets = given["offsets"]
    if offsets.is_meta or offsets.unique().numel() == offsets.numel():
        return None
    return f"'offsets' holds {offsets.reshape(-1).tolist()}; it can hold each diagonal once"


def pivots(given: CallArguments) -> str | None:
    """Row exchanges of an LDL factorization: 1 to n, or two alike negative ones for a block of two rows."""
    pivots, rows = given["pivots"], given["LD"].shape[-1]
    if pivots.is_meta:
        return None
    for matrix in pivots.reshape(-1, rows).tolist() if rows else ():
        position = 0
        while position < rows:
            block = 1 if matrix[position] > 0 else 2
            part = matrix[position : position + block]
            if len(part) < block or not all(1 <= abs(one) <= rows and (one > 0) == (block == 1) for one in part):
                return (
                    f"'pivots' holds {part[0]} at {position}; it can hold 1 to {rows}, or two negative ones of a block"
                )
            position += block
    return None


def fractional(dims: int) -> tuple[ArgumentRule, ...]:
    """The backward pass of a fractional pooling."""

    def shape(given: CallArguments) -> Sequence[int]:
        return (*given["self"].shape[:-dims], *given["output_size"])

    return pooled(shape, dims)


def averaged(name: str) -> tuple[ArgumentRule, ...]:
    """The backward pass of a pooling that takes averages."""
    words = "self kernel_size stride padding ceil_mode count_include_pad divisor_override"
    return (shaped("grad_output", forward(name, words), of="the shape of what was pooled"), alike("self grad_output"))


def rows(given: CallArguments) -> Sequence[int]:
    """One number for each row of the factorization, of each matrix."""
    found: Sequence[int] = given["LD"].shape[:-1]
    return found


def exchanges(given: CallArguments) -> Sequence[int]:
    """The shape of the row exchanges of an LU factorization."""
    *batch, rows, columns = given["LU_data"].shape
    return (*batch, min(rows, columns))


def poolings(dims: int) -> dict[str, tuple[ArgumentRule, ...]]:
    """The checks of the backward passes of poolings over so many dimensions."""
    largest = f"max_pool{dims}d_with_indices"
    words = "self kernel_size stride padding dilation ceil_mode"
    return {
        f"avg_pool{dims}d_backward": averaged(f"avg_pool{dims}d"),
        f"fractional_max_pool{dims}d_backward": fractional(dims),
        f"{largest}_backward": pooled(forward(largest, words), dims),
        f"adaptive_max_pool{dims}d_backward": pooled(adaptive(f"adaptive_max_pool{dims}d", dims), dims),
    }
