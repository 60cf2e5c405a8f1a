"""Pages as Markdown, read back by a Markdown parser: every text is there as it was, and none of it does anything."""

from __future__ import annotations

import html
import re

import pytest
from markdown_it import MarkdownIt

from tensorflow_free.text.markdown import Section, code, inline, markdown_of
from tensorflow_free.text.page import Grid, Line, Words, column, grid, line

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

HOSTILE = [
    *("a|b", "a\\|b", "| a | b |", "`x`", "```", "`", "`a|b`", "\\", "\\@user"),
    *("<script>alert(1)</script>", "<!-- x", "</details>", "&lt;b&gt;", "&#64;user", "![i](x)", "[a](http://x)", "[^1]: x"),
    *("**b** _i_ __x__ ~~s~~", "$x$ $$y$$", "- item", "+ x", "1. one", "1) one", "# head", "> quote", "===", "---", "~~~"),
    *("@user #12 GH-3 a@b.c !4 ~bug", "https://evil.example/x", "www.evil.example", ":smile:", "deadbeef1", "/close"),
    *("foo_bar_baz", "_", "exp[1, 0]", "~expect.y", "dtype=float16"),
]  # fmt: skip

LINKS = re.compile(r"[@#!~]\w|://|www\.|:smile:|GH-\d|deadbeef")
"""What a forge would make something of."""


def drawn(*page, title="title"):
    return PARSER.render(markdown_of([Section(title, page)]))


def words_in(rendered):
    return html.unescape(re.sub(r"<[^>]+>", "", rendered)).strip()


def tags_in(rendered):
    return set(re.findall(r"<(\w+)", rendered)) - {"h3", "p", "code", "strong", "em"}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("style", ["", "bad", "name"])
def test_a_text_of_a_line_is_shown_as_it_is_and_does_nothing(text, style):
    rendered = drawn(line(text, style))
    assert words_in(rendered.partition("</h3>")[2]) == text
    assert "<em>" not in rendered
    assert tags_in(rendered) == set()


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("style", ["", "bad", "name"])
def test_a_text_in_a_table_stays_in_its_cell(text, style):
    rendered = drawn(grid([column("first", [text, "b"], style), column("second", ["c", "d"])]))
    assert [words_in(cell) for cell in re.findall(r"<td.*?>(.*?)</td>", rendered)] == [text, "c", "b", "d"]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_site_would_link_stands_as_code(text):
    rendered = drawn(line(text), line(f"x {text}"), grid([column(text, [text])]), title=text)
    plain = re.sub(r"<code.*?</code>", "", rendered, flags=re.DOTALL)
    assert LINKS.search(words_in(plain)) is None


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.isprintable()])
def test_a_command_is_a_block_that_can_be_copied(text):
    rendered = drawn(line("alone:"), line(text, "name", 4, is_whole=True))
    assert re.findall(r"<pre><code.*?>(.*)\n</code></pre>", rendered) == [html.escape(text)]


def test_no_line_is_a_command_of_a_forge():
    assert "\n/" not in markdown_of([Section("/close", [line("/close"), line("/close", indent=2)], line("/close"))])


def test_ordinary_words_stay_as_they_are():
    for text in (
        "MISMATCH at exp (forward): 1 cell (dtype=float16)",
        "linear_autograd · cpu",
        "used 0.42x, rmse 1.5e-07.",
    ):
        assert inline(text) == text


def test_a_table_is_folded_and_says_how_many_rows_of_what_it_has():
    table = grid([column("cell", ["0", "1"], align="right"), column("", ["", ""])], "cell")
    assert markdown_of([Section("t", [table])]).split("\n\n")[1:4] == [
        "<details>\n<summary>2 cells</summary>",
        "| cell |\n| ---: |\n| 0 |\n| 1 |",
        "</details>",
    ]


def test_rows_without_headings_are_lines_while_they_are_few():
    def of(count):
        columns = (column("", ["FAILS"] * count, "bad"), column("", ["y"] * count))
        below = ((line("it is *1*", indent=4),),) * count
        return markdown_of([Section("t", [Grid(columns, has_headings=False, below=below)])])

    assert of(2).split("\n\n")[1] == "\\\n".join(["**FAILS** y", "&emsp;&emsp;it is \\*1\\*"] * 2)
    assert "|  |  |\n| --- | --- |\n| **FAILS** | y<br>it is \\*1\\* |" in of(30)


def test_pieces_of_a_line_keep_the_spaces_between_them_and_not_within_marks():
    one = Line((Words("a", "name"), Words("  "), Words("b ", "bad"), Words("c")))
    assert markdown_of([Section("t", [one])]).split("\n\n")[1] == "`a` **b** c"


def test_an_indent_is_kept_and_a_verdict_stands_on_top():
    text = markdown_of([Section("t", [line("a"), line("b", indent=2), line(), line("c")], line("bad.", "bad"))])
    assert text == "### t\n\n**bad.**\n\na\\\n&emsp;b\n\nc\n\n"


def test_what_there_is_no_room_for_is_counted_and_sentences_come_before_tables():
    table = grid([column("cell", map(str, range(1000)))], "cell")
    text = markdown_of([Section("t", [table, line("why")])], 2000)
    kept = text.count("\n| ") - 2
    assert "\n\nwhy\n\n" in text
    assert f"and {1000 - kept} more cells, for which there is no room here\n\n</details>" in text
    assert 800 < len(text.encode()) <= 2000


def test_a_summary_of_any_size_fits_and_is_well_formed():
    tables = [grid([column("é|`" * 50, ["é|`" * 70] * 90)]) for _ in range(3)]
    for most in (2_000, 20_000, 60_000):
        text = markdown_of([Section("t", [*tables, *[line("x" * 300), line()] * 30])] * 3, most)
        assert most / 2 < len(text.encode()) <= most
        assert text.count("<details>") == text.count("</details>")
        assert re.search(r"There is no room here for \d+ tables.* more\.", text)


def test_code_has_longer_marks_than_any_in_it():
    assert code("a``b") == "```a``b```"
    assert code("`") == "`` ` ``"
