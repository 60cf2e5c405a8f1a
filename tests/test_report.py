"""What a person sees of a result: the table, the verdicts, what failed; as plain text, and on terminals of any width."""

from __future__ import annotations

import io
import re

import pytest
import torch
from rich.console import Console

from tensorflow_free import Recipe, load_recipe, run_recipe
from tensorflow_free.loading import plan_of
from tensorflow_free.report.result_report import page_of
from tensorflow_free.report.value_summary import summary
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.runner import run as run_plan
from tensorflow_free.text.drawing import draw, text_of


def run(overrides=(), **recipe):
    return run_plan(plan_of(load_recipe(recipe, list(overrides))))[0]


def linear(**more):
    tensors = {"x": 1.0, "w": {"data": 2.0, "requires_grad": True}}
    return run(tensors=tensors, steps={"wx": {"op": "mul", "args": ["w", "x"]}}, backward="wx", **more)


def plain_text(result, file=None):
    return text_of(page_of(result, file))


def drawn(result, width, **options):
    stream = io.StringIO()
    draw(page_of(result, "outputs/x/result.json"), Console(file=stream, width=width, **options))
    return stream.getvalue()


# a value in a few words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (torch.tensor(5.0), "5"),
        (torch.tensor(0.1), "0.1"),
        (torch.tensor(-0.0), "-0"),
        (torch.tensor([1.0, float("nan"), float("inf")]), "[1, nan, inf]"),
        (torch.tensor([[True], [False]]), "[[true], [false]]"),
        (torch.tensor([1, -2]), "[1, -2]"),
        (torch.tensor(2**63 - 1), "9223372036854775807"),
        (torch.tensor([2**64 - 1], dtype=torch.uint64), "[18446744073709551615]"),
        (torch.tensor(1 + 2j), "1+2j"),
        (torch.tensor(1 - 2j).conj(), "1+2j"),
        (torch.tensor([0.5]).to(torch.float8_e4m3fn), "[0.5]"),
        (torch.empty(0), "[]"),
        (torch.empty(0, 3), "[]"),
        (torch.arange(12.0), "0 … 11"),
        (torch.full((9,), 3.0), "all 3"),
        (torch.arange(1_000_000, 1_000_010), "1000000 … 1000009"),
        (torch.arange(10).to(torch.uint32), "0 … 9"),
        (torch.arange(10) % 2 == 0, "5 of 10 true"),
        (torch.arange(8.0) * 1j, "|z| 0 … 7"),
        (torch.tensor([1.0, 2.0] * 4 + [float("nan")] * 3 + [float("-inf")]), "1 … 2, 3 nan, 1 -inf"),
        (torch.full((9,), float("nan")), "nothing finite, 9 nan"),
        (torch.full((9,), -torch.inf), "nothing finite, 9 -inf"),
        (torch.tensor([-torch.inf, 1.0] * 6 + [torch.inf]).to(torch.float8_e5m2), "all 1, 1 inf, 6 -inf"),
        (torch.full((9,), -torch.inf, dtype=torch.bfloat16), "nothing finite, 9 -inf"),
        (torch.full((9,), complex(-torch.inf, 0)), "|z| nothing finite, 9 inf"),
        (torch.eye(3).to_sparse(), "sparse_coo: [1, 1, 1]"),
        (torch.arange(16.0).reshape(4, 4).to_sparse(), "sparse_coo: 1 … 15"),
        (torch.empty(3, device="meta"), "no values (meta)"),
        (0.1, "0.1"),
        (7, "7"),
        (True, "true"),
        (None, "none"),
        (torch.float16, "float16"),
        (torch.Size([2, 3]), "[2, 3]"),
        ([1.0, 2.0], "[1, 2]"),
        ("word", "word"),
    ],
    ids=str,
)
def test_a_value_in_a_few_words(value, words):
    assert summary(value) == words


@pytest.mark.filterwarnings("ignore")
def test_values_of_other_layouts_in_a_few_words():
    assert summary(torch.nested.nested_tensor([torch.ones(2), torch.zeros(9)])) == "nested: 0 … 1"
    assert summary(torch.eye(3).to_sparse_csr()) == "sparse_csr: [1, 1, 1]"
    assert "no numbers" in summary(torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8))


# plain text


def test_the_whole_report_as_plain_text():
    result = linear(description="A product.", expect={"wx": 2.0, "w.grad": 5.0})
    result.name = "product"
    text = re.sub(r"torch \S+", "torch T", plain_text(result, "outputs/product/result.json"))
    assert text == (
        "product · cpu · float32 · eager · seed 0 · torch T\n"
        "A product.\n"
        "\n"
        "name  op   dtype    shape  value  gradient  grad_fn\n"
        "x          float32  []     1\n"
        "w          float32  []     2      1\n"
        "wx    mul  float32  []     2      1         MulBackward0\n"
        "\n"
        "ok     wx      2.0\n"
        "FAILS  w.grad  5.0\n"
        "    it is 1, and 5 is expected, 4 apart (allowed: rtol 1.3e-06, atol 1e-05)\n"
        "1 of 2 expectations hold.\n"
        "\n"
        "outputs/product/result.json"
    )


def test_columns_that_say_nothing_are_left_out():
    text = plain_text(run(tensors={"x": 1.0}, steps={"y": {"op": "neg", "args": ["x"]}}))
    assert "name  op   dtype    shape  value\n" in text


