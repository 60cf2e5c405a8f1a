"""Every page can be read: in light and dark, by keyboard, in a narrow window; and it stays small."""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorflow_free.pages.html_document import document_of
from tensorflow_free.pages.html_page import HtmlPage
from tests.page_samples import page_file, saved_run, saved_sweep

RECIPES = Path(__file__).parent.parent / "recipes"

LARGEST = 300_000
"""Bytes that a page may have without a run's numbers and their description."""

NARROW = {"width": 420, "height": 800}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of each kind."""
    home = tmp_path_factory.mktemp("pages")
    run = saved_run(RECIPES / "gru.yaml", home / "run")
    other = saved_run(RECIPES / "gru.yaml", home / "other", "dtype=bfloat16")
    sweep = saved_sweep(RECIPES / "softmax_overflow.yaml", home / "sweep", "dtype=float64,float32,bfloat16,float16")
    return {
        "run": page_file(run, to=home / "run.html"),
        "teach": page_file(run, to=home / "teach.html", teaching=True),
        "pair": page_file(other, run, to=home / "pair.html"),
        "cases": page_file(RECIPES / "activations.golden.json", to=home / "cases.html"),
        "sweep": page_file(sweep, to=home / "sweep.html"),
        "cell": page_file(sweep / "3", to=home / "cell.html"),
    }


PLACES = [
    pytest.param("run", "#update", marks=pytest.mark.full),
    ("teach", ""),
    ("pair", ""),
    ("sweep", "#3/exp"),
    pytest.param("sweep", "", marks=pytest.mark.full),
    pytest.param("cell", "", marks=pytest.mark.full),
    ("cases", ""),
]
"""A page, and where it is opened."""


@pytest.mark.parametrize(("kind", "place"), PLACES)
def test_a_page_can_be_read_in_light_and_dark_by_keys_and_in_a_narrow_window(opened, pages, kind, place, full):
    page = opened(pages[kind], place)
    assert page.mouse_only() == []
    assert page.bare_pictures() == []
    assert page.stops() > 3
    for scheme in ("light", "dark"):
        page.page.emulate_media(color_scheme=scheme)
        assert page.pale_texts() == []
        # what is not a matter of colours is the same in both
        assert (scheme == "dark" and not full) or page.violations() == ""
    page.page.set_viewport_size(NARROW)
    assert page.overflow_px() <= 0


@pytest.mark.parametrize("kind", ["run", "sweep", "pair", "cases"])
def test_a_page_without_numbers_is_small(kind):
    assert len("".join(document_of(HtmlPage(kind, "a", {}))).encode()) <= LARGEST
