"""Where starting tensors lie in memory, and those that come from files."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from tensorflow_free import RecipeError, load_recipe, register_op, run_recipe
from tensorflow_free.tensors.memory import overlaps


def run(overrides=(), **recipe):
    return run_recipe(load_recipe(recipe, list(overrides)))


def seen(**tensors):
    """The starting tensors themselves, as an op gets them."""
    caught: list[torch.Tensor] = []

    def catch(tensors: list[torch.Tensor]) -> torch.Tensor:
        caught.extend(tensors)
        return torch.zeros(())

    register_op("catch_tensors", catch, replace=True)
    run(tensors=tensors, steps={"caught": {"op": "catch_tensors", "args": [list(tensors)]}})
    return caught


def storage(tensor):
    """All of the memory that a tensor's storage has, as one row."""
    return tensor.detach().new_empty(0).set_(tensor.untyped_storage())


# strides


def test_strides_lay_the_values_out_in_a_storage_filled_with_nan():
    [x] = seen(x={"data": [[1.0, 2.0], [3.0, 4.0]], "stride": [3, 2], "storage_offset": 1})
    assert (x.stride(), x.storage_offset()) == ((3, 2), 1)
    assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert storage(x).nan_to_num(-1.0).tolist() == [-1.0, 1.0, -1.0, 2.0, 3.0, -1.0, 4.0]


@pytest.mark.parametrize(("dtype", "fill"), [("int8", 127), ("int64", 2**63 - 1), ("uint8", 255), ("bool", True)])
def test_the_storage_around_integers_holds_the_largest(dtype, fill):
    [x] = seen(x={"data": [0, 1], "dtype": dtype, "stride": [2], "storage_offset": 1})
    assert storage(x).tolist() == [fill, 0, fill, 1]


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "complex64", "float8_e4m3fn", "float8_e5m2"])
def test_the_storage_around_numbers_that_can_be_nan_holds_nan(dtype):
    [x] = seen(x={"data": [0.5, 1.0], "dtype": dtype, "stride": [2], "storage_offset": 1})
    assert storage(x).to(torch.complex64).isnan().tolist() == [True, False, True, False]
    assert x.to(torch.complex64).tolist() == [0.5, 1.0]


def test_random_values_are_drawn_for_the_size_and_laid_out_last():
    [x] = seen(x={"init": "randn", "size": [3, 4], "stride": [1, 3]})
    torch.manual_seed(0)
    assert x.equal(torch.randn(3, 4))
    assert x.stride() == (1, 3)


def test_strides_are_kept_by_conversion_to_the_recipes_dtype():
    recipe = {"tensors": {"x": {"init": "rand", "size": [2, 3], "stride": [5, 1]}}, "steps": {"y": "x * 1"}}
    assert run(["dtype=bfloat16"], **recipe).records["x"].stride == (5, 1)


def test_a_stride_of_0_makes_an_expanded_view_whose_leaf_has_size_1():
    x = {"init": "randn", "size": [2, 3], "stride": [1, 0], "requires_grad": True}
    result = run(tensors={"x": x}, steps={"y": "(x * x).sum()"}, backward="y")
    torch.manual_seed(0)
    leaf = torch.randn(2, 3)[:, :1].clone().requires_grad_()
    (leaf.expand(2, 3) ** 2).sum().backward()
    assert result.records["x"].stride == (1, 0)
    assert result["x.grad"].equal(leaf.grad)


def test_a_leaf_with_strides_has_a_gradient_like_torchs():
    x = {"init": "randn", "size": [2, 3], "stride": [1, 2], "requires_grad": True}
    result = run(tensors={"x": x}, steps={"y": "(x ** 3).sum()"}, backward="y")
    torch.manual_seed(0)
    leaf = torch.randn(2, 3).t().contiguous().t().requires_grad_()
    (leaf**3).sum().backward()
    assert result["x.grad"].equal(leaf.grad)
    assert result.records["x.grad"].stride == leaf.grad.stride()


def test_an_empty_tensor_has_strides_too():
    [x] = seen(x={"init": "zeros", "size": [0, 3], "stride": [7, 2], "storage_offset": 4})
    assert (x.stride(), x.storage_offset(), x.numel()) == ((7, 2), 4, 0)


