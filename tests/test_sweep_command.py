"""`run-recipe -m` as it is typed: exit codes, folders, launchers and sweepers of Hydra's, and what it prints.

The cells run in this process, which saves a second a test; the tests of workers and of folders have real ones.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tensorflow_free import cli
from tensorflow_free.errors import RecipeError
from tensorflow_free.files.new_folders import filled
from tensorflow_free.files.opening import is_there
from tensorflow_free.registry import load_ops_file
from tensorflow_free.sweep import pool
from tensorflow_free.sweep.document import SweepDocument
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.jobs import Chunks
from tensorflow_free.sweep.preparation import resume_sweep, sweep_recipe
from tensorflow_free.sweep.rows import Row
from tests.here import Heard, Here

LINEAR = "tensors: {x: 2.0, w: {init: tensor, data: 3.0, requires_grad: true}}\nsteps: {y: w * x}\nbackward: y\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "CellWorker", Here)
    monkeypatch.setattr(pool, "cores", lambda: 1)
    (tmp_path / "linear.yaml").write_text(LINEAR)
    return tmp_path


@pytest.fixture
def typed(capsys):
    def type_in(*words):
        code = cli._guarded(cli.run_recipe_main, words)
        return code, *capsys.readouterr()

    return type_in


def like(rows):
    """Rows but for how long they took."""
    return [row.model_copy(update={"seconds": 0.0}) for row in rows]


# exit codes


def test_fail_fast_ends_a_sweep_at_the_first_bad_cell(typed):
    words = [
        "-m",
        "linear.yaml",
        "expect.y=6,7,6,6,6,6,6,6",
        "--fail-fast",
        "hydra.launcher.n_jobs=1",
        "hydra.sweep.dir=kept",
    ]
    code, out, err = typed(*words)
    assert code == 1
    assert [row.outcome for row in resume_sweep("kept").rows] == ["ok", "failed"]
    assert err == "ended early: 6 of 8 cells have not run; resume with run-recipe --resume kept\n"
    assert "2 of 8 cells: 1 ok, 1 failed." in out
    assert typed("--resume", "kept")[0] == 1
    assert len(resume_sweep("kept").rows) == 8


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["expect.y=6,6"], 0),
        (["expect.y=6,7"], 1),
        (["steps.z=x,x + nothing", "expect.y=7"], 2),
        (["steps.z=x + 0,x.nosuch()"], 2),
        (["steps.z=x + 0,'(x + x.reshape(1, 1)).reshape(3)'", "expect.y=7"], 3),
        (["device=cuda,cuda:1"], 2),
        (["device=cuda,cpu"], 0),
    ],
)
def test_the_exit_code_tells_the_worst(typed, words, code):
    assert typed("-m", "linear.yaml", "-q", "hydra.launcher.n_jobs=1", *words)[0] == code


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("{device: cpu, dtype: float32}", "cpu eager float32, own inputs"),
        ("{backend: {name: aot_eager, fullgraph: true}}", "cpu aot_eager float64, own inputs"),
        ("{inputs: original, params: {n: [1, 2]}}", "cpu eager float64, params={n:[1,2]}, original inputs"),
    ],
)
def test_the_table_says_what_cells_are_held_against(typed, reference, words):
    _, out, _ = typed("-m", "linear.yaml", "+params.n=[1, 2]", f"reference={reference}")
    assert f"compared with {words}, torch" in out.splitlines()[0]


def test_a_fixed_cell_goes_wrong_nowhere_whatever_else_is_marked_in_it(typed):
    Path("linear.yaml").write_text("tensors: {x: 90.0}\nsteps: {e: x.exp(), y: x + 1}\n")
    marks = "xfail=[{reason: overflow, keys: [e]}, {reason: gone, keys: [y]}]"
    assert typed("-m", "linear.yaml", marks, "hydra.sweep.dir=kept")[0] == 1
    (row,) = resume_sweep("kept").rows
    assert (row.outcome, row.where) == ("fixed", None)


def test_a_cell_whose_expectation_does_not_hold_names_it(typed):
    _, out, _ = typed("-m", "linear.yaml", "expect={y: 7, w.grad: 2}", "hydra.sweep.dir=kept")
    (row,) = resume_sweep("kept").rows
    assert (row.outcome, row.unmet) == ("failed", ["expect.y"])
    assert "FAILED at expect.y: 1 cell" in out


ODD = ("a b", "a=b", "a,b", "it's", '"q"', "é", "$x", "${seed}", "a(b)", "[a]", "~a", "+a", "%20")


def test_recipes_may_have_any_name(typed):
    for name in ODD:
        Path(f"{name}.yaml").write_text(LINEAR)
    words = ["seed=1,2", "hydra.launcher.n_jobs=1", "hydra.sweep.dir=kept", "-q"]
    assert typed("-m", *(f"{name}.yaml" for name in ODD), *words) == (0, "", "")
    found = [(row.outcome, row.recipe) for row in resume_sweep("kept").rows]
    assert found == [("ok", f"{name}.yaml") for name in ODD for _ in range(2)]


@pytest.mark.parametrize("words", [["hydra.job.name=x"], ["-m", "hydra/launcher=basic"], ["-m", "hydra/sweeper=basic"]])
def test_hydra_itself_takes_any_name_of_a_recipe(typed, words):
    for name in ("a b", "it's, [${seed}]=~"):
        Path(f"{name}.yaml").write_text(LINEAR)
        assert typed(f"{name}.yaml", *words, "-q") == (0, "", "")


# cells alone


def test_each_command_that_a_sweep_prints_runs_as_it_stands(typed, here):
    Path("a b's.yaml").write_text(LINEAR.replace("y: w * x", "y: {op: my.own, args: [w, x]}"))
    own = "from tensorflow_free import register_op\nregister_op('my.own', lambda a, b: a * b, replace=True)\n"
    backend = "import torch\nif 'mine' not in torch.compiler.list_backends(exclude_tags=()):\n    torch._dynamo.register_backend(lambda graph, inputs: graph.forward, name='mine')\n"
    Path("my ops.py").write_text(own)
    Path("backend.py").write_text(backend)
    words = ["a b's.yaml", "linear.yaml", "backend=eager,mine", "expect={y: 7}", "+description='it has, a \"comma\"'"]
    files = ["--ops", "my ops.py", "--ops", "backend.py", "+reference={dtype: float64}"]
    load_ops_file("my ops.py"), load_ops_file("backend.py")
    code, out, _ = typed("-m", *words, *files, "hydra.launcher.n_jobs=1")
    commands = [line.strip() for line in out.splitlines() if line.strip().startswith("run-recipe ")]
    assert (code, len(commands)) == (1, 1)
    rows = [row for row in sweep_rows() if row.is_bad]
    assert len(rows) == 4
    for row in rows:
        assert row.command.endswith("--ops 'my ops.py' --ops backend.py")
        assert typed(*shlex.split(row.command)[1:], "hydra.launcher.n_jobs=1")[0] == 1
    assert commands == [rows[0].command]


def sweep_rows():
    (folder,) = Path("multirun").iterdir()
    return list(SweepFolder(folder).rows())


# what a sweep came to


def test_what_a_sweep_came_to_runs_it_first():
    for ask in (lambda sweep: sweep.is_well, lambda sweep: "2 cells: 2 ok." in sweep.table()):
        sweep = sweep_recipe("linear.yaml", ["seed=1,2"], keep=False)
        assert repr(sweep) == f"<Sweep {sweep.folder}: 0 of 2 cells have run>"
        assert ask(sweep)
        assert repr(sweep).endswith("2 of 2 cells have run>")


# folders


@pytest.mark.parametrize(
    ("subdir", "names"),
    [
        ("${dtype}-${seed}", ["float32-1", "float32-2", "float64-1", "float64-2"]),
        ("a/${hydra.job.override_dirname}", [f"a/dtype={d},seed={s}" for d in ("float32", "float64") for s in (1, 2)]),
        ("${hydra.job.num}x", ["0x", "1x", "2x", "3x"]),
    ],
)
def test_cells_write_where_the_command_line_says(typed, subdir, names):
    words = [
        "-m",
        "linear.yaml",
        "dtype=float32,float64",
        "seed=1,2",
        "hydra.sweep.dir=kept",
        f"hydra.sweep.subdir={subdir}",
        "-q",
    ]
    assert typed(*words)[0] == 0
    assert [row.folder for row in resume_sweep("kept").rows] == names
    assert all(is_there(Path("kept", name, "result.json")) for name in names)


@pytest.mark.parametrize(
    ("subdir", "names"),
    [
        ("${recipe}-${dtype}", ["linear-float32", "more/linear-float32"]),
        ("${hydra.job.override_dirname}", ["dtype=float32,recipe=linear", "dtype=float32,recipe=more/linear"]),
    ],
)
def test_recipes_of_one_name_in_two_folders_write_apart(typed, subdir, names):
    Path("more").mkdir()
    Path("more/linear.yaml").write_text(LINEAR)
    words = ["linear.yaml", "more/linear.yaml", "dtype=float32", "hydra.sweep.dir=kept", f"hydra.sweep.subdir={subdir}"]
    assert typed("-m", *words)[0] == 0
    assert [row.folder for row in resume_sweep("kept").rows] == names


@pytest.mark.parametrize(
    ("subdir", "said"),
    [
        (
            "${dtype}",
            "cells 0 and 1 (dtype=float32 seed=2) would both write 'float32'; name all that varies, as in ${dtype}-${seed}",
        ),
        ("same", "cells 0 and 1 (dtype=float32 seed=2) would both write 'same'"),
        ("../${hydra.job.num}", "is not the name of a folder inside the sweep's"),
        ("/${hydra.job.num}", "is not the name of a folder inside the sweep's"),
        ("sweep.json", "is the name of a file of the sweep's"),
        ("${nothing}", "it cannot be resolved: Interpolation key 'nothing' not found"),
    ],
)
def test_folders_that_cannot_be_are_refused_before_anything_runs(typed, subdir, said):
    words = [
        "-m",
        "linear.yaml",
        "dtype=float32,float64",
        "seed=1,2",
        "hydra.sweep.dir=kept",
        f"hydra.sweep.subdir='{subdir}'",
        "-q",
    ]
    code, _, err = typed(*words)
    assert (code, said in err) == (2, True)
    assert not Path("kept").exists()


def test_a_folder_inside_of_another_cells_is_refused(typed):
    words = ["-m", "linear.yaml", "hydra.sweep.dir=kept", "hydra.sweep.subdir='${params.k}'"]
    for values in ("a,a/b", "a/b,a"):
        code, _, err = typed(*words, f"+params.k={values}")
        assert code == 2
        assert "'a'" in err


def test_the_sweeps_folder_may_name_what_all_cells_share(typed):
    assert typed("-m", "linear.yaml", "dtype=float64", "seed=1,2", "hydra.sweep.dir='kept-${dtype}'", "-q")[0] == 0
    assert Path("kept-float64/sweep.json").exists()


@pytest.mark.parametrize("entry", ["cells.jsonl", "0", "x"])
def test_a_folder_that_holds_something_is_refused(typed, entry):
    Path("kept").mkdir()
    Path("kept", entry).touch()
    code, _, err = typed("-m", "linear.yaml", "hydra.sweep.dir=kept")
    assert code == 2
    assert "the folder 'kept' holds something already; name one that is new or empty\n" in err
    with pytest.raises(RecipeError, match="holds something already"):
        sweep_recipe("linear.yaml", folder="kept")
    assert filled(Path("linear.yaml")) == "'linear.yaml' is a file; name a folder that is new or empty"


# Hydra's own launchers and sweepers


@pytest.mark.parametrize("words", [["hydra/launcher=basic", "hydra.sweeper.cells_per_job=2"], ["hydra/sweeper=basic"]])
def test_other_launchers_and_sweepers_end_with_the_same_rows(typed, words):
    cells = ["linear.yaml", "dtype=float32,float64", "expect.y=6,7"]
    assert typed("-m", *cells, "hydra.sweep.dir=ours", "hydra.launcher.n_jobs=1")[0] == 1
    code, out, err = typed("-m", *cells, "hydra.sweep.dir=theirs", *words)
    assert (code, err) == (1, "")
    assert "4 cells: 2 ok, 2 failed." in out
    ours, theirs = (SweepFolder(Path(name)) for name in ("ours", "theirs"))
    assert like(sorted(theirs.rows(), key=lambda row: row.number)) == like(
        sorted(ours.rows(), key=lambda row: row.number)
    )
    assert theirs.document().finished
    assert not list(Path("theirs").glob("cells.*.jsonl"))


@pytest.mark.parametrize("words", [[], ["hydra/launcher=basic"], ["hydra/sweeper=basic"]])
def test_callbacks_of_hydras_are_told_of_a_sweep(typed, monkeypatch, words):
    monkeypatch.setattr(Heard, "told", [])
    assert typed("-m", "linear.yaml", "+hydra.callbacks.x._target_=tests.here.Heard", "-q", *words) == (0, "", "")
    assert Heard.told == ["begins", "is over"]


def test_cells_of_a_job_that_died_are_told_and_can_be_gone_on_with(typed, monkeypatch):
    whole = Chunks.__call__
    monkeypatch.setattr(Chunks, "__call__", lambda chunks, config: dies(config) or whole(chunks, config))
    words = [
        "-m",
        "linear.yaml",
        "seed=1,2,3",
        "hydra.sweep.dir=kept",
        "hydra/launcher=basic",
        "hydra.sweeper.cells_per_job=2",
    ]
    code, _, err = typed(*words)
    assert code == 3
    assert "basic: a job ended early: RuntimeError: the node is gone" in err
    assert "2 of 3 cells have not run" in err
    assert typed("--resume", "kept")[0] == 0
    assert [row.number for row in resume_sweep("kept").rows] == [0, 1, 2]


def test_a_worker_that_cannot_be_let_go_ends_its_sweep_with_the_error(monkeypatch):
    def broken(crew, worker):
        message = "this worker cannot be let go"
        raise RuntimeError(message)

    monkeypatch.setattr(pool.Crew, "_let_go", broken)
    with pytest.raises(RuntimeError, match="cannot be let go"):
        list(sweep_recipe("linear.yaml", ["seed=1,2"], keep=False))


def dies(config):
    if config.chunk == 0:
        message = "the node is gone"
        raise RuntimeError(message)


def test_a_sweep_whose_cells_another_sweeper_chose_cannot_be_gone_on_with(typed):
    typed("-m", "linear.yaml", "seed=1,2", "hydra.sweep.dir=kept", "hydra/sweeper=basic", "-q")
    code, _, err = typed("--resume", "kept")
    assert code == 2
    assert "its cells were chosen by a sweeper as it ran" in err


# on the screen


def test_quiet_tells_of_bad_cells_only(typed):
    words = ["-m", "linear.yaml", "expect.y=6,7", "-q", "hydra.launcher.n_jobs=1"]
    code, out, err = typed(*words)
    assert (code, out) == (1, "")
    assert re.match(r"cell 1 \(expect\.y=7\): failed: expect\.y: 7: ", err)


def test_quiet_tells_all_of_a_bad_cell_below_its_name(typed):
    _, _, err = typed("-m", "linear.yaml", "expect={y: 7, w.grad: 7}", "-q", "hydra.launcher.n_jobs=1")
    assert re.match(r"cell 0 \(linear\.yaml\): failed: expect\.y: 7: .*\n    expect\.w\.grad: 7: ", err), err


def test_the_document_is_what_sweep_json_says_and_the_rows(typed):
    _, out, _ = typed("-m", "linear.yaml", "seed=1,2", "--json", "hydra.sweep.dir=kept", "hydra.launcher.n_jobs=1")
    found = json.loads(out)
    rows = found.pop("rows")
    assert found == json.loads(Path("kept/sweep.json").read_text())
    assert [Row.model_validate(row) for row in rows] == resume_sweep("kept").rows
    assert SweepDocument.model_validate(found).arguments[:3] == ["-m", "linear.yaml", "seed=1,2"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["linear.yaml", "hydra.launcher.n_jobs=0"], "hydra.launcher.n_jobs: '0' is not a number of workers"),
        (["linear.yaml", "hydra.launcher.n_jobs=many"], "hydra.launcher.n_jobs=many"),
        (["linear.yaml", "hydra.launcher.cell_timeout_s=0"], "'0.0' is not a time limit"),
        (["linear.yaml", "--ops", "nowhere.py"], "flag '--ops': 'nowhere.py' is not there"),
        (["linear.yaml", "dtype=float32,flaot64"], "override 'dtype=flaot64'"),
        (["linear.yaml", "hydra/launcher=nothing"], "Hydra refuses it"),
        (["linear.yaml", "--fail-fast=1"], "flag '--fail-fast': it takes no value; write --fail-fast"),
        (["--resume"], "flag '--resume': it needs the folder of a sweep"),
        (["linear.yaml", "interval"], "interval: there is no such file"),
        (["linear.yaml", "seed=interval(0,1)"], "has infinitely many values"),
        (["linear.yaml", "seed=range(2,2)"], "it gives no values"),
    ],
)
def test_a_wrong_command_line_runs_nothing_and_leaves_nothing(typed, here, words, said):
    (here / "a b.yaml").write_text(LINEAR)
    before = sorted(here.iterdir())
    code, out, err = typed("-m", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert sorted(here.iterdir()) == before


def test_what_only_sweeps_do_is_refused_elsewhere(typed):
    assert typed("linear.yaml", "--fail-fast") == (2, "", "flag '--fail-fast': it is for sweeps; add -m\n")


@pytest.mark.parametrize(
    ("recipes", "overrides", "said"),
    [
        ({"steps": {}}, [], "write this one to a .yaml file"),
        ([], [], "no recipe is given"),
        ("linear.yaml", "seed=1,2", "a list of overrides is wanted; write ['seed=1,2']"),
        ("linear.yaml", [3], "it is not a string"),
        (["linear.yaml", "nowhere.yaml"], ["seed=1,"], "nowhere.yaml: there is no such file"),
    ],
)
def test_what_python_cannot_sweep_is_refused(recipes, overrides, said):
    with pytest.raises(RecipeError) as caught:
        sweep_recipe(recipes, overrides)
    assert said in str(caught.value)


def test_hydras_own_setting_asks_for_a_sweep_too(typed):
    code, out, _ = typed("linear.yaml", "seed=1,2", "hydra.mode=MULTIRUN")
    assert code == 0
    assert "2 cells: 2 ok." in out
