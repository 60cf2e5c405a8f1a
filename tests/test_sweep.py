"""A sweep from its command line to its folder: what is kept, what is gone on with, what is refused, how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tensorflow_free import cli
from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.files.opening import is_there
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.preparation import resume_sweep, sweep_recipe
from tensorflow_free.sweep.rows import Row, row_of
from tests.processes import finished, shown_on_terminal, started, succeeded, waited, without_escapes

BIN = Path(sys.executable).parent
LINEAR = "tensors: {x: 2.0, w: {init: tensor, data: 3.0, requires_grad: true}}\nsteps: {y: w * x}\nbackward: y\n"
SLOW = "tensors: {x: {init: randn, size: [4]}}\nsteps: {y: {op: s_nap, args: [x]}, z: y.exp()}\n"
OPS = """
import pathlib, time
from tensorflow_free import register_op

def s_nap(x):
    pathlib.Path("napping").touch()
    time.sleep(0.02)
    return x + 0

register_op("s_nap", s_nap)
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = {"linear.yaml": LINEAR, "slow.yaml": SLOW, "ops.py": OPS}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture
def typed(capsys):
    def type_in(*words):
        code = cli._guarded(cli.run_recipe_main, words)
        return code, *capsys.readouterr()

    return type_in


FILES = ["cells.jsonl", "sweep.csv", "sweep.json"]


def like(rows):
    """Rows but for how long they took."""
    return [row.model_copy(update={"seconds": 0.0}) for row in rows]


# what is kept


def test_a_sweep_gives_a_row_for_each_cell_and_keeps_all_of_it():
    sweep = sweep_recipe("linear.yaml", ["dtype=float32,float64", "device=cpu,cuda"], folder="kept", n_jobs=1)
    assert not Path("kept").exists()
    rows = list(sweep)
    assert [row.outcome for row in rows] == ["ok", "unavailable"] * 2
    assert sorted(path.name for path in Path("kept").iterdir()) == ["cells-0001.tar.gz", *FILES]
    assert [is_there(Path("kept", name)) for name in "0123"] == [True, False, True, False]
    assert (sweep.is_well, sweep.exit_code, len(sweep)) == (True, 0, 4)
    assert "4 cells: 2 ok, 2 unavailable" in sweep.table()
    document = SweepFolder(Path("kept")).document()
    assert (document.cells, document.finished, document.well) == (4, True, True)
    assert document.outcomes == {"unavailable": 2, "ok": 2}
    assert document.environment["torch"]
    assert like(resume_sweep("kept").rows) == like(sweep.rows) == like(rows)


def test_iterating_again_gives_the_same_rows_and_runs_nothing():
    sweep = sweep_recipe("linear.yaml", ["seed=1,2"], folder="kept", n_jobs=1)
    assert list(sweep) == list(sweep) == sweep.rows


def test_a_sweep_becomes_a_data_frame_with_a_line_for_each_cell():
    frame = sweep_recipe("linear.yaml", ["seed=1,2"], folder="kept", n_jobs=1).run().to_dataframe()
    assert (frame["seed"].tolist(), frame["outcome"].tolist()) == ([1, 2], ["ok", "ok"])


def test_rows_that_are_kept_count_though_the_loop_was_left_before_it_took_them():
    sweep = sweep_recipe("linear.yaml", ["seed=range(6)"], folder="kept", n_jobs=1)
    rows = iter(sweep)
    next(rows)
    waited(lambda: count("kept") == 6)
    rows.close()
    assert (sweep.summary.cells, sweep.is_well) == (6, True)
    assert Path("kept/sweep.csv").read_text().count("\n") == 7


def test_whoever_leaves_the_loop_may_go_on_later():
    sweep = sweep_recipe("linear.yaml", ["seed=range(6)"], folder="kept", n_jobs=1)
    for _ in sweep:
        break
    assert 1 <= len(sweep.rows) < 6
    assert (sweep.exit_code, sweep.is_well) == (3, False)
    assert [row.number for row in sweep.run().rows] == list(range(6))
    assert sweep.exit_code == 0


