"""Plots of values and of sweeps: what is drawn where, what is marked, and what cannot be drawn."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
import pytest
import torch

from tensorflow_free import load_recipe, run_recipe, sweep_recipe
from tensorflow_free.notebook.plots import plot_of_sweep
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.sweep.rows import Row


@pytest.fixture(autouse=True)
def _closed():
    """Figures are drawn without a window, and closed."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    yield
    plt.close("all")


def plot(value, **more):
    return Result(Recipe(), {"y": Record("y", "step", value, **more)}).plot("y")


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()] if axes.get_legend() else []


def cells(*used, **axes):
    """A row for each, with the values of axes in turn."""
    return [
        Row(number=at, recipe="a.yaml", outcome="ok", used=one, axes={key: listed[at] for key, listed in axes.items()})
        for at, one in enumerate(used)
    ]


def points(axes):
    """What is drawn with a height of its own, by its label; lines and marks on the edge are left out."""
    drawn = [one for one in axes.get_lines() if one.get_linestyle() == "None" and one.get_transform() == axes.transData]
    return {one.get_label(): (one.get_xdata().tolist(), one.get_ydata().tolist()) for one in drawn}


def test_one_dimension_is_a_line_and_what_is_not_finite_is_marked_at_its_place():
    axes = plot(torch.tensor([[1.0, math.nan, 3.0, -math.inf]]))
    line, *marks = axes.get_lines()
    assert np.array_equal(line.get_ydata(), [1.0, np.nan, 3.0, np.nan], equal_nan=True)
    assert [mark.get_xdata().tolist() for mark in marks] == [[1], [3]]
    assert legend(axes) == ["NaN (1)", "-inf (1)"]


def test_two_dimensions_are_a_heat_map_and_what_is_not_finite_is_marked_at_its_place():
    value = torch.arange(6.0).reshape(2, 3)
    value[1, 2] = math.inf
    axes = plot(value)
    (image,) = axes.get_images()
    assert image.get_array().tolist() == [[0, 1, 2], [3, 4, None]]
    assert [mark.get_xydata().tolist() for mark in axes.get_lines()] == [[[2, 1]]]
    assert (legend(axes), axes.get_title()) == (["inf (1)"], "y [2, 3]")


@pytest.mark.parametrize("shape", [(2, 3, 4), (1025, 2), (10_001,)])
def test_what_has_more_is_a_histogram_that_counts_every_finite_number(shape):
    value = torch.randn(shape)
    value.flatten()[0] = math.nan
    axes = plot(value)
    assert sum(bar.get_height() for bar in axes.patches) == value.numel() - 1
    assert legend(axes) == ["NaN (1)"]


@pytest.mark.parametrize(
    ("value", "heights"),
    [
        (torch.tensor(5.0), [5.0]),
        (torch.tensor([3 + 4j]), [5.0]),
        (torch.tensor([True, False]), [1.0, 0.0]),
        (torch.tensor([0.5, 2.0], dtype=torch.bfloat16), [0.5, 2.0]),
        (torch.tensor([0.5]).to(torch.float8_e4m3fn), [0.5]),
        (torch.tensor([1.0, 0.0]).to_sparse(), [1.0, 0.0]),
        (2.5, [2.5]),
    ],
)
def test_a_value_of_any_dtype_and_layout_is_drawn(value, heights):
    assert plot(value).get_lines()[0].get_ydata().tolist() == heights


def test_a_gradient_is_drawn_in_the_axes_that_are_given():
    from matplotlib import pyplot as plt

    ax = plt.subplots()[1]
    recipe = {"tensors": {"x": {"data": [1.0, 2.0], "requires_grad": True}}, "steps": {"y": "x.sum()"}, "backward": "y"}
    assert run_recipe(load_recipe(recipe)).plot("x.grad", ax=ax) is ax
    assert ax.get_lines()[0].get_ydata().tolist() == [1, 1]


