"""What reads like a mistake and is none: it is accepted, and means what plain torch makes of it."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from tensorflow_free import Result, load_recipe, run_recipe

w = torch.tensor([[1.0, -2.0], [3.0, 4.0]])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file for a recipe's text."""
    return tmp_path / "recipe.yaml"


def run(file: Path, text: str, *overrides: str) -> Result:
    """The result of the recipe of this text."""
    file.write_text(text, encoding="utf-8")
    return run_recipe(load_recipe(file, overrides))


def params(file: Path, written: str, *overrides: str) -> Any:
    """What `n: WRITTEN` below `params` is."""
    file.write_text(f"params:\n  n: {written}\n", encoding="utf-8")
    return load_recipe(file, overrides).params["n"]


def step(file: Path, written: str) -> torch.Tensor:
    """The value of `y: WRITTEN` over w = [[1, -2], [3, 4]] and i = 1."""
    value = run(file, f"tensors: {{w: [[1.0, -2.0], [3.0, 4.0]], i: 1}}\nsteps:\n  y: {written}\n")["y"]
    assert isinstance(value, torch.Tensor)
    return value


WORDS = ["no", "No", "on", "off", "yes", "y", "n", "1:30", "1:30:00", "1_000", "nan", "inf", "NaN", "Infinity", "true_", "TRuE",
         "2024-01-01", "1e", "e5", "0x", "0xG", "0o8", "0b11", "1.2.3", "--", "-x", "+", ".", "..", "+-1", "1e-3x", "é", "日本", "a b",
         "a#b", "a:b", "x[0]", "3,4", "1 000", "None", "True_", "0.0.0", "1e5.0", "_1", "1_", "½"]  # fmt: skip
NUMBERS = {
    "1e-3": 1e-3, "1E5": 1e5, "1e+5": 1e5, "1.e3": 1e3, ".5": 0.5, "5.": 5.0, "-.5": -0.5, "+.5": 0.5, "+1": 1, "-1": -1, "-0": 0, "0": 0,
    "0.0": 0.0, "00.5": 0.5, "0e0": 0.0, "0x1F": 31, "0o17": 15, "0xff": 255, "1e308": 1e308, "1e-400": 0.0, "-.inf": -math.inf,
    ".inf": math.inf, "+.INF": math.inf, "9223372036854775808": 2**63, "-9223372036854775808": -(2**63), "9007199254740993": 2**53 + 1,
}  # fmt: skip
NAMED = {"true": True, "True": True, "TRUE": True, "false": False, "null": None, "Null": None, "~": None, "": None}


@pytest.mark.parametrize("word", WORDS)
def test_word_stays_a_word(file: Path, word: str) -> None:
    assert params(file, word) == word


@pytest.mark.parametrize(("written", "number"), NUMBERS.items())
def test_number_is_a_number(file: Path, written: str, number: float) -> None:
    value = params(file, written)
    assert (value, type(value)) == (number, type(number))
    assert params(file, written.replace("1E5", "100000.0"), f"params.n={written}") == number


@pytest.mark.parametrize(("written", "value"), NAMED.items())
def test_named_value_is_what_yaml_1_2_names(file: Path, written: str, value: Any) -> None:
    assert params(file, written) is value


def test_nan_is_a_number(file: Path) -> None:
    assert math.isnan(params(file, ".nan"))


@pytest.mark.parametrize("quoted", ["'1'", '"010"', "'true'", '"null"', "'.nan'", "'1e5'"])
def test_quoted_text_is_a_word(file: Path, quoted: str) -> None:
    assert params(file, quoted) == quoted[1:-1]


@pytest.mark.parametrize("text", ["no", "1:30", "1_000", "yes or no?", "'010'", "a - b", "it's", '"a: b"', "100 %"])
def test_description_may_be_any_text(file: Path, text: str) -> None:
    file.write_text(f"description: {text}\n", encoding="utf-8")
    assert load_recipe(file).description == text.strip("'\"")


