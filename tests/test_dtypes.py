"""Words for dtypes, tolerances, and distances in units in the last place."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tensorflow_free.recipe import names
from tensorflow_free.tensors.dtypes import TOLERANCES, TORCH_DTYPES, dtype_of, tolerance_of, ulp_distance, word_of

FLOATING = [
    "float64",
    "float32",
    "bfloat16",
    "float16",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
]


def test_every_dtype_of_torchs_that_numbers_have_has_a_word():
    known = {one for name in dir(torch) if isinstance(one := getattr(torch, name), torch.dtype)}
    odd = (
        "q",
        "bits",
        "uint1",
        "uint2",
        "uint3",
        "uint4",
        "uint5",
        "uint6",
        "uint7",
        "int1",
        "int2",
        "int3",
        "int4",
        "int5",
        "int6",
        "int7",
        "float4",
        "complex32",
    )
    unnamed = {str(one).removeprefix("torch.") for one in known - set(TORCH_DTYPES.values())}
    assert all(name.startswith(odd) for name in unnamed), unnamed


@pytest.mark.parametrize("word", names.DTYPES)
def test_a_word_is_the_dtype_of_that_name_and_back(word):
    assert dtype_of(word, "float32") is getattr(torch, word)
    assert word_of(getattr(torch, word)) == word


@pytest.mark.parametrize(("alias", "word"), names.DTYPE_ALIASES.items())
def test_second_names_are_torchs(alias, word):
    assert getattr(torch, alias) is getattr(torch, word)
    assert dtype_of(alias, "float32") is getattr(torch, word)


@pytest.mark.parametrize(
    ("recipe", "floating", "complex_"),
    [
        ("float64", "float64", "complex128"),
        ("float32", "float32", "complex64"),
        ("bfloat16", "bfloat16", "complex64"),
        ("float16", "float16", "complex32"),
    ],
)
def test_floating_and_complex_follow_the_recipe(recipe, floating, complex_):
    assert dtype_of("floating", recipe) is getattr(torch, floating)
    assert dtype_of("complex", recipe) is getattr(torch, complex_)


def test_what_is_no_dtype_has_none():
    for word in ("flaot64", "", "Tensor", "torch.float64", "device"):
        assert dtype_of(word, "float32") is None


@pytest.mark.parametrize("word", [one for one in TOLERANCES if not one.startswith("float8")])
@pytest.mark.filterwarnings("ignore:ComplexHalf support")
def test_tolerances_are_those_of_assert_close(word):
    rtol, atol = tolerance_of(getattr(torch, word))
    wide = torch.complex128 if word.startswith("complex") else torch.float64
    for factor, is_close in ((0.99, True), (1.01, False)):
        # on numbers of the wider dtype, so that rounding does not blur the bound
        actual, expected = (torch.tensor(one, dtype=wide) for one in (8.0 + factor * (atol + rtol * 8.0), 8.0))
        assert torch.isclose(actual, expected, rtol=rtol, atol=atol).item() == is_close
    with pytest.raises(AssertionError, match=rf"up to {atol} allowed"):
        torch.testing.assert_close(
            torch.ones((), dtype=getattr(torch, word)), torch.zeros((), dtype=getattr(torch, word))
        )


def test_integers_have_no_tolerance():
    assert {tolerance_of(getattr(torch, word)) for word in (*names.INTEGERS, "bool")} == {(0.0, 0.0)}


# units in the last place


def all_numbers(word):
    """Every finite number of a small dtype, in order; the negative zero left out."""
    dtype = getattr(torch, word)
    bits = torch.arange(2 ** (8 * dtype.itemsize), dtype=torch.int32)
    numbers = bits.to(torch.uint16 if dtype.itemsize == 2 else torch.uint8).view(dtype)
    wide = numbers.to(torch.float64)
    kept = wide.isfinite() & ~((wide == 0) & wide.signbit())
    return numbers[kept][wide[kept].argsort()]


@pytest.mark.parametrize("word", [one for one in FLOATING if getattr(torch, one).itemsize <= 2])
def test_neighbours_are_1_apart(word):
    numbers = all_numbers(word)
    assert ulp_distance(numbers[1:], numbers[:-1]).eq(1).all()
    assert ulp_distance(numbers[:1], numbers[-1:]).item() == len(numbers) - 1


@given(st.floats(allow_nan=False, allow_infinity=False, width=64), st.integers(0, 50))
def test_so_many_steps_of_nextafter_are_so_many_ulps(number, count):
    moved = number
    for _ in range(count):
        moved = math.nextafter(moved, math.inf)
    if math.isfinite(moved):
        found = ulp_distance(*(torch.tensor([one], dtype=torch.float64) for one in (number, moved)))
        assert found.item() == count


@pytest.mark.parametrize("word", [one for one in FLOATING if one != "float8_e8m0fnu"])
def test_nan_is_far_from_all_but_nan(word):
    nan, one = torch.tensor([math.nan, 1.0]).to(getattr(torch, word)).split(1)
    assert ulp_distance(nan, one).item() == ulp_distance(one, nan).item() == math.inf
    assert ulp_distance(nan, nan).item() == 0


def test_the_zeros_are_0_apart():
    assert ulp_distance(torch.tensor([0.0]), torch.tensor([-0.0])).item() == 0
    tiny = torch.tensor([2.0**-149])
    assert ulp_distance(tiny, -tiny).item() == 2


def test_infinity_is_next_to_the_largest_number():
    largest, infinity = torch.tensor([torch.finfo(torch.float32).max]), torch.tensor([math.inf])
    assert ulp_distance(infinity, largest).item() == 1


def test_the_ends_of_float64_are_told_apart_from_neighbours():
    ends = torch.tensor([-math.inf, math.inf], dtype=torch.float64)
    assert ulp_distance(ends[:1], ends[1:]).item() > 2**63
    one = torch.tensor([1.0], dtype=torch.float64)
    assert ulp_distance(one, one + 2**-52).item() == 1


def test_of_a_complex_number_the_worse_part_counts():
    one, other = torch.tensor([1 + 1j]), torch.tensor([complex(1 + 2**-23, 1 + 3 * 2**-23)])
    assert ulp_distance(one, other).tolist() == [3.0]
    assert ulp_distance(one.conj(), other.conj()).tolist() == [3.0]
