"""The page of a run, as data, and in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.errors import StorageError
from tensorflow_free.loading import plan_of
from tensorflow_free.pages.html_document import write_page
from tensorflow_free.pages.page_of_paths import PageOptions, page_of
from tensorflow_free.pages.page_of_run import page_of_run
from tensorflow_free.pages.run_parts import run_parts
from tensorflow_free.runner import run

RECIPES = Path(__file__).parent.parent / "recipes"


def parts_of(recipe, *overrides, **more):
    return dict(run_parts(run(plan_of(load_recipe(recipe, overrides)))[0], **more))


def small(steps, tensors, **more):
    return {"tensors": tensors, "steps": steps, **more}


def test_a_run_has_a_row_and_a_picture_for_each_value_and_gradient():
    parts = parts_of(RECIPES / "linear_autograd.yaml")
    assert [one["name"] for one in parts["run"]["values"]] == ["x", "w", "b", "wx", "y", "w.grad", "wx.grad", "y.grad"]
    assert [one["words"] for one in parts["pictures-0"]] == ["1", "2", "3", "2", "5", "1", "1", "1"]


def test_what_was_expected_is_told_as_in_the_terminal():
    told = parts_of(RECIPES / "linear_autograd.yaml", "expect.y=6")["run"]["outcomes"]
    assert [one["text"] for one in told][:2] == [
        "FAILS  y  6",
        "it is 5, and 6 is expected, 1 apart (allowed: rtol 1.3e-06, atol 1e-05)",
    ]


def test_numbers_are_held_up_to_4096_and_beyond_the_command_that_prints_them(tmp_path):
    tensors = {"few": [1.0], "some": {"init": "ones", "size": [65]}, "many": {"init": "ones", "size": [4097]}}
    parts = parts_of(small({}, tensors), folder=tmp_path / "a run")
    assert [name for name in parts if name.startswith("numbers")] == ["numbers-1"]
    assert "read_result" in parts["run"]["values"][2]["command"]


def test_the_names_of_all_parts_begin_with_their_prefix():
    assert set(parts_of(RECIPES / "linear_autograd.yaml", prefix="cell-3/")) == {"cell-3/run", "cell-3/pictures-0"}


def test_a_step_that_failed_is_told_with_torchs_words():
    steps = {"a": {"op": "mm", "args": ["x", "x"]}, "b": {"op": "exp", "args": ["a"]}}
    run = parts_of(small(steps, {"x": {"init": "ones", "size": [2, 3]}}))["run"]
    assert run["failed"] == "a"
    assert "mat1 and mat2" in "\n".join(run["failure"])


def test_a_trace_is_a_curve():
    step = {"repeat": 3, "steps": {"d": {"op": "mul", "args": ["x", 2.0]}}, "carry": {"x": "d"}, "trace": ["d"]}
    parts = parts_of(small({"loop": step}, {"x": 1.0}))
    at = [one["name"] for one in parts["run"]["values"]].index("loop.d")
    assert parts["pictures-0"][at]["curve"]["means"] == [2.0, 4.0, 8.0]


KINDS = {
    "complex": {"init": "tensor", "data": [{"complex": [1, 2]}]},
    "bool": {"init": "tensor", "data": [True, False]},
    "empty": {"init": "zeros", "size": [0, 3]},
    "nan": {"init": "tensor", "data": [float("nan"), float("inf"), 1.0]},
}


@pytest.mark.parametrize("kind", KINDS)
def test_values_of_every_kind_have_a_page(kind, opened, tmp_path):
    result = run_recipe(load_recipe(small({"y": {"op": "clone", "args": ["x"]}}, {"x": KINDS[kind]})))
    write_page(page_of_run(result), tmp_path / "page.html")
    page = opened(tmp_path / "page.html", "#y")
    page.page.wait_for_selector(".details[data-step=y] figure")
    assert str(list(result["y"].shape)) in page.text(".details")


@pytest.fixture
def linear(opened, tmp_path):
    result = run_recipe(load_recipe(RECIPES / "linear_autograd.yaml"))
    write_page(page_of_run(result), tmp_path / "page.html")
    return opened(tmp_path / "page.html")


def test_a_step_is_told_with_its_line_its_op_and_its_gradient(linear):
    linear.page.wait_for_selector(".details[data-step=y] figure")
    told = linear.text(".details")
    for words in (
        "y = add(wx, b)",
        "Adds other",
        "AddBackward0",
        "its gradients, by PyTorch's table",
        "y.grad float32 []",
    ):
        assert words in told


def test_a_click_on_an_operand_leads_to_it_and_into_the_address(linear):
    linear.page.wait_for_selector(".details[data-step=y] figure")
    linear.page.click(".details code.line a:has-text('wx')")
    linear.page.wait_for_selector(".details[data-step=wx] figure")
    assert linear.page.url.endswith("#wx")


def test_the_search_finds_a_step_by_its_op(linear):
    linear.page.fill("input[type=search]", "mul")
    linear.press("Enter")
    linear.page.wait_for_selector(".details[data-step=wx]")


def test_all_values_stand_in_a_table_behind_the_graph(linear):
    linear.page.click("summary:has-text('values and gradients')")
    assert "MulBackward0" in linear.text("details .table")
    assert linear.violations() == ""


def test_the_teaching_view_is_of_one_run(tmp_path):
    result = run_recipe(load_recipe(RECIPES / "linear_autograd.yaml"))
    one, two = result.save(tmp_path / "one"), result.save(tmp_path / "two")
    assert page_of([one], PageOptions(teaching=True)).head["teaching"]
    with pytest.raises(StorageError, match="the teaching view \\(--teach\\) is of one run, not of run and run"):
        page_of([one, two], PageOptions(teaching=True))


def test_a_run_that_cannot_be_run_again_says_why_it_has_no_teaching_view(tmp_path):
    result = run_recipe(load_recipe(RECIPES / "linear_autograd.yaml"))
    result.save(tmp_path)
    (tmp_path / "recipe.yaml").write_text((tmp_path / "recipe.yaml").read_text().replace("op: mul", "op: no.such_op"))
    page = page_of([tmp_path], PageOptions(teaching=True))
    assert not page.head["teaching"]
    assert "no teaching view: it cannot be run again here" in page.head["lines"][-1]["text"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "is not there; run-recipe prints"),
        (".", "is neither the folder of a run"),
        ("one.yaml", "is a file of YAML, and a page is of a run; run-recipe .*one.yaml --page PAGE.html runs it"),
        ("sweep/7", "is no cell of the sweep '.*sweep'; recipe table .*sweep lists them"),
    ],
)
def test_a_path_of_which_no_page_is_made_is_told_with_what_to_type(name, said, tmp_path):
    (tmp_path / "one.yaml").touch()
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "sweep.json").touch()
    with pytest.raises(StorageError, match=said):
        page_of([tmp_path / name])
