"""Whether two tensors are close, a few ULPs apart, or equal bit for bit; and where they differ most. Pure torch.

Each function gives None where they agree, else why not. Both tensors have one shape, and are on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from tensorflow_free.codec.numbers import bits, hexadecimal
from tensorflow_free.outcome.plain_reasons import Elements
from tensorflow_free.tensors.dtypes import EXACT, Tolerance, ulp_distance, word_of
from tensorflow_free.tensors.memory import check_room


def is_floating(dtype: torch.dtype) -> bool:
    """Whether numbers of the dtype are rounded: floating and complex ones."""
    return dtype.is_floating_point or dtype.is_complex


def dense(values: torch.Tensor) -> torch.Tensor:
    """The values as a plain tensor on the CPU: not quantized, not sparse, not a view that conjugates or negates.

    Raises:
        MemoryError: this machine cannot hold them.
        RuntimeError: torch cannot make it so.
    """
    check_room(values)
    if values.is_quantized:
        values = values.dequantize()
    if values.layout != torch.strided:
        values = values.to_dense()
    plain = values.cpu().resolve_conj().resolve_neg()
    # a tensor that autograd knows to be zero has no memory before it is copied
    return plain.clone() if plain._is_zerotensor() else plain  # noqa: SLF001


def not_close(actual: torch.Tensor, expected: torch.Tensor, tolerance: Tolerance) -> Elements | None:
    """Why `actual` is further from `expected` than `tolerance`; NaN is close to NaN alone."""
    rtol, atol = tolerance
    floating = [is_floating(one.dtype) for one in (actual, expected)]
    if tolerance == EXACT and not floating[0]:
        close = same_integers(actual, expected)
    else:
        close = _close(actual.to(_wide(actual)), expected.to(_wide(expected)), tolerance)
    if bool(close.all()):
        return None
    apart = _apart(actual, expected)
    allowed = expected.to(_wide(expected)).abs() * rtol + atol
    used = float(apart.div(allowed)[~close].nan_to_num(torch.inf, torch.inf).max())
    return _worst("not close", actual, expected, ~close, apart, rtol=rtol, atol=atol, used=used)


def not_within(actual: torch.Tensor, expected: torch.Tensor, ulp: float) -> Elements | None:
    """Why `actual`, floating or complex, is more than `ulp` units in the last place of its dtype from `expected`."""
    if expected.is_complex() and not actual.is_complex():
        actual = actual.to(torch.promote_types(actual.dtype, torch.complex32))
    expected = expected.to(actual.dtype)
    apart = ulp_distance(actual, expected)
    bad = apart > ulp
    if not bool(bad.any()):
        return None
    used = float(apart[bad].max()) / ulp if ulp else torch.inf
    return _worst("not within ulp", actual, expected, bad, apart, ulp=ulp, used=used)


def not_equal(actual: torch.Tensor, expected: torch.Tensor) -> Elements | None:
    """Why the bits of `actual` are not those of `expected`, whose dtype is the same."""
    if actual.numel() == 0:
        return None
    bad = (bits(actual) != bits(expected)).any(-1)
    return _worst("not equal", actual, expected, bad, _apart(actual, expected)) if bool(bad.any()) else None


def not_same_bits(actual: torch.Tensor, expected: torch.Tensor) -> Elements | None:
    """Why `actual` is not `expected`, whose dtype is the same, bit for bit; any NaN is any other."""
    if actual.numel() == 0 or torch.equal(bits(actual), bits(expected)):
        return None
    mine, its = (torch.view_as_real(one) if one.is_complex() else one for one in (actual, expected))
    bad = (bits(mine) != bits(its)).any(-1) & ~(_is_nan(mine) & _is_nan(its))
    bad = bad.any(-1) if actual.is_complex() else bad
    if not bool(bad.any()):
        return None
    if not is_floating(actual.dtype):
        return _worst("bits differ", actual, expected, bad, _apart(actual, expected))
    ulps = ulp_distance(actual, expected)
    found = _worst("bits differ", actual, expected, bad, ulps)
    return found.model_copy(update={"apart": None, "ulp": found.apart})


def _is_nan(values: torch.Tensor) -> torch.Tensor:
    # torch knows no NaN in numbers of one byte
    return (values.to(torch.float32) if values.dtype.itemsize == 1 else values).isnan()


def _wide(values: torch.Tensor) -> torch.dtype:
    return torch.complex128 if values.is_complex() else torch.float64


def _close(actual: torch.Tensor, expected: torch.Tensor, tolerance: Tolerance) -> torch.Tensor:
    rtol, atol = tolerance
    if not (actual.is_complex() or expected.is_complex()):
        return torch.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=True)
    actual, expected = actual.to(torch.complex128), expected.to(torch.complex128)
    # the distance of complex numbers says nothing where a part is infinite or NaN: each part must agree then
    parts = torch.isclose(
        torch.view_as_real(actual), torch.view_as_real(expected), rtol=rtol, atol=atol, equal_nan=True
    ).all(-1)
    finite = actual.isfinite() & expected.isfinite()
    return torch.where(finite, torch.isclose(actual, expected, rtol=rtol, atol=atol), parts)


def same_integers(actual: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """Where integers and booleans are just the expected numbers, also those that float64 cannot tell apart."""
    if expected.is_complex():
        return actual.to(torch.complex128) == expected
    if not expected.is_floating_point():
        # 64 bits of either sign: those of 2**63 and more are negative as int64, and so told apart
        large = (actual.dtype == torch.uint64) != (expected.dtype == torch.uint64)
        same = actual.to(torch.int64) == expected.to(torch.int64)
        return same & (actual.to(torch.int64) >= 0) if large else same
    rounded = actual.to(torch.float64) == expected
    return rounded & (actual.to(torch.int64) == expected.nan_to_num().to(torch.int64))


def _apart(actual: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """How far apart the elements are, for a reader; float64."""
    return (actual.to(_wide(actual)) - expected.to(_wide(expected))).abs().to(torch.float64)


Far = Literal["not close", "not within ulp", "not equal", "bits differ"]


def _worst(
    code: Far, actual: torch.Tensor, expected: torch.Tensor, bad: torch.Tensor, apart: torch.Tensor, **allowed: float
) -> Elements:
    """Where the worst element is, what it is and should be, and how many there are."""
    weight = torch.where(bad, apart.nan_to_num(torch.inf, torch.inf), torch.full_like(apart, -1.0))
    worst = int(weight.flatten().argmax())
    found, wanted = texts_of(actual.flatten()[worst], expected.flatten()[worst])
    return Elements(
        code=code,
        found=found,
        wanted=wanted,
        at=index_of(worst, actual.shape),
        count=int(bad.sum()),
        elements=actual.numel(),
        apart=float(apart.flatten()[worst]),
        **allowed,
    )


def index_of(position: int, shape: Sequence[int]) -> tuple[int, ...]:
    """A flat position as an index; torch.unravel_index would import SymPy."""
    index: list[int] = []
    for length in reversed(shape):
        position, here = divmod(position, length) if length else (0, 0)
        index.insert(0, here)
    return tuple(index)


def texts_of(found: torch.Tensor, wanted: torch.Tensor) -> tuple[str, str]:
    """Both numbers in as many digits as tell them apart, or with their bits."""
    for digits in (9, 17):
        texts = _number(found, digits), _number(wanted, digits)
        if texts[0] != texts[1]:
            return texts
    return f"{texts[0]} ({_hexadecimal(found)})", f"{texts[1]} ({_hexadecimal(wanted)})"


def _number(value: torch.Tensor, digits: int) -> str:
    number = value.item()
    if isinstance(number, bool):
        return "true" if number else "false"
    return str(number) if isinstance(number, int) else f"{number:.{digits}g}"


def _hexadecimal(value: torch.Tensor) -> str:
    return f"{word_of(value.dtype)} {hexadecimal(bits(value).flatten())}"
