"""Pages of the terminal as plain lines."""

from __future__ import annotations

from tensorflow_free.pages.plain_lines import plain_lines
from tensorflow_free.text.page import Grid, column, line


def test_a_line_keeps_its_words_its_style_and_its_indent():
    assert plain_lines([line("it fails", "bad", 2), line()]) == [
        {"text": "it fails", "style": "bad", "indent": 2},
        {"text": ""},
    ]


def test_a_row_of_a_grid_is_a_line_with_what_stands_below_it():
    grid = Grid((column("", ["ok", "fails"], "good"), column("", ["", "y"])), below=((), (line("it is 3", indent=4),)))
    assert plain_lines([grid]) == [
        {"text": "ok", "style": "good"},
        {"text": "fails  y", "style": "good"},
        {"text": "it is 3", "indent": 4},
    ]
