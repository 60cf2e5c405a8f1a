"""Runs, sweeps and goldens written before reasons had codes (tests/samples/uncoded): read, and told in the same words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tensorflow_free.cli import recipe_main
from tensorflow_free.golden.verifying import verify
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.sweep.folder import SweepFolder

SAMPLES = Path(__file__).parent / "samples" / "uncoded"


def told(capsys, *words):
    """What `recipe` prints, from the folder of samples."""
    recipe_main(words)
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def _among_the_samples(monkeypatch):
    monkeypatch.chdir(SAMPLES)


@pytest.mark.parametrize("sweep", ["sweep", "marks", "limits"])
def test_the_table_of_an_old_sweep_says_what_it_said(sweep, capsys):
    assert told(capsys, "table", sweep) == Path(f"{sweep}.table.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("run", ["run", "stopped"])
def test_an_old_run_is_shown_as_it_was(run, capsys):
    shown = Path(f"{run}.show.txt").read_text(encoding="utf-8")
    assert told(capsys, "show", run) == shown


def test_no_row_of_an_old_sweep_is_lost():
    folder = SweepFolder(Path("sweep"))
    outcomes = [row.outcome for row in folder.rows()]
    assert folder.bad_lines == 0
    assert sorted(set(outcomes)) == ["failed", "mismatch", "not comparable", "ok", "unavailable", "unsupported"]


@pytest.mark.parametrize("cell", ["0", "2", "6"])
def test_an_old_comparison_is_read_with_its_words(cell):
    written = json.loads(Path(f"sweep/{cell}/comparison.json").read_text(encoding="utf-8"))
    found = Comparison.from_plain(written)
    assert [one.reason for one in found.values] == [one["reason"] for one in written["values"]]
    assert {one.cause for one in found.values} == {None}


def test_an_old_run_agrees_with_itself(capsys):
    assert recipe_main(["compare", "run", "run"]) == 0
    assert "all within bounds" in capsys.readouterr().out


def test_an_old_golden_verifies_unedited():
    assert [one.outcome for one in verify("gold.yaml")] == ["ok"]
