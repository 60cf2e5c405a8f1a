"""The page of a sweep, as data: cells in the order of what they used, in few bytes each, and the worst in full."""

from __future__ import annotations

import base64
import json
from array import array
from pathlib import Path

import pytest
import torch

from tensorflow_free import register_op
from tensorflow_free.cli import recipe_main
from tensorflow_free.files.opening import read_file
from tensorflow_free.pages import page_of_sweep as made
from tensorflow_free.pages.cells_in_full import Allowance, expected_plain
from tensorflow_free.pages.page_of_sweep import page_of_sweep
from tensorflow_free.pages.used_matrix import INFINITE, LIMIT, NOTHING, UNJUDGED, UsedMatrix, UsedValue, code_of
from tensorflow_free.sweep.rows import Row
from tests.page_samples import multiplied, page_file, saved_sweep

BLOCK = Path(__file__).parent / "samples" / "gpt_block.yaml"
OVERFLOW = Path(__file__).parent.parent / "recipes" / "softmax_overflow.yaml"


class _Silu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.nn.functional.silu(x)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * torch.sigmoid(x)


@register_op("shown.silu", replace=True)
def silu(input: torch.Tensor) -> torch.Tensor:
    return _Silu.apply(input)


@pytest.fixture(scope="module")
def block(tmp_path_factory):
    """A sweep of a GPT block, in half of whose cells one backward is wrong; and cells of a device that is not here."""
    ops = ("steps.act.op=F.silu,shown.silu", "+reference={steps.act.op: F.silu}")
    return saved_sweep(
        BLOCK, tmp_path_factory.mktemp("block") / "sweep", *ops, "dtype=float32,bfloat16", "device=cpu,xpu"
    )


@pytest.fixture
def typed_table(capsys):
    """What `recipe table` prints to standard error."""

    def typed(folder):
        capsys.readouterr()
        recipe_main(["table", str(folder)])
        return capsys.readouterr().err

    return typed


@pytest.fixture(scope="module")
def parts(block):
    return dict(page_of_sweep(block).parts)


def codes_of(matrix):
    return array("H", base64.b64decode(matrix["codes"]))


def test_the_worst_cells_come_first_and_bad_ones_before_all(block, parts):
    rows = parts["rows"]
    assert rows["bad"][:3] == [1, 1, 0]
    assert rows["texts"][rows["outcome"][0]] == "mismatch"
    assert page_of_sweep(block).head["full"][:2] == rows["number"][:2]


def test_the_culprit_is_told_first_and_outlined(block, parts):
    failure, *_ = page_of_sweep(block).head["failures"]
    assert failure["value"] == "up.grad"
    assert any("culprit the gradient of act (shown.silu) to its operand up" in one["text"] for one in failure["lines"])
    assert [parts["matrix"]["columns"][at][0] for at in parts["rows"]["outlined"][0]] == ["up.grad"]


def test_what_each_value_used_is_that_of_its_verdict(block, parts):
    number, columns = parts["rows"]["number"][0], parts["matrix"]["layouts"][0]
    verdicts = json.loads(read_file(block / str(number) / "comparison.json"))["values"]
    used = {one["name"]: one["used"] for one in verdicts if one["kind"] != "tensor"}
    names = [parts["matrix"]["columns"][at][0] for at in columns]
    codes = dict(zip(names, codes_of(parts["matrix"]), strict=False))
    assert list(used) == names
    assert 10 ** ((codes["up.grad"] - 2) / 2400 - 12) == pytest.approx(used["up.grad"], rel=1e-3)


def test_cells_that_did_not_run_say_why(block):
    (quiet,) = (one for one in page_of_sweep(block).head["quiet"] if one["outcome"] == "unavailable")
    assert (quiet["ran"], quiet["count"]) == (False, 4)
    assert "xpu" in quiet["why"]