def test_a_row_is_strict_json_and_is_read_back_as_it_was():
    row = Row(
        number=1,
        recipe="a.yaml",
        outcome="mismatch",
        used=float("inf"),
        worst={
            "name": "y",
            "outcome": "mismatch",
            "used": "inf",
            "measure": {
                "unequal": 1,
                "nonfinite": 1,
                "found": "nan",
                "wanted": 1.0,
                "max_abs": "nan",
                "max_abs_at": [],
            },
        },
        reason="é\n",
    )
    assert json.loads(row.line(), parse_constant=pytest.fail)["used"] == "inf"
    assert row_of(row.line()) == row
    assert row.line().count("\n") == 1
    with pytest.raises(ValueError, match="schema version 9"):
        row_of(row.model_copy(update={"schema_version": 9}).line())


def test_it_works_from_a_script_without_a_guard(here):
    code = "from tensorflow_free.sweep.preparation import sweep_recipe\nprint([row.outcome for row in sweep_recipe('linear.yaml', ['seed=1,2'])])"
    (here / "script.py").write_text(code)
    (here / "torch.py").write_text("raise SystemExit('the wrong torch')")
    done = finished(sys.executable, "-P", "script.py")
    assert (done.stdout, done.stderr) == ("['ok', 'ok']\n", "")


# resuming


def test_a_sweep_that_is_gone_on_with_runs_only_what_has_no_row(here):
    sweep = sweep_recipe("linear.yaml", ["seed=range(4)"], folder="kept", n_jobs=1).run()
    whole = sweep.rows
    lines = Path("kept/cells.jsonl").read_text().splitlines(keepends=True)
    # two good rows, a line that is none, one of no cell, and one that is cut off
    stranger = Row(number=77, recipe="linear.yaml", outcome="ok").line()
    Path("kept/cells.jsonl").write_text(lines[0] + "{bad\n" + stranger + lines[2] + lines[3][:40])
    again = resume_sweep("kept", n_jobs=1)
    rows = list(again)
    assert [row.number for row in rows] == [0, 2, 1, 3]
    assert like(again.rows) == like(whole)
    assert again.notes == ["kept: 3 lines of its rows could not be read; the good ones are kept"]
    assert Path("kept/cells-0002.tar.gz").exists()
    assert again.table() == sweep.table()


def test_a_recipe_that_has_changed_is_refused_with_each_key_that_differs(here):
    sweep_recipe("linear.yaml", ["seed=1,2"], folder="kept", n_jobs=1).run()
    (here / "linear.yaml").write_text(LINEAR.replace("3.0", "4.0").replace("backward: y", "seed: 3\ntags: [a]"))
    with pytest.raises(RecipeError) as caught:
        resume_sweep("kept")
    assert str(caught.value) == (
        "linear.yaml: the recipe has changed since the sweep began; these differ: tensors.w.data, backward, seed, tags; "
        "put it back, or begin a new sweep"
    )
    (here / "linear.yaml").write_text("# the same in other words\n" + LINEAR.replace("3.0", "3.00"))
    assert len(resume_sweep("kept").rows) == 2


def test_a_file_of_ops_that_has_changed_is_refused(here):
    sweep_recipe("linear.yaml", ["seed=1,2"], folder="kept", n_jobs=1, ops=["ops.py"]).run()
    (here / "ops.py").write_text(OPS + "\n")
    with pytest.raises(RecipeError, match=r"ops\.py: this file of ops has changed since the sweep began"):
        resume_sweep("kept", ops=["ops.py"])


def test_a_sweep_can_be_gone_on_with_from_another_folder(here, monkeypatch):
    sweep = sweep_recipe("linear.yaml", ["seed=1,2,3"], folder="kept", n_jobs=1)
    next(iter(sweep))
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert [row.outcome for row in resume_sweep(here / "kept", n_jobs=1).run().rows] == ["ok"] * 3


