"""A sweep held against an earlier one: what ran must run, and what changed since is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tensorflow_free import RecipeError, cli, register_op, sweep_recipe
from tensorflow_free.errors import StorageError
from tensorflow_free.sweep import pool
from tensorflow_free.sweep.earlier import earlier_at, held_to
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.since_then import sentence, since_then
from tests.here import Here

RECIPE = "tensors: {x: [1.0, 2.0]}\nsteps: {y: {op: earlier.double, args: [x]}}\nreference: {steps.y.op: earlier.two}\n"

LACKS: list[torch.dtype] = []
"""Dtypes that the kernel lacks; of the second half, it is wrong."""

WRONG: list[torch.dtype] = []


def double(x: torch.Tensor) -> torch.Tensor:
    if x.dtype in LACKS:
        raise RuntimeError(f"double: no kernel registered for {x.dtype}")
    return x * (3 if x.dtype in WRONG else 2)


def two(x: torch.Tensor) -> torch.Tensor:
    return x + x


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    register_op("earlier.double", double, replace=True)
    register_op("earlier.two", two, replace=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "CellWorker", Here)
    monkeypatch.setattr(pool, "cores", lambda: 1)
    (tmp_path / "r.yaml").write_text(RECIPE)
    yield
    LACKS.clear()
    WRONG.clear()


def swept(folder, *flags, dtypes="float32,bfloat16,float16"):
    words = ["-m", "r.yaml", f"dtype={dtypes}", f"hydra.sweep.dir={folder}", "--no-save", *flags]
    return cli._guarded(cli.run_recipe_main, words)


def test_what_ran_before_and_has_no_kernel_now_failed(capsys):
    LACKS.append(torch.float16)
    assert swept("old") == 0
    LACKS.append(torch.bfloat16)
    assert swept("new") == 0
    assert swept("held", "--must-run", "old") == 3
    said = capsys.readouterr().out
    assert "3 cells: 1 ok, 1 failed, 1 unsupported (dtype=float16)." in said
    assert "it is unsupported here, and must run, since it ran in old" in said


def test_what_changed_since_an_earlier_sweep_is_told_with_what_got_worse_first(capsys):
    LACKS.append(torch.float16)
    WRONG.append(torch.float64)
    swept("old", dtypes="float32,bfloat16,float16,float64")
    LACKS[:], WRONG[:] = [torch.bfloat16], [torch.float32]
    capsys.readouterr()
    assert swept("new", "--against", "old", dtypes="float32,bfloat16,float16") == 3
    said = capsys.readouterr().out
    kinds = [line.split("  ")[0] for line in said.split("since old")[1].splitlines()[1:5]]
    assert kinds == ["newly mismatch", "newly unsupported", "missing now", "no longer unsupported"]
    assert (
        "Since old: 1 newly mismatch, 1 newly unsupported, 1 missing now, 1 no longer unsupported; 0 cells as before."
        in said
    )


def test_a_sweep_that_ran_is_held_against_another_by_its_table(capsys):
    swept("old")
    LACKS.append(torch.float16)
    assert swept("new") == 0
    capsys.readouterr()
    assert cli._guarded(cli.recipe_main, ["table", "new", "--against", "old"]) == 3
    assert "Since old: 1 newly unsupported; 2 cells as before." in capsys.readouterr().out
    assert cli._guarded(cli.recipe_main, ["table", "old", "--against", "new", "--json"]) == 0
    since = json.loads(capsys.readouterr().out)["since_then"]
    assert since["changes"] == [
        {"kind": "no longer unsupported", "recipe": "r.yaml", "overrides": ["dtype=float16"], "before": "unsupported",
         "now": "ok", "worse": False}
    ]  # fmt: skip


def test_python_holds_a_sweep_against_another():
    swept("old")
    LACKS.append(torch.float16)
    sweep = sweep_recipe("r.yaml", ["dtype=float16,float32"], folder="new", against="old", keep=False)
    assert [row.outcome for row in sweep.run().rows] == ["failed", "ok"]
    assert sweep.exit_code == sweep.document.exit_code == 3
    assert sweep.table().endswith("Since old: 1 newly unsupported, 1 missing now; 1 cell as before.")


def test_a_device_that_was_there_must_be_there(capsys):
    swept("old")
    rows = [row.model_copy(update={"outcome": "unavailable", "reason": ""}) for row in earlier_rows("old")]
    assert [held_to(row, [earlier_at("old")]).outcome for row in rows] == ["failed"] * 3
    assert {held_to(row, [earlier_at("old")]).code() for row in rows} == {3}


def earlier_rows(folder):
    lines = Path(folder, "cells.jsonl").read_text(encoding="utf-8").splitlines()
    return [Row.model_validate_json(line) for line in lines]


@pytest.mark.parametrize("outcome", ["crashed", "failed", "timed out", "unavailable", "refused"])
def test_what_did_not_run_before_need_not_run_now(outcome):
    cell = {"recipe": "r.yaml", "overrides": ["dtype=float32"]}
    Path("rows.json").write_text(json.dumps({"rows": [{**cell, "outcome": outcome}]}))
    row = Row(number=0, outcome="unsupported", **cell)
    assert held_to(row, [earlier_at("rows.json")]) == row
    (change,) = since_then([row], earlier_at("rows.json")).changes
    assert (change.kind, change.is_worse) == ("now unsupported", False)


@pytest.mark.parametrize(
    ("before", "now", "kind", "code"),
    [
        ("ok", "partly judged", "other verdict", 1),
        ("partly judged", "ok", "other verdict", 0),
        ("mismatch", "ok", "fixed", 0),
        ("mismatch", "crashed", "newly crashed", 3),
        ("crashed", "mismatch", "other verdict", 0),
        ("ok", "nondeterministic", "newly nondeterministic", 1),
        ("unsupported", "mismatch", "newly mismatch", 1),
    ],
)
def test_a_change_is_worse_or_not(before, now, kind, code):
    cell = {"recipe": "r.yaml", "overrides": []}
    Path("rows.json").write_text(json.dumps({"rows": [{**cell, "outcome": before}]}))
    found = since_then([Row(number=0, outcome=now, **cell)], earlier_at("rows.json"))
    assert [(one.kind, one.code) for one in found.changes] == [(kind, code)]
    assert found.code == code
    assert sentence(found) == f"Since rows.json: 1 {kind}; 0 cells as before."


def test_a_cell_is_the_same_with_other_ways_of_judging_and_under_another_folder():
    Path("rows.json").write_text(
        json.dumps({"rows": [{"recipe": "a/r.yaml", "overrides": ["dtype=float32", "case=b"], "outcome": "ok"}]})
    )
    earlier = earlier_at("rows.json")
    assert (
        earlier.of("/elsewhere/r.yaml", ["case=b", "repeats=3", "judge.isolated=true", "dtype=float32"]).outcome == "ok"
    )
    assert earlier.of("a/r.yaml", ["dtype=float32"]) is None


def test_what_recipe_verify_prints_holds_verify_to_it(capsys):
    assert cli._guarded(cli.recipe_main, ["record", "r.yaml", "-q"]) == 0
    words = ["verify", "r.yaml", "backend=aot_eager", "dtype=float16"]
    capsys.readouterr()
    assert cli._guarded(cli.recipe_main, [*words, "--json"]) == 0
    Path("earlier.json").write_text(capsys.readouterr().out)
    LACKS.append(torch.float16)
    assert cli._guarded(cli.recipe_main, [*words, "dtype=float32"]) == 0
    assert cli._guarded(cli.recipe_main, [*words, "--must-run", "earlier.json"]) == 3
    assert "it is unsupported here, and must run, since it ran in earlier.json" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("nowhere", None, "nowhere: it cannot be read: No such file or directory"),
        ("a.json", "[", "a.json: it is not what --json prints of a sweep or of recipe verify"),
        (
            "a.json",
            "{}",
            "a.json: it has no cells; give the folder of a sweep, its cells.jsonl, or what --json printed",
        ),
        ("a.jsonl", "{}\n", "a.jsonl:1: it is no row of a sweep"),
    ],
)
def test_what_holds_no_cells_is_told(name, content, problem):
    if content is not None:
        Path(name).write_text(content)
    with pytest.raises(StorageError) as found:
        earlier_at(name)
    assert str(found.value) == problem
    with pytest.raises(RecipeError, match=r"^flag '--against': "):
        cli.run_recipe_main(["-m", "r.yaml", "--against", name])


@pytest.mark.parametrize("flag", ["--must-run", "--against"])
def test_the_flags_are_for_sweeps_and_kept_by_a_resumed_one(flag, capsys):
    swept("old")
    assert cli._guarded(cli.run_recipe_main, ["r.yaml", flag, "old"]) == 2
    assert cli._guarded(cli.run_recipe_main, ["--resume", "old", flag, "old"]) == 2
    said = capsys.readouterr().err
    assert f"flag '{flag}': it is for sweeps; add -m" in said
    assert f"flag '{flag}': a resumed sweep keeps the settings it began with" in said