NAMES = ["y", "n", "N", "Y", "T", "F", "H", "shape", "dtype", "device", "grad", "op", "args", "steps", "tensors", "self", "input", "mul",
         "matmul", "torch", "nn", "linalg", "backward", "sum", "mean", "print", "type", "match", "_", "_1", "__", "x_1", "e", "pi", "error",
         "after", "ö", "λ", "x̂", "变量", "none", "true_", "auto", "eager", "all", "outputs", "tensor", "ones", "I", "l", "O0"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_name_of_a_tensor_may_be(file: Path, name: str) -> None:
    assert torch.equal(
        run(file, f"tensors: {{{name}: [1.0, 2.0]}}\nsteps: {{out: {{op: neg, args: [{name}]}}}}\n")["out"],
        -torch.tensor([1.0, 2.0]),
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name != "mul"])
def test_name_of_a_step_may_be(file: Path, name: str) -> None:
    result = run(
        file,
        f"tensors: {{x: [1.0, 2.0]}}\nsteps: {{{name}: {{op: mul, args: [x, 2]}}, out: {{op: neg, args: [{name}]}}}}\n",
    )
    assert torch.equal(result["out"], torch.tensor([-2.0, -4.0]))


@pytest.mark.parametrize("name", ["T", "shape", "F", "torch", "linalg", "sum"])
def test_name_in_a_line_is_the_value_before_it_is_anything_else(file: Path, name: str) -> None:
    assert torch.equal(
        run(file, f"tensors: {{{name}: [1.0, 2.0]}}\nsteps: {{y: {name} * 2}}\n")["y"], torch.tensor([2.0, 4.0])
    )


def test_method_of_a_tensor_that_is_named_as_a_namespace_is_is_a_method(file: Path) -> None:
    assert torch.equal(run(file, "tensors: {F: [1.0, -2.0]}\nsteps: {y: F.relu()}\n")["y"], torch.tensor([1.0, 0.0]))


def test_step_may_be_named_as_its_op_is(file: Path) -> None:
    text = "tensors: {x: 3.0}\nsteps:\n  mul: {op: mul, args: [x, 2]}\n  add: {op: add, args: [mul, 1]}\n  neg: -add\n"
    assert run(file, text)["neg"] == -7.0


def test_op_is_found_though_a_value_has_its_name(file: Path) -> None:
    assert run(file, "tensors: {relu: -3.0}\nsteps: {y: relu(relu)}\n")["y"] == 0.0


@pytest.mark.parametrize(
    ("written", "expected"),
    {
        "3": torch.tensor(3), "3.0": torch.tensor(3.0), "true": torch.tensor(True), "[]": torch.tensor([]), "[[]]": torch.tensor([[]]),
        "[1]": torch.tensor([1]), "[[[1.5]]]": torch.tensor([[[1.5]]]), "[1, 2.5]": torch.tensor([1, 2.5]), "[true, 2]": torch.tensor([True, 2]),
        "1+2j": torch.tensor(1 + 2j), "[1, 2j]": torch.tensor([1, 2j]), "{finfo: eps}": torch.tensor(torch.finfo(torch.float32).eps),
        "{complex: [1, 2]}": torch.tensor(1 + 2j), "-0.0": torch.tensor(-0.0), "1e39": torch.tensor(1e39), "0x1F": torch.tensor(31),
        "{data: 3, dtype: floating}": torch.tensor(3.0), "{data: [1.5], dtype: int64}": torch.tensor([1]), "{data: 2, dtype: bool}": torch.tensor(True),
        "{data: -1, dtype: uint8}": torch.tensor(255, dtype=torch.uint8), "{data: [1.0, 2.0], shape: [2, 1]}": torch.tensor([[1.0], [2.0]]),
        "{init: ones, size: 3}": torch.ones(3), "{init: ones, size: []}": torch.ones([]),
        "{init: zeros, size: [0, 3]}": torch.zeros(0, 3), "{init: arange, end: 0}": torch.arange(0), "{init: arange, start: 3, end: 0, step: -1}": torch.arange(3, 0, -1),
        "{init: eye, n: 0}": torch.eye(0), "{init: full, size: [2], fill_value: true}": torch.full([2], True),
        "{init: linspace, start: 1, end: 0, steps: 1}": torch.linspace(1, 0, 1), "{data: 1.0, seed: 3}": torch.tensor(1.0),
    }.items(),
)  # fmt: skip
def test_tensor_may_be_written(file: Path, written: str, expected: torch.Tensor) -> None:
    made = run(file, f"tensors:\n  x: {written}\n")["x"]
    assert (made.dtype, made.shape) == (expected.dtype, expected.shape)
    assert torch.equal(made, expected)


