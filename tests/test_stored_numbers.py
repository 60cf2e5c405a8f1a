"""What stands in a run's folder is shown without torch, in the words that its result has."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from tensorflow_free import cli, load_recipe, read_result, run_recipe
from tensorflow_free.codec import stored_numbers
from tensorflow_free.codec.arrays import write_arrays
from tensorflow_free.codec.parts import HELD, PAIRS
from tensorflow_free.codec.stored_numbers import NotPlainError, stored_arrays
from tensorflow_free.codec.values import _BY_KIND
from tensorflow_free.report import stored_summary
from tensorflow_free.report.result_report import page_of
from tensorflow_free.report.stored_report import stored_page
from tensorflow_free.report.value_summary import summary
from tensorflow_free.result.model import RunFile
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.result.stored_run import PAIRED, STORED, stored_run
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.text.drawing import text_of
from tests.test_light import loaded_by

DTYPES = sorted([*HELD, *PAIRS], key=str)
RECIPE = {
    "tensors": {"x": {"init": "tensor", "data": [1.0, 2.0], "requires_grad": True}},
    "steps": {"y": "sum(x)"},
    "backward": "y",
}


def of_bits(dtype, count, seed=0):
    """Numbers of random bits: NaN, infinities and subnormal numbers among them; of pairs, none of them."""
    if dtype in PAIRS:
        return torch.view_as_complex(torch.randn(count, 2, generator=torch.manual_seed(seed)).to(PAIRS[dtype]))
    size = count * dtype.itemsize
    raw = torch.randint(256, (size,), dtype=torch.uint8, generator=torch.manual_seed(seed))
    return raw.remainder(2).view(dtype) if dtype == torch.bool else raw.view(dtype)


def saved(folder, values):
    """A run's folder that holds these values, and the result."""
    recipe = load_recipe(RECIPE)
    result = Result(recipe, {name: Record(name, "step", value, "op") for name, value in values.items()})
    result.save(folder)
    return read_result(folder)


def shown_by_numpy(folder):
    with stored_run(folder) as run:
        return text_of(list(stored_page(run)))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_folder_is_shown_as_its_result_whatever_the_dtype(tmp_path, dtype):
    numbers = {f"v{count}": of_bits(dtype, count, count) for count in (1, 6, 7, 1000)}
    numbers |= {
        "whole": of_bits(dtype, 6).reshape(2, 3),
        "none": of_bits(dtype, 1)[:0].reshape(2, 0),
        "one": of_bits(dtype, 1)[0],
    }
    numbers |= {
        "alike": of_bits(dtype, 1).repeat(9),
        "small": torch.arange(9).to(dtype),
        "nan": torch.full((9,), math.nan).to(dtype),
    }
    result = saved(tmp_path, numbers)
    assert shown_by_numpy(tmp_path) == text_of(list(page_of(result)))


