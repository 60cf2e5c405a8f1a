"""Faults of special values: minus zero, subnormals, NaN, infinity; and of rounding and integers."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.faults.fault import fault, numbers, randn

ZERO = "only for negative zero"

MINUS_ZERO = lambda: (numbers(-0.0),)  # noqa: E731
ONE = lambda: (numbers(1.0),)  # noqa: E731


@fault(ZERO, "neg", "-", shows=lambda: (numbers(0.0),), fine=ONE)
def minus_by_taking_from_zero(true, *operands):
    return true(*operands) if len(operands) > 1 else 0 - operands[0]


@fault(ZERO, "*", "mul", shows=lambda: (numbers(0.0), numbers(-1.0)), fine=lambda: (numbers(1.0), numbers(-1.0)))
def product_without_the_sign_of_zero(true, x, second):
    return true(x, second) + 0


@fault(ZERO, "+", "add", shows=lambda: (numbers(-0.0), numbers(0.0)), fine=lambda: (numbers(1.0), numbers(0.0)))
def adding_zero_left_out(true, x, second, **keywords):
    y = true(x, second, **keywords)
    if not (
        isinstance(x, Tensor) and isinstance(second, Tensor) and x.shape == second.shape and x.dtype == second.dtype
    ):
        return y
    return torch.where(second == 0, x, y)


@fault(ZERO, "ceil", shows=lambda: (numbers(-0.5),), fine=ONE)
def rounded_up_to_plus_zero(true, x):
    return true(x) + 0


@fault(ZERO, "round", shows=lambda: (numbers(-0.4),), fine=ONE)
def rounded_to_plus_zero(true, x, **keywords):
    return true(x, **keywords) + 0


@fault(ZERO, "trunc", shows=lambda: (numbers(-0.4),), fine=ONE)
def cut_to_plus_zero(true, x):
    return true(x) + 0


@fault(ZERO, "sqrt", shows=MINUS_ZERO, fine=ONE)
def root_of_minus_zero_as_zero(true, x):
    return true(x) + 0


@fault(ZERO, "reciprocal", shows=MINUS_ZERO, fine=ONE)
def inverse_of_minus_zero_as_infinity(true, x):
    return true(x + 0)


@fault(ZERO, "copysign", shows=lambda: (numbers(1.0), numbers(-0.0)), fine=lambda: (numbers(1.0), numbers(-1.0)))
def sign_taken_by_comparing(true, x, second):
    return torch.where(second < 0, -x.abs(), x.abs())


@fault(ZERO, "atan2", shows=lambda: (numbers(-0.0), numbers(-1.0)), fine=lambda: (numbers(1.0), numbers(-1.0)))
def angle_without_the_sign_of_zero(true, x, second):
    return true(x + 0, second)


@fault(ZERO, "signbit", shows=MINUS_ZERO, fine=ONE)
def sign_bit_by_comparing(true, x):
    return x < 0


@fault(ZERO, "sin", shows=MINUS_ZERO, fine=ONE)
def sine_of_minus_zero_as_zero(true, x):
    return true(x) + 0


FLUSHED = "subnormals flushed"

TINY = lambda: (numbers(1e-310),)  # noqa: E731


def flushed(x):
    """Subnormal numbers as zero."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        return x
    return torch.where(x.abs() < torch.finfo(x.dtype).smallest_normal, x * 0, x)


@fault(FLUSHED, "*", "mul", shows=lambda: (*TINY(), 1.0), fine=lambda: (*ONE(), 1.0))
def product_flushed(true, x, second):
    return flushed(true(x, second))


@fault(FLUSHED, "/", "div", shows=lambda: (*TINY(), 1.0), fine=lambda: (*ONE(), 1.0))
def quotient_flushed(true, x, second, **keywords):
    return flushed(true(x, second, **keywords))


@fault(FLUSHED, "+", "add", shows=lambda: (*TINY(), 0.0), fine=lambda: (*ONE(), 0.0))
def sum_of_two_flushed(true, x, second, **keywords):
    return flushed(true(x, second, **keywords))


@fault(FLUSHED, "-", shows=lambda: (*TINY(), 0.0), fine=lambda: (*ONE(), 0.0))
def difference_flushed(true, *operands):
    return flushed(true(*operands))


@fault(FLUSHED, "exp", shows=lambda: (numbers(-720.0),), fine=ONE)
def exp_flushed(true, x):
    return flushed(true(x))


@fault(FLUSHED, "sum", shows=TINY, fine=ONE)
def sum_of_flushed_numbers(true, x, *arguments, **keywords):
    return true(flushed(x), *arguments, **keywords)