@pytest.mark.parametrize(
    ("value", "more", "told"),
    [
        (None, {}, "'y' is none and has no numbers to draw: no gradient reached it, or its step gave none"),
        ("mean", {}, "'y' has no numbers to draw: mean"),
        (torch.empty(0), {}, "'y' has no numbers to draw: []"),
        (
            torch.eye(2),
            {"unstored": "its device was lost"},
            "'y' has no numbers to draw: not stored: its device was lost",
        ),
    ],
)
def test_what_has_no_numbers_is_told(value, more, told):
    with pytest.raises(ValueError, match="has no numbers") as error:
        plot(value, **more)
    assert str(error.value) == told


def test_the_name_of_a_value_that_there_is_not_is_told_with_the_nearest():
    with pytest.raises(KeyError, match="'yy' is not a value of this run; did you mean 'y'"):
        Result(Recipe(), {"y": Record("y", "step", torch.eye(2))}).plot("yy")


def test_cells_are_drawn_by_dtype_on_a_logarithmic_scale_with_the_limit_at_one():
    axes = plot_of_sweep(cells(0.5, 2.0, 0.25, dtype=["float32", "float16", "float32"]))
    assert points(axes) == {"float32": ([0, 2], [0.5, 0.25]), "float16": ([1], [2.0])}
    assert (axes.get_yscale(), axes.get_legend().get_title().get_text()) == ("log", "dtype")
    limit = next(line for line in axes.get_lines() if line.get_label() == "limit")
    assert set(limit.get_ydata()) == {1.0}


def test_cells_that_have_no_height_are_marked_on_the_edge_and_counted():
    axes = plot_of_sweep(cells(0.5, math.inf, 0.0, None, 0.0))
    assert legend(axes) == ["inf (1)", "no error (2)", "not compared (1)", "limit"]
    marks = {line.get_label(): list(line.get_xdata()) for line in axes.get_lines()}
    assert (marks["inf (1)"], marks["no error (2)"], marks["not compared (1)"]) == ([1], [2, 4], [3])


def test_along_an_axis_of_numbers_a_line_joins_the_worst_of_each():
    axes = plot_of_sweep(
        cells(0.5, 0.7, 0.2, **{"params.n": ["8", "16", "16"], "backend": ["a"] * 3}), "params.n", "backend"
    )
    assert points(axes) == {"a": ([8, 16, 16], [0.5, 0.7, 0.2])}
    joined = next(line for line in axes.get_lines() if line.get_linestyle() == "-")
    assert joined.get_xydata().tolist() == [[8, 0.5], [16, 0.7]]


def test_an_axis_of_words_has_them_below():
    axes = plot_of_sweep(cells(0.5, 0.7, dtype=["float32", "float16"]), "dtype")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["float32", "float16"]


def test_many_groups_have_each_a_look_and_hostile_words_are_text():
    words = [f"$\\frac{at}$" for at in range(14)]
    axes = plot_of_sweep(cells(*[0.5] * 14, dtype=words), "dtype", "dtype")
    axes.figure.canvas.draw()
    assert [text.get_text() for text in axes.get_xticklabels()] == words
    assert legend(axes)[11:] == [words[11], "and 2 more", "limit"]


@pytest.mark.parametrize("names", [{"over": "params.m"}, {"by": "params.m"}])
def test_an_axis_that_there_is_not_is_told_with_those_that_there_are(names):
    told = "'params.m' is not an axis of this sweep; did you mean 'params.n'?; it has 'cell', 'params.n'"
    with pytest.raises(ValueError, match="is not an axis") as error:
        plot_of_sweep(cells(0.5, **{"params.n": ["8"]}), **names)
    assert str(error.value) == told


def test_a_sweep_is_run_before_it_is_drawn(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("tensors: {x: [0.1, 0.2]}\nsteps: {y: x.exp()}\n", encoding="utf-8")
    axes = sweep_recipe("a.yaml", ["dtype=float32,bfloat16"], n_jobs=1).plot()
    assert set(points(axes)) | set(legend(axes)) >= {"float32", "bfloat16", "limit"}