def test_a_layout_without_overlap_is_taken_though_its_strides_do_not_nest():
    [x] = seen(x={"init": "arange", "end": 6, "shape": [3, 2], "stride": [2, 3]})
    assert x.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert x.stride() == (2, 3)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 9)), max_size=4))
def test_overlap_is_judged_exactly(pairs):
    size, stride = [length for length, _ in pairs], [step for _, step in pairs]
    places = [sum(i * s for i, s in zip(index, stride, strict=True)) for index in itertools.product(*map(range, size))]
    assert overlaps(size, stride) == (len(set(places)) < len(places))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            {"init": "ones", "size": [4, 3], "stride": [2, 3]},
            r"x\.stride: '\[2, 3\]' lets elements of \[4, 3\] overlap",
        ),
        ({"init": "ones", "size": [4, 3], "stride": [1, 1]}, r"overlap"),
        ({"init": "ones", "size": [4, 3], "stride": [3]}, r"'\[3\]' is 1 long; the tensor has 2 dimensions"),
        ({"init": "ones", "size": [4], "stride": [-1]}, r"negative stride; torch has none"),
        ({"init": "ones", "size": [4], "stride": [10**11]}, r"takes [\d,.]+ GiB in float32"),
        ({"init": "ones", "size": [4], "stride": [1], "storage_offset": 10**12}, r"takes [\d,.]+ GiB"),
        ({"init": "ones", "size": [10**12], "stride": [0]}, r"takes [\d,.]+ GiB"),
        (
            {"data": [[1.0, 2.0]], "stride": [2, 0]},
            r"x\.stride\.1: '0' keeps one element along dimension 1, and the data differ",
        ),
        ({"init": "ones", "size": [4], "storage_offset": 2}, r"give `stride` too"),
        ({"init": "ones", "size": [4], "stride": [1], "memory_format": "contiguous_format"}, r"give one"),
        ({"init": "ones", "size": [4], "memory_format": "channels_last"}, r"is for tensors of 4 dimensions"),
        ({"init": "ones", "size": [4], "memory_format": "channel_last"}, r"did you mean 'channels_last'\?"),
        ({"init": "ones", "size": [4], "shape": [3]}, r"'\[3\]' does not hold 4 elements"),
        ({"init": "ones", "size": [4], "shape": [-1, 3]}, r"does not hold 4 elements"),
        (
            {"init": "as_strided", "input": "w", "size": [2], "stride": [1], "shape": [2]},
            r"x\.shape: .*view of existing memory",
        ),
        (
            {"init": "as_strided", "input": "w", "size": [2], "stride": [1], "dtype": "int8"},
            r"is not the dtype of the memory",
        ),
        ({"init": "as_strided", "input": "w", "size": [2]}, r"as_strided needs 'stride'"),
    ],
)
def test_memory_that_cannot_be_is_refused(written, message):
    with pytest.raises(RecipeError, match=message):
        run(tensors={"w": [1.0, 2.0], "x": written}, steps={"y": "x * 1"})


# other layouts


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("channels_last", [2, 3, 4, 5]),
        ("channels_last_3d", [2, 3, 4, 5, 6]),
        ("contiguous_format", [2, 3]),
        ("preserve_format", [2, 3]),
    ],
)
def test_a_memory_format_is_torchs(name, size):
    [x] = seen(x={"init": "randn", "size": size, "memory_format": name})
    torch.manual_seed(0)
    expected = torch.randn(size).contiguous(memory_format=getattr(torch, name))
    assert x.equal(expected)
    assert x.stride() == expected.stride()


def test_shape_reshapes_the_values():
    x, y = seen(x={"init": "arange", "end": 6, "shape": [2, 3]}, y={"data": [1.0, 2.0], "shape": [2, -1]})
    assert (x.tolist(), y.tolist()) == ([[0, 1, 2], [3, 4, 5]], [[1.0], [2.0]])


def test_as_strided_is_a_view_of_its_inputs_memory():
    tensors = {
        "x": {"init": "arange", "end": 6.0},
        "v": {"init": "as_strided", "input": "x", "size": [2, 2], "stride": [1, 2], "storage_offset": 1},
    }
    result = run(tensors=tensors, steps={"z": {"op": "zero_", "args": ["v"]}}, expect={"v": {"shares_memory": "x"}})
    assert result["v"].equal(torch.arange(6.0).as_strided((2, 2), (1, 2), 1))
    assert result["x.after"].tolist() == [0.0, 0.0, 0.0, 0.0, 0.0, 5.0]
    assert result.is_well


