"""Pages: lines and grids of styled words, drawn plain, on a narrow terminal and on a wide one; and nothing hostile."""

from __future__ import annotations

import io
import re
import sys
from types import SimpleNamespace

import pytest
from rich.console import Console

from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.process import progress
from tensorflow_free.process.progress import ProgressBar
from tensorflow_free.text.characters import is_printable
from tensorflow_free.text.drawing import draw, text_of
from tensorflow_free.text.page import Grid, Line, Words, column, grid, hanging, line, listed, parted, text_lines, within

EVIL = "\x1b[2J\x1b]0;pwn\a\u202e\u200b\x9b31m\x85\u2028\r\nok  y  2.0"
"""An escape, a title, a right-to-left override, a zero-width space, C1's escape, and breaks of lines."""


def page(word="exp"):
    outcomes = [mark_of("mismatch"), mark_of("ok")]
    table = grid(
        [
            column("name", [word, "a_long_name_of_a_step"], "name", least=12),
            column("op", [f"nn.functional.{word}", "mm"], least=8, short=lambda op: op.rpartition(".")[2]),
            column("outcome", outcomes),
            column("value", ["1.5", "-20"], align="units", least=16),
            column("rule", [f"tolerance of {word * 9}", "equal"], goes=1),
        ]
    )
    return list(
        parted(
            [[line(f"a page on {word}", "title")], [table], [], text_lines(f"{word}: it is off\n    by 2", "notice", 2)]
        )
    )


def drawn(page, width, encoding="utf-8", **options):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    draw(page, Console(file=stream, width=width, **options))
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


def test_a_page_is_plain_text_as_wide_as_it_takes():
    assert text_of(page()).splitlines() == [
        "a page on exp",
        "",
        "name                   op                 outcome   value  rule",
        "exp                    nn.functional.exp  MISMATCH    1.5  tolerance of expexpexpexpexpexpexpexpexp",
        "a_long_name_of_a_step  mm                 ok        -20    equal",
        "",
        "  exp: it is off",
        "      by 2",
    ]


def test_a_wide_terminal_shows_what_a_pipe_gets():
    assert drawn(page(), 200) == text_of(page()) + "\n"


def test_a_narrow_terminal_takes_short_words_drops_what_can_go_and_cuts_the_rest():
    assert drawn(page(), 80).splitlines()[3].startswith("exp               exp  MISMATCH    1.5  tolerance of exp")
    assert drawn(page(), 70).splitlines()[2:5] == [
        "name                   op   outcome   value",
        "exp                    exp  MISMATCH    1.5",
        "a_long_name_of_a_step  mm   ok        -20",
    ]
    assert drawn(page(), 36).splitlines()[3:5] == [
        "exp             exp  MISMATCH    1.5",
        "a_long_name_o…  mm   ok        -20",
    ]


@pytest.mark.parametrize("width", [None, 80, 200])
def test_what_is_hostile_is_written_out_once_wherever_it_is_drawn(width):
    hostile = [*page(EVIL), Line((Words(EVIL),)), Grid((column("", [EVIL]),), below=((line(EVIL),),))]
    hostile += listed([EVIL], [EVIL])
    text = text_of(hostile) if width is None else drawn(hostile, width)
    assert all(map(is_printable, text.split("\n")))
    assert not any(one.startswith("ok") for one in text.split("\n"))
    assert "\\x1b[2J" in text
    assert "\\\\" not in text


def test_colour_is_for_terminals_and_only_repeats_what_the_words_say():
    coloured = drawn(page(), 200, force_terminal=True, color_system="standard")
    assert "\x1b[1;31mMISMATCH\x1b[0m" in coloured
    assert "\x1b[32mok" in coloured


def test_what_is_cut_ends_in_ascii_where_the_encoding_is():
    assert "..." in drawn(page(), 36, "ascii")


# lines


def test_a_broken_line_keeps_its_indent_and_a_whole_one_is_not_broken():
    lines = [line("one two three", indent=2), line("four five six", is_whole=True), line()]
    assert drawn(lines, 10).split("\n") == ["  one two", "  three", "four five six", "", ""]


def test_what_is_told_of_names_stands_below_one_another_also_where_it_is_broken():
    lines = listed(["a", "name"], ["one two three four five six", "seven"])
    assert text_of(lines) == "a     one two three four five six\nname  seven"
    assert drawn(lines, 31).splitlines() == ["a     one two three four five", "      six", "name  seven"]
    assert drawn(lines, 22).splitlines() == ["a     one two three", "four five six", "name  seven"]