def test_a_cell_in_full_has_its_run_its_verdicts_and_what_was_expected(block, parts):
    number = page_of_sweep(block).head["full"][0]
    cell, expected = parts[f"cell-{number}/cell"], parts[f"cell-{number}/expected"]
    assert cell["steps"] == ["act"]
    assert f"cell-{number}/run" in parts
    (bad,) = (one for one in cell["values"] if one["name"] == "up.grad")
    assert (bad["tone"], bad["alone"][0]["step"], bad["alone"][0]["tone"]) == ("bad", "act", "bad")
    assert "why" not in expected
    pictures = expected["values"]["up.grad"]
    assert [one["caption"] for one in pictures] == ["actual", "expected", "difference: actual less expected"]
    shaded = [(one["picture"]["heat"]["least"], one["picture"]["heat"]["greatest"]) for one in pictures[:2]]
    assert shaded[0] == shaded[1]


def test_references_run_again_for_few_cells_that_fail_and_took_little():
    rows = [Row(number=0, recipe="a", outcome=one, seconds=2.0) for one in ("ok", *("mismatch",) * 4)]
    left = Allowance(cells=2, seconds=3.0)
    assert [left.takes(row) for row in rows] == [False, True, False, False, False]
    assert Allowance(cells=0).takes(rows[1]) is False


def test_of_a_cell_whose_reference_does_not_run_again_the_page_says_what_shows_it(block, parts):
    well = page_of_sweep(block).head["full"][2]
    assert parts[f"cell-{well}/expected"]["command"] == f"recipe page {block / str(well)}"


def test_the_values_of_an_axis_stand_as_they_were_typed(block):
    axes = {one["key"]: one["values"] for one in page_of_sweep(block).head["axes"]}
    assert axes["dtype"] == ["float32", "bfloat16"]
    assert axes["steps.act.op"] == ["F.silu", "shown.silu"]


def test_of_many_cells_the_worst_are_in_full_and_the_others_in_numbers(block, tmp_path, monkeypatch):
    monkeypatch.setattr(made, "MOST_FULL", 2)
    page = page_of_sweep(multiplied(cut(block, tmp_path / "few"), tmp_path / "many", 20))
    found = dict(page.parts)
    assert len(page.head["full"]) == 2
    assert {one for one in found if one.endswith("/cell")} == {f"cell-{number}/cell" for number in page.head["full"]}
    assert len(found["matrix"]["rows"]) == len(found["rows"]["number"]) == 20
    assert all(found["rows"]["texts"][at].startswith("run-recipe -m") for at in found["rows"]["command"])


def cut(sweep, to):
    """The same with the cells alone that ran."""
    rows = [line for line in (sweep / "cells.jsonl").read_text().splitlines() if json.loads(line)["folder"]]
    to.mkdir()
    for path in sweep.iterdir():
        (to / path.name).write_bytes(path.read_bytes())
    (to / "cells.jsonl").write_text("\n".join(rows) + "\n")
    return to


def test_of_cells_with_very_many_values_fewer_are_in_full(block, monkeypatch):
    for most, count in ((1, 1), (49, 2)):
        monkeypatch.setattr(made, "MOST_VALUES", most)
        assert len(page_of_sweep(block).head["full"]) == count


