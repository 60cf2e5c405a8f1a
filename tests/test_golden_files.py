"""Goldens on disk: every number bit for bit, text that a person can review, and the old one whole until the new one is."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from opdb.bits import same_bits
from safetensors.torch import load_file, save_file

from tensorflow_free import StorageError, load_recipe, run_recipe
from tensorflow_free.codec.numbers import array_of, listed
from tensorflow_free.codec.values import Opaque
from tensorflow_free.golden import lock, writing
from tensorflow_free.golden.cases import MOST_AS_TEXT, StoredCase, StoredValue
from tensorflow_free.golden.digest import digest_of
from tensorflow_free.golden.model import Made, RecordedNoise
from tensorflow_free.golden.places import find_case, golden_paths, goldens_of, read_golden
from tensorflow_free.golden.reading import read_case
from tensorflow_free.golden.writing import remove_case, write_golden
from tests.processes import succeeded

ROOT = Path(__file__).parent.parent
RECIPE_FILES = sorted((ROOT / "recipes").rglob("*.yaml"))

FLOATING = (
    *("float64", "float32", "float16", "bfloat16"),
    *("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"),
)
COMPLEX = ("complex128", "complex64", "complex32")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = (*FLOATING, *COMPLEX, *INTEGERS, "bool")
"""Every dtype of PyTorch's documentation that holds plain numbers. Source: the table of torch.dtype."""

MADE = Made(tensorflow_free="1.0", torch="2.13.0", cpu="a cpu", capability="AVX2", num_threads=1)
BIG = MOST_AS_TEXT + 1


def case_of(digest="d", starts=None, **values):
    stored = [StoredValue(name, "step", value) for name, value in values.items()]
    return StoredCase(digest, MADE, starts or {}, stored)