@pytest.mark.parametrize(
    ("written", "expected"),
    {
        "{op: sum, args: [w], kwargs: {axis: 0}}": w.sum(0), "{op: sum, kwargs: {input: w}}": w.sum(), "{op: sum, kwargs: {self: w}}": w.sum(),
        "{op: sum, args: [w], kwargs: {dim: [0]}}": w.sum(0), "{op: sum, args: [w, 0], kwargs: {keepdims: true}}": w.sum(0, keepdim=True),
        "{op: sum, args: [w], kwargs: {dtype: null}}": w.sum(), "{op: sum, args: [w, null]}": w.sum(), "{op: sum, args: [w], kwargs: {}}": w.sum(),
        "{op: sum, args: [w], kwargs: {dtype: double}}": w.sum(dtype=torch.double), "{op: clamp, args: [w, null, 1]}": w.clamp(None, 1),
        "{op: clamp, args: [w, 0]}": w.clamp(0), "{op: softmax, args: [w, -1]}": w.softmax(-1), "{op: add, args: [w, true]}": w + True,
        "{op: add, args: [w, 1], kwargs: {alpha: 2}}": torch.add(w, 1, alpha=2), "{op: view, args: [w, 4]}": w.view(4),
        "{op: view, args: [w, -1]}": w.view(-1), "{op: view, args: [w, [4, 1]]}": w.view(4, 1), "{op: view, args: [w, 4, 1]}": w.view(4, 1),
        "{op: expand, args: [w, 1, -1, -1]}": w.expand(1, -1, -1), "{op: permute, args: [w, 1, 0]}": w.permute(1, 0),
        "{op: cat, args: [[w]]}": torch.cat([w]), "{op: cat, args: [[w, w], 1]}": torch.cat([w, w], 1), "{op: stack, args: [[w, w]]}": torch.stack([w, w]),
        "{op: T, args: [w]}": w.T, "{op: neg, args: [w.T]}": -w.T, "{op: neg, args: [w.0]}": -w[0], "{op: neg, args: [w.0.1]}": -w[0][1],
        "{op: '-', args: [w]}": -w, "{op: '-', args: [1, w]}": 1 - w, "{op: '**', args: [2, w]}": 2**w, "{op: '//', args: [7, w]}": 7 // w,
        "{op: '[]', args: [w, -1]}": w[-1], "{op: '[]', args: [w, '-1:']}": w[-1:], "{op: '[]', args: [w, ':, i']}": w[:, 1],
        "{op: '[]', args: [w, '...']}": w[...], "{op: '[]', args: [w, null]}": w[None], "{op: '[]', args: [w, true]}": w[True],
        "{op: '[]', args: [w, 'None, ::2']}": w[None, ::2], "{op: '[]', args: [w, '[0]']}": w[[0]], "{op: '[]', args: [w, '()']}": w[()],
        "w[w > 0]": w[w > 0], "w[i]": w[1], "w[:, i]": w[:, 1], "w[-1]": w[-1], "w[..., 0]": w[..., 0],
        "-w": -w, "+1 * w": +1 * w, "w * -1": w * -1, "(w)*2": w * 2, "w.T": w.T, "w.sum()": w.sum(), "torch.relu(w)": w.relu(),
        "F.relu(w)": w.relu(), "nn.functional.relu(w)": w.relu(), "torch.nn.functional.relu(w)": w.relu(), "relu(w)": w.relu(),
        "w.to(torch.float64)": w.double(), "w.to(float64)": w.double(), "w @ w.T": w @ w.T, "w.sum(0, keepdim=True)": w.sum(0, keepdim=True),
        "w.sum(axis=0)": w.sum(0), "2 ** w": 2**w, "1e-3 * w": 1e-3 * w, "~(w > 0)": ~(w > 0), "(w > 0) & (w < 4)": (w > 0) & (w < 4),
        "w.max(dim=0).values": w.max(0).values,
        "w.max(dim=0).values * 2": w.max(0).values * 2, "(w + 1).mean().sqrt()": (w + 1).mean().sqrt(), "linalg.norm(w, 'fro')": torch.linalg.norm(w, "fro"),
        "norm(w, p='fro')": torch.norm(w, p="fro"), "einsum('ij,jk->ik', w, w)": w @ w, "w.view(-1)": w.view(-1), "w.view(4, 1)": w.view(4, 1),
        "'w * 2  # twice'": w * 2, "'   w * 2   '": w * 2, "w*2": w * 2, "cat([w, w], 1)": torch.cat([w, w], 1), "where(w > 0, w, 0)": torch.where(w > 0, w, 0),
        "w.add(1, alpha=2)": w.add(1, alpha=2), "w.real": w.real, "aten.add.Tensor(w, w)": w + w, "{op: aten.add.Tensor, args: [w, w]}": w + w,
        "{op: F.mse_loss, args: [w, w], kwargs: {reduction: sum}}": torch.tensor(0.0), "{op: to, args: [w, cpu]}": w, "{op: to, args: [w, int64]}": w.long(),
        "{op: zeros, args: [2, 3]}": torch.zeros(2, 3), "{op: zeros, args: [[2, 3]]}": torch.zeros(2, 3), "{op: full, args: [[2], 1.5]}": torch.full([2], 1.5),
        "{op: tensor, args: [[1, 2]]}": torch.tensor([1, 2]), "{op: add, args: [w, {tensor: 1.5}]}": w + 1.5, "{op: mul, args: [w, {ref: i}]}": w,
    }.items(),
)  # fmt: skip
def test_step_may_be_written(file: Path, written: str, expected: torch.Tensor) -> None:
    made = step(file, written)
    assert (made.dtype, made.shape) == (expected.dtype, expected.shape)
    assert torch.equal(made, expected)


