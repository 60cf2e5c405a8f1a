"""The picture of a sweep in the documentation shows what the page of that sweep shows now."""

from __future__ import annotations

import re
import shlex

import pytest

from tests.pictured_sweep import PICTURE, WINDOW, drawn, kept, write_page
from tests.test_walked_pages import in_this_process, plain


@pytest.fixture
def again(browser, tmp_path, monkeypatch):
    """The picture, drawn again."""
    monkeypatch.chdir(tmp_path)
    return drawn(browser, write_page(tmp_path, lambda *words, cwd: in_this_process(shlex.join(words))))


def without_version(words):
    return plain(re.sub(r"torch [\d.]+\S*", "torch", words))


def test_it_shows_the_words_that_the_page_has_now(again):
    assert "how errors grow" in again.words
    assert without_version(kept().words) == without_version(again.words), "run `python -m tests.pictured_sweep`"


def test_it_is_a_picture_of_a_window_and_not_large():
    assert WINDOW == {"width": 1200, "height": 1120}
    assert PICTURE.read_bytes().startswith(b"\x89PNG")
    assert PICTURE.stat().st_size < 200_000