def test_what_a_cell_is_without_its_results_is_told_by_its_row(block, tmp_path):
    for path in block.glob("*.js*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    found = dict(page_of_sweep(tmp_path).parts)
    matrix, (first, *_) = found["matrix"], found["rows"]["number"]
    assert len(matrix["layouts"][matrix["rows"][0]]) == 1
    assert f"cell-{first}/run" not in found
    assert f"{tmp_path / str(first)}" in found[f"cell-{first}/cell"]["lines"][-1]["text"]


def test_what_an_op_raises_in_a_reference_is_told(block, monkeypatch):
    def raises(*_):
        raise ValueError("so it is\nand more")

    monkeypatch.setattr("tensorflow_free.pages.cells_in_full.reference_of_saved", raises)
    row = Row(number=0, recipe="a", outcome="mismatch")
    assert expected_plain(None, row, block, Allowance()) == {"why": "its reference cannot run again here: so it is"}


@pytest.mark.parametrize(
    ("outcome", "used", "code"),
    [
        ("not comparable", 0.0, UNJUDGED),
        ("ok", 0.0, NOTHING),
        ("ok", 1.0, LIMIT),
        ("ok", 1e-30, 2),
        ("mismatch", 1 + 1e-9, LIMIT + 1),
        ("mismatch", 10.0, LIMIT + 2400),
        ("mismatch", 1e300, INFINITE - 1),
        ("mismatch", float("inf"), INFINITE),
        ("mismatch", float("nan"), INFINITE),
    ],
)
def test_a_code_is_above_that_of_one_exactly_where_a_value_does_not_pass(outcome, used, code):
    assert code_of(UsedValue("y", "step", "add", outcome, used)) == code


def test_a_matrix_that_is_full_leaves_out_the_last_cells(monkeypatch):
    monkeypatch.setattr("tensorflow_free.pages.used_matrix.MOST_SHADES", 3)
    matrix = UsedMatrix()
    for _ in range(3):
        matrix.add([UsedValue("y", "step", None, "ok", 0.5), UsedValue("y.grad", "gradient", None, "ok", 0.5)])
    assert matrix.left_out == 2
    assert matrix.to_plain()["rows"] == [0, 1, 1]


# in a browser


@pytest.fixture(scope="module")
def file(block, tmp_path_factory):
    return page_file(block, to=tmp_path_factory.mktemp("page") / "sweep.html")


def worst_of(block):
    return page_of_sweep(block).head["full"][0]


def hover(page, cell, value):
    """Move the mouse over the matrix: down to a cell, then along it to a value."""
    page.page.locator(".matrix").scroll_into_view_if_needed()
    box = page.page.locator(".matrix-canvas").bounding_box()
    left, top, right, bottom = (
        int(one) for one in (box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"])
    )
    y = _moved(page, ((left + 20, y) for y in range(top + 40, bottom, 15)), f"cell {cell} ")[1]
    _moved(page, ((x, y) for x in range(left + 90, right, 12)), f", {value}")


def _moved(page, places, words):
    """The first of the places over which the matrix says these words."""
    for x, y in places:
        page.page.mouse.move(x, y)
        # below the names of values, where nothing is said anew
        is_over = "pointer" in (page.page.locator(".matrix").get_attribute("style") or "")
        if is_over and words in page.text(".matrix-says"):
            return x, y
    return pytest.fail(f"the matrix never says '{words}'")


def test_the_culprit_is_seen_at_first_sight(opened, block, file):
    page = opened(file)
    assert "culprit the gradient of act (shown.silu) to its operand up" in page.text("#failures")
    page.page.get_by_role("link", name=f"show cell {worst_of(block)}").click()
    page.page.locator("#cell h3").first.wait_for()
    assert page.text("#cell h3").startswith("up.grad")
    captions = [one.split(" float")[0] for one in page.page.locator("#cell .beside figcaption").all_inner_texts()]
    assert captions == ["actual", "expected", "difference: actual less expected"]


def test_a_click_into_the_matrix_opens_the_cell_and_the_value(opened, block, file):
    page = opened(file)
    page.page.locator(".matrix-says").wait_for()
    hover(page, worst_of(block), "up.grad")
    assert page.text(".matrix-says").endswith("out of bounds; outlined")
    page.page.mouse.down()
    page.page.mouse.up()
    page.page.locator("#cell h3").first.wait_for()
    assert page.page.url.endswith(f"#{worst_of(block)}/up.grad")


def test_the_matrix_is_read_and_opened_by_the_keyboard(opened, block, file):
    page = opened(file)
    page.page.locator(".matrix").focus()
    page.press("ArrowDown", "ArrowUp", "ArrowRight")
    assert f"cell {worst_of(block)} " in page.text(".matrix-says")
    assert ", n1 (nn.functional.layer_norm)" in page.text(".matrix-says")
    page.press("Enter")
    page.page.locator("#cell h2").first.wait_for()
    assert page.page.url.endswith(f"#{worst_of(block)}/n1")


def test_cells_are_filtered_by_axis_outcome_step_and_words(opened, file):
    page = opened(file)
    status = page.page.locator("#matrix [role=status]")
    status.wait_for()
    for label, option, told in (
        ("outcome", "ok", "2 of 8 cells, 0 of them bad"),
        ("outcome", "all", "8 of 8 cells, 2 of them bad"),
        ("out of bounds at", "up.grad", "2 of 8 cells, 2 of them bad"),
        ("dtype", "float32", "1 of 8 cells, 1 of them bad"),
    ):
        page.page.get_by_label(label, exact=True).select_option(label=option)
        assert status.inner_text() == told
    page.page.get_by_label("words of a cell").fill("bfloat16")
    assert status.inner_text() == "0 of 8 cells, 0 of them bad"


def test_where_no_cell_is_shown_keys_do_nothing_and_there_are_no_curves(opened, file):
    page = opened(file)
    page.page.get_by_label("words of a cell").fill("no such cell")
    page.page.locator(".matrix").focus()
    page.press("ArrowDown", "ArrowUp", "End", "Enter")
    assert page.text(".matrix-says") == "no cell"
    assert page.page.locator("#charts figure").count() == 0


def test_a_table_stands_behind_the_matrix_and_each_curve(opened, file):
    page = opened(file)
    page.page.locator("#charts figure").first.wait_for()
    for summary in page.page.locator("#matrix summary, #charts summary").all():
        summary.click()
    # what is folded is made once the browser has told that it is open, which is after the click
    page.page.locator("#charts tbody tr").nth(40).wait_for()
    page.page.locator("#matrix tbody tr").nth(7).wait_for()
    assert page.page.locator("#matrix tbody tr").count() == 8


def test_a_cell_that_is_in_numbers_alone_tells_them_and_what_shows_it(opened, tmp_path, monkeypatch):
    monkeypatch.setattr("tensorflow_free.pages.page_of_sweep.MOST_FULL", 2)
    count = 10
    few = saved_sweep(OVERFLOW, tmp_path / "few", "dtype=float32,float16")
    page = opened(page_file(multiplied(few, tmp_path / "many", count), to=tmp_path / "many.html"), f"#{count - 2}")
    page.page.locator("#cell h2").first.wait_for()
    assert page.text("#matrix [role=status]") == f"{count:,} of {count:,} cells, {count // 2:,} of them bad"
    assert "run-recipe -m" in page.text("#cell")


def test_a_sweep_that_ended_early_is_not_called_well_and_tells_how_to_resume_it(tmp_path, typed_table):
    folder = saved_sweep(OVERFLOW, tmp_path / "sweep", "dtype=float64,float32")
    rows = folder / "cells.jsonl"
    rows.write_text(rows.read_text().splitlines(keepends=True)[0])
    told, left, *_ = page_of_sweep(folder).head["lines"]
    words = f"1 of 2 cells have not run; resume with run-recipe --resume {folder}"
    assert (told["text"], told["style"]) == ("1 of 2 cells: 1 ok.", "notice")
    assert (left["text"], left["style"]) == (words, "notice")
    assert typed_table(folder) == f"{words}\n"


def test_what_the_terminal_notes_of_a_sweep_stands_on_its_page(tmp_path):
    recipe = tmp_path / "own.yaml"
    recipe.write_text("tensors: {x: [1.0]}\nsteps: {y: {op: shown.silu, args: [x]}}\n")
    *_, note = page_of_sweep(saved_sweep(recipe, tmp_path / "sweep", "dtype=float32")).head["lines"]
    assert note["text"].startswith("note: 'shown.silu' is an op of your own and runs in the reference, too")
