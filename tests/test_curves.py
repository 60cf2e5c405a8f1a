"""Curves of what every round gave."""

from __future__ import annotations

import numpy as np

from tensorflow_free.picturing.curves import curve_of


def test_a_number_of_each_round_is_a_curve():
    curve = curve_of(np.array([4.0, 2.0, 1.0]))
    assert (curve.rounds, curve.means, curve.is_single) == ([1, 2, 3], [4.0, 2.0, 1.0], True)


def test_of_several_numbers_a_round_has_their_mean_and_how_far_they_reach():
    curve = curve_of(np.array([[1.0, 3.0], [0.0, -4.0]]))
    assert (curve.means, curve.least, curve.greatest, curve.is_single) == ([2, -2], [1, -4], [3, 0], False)


def test_a_round_without_a_finite_number_is_a_gap():
    curve = curve_of(np.array([[1.0, np.nan], [np.nan, np.inf]]))
    assert (curve.means, curve.greatest) == ([1.0, None], [1.0, None])


def test_of_many_rounds_equally_far_ones_are_kept_the_first_and_the_last_among_them():
    curve = curve_of(np.arange(10_000.0))
    assert (len(curve.rounds), curve.rounds[0], curve.rounds[-1]) == (512, 1, 10_000)
    assert curve.means == [number - 1 for number in curve.rounds]


def test_one_round_or_none_is_no_curve():
    assert [curve_of(np.zeros(shape)) for shape in ((), (1,), (0,), (5, 0))] == [None] * 4


def test_complex_numbers_are_drawn_by_their_distance_from_zero():
    assert curve_of(np.array([3 + 4j, 1j])).means == [5.0, 1.0]