def test_two_numbers_alone_may_be_a_step(file: Path) -> None:
    assert run(file, "steps: {y: 2 + 3, z: {op: '//', args: [7, 2]}}\n")["z"] == 3


def test_word_that_is_also_a_name_is_the_word_where_only_words_fit(file: Path) -> None:
    text = "tensors: {x: [1.0, 3.0], mean: [0.0, 0.0]}\nsteps: {y: {op: F.mse_loss, args: [x, mean], kwargs: {reduction: mean}}}\n"
    assert run(file, text)["y"] == 5.0


def test_word_and_name_alike_are_told_apart_by_str(file: Path) -> None:
    text = "tensors: {x: [[3.0, 0.0], [0.0, 4.0]], fro: 1.0}\nsteps: {y: {op: linalg.norm, args: [x, {str: fro}]}}\n"
    assert run(file, text)["y"] == 5.0


@pytest.mark.parametrize("backward", ["y", "[y]", "{target: y}", "[{target: y}]", "{target: y, gradient: 1}", "{target: y, gradient: {init: ones}}",
                                      "{target: y, inputs: [x]}", "{target: y, inputs: null}", "{target: y, retain_graph: null}"])  # fmt: skip
def test_backward_may_be_written(file: Path, backward: str) -> None:
    text = f"tensors: {{x: {{data: 3.0, requires_grad: true}}}}\nsteps: {{y: x * x}}\nbackward: {backward}\n"
    assert run(file, text)["x.grad"] == 6.0


