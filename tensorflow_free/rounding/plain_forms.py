"""Ops of narrow numbers in plain ops of float64: what their operands stand for, and what they compute of it.

Source: the documentation and the schemas of torch 2.13; each form is held against its kernel by a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import torch


def _scaled_mm(  # noqa: PLR0913, PLR0917 - the op's schema
    a: torch.Tensor,
    b: torch.Tensor,
    scale_a: torch.Tensor,
    scale_b: torch.Tensor,
    bias: torch.Tensor | None = None,
    scale_result: torch.Tensor | None = None,
    out_dtype: torch.dtype | None = None,
    use_fast_accum: bool = False,  # noqa: FBT001, FBT002
) -> torch.Tensor:
    """Matrices times their scales, one for all of a matrix or one for each of its rows or columns."""
    del out_dtype, use_fast_accum
    if scale_result is not None:
        raise ValueError("a scale of the result has no plain form here")
    made = (a * scale_a) @ (b * scale_b)
    return made if bias is None else made + bias


def _int_mm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a.to(torch.int64) @ b.to(torch.int64)).to(torch.int32)


def _weight_int8pack_mm(a: torch.Tensor, b: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    return (a @ b.to(a.dtype).t()) * scales


def _grouped_mm(
    a: torch.Tensor,
    b: torch.Tensor,
    offs: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    out_dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """Matrix by matrix; or the rows of one matrix, in groups that end at `offs`, each times a matrix of its own."""
    del out_dtype
    if bias is not None:
        raise ValueError("a bias has no plain form here")
    if offs is None:
        return torch.bmm(a, b)
    if a.dim() != MATRIX or b.dim() != MATRIX + 1:
        raise ValueError("groups of columns have no plain form here")
    ends = offs.tolist()
    parts = [a[begin:end] @ one for begin, end, one in zip([0, *ends], ends, b, strict=False)]
    return torch.cat(parts)


def _to_mkldnn(one: torch.Tensor, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Numbers in a layout of their own are the same numbers."""
    del dtype
    return one.clone()


MATRIX: Final = 2

PLAIN_FORMS: Final[Mapping[str, Callable[..., Any]]] = {
    "_scaled_mm": _scaled_mm,
    "_int_mm": _int_mm,
    "_weight_int8pack_mm": _weight_int8pack_mm,
    "_grouped_mm": _grouped_mm,
    "to_mkldnn": _to_mkldnn,
}
"""By the base name of ATen's op."""