def test_a_leaf_without_a_gradient_says_none():
    tensors = {"x": {"data": 1.0, "requires_grad": True}, "w": {"data": 2.0, "requires_grad": True}}
    text = plain_text(run(tensors=tensors, steps={"y": "w * 2"}, backward="y"))
    assert re.search(r"^x +float32 +\[\] +1 +none$", text, re.MULTILINE)


def test_a_long_chain_is_cut_in_its_middle():
    steps = {f"s{number}": f"{f's{number - 1}' if number else 'x'} + 1" for number in range(500)}
    lines = plain_text(run(tensors={"x": 0}, steps=steps)).splitlines()
    assert any(re.search(r"^…  +301 more$", line) for line in lines)
    assert lines[-1].startswith("s499")
    assert len(lines) < 210


def test_fields_of_several_values_have_a_row_each():
    text = plain_text(run(tensors={"x": [3.0, 1.0]}, steps={"top": {"op": "topk", "args": ["x", 1]}}))
    assert re.search(r"^top\.values +topk +float32 +\[1\] +\[3\]$", text, re.MULTILINE)
    assert re.search(r"^top\.indices +topk +int64 +\[1\] +\[0\]$", text, re.MULTILINE)


def test_a_compiled_cell_names_its_backend_and_shows_what_it_records():
    text = plain_text(run(backend="aot_eager", tensors={"x": 1.0}, steps={"h": "x + 1", "y": "h * 2"}))
    assert " · aot_eager · " in text
    assert re.search(r"^y +\* +float32 +\[\] +4$", text, re.MULTILINE)


def test_a_step_that_failed_is_told_with_its_operands():
    text = plain_text(run(tensors={"x": [[1.0, 2.0]]}, steps={"y": {"op": "mm", "args": ["x", "x"]}}))
    assert "steps.y: 'mm' failed: mat1 and mat2 shapes cannot be multiplied (1x2 and 1x2)" in text
    assert "    x: float32 [1, 2] cpu" in text


def test_outcomes_besides_holding_are_counted():
    result = run(
        backend="aot_eager",
        tensors={"x": 1.0},
        steps={"h": "x + 1", "y": "h * 2"},
        expect={"h": 2.0, "y": 5.0},
        xfail=[{"keys": ["y"], "reason": "a fault"}],
    )
    assert "0 of 2 expectations hold, 1 not judged, 1 known fault." in plain_text(result)


def test_nothing_is_said_of_expectations_where_there_are_none():
    assert "expect" not in plain_text(run(tensors={"x": 1.0}, steps={"y": "x + 1"}))


# on a terminal


def wide():
    """A result with more in each column than fits on a narrow terminal."""
    values = {"written_out_in_full": torch.arange(8.0), "b": torch.tensor([0.25, -1.0, float("nan")]), "c": None}
    records = {
        name: Record(name, "step", value, "nn.functional.scaled_dot_product_attention", grad_fn="UnsafeViewBackward0")
        for name, value in values.items()
    }
    records["b.grad"] = Record("b.grad", "gradient", torch.tensor([1.0, 2.0, 3.0]))
    return Result(Recipe(), records)


def test_a_table_without_ops_fits_a_narrow_terminal():
    result = run(tensors={"a_long_name": {"init": "randn", "size": [3, 3]}})
    assert all(len(line) <= 30 for line in drawn(result, 30).splitlines()[2:4])


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 160])
def test_a_table_row_takes_one_line_that_fits(width):
    lines = drawn(wide(), width).splitlines()
    begin = lines.index("") + 1
    rows = lines[begin : lines.index("", begin)]
    assert len(rows) == 4
    assert all(len(row) <= width for row in rows)


def test_narrow_terminals_keep_names_and_values():
    text = drawn(wide(), 50)
    assert "0 … 7" in text
    assert "[0.25, -1, nan]" in text
    assert "grad_fn" not in text


def test_a_wide_terminal_shows_everything():
    text = drawn(wide(), 160)
    assert "nn.functional.scaled_dot_product_attention" in text
    assert "UnsafeViewBackward0" in text


def test_colour_is_for_terminals_only():
    assert "\x1b[" in drawn(linear(), 80, force_terminal=True, color_system="standard")
    assert "\x1b[" not in drawn(linear(), 80)
    assert "\x1b[" not in plain_text(linear())


def test_a_drawn_report_says_what_the_plain_one_says():
    result = linear(description="A product.", expect={"wx": 2.0, "w.grad": 5.0})
    squeezed = re.sub(r"\s+", " ", drawn(result, 200)).strip()
    assert squeezed == re.sub(r"\s+", " ", plain_text(result, "outputs/x/result.json"))


def test_text_of_a_recipe_is_not_read_as_markup():
    result = linear(description="[bold]not markup[/bold] [/]")
    assert "[bold]not markup[/bold] [/]" in drawn(result, 80)


def test_nan_is_alarming():
    result = run(tensors={"x": -1.0}, steps={"y": {"op": "sqrt", "args": ["x"]}})
    assert "\x1b[31m" in drawn(result, 80, force_terminal=True, color_system="standard")


def test_a_run_of_the_api_reports_too():
    result = run_recipe(load_recipe({"tensors": {"x": 1.0}, "steps": {"y": "x + 1"}}))
    assert plain_text(result).startswith("recipe · cpu · float32")


def test_check_and_step_of_one_op_show_one_name():
    call = {"op": "F.relu", "args": ["x"]}
    result = run(tensors={"x": [1.0]}, steps={"y": call}, checks={"z": call}, expect={"y": {"equal": "z"}})
    assert [result.records[name].op for name in ("y", "z")] == ["nn.functional.relu"] * 2