def again(value, folder=None):
    """A value written to a golden and read back."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        recipe = Path(made) / "r.yaml"
        write_golden(recipe, "", case_of(v=value))
        return read_case(read_golden(recipe), "")["v"].value


def same(found, wanted):
    """Whether two values are alike bit for bit, in dtype, shape and layout."""
    if not isinstance(wanted, torch.Tensor):
        return (type(found), repr(found)) == (type(wanted), repr(wanted))
    if (found.dtype, found.layout, found.is_nested) != (wanted.dtype, wanted.layout, wanted.is_nested):
        return False
    if wanted.is_nested:
        return all(map(same, found.unbind(), wanted.unbind()))
    if wanted.is_quantized:
        alike = found.qscheme() == wanted.qscheme() and same(found.int_repr(), wanted.int_repr())
        return alike and same(found.dequantize(), wanted.dequantize())
    return found.shape == wanted.shape and same_bits(found, wanted)


def of_bits(raw, dtype, shape):
    """A tensor of these bytes, as many as it needs."""
    count = math.prod(shape) * getattr(torch, dtype).itemsize
    made = torch.tensor(list(raw[:count]), dtype=torch.uint8)
    made = made % 2 if dtype == "bool" else made
    return made.view(getattr(torch, dtype)).reshape(shape)


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# numbers


@st.composite
def tensors(draw):
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 4), max_size=3))
    count = math.prod(shape) * getattr(torch, dtype).itemsize
    return of_bits(draw(st.binary(min_size=count, max_size=count)), dtype, shape)


@given(tensors())
@settings(max_examples=300, deadline=None)
def test_any_bits_of_any_dtype_and_shape_come_back_from_the_text(value):
    back = array_of(json.loads(json.dumps(listed(value), allow_nan=False)), value.dtype, value.shape)
    assert same(back, value)


@given(tensors())
@settings(max_examples=40, deadline=None)
def test_any_bits_of_any_dtype_and_shape_come_back_from_a_golden(value):
    assert same(again(value), value)


@pytest.mark.parametrize("dtype", [one for one in DTYPES if getattr(torch, one).itemsize <= 2 and one != "bool"])
def test_each_number_of_a_small_dtype_comes_back_from_the_text(dtype):
    kind = getattr(torch, dtype)
    raw = torch.arange(2**8, dtype=torch.uint8) if kind.itemsize == 1 else torch.arange(-(2**15), 2**15).short()
    assert same(array_of(listed(raw.view(kind)), kind, raw.shape), raw.view(kind))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_big_array_of_any_dtype_comes_back_from_safetensors(dtype, tmp_path):
    raw = torch.randint(256, (BIG * 16,), generator=torch.Generator().manual_seed(1)).tolist()
    value = of_bits(raw, dtype, [5, BIG // 5])
    write_golden(tmp_path / "r.yaml", "", case_of(v=value))
    assert golden_paths(tmp_path / "r.yaml").arrays.exists()
    assert same(read_case(read_golden(tmp_path / "r.yaml"), "")["v"].value, value)


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16", "float8_e5m2"])
def test_what_a_person_reads_is_the_shortest_decimal_of_its_own_dtype(dtype):
    shortest = {"float16": 0.1, "float32": 0.1, "float64": 0.1, "bfloat16": 0.1, "float8_e5m2": 0.09}[dtype]
    value = torch.tensor([0.1, -0.0, math.inf, -math.inf, math.nan], dtype=torch.float64).to(getattr(torch, dtype))
    assert str(listed(value)) == str([shortest, -0.0, "inf", "-inf", "nan"])


def test_float32_texts_are_as_short_as_numpys():
    bits_of = torch.randint(-(2**31), 2**31, (3000,), generator=torch.Generator().manual_seed(2)).int()
    value = bits_of.view(torch.float32)
    value = value[value.isfinite()]
    assert [float(str(number)) for number in value.numpy()] == listed(value)


def test_a_nan_with_a_payload_is_its_bits():
    value = torch.tensor([0x7FC00000, 0x7FC00001, -0x400000, 0x7F800001], dtype=torch.int32).view(torch.float32)
    assert listed(value) == ["nan", "0x7fc00001", "-nan", "0x7f800001"]


def test_subnormals_stand_as_decimals():
    assert listed(torch.tensor([5e-324, -1e-310], dtype=torch.float64)) == [5e-324, -1e-310]


with warnings.catch_warnings():
    # torch warns of layouts that it calls young or old
    warnings.simplefilter("ignore")
    LAYOUTS = {
        "coo": torch.eye(3, dtype=torch.complex64).to_sparse(),
        "uncoalesced": torch.sparse_coo_tensor([[0, 0]], [1.5, -0.0], (2,)),
        "csr": torch.eye(3).to_sparse_csr(),
        "csc": torch.eye(3, dtype=torch.complex128).to_sparse_csc(),
        "bsr": torch.ones(4, 4).to_sparse_bsr((2, 2)),
        "bsc": torch.ones(4, 4).to_sparse_bsc((2, 2)),
        "big coo": torch.ones(20, 20).to_sparse(),
        "empty coo": torch.zeros(3, 0).to_sparse(),
        "quantised": torch.quantize_per_tensor(torch.tensor([0.1, 0.7]), 0.1, 3, torch.quint8),
        "by channel": torch.quantize_per_channel(
            torch.ones(2, 3), torch.tensor([0.1, 0.2]), torch.tensor([0, 1]), 0, torch.qint8
        ),
        "nested": torch.nested.nested_tensor([torch.ones(2), torch.zeros(3)]),
        "jagged": torch.nested.nested_tensor([torch.ones(2, 2), torch.zeros(3, 2)], layout=torch.jagged),
        "conjugate": torch.tensor([1 + 2j, math.nan]).conj(),
        "negative": torch.tensor([1 + 2j]).conj().imag,
        "expanded": torch.tensor(2.0).expand(3, 2),
        "transposed": torch.arange(6).reshape(2, 3).T,
        "nothing": torch.zeros(0, 3, 0, dtype=torch.bfloat16),
        "bytes": torch.arange(4, dtype=torch.uint8).view(torch.bits8),
    }


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_tensor_of_any_layout_comes_back(name, tmp_path):
    assert same(again(LAYOUTS[name], tmp_path), LAYOUTS[name])


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, 3, -(2**70), 0.1, -0.0, math.inf, 1 - 2j, "nan", "two\nlines"),
        *(torch.Size([2, 3]), torch.Size([]), torch.float8_e5m2, torch.device("cuda:1"), torch.sparse_coo),
        *(torch.channels_last, (1, 2.5, None, "a"), [torch.float32, math.inf, (1j, "inf")]),
    ],
)
def test_a_value_that_is_no_tensor_comes_back(value, tmp_path):
    back = again(value, tmp_path)
    assert (repr(back), type(back)) == (repr(value), type(value))


def test_a_number_that_is_nan_comes_back(tmp_path):
    assert math.isnan(again(math.nan, tmp_path))


def test_of_a_value_that_no_file_holds_its_type_is_kept(tmp_path):
    grad_fn = torch.ones(1, requires_grad=True).mul(2).grad_fn
    assert again(grad_fn, tmp_path) == again(Opaque("MulBackward0"), tmp_path) == Opaque("MulBackward0")


def test_a_tensor_on_meta_keeps_its_shape_and_dtype(tmp_path):
    back = again(torch.empty(2, 300, dtype=torch.float16, device="meta"), tmp_path)
    assert (back.is_meta, list(back.shape), back.dtype) == (True, [2, 300], torch.float16)


def test_all_that_a_case_says_comes_back(tmp_path):
    noise = {
        "float32": RecordedNoise(rmse=1e-8, max_abs=math.inf, nonfinite=2),
        "float16": RecordedNoise(rmse=0.0, max_abs=5e-324),
    }
    values = (StoredValue("i", "gradient", torch.tensor(3), "argmax", noise, "dtype-dependent"),)
    written = StoredCase("abc", MADE, {"x": torch.tensor(1.0)}, values, {"float16": 'no "addmm" kernel'})
    write_golden(tmp_path / "r.yaml", "", written)
    assert read_case(read_golden(tmp_path / "r.yaml"), "") == written


def test_the_results_of_every_recipe_come_back(tmp_path):
    seen = 0
    for path in RECIPE_FILES:
        with suppress(Exception):
            records = run_recipe(load_recipe(path, ["dtype=float64"])).records
            write_golden(tmp_path / path.name, "", case_of(**{name: one.value for name, one in records.items()}))
            case = read_case(read_golden(tmp_path / path.name), "")
            assert all(same(one.value, records[one.name].value) for one in case.values if type(one.value) is not Opaque)
            seen += len(case.values)
    assert seen > 300


# text


def test_a_golden_reads_well(tmp_path):
    noise = {
        "float32": RecordedNoise(rmse=1e-08, max_abs=3e-08),
        "float16": RecordedNoise(rmse=0.5, max_abs=1.0, nonfinite=1),
    }
    values = (
        StoredValue("y", "step", torch.tensor([[1.5, math.nan], [-0.0, 0.1]], dtype=torch.float64), "mul", noise),
        StoredValue("i", "step", torch.arange(20), "argsort", {}, "dtype-dependent"),
        StoredValue("x.grad", "gradient", None),
    )
    start = {"x": torch.arange(6, dtype=torch.float64) / 4}
    write_golden(tmp_path / "r.yaml", "small", StoredCase("abc", MADE, start, values, {"bfloat16": "no kernel"}))
    assert golden_paths(tmp_path / "r.yaml").json.read_text() == GOLDEN_TEXT


GOLDEN_TEXT = """\
{
 "format_version": 1,
 "recipe": "r",
 "cases": {
  "small": {
   "digest": "abc",
   "made": {"tensorflow_free": "1.0", "torch": "2.13.0", "cpu": "a cpu", "capability": "AVX2", "num_threads": 1, "settings": {}},
   "unsupported": {
    "bfloat16": "no kernel"
   },
   "starts": [
    {"name": "x", "dtype": "float64", "shape": [6],
     "value": [
      0.0, 0.25, 0.5, 0.75,
      1.0, 1.25
     ]}
   ],
   "values": [
    {"name": "y", "dtype": "float64", "shape": [2, 2], "kind": "step", "op": "mul",
     "value": [
      [1.5, "nan"],
      [-0.0, 0.1]
     ],
     "noise": {
      "float32": {"rmse": 1e-08, "max_abs": 3e-08},
      "float16": {"rmse": 0.5, "max_abs": 1.0, "nonfinite": 1}
     }},
    {"name": "i", "dtype": "int64", "shape": [20], "kind": "step", "op": "argsort", "mark": "dtype-dependent",
     "value": [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
      16, 17, 18, 19
     ]},
    {"name": "x.grad", "type": "none", "kind": "gradient"}
   ]
  }
 }
}
"""


def test_a_number_that_moves_changes_one_line(tmp_path):
    values = torch.arange(64.0).reshape(8, 8)
    texts = []
    for moved in (0.0, 1e-3):
        values[3, 5] += moved
        write_golden(tmp_path / "r.yaml", "", case_of(v=values))
        texts.append(golden_paths(tmp_path / "r.yaml").json.read_text().splitlines())
    assert sum(one != other for one, other in zip(*texts, strict=True)) == 1


def test_a_second_recording_writes_no_byte(tmp_path):
    case = case_of(v=torch.arange(3.0), w=torch.arange(300.0))
    assert write_golden(tmp_path / "r.yaml", "", case) == tmp_path / "r.golden.json"
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert write_golden(tmp_path / "r.yaml", "", case) is None
    assert stamps == {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}


def test_cases_in_any_order_and_by_any_way_give_the_same_bytes(tmp_path):
    cases = {"b": case_of(v=torch.ones(99)), "a": case_of(v=torch.zeros(99)), "": case_of(v=torch.ones(2))}
    for folder, names in (("one", "b a"), ("two", "a b a")):
        (tmp_path / folder).mkdir()
        write_golden(tmp_path / folder / "r.yaml", "b", case_of(v=torch.full((99,), 7.0)))
        for name in ["", *names.split()]:
            write_golden(tmp_path / folder / "r.yaml", name, cases[name])
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert sorted(files_of(tmp_path / "one")) == ["r.golden.json", "r.golden.safetensors"]


def test_without_big_arrays_there_is_no_safetensors_file(tmp_path):
    write_golden(tmp_path / "r.yaml", "", case_of(v=torch.ones(BIG)))
    write_golden(tmp_path / "r.yaml", "", case_of(v=torch.ones(MOST_AS_TEXT)))
    assert list(files_of(tmp_path)) == ["r.golden.json"]


def test_arrays_that_share_memory_are_stored_apart(tmp_path):
    value = torch.arange(200.0)
    write_golden(tmp_path / "r.yaml", "", case_of(v=value, w=value, u=value[:100]))
    case = read_case(read_golden(tmp_path / "r.yaml"), "")
    assert all(same(case[name].value, wanted) for name, wanted in {"v": value, "w": value, "u": value[:100]}.items())


# names, devices, cases


def test_a_device_has_its_own_golden_and_else_the_default(tmp_path):
    write_golden(tmp_path / "r.yaml", "", case_of("default"))
    write_golden(tmp_path / "r.yaml", "", case_of("own"), "cuda:1")
    found = [read_golden(tmp_path / "r.yaml", device) for device in ("cuda", "cuda:0", "mps", None)]
    assert [(one.cases[""].digest, one.device, one.path.name) for one in found] == [
        *[("own", "cuda", "r.cuda.golden.json")] * 2,
        *[("default", None, "r.golden.json")] * 2,
    ]


def test_a_case_that_a_devices_golden_lacks_is_taken_from_the_default(tmp_path):
    write_golden(tmp_path / "r.yaml", "small", case_of("default"))
    write_golden(tmp_path / "r.yaml", "big", case_of("own"), "cuda")
    assert find_case(tmp_path / "r.yaml", "small", "cuda").device is None
    assert find_case(tmp_path / "r.yaml", "big", "cuda").device == "cuda"
    assert find_case(tmp_path / "r.yaml", "other", "cuda") is None


def test_a_recipe_without_a_golden_has_none(tmp_path):
    assert (read_golden(tmp_path / "r.yaml"), goldens_of(tmp_path / "r.yaml", "cuda")) == (None, [])


def test_the_golden_of_a_recipe_that_is_named_like_a_device_is_not_anothers(tmp_path):
    (tmp_path / "r.cuda.yaml").write_text("")
    write_golden(tmp_path / "r.cuda.yaml", "", case_of())
    assert read_golden(tmp_path / "r.yaml", "cuda") is None
    with pytest.raises(StorageError, match=r"the golden of 'r\.cuda\.yaml' too; rename one"):
        write_golden(tmp_path / "r.yaml", "", case_of(), "cuda")


def test_a_case_can_be_taken_out_and_with_the_last_the_files(tmp_path):
    for name in ("a", "b"):
        write_golden(tmp_path / "r.yaml", name, case_of(v=torch.ones(99) * len(name + "b")))
    assert remove_case(tmp_path / "r.yaml", "c") is None
    remove_case(tmp_path / "r.yaml", "a")
    assert list(read_golden(tmp_path / "r.yaml").cases) == ["b"]
    remove_case(tmp_path / "r.yaml", "b")
    assert (files_of(tmp_path), remove_case(tmp_path / "r.yaml", "b")) == ({}, None)


# broken goldens


@pytest.fixture
def golden(tmp_path):
    """A golden with a small value and a big one; its two files."""
    write_golden(tmp_path / "r.yaml", "", case_of(v=torch.tensor([1.0, 2.0]), w=torch.arange(100.0), n=3))
    return golden_paths(tmp_path / "r.yaml")


def whole(recipe):
    return read_case(read_golden(recipe), "")


def refused(golden, words):
    with pytest.raises(StorageError, match=words) as caught:
        whole(golden.json.with_name("r.yaml"))
    assert "\n" not in str(caught.value)


def changed(golden, old, new):
    text = golden.json.read_text()
    assert old in text
    golden.json.write_text(text.replace(old, new))


def test_a_golden_that_is_cut_off_anywhere_is_told(golden):
    text = golden.json.read_text().rstrip()
    for length in range(1, len(text), 7):
        golden.json.write_text(text[:length])
        refused(golden, r"r\.golden\.json: the golden is cut off at line \d+; record it again: recipe record .*r\.yaml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "the golden is empty"),
        ("hello", "the golden is not JSON: expected value at line 1 column 1"),
        ("[1]", "this is not a golden; it has no 'format_version'"),
        ("{}", "this is not a golden; it has no 'format_version'"),
        ('{"format_version": "x"}', "this is not a golden; it has no 'format_version'"),
        ('{"format_version": 1}', "recipe: Field required"),
        ("{\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> other\n}", "the golden contains git's conflict markers"),
        ("[" * 10_000, "the golden is not JSON: recursion limit exceeded"),
        ("\xff", "the golden is not JSON"),
    ],
)
def test_a_file_that_is_no_golden_is_told(content, words, golden):
    golden.json.write_bytes(content.encode("latin-1"))
    refused(golden, words)


def test_a_newer_golden_is_neither_read_nor_written_over(golden):
    golden.json.write_text('{"format_version": 3, "something": "new"}')
    refused(golden, r"the golden is of format 3; this tensorflow_free reads up to 2$")
    with pytest.raises(StorageError, match="format 3"):
        write_golden(golden.json.with_name("r.yaml"), "", case_of())
    assert "new" in golden.json.read_text()


def test_another_recipes_golden_is_told(golden):
    for path in golden:
        path.rename(path.with_name(path.name.replace("r.", "s.", 1)))
    with pytest.raises(StorageError, match="this is the golden of 'r', not of 's'; record it again"):
        read_golden(golden.json.with_name("s.yaml"))


def test_a_golden_under_the_name_of_a_devices_is_told(golden):
    golden.json.rename(golden.json.with_name("r.cuda.golden.json"))
    with pytest.raises(StorageError, match="this is the golden for every device, not for cuda"):
        read_golden(golden.json.with_name("r.yaml"), "cuda")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[1.0, 2.0]", "[1.0]", r"'v': a row of 1 stands where its shape \[2\] wants a row of 2"),
        ("[1.0, 2.0]", "[1.0, 2.0, 3.0]", r"'v': a row of 3 stands where its shape \[2\] wants a row of 2"),
        ("[1.0, 2.0]", "1.0", r"'v': the number '1.0' stands where its shape \[2\] wants a row of 2"),
        ("[1.0, 2.0]", '[1.0, "two"]', "'v': 'two' is not a number of float32"),
        ("[1.0, 2.0]", '[1.0, "0x7fc"]', "'v': '0x7fc' is not a number of float32"),
        ("[1.0, 2.0]", "[1.0, true]", "'v': 'True' is not a number of float32"),
        ('"float32", "shape": [2]', '"int32", "shape": [2]', "'v': '1.0' is not a number of int32"),
        ('"float32", "shape": [2]', '"system", "shape": [2]', "'v': 'system' is no dtype of this torch"),
        ('"shape": [2]', '"shape": [2], "stride": [1]', "stride: Extra inputs are not permitted"),
        ('"name": "v"', '"name": "w"', "'w' occurs twice in it"),
        ('"value": 3', '"value": {}', "'n': .*record it again"),
        ('"type": "number"', '"type": "dtype"', "'n': .*record it again"),
    ],
)
def test_a_number_that_does_not_fit_is_told(old, new, words, golden):
    changed(golden, old, new)
    refused(golden, words)


def stored(golden):
    return load_file(golden.arrays)


def test_an_array_that_is_missing_is_told(golden):
    name = next(iter(stored(golden)))
    save_file({}, golden.arrays)
    refused(golden, rf"r\.golden\.safetensors: '{name}' is missing; record it again")
    golden.arrays.unlink()
    refused(golden, rf"'{name}' is missing")


def test_an_array_too_many_is_told(golden):
    save_file({**stored(golden), "x#0": torch.ones(1)}, golden.arrays)
    refused(golden, "'x#0' is not named in r.golden.json; record it again")


def test_the_right_bytes_under_the_wrong_dtype_are_told(golden):
    save_file({name: array.view(torch.int32) for name, array in stored(golden).items()}, golden.arrays)
    refused(golden, r"'w' is int32 \[100\] here, and float32 \[100\] in r\.golden\.json")


def test_the_right_bytes_under_the_wrong_dtype_in_both_files_are_told(golden):
    save_file({name: array.view(torch.int32) for name, array in stored(golden).items()}, golden.arrays)
    changed(golden, '"dtype": "float32", "shape": [100]', '"dtype": "int32", "shape": [100]')
    refused(golden, "'w' does not hold the numbers that were recorded")


def test_the_right_bytes_in_the_wrong_shape_are_told(golden):
    save_file({name: array.reshape(10, 10) for name, array in stored(golden).items()}, golden.arrays)
    refused(golden, r"'w' is float32 \[10, 10\] here, and float32 \[100\] in r\.golden\.json")


def test_one_bit_that_is_another_is_told(golden):
    raw = bytearray(golden.arrays.read_bytes())
    raw[-1] ^= 1
    golden.arrays.write_bytes(raw)
    refused(golden, "'w' does not hold the numbers that were recorded; record it again")


def test_the_arrays_of_another_recording_are_told(golden):
    text = golden.json.read_bytes()
    write_golden(golden.json.with_name("r.yaml"), "", case_of(w=torch.zeros(100)))
    golden.json.write_bytes(text)
    refused(golden, "is missing; record it again")


def test_arrays_that_are_cut_off_anywhere_are_told(golden):
    raw = golden.arrays.read_bytes()
    for length in range(0, len(raw), 23):
        golden.arrays.write_bytes(raw[:length])
        refused(golden, r"r\.golden\.safetensors: cannot be read: ")


def test_a_golden_that_may_not_be_read_is_told_and_left(golden, monkeypatch):
    def forbidden(path, within=None):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    before = files_of(golden.json.parent)
    with monkeypatch.context() as patched:
        patched.setattr("tensorflow_free.golden.places.read_file", forbidden)
        refused(golden, r"r\.golden\.json: the golden cannot be read: Permission denied")
        with pytest.raises(StorageError, match="Permission denied"):
            write_golden(golden.json.with_name("r.yaml"), "", case_of())
    assert files_of(golden.json.parent) == before


def test_what_is_broken_is_written_over_and_what_is_whole_beside_it_stays(golden):
    recipe = golden.json.with_name("r.yaml")
    write_golden(recipe, "big", case_of(u=torch.ones(300)))
    write_golden(recipe, "small", case_of(u=torch.ones(3)))
    save_file({name: array for name, array in stored(golden).items() if name.startswith("w")}, golden.arrays)
    write_golden(recipe, "new", case_of())
    assert list(read_golden(recipe).cases) == ["", "new", "small"]
    golden.json.write_text("{")
    write_golden(recipe, "new", case_of())
    assert (list(read_golden(recipe).cases), list(files_of(recipe.parent))) == (["new"], ["r.golden.json"])


def test_a_folder_that_is_read_only_is_told_and_left_as_it_was(golden, monkeypatch):
    def forbidden(path, *_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    before = files_of(golden.json.parent)
    monkeypatch.setattr(Path, "write_bytes", forbidden)
    with pytest.raises(StorageError, match=r"r\.golden\.json: the golden cannot be written: Permission denied"):
        write_golden(golden.json.with_name("r.yaml"), "", case_of())
    monkeypatch.undo()
    assert whole(golden.json.with_name("r.yaml"))["n"].value == 3
    write_golden(golden.json.with_name("r.yaml"), "", case_of(v=torch.tensor([1.0, 2.0]), w=torch.arange(100.0), n=3))
    assert files_of(golden.json.parent) == before


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(StorageError, match="the golden cannot be written: No such file or directory"):
        write_golden(tmp_path / "nowhere" / "r.yaml", "", case_of())


# broken off


class Interrupting:
    """^C before, or just after, the nth thing that is done to a file."""

    def __init__(self, patched, at, *, after):
        self.count, self.at, self.after = 0, at, after
        for name in ("replace", "unlink", "write_bytes", "read_bytes"):
            patched.setattr(Path, name, self.interrupted(getattr(Path, name)))
        patched.setattr(writing, "bytes_of", self.interrupted(writing.bytes_of))

    def interrupted(self, function):
        def call(*args, **kwargs):
            self.count += 1
            if self.count == self.at and not self.after:
                raise KeyboardInterrupt
            done = function(*args, **kwargs)
            if self.count == self.at:
                raise KeyboardInterrupt
            return done

        return call


SIZES = {"small": 2, "big": BIG, "bigger": 4 * BIG}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("old", "new"), [(old, new) for old in SIZES for new in SIZES])
def test_wherever_a_recording_is_broken_off_the_old_golden_or_the_new_one_is_whole(old, new, after, tmp_path):
    first = case_of("old", v=torch.zeros(SIZES[old]), same=torch.ones(99))
    second = case_of("new", v=torch.ones(SIZES[new]), same=torch.ones(99))
    seen = []
    for at in range(1, 40):
        recipe = tmp_path / f"{at}" / "r.yaml"
        recipe.parent.mkdir()
        write_golden(recipe, "", first)
        write_golden(recipe, "other", first)
        with pytest.MonkeyPatch.context() as patched:
            interrupting = Interrupting(patched, at, after=after)
            with suppress(KeyboardInterrupt):
                write_golden(recipe, "", second)
        found, other = whole(recipe), read_case(read_golden(recipe), "other")
        wanted = {"old": first, "new": second}[found.digest]
        assert all(same(found[name].value, wanted[name].value) for name in ("v", "same"))
        assert same(other["v"].value, first["v"].value)
        seen.append(found.digest)
        if interrupting.count < at:
            break
    assert seen[0] == "old"
    assert seen[-1] == "new"
    write_golden(tmp_path / "1" / "r.yaml", "", second)
    assert files_of(tmp_path / "1") == files_of(recipe.parent)


def test_a_first_recording_that_is_broken_off_leaves_no_golden_or_a_whole_one(tmp_path):
    for at in range(1, 40):
        recipe = tmp_path / f"{at}" / "r.yaml"
        recipe.parent.mkdir()
        with pytest.MonkeyPatch.context() as patched:
            interrupting = Interrupting(patched, at, after=False)
            with suppress(KeyboardInterrupt):
                write_golden(recipe, "", case_of(v=torch.ones(BIG)))
        assert read_golden(recipe) is None or same(whole(recipe)["v"].value, torch.ones(BIG))
        if interrupting.count < at:
            break
    assert read_golden(recipe) is not None


def script(code, folder):
    """Run code in a fresh Python, which may fork and be killed."""
    head = "import os, random, signal, sys, time, torch\nfrom pathlib import Path\nfrom test_golden_files import *\n"
    # a kill takes nothing that the system has, so that nobody need wait for the disk
    head += "os.fsync = lambda _: None\n"
    whole = f"{head}torch.set_num_threads(1)\nrecipe = Path({str(folder)!r}) / 'r.yaml'\n{code}"
    variables = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    return succeeded(sys.executable, "-c", whole, cwd=ROOT, env=variables).stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_recording_that_is_killed_at_any_moment_leaves_a_whole_golden(tmp_path):
    code = """