def test_two_processes_cannot_be_at_work_on_one_sweep():
    sweep = sweep_recipe("linear.yaml", ["seed=1,2,3"], folder="kept", n_jobs=1)
    rows = iter(sweep)
    next(rows)
    with pytest.raises(StorageError, match="kept: another process is at work on this sweep"):
        resume_sweep("kept").run()
    assert len(list(rows)) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is not a sweep's folder; there is no sweep.json in it"),
        ("{", "cannot be read"),
        ("[]", "it has no 'schema_version'"),
        ('{"schema_version": 99}', "is of schema version 99; this tensorflow_free reads up to 2"),
        ('{"schema_version": 1}', "cwd: Field required"),
    ],
)
def test_what_is_no_sweep_is_told(typed, text, said):
    Path("kept").mkdir()
    if text is not None:
        Path("kept/sweep.json").write_text(text)
    code, _, err = typed("--resume", "kept")
    assert code == 2
    assert err.startswith("flag '--resume': kept")
    assert said in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["linear.yaml"], "command line: 'linear.yaml': a resumed sweep has its recipe"),
        (["seed=1"], "--resume takes everything from the folder"),
        (["--no-save"], "flag '--no-save': a resumed sweep keeps the settings it began with"),
        (["hydra.launcher.n_jobs=0"], "hydra.launcher.n_jobs: '0' is not a number of workers"),
        (["hydra.launcher.cell_timeout_s=-1"], "hydra.launcher.cell_timeout_s: '-1' is not a time limit"),
    ],
)
def test_a_sweep_that_goes_on_takes_no_other_words(typed, words, said):
    sweep_recipe("linear.yaml", ["seed=1"], folder="kept", n_jobs=1).create()
    code, _, err = typed("--resume", "kept", *words)
    assert code == 2
    assert said in err


# bad luck


def test_a_full_disk_ends_the_sweep_in_words_and_what_was_done_stays(here):
    limited = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, 12_000)); "
    run = "from tensorflow_free import cli; import sys; sys.argv[1:] = ['-m', 'linear.yaml', 'seed=range(40)', '--no-save', 'hydra.sweep.dir=kept', 'hydra.launcher.n_jobs=1']; cli.run_recipe_command()"
    done = finished(sys.executable, "-c", limited + run)
    assert done.returncode == 4
    assert re.match(r"kept[\w/.]*: the sweep cannot be written: File too large\n", done.stderr)
    assert "Traceback" not in done.stderr
    before = resume_sweep("kept").rows
    assert 0 < len(before) < 40
    whole = resume_sweep("kept").run()
    assert [row.number for row in whole.rows] == list(range(40))
    assert whole.notes == []


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable to root")
def test_a_folder_that_cannot_be_written_is_told(typed):
    Path("shut").mkdir(mode=0o500)
    code, _, err = typed("-m", "linear.yaml", "hydra.sweep.dir=shut/kept")
    assert code == 4
    assert err == "shut/kept: the sweep cannot be written: Permission denied\n"


def test_a_folder_below_a_file_is_told(typed):
    code, _, err = typed("-m", "linear.yaml", "hydra.sweep.dir=linear.yaml/kept")
    assert code == 4
    assert err == "linear.yaml/kept: the sweep cannot be written: Not a directory\n"


def count(folder):
    path = Path(folder, "cells.jsonl")
    return path.read_bytes().count(b"\n") if path.exists() else 0


def interrupt(*words):
    """A sweep that is interrupted once a cell is at work, as ^C does."""
    command = [BIN / "run-recipe", *words]
    with started(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        waited(lambda: Path("napping").exists() and count("kept") >= 1)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    return running.returncode, out, err


def test_interrupting_a_sweep_ends_it_with_the_table_of_what_is_there():
    words = [
        "-m",
        "slow.yaml",
        "seed=range(5000)",
        "--ops",
        "ops.py",
        "hydra.sweep.dir=kept",
        "hydra.launcher.n_jobs=1",
    ]
    code, out, err = interrupt(*words)
    assert code == 130
    assert re.search(r"^[\d,]+ of 5,000 cells: \d+ ok\.$", out, re.MULTILINE)
    assert re.fullmatch(
        r"interrupted: [\d,]+ of 5,000 cells have not run; resume with run-recipe --resume kept --ops ops.py\n", err
    )
    assert Path("kept/sweep.csv").read_text().count("\n") == count("kept") + 1


def test_a_terminal_shows_how_far_a_sweep_is_and_then_the_table():
    words = ["-m", "slow.yaml", "seed=range(30)", "--ops", "ops.py", "hydra.launcher.n_jobs=1"]
    text = without_escapes(shown_on_terminal(BIN / "run-recipe", *words))
    assert re.search(r"\b(\d+)/30 cells, \d+\.\d/s, left \d:\d\d:\d\d", text)
    assert "30 cells: 30 ok." in text


def test_a_pipe_gets_the_table_alone():
    words = ["-m", "slow.yaml", "seed=range(3)", "--ops", "ops.py", "hydra.launcher.n_jobs=1"]
    done = succeeded(BIN / "run-recipe", *words)
    assert (done.stderr, "\x1b" in done.stdout) == ("", False)
    assert done.stdout.startswith("slow.yaml, 3 cells, compared with cpu eager float64, own inputs, torch ")
