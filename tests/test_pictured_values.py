"""Pictures of a run's values: every kind of tensor, and what is no tensor."""

from __future__ import annotations

import json

import pytest
import torch

from tensorflow_free.pages.pictured_values import all_numbers, picture_of_value

DTYPES = (
    "float64",
    "float32",
    "bfloat16",
    "float16",
    "float8_e4m3fn",
    "complex64",
    "complex32",
    "int8",
    "bool",
    "uint16",
)


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_of_every_dtype_are_drawn(dtype):
    picture = picture_of_value(torch.tensor([[0, 1], [1, 0]]).to(getattr(torch, dtype)))
    assert (picture.dtype, picture.shape, picture.size) == (dtype, [2, 2], 4)
    assert picture.heat.shades == [0, 255, 255, 0]


@pytest.mark.parametrize("layout", ["to_sparse", "to_sparse_csr"])
def test_a_sparse_tensor_is_drawn_with_its_zeros(layout):
    picture = picture_of_value(getattr(torch.eye(2), layout)())
    assert picture.numbers == ["1", "0", "0", "1"]
    assert "sparse" in picture.words


def test_a_nested_tensor_is_drawn_part_behind_part():
    picture = picture_of_value(torch.nested.nested_tensor([torch.ones(2), torch.zeros(1)]))
    assert (picture.shape, picture.numbers) == (None, ["1", "1", "0"])


@pytest.mark.parametrize("value", [None, "mean", [1, 2], torch.empty(3, device="meta"), torch.float32])
def test_what_has_no_numbers_has_words_alone(value):
    picture = picture_of_value(value)
    assert picture.words
    assert (picture.size, picture.heat, all_numbers(value)) == (0, None, None)
    json.dumps(picture.to_plain())


def test_a_value_that_is_not_stored_says_why():
    assert picture_of_value(torch.empty(2, device="meta"), unstored="its device was lost").words == (
        "not stored: its device was lost"
    )


def test_a_plain_number_is_drawn_as_a_tensor_of_one():
    assert picture_of_value(2.5).numbers == ["2.5"]


def test_numbers_are_held_up_to_4096():
    assert all_numbers(torch.arange(4096)) == [str(number) for number in range(4096)]
    assert all_numbers(torch.arange(4097)) is None


def test_a_negative_and_a_conjugate_view_are_drawn_as_they_read():
    value = torch.tensor([1 + 2j]).conj()
    assert picture_of_value(value).numbers == ["1-2j"]
    assert picture_of_value(value.imag).numbers == ["-2"]