def test_as_strided_past_the_end_of_the_memory_is_an_error_of_torchs_own():
    view = {"init": "as_strided", "input": "x", "size": [9], "stride": [1]}
    error = {"step": "v", "match": "out of bounds for storage"}
    assert run(tensors={"x": [1.0], "v": view}, steps={"y": "x + 1"}, expect={"error": error}).is_well


def test_a_clone_has_memory_of_its_own_and_the_same_strides():
    x, y = seen(x={"init": "randn", "size": [2, 3], "stride": [1, 4]}, y={"init": "clone", "input": "x"})
    assert y.equal(x)
    assert y.stride() == x.stride()
    assert y.data_ptr() != x.data_ptr()


def test_a_clone_may_have_another_dtype_and_a_gradient_of_its_own():
    tensors = {
        "x": {"data": [1.0, 2.0], "requires_grad": True},
        "y": {"init": "clone", "input": "x", "dtype": "float64", "requires_grad": True},
    }
    result = run(tensors=tensors, steps={"z": "(y * 3).sum()"}, backward="z")
    assert result["x.grad"] is None
    assert result["y.grad"].tolist() == [3.0, 3.0]


def test_what_is_like_a_pinned_tensor_is_pinned_with_it():
    tensors = {
        "x": {"init": "rand", "size": 3, "dtype": "float64"},
        "y": {"init": "rand_like", "input": "x"},
        "z": {"init": "rand_like", "input": "y"},
    }
    _, y, z = seen(**tensors)
    torch.manual_seed(0)
    expected = [torch.rand(3, dtype=torch.float64) for _ in range(3)]
    assert y.equal(expected[1])
    assert z.equal(expected[2])


def test_tensors_of_a_mapping_are_copied_with_their_strides_and_never_changed():
    x = torch.arange(6.0).reshape(2, 3).t()
    result = run(tensors={"x": {"data": x}}, steps={"y": {"op": "add_", "args": ["x", 1.0]}})
    assert result.records["x"].stride == x.stride() == (1, 3)
    assert x.equal(torch.arange(6.0).reshape(2, 3).t())


@pytest.mark.parametrize("view", [lambda x: x.conj(), lambda x: x.imag, lambda x: x[::2], lambda x: x.expand(3, 4)])
def test_odd_views_given_in_a_mapping_start_with_their_values(view):
    x = view(torch.randn(4, dtype=torch.complex64))
    [y] = seen(x={"data": x})
    assert y.equal(x)
    assert y.stride() == x.stride()


# files


@pytest.fixture
def folder(tmp_path):
    def recipe(overrides=(), **tensors):
        lines = "\n".join(f"  {name}: {text}" for name, text in tensors.items())
        (tmp_path / "r.yaml").write_text(f"tensors:\n{lines}\nsteps: {{y: x.clone()}}\n", encoding="utf-8")
        return run_recipe(load_recipe(tmp_path / "r.yaml", list(overrides)))

    recipe.path = tmp_path
    return recipe


NUMPY = {
    "float32": (np.float32([1.5, 2.5]), torch.float32),
    "float16": (np.float16([1.5, 2.5]), torch.float32),
    "big-endian": (np.array([1.5, 2.5], ">f8"), torch.float32),
    "big-endian-integers": (np.array([1, 2], ">i4"), torch.int32),
    "uint16": (np.uint16([1, 65535]), torch.uint16),
    "bool": (np.array([True, False]), torch.bool),
    "complex": (np.complex128([1 + 2j]), torch.complex64),
    "fortran": (np.asfortranarray(np.arange(6.0).reshape(2, 3)), torch.float32),
    "scalar": (np.float64(0.5), torch.float32),
    "empty": (np.zeros((0, 3)), torch.float32),
}


@pytest.mark.parametrize("name", NUMPY)
@pytest.mark.parametrize("init", ["from_numpy", "load"])
def test_an_array_of_numpys_is_read(folder, name, init):
    array, dtype = NUMPY[name]
    np.save(folder.path / "a.npy", array)
    x = folder(x=f"{{init: {init}, path: a.npy}}")["x"]
    assert x.dtype == dtype
    assert x.equal(torch.from_numpy(np.array(array, array.dtype.newbyteorder("="))).to(dtype))


