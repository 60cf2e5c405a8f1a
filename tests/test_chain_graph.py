"""The graph of a chain is what the recipe says, and is laid out so that all that is read stands above its reader."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorflow_free import registry
from tensorflow_free.loading import read_form
from tensorflow_free.picturing.chain_graph import chain_graph
from tensorflow_free.picturing.layered import Nesting, laid_out
from tensorflow_free.picturing.memory_words import VIEWS

ROOT = Path(__file__).parent.parent
X = {"data": 2.0, "requires_grad": True}


def graph_of(steps, tensors=None, **keys):
    return chain_graph(read_form({"tensors": tensors or {"x": X, "w": [1.0, 2.0]}, "steps": steps, **keys}))


def edges(graph, kind=None):
    return [(one.source, one.to, one.label) for one in graph.edges if kind in (None, one.kind)]


def test_each_reading_is_an_edge_also_where_a_value_is_read_twice_and_in_a_list():
    graph = graph_of({"y": "x * x", "z": {"op": "cat", "args": [["y", "w"]], "kwargs": {"dim": 0}}})
    assert edges(graph) == [("x", "y", "0"), ("x", "y", "1"), ("y", "z", "0.0"), ("w", "z", "0.1")]


def test_words_that_are_no_values_are_no_edges():
    written = {"op": "F.mse_loss", "args": ["x", "w"], "kwargs": {"reduction": {"str": "mean"}}}
    graph = graph_of({"mean": "x.mean()", "loss": written})
    assert edges(graph) == [("x", "mean", "0"), ("x", "loss", "0"), ("w", "loss", "1")]


def test_parts_of_a_line_are_written_out_in_the_whole_with_its_brackets():
    graph = graph_of({"y": "((x - w) ** 2).mean()", "z": "-(x + w) * F.relu(w)[0]"})
    lines = {one.name: one.line for one in graph.nodes}
    assert lines["y"] == "mean((x - w) ** 2)"
    assert lines["z"] == "-(x + w) * F.relu(w)[0]"


def test_views_and_changes_in_place_are_told_apart():
    graph = graph_of({"row": "w[0]", "picked": "w[[0, 1]]", "turned": "w.T", "more": "row.add_(1)"})
    assert edges(graph, "view") == [("w", "row", "0"), ("w", "turned", "0")]
    assert edges(graph, "in_place") == [("row", "more", "0")]


def test_what_reads_changed_memory_comes_after_the_change():
    graph = graph_of({"row": "w[0]", "more": "row.add_(1)", "y": "w * 2", "again": "w.zero_()"})
    assert edges(graph, "after") == [("more", "y", "0"), ("more", "again", "0"), ("y", "again", "0")]
    spots = laid_out(graph).spots
    assert [spots[one].rank for one in ("row", "more", "y", "again")] == [1, 2, 3, 4]


def test_what_a_round_hands_on_goes_to_its_readers_in_the_next():
    graph = graph_of({"loop": {"repeat": 3, "steps": {"a": "x + w", "b": "a * 2"}, "carry": {"x": "b"}}})
    assert edges(graph, "carry") == [("b", "a", "0")]


def test_a_weight_that_is_changed_in_place_is_read_in_the_next_round():
    graph = chain_graph(read_form(ROOT / "recipes" / "linear_regression.yaml"))
    assert edges(graph, "carry") == [("new_w", "prediction_1", "0"), ("new_b", "prediction", "1")]
    assert ("slopes", "new_w", "1") in edges(graph, "operand")
    assert [(one.name, one.title, one.parent) for one in graph.groups] == [
        ("train", "repeat 100", None),
        ("update", "no_grad", "train"),
    ]


def test_gradients_come_back_along_what_leads_from_leaves_to_what_is_differentiated():
    steps = {"y": "x * w", "aside": "x.detach() * 2", "z": "y + aside", "unused": "x + 1"}
    graph = graph_of(steps, backward="z")
    assert [(one.source, one.to) for one in graph.edges if one.backward] == [("x", "y"), ("y", "z")]


def test_a_run_tells_what_autograd_followed_where_names_do_not():
    recipe = read_form({"tensors": {"x": X}, "steps": {"y": "mine.stop(x)", "z": "y * x"}, "backward": "z"})
    known = {"x": True, "y": False, "z": True}
    assert [(one.source, one.to) for one in chain_graph(recipe, known).edges if one.backward] == [("x", "z")]
    assert len([one for one in chain_graph(recipe).edges if one.backward]) == 3


def test_no_gradient_comes_back_through_no_grad():
    steps = {"quiet": {"with": "no_grad", "steps": {"y": "x * 2"}}, "z": "x * y"}
    graph = graph_of(steps, backward="z")
    assert [(one.source, one.to) for one in graph.edges if one.backward] == [("x", "z")]


def test_names_of_views_are_those_of_torchs_schemas():
    found = {one for one in registry.names() if any(form.views for form in registry.find(one).signatures)}
    assert found <= VIEWS
    assert all(registry.find(one) for one in VIEWS)


@pytest.mark.parametrize("stem", ["micrograd", "linear_regression", "newton_square_root", "in_place", "gru"])
def test_a_recipe_is_laid_out_with_each_reading_downwards(stem):
    layout = laid_out(chain_graph(read_form(ROOT / "recipes" / f"{stem}.yaml")))
    assert_sound(layout)


@st.composite
def chains(draw):
    """Steps of three operands each, some of them in blocks in blocks."""
    names, taken = ["x", "w"], iter(range(1000))

    def some(depth):
        steps = {}
        for _ in range(draw(st.integers(1, 5))):
            name = f"s{next(taken)}"
            if depth and draw(st.booleans()):
                steps[f"block_{name}"] = {draw(st.sampled_from(["with", "repeat"])): None, "steps": some(depth - 1)}
            else:
                read = draw(st.lists(st.sampled_from(names), min_size=0, max_size=3))
                steps[name] = {"op": draw(st.sampled_from(["f", "g_", "view"])), "args": read}
                names.append(name)
        for block in steps.values():
            block.update({"with": "no_grad"} if "with" in block else {"repeat": 2} if "repeat" in block else {})
        return steps

    return some(2)


@settings(max_examples=60, deadline=None)
@given(chains())
def test_any_chain_is_laid_out_with_each_reading_downwards(steps):
    assert_sound(laid_out(graph_of(steps)))


def assert_sound(layout):
    """Each name stands once, alone at its place; each edge and lane goes down, or is marked."""
    graph, nesting = layout.graph, Nesting(layout.graph)
    taken = [*layout.spots.values(), *(lane.spot for lane in layout.lanes)]
    assert len(taken) == len(set(taken))
    assert set(layout.spots) == {one.name for one in (*graph.nodes, *graph.groups)}
    for edge in graph.edges:
        (source, *_), (to, *_) = nesting.parted(edge)
        assert edge.kind == "carry" or source == to or layout.spots[source].rank < layout.spots[to].rank
    for lane in layout.lanes:
        above = None if lane.above is None else layout.lanes[lane.above].spot
        assert above is None or above.container != lane.spot.container or above.rank == lane.spot.rank - 1
    orders = sorted((str(one.container), one.rank, one.order) for one in taken)
    assert all(b[2] == a[2] + 1 if a[:2] == b[:2] else b[2] == 0 for a, b in pairwise(orders))


def test_two_thousand_steps_have_few_lanes_for_each():
    steps = {f"s{at}": f"s{at - 1} * w + s{max(0, at - 7)}" if at else "w * w" for at in range(2000)}
    layout = laid_out(graph_of(steps))
    assert len(layout.graph.nodes) == 4000 + 1
    assert len(layout.lanes) <= 6 * len(layout.graph.edges)
