"""What a run leaves on disk: every value bit for bit, strict JSON, and a recipe that runs again to the same bits."""

from __future__ import annotations

import contextlib
import copy
import errno
import functools
import json
import math
import operator
import os
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
import torch
from opdb.bits import differences
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tensorflow_free import Recipe, RecipeError, StorageError, load_recipe, read_result, register_op, run_recipe
from tensorflow_free.codec import arrays
from tensorflow_free.codec.values import Opaque
from tensorflow_free.loading import cases_of, plan_of
from tensorflow_free.result import writing
from tensorflow_free.result.environment import environment_of
from tensorflow_free.result.model import RunFile
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.runner import run as run_plan

RECIPES = Path(__file__).parent.parent / "recipes"
RECIPE_FILES = sorted(RECIPES.rglob("*.yaml"))

DTYPES = (
    *("float64", "float32", "float16", "bfloat16", "complex128", "complex64", "complex32", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"),
)
"""Every dtype of PyTorch's documentation that holds plain numbers. Source: the table of torch.dtype."""


def run(overrides=(), **recipe):
    return run_recipe(load_recipe(recipe, list(overrides)))


def result_of(**values):
    return Result(Recipe(), {name: Record(name, "step", value) for name, value in values.items()})


def stored(folder, **values):
    """The values as they are read back."""
    return read_result(result_of(**values).save(folder))


def assert_same(actual, expected):
    """Two results hold the same names, and the same bits under each; addresses of objects do not count."""
    assert list(actual) == list(expected)
    for name in expected:
        one, other = (
            torch.as_tensor(of[name]) if type(of[name]) is np.ndarray else of[name] for of in (actual, expected)
        )
        assert type(one) is Opaque or "object at 0x" in str(other) or list(differences(name, one, other)) == []


def any_bits(dtype):
    """A [6, 16] tensor of random bytes: with NaN payloads, subnormals, infinities and signed zeros among them."""
    if dtype == torch.bool:
        return torch.arange(96).reshape(6, 16) % 3 == 0
    seeded = torch.Generator().manual_seed(0)
    raw = torch.randint(0, 256, (6, 16 * dtype.itemsize), dtype=torch.uint8, generator=seeded)
    return raw.view(dtype)


# values, bit for bit


@pytest.mark.parametrize("name", ["v", "v_and_more"])
def test_a_complex_number_read_back_lies_where_kernels_take_it_to_lie(name, tmp_path):
    # the length of a name moves the numbers in the file, where complex128 is stored as pairs of float64
    value = torch.complex(torch.arange(15.0, dtype=torch.float64), torch.ones(15, dtype=torch.float64))
    found = stored(tmp_path, **{name: value})[name]
    assert found.data_ptr() % 16 == 0
    assert torch.equal(found - value, torch.zeros(15, dtype=torch.complex128))


@pytest.mark.filterwarnings("ignore:ComplexHalf")
@pytest.mark.parametrize("word", DTYPES)
def test_every_dtype_comes_back_bit_for_bit(tmp_path, word):
    x = any_bits(getattr(torch, word))
    read = stored(tmp_path, x=x, one=x[0, 0], none=x[:0], turned=x.t(), every_third=x[:, 1::3])
    for name, value in {"x": x, "one": x[0, 0], "none": x[:0], "turned": x.t(), "every_third": x[:, 1::3]}.items():
        assert list(differences(name, read[name], value)) == []


def test_all_dtypes_of_a_recipe_are_tried():
    from tensorflow_free.recipe import names

    assert set(DTYPES) == set(names.DTYPES)


def test_a_changed_bit_is_seen():
    x = torch.tensor([0.0])
    assert list(differences("x", torch.tensor([-0.0]), x)) != []


def test_special_numbers_come_back(tmp_path):
    payload = torch.tensor([0x7FC00001, -0x3FFFFF], dtype=torch.int32).view(torch.float32)
    special = torch.cat([payload, torch.tensor([math.inf, -math.inf, -0.0, 1e-45])])
    read = stored(tmp_path, x=special)["x"]
    assert read.view(torch.int32).tolist() == special.view(torch.int32).tolist()


def test_views_come_back_as_the_numbers_that_they_show(tmp_path):
    x = torch.randn(4, 6, dtype=torch.complex64)
    views = {
        "expanded": x[:, :1].expand(4, 5),
        "overlapping": x.flatten().as_strided([5, 3], [2, 1]),
        "conj": x.conj(),
        "negative": x.conj().imag,
        "part": x[2:, 3:],
    }
    read = stored(tmp_path, **views)
    for name, value in views.items():
        assert list(differences(name, read[name], value.resolve_conj().resolve_neg())) == []


def test_values_in_the_same_memory_come_back(tmp_path):
    x = torch.arange(6.0)
    read = stored(tmp_path, x=x, whole=x.view(2, 3), part=x[2:], bits=x.view(torch.int32))
    assert read["x"].tolist() == x.tolist()
    assert read["whole"].tolist() == x.view(2, 3).tolist()
    assert read["part"].tolist() == x[2:].tolist()
    assert read["bits"].tolist() == x.view(torch.int32).tolist()


def sparse(layout, dtype=torch.float32):
    dense = torch.tensor([[0, 1, 0, 2], [0, 0, 0, 0], [3, 0, math.nan, 0], [-0.0, 0, 0, math.inf]], dtype=dtype)
    return dense.to_sparse(
        layout=layout, **({"blocksize": (2, 2)} if layout in (torch.sparse_bsr, torch.sparse_bsc) else {})
    )


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex128])
@pytest.mark.parametrize("layout", ["sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc"])
def test_every_sparse_layout_comes_back(tmp_path, layout, dtype):
    value = sparse(getattr(torch, layout), dtype)
    result = result_of(x=value)
    assert list(differences("x", read_result(result.save(tmp_path))["x"], value)) == []
    entry = result.on_disk().document.values[0]
    assert (entry.nan_count, entry.inf_count, entry.layout) == (1, 1, layout)