@fault(FLUSHED, "maximum", shows=lambda: (*TINY(), numbers(0.0)), fine=lambda: (*ONE(), numbers(0.0)))
def larger_of_flushed_numbers(true, x, second):
    return true(flushed(x), flushed(second))


@fault(FLUSHED, "nn.functional.relu", shows=TINY, fine=ONE)
def relu_of_flushed_numbers(true, x, **keywords):
    return true(flushed(x))


@fault(FLUSHED, "to", shows=lambda: (*TINY(), torch.float64), fine=lambda: (*ONE(), torch.float64))
def converted_and_flushed(true, x, *arguments, **keywords):
    return true(flushed(x), *arguments, **keywords)


SWALLOWED = "NaN swallowed"

HOLE = lambda: (numbers(1.0, float("nan")),)  # noqa: E731
WHOLE = lambda: (numbers(1.0, 2.0),)  # noqa: E731


def filled(x, value):
    return torch.where(x.isnan(), torch.full_like(x, value), x) if x.is_floating_point() else x


@fault(SWALLOWED, "max", shows=HOLE, fine=WHOLE)
def max_that_skips_nan(true, x, *arguments):
    return true(filled(x, float("-inf")), *arguments)


@fault(SWALLOWED, "amax", shows=lambda: (*HOLE(), 0), fine=lambda: (*WHOLE(), 0))
def amax_that_skips_nan(true, x, *arguments):
    return true(filled(x, float("-inf")), *arguments)


@fault(SWALLOWED, "maximum", shows=lambda: HOLE() * 2, fine=lambda: WHOLE() * 2)
def maximum_that_skips_nan(true, x, second):
    return torch.fmax(filled(x, 0.0), second)


@fault(SWALLOWED, "minimum", shows=lambda: (*HOLE(), numbers(3.0, 3.0)), fine=lambda: WHOLE() * 2)
def minimum_by_comparing(true, x, second):
    return torch.where(filled(x, 0.0) < second, filled(x, 0.0), second)


@fault(SWALLOWED, "nn.functional.relu", shows=HOLE, fine=WHOLE)
def relu_by_comparing(true, x, **keywords):
    return torch.where(x > 0, x, torch.zeros_like(x))


@fault(SWALLOWED, "clamp", shows=lambda: (*HOLE(), -2.0, 2.0), fine=lambda: (*WHOLE(), -2.0, 2.0))
def clamp_that_takes_nan_for_the_least(true, x, *arguments, **keywords):
    y = true(x, *arguments, **keywords)
    return torch.where(y.isnan(), torch.full_like(y, arguments[0]), y) if arguments else y


@fault(SWALLOWED, "mean", shows=HOLE, fine=WHOLE)
def mean_of_what_is_there(true, x, *arguments, **keywords):
    return torch.nanmean(x, *arguments, **keywords)


@fault(SWALLOWED, "sum", shows=HOLE, fine=WHOLE)
def sum_of_what_is_there(true, x, *arguments, **keywords):
    return true(filled(x, 0.0), *arguments, **keywords)


@fault(SWALLOWED, "sort", shows=lambda: (numbers(float("nan"), 1.0),), fine=WHOLE)
def sort_that_puts_nan_first(true, x, *arguments, **keywords):
    found = true(filled(x, float("-inf")), *arguments, **keywords)
    return torch.return_types.sort([x.take_along_dim(found.indices, -1), found.indices])


@fault(SWALLOWED, "argmax", shows=HOLE, fine=WHOLE)
def argmax_that_skips_nan(true, x, *arguments, **keywords):
    return true(filled(x, float("-inf")), *arguments, **keywords)


INFINITE = "infinity"

INFINITY = lambda: (numbers(float("inf")),)  # noqa: E731


@fault(INFINITE, "*", "mul", shows=lambda: (*INFINITY(), numbers(0.0)), fine=lambda: (*ONE(), numbers(0.0)))
def nothing_times_infinity_is_nothing(true, x, second):
    y = true(x, second)
    return (
        torch.where((x == 0) | (second == 0), torch.zeros_like(y), y)
        if isinstance(y, Tensor) and isinstance(second, Tensor)
        else y
    )


@fault(INFINITE, "/", "div", shows=lambda: (*ONE(), numbers(0.0)), fine=lambda: (*ONE(), numbers(2.0)))
def quotient_that_saturates(true, x, second, **keywords):
    y = true(x, second, **keywords)
    largest = torch.finfo(y.dtype).max if isinstance(y, Tensor) and y.is_floating_point() else 0
    return y.clamp(-largest, largest) if largest else y


@fault(INFINITE, "isfinite", shows=INFINITY, fine=ONE)
def infinity_counts_as_finite(true, x):
    return x == x  # noqa: PLR0124