@pytest.mark.parametrize("dtype", sorted(HELD, key=str), ids=str)
def test_every_bit_pattern_is_read_as_the_number_that_it_is(tmp_path, dtype):
    count = 256 if dtype.itemsize == 1 else 65536
    raw = torch.arange(count) % 2 if dtype == torch.bool else torch.arange(count)
    values = (
        raw.to(torch.uint8 if dtype.itemsize == 1 else torch.int16)
        .view(torch.uint8)
        .repeat(max(1, dtype.itemsize // 2))
        .view(dtype)
    )
    write_arrays({"x": values}, tmp_path / "a.safetensors")
    with stored_arrays(tmp_path / "a.safetensors") as arrays:
        found = np.concatenate(list(arrays["x"].chunks()))
    wide = values.to(
        torch.complex128 if dtype.is_complex else values.dtype if not dtype.is_floating_point else torch.float64
    )
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(found.astype(wide.numpy().dtype), wide.numpy(), strict=True)


def test_all_dtypes_of_results_are_known():
    assert {word_of(dtype) for dtype in HELD} == set(STORED)
    assert {word_of(dtype) for dtype in PAIRS} == set(PAIRED)
    assert {*_BY_KIND, "tensor"} == stored_summary._MADE_AGAIN


def test_large_arrays_are_read_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_numbers, "CHUNK", 8)
    values = {"x": torch.arange(21.0) - 4, "z": torch.arange(21.0).to(torch.complex128), "b": torch.arange(21) > 2}
    values["n"] = torch.tensor([math.nan, math.inf, -math.inf] * 9)
    assert text_of(list(page_of(saved(tmp_path, values)))) == shown_by_numpy(tmp_path)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        -2.5,
        math.nan,
        -math.inf,
        1 - 2j,
        complex(math.inf, math.nan),
        "words\x1b[31m",
        torch.Size([2, 3]),
        torch.device("cuda:1"),
        torch.float8_e5m2,
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_that_are_no_tensors_are_shown_alike(tmp_path, value):
    assert text_of(list(page_of(saved(tmp_path, {"x": value})))) == shown_by_numpy(tmp_path)


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize(
    "value",
    [
        torch.eye(3).to_sparse(),
        torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
        torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
        torch.tensor([0.0, -0.0] * 5),
        torch.strided,
        (1, 2),
    ],
    ids=lambda value: str(type(value)),
)
def test_what_only_torch_reads_is_left_to_it(tmp_path, value):
    saved(tmp_path, {"x": value})
    with pytest.raises(NotPlainError):
        shown_by_numpy(tmp_path)
    assert cli.recipe_main(["show", str(tmp_path)]) == 0


def test_zeros_of_both_signs_inside_the_range_do_not_matter(tmp_path):
    value = torch.tensor([0.0, -0.0, 1.0, -1.0] * 5)
    saved(tmp_path, {"x": value})
    assert summary(value) in shown_by_numpy(tmp_path)


def header_of(file, change):
    content = file.read_bytes()
    size = int.from_bytes(content[:8], "little")
    head = json.dumps(change(json.loads(content[8 : 8 + size]))).encode()
    file.write_bytes(len(head).to_bytes(8, "little") + head + content[8 + size :])


@pytest.mark.parametrize(
    "change",
    [
        lambda head: [],
        lambda head: head | {"x": head["x"] | {"data_offsets": [0, 9]}},
        lambda head: head | {"x": head["x"] | {"data_offsets": [4, 12]}},
        lambda head: head | {"x": head["x"] | {"data_offsets": [True, 8]}},
        lambda head: head | {"x": head["x"] | {"shape": [-1, -2]}},
        lambda head: head | {"x": head["x"] | {"shape": [2.0]}},
        lambda head: head | {"x": head["x"] | {"shape": [4], "dtype": "F16"}},
        lambda head: head | {"x": head["x"] | {"dtype": "F31"}},
        lambda head: head | {"other": head["x"]},
        lambda head: {},
    ],
)
def test_a_file_whose_table_is_wrong_is_refused_as_safetensors_refuses_it(tmp_path, change, capsys):
    run_recipe(load_recipe(RECIPE)).save(tmp_path)
    header_of(tmp_path / "tensors.safetensors", change)
    with pytest.raises(NotPlainError):
        shown_by_numpy(tmp_path)
    assert cli.recipe_main(["show", str(tmp_path)]) == 2
    assert "tensors.safetensors: " in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"\xff" * 8, b"\2\0\0\0\0\0\0\0{", b"\2\0\0\0\0\0\0\0{}x"])
def test_a_file_that_is_cut_off_is_not_read(tmp_path, content):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(NotPlainError), stored_arrays(tmp_path / "a.safetensors"):
        pass


def test_showing_a_run_loads_no_torch(tmp_path):
    run_recipe(load_recipe("recipes/linear_autograd.yaml")).save(tmp_path)
    code = f"from tensorflow_free.cli import recipe_main; recipe_main(['show', {str(tmp_path)!r}])"
    assert loaded_by(code) & {"torch", "hydra", "safetensors"} == set()
    assert RunFile.model_validate_json((tmp_path / "result.json").read_text()).well