def test_backward_leaves_a_leaf_that_it_does_not_reach_without_a_gradient_as_torch_does(file: Path) -> None:
    x, far = torch.tensor(3.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    torch.autograd.backward(x * x, inputs=[x, far])
    leaf = "{data: 3.0, requires_grad: true}"
    text = f"tensors: {{x: {leaf}, far: {leaf}}}\nsteps: {{y: x * x}}\nbackward: {{target: y, inputs: [x, far]}}\n"
    result = run(file, text)
    assert result["x.grad"] == x.grad
    assert result["far.grad"] is far.grad is None


@pytest.mark.parametrize("key", ["settings", "params", "cases", "tensors", "steps", "checks", "expect", "reference"])
def test_top_level_mapping_may_be_empty(file: Path, key: str) -> None:
    assert run(file, f"{key}: {{}}\n").is_well


@pytest.mark.parametrize("key", ["tags", "backward", "record", "xfail"])
def test_top_level_list_may_be_empty(file: Path, key: str) -> None:
    assert run(file, f"{key}: []\ntensors: {{x: 1.0}}\n").is_well


@pytest.mark.parametrize("key", ["description", "source", "case", "backward", "tolerance", "record", "input_precision"])
def test_top_level_key_may_be_null(file: Path, key: str) -> None:
    assert run(file, f"{key}: null\ntensors: {{x: 1.0}}\n").is_well


@pytest.mark.parametrize("expect", ["1.5", "[1.5]", "{value: 1.5}", "[{value: 1.5}]", "[{value: 1.5}, {shape: [1]}]", "{shape: [1]}", "{dtype: floating}",
                                    "{equal: x}", "{close: x}", "{value: 1.5, ulp: 0}", "{value: 1, atol: 1}", "{value: 1.5, when: {device: [cpu, cuda]}}",
                                    "{value: 1.5, when: {}}", "{value: 1.5, when: null}", "{contiguous: true}", "{stride: [1]}", "{dtype: float}"])  # fmt: skip
def test_expectation_may_be_written(file: Path, expect: str) -> None:
    assert run(file, f"tensors: {{x: [1.5]}}\nexpect: {{x: {expect}}}\n").is_well


def test_no_gradient_may_be_expected(file: Path) -> None:
    assert run(file, "tensors: {x: 1.0}\nexpect: {x.grad: null}\n").is_well


def test_comments_blank_lines_and_a_byte_order_mark_are_nothing(file: Path) -> None:
    file.write_bytes("\ufeff# first\n\n---\ntensors: # here\n  x: 1.0 # one\n\n...\n".encode())
    assert run_recipe(load_recipe(file))["x"] == 1.0


def test_lines_may_end_as_on_windows(file: Path) -> None:
    file.write_bytes(b"tensors:\r\n  x: 1.0\r\nsteps:\r\n  y: x * 2\r\n")
    assert run_recipe(load_recipe(file))["y"] == 2.0


def test_anchor_and_alias_stand_for_the_same_plain_values(file: Path) -> None:
    result = run(
        file,
        "params: {shape: &shape [2, 3]}\ntensors:\n  x: {init: ones, size: *shape}\n  y: {init: zeros, size: *shape}\n",
    )
    assert (result["x"].shape, result["y"].shape) == ((2, 3), (2, 3))


def test_file_in_a_folder_below_may_be_read(file: Path) -> None:
    (file.parent / "below").mkdir()
    torch.save(w, file.parent / "below" / "w.pt")
    assert torch.equal(run(file, "tensors: {x: {init: load, path: ./below/../below/w.pt}}\n")["x"], w)


def test_names_of_expectations_and_overrides_may_hold_a_dot(file: Path) -> None:
    text = "tensors: {x: {data: 3.0, requires_grad: true}}\nsteps: {y: x * x}\nbackward: y\nexpect: {x.grad: 5.0}\n"
    assert run(file, text, "expect.x.grad=6.0").is_well


def test_case_that_changes_nothing_may_be_chosen(file: Path) -> None:
    assert run(file, "cases: {plain: {}}\ntensors: {x: 1.0}\n", "case=plain")["x"] == 1.0


def test_accepting_warns_of_nothing(file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert step(file, "(w @ w).sum()") == (w @ w).sum()


@pytest.mark.parametrize(
    "backend",
    [
        "inductor",
        "aot_eager",
        "{name: inductor, mode: reduce-overhead}",
        "{name: inductor, options: {epilogue_fusion: false, cpp.simdlen: 8, max_autotune: true}}",
        "{name: inductor, options: {}, mode: null, calls: 2, dynamic: null, fullgraph: true}",
    ],
)
def test_backend_may_be_written(file: Path, backend: str) -> None:
    file.write_text(f"backend: {backend}\ntensors: {{x: 1.0}}\nsteps: {{y: x * 2}}\n", encoding="utf-8")
    assert load_recipe(file).backend.name in backend