cases = [case_of(str(one), v=torch.full((BIG * 100,), float(one))) for one in range(2)]
write_golden(recipe, '', cases[0])
seen = []
while len(seen) < 25 or (len(set(seen)) < 2 and len(seen) < 250):
    child = os.fork()
    while child == 0:
        for case in cases:
            write_golden(recipe, '', case)
    # a machine that is busy gets longer, time after time
    time.sleep(random.Random(len(seen)).uniform(0.001, 0.03) * (1 + len(seen) // 25))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = whole(recipe)
    assert same(found['v'].value, cases[int(found.digest)]['v'].value)
    seen.append(found.digest)
print(*seen)
write_golden(recipe, '', case_of('2'))
"""
    seen = script(code, tmp_path).split()
    assert len(seen) >= 25
    assert set(seen) == {"0", "1"}
    assert list(files_of(tmp_path)) == ["r.golden.json"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs the rights of a POSIX system")
def test_a_folder_that_the_system_holds_read_only_is_told():
    code = """
write_golden(recipe, '', case_of(v=torch.ones(BIG)))
before = files_of(recipe.parent)
recipe.parent.chmod(0o555)
os.getuid() or os.setuid(65534)  # root may write anywhere; nobody may not
with pytest.raises(StorageError, match='r.golden.json: the golden cannot be written: Permission denied'):
    write_golden(recipe, '', case_of(v=torch.zeros(BIG)))
assert files_of(recipe.parent) == before
"""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        script(code, folder)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_workers_that_record_cases_of_one_golden_at_once_lose_none(tmp_path):
    code = """
for worker in range(6):
    if os.fork() == 0:
        for turn in range(5):
            write_golden(recipe, f'c{worker}', case_of(str(turn), v=torch.full((BIG,), worker * 10.0 + turn)))
        os._exit(0)
for worker in range(6):
    assert os.wait()[1] == 0
"""
    script(code, tmp_path)
    golden = read_golden(tmp_path / "r.yaml")
    assert {name: case.digest for name, case in golden.cases.items()} == {f"c{worker}": "4" for worker in range(6)}
    assert [float(read_case(golden, f"c{one}")["v"].value[0]) for one in range(6)] == [one * 10 + 4 for one in range(6)]


def test_a_golden_is_read_whole_while_others_record_it(tmp_path):
    cases = [case_of(str(one), v=torch.full((BIG,), float(one))) for one in range(2)]
    write_golden(tmp_path / "r.yaml", "", cases[0])
    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(write_golden, tmp_path / "r.yaml", "", cases[one % 2]) for one in range(60)]
        while not all(writer.done() for writer in writers):
            found = whole(tmp_path / "r.yaml")
            assert same(found["v"].value, cases[int(found.digest)]["v"].value)
    assert all(writer.exception() is None for writer in writers)


def test_a_lock_that_is_never_given_back_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "PATIENCE_S", 0.05)
    path = golden_paths(tmp_path / "r.yaml").json
    with lock.locked(path), pytest.raises(StorageError, match=r"another recording has held its lock for 0\.05 s"):
        write_golden(tmp_path / "r.yaml", "", case_of())


# digests

PLAIN = """
tensors: {x: {init: randn, size: [3]}, w: {init: ones, size: [3]}}
steps:
  y: x * w
  z: {op: sum, args: [y], kwargs: {dim: 0, keepdim: true}}
backward: {target: z, gradient: {init: ones}}
"""


def digest(folder, text, case=""):
    (folder / "r.yaml").write_text(text)
    return digest_of(folder / "r.yaml", case)


@pytest.mark.parametrize(
    "text",
    [
        f"# a comment\n{PLAIN}",
        f"{PLAIN}description: words\ntags: [a]\nsource: https://example.org\n",
        f"{PLAIN}xfail: [{{reason: known}}]\nexpect: {{z: {{shape: [1]}}}}\n",
        f"{PLAIN}cases: {{small: {{params: {{n: 1}}}}}}\n",
        PLAIN.replace("x * w", "'x*w  '"),
        PLAIN.replace("dim: 0, keepdim: true", "keepdim: true, dim: 0"),
        f"backward: {{gradient: {{init: ones}}, target: z}}\n{PLAIN[: PLAIN.index('backward')]}",
    ],
)
def test_a_digest_stays_where_only_words_change(text, tmp_path):
    assert digest(tmp_path, text) == digest(tmp_path, PLAIN)


@pytest.mark.parametrize(
    "text",
    [
        f"{PLAIN}dtype: float16\n",
        f"{PLAIN}seed: 1\n",
        f"{PLAIN}settings: {{num_threads: 1}}\n",
        f"{PLAIN}tolerance: {{rtol: 1}}\n",
        f"{PLAIN}checks: {{c: z + 1}}\n",
        PLAIN.replace("x * w", "x / w"),
        PLAIN.replace("dim: 0", "dim: -1"),
        PLAIN.replace("ones, size: [3]", "ones, size: [3.0]"),
        PLAIN.replace(
            "{x: {init: randn, size: [3]}, w: {init: ones, size: [3]}}",
            "{w: {init: ones, size: [3]}, x: {init: randn, size: [3]}}",
        ),
    ],
)
def test_a_digest_changes_with_what_may_change_numbers(text, tmp_path):
    assert digest(tmp_path, text) != digest(tmp_path, PLAIN)


def test_a_digest_is_of_its_own_case_alone(tmp_path):
    text = PLAIN + "params: {n: 1}\ncases: {a: {params: {n: 2}}, b: {params: {n: 3}}}\n"
    before = [digest(tmp_path, text, case) for case in ("", "a", "b")]
    after = [digest(tmp_path, text.replace("n: 3", "n: 4"), case) for case in ("", "a", "b")]
    assert len(set(before)) == 3
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, True, False]


def test_a_digest_knows_the_recipes_and_files_that_a_recipe_is_made_of(tmp_path):
    text = "defaults: [other]\nsteps: {y: x + 1}\n"
    seen = []
    for seed, number in ((0, 1.0), (1, 1.0), (1, 2.0)):
        (tmp_path / "other.yaml").write_text(f"seed: {seed}\ntensors: {{x: {{init: load, path: x.safetensors}}}}\n")
        save_file({"x": torch.tensor(number)}, tmp_path / "x.safetensors")
        seen.append(digest(tmp_path, text))
    assert len(set(seen)) == 3


def test_a_digest_is_the_same_on_every_machine(tmp_path):
    assert digest(tmp_path, PLAIN) == "324855f3bd0e778b0cbdbe91dae875ed6ebe9a888b525e86ca8f8e5722c21484"
    assert digest(tmp_path, f"device: auto\n{PLAIN}") == digest(tmp_path, f"{PLAIN}device: auto\n")


def test_listing_goldens_loads_no_torch():
    code = "import sys; from tensorflow_free.golden import digest, json_text, places; print('torch' in sys.modules)"
    assert succeeded(sys.executable, "-c", code, cwd=ROOT).stdout == "False\n"
    code = code.replace("places", "places, reading")
    assert succeeded(sys.executable, "-c", code, cwd=ROOT).stdout == "True\n"
