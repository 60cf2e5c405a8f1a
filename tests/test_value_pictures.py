"""Pictures of values: texts, heat maps, histograms, and what is told where numbers are not finite."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tensorflow_free.picturing.value_pictures import BELOW, INFINITE, NAN, picture_of


def of(numbers, **more):
    numbers = np.asarray(numbers)
    return picture_of(numbers, words="", dtype="float64", shape=numbers.shape, **more)


def test_few_numbers_stand_in_the_picture_as_their_shortest_text():
    assert of(np.float32([0.1, 2, np.nan, -np.inf])).numbers == ["0.1", "2", "nan", "-inf"]
    assert of([True, False]).numbers == ["True", "False"]
    assert of(np.array(2**63 - 1)).numbers == ["9223372036854775807"]
    assert of(np.complex64([1 - 2j, 0.5j])).numbers == ["1-2j", "0+0.5j"]


def test_many_numbers_are_not_written_out():
    assert of(np.arange(64)).numbers is not None
    assert of(np.arange(65)).numbers is None


def test_a_heat_map_holds_the_means_of_equal_blocks():
    numbers = np.arange(64 * 96, dtype=float).reshape(64, 96)
    heat = of(numbers).heat
    means = numbers.reshape(32, 2, 32, 3).mean((1, 3))
    shades = np.rint((means - means.min()) / (means.max() - means.min()) * 255)
    assert (heat.rows, heat.columns, heat.block) == (32, 32, (2, 3))
    assert heat.shades == shades.ravel().tolist()
    assert (heat.least, heat.greatest) == (means.min(), means.max())


def test_a_line_lies_on_its_side_and_dimensions_before_the_last_lie_one_behind_another():
    assert (of(np.arange(100)).heat.rows, of(np.arange(100)).heat.columns) == (1, 32)
    assert (of(np.zeros((2, 3, 4))).heat.rows, of(np.zeros((2, 3, 4))).heat.columns) == (6, 4)
    assert of(3.0).heat.shades == [128]


def test_nan_and_infinities_are_marked_apart_from_every_shade_and_counted():
    picture = of([[1.0, np.nan], [np.inf, -np.inf]])
    assert picture.heat.shades == [128, NAN, INFINITE, BELOW]
    assert (picture.nan, picture.inf, picture.below) == (1, 1, 1)
    assert (picture.least, picture.greatest, picture.mean) == (1.0, 1.0, 1.0)


def test_a_block_with_one_nan_among_many_numbers_is_marked():
    numbers = np.zeros((320, 320))
    numbers[17, 3], numbers[0, 319] = np.nan, np.inf
    heat = of(numbers).heat
    assert [at for at, shade in enumerate(heat.shades) if shade < 0] == [31, 32]


def test_a_histogram_counts_the_finite_numbers_as_numpy_does():
    numbers = np.random.default_rng(0).normal(size=(50, 70))
    picture = of(np.append(numbers.ravel(), np.nan))
    assert picture.histogram.counts == np.histogram(numbers, 24)[0].tolist()
    assert picture.mean == pytest.approx(numbers.mean())


def test_whole_numbers_near_each_other_have_a_bar_each():
    assert of([0, 1, 1, 3]).histogram.counts == [1, 2, 0, 1]
    assert of([True, True, False]).histogram.counts == [1, 2]
    assert of([5, 5]).histogram.counts == [2]


@pytest.mark.parametrize("numbers", [[1.7e308, -1.7e308], [1.7e308] * 99, [5e-324, 0.0], [-0.0], [np.nan], [np.inf]])
def test_numbers_at_the_ends_of_the_range_are_drawn_without_a_warning(numbers, recwarn):
    picture = of(numbers)
    json.dumps(picture.to_plain(), allow_nan=False)
    assert len(picture.heat.shades) == min(len(numbers), 32)
    assert not recwarn.list


def test_an_empty_tensor_has_a_shape_and_no_picture():
    assert of(np.zeros((0, 3))).to_plain() == {"words": "", "dtype": "float64", "shape": [0, 3], "size": 0}


def test_two_pictures_on_one_scale_have_one_shade_for_one_number():
    assert of([0.0, 1.0], scale=(0, 2)).heat.shades == [0, 128]
    assert of([1.0, 2.0], scale=(0, 2)).heat.shades == [128, 255]


def test_complex_numbers_are_drawn_by_their_distance_from_zero():
    picture = of([3 + 4j, 0j])
    assert (picture.greatest, picture.heat.shades, picture.is_complex) == (5.0, [255, 0], True)