def test_the_lines_of_a_text_keep_their_indent_and_only_newlines_part_them():
    assert [str(one) for one in text_lines("a\n    b\u2028c", indent=2)] == ["  a", "      b\\u2028c"]
    assert text_lines("") == []


def test_further_lines_of_a_text_hang_below_what_it_is_about():
    lines = hanging("cell 1\n: ", "it failed\nok: all\n        deep")
    assert text_of(lines) == "cell 1\\n: it failed\n    ok: all\n        deep"


def test_of_many_lines_the_first_are_told_and_the_others_counted():
    assert [str(one) for one in within(text_lines("a\n  b\nc\nd"), 2, 2)] == ["  a", "    b", "  and 2 more lines"]


def test_parts_that_show_nothing_are_left_out():
    empty = grid([column("a", ["", ""])])
    assert text_of(parted([[line("x")], [], [empty], [line("y")]])) == "x\n\ny"


# grids


def test_a_column_of_numbers_ends_below_one_another():
    columns = [column("a", ["x", "yy"]), column("n", ["1", "100"], align="right"), column("empty", ["", ""])]
    assert text_of([grid(columns)]) == "a     n\nx     1\nyy  100"


def test_units_stand_below_one_another():
    cells = ["1", "-2.5", "100", "1e-05", "nan", "[7, 8]"]
    assert text_of([grid([column("n", cells, align="units")])]).splitlines()[1:] == [
        "  1",
        " -2.5",
        "100",
        "  1e-05",
        "nan",
        "[7, 8]",
    ]


def test_the_widest_column_is_cut_first():
    columns = [column("a", ["x" * 9], least=5), column("b", ["y" * 40], least=5), column("c", ["z" * 6])]
    assert text_of([grid(columns)], 30).splitlines()[1] == "xxxxxxxxx  yyyyyyyy...  zzzzzz"


def test_columns_go_in_their_order_where_there_is_no_room():
    columns = [column("a", ["x" * 9]), column("b", ["y" * 9], goes=2), column("c", ["z" * 9], goes=1)]
    assert text_of([grid(columns)], 20).splitlines()[1] == "xxxxxxxxx  yyyyyyyyy"
    assert text_of([grid(columns)], 19).splitlines()[1] == "xxxxxxxxx"


def test_lines_stand_below_the_rows_that_they_belong_to():
    cells = column("", ["x", "y"])
    assert text_of([Grid((cells,), has_headings=False, below=((line("why", indent=4),), ()))]) == "x\n    why\ny"


def test_a_grid_of_nothing_has_no_lines():
    assert text_of([grid([]), grid([column("a", [])])]) == ""


# how far something is


class Terminal(io.StringIO):
    def isatty(self):
        return True


def ticked(monkeypatch, *ticks, enabled=True):
    clock = iter(range(100))
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "100")
    with ProgressBar("cells", enabled=enabled) as tick:
        for one in ticks if tick is not None else ():
            tick(*one)
    return tick, progress.sys.stderr.getvalue()


def test_a_bar_tells_what_is_done_its_rate_and_the_note(monkeypatch):
    _, shown = ticked(monkeypatch, (1, 4), (2, 4, "1 bad"))
    assert re.search(r"2/4\S* cells, 1.0/s, left", shown)
    assert "1 bad" in shown


def notebook(monkeypatch):
    """A stand-in for the kernel of a notebook: what its one output showed, as text and as HTML."""
    shown = []

    def show(forms, **_):
        shown.append(forms)
        return SimpleNamespace(update=show)

    shell = SimpleNamespace(kernel=None)
    ipython = SimpleNamespace(get_ipython=lambda: shell, display=SimpleNamespace(display=show))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    return shown


def test_a_notebook_has_a_bar_that_ends_with_how_many_were_done(monkeypatch):
    shown = notebook(monkeypatch)
    _, on_terminal = ticked(monkeypatch, (1, 4), (4, 4, "1 <bad>"))
    assert [one["text/plain"] for one in shown] == [
        "1 of 4 cells, 1.0/s",
        "4 of 4 cells, 2.0/s, 1 <bad>",
        "4 of 4 cells in 3.0 s, 1 <bad>",
    ]
    assert '<progress value="4" max="4" aria-label="cells"></progress>' in shown[1]["text/html"]
    assert (shown[2]["text/html"], on_terminal) == ("4 of 4 cells in 3.0 s, 1 &lt;bad&gt;", "")


def test_a_shell_of_ipythons_on_a_terminal_is_no_notebook(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=SimpleNamespace))
    assert not progress.in_notebook()


def test_where_nobody_looks_there_is_no_bar(monkeypatch):
    assert ticked(monkeypatch, (1, 4), enabled=False) == (None, "")
