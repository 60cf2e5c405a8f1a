"""What a notebook shows of a result, a recipe, a comparison and a sweep; and the one line that each is as text."""

from __future__ import annotations

import re
from base64 import b64decode
from html import unescape
from html.parser import HTMLParser
from typing import get_args
from xml.etree import ElementTree as ET

import pytest

from tensorflow_free import Recipe, capture, compare_results, load_recipe, run_recipe, sweep_recipe
from tensorflow_free.report.result_report import page_of
from tensorflow_free.sweep.rows import Row
from tensorflow_free.text.drawing import text_of
from tensorflow_free.text.markup import folded, framed, markup_of
from tensorflow_free.text.page import Grid, Style, column, grid, line, parted

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)> & \"q\" 'a'"
RECIPE = {
    "description": HOSTILE,
    "tensors": {"x": {"data": [1.0, 2.0], "requires_grad": True}},
    "steps": {"again": {"repeat": 2, "steps": {"h": "x * 2 + 1"}}, "y": "x.exp()", "loss": "y.sum()"},
    "backward": "loss",
    "expect": {"loss": {"value": 10.1, "rtol": 0.1}},
}


TAGS = {*"div style p span br table thead tbody tr th td details summary img".split()}


def graph_in(html):
    """The drawing of a graph that is folded into HTML: its texts, and what it is called."""
    alt, data = re.search(
        r'<details>\n<summary>graph</summary>\n<img alt="([^"]+)" src="data:image/svg\+xml;base64,([^"]+)">', html
    ).groups()
    drawing = ET.fromstring(b64decode(data))
    return ["".join(one.itertext()) for one in drawing.iter("{http://www.w3.org/2000/svg}text")], unescape(alt)


