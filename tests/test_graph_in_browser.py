"""The graph of a run in a browser: boxes and lines, folding, keys, and a chain of two thousand steps."""

from __future__ import annotations

import pytest

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.pages.html_document import write_page
from tensorflow_free.pages.page_of_run import page_of_run

LOOP = {
    "tensors": {"x": [1.0, 2.0], "w": {"data": 0.5, "requires_grad": True}},
    "steps": {
        "train": {
            "repeat": 2,
            "steps": {
                "loss": "(x * w).sum()",
                "slopes": {"op": "backward", "args": ["loss"]},
                "update": {"with": "no_grad", "steps": {"new_w": {"op": "sub_", "args": ["w", "w.grad"]}}},
            },
        },
        "last": "x + 1",
    },
}
OVERLAPS = """() => {
    const boxes = [...document.querySelectorAll(".node")].map((one) => [one.dataset.id, one.getBoundingClientRect()]);
    return boxes.flatMap(([id, a], at) => boxes.slice(at + 1).filter(([, b]) =>
        a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom).map(([other]) => `${id} ${other}`));
}"""


@pytest.fixture
def graph(opened, tmp_path):
    """Opens the page of a recipe's run."""

    def show(recipe, **more):
        path = tmp_path / "page.html"
        write_page(page_of_run(run_recipe(load_recipe(recipe))), path)
        page = opened(path, **more)
        page.page.wait_for_selector(".node")
        return page

    return show


def ids(page):
    return set(page.page.eval_on_selector_all(".node", "all => all.map((one) => one.dataset.id)"))


def selected(page):
    return page.page.get_attribute(".node.selected, .block.selected", "data-id")


def test_each_value_has_a_box_none_lies_on_another_and_lines_are_drawn_both_ways(graph):
    page = graph("recipes/micrograd.yaml", viewport={"width": 1400, "height": 4000})
    assert page.page.locator(".node").count() == 27
    assert page.page.evaluate(OVERLAPS) == []
    assert page.page.locator(".arrow.forward").count() == 39
    assert page.page.locator(".canvas .curve.backward").count() >= 39


def test_blocks_fold_and_unfold_by_click_and_by_key(graph):
    page = graph(LOOP, viewport={"width": 1400, "height": 2000})
    everything = ids(page)
    assert {"loss", "new_w", "last"} <= everything
    page.page.click("[data-fold=train]")
    assert ids(page) == {"x", "w", "last"}
    page.press("f")
    assert ids(page) == everything
    assert page.page.get_attribute("[data-fold=train]", "aria-expanded") == "true"


def test_what_is_searched_is_shown_though_its_block_was_folded(graph):
    page = graph(LOOP, viewport={"width": 1400, "height": 2000})
    page.page.click("[data-fold=train]")
    page.page.fill("input[type=search]", "new_w")
    page.press("Enter")
    page.page.wait_for_selector(".node.selected[data-id=new_w]")


def test_arrows_follow_lines_and_enter_shows_what_they_reach(graph):
    page = graph(LOOP, viewport={"width": 1400, "height": 2000})
    page.page.click(".node[data-id=loss]")
    page.press("ArrowDown")
    assert selected(page) == "slopes"
    page.press("ArrowUp", "ArrowUp", "ArrowUp")
    assert selected(page) in ("x", "w")
    page.press("ArrowDown", "Enter")
    assert "loss_1" in page.text(".details h2")


def test_changes_in_place_and_what_a_round_hands_on_are_drawn_apart(graph):
    page = graph(LOOP, viewport={"width": 1400, "height": 2000})
    assert page.page.locator(".canvas .curve.carry").count() == 1
    assert page.page.locator(".canvas .curve.in_place").count() == 1
    assert "in place" in page.page.get_attribute(".node[data-id=new_w]", "aria-label")


def test_keys_zoom_and_fit(graph):
    page = graph(LOOP, viewport={"width": 1400, "height": 2000})
    page.page.click(".node[data-id=loss]")
    wide = page.page.evaluate("() => document.querySelector('.canvas').offsetWidth")
    page.press("+")
    assert page.page.evaluate("() => document.querySelector('.canvas').offsetWidth") == pytest.approx(
        1.25 * wide, abs=2
    )


def test_of_two_thousand_steps_only_those_in_view_are_in_the_document(graph):
    steps = {f"s{at}": f"s{at - 1} * w" if at else "w * w" for at in range(2000)}
    page = graph({"tensors": {"w": {"data": 1.0, "requires_grad": True}}, "steps": steps, "backward": "s1999"})
    assert page.page.locator(".node").count() < 60
    page.page.evaluate("() => document.querySelector('.scroller').scrollTo(0, 1e9)")
    page.page.wait_for_selector(".node[data-id=s1999]")
    assert "s1000" not in ids(page)