def test_a_sparse_tensor_that_names_a_place_twice_stays_so(tmp_path):
    value = torch.sparse_coo_tensor([[1, 1]], [1.0, 2.0], (3,))
    read = stored(tmp_path, x=value)["x"]
    assert not read.is_coalesced()
    assert read._values().tolist() == [1.0, 2.0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
def test_nested_tensors_come_back(tmp_path, layout):
    parts = [torch.randn(2, 3, dtype=torch.complex128), torch.randn(4, 3, dtype=torch.complex128)]
    read = stored(tmp_path, x=torch.nested.nested_tensor(parts, layout=layout))["x"]
    assert read.is_nested
    assert read.layout == layout
    assert all(one.equal(other) for one, other in zip(read.unbind(), parts, strict=True))


@pytest.mark.filterwarnings("ignore")
def test_quantised_tensors_come_back(tmp_path):
    x = torch.randn(3, 4)
    one = torch.quantize_per_tensor(x, 0.1, 3, torch.quint8)
    channels = torch.quantize_per_channel(x, torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0, 1, 2]), 0, torch.qint8)
    read = stored(tmp_path, one=one, channels=channels)
    assert read["one"].equal(one)
    assert (read["one"].dtype, read["one"].q_scale(), read["one"].q_zero_point()) == (torch.quint8, 0.1, 3)
    assert read["channels"].equal(channels)
    assert read["channels"].dtype == torch.qint8


def test_a_meta_tensor_keeps_its_shape_and_dtype(tmp_path):
    read = stored(tmp_path, x=torch.empty(3, 2, dtype=torch.float16, device="meta"))
    assert read.records["x"].value.device.type == "meta"
    assert (read.records["x"].value.shape, read.records["x"].value.dtype) == ((3, 2), torch.float16)


def test_what_is_no_tensor_comes_back(tmp_path):
    numbers = {"whole": 3, "large": 2**70, "tenth": 0.1, "nan": math.nan, "inf": -math.inf, "minus": -0.0}
    words = {"complex": complex(1, math.inf), "yes": True, "word": "a·b", "none": None, "dtype": torch.int8}
    others = {"size": torch.Size([2, 3]), "device": torch.device("cpu"), "layout": torch.sparse_csr, "list": [1, 2]}
    values = numbers | words | others
    read = stored(tmp_path, **values)
    for name, value in values.items():
        assert repr(read[name]) == repr(value)


@pytest.mark.parametrize("value", [["a", "b"], (1, "two", [None, 2.5, -math.inf]), [{"a": 1}]])
def test_lists_come_back_with_the_text_in_them(value, tmp_path):
    assert stored(tmp_path, x=value)["x"] == value


