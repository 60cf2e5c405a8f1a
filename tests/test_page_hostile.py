"""Hostile words do nothing in a page, wherever they stand: they are shown as they are written, and nothing else is."""

from __future__ import annotations

import json

import torch

from tensorflow_free import StorageError, read_result, register_op
from tensorflow_free.golden.recording import record
from tensorflow_free.judging.reading import read_comparison
from tensorflow_free.pages.page_of_golden import golden_page
from tensorflow_free.sweep.exported_cells import ExportedCell
from tensorflow_free.sweep.folder import SweepFolder
from tests.page_samples import HOSTILE, MARKUP, NAMES, assert_harmless, hostile_file, page_file, saved_run, saved_sweep

RECIPE = {
    "description": f"D{HOSTILE}",
    "tags": [f"T{HOSTILE}"],
    "source": f"S{HOSTILE}",
    "tensors": {"x": {"init": "tensor", "data": [1.0, 2.0], "requires_grad": True}},
    "steps": {name: {"op": "sin", "args": ["x"]} for name in NAMES} | {"y": {"op": "sum", "args": ["größe"]}},
    "backward": "y",
    "expect": {"y": 3.0},
}


@register_op("hostile_words")
def _(input: torch.Tensor) -> torch.Tensor:
    raise ValueError(f"M{HOSTILE}")


def test_what_a_recipe_says_is_shown_and_does_nothing(opened, tmp_path):
    folder = saved_run(RECIPE, tmp_path / "run")
    page = opened(page_file(folder, to=tmp_path / "page.html", command=f"recipe {HOSTILE}"))
    for name in NAMES:
        page.page.evaluate("(name) => { location.hash = encodeURIComponent(name); }", name)
        page.page.get_by_role("heading", name=name).wait_for()
        assert page.text("aside").count("sin") >= 1
    assert_harmless(page)


def test_two_hostile_runs_side_by_side_do_nothing(opened, tmp_path):
    stranger = saved_run(RECIPE, tmp_path / f"run {MARKUP[9:20]}", "dtype=float64")
    hostile_file(stranger / "result.json", lambda: read_result(stranger))
    page = opened(page_file(stranger, saved_run(RECIPE, tmp_path / "other"), to=tmp_path / "page.html"))
    for name in NAMES:
        page.page.evaluate("(name) => { location.hash = `0/${encodeURIComponent(name)}`; }", name)
    assert_harmless(page)
    assert f"run {MARKUP[9:20]}" in page.text()


def test_an_error_of_a_run_is_shown_and_does_nothing(opened, tmp_path):
    step = {"y": {"op": "hostile_words", "args": ["x"]}}
    recipe = {key: value for key, value in RECIPE.items() if key not in ("backward", "expect")} | {"steps": step}
    page = opened(page_file(saved_run(recipe, tmp_path / "run"), to=tmp_path / "page.html"))
    assert_harmless(page, least=2)


def test_a_hostile_sweep_does_nothing(opened, tmp_path):
    (tmp_path / "hostile <b>.yaml").write_text(
        json.dumps({**RECIPE, "cases": {HOSTILE: {"seed": 1}, "b": {}}}), "utf-8"
    )
    sweep = saved_sweep(tmp_path / "hostile <b>.yaml", tmp_path / "sweep", "dtype=float64,float32")
    assert hostile_file(sweep / "cells.jsonl", lambda: every_row(sweep)) > 10
    page = opened(page_file(sweep, to=tmp_path / "page.html"))
    for name in NAMES:
        page.page.evaluate("(name) => { location.hash = `0/${encodeURIComponent(name)}`; }", name)
    assert_harmless(page)


def test_a_hostile_cell_does_nothing(opened, tmp_path):
    (tmp_path / "r.yaml").write_text(json.dumps({**RECIPE, "expect": {}}), "utf-8")
    sweep = saved_sweep(tmp_path / "r.yaml", tmp_path / "sweep", "dtype=float64,float16")
    cell = sweep / "1"
    ExportedCell(cell, cell).write()
    assert hostile_file(cell / "comparison.json", lambda: read_comparison(cell)) > len(NAMES)
    page = opened(page_file(cell, to=tmp_path / "cell.html"))
    assert_harmless(page)
    page = opened(page_file(sweep, to=tmp_path / "sweep.html"), "#1/y")
    page.page.locator("h2", has_text="cell 1").wait_for()
    assert_harmless(page)


def test_a_hostile_golden_does_nothing(opened, tmp_path):
    recipe = tmp_path / f"g{MARKUP[9:20]}.yaml"
    recipe.write_text(json.dumps({**RECIPE, "expect": {}, "cases": {f"C{HOSTILE}": {"seed": 1}}}), "utf-8")
    assert len(list(record(recipe))) == 1
    golden = recipe.with_suffix(".golden.json")
    assert hostile_file(golden, lambda: golden_page(golden)) > len(NAMES)
    assert_harmless(opened(page_file(golden, to=tmp_path / "page.html")))


def every_row(sweep):
    """Read all rows of a sweep; where one is not taken, that is an error."""
    folder = SweepFolder(sweep)
    rows = list(folder.rows())
    if folder.bad_lines:
        raise StorageError(f"{folder.bad_lines} bad lines")
    return rows


def test_whatever_a_strangers_run_says_does_nothing(opened, tmp_path):
    folder = saved_run(RECIPE, tmp_path / "run")
    assert hostile_file(folder / "result.json", lambda: read_result(folder)) > 50
    assert_harmless(opened(page_file(folder, to=tmp_path / "page.html")), least=len(NAMES))
