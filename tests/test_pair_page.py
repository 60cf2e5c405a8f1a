"""The page of two runs side by side: what differs first, both values and their difference, what they hang on."""

from __future__ import annotations

import json
import math
import re

import pytest
import torch

from tensorflow_free import compare_results
from tensorflow_free.errors import StorageError
from tensorflow_free.judging.verdicts import COMPARISON
from tensorflow_free.pages.page_of_pair import pair_section, stored_pair
from tensorflow_free.pages.page_of_paths import page_of
from tensorflow_free.pages.side_by_side import NO_NUMBERS, difference, pictures_of
from tensorflow_free.result.reading import read_result
from tests.page_samples import HOSTILE, assert_harmless, chain, page_file, saved_run

RECIPE = {
    "tensors": {"x": {"data": [1.0, 2.0, 3.0], "requires_grad": True}},
    "steps": {"h": "x * 2", "a": "h.exp()", "s": "a.sum()"},
    "backward": "s",
}


@pytest.fixture
def runs(tmp_path):
    """The folders of two runs that differ from step h on."""
    return saved_run(RECIPE, tmp_path / "mine", "steps.h=x * 2.5"), saved_run(RECIPE, tmp_path / "its")


def section_of(runs):
    return pair_section(stored_pair(runs, (read_result(runs[0]), read_result(runs[1]))))


# the data


def test_it_tells_where_two_runs_differ_first_and_what_in_their_recipes_does(runs):
    head = section_of(runs).head()
    assert head["first"] == "h"
    assert [one["text"] for one in head["lines"][-2:]] == [
        "5 values out of bounds, of 7 compared.",
        "It starts at h (*, forward).",
    ]
    assert "steps.h.args: [x, 2.5], and [x, 2] in the reference" in [one["text"] for one in head["notes"][0]["lines"]]
    assert head["commands"][0]["text"].startswith("recipe compare ")


def test_each_value_has_both_numbers_and_their_difference(runs):
    section = section_of(runs)
    part = next(content["h"] for name, content in section.parts() if name.startswith("values-") and "h" in content)
    assert [one["caption"] for one in part["pictures"]] == ["actual", "expected", "difference: actual less expected"]
    assert part["pictures"][2]["picture"]["numbers"] == ["0.5", "1", "1.5"]
    assert part["lines"][0]["text"].startswith("it is 2.5 at [0], and 2 in the reference")


def test_both_chains_are_drawn_and_marked_where_they_are_off(runs):
    section = section_of(runs)
    graphs = dict(section.parts())
    assert [[node["id"] for node in graphs[f"graph-{at}"]["nodes"]] for at in (0, 1)] == [["x", "h", "a", "s"]] * 2
    assert section.marks["h"][0] == "bad"
    assert section.marks["h"][1].startswith("h: MISMATCH")


def test_numbers_that_are_alike_differ_by_nothing_whatever_they_are():
    one, other = torch.tensor([math.nan, math.inf, 1.0]), torch.tensor([math.nan, math.inf, 0.5])
    assert difference(one, other).tolist() == [0, 0, 0.5]
    assert difference(torch.tensor([1 + 1j]), torch.tensor([1.0])).tolist() == [1j]
    assert difference(one, torch.ones(2)) is None
    assert difference("a", one) is None


def test_the_same_bits_are_pictured_once():
    one = torch.tensor([1.0, 2.0])
    assert [told["caption"] for told in pictures_of(one, one.clone(), ("actual", "expected"))] == [
        "actual and expected, the same bits"
    ]
    assert [told["caption"] for told in pictures_of(one, NO_NUMBERS, ("actual", "expected"))] == ["actual"]


def test_both_values_are_shaded_alike():
    actual, expected, _ = pictures_of(torch.arange(100.0), torch.full((100,), 200.0), ("actual", "expected"))
    assert {one["picture"]["heat"]["least"] for one in (actual, expected)} == {0.0}
    assert {one["picture"]["heat"]["greatest"] for one in (actual, expected)} == {200.0}


def test_three_runs_make_no_page(runs):
    with pytest.raises(StorageError, match="no page is made of run and run and run together"):
        page_of([*runs, runs[0]])


def test_numbers_of_a_value_that_is_not_small_are_there_to_be_asked_for(opened, tmp_path):
    recipe = {"tensors": {"x": {"init": "arange", "end": 100}}, "steps": {"h": "x * 2"}}
    runs = [saved_run(recipe, tmp_path / name, f"steps.h=x * {name}") for name in ("2", "3")]
    page = opened(page_file(*runs, to=tmp_path / "page.html"), "#h")
    summary = page.page.locator("tr.pair-details summary", has_text="all 100 numbers")
    summary.first.click()
    page.page.wait_for_selector("tr.pair-details details[open] td")
    assert page.page.locator("tr.pair-details details[open] td").all_inner_texts()[-1] == "198"


