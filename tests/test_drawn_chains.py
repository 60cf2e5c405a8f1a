"""A chain drawn for papers and in a terminal: boxes apart, all lines there, words of files as text."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from tensorflow_free import cli, load_recipe, run_recipe
from tensorflow_free.loading import read_form
from tensorflow_free.picturing.chain_graph import chain_graph
from tensorflow_free.picturing.layered import laid_out
from tensorflow_free.picturing.stacked import spaced, stacked
from tensorflow_free.picturing.svg_drawing import NodeText, svg_of
from tensorflow_free.picturing.text_graph import FARTHEST, MOST_COLUMNS, text_rows
from tests.test_chain_graph import chains, graph_of

ROOT = Path(__file__).parent.parent
SVG = "{http://www.w3.org/2000/svg}"


def recipe(words):
    return cli._guarded(cli.recipe_main, words)


def graph_in(stem):
    return chain_graph(read_form(ROOT / "recipes" / f"{stem}.yaml"))


def lanes_of(graph):
    return [f"{one.lanes:8} {one.name}".rstrip() for one in text_rows(graph)]


def is_apart(one, other):
    beside = one.x + one.width <= other.x + 0.01 or other.x + other.width <= one.x + 0.01
    return beside or one.y + one.height <= other.y + 0.01 or other.y + other.height <= one.y + 0.01


def assert_apart(graph):
    at = stacked(laid_out(graph), lambda name: (80.0 + 10 * len(name), 40.0))
    for one, other in combinations(graph.nodes, 2):
        assert is_apart(at.boxes[one.name], at.boxes[other.name]), (one.name, other.name)
    groups = {one.name: one.parent for one in graph.groups} | {one.name: one.group for one in graph.nodes}
    for name, block in groups.items():
        inner, outer = at.boxes[name], at.boxes.get(block)
        assert outer is None or (outer.x < inner.x and inner.x + inner.width < outer.x + outer.width)
        assert outer is None or (outer.y < inner.y and inner.y + inner.height < outer.y + outer.height)


@settings(max_examples=25, deadline=None)
@given(chains())
def test_no_two_boxes_of_any_chain_overlap_and_each_lies_in_its_block(steps):
    assert_apart(graph_of(steps))


@pytest.mark.parametrize("stem", ["micrograd", "linear_regression", "gru", "repeated"])
def test_no_two_boxes_of_a_recipe_overlap(stem):
    assert_apart(graph_in(stem))


def test_places_are_in_order_apart_and_where_they_are_wanted_where_there_is_room():
    assert spaced([0.0, 10.0, 20.0], [5.0, 50.0, 70.0]) == [5.0, 50.0, 70.0]
    assert spaced([0.0, 10.0], [5.0, 5.0]) == [0.0, 10.0]


def test_a_picture_has_a_box_and_an_arrow_for_each_value_and_reading_and_gradients_back():
    graph = graph_in("micrograd")
    drawn = ET.fromstring(svg_of(laid_out(graph)))
    kinds = [one.get("class", "").split()[0] for one in drawn.iter() if one.get("class")]
    assert (kinds.count("t"), kinds.count("b")) == (2, 25)
    assert kinds.count("a") == len(graph.edges) == 39
    assert kinds.count("r") >= 39
    assert "r" not in svg_of(laid_out(graph), backward=False).split('class="')[1:]


def test_words_of_files_are_text_in_a_picture():
    graph = graph_of({"y": {"op": "cat", "args": [["x", "w"]], "kwargs": {"mode": "</text><script>"}}})
    text = svg_of(laid_out(graph), {"y": NodeText("\x1b[2J", "<b>&amp;")}, "<script>alert(1)</script>\x00")
    drawn = ET.fromstring(text)
    assert {one.tag.removeprefix(SVG) for one in drawn.iter()} <= {"svg", "title", "style", "rect", "text", "path"}
    assert "<b>&amp;" in [one.text for one in drawn.iter(f"{SVG}text")]


def test_a_terminal_has_a_column_for_each_value_that_is_still_read():
    graph = graph_of({"a": "x * w", "b": "x + a", "c": "b * 2"}, {"x": 1.0, "w": 2.0})
    assert lanes_of(graph) == [
        "o        x",
        "| o      w",
        "+-*      a",
        "*-'      b",
        "*        c",
    ]


def test_blocks_stand_above_their_steps_which_are_set_to_the_right():
    rows = {one.name: one for one in text_rows(graph_in("linear_regression"))}
    assert (rows["train"].title, rows["train"].depth) == ("repeat 100", 0)
    assert (rows["update"].title, rows["update"].depth, rows["new_w"].depth) == ("no_grad", 1, 2)


@settings(max_examples=25, deadline=None)
@given(chains())
def test_each_value_has_one_line_and_lines_are_not_wide(steps):
    graph = graph_of(steps)
    rows = list(text_rows(graph))
    assert sorted(one.name for one in rows) == sorted(one.name for one in (*graph.nodes, *graph.groups))
    assert all(one.title or one.lanes.count("*") + one.lanes.count("o") == 1 for one in rows)
    assert max(len(one.lanes) for one in rows) <= 2 * MOST_COLUMNS + 1


def test_what_is_read_far_below_gives_its_column_back():
    steps = {f"s{at}": f"s{at - 1} * 2" if at else "x * 2" for at in range(FARTHEST + 10)}
    rows = list(text_rows(graph_of({**steps, "last": f"s{FARTHEST + 9} + w * x"}, {"x": 1.0, "w": 1.0})))
    assert rows[5].lanes == "*"


@pytest.fixture
def run(tmp_path):
    """The folder of a run."""
    squared = {"tensors": {"x": {"data": 2.0, "requires_grad": True}}, "steps": {"y": "x * x"}, "backward": "y"}
    return run_recipe(load_recipe(squared)).save(tmp_path / "run")


def test_show_draws_a_run_with_its_values_and_gradients(run, capsys):
    assert recipe(["show", "--graph", str(run)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-4].split() == ["o", "x", "tensor", "float32", "[]", "2", "4"]
    assert told[-3].split() == ["*", "y", "x", "*", "x", "float32", "[]", "4", "1"]
    assert told[-1] == "backward from y"


def test_show_draws_a_recipe_that_did_not_run(capsys):
    assert recipe(["show", "--graph", str(ROOT / "recipes" / "micrograd.yaml")]) == 0
    assert "+-+-*        c1    a + b" in capsys.readouterr().out


def test_show_gives_the_graph_as_json(run, capsys):
    assert recipe(["show", "--graph", "--json", str(run)]) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)["nodes"]] == ["x", "y"]


def test_a_picture_is_written_of_a_run_and_of_a_recipe(run, tmp_path, capsys):
    for path in (run, ROOT / "recipes" / "gru.yaml"):
        assert recipe(["page", str(path), "--svg", str(tmp_path / "graph.svg")]) == 0
        ET.parse(tmp_path / "graph.svg")
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "graph.svg")] * 2


def test_a_picture_makes_its_folder_and_is_written_instead_of_a_page(run, tmp_path, capsys):
    to = tmp_path / "new" / "graph.svg"
    assert recipe(["page", str(run), "--svg", str(to)]) == 0
    ET.parse(to)
    for flags in (["-o", "page.html"], ["--teach"]):
        assert recipe(["page", str(run), "--svg", str(to), *flags]) == 2
    assert capsys.readouterr().err.count("it is of a page, and --svg writes a picture instead") == 2


def test_what_cannot_be_drawn_is_told(tmp_path, capsys):
    assert recipe(["page", "a", "b", "--svg", "graph.svg"]) == 2
    assert recipe(["page", str(tmp_path), "--svg", "graph.svg"]) == 2
    assert recipe(["show", "--graph", "none.yaml"]) == 2
    told = capsys.readouterr().err
    assert "--svg draws one graph, and 2 paths are named; name one" in told
    assert "none.yaml" in told


def test_of_a_recipe_that_is_only_drawn_keys_may_be_overridden_and_of_a_run_they_may_not(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    source = str(ROOT / "recipes" / "linear_autograd.yaml")
    assert recipe(["show", "--graph", source, "steps.y.op=sub"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("linear_autograd steps.y.op=sub\n")
    assert "sub(wx, b)" in told
    assert recipe(["page", source, "steps.y.op=sub", "--svg", "graph.svg"]) == 0
    assert "sub" in (tmp_path / "graph.svg").read_text()
    run_recipe(load_recipe(source)).save("run")
    capsys.readouterr()
    assert recipe(["show", "--graph", "run", "steps.y.op=sub"]) == 2
    assert "'run' is drawn as it ran; an override is of a recipe's file" in capsys.readouterr().err
