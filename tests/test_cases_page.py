"""Pages of many cases: what verify found, what a golden holds, what a review would change, two sweeps; and of blame."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tensorflow_free import cli, register_op
from tensorflow_free.cell.blamed_runs import blame_recipe
from tensorflow_free.pages.case_list import MOST_IN_FULL, CaseList, CaseRow
from tensorflow_free.pages.page_of_blame import blame_section
from tensorflow_free.pages.side_by_side import SideBySide, SideRow
from tests.page_samples import HOSTILE, assert_harmless, page_file, saved_sweep

WRONG = {"by": 0.0}


def shifted(x):
    return x.exp() + WRONG["by"]


register_op("cases_page_shifted", shifted)

RECIPE = """
tensors:
  x: {init: randn, size: [3, 4], requires_grad: true}
steps:
  a: x * 2
  b: cases_page_shifted(a)
  s: b.sum()
backward: s
cases:
  large: {}
  small: {tensors: {x: {init: randn, size: [2, 2], requires_grad: true}}}
"""


REFERENCE = 'reference.steps.b="a.exp()"'


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with a recipe of two cases, and its golden."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(WRONG, "by", 0.0)
    (tmp_path / "r.yaml").write_text(RECIPE, encoding="utf-8")
    assert typed("record", "r.yaml", "-q") == 0


def typed(*words):
    return cli._guarded(cli.recipe_main, words)


def wrong():
    WRONG["by"] = 1.0


def head_of(path="page.html"):
    """What the first look of a page has."""
    text = Path(path).read_text(encoding="utf-8")
    return json.loads(text.partition('id="head">')[2].partition("</script>")[0])


def cells_of(head):
    return [[cell if isinstance(cell, str) else cell[0] for cell in row["cells"]] for row in head["rows"]]


# the data


def test_verify_writes_each_case_with_what_holds_and_what_fails():
    wrong()
    assert typed("verify", "r.yaml", "dtype=float32,bfloat16", "-q", "--page", "page.html") == 1
    head = head_of()
    assert [cells[:3] for cells in cells_of(head)] == [["MISMATCH", "r.yaml", case] for case in ("large", "small")] * 2
    assert [row["tone"] for row in head["rows"]] == ["bad"] * 4
    assert head["lines"][-1]["text"] == "4 cells: 4 mismatch."
    assert head["rows"][0]["command"] == "recipe verify r.yaml dtype=float32 case=large"


def test_a_case_that_fails_is_shown_beside_its_golden(opened):
    wrong()
    typed("verify", "r.yaml", "-q", "--page", "page.html")
    page = opened("page.html", "#1/s")
    page.page.wait_for_selector("tr[data-name='s'] + tr.pair-details .picture")
    assert page.text("h2") == "r.yaml · small · float32-cpu"
    assert page.page.locator("tr.pair-details figcaption").all_inner_texts()[0].startswith("actual float32")
    page.page.locator("tr[data-case='0']").click()
    page.page.wait_for_selector("tr[data-name='b'] + tr.pair-details .picture")
    assert page.text("h2") == "r.yaml · large · float32-cpu"


def test_a_golden_shows_its_cases_and_values(opened):
    page = opened(page_file("r.golden.json", to=Path("page.html")), "#1/a.grad")
    page.page.wait_for_selector("tr.pair-details .picture")
    assert page.page.locator("tr[data-case]").count() == 2
    assert page.text(".node[data-id=a] .of-value") == page.text("tr[data-name=a] td:nth-child(4)")
    assert page.text(".node[data-id=x] .of-gradient") == page.text("tr[data-name='x.grad'] td:nth-child(4)")
    assert page.text("tr[aria-current] + tr.pair-details figcaption").startswith("recorded float64")
    assert page.violations() == ""


def test_a_review_shows_what_changed_with_the_difference(opened):
    wrong()
    assert typed("review", "r.yaml", "--list", "-q", "--page", "page.html") == 1
    head = head_of()
    assert [cells[:4] for cells in cells_of(head)] == [
        ["r.yaml", case, "r.golden.json", "2 values"] for case in ("large", "small")
    ]
    page = opened("page.html", "#0/s")
    page.page.wait_for_selector("tr.pair-details .picture")
    captions = page.page.locator("tr.pair-details .pictures > figure > figcaption").all_inner_texts()
    assert [one.split(" float")[0] for one in captions] == ["new", "old", "difference: new less old"]
    assert page.text("tr.pair-details .pictures > figure:last-child .number") == "12"


def test_two_goldens_show_what_differs_first_and_a_case_that_one_alone_has(opened, tmp_path):
    (tmp_path / "old").mkdir()
    Path("r.golden.json").rename("old/r.golden.json")
    wrong()
    typed("record", "r.yaml", "case=large", "-q")
    page = opened(page_file("r.golden.json", "old/r.golden.json", to=Path("page.html")), "#0")
    page.page.wait_for_selector("tr.pair-details .picture")
    assert cells_of(head_of()) == [["large", "2 values", ""], ["small", "the old one alone has it", ""]]
    assert page.text("tr[aria-current][data-name]").startswith("b\tcases_page_shifted\tchanged")
    assert page.page.locator(".pair-side figcaption").all_inner_texts() == ["new", "old"]
    of_both = page.page.locator(".node[data-id=s] .of-value").all_inner_texts()
    assert float(of_both[0]) - float(of_both[1]) == pytest.approx(12, abs=0.01)


def test_of_very_many_cases_the_first_that_fail_and_the_first_that_do_not_are_in_full():
    row = SideRow("h", ("h",), torch.ones(2))
    section = SideBySide("t", (), ("name",), ("actual",), [row])
    cases = CaseList(("case",))
    for number in range(3 * MOST_IN_FULL):
        cases.add(
            CaseRow((str(number),), is_bad=number % 2 == 1), section if cases.wants(is_bad=number % 2 == 1) else None
        )
    page = cases.page("t", ())
    assert sum(name.endswith("/section") for name, _ in page.parts) == 2 * MOST_IN_FULL
    assert [number for number, one in enumerate(page.head["rows"]) if "part" not in one][:2] == [400, 401]


# what is to blame


def test_a_culprit_is_named_and_its_chain_marked():
    wrong()
    found = blame_recipe("r.yaml", [REFERENCE])
    head = blame_section(found).head()
    assert head["first"] == "b (cases_page_shifted, forward)"
    assert head["marks"]["b"] == ["bad", "culprit: b (cases_page_shifted, forward)"]
    assert head["marks"]["s"] == ["notice", "out of bounds, right for its inputs"]
    assert sum("b (cases_page_shifted" in one["text"] for one in head["lines"]) >= 2


def test_blame_writes_a_page_of_each_step_alone_and_in_the_chain(opened):
    wrong()
    assert typed("blame", "r.yaml", REFERENCE, "-q", "--page", "page.html") == 1
    page = opened("page.html")
    page.page.wait_for_selector("tr.pair-details .picture")
    assert page.text("tr[aria-current]").startswith("b (cases_page_shifted, forward)\tb\tcases_page_shifted")


# two sweeps


def test_two_sweeps_are_held_against_each_other_cell_by_cell(opened, tmp_path):
    for name, by in (("a", 1), ("b", 2)):
        Path(f"{name}.yaml").write_text(f"tensors: {{x: [1.0, {by}.0]}}\nsteps: {{y: exp(x)}}\n", encoding="utf-8")
    folders = [saved_sweep(f"{name}.yaml", tmp_path / name, "dtype=float32,float64") for name in "ab"]
    rows = [folder / "cells.jsonl" for folder in folders]
    # of two recipes that are called alike
    rows[1].write_text(rows[1].read_text("utf-8").replace('"b.yaml"', '"a.yaml"'), encoding="utf-8")
    assert typed("compare", *map(str, folders), "-q", "--page", "page.html") == 1
    assert [cells[:2] for cells in cells_of(head_of())] == [
        ["MISMATCH", f"dtype={one}"] for one in ("float32", "float64")
    ]
    page = opened("page.html", "#1/y")
    page.page.wait_for_selector("tr.pair-details .picture")
    assert page.text("h2") == f"{folders[0] / '1'} compared with {folders[1] / '1'}"


# hostile words


def test_names_of_cases_and_files_are_text(opened, tmp_path):
    name = f"r{HOSTILE.replace('/', '')[:60]}"
    (tmp_path / f"{name}.yaml").write_text(
        "cases: {'<b>x</b>': {}}\n" + RECIPE.partition("cases:")[0], encoding="utf-8"
    )
    typed("verify", f"{name}.yaml", "-q", "--page", "page.html")
    assert_harmless(opened("page.html"), least=0)
