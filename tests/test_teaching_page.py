"""The teaching view in a browser: keys step through it, it is printed whole, and it is left again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.pages.html_document import write_page
from tensorflow_free.pages.page_of_run import page_of_run

RECIPES = Path(__file__).parent.parent / "recipes"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    result = run_recipe(load_recipe(RECIPES / "micrograd.yaml"))
    path = tmp_path_factory.mktemp("page") / "page.html"
    write_page(page_of_run(result, teaching=True), path)
    return path


@pytest.fixture
def micrograd(opened, written):
    page = opened(written)
    page.page.wait_for_selector(".lesson .card h2")
    return page


def test_arrows_step_forward_and_back_and_end_shows_the_sum_of_all_uses(micrograd):
    assert "forward c1" in micrograd.text(".lesson .card")
    micrograd.press("ArrowRight", "ArrowRight", "ArrowLeft")
    assert "d1_1 = a * b\n\n= (-4) * 2\n\n= -8" in micrograd.text(".lesson .card")
    micrograd.press("End")
    told = micrograd.text(".lesson .card")
    assert "∂c1/∂a · c1.grad\n\n= 1 · (-27.7668) = -27.7668" in told
    assert "a.grad = (-6.94169) + 0 + 6.94169 + 166.601 + (-27.7668)\n\n= 138.834" in told


TEXTS_OVER_TEXTS = """() => {
    const all = [...document.querySelectorAll(".edge-text")].map((one) => one.getBoundingClientRect());
    const lies = (one, other) => one.left < other.right && other.left < one.right && Math.abs(one.top - other.top) < 6;
    return [all.length, all.flatMap((one, at) => all.slice(at + 1).filter((other) => lies(one, other))).length];
}"""


def test_numbers_stand_on_the_edges_of_the_graph_and_none_on_another(micrograd):
    micrograd.press("End")
    micrograd.page.locator(".edge-text", has_text="1 · (-27.7668)").first.wait_for()
    drawn, hidden = micrograd.page.evaluate(TEXTS_OVER_TEXTS)
    assert drawn > 10
    assert hidden == 0
    assert micrograd.violations() == ""


def test_escape_leads_back_to_the_run_and_a_button_here_again(micrograd):
    micrograd.press("Escape")
    assert micrograd.page.locator(".details").is_visible()
    micrograd.page.click("button:has-text('teaching view')")
    assert micrograd.page.locator(".lesson .card").first.is_visible()


def test_all_states_are_printed_one_after_another(micrograd):
    micrograd.page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    micrograd.page.emulate_media(media="print")
    assert micrograd.page.locator(".all-states .card").count() == 50
    assert micrograd.page.locator(".all-states .card").nth(49).is_visible()
    assert not micrograd.page.locator(".lesson-bar").is_visible()