# a sweep's cell


@pytest.fixture
def cell(tmp_path):
    """The folder of a cell of a sweep."""
    mine, its = (saved_run(RECIPE, tmp_path / dtype, f"dtype={dtype}") for dtype in ("float32", "float64"))
    found = compare_results(read_result(mine), read_result(its), reference="cpu eager float64, own inputs")
    (mine / COMPARISON).write_text(json.dumps(found.to_plain()), encoding="utf-8")
    return mine


def test_a_cell_is_shown_beside_its_reference_which_runs_again(cell):
    page = page_of([cell])
    values = dict(page.parts)["values-0"]["a"]["pictures"]
    assert page.kind == "pair"
    assert [one["picture"]["dtype"] for one in values] == ["float32", "float64", "float64"]
    assert page.head["lines"][1]["text"].startswith("compared with cpu eager float64")


# in a browser


def test_the_value_that_differs_first_is_shown_and_another_that_is_picked(opened, runs, tmp_path):
    page = opened(page_file(*runs, to=tmp_path / "page.html"))
    page.page.wait_for_selector("tr.pair-details .picture")
    assert page.text("tr[aria-current]").startswith("h\t*\tMISMATCH")
    page.page.locator("tr[data-name='x']").click()
    page.page.wait_for_selector("tr[data-name='x'] + tr.pair-details .picture")
    assert page.page.evaluate("() => location.hash") == "#x"
    assert page.page.locator("tr.pair-details figure").count() == 1
    assert page.violations() == ""


def test_both_chains_select_and_scroll_together(opened, runs, tmp_path):
    page = opened(page_file(*runs, to=tmp_path / "page.html"), "#h")
    page.page.wait_for_selector(".pair-side:nth-child(2) .node")
    sides = [page.page.locator(f".pair-side:nth-child({at})") for at in (1, 2)]
    sides[1].locator(".node[data-id='a']").click()
    page.page.wait_for_selector("tr[data-name='a'][aria-current]")
    assert [side.locator(".node.selected").get_attribute("data-id") for side in sides] == ["a", "a"]
    sides[0].get_by_role("button", name="zoom in").click()
    sides[0].locator(".scroller").evaluate("one => one.scrollTo(0, 40)")
    page.page.wait_for_function(
        "() => [...document.querySelectorAll('.scroller')].every((one) => one.scrollTop === 40)"
    )


def test_an_address_names_a_value_and_rows_can_be_kept_to_those_that_differ(opened, runs, tmp_path):
    page = opened(page_file(*runs, to=tmp_path / "page.html"), "#a.grad")
    page.page.wait_for_selector("tr[data-name='a.grad'] + tr.pair-details")
    rows = page.page.locator("table.pair-values tbody tr[data-name]")
    before = rows.count()
    page.page.get_by_role("checkbox").check()
    assert before > rows.count() == page.page.locator("tr.bad").count()
    page.page.get_by_role("combobox", name="order of the values").select_option("chain")
    assert rows.first.get_attribute("data-name") == "h"


def test_a_value_among_many_is_reached_without_all_rows_before_it(opened, tmp_path):
    runs = [saved_run(chain(250), tmp_path / dtype, f"dtype={dtype}") for dtype in ("bfloat16", "float32")]
    page = opened(page_file(*runs, to=tmp_path / "page.html"))
    page.page.wait_for_selector(".pair-side:nth-child(2) .node")
    page.page.evaluate("() => { location.hash = '#h200.grad'; }")
    page.page.wait_for_selector(
        "tr[data-name='h200.grad'] + tr.pair-details .picture, tr[data-name='h200.grad'] + tr.pair-details p"
    )
    assert page.page.locator("tr[data-name]").count() <= 202
    page.page.get_by_role("button", name=re.compile("more values")).click()
    assert page.page.locator("tr[data-name]").count() <= 402


def test_what_hostile_runs_say_is_text_in_both_sides(opened, tmp_path):
    recipe = {**RECIPE, "description": HOSTILE, "steps": {"h": "x * 2", "__proto__": "h.exp()"}, "backward": None}
    runs = [saved_run(recipe, tmp_path / f"<b>{name}") for name in "ab"]
    page = opened(page_file(*runs, to=tmp_path / "page.html"), "#__proto__")
    page.page.wait_for_selector("tr.pair-details .picture")
    assert_harmless(page, least=0)
    assert page.text("h1").endswith("<b>b")
