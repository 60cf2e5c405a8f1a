"""Dtype names and torch's dtypes, their tolerances, and distances in units in the last place."""

from __future__ import annotations

from typing import Final

import torch

from tensorflow_free.recipe import names

Tolerance = tuple[float, float]
"""A pair (rtol, atol): close means |actual - expected| <= atol + rtol * |expected|."""

TORCH_DTYPES: Final[dict[str, torch.dtype]] = {
    word: dtype
    for word in (*names.DTYPES, *names.DTYPE_ALIASES)
    if isinstance(dtype := getattr(torch, word, None), torch.dtype)
}
"""Each dtype word that this torch knows, second names too."""

DTYPE_WORDS: Final[dict[torch.dtype, str]] = {TORCH_DTYPES[word]: word for word in names.DTYPES if word in TORCH_DTYPES}

COMPLEX_OF: Final[dict[str, str]] = {
    "float64": "complex128",
    "float32": "complex64",
    "bfloat16": "complex64",
    "float16": "complex32",
}
"""The complex dtype of a recipe dtype's width; bfloat16 has none, and takes complex64."""

PARTS: Final = {torch.complex128: torch.float64, torch.complex64: torch.float32, torch.complex32: torch.float16}
"""The dtype of a complex number's parts."""

TOLERANCES: Final[dict[str, Tolerance]] = {
    "float64": (1e-7, 1e-7),
    "float32": (1.3e-6, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float16": (1e-3, 1e-5),
    "complex128": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex32": (1e-3, 1e-5),
    # torch's table ends here; for float8, half a unit in the last place: 2**-(mantissa bits + 1)
    "float8_e4m3fn": (0.0625, 1e-5),
    "float8_e4m3fnuz": (0.0625, 1e-5),
    "float8_e5m2": (0.125, 1e-5),
    "float8_e5m2fnuz": (0.125, 1e-5),
    "float8_e8m0fnu": (0.5, 1e-5),
}
"""Tolerances by dtype. Source: the table in the documentation of torch.testing.assert_close."""

EXACT: Final[Tolerance] = (0.0, 0.0)

_INTEGER_OF_SIZE: Final = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def word_of(dtype: torch.dtype) -> str:
    """The dtype's word: `float32` for torch.float32."""
    return DTYPE_WORDS.get(dtype) or str(dtype).removeprefix("torch.")


def dtype_of(word: str, recipe_dtype: str) -> torch.dtype | None:
    """The dtype that `word` means in a recipe of `recipe_dtype`, or None where it means none.

    `floating` is the recipe's dtype, `complex` the complex dtype of its width.
    """
    if word == "floating":
        word = recipe_dtype
    elif word == "complex":
        word = COMPLEX_OF[recipe_dtype]
    return TORCH_DTYPES.get(word)


def tolerance_of(dtype: torch.dtype) -> Tolerance:
    """The default (rtol, atol) of a value of `dtype`; exact for integers and booleans."""
    return TOLERANCES.get(word_of(dtype), EXACT)


def ulp_distance(actual: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """How many representable numbers lie between each pair of elements.

    Args:
        actual: floating or complex, any shape.
        expected: the same dtype and shape.

    Returns:
        float64 of the same shape; infinite where one is NaN and the other is not, 0 where both are.
        Of a complex number the greater of its two parts' distances. +0 and -0 are 0 apart.

    Source: Goldberg, "What every computer scientist should know about floating-point arithmetic" (1991), by the
        order-preserving map of IEEE 754 bit patterns to integers.
    """
    if actual.dtype.is_complex:
        parts = ulp_distance(torch.view_as_real(actual.resolve_conj()), torch.view_as_real(expected.resolve_conj()))
        return parts.amax(-1)
    if actual.dtype.itemsize < torch.float64.itemsize:
        apart = _apart(actual, expected).to(torch.float64)
    else:
        apart = (_ordered(actual).to(torch.float64) - _ordered(expected).to(torch.float64)).abs()
        # a difference of 64-bit integers does not fit float64 exactly where it is small against them
        exact = (_ordered(actual) - _ordered(expected)).abs()
        apart = torch.where(apart < 2.0**53, exact.to(torch.float64), apart)
    mine, its = actual.isnan(), expected.isnan()
    if not bool((mine | its).any()):
        return apart
    one_nan, both_nan = mine != its, mine & its
    return apart.masked_fill(one_nan, torch.inf).masked_fill(both_nan, 0.0)


def _apart(actual: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
    """How far the bit patterns of small numbers are apart, in their order."""
    if actual.dtype != torch.float8_e8m0fnu:
        mine, its = (one.contiguous().view(_INTEGER_OF_SIZE[one.dtype.itemsize]) for one in (actual, expected))
        if not bool(((mine ^ its) < 0).any()):
            # of one sign, they are in their order, or all in the other one
            return (mine - its).abs()
    return (_ordered(actual) - _ordered(expected)).abs()


def _ordered(values: torch.Tensor) -> torch.Tensor:
    """Each element's bit pattern as a signed integer that grows as the number does."""
    if values.dtype == torch.float8_e8m0fnu:
        # it has no sign bit
        return values.contiguous().view(torch.uint8).to(torch.int64)
    bits = values.contiguous().view(_INTEGER_OF_SIZE[values.dtype.itemsize])
    wide = bits.to(torch.int64)
    lowest = torch.iinfo(bits.dtype).min
    return torch.where(wide < 0, lowest - wide, wide)