class Read(HTMLParser):
    """The tags and the text of HTML; each tag that is begun must be ended in its turn."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words, self.rows, self._open = [], [], [], []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in ("br", "img"):
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] in ("td", "th"):
            self.rows[-1][-1] += data.strip()
        if "style" not in self._open:
            self.words.append(data)


def small(*overrides):
    return load_recipe(RECIPE, list(overrides))


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text("tensors: {x: [1.0, 2.0]}\nsteps: {y: x.exp()}\n", encoding="utf-8")
    return sweep_recipe("small.yaml", ["dtype=float32,float64"], n_jobs=1)


def test_a_grid_is_a_table_whose_rows_and_columns_have_headings():
    table = grid([column("name", ["x", "y"], "name"), column("used", ["0.5x", "2x"], align="right")])
    assert markup_of([table]).splitlines() == [
        "<table>",
        '<thead><tr><th scope="col" class="title">name</th><th scope="col" class="title right">used</th></tr>',
        "</thead>",
        "<tbody>",
        '<tr><th scope="row" class="name">x</th><td class="right">0.5x</td></tr>',
        '<tr><th scope="row" class="name">y</th><td class="right">2x</td></tr>',
        "</tbody>",
        "</table>",
    ]


def test_lines_that_stand_together_are_a_paragraph_and_what_is_empty_is_left_out():
    empty = grid([column("name", [""])])
    page = parted([[line("a", "title"), line("b", indent=2)], [empty], [line("c & d")]])
    assert markup_of(page) == '<p><span class="title">a</span><br>  b</p>\n<p>c &amp; d</p>\n'


def test_what_stands_below_a_row_stands_below_it():
    below = Grid(
        (column("", ["fails", "holds"]), column("", ["y", "z"])), has_headings=False, below=((line("why"),), ())
    )
    rows = Read(markup_of([below])).rows
    assert rows == [["fails", "y"], ["why"], ["holds", "z"]]


def test_a_notebook_shows_the_page_of_a_result_that_a_terminal_shows():
    result = run_recipe(small())
    shown = Read(result._repr_html_())
    words = " ".join(" ".join(shown.words).split())
    assert set(text_of(page_of(result)).split()) <= set(words.split())
    assert ["y", "exp", "float32", "[2]", "[2.71828, 7.38906]", "[1, 1]", "ExpBackward0"] in shown.rows


def test_a_notebook_shows_the_tensors_and_steps_of_a_recipe_those_inside_blocks_too():
    rows = Read(small()._repr_html_()).rows
    assert [row[:3] for row in rows[1:]] == [
        ["x", "tensor", "data: [1.0, 2.0]"],
        ["again", "repeat 2", ""],
        ["h", "+", "x * 2 + 1"],
        ["y", "exp", "exp(x)"],
        ["loss", "sum", "sum(y)"],
    ]


def test_a_notebook_shows_a_comparison_and_where_it_starts():
    comparison = compare_results(run_recipe(small("steps.y='x.sin()'")), run_recipe(small()))
    shown = Read(comparison._repr_html_())
    assert next(row[:4] for row in shown.rows if "MISMATCH" in row) == ["> y", "sin", "float32", "MISMATCH"]


def test_a_notebook_shows_a_sweep_before_it_ran_and_does_not_run_it_but_what_is_asked_for_then_does(sweep):
    assert "none was run" in sweep._repr_html_()
    assert not sweep.folder.exists()
    assert "2 cells: 2 ok." in sweep.table()
    assert "2 cells: 2 ok." in " ".join(Read(sweep._repr_html_()).words)
    assert repr(sweep) == f"<Sweep {sweep.folder}: well, 2 of 2 cells have run>"


@pytest.mark.parametrize("thing", ["recipe", "result", "comparison"])
def test_words_of_a_file_are_text_and_there_is_no_script(thing):
    recipe = small("tags=['<b>']", "+params.a='<i>'")
    result = run_recipe(recipe)
    shown = {"recipe": recipe, "result": result, "comparison": compare_results(result, result, reference=HOSTILE)}
    html = shown[thing]._repr_html_()
    assert set(Read(html).tags) <= TAGS
    assert any(HOSTILE in words for words in Read(html).words)
    assert not re.search(r"<script|<img (?!alt=)|style=|javascript:", html)


def test_the_graph_is_folded_in_as_a_picture_with_values_and_gradients():
    texts, told = graph_in(run_recipe(small())._repr_html_())
    assert {"x", "y", "exp", "[2.71828, 7.38906]", "grad [1, 1]", "again repeat 2"} <= set(texts)
    assert told == "graph of recipe · cpu · float32 · eager · seed 0"
    assert "exp(x)" in graph_in(small()._repr_html_())[0]


def test_hostile_words_in_a_graph_are_text():
    recipe = load_recipe(
        {"tensors": {"x": [1.0]}, "steps": {"y": {"op": "einsum", "args": [{"str": "</text><script>"}, "x"]}}}
    )
    assert any("<script>" in text for text in graph_in(recipe._repr_html_())[0])


def test_a_long_chain_is_not_drawn_but_says_what_draws_it():
    steps = {f"y{at}": f"{f'y{at - 1}' if at else 'x'} + 1" for at in range(200)}
    html = load_recipe({"tensors": {"x": 1.0}, "steps": steps})._repr_html_()
    assert "<img" not in html
    assert "its graph has 201 values; `recipe page` draws it, of a saved run" in html


def test_names_of_a_sweeps_axes_are_text():
    assert "<" not in re.sub(r"</?\w+[^<>]*>", "", markup_of([grid([column("<k>", ["<v>"])])]))


def test_what_is_folded_has_its_summary_as_text():
    assert Read(framed(folded("<b>the graph", "<p>inside</p>"))).tags == ["div", "style", "details", "summary", "p"]


@pytest.mark.parametrize(
    ("background", "text"), [("#ffffff", "#000000"), ("#111111", "#e0e0e0"), ("#1e1e1e", "#d4d4d4")]
)
def test_every_style_can_be_read_on_light_and_on_dark(opened, tmp_path, background, text):
    styles = [style for style in get_args(Style) if style]
    html = framed(markup_of([*(line(f"of style {style}", style) for style in styles), grid([column("name", styles)])]))
    page = f'<html lang="en"><body style="background: {background}; color: {text}">{html}</body></html>'
    (tmp_path / "cell.html").write_text(f"<!doctype html>{page}", encoding="utf-8")
    cell = opened(tmp_path / "cell.html")
    assert cell.pale_texts() == []
    assert (
        len(
            {
                *cell.page.evaluate(
                    "() => [...document.querySelectorAll('p span')].map((one) => getComputedStyle(one).color)"
                )
            }
        )
        >= 5
    )


def test_each_is_one_line_as_text():
    recipe = small("dtype=float64")
    result = run_recipe(recipe)
    wrong = compare_results(run_recipe(small("steps.y='x.sin()'")), result)
    assert repr(recipe) == str(recipe) == "<Recipe recipe cpu float64 eager: 1 tensor, 3 steps>"
    assert repr(recipe.plan).startswith("<Plan recipe cpu float64 eager: ")
    assert repr(result) == f"<Result recipe cpu float64 eager: {len(result)} values, well>"
    assert repr(wrong).endswith("out of bounds, from y (sin, forward)>")
    assert repr(wrong["x"]) == "<ValueVerdict x float32: ok, 0 of what is allowed>"
    assert "\n" not in repr(wrong) + repr(wrong["y"])


def test_a_comparison_says_as_text_with_what_and_whether_it_is_well():
    result = run_recipe(small())
    same = compare_results(result, result, reference="itself")
    assert repr(same) == f"<Comparison with itself: {same.compared} of {len(same.values)} values compared, well>"


def test_a_row_is_one_line_as_text():
    row = Row(number=3, recipe="a.yaml", axes={"dtype": "float16"}, outcome="mismatch", unmet=["expect.y"])
    assert repr(row) == str(row) == "<Row 3 a.yaml dtype=float16: mismatch at expect.y>"


def test_a_captured_recipe_is_one_line_as_text():
    import torch

    assert (
        repr(capture(torch.nn.ReLU(), torch.tensor([-1.0])))
        == "<CapturedRecipe captured: 1 step; output equal, bit for bit>"
    )


def test_a_result_has_the_name_of_the_recipes_file(tmp_path):
    (tmp_path / "affine.yaml").write_text("tensors: {x: 1.0}\nsteps: {y: x + 1}\n", encoding="utf-8")
    recipe = load_recipe(tmp_path / "affine.yaml")
    assert (recipe.stem, run_recipe(recipe).name, Recipe().stem) == ("affine", "affine", "recipe")