def test_floating_files_take_the_recipes_dtype_or_the_pinned_one(folder):
    np.save(folder.path / "a.npy", np.float32([0.1]))
    words = [
        "{init: load, path: a.npy}",
        "{init: load, path: a.npy, dtype: float64}",
        "{init: load, path: a.npy, dtype: int8}",
    ]
    result = folder(["dtype=bfloat16"], x=words[0], w=words[1], i=words[2])
    assert [result[name].dtype for name in "xwi"] == [torch.bfloat16, torch.float64, torch.int8]
    assert result["w"].item() == np.float32(0.1)


def test_the_strides_of_a_fortran_array_are_kept(folder):
    np.save(folder.path / "a.npy", np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)))
    assert folder(x="{init: load, path: a.npy}").records["x"].stride == (1, 2)


def test_a_key_names_one_of_several(folder):
    np.savez(folder.path / "a.npz", a=np.float32([1]), b=np.float32([2]))
    save_file({"a": torch.tensor([3.0]), "b": torch.tensor([4.0])}, folder.path / "a.safetensors")
    torch.save({"a": torch.tensor([5.0]), "b": torch.tensor([6.0])}, folder.path / "a.pt")
    for suffix, value in (("npz", 2.0), ("safetensors", 4.0), ("pt", 6.0)):
        assert folder(x=f"{{init: load, path: a.{suffix}, key: b}}")["x"].item() == value


def test_the_only_one_in_a_file_needs_no_key(folder):
    np.savez(folder.path / "a.npz", np.float32([1]))
    save_file({"one": torch.tensor([3.0], dtype=torch.bfloat16)}, folder.path / "a.safetensors")
    torch.save(torch.tensor([5.0], requires_grad=True), folder.path / "a.pt")
    for suffix, value in (("npz", 1.0), ("safetensors", 3.0), ("pt", 5.0)):
        assert folder(x=f"{{init: load, path: a.{suffix}}}")["x"].item() == value


def test_a_file_may_be_reshaped_laid_out_and_differentiated(folder):
    np.save(folder.path / "a.npy", np.arange(6, dtype=np.float32))
    result = folder(x="{init: load, path: a.npy, shape: [2, 3], stride: [1, 2], requires_grad: true}")
    assert result.records["x"].stride == (1, 2)
    assert result.records["x"].requires_grad


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{init: load, path: b.npz}", r"'b\.npz' holds a, b; name one of them as `key`"),
        ("{init: load, path: b.npz, key: c}", r"x\.key: 'c' is not in 'b\.npz'"),
        ("{init: load, path: a.npy, key: c}", r"x\.key: 'c' names an array of an \.npz"),
        ("{init: load, path: a.np}", r"'a\.np' is not a file below the recipe's folder; did you mean 'a\.npy'\?"),
        ("{init: load, path: ../a.npy}", r"lies outside the recipe's folder"),
        ("{init: load, path: broken.npy}", r"the header of 'broken\.npy' is broken"),
        ("{init: load, path: broken.safetensors}", r"'broken\.safetensors' cannot be read"),
        ("{init: load, path: objects.npy}", r"pickled Python objects"),
        ("{init: load, path: text.npy}", r"'text\.npy' holds elements of NumPy's type <U1"),
        ("{init: load}", r"load needs 'path'"),
        ("{init: load, path: 3}", r"'3' is not a word; `path` is"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(folder, text, message):
    np.save(folder.path / "a.npy", np.float32([1]))
    np.savez(folder.path / "b.npz", a=np.float32([1]), b=np.float32([2]))
    torch.save(torch.tensor(1.0), folder.path / "c.pt")
    for name in ("broken.npy", "broken.safetensors"):
        (folder.path / name).write_bytes(b"\x93NUMPY\x01\x00not")
    np.save(folder.path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(folder.path / "text.npy", np.array(["a"]))
    with pytest.raises(RecipeError, match=message):
        folder(x=text)


def test_nan_is_read_bit_for_bit(folder):
    np.save(folder.path / "a.npy", np.array([0x7FC00001, 0xFFC00000], np.uint32).view(np.float32))
    x = folder(x="{init: load, path: a.npy}")["x"]
    assert x.view(torch.int32).tolist() == [0x7FC00001, 0xFFC00000 - 2**32]
    assert math.isnan(x[0])