def test_a_numpy_array_is_stored_as_a_tensor(tmp_path):
    assert stored(tmp_path, x=np.array([1.5, 2.5]))["x"].tolist() == [1.5, 2.5]


def test_what_stands_beside_a_value_comes_back(tmp_path):
    result = run(tensors={"x": {"data": [[1.0, 2.0]], "requires_grad": True}}, steps={"y": "x.T * 2"})
    read = read_result(result.save(tmp_path))
    for name, record in result.records.items():
        found = read.records[name]
        assert (found.kind, found.op, found.stride) == (record.kind, record.op, record.stride)
        assert (found.requires_grad, found.grad_fn) == (record.requires_grad, record.grad_fn)


def test_gradients_verdicts_timings_and_environment_come_back(tmp_path):
    result = run_recipe(load_recipe(RECIPES / "linear_autograd.yaml"))
    read = read_result(result.save(tmp_path))
    assert read["w.grad"].equal(result["w.grad"])
    assert read["x.grad"] is None
    assert (read.expectations, read.timings, read.environment) == (
        result.expectations,
        result.timings,
        result.environment,
    )
    assert read.is_well


# the files


def test_other_programs_find_the_numbers_under_the_names_of_the_recipe(tmp_path):
    result = run(tensors={"x": {"init": "randn", "size": [4, 3]}}, steps={"qr": {"op": "linalg.qr", "args": ["x"]}})
    result.save(tmp_path)
    tensors = load_file(tmp_path / "tensors.safetensors")
    assert sorted(tensors) == ["qr.Q", "qr.R", "x"]
    assert tensors["qr.Q"].equal(result["qr.Q"])


def test_complex128_is_stored_as_pairs_and_marked(tmp_path):
    value = torch.tensor([1 + 2j], dtype=torch.complex128)
    result_of(x=value).save(tmp_path)
    assert load_file(tmp_path / "tensors.safetensors")["x"].tolist() == [[1.0, 2.0]]
    assert json.loads((tmp_path / "result.json").read_text())["values"][0]["dtype"] == "complex128"


def no_constant(word):
    raise AssertionError(f"{word} is not JSON")


def test_result_json_is_strict_json_that_fits_its_schema(tmp_path):
    result_of(x=torch.tensor([math.nan, math.inf, -math.inf, 1.0]), z=torch.tensor(complex(1, math.nan))).save(tmp_path)
    content = json.loads((tmp_path / "result.json").read_text(), parse_constant=no_constant)
    assert content["schema_version"] == 2
    assert [entry["value"] for entry in content["values"]] == [["nan", "inf", "-inf", 1.0], [1.0, "nan"]]
    assert (content["values"][0]["nan_count"], content["values"][0]["inf_count"]) == (1, 2)
    assert content["environment"]["torch"] == torch.__version__
    assert set(content["timings"]) == {"tensors_s", "steps_s", "backward_s", "checks_s"}
    RunFile.model_validate(content)


def test_few_numbers_stand_inline_and_many_do_not(tmp_path):
    result_of(few=torch.zeros(64), many=torch.zeros(65)).save(tmp_path)
    few, many = json.loads((tmp_path / "result.json").read_text())["values"]
    assert few["value"] == [0.0] * 64
    assert many["value"] is None


def test_only_the_files_of_a_run_are_left(tmp_path):
    result_of(x=torch.zeros(1)).save(tmp_path / "deep" / "folder")
    found = sorted(path.name for path in (tmp_path / "deep" / "folder").iterdir())
    assert found == ["recipe.yaml", "result.json", "tensors.safetensors"]


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_other_people_may_read_the_files(tmp_path):
    result_of(x=torch.zeros(1)).save(tmp_path)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o644}


def test_saving_again_replaces_the_result(tmp_path):
    result_of(x=torch.zeros(1)).save(tmp_path)
    assert list(read_result(result_of(y=torch.ones(2)).save(tmp_path))) == ["y"]


