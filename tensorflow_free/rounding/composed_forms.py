"""Norms, softmax and usual activations by their formulas.

PyTorch's own decompositions of them load its compiler and SymPy, which takes a second. Each takes and returns what the
op of its name does; each is held against the kernel in float64 by a test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import pi, prod, sqrt
from typing import Any, Final

import torch

_ATEN: Final = torch.ops.aten

MadeTensors = tuple[torch.Tensor | None, ...]


def _layer_norm(
    x: torch.Tensor, shape: Sequence[int], weight: torch.Tensor | None, bias: torch.Tensor | None, eps: float
) -> MadeTensors:
    dims = list(range(x.dim() - len(shape), x.dim()))
    mean = x.mean(dims, keepdim=True)
    centred = x - mean
    rstd = ((centred * centred).mean(dims, keepdim=True) + eps).rsqrt()
    out = centred * rstd
    out = out if weight is None else out * weight
    return out if bias is None else out + bias, mean, rstd


def _layer_norm_backward(  # noqa: PLR0913, PLR0917 - the op's schema
    gradient: torch.Tensor,
    x: torch.Tensor,
    shape: Sequence[int],
    mean: torch.Tensor,
    rstd: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    wanted: Sequence[bool],
) -> MadeTensors:
    outer = x.dim() - len(shape)
    inner, rows = list(range(outer, x.dim())), list(range(outer))
    normed = (x - mean) * rstd
    of_normed = gradient if weight is None else gradient * weight
    of_x = of_weight = of_bias = None
    if wanted[0]:
        count = prod(shape)
        sums = of_normed.sum(inner, keepdim=True), (of_normed * normed).sum(inner, keepdim=True)
        of_x = (of_normed * count - sums[0] - normed * sums[1]) * (rstd / count)
    if wanted[1] and weight is not None:
        of_weight = (gradient * normed).sum(rows) if rows else gradient * normed
    if wanted[2] and bias is not None:
        of_bias = gradient.sum(rows) if rows else gradient.clone()
    return of_x, of_weight, of_bias


def _softmax(x: torch.Tensor, dim: int, half_to_float: bool) -> torch.Tensor:  # noqa: FBT001 - the op's schema
    del half_to_float
    if not x.numel():
        return x.clone()
    powers = (x - x.amax(dim, keepdim=True)).exp()
    return powers / powers.sum(dim, keepdim=True)


def _safe_softmax(x: torch.Tensor, dim: int, dtype: torch.dtype | None = None) -> torch.Tensor:
    """Rows of nothing but -inf are zeros."""
    del dtype
    return torch.where(x.isneginf().all(dim, keepdim=True), 0.0, _softmax(x, dim, half_to_float=False))


def _softmax_backward(gradient: torch.Tensor, out: torch.Tensor, dim: int, dtype: torch.dtype) -> torch.Tensor:
    del dtype
    weighted = gradient * out
    return weighted - out * weighted.sum(dim, keepdim=True)


def _log_softmax(x: torch.Tensor, dim: int, half_to_float: bool) -> torch.Tensor:  # noqa: FBT001 - the op's schema
    del half_to_float
    if not x.numel():
        return x.clone()
    shifted = x - x.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


def _log_softmax_backward(gradient: torch.Tensor, out: torch.Tensor, dim: int, dtype: torch.dtype) -> torch.Tensor:
    del dtype
    return gradient - out.exp() * gradient.sum(dim, keepdim=True)


def _gelu(x: torch.Tensor, *, approximate: str = "none") -> torch.Tensor:
    if approximate == "tanh":
        return x * 0.5 * ((x + x * x * x * _CUBIC) * _ROOT_2_PI).tanh().add(1)
    return x * 0.5 * (x * _ROOT_HALF).erf().add(1)


def _gelu_backward(gradient: torch.Tensor, x: torch.Tensor, *, approximate: str = "none") -> torch.Tensor:
    if approximate == "tanh":
        inner = ((x + x * x * x * _CUBIC) * _ROOT_2_PI).tanh()
        slope = (x * x * (3 * _CUBIC) + 1) * _ROOT_2_PI
        return gradient * ((inner + 1) * 0.5 + x * 0.5 * (1 - inner * inner) * slope)
    density = (x * x * -0.5).exp() * (_ROOT_2_PI / 2)
    return gradient * ((x * _ROOT_HALF).erf().add(1) * 0.5 + x * density)


_CUBIC: Final = 0.044715
_ROOT_2_PI: Final = sqrt(2 / pi)
_ROOT_HALF: Final = sqrt(0.5)


def _silu(x: torch.Tensor) -> torch.Tensor:
    return x * x.sigmoid()


def _silu_backward(gradient: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    sigmoid = x.sigmoid()
    return gradient * sigmoid * (x * (1 - sigmoid) + 1)


def _sigmoid_backward(gradient: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    return gradient * (out * (1 - out)).conj()


def _tanh_backward(gradient: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    return gradient * (1 - out * out).conj()


FORMS: Final[Mapping[Any, Callable[..., Any]]] = {
    _ATEN.native_layer_norm.default: _layer_norm,
    _ATEN.native_layer_norm_backward.default: _layer_norm_backward,
    _ATEN._softmax.default: _softmax,  # noqa: SLF001 - the op's name
    _ATEN._safe_softmax.default: _safe_softmax,  # noqa: SLF001
    _ATEN._softmax_backward_data.default: _softmax_backward,  # noqa: SLF001
    _ATEN._log_softmax.default: _log_softmax,  # noqa: SLF001
    _ATEN._log_softmax_backward_data.default: _log_softmax_backward,  # noqa: SLF001
    _ATEN.gelu.default: _gelu,
    _ATEN.gelu_backward.default: _gelu_backward,
    _ATEN.silu.default: _silu,
    _ATEN.silu_backward.default: _silu_backward,
    _ATEN.sigmoid_backward.default: _sigmoid_backward,
    _ATEN.tanh_backward.default: _tanh_backward,
}
"""The forms by their ops."""