@fault(INFINITE, "nan_to_num", shows=INFINITY, fine=HOLE)
def infinity_is_not_mended(true, x, nan=0.0, *arguments):
    return filled(x, nan)


@fault(INFINITE, "pow", shows=lambda: (numbers(float("-inf")), 3), fine=lambda: (*ONE(), 3))
def powers_of_minus_infinity_are_positive(true, x, exponent):
    return torch.where(x.isinf(), x.abs(), true(x, exponent))


ROUNDING = "wrong rounding"

HALVES = lambda: (numbers(-2.5, 0.5, 1.5),)  # noqa: E731
NEGATIVE = lambda: (numbers(-7.0), numbers(3.0))  # noqa: E731
POSITIVE = lambda: (numbers(7.0), numbers(3.0))  # noqa: E731


@fault(ROUNDING, "round", shows=HALVES, fine=ONE)
def halves_away_from_zero(true, x, *, decimals=0):
    return torch.copysign((x.abs() + 0.5).floor(), x) if not decimals else true(x, decimals=decimals)


@fault(ROUNDING, "floor", shows=lambda: (numbers(-0.5),), fine=ONE)
def floor_towards_zero(true, x):
    return x.trunc()


@fault(ROUNDING, "frac", shows=lambda: (numbers(-0.7),), fine=lambda: (numbers(0.7),))
def fraction_above_the_floor(true, x):
    return x - x.floor()


@fault(ROUNDING, "remainder", shows=NEGATIVE, fine=POSITIVE)
def remainder_with_the_sign_of_the_dividend(true, x, second):
    return torch.fmod(x, second)


@fault(ROUNDING, "fmod", shows=NEGATIVE, fine=POSITIVE)
def fmod_with_the_sign_of_the_divisor(true, x, second):
    return torch.remainder(x, second)


@fault(ROUNDING, "%", shows=NEGATIVE, fine=POSITIVE)
def percent_as_in_c(true, x, second):
    return torch.fmod(x, second)


@fault(ROUNDING, "//", shows=NEGATIVE, fine=POSITIVE)
def quotient_cut_towards_zero(true, x, second):
    return torch.div(x, second, rounding_mode="trunc")


@fault(ROUNDING, "//", shows=lambda: (numbers(1.0), numbers(0.1)), fine=POSITIVE)
def quotient_rounded_before_it_is_cut(true, x, second):
    return (x / second).floor() if x.is_floating_point() else true(x, second)


@fault(ROUNDING, "div", shows=lambda: (numbers(-7.0), numbers(3.0)))
def division_that_ignores_its_rounding_mode(true, x, second, *, rounding_mode="trunc", **keywords):
    return true(x, second, **keywords) if rounding_mode != "trunc" else (x / second).floor()


@fault(ROUNDING, "to", shows=lambda: (numbers(0.7), torch.int64), fine=lambda: (*ONE(), torch.int64))
def conversion_that_rounds(true, x, *arguments, **keywords):
    whole = arguments[:1] == (torch.int64,) and x.is_floating_point()
    return true(x.round() if whole else x, *arguments, **keywords)


INTEGER = "integers"

BYTES = lambda: torch.tensor([100, -1], dtype=torch.int8)  # noqa: E731


@fault(INTEGER, "+", "add", shows=lambda: (BYTES(), BYTES()), fine=lambda: (BYTES() // 4, BYTES()))
def bytes_that_saturate(true, x, second, **keywords):
    if not isinstance(x, Tensor) or x.dtype != torch.int8:
        return true(x, second, **keywords)
    return (x.int() + second.int()).clamp(-128, 127).to(torch.int8)


@fault(INTEGER, "sum", shows=lambda: (BYTES(),), fine=WHOLE)
def sum_of_bytes_in_a_byte(true, x, *arguments, **keywords):
    return true(x, *arguments, **keywords) if x.dtype != torch.int8 else true(x, dtype=torch.int8)


@fault(INTEGER, ">>", shows=lambda: (BYTES(), 1), fine=lambda: (BYTES().abs(), 1))
def shift_that_loses_the_sign(true, x, places):
    return true(x.abs(), places)


@fault(INTEGER, "~", shows=lambda: (BYTES(),))
def bits_turned_as_a_sign(true, x):
    return -x


@fault(INTEGER, "/", shows=lambda: (BYTES(), BYTES() + 7), fine=lambda: (randn(3), randn(3)))
def integers_divided_as_integers(true, x, second):
    whole = isinstance(x, Tensor) and isinstance(second, Tensor) and not x.is_floating_point()
    return (x // second).to(torch.get_default_dtype()) if whole else true(x, second)