@pytest.mark.parametrize(("module", "name"), [(arrays, "serialize_file"), (writing, "dump_yaml")])
def test_a_failure_in_the_middle_leaves_what_was_there(tmp_path, monkeypatch, module, name):
    result_of(x=torch.zeros(1)).save(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, name, full)
    with pytest.raises(StorageError, match="cannot be written: No space left on device"):
        result_of(y=torch.ones(1)).save(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_interrupt_in_the_middle_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    def interrupted(_, path):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(arrays, "serialize_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        result_of(x=torch.zeros(1)).save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_saving_copies_nothing_that_lies_as_it_is_stored(tmp_path, monkeypatch):
    seen = {}
    true = arrays.serialize_file
    monkeypatch.setattr(arrays, "serialize_file", lambda specs, path: (seen.update(specs), true(specs, path)))
    x, y = torch.randn(100, 100), torch.randn(100, dtype=torch.complex128)
    result_of(x=x, again=x.view(-1), y=y).save(tmp_path)
    assert seen["x"].data_ptr == seen["again"].data_ptr == x.data_ptr()
    assert seen["y"].data_ptr == y.data_ptr()


# what cannot be written or read


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_is_read_only_is_told_in_words(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(StorageError, match=r"cannot be written: Permission denied"):
        result_of(x=torch.zeros(1)).save(tmp_path / "run")


def test_a_file_in_the_way_is_told_in_words(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(StorageError, match=r"run: the result cannot be written: (File exists|Not a directory)"):
        result_of(x=torch.zeros(1)).save(tmp_path / "run")


def test_a_tensor_where_no_file_can_hold_one_is_told_in_words(tmp_path):
    result = run(tensors={"x": 1.0}, steps={"y": "x + 1"})
    result.recipe.write({"steps": {"y": {"op": "add", "args": ["x", torch.ones(1)]}}})
    with pytest.raises(StorageError, match="cannot be written: 'Tensor' is not a plain value"):
        result.save(tmp_path)


def test_a_folder_without_a_result_is_told_in_words(tmp_path):
    with pytest.raises(StorageError, match=r"is not a run's folder; there is no result\.json in it"):
        read_result(tmp_path)


@pytest.fixture
def saved(tmp_path):
    return result_of(x=torch.arange(100.0), y=torch.ones(2)).save(tmp_path / "run")


def changed(folder, change):
    """Change the JSON of a result."""
    content = json.loads((folder / "result.json").read_text())
    change(content)
    (folder / "result.json").write_text(json.dumps(content))


@pytest.mark.parametrize("name", ["result.json", "tensors.safetensors", "recipe.yaml"])
def test_a_missing_file_is_told_in_words(saved, name):
    (saved / name).unlink()
    with pytest.raises(StorageError, match=name.replace(".", r"\.")):
        read_result(saved)


@pytest.mark.parametrize("name", ["result.json", "tensors.safetensors"])
@pytest.mark.parametrize("left", [0, 1, 50, 300])
def test_a_cut_file_is_told_in_words(saved, name, left):
    (saved / name).write_bytes((saved / name).read_bytes()[:left])
    with pytest.raises(StorageError, match=name.replace(".", r"\.") + ": cannot be read"):
        read_result(saved)


@pytest.mark.parametrize(
    "text", ["[]", "null", "3", "{}", '{"schema_version": "1"}', "[" * 100_000, "\0", '{"a": NaN}']
)
def test_a_result_json_of_something_else_is_told_in_words(saved, text):
    (saved / "result.json").write_text(text)
    with pytest.raises(StorageError, match=r"result\.json: "):
        read_result(saved)


def test_bytes_that_are_no_text_are_told_in_words(saved):
    (saved / "result.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StorageError, match=r"result\.json: cannot be read"):
        read_result(saved)


def test_a_newer_result_is_told_in_words(saved):
    changed(saved, lambda content: content.update(schema_version=99, novelty=True))
    with pytest.raises(StorageError, match="is of schema version 99; this tensorflow_free reads up to 2"):
        read_result(saved)


def test_an_unknown_key_is_told_in_words(saved):
    changed(saved, lambda content: content.update(novelty=True))
    with pytest.raises(StorageError, match=r"result\.json: novelty"):
        read_result(saved)


def test_a_tensor_that_is_missing_is_told_in_words(saved):
    save_file({"x": torch.arange(100.0)}, saved / "tensors.safetensors")
    with pytest.raises(StorageError, match="'y' is missing"):
        read_result(saved)


def test_a_tensor_of_another_shape_or_dtype_is_told_in_words(saved):
    save_file({"x": torch.arange(100.0), "y": torch.ones(3, dtype=torch.int8)}, saved / "tensors.safetensors")
    with pytest.raises(StorageError, match=r"tensors\.safetensors: 'y': it is int8 \[3\], not float32 \[2\]"):
        read_result(saved)


@pytest.mark.parametrize(
    "fields",
    [
        {"dtype": "no_grad"},
        {"dtype": "float99"},
        {"layout": "sparse_csr"},
        {"layout": "sparse_coo"},
        {"type": "number", "value": "five"},
        {"type": "number", "value": [1, 2, 3]},
        {"type": "device", "value": "toaster"},
        {"stored": {"int_repr": "x"}},
        {"stored": {}},
    ],
)
def test_an_entry_that_makes_no_sense_is_told_in_words(saved, fields):
    changed(saved, lambda content: content["values"][0].update(fields))
    with pytest.raises(StorageError, match="'x'"):
        read_result(saved)


def test_a_recipe_that_is_broken_is_told_in_words(saved):
    (saved / "recipe.yaml").write_text("stepps: {}")
    with pytest.raises(StorageError, match=r"recipe\.yaml: is not the recipe of a run"):
        read_result(saved)


# the recipe in a run's folder


def again(result, folder):
    """The result of the recipe that saving a result leaves."""
    return run_recipe(load_recipe(result.save(folder) / "recipe.yaml"))


def overrides_of(file):
    """One list of overrides for each case of a file, and one of none where it has no cases."""
    return [[f"case={name}"] for name in cases_of(file)] or [[]]


@pytest.mark.parametrize("file", RECIPE_FILES, ids=lambda file: file.stem)
def test_every_recipe_runs_again_to_the_same_bits(tmp_path, file):
    for number, overrides in enumerate(overrides_of(file)):
        result = run_recipe(load_recipe(file, overrides))
        repeated = again(result, tmp_path / str(number))
        assert_same(repeated, result)
        assert [verdict.outcome for verdict in repeated.expectations] == [one.outcome for one in result.expectations]


def test_all_recipes_are_seen():
    assert len(RECIPE_FILES) >= 45


def test_a_recipe_that_runs_differently_is_seen(tmp_path):
    result = run(tensors={"x": {"init": "randn", "size": [3]}}, steps={"y": "x * 2"})
    folder = result.save(tmp_path)
    with pytest.raises(AssertionError):
        assert_same(run_recipe(load_recipe(folder / "recipe.yaml", ["seed=1"])), result)


def test_one_line_steps_are_written_out_and_run_again(tmp_path):
    result = run(
        seed=7,
        params={"n": 3},
        tensors={"x": {"init": "rand", "size": ["${params.n}"], "requires_grad": True}},
        steps={"y": "(x * 2 + ${params.n}).sum()", "z": {"op": "dropout", "args": ["x", 0.5, True]}},
        backward="y",
    )
    assert_same(again(result, tmp_path), result)


OVERRIDDEN = """
description: "a: b, 'c' # d"
params: {n: 2, word: "no"}
cases:
  small: {params: {n: 3}}
  big: {params: {n: 5}, steps: {y: x - 1}}
tensors:
  x: {init: randn, size: ["${params.n}"]}
steps:
  y: x * 2
expect:
  y: {shape: ["${params.n}"], when: {case: big}}
"""


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["case=big"],
        ["case=big", "params.n=7", "~expect"],
        ["case=small", "steps.y={op: sub, args: [x, 4]}"],
        ["dtype=bfloat16", "seed=3", "tensors.x.dtype=float64", "steps.z='y[::2] / 3'"],
        ["description='on'", "params.word='1:30'", "params.tiny=1e-5", "params.big=9007199254740993"],
    ],
)
def test_cases_and_overrides_run_again(tmp_path, overrides):
    (tmp_path / "r.yaml").write_text(OVERRIDDEN)
    recipe = load_recipe(tmp_path / "r.yaml", overrides)
    result = run_recipe(recipe)
    folder = result.save(tmp_path / "run")
    repeated = load_recipe(folder / "recipe.yaml")
    assert_same(run_recipe(repeated), result)
    assert (repeated.params, repeated.description, repeated.case) == (recipe.params, recipe.description, recipe.case)


def test_a_recipe_with_defaults_runs_again_alone(tmp_path):
    (tmp_path / "first.yaml").write_text("tensors: {x: {init: randn, size: [3]}}\nsteps: {y: x * 2}\n")
    (tmp_path / "second.yaml").write_text("defaults: [first]\nsteps: {y: x * 3}\n")
    result = run_recipe(load_recipe(tmp_path / "second.yaml"))
    folder = result.save(tmp_path / "run")
    assert "defaults" not in (folder / "recipe.yaml").read_text()
    assert_same(run_recipe(load_recipe(folder / "recipe.yaml")), result)


def test_device_auto_is_written_as_the_device_that_it_was(tmp_path):
    result = run(["device=auto"], tensors={"x": 1.0}, steps={"y": "x + 1"})
    folder = result.save(tmp_path)
    assert "auto" not in (folder / "recipe.yaml").read_text()


@pytest.mark.parametrize(
    "data",
    [
        torch.randn(4, 6)[1:, ::2].t(),
        torch.randn(3, 1).expand(3, 4),
        torch.randn(8).as_strided([3, 3], [2, 1], 1),
        torch.tensor([complex(1, math.nan), -2j], dtype=torch.complex128),
        torch.randn(3, dtype=torch.complex64).conj(),
        torch.tensor([1.0, -0.0, math.nan], dtype=torch.float64),
        torch.tensor([1.0, -0.5]).to(torch.float8_e4m3fn),
        torch.tensor([1, 2], dtype=torch.uint64),
        torch.tensor([[True, False]]),
        torch.tensor(3),
        torch.zeros(0, 2),
        torch.eye(3).to_sparse(),
    ],
    ids=lambda tensor: f"{tensor.dtype}-{list(tensor.shape)}".removeprefix("torch."),
)
def test_torch_tensors_of_a_mapping_run_again(tmp_path, data):
    steps = {"y": {"op": "clone", "args": ["x"]}}
    if data.layout == torch.strided:
        steps |= {"stride": {"op": "stride", "args": ["x"]}, "offset": {"op": "storage_offset", "args": ["x"]}}
    pinned = str(data.dtype).removeprefix("torch.")
    result = run(tensors={"x": data, "pinned": {"data": data, "dtype": pinned}}, steps=steps)
    assert_same(again(result, tmp_path), result)


def test_files_are_copied_to_inputs_and_named_from_there(tmp_path):
    for folder, number in (("a", 1.0), ("b", 2.0)):
        (tmp_path / folder).mkdir()
        np.savez(tmp_path / folder / "x.npz", first=np.array([number]), second=np.array([number + 10]))
    text = "tensors:\n" + "".join(
        f"  {name}: {{init: load, path: {folder}/x.npz, key: {key}}}\n"
        for name, folder, key in (("p", "a", "first"), ("q", "b", "second"), ("r", "a", "second"))
    )
    (tmp_path / "recipe.yaml").write_text(text + "steps: {y: p + q + r}\n")
    result = run_recipe(load_recipe(tmp_path / "recipe.yaml"))
    folder = result.save(tmp_path / "run")
    for used in ("a", "b"):
        shutil.rmtree(tmp_path / used)
    assert sorted(path.name for path in (folder / "inputs").iterdir()) == ["x-1.npz", "x.npz"]
    assert_same(run_recipe(load_recipe(folder / "recipe.yaml")), result)


def test_a_result_that_was_read_can_be_saved_elsewhere_and_run_again(tmp_path):
    result = run(tensors={"x": torch.randn(3, dtype=torch.complex128)}, steps={"y": "x * 2"})
    first = result.save(tmp_path / "first")
    second = read_result(first).save(tmp_path / "second")
    shutil.rmtree(first)
    assert_same(run_recipe(load_recipe(second / "recipe.yaml")), result)
    assert_same(read_result(second), result)


def test_files_of_the_cases_that_a_compiled_function_is_called_with_are_copied(tmp_path):
    for name, length in (("small", 2), ("large", 3)):
        np.save(tmp_path / f"{name}.npy", np.arange(float(length)))
    (tmp_path / "r.yaml").write_text(
        "backend: {name: aot_eager, calls: [small, large]}\n"
        "cases:\n  small: {tensors: {x: {path: small.npy}}}\n  large: {tensors: {x: {path: large.npy}}}\n"
        "tensors: {x: {init: load, path: small.npy}}\nsteps: {y: x * 2}\n"
    )
    result = run_recipe(load_recipe(tmp_path / "r.yaml"))
    assert_same(again(result, tmp_path / "run"), result)


def test_a_recipe_with_ops_of_a_user_names_them(tmp_path):
    register_op("storage_tripled", lambda x: x * 3)
    result = run(tensors={"x": 2.0}, steps={"y": {"op": "storage_tripled", "args": ["x"]}})
    folder = result.save(tmp_path)
    assert load_recipe(folder / "recipe.yaml").ops == ["storage_tripled"]
    assert_same(run_recipe(load_recipe(folder / "recipe.yaml")), result)


# a run that failed


def failed():
    tensors = {"x": {"init": "ones", "size": [2, 3]}, "w": {"init": "ones", "size": [2, 3]}}
    recipe = load_recipe({"tensors": tensors, "steps": {"h": "x * 2", "y": "h @ w", "z": "y + 1"}})
    return run_plan(plan_of(recipe))[0]


def test_a_run_that_failed_leaves_its_values_and_the_error(tmp_path):
    read = read_result(failed().save(tmp_path))
    assert list(read) == ["x", "w", "h"]
    assert read["h"].equal(torch.full((2, 3), 2.0))
    assert (read.error.step, read.error.type) == ("y", "RuntimeError")
    assert "mat1 and mat2 shapes cannot be multiplied" in read.error.message
    assert not read.is_well


def test_an_error_names_its_place(tmp_path):
    (tmp_path / "r.yaml").write_text("tensors: {x: [1.0]}\nsteps:\n  y: x.view(3)\n")
    result, _ = run_plan(plan_of(load_recipe(tmp_path / "r.yaml")))
    result.save(tmp_path / "run")
    error = json.loads((tmp_path / "run" / "result.json").read_text())["error"]
    assert (error["file"], error["line"], error["path"]) == (str(tmp_path / "r.yaml"), 3, "steps.y")


def test_the_stored_tensors_open_without_this_package(saved):
    with safe_open(saved / "tensors.safetensors", framework="numpy") as tensors:
        assert tensors.get_tensor("x").tolist() == list(range(100))


def test_the_environment_is_of_this_process():
    found = environment_of(torch.get_num_threads())
    assert (found.torch, found.num_threads) == (torch.__version__, torch.get_num_threads())


def test_a_mapping_with_a_tensor_without_numbers_runs_again(tmp_path):
    data = torch.empty(2, 3, dtype=torch.float16, device="meta")
    recipe = load_recipe({"device": "meta", "tensors": {"x": {"data": data}}, "steps": {"y": "x + 1"}})
    again = run_recipe(load_recipe(run_recipe(recipe).save(tmp_path) / "recipe.yaml"))
    assert (again["x"].shape, again["x"].dtype, again["x"].is_meta) == ((2, 3), torch.float16, True)


def test_a_tensor_without_numbers_is_refused_where_numbers_are_wanted():
    with pytest.raises(RecipeError, match=r"'float32 \[2\] meta' has no numbers"):
        load_recipe({"tensors": {"x": torch.empty(2, device="meta")}})


@pytest.mark.parametrize(("number", "said"), [("NaN", "'NaN' is not a number in JSON"), ('"nan"', "finite number")])
def test_a_result_with_a_number_that_json_has_not_is_refused(tmp_path, number, said):
    file = stored_file(tmp_path)
    file.write_text(file.read_text().replace('"checks_s": 0.0', f'"checks_s": {number}'))
    with pytest.raises(StorageError, match=said):
        read_result(tmp_path)


def stored_file(folder):
    """The `result.json` of a run of one value."""
    return result_of(x=torch.ones(1)).save(folder) / "result.json"


ODD = (None, True, -1, 2**70, "x", "", "torch.float99", "nan", [], [[]], {}, {"a": 1}, [1, 2, 3])


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_result_with_anything_in_any_place_is_read_or_refused(tmp_path, odd):
    file = stored_file(tmp_path)
    content = json.loads(file.read_text())
    for path in list(places(content)):
        changed = copy.deepcopy(content)
        functools.reduce(operator.getitem, path[:-1], changed)[path[-1]] = odd
        file.write_text(json.dumps(changed))
        with contextlib.suppress(StorageError):
            assert read_result(tmp_path).on_disk().document.model_dump_json()


def places(node, path=()):
    """The path of each value of nested mappings and lists."""
    for key, below in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from places(below, (*path, key))
