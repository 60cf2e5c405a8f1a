"""What is read back is data, too: no folder makes code run, or is a way to what lies outside of it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tensorflow_free import cli, read_result
from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.sweep import pool
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.preparation import resume_sweep, sweep_recipe
from tensorflow_free.sweep.rows import Row, row_of
from tests.test_sweep_command import LINEAR, Here

OPS = "from pathlib import Path\nPath('ran').touch()\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "CellWorker", Here)
    (tmp_path / "linear.yaml").write_text(LINEAR)
    (tmp_path / "my ops.py").write_text(OPS)
    return tmp_path


@pytest.fixture
def typed(capsys):
    def type_in(*words):
        code = cli._guarded(cli.run_recipe_main, words)
        return code, *capsys.readouterr()

    return type_in


def begun(*overrides, **settings):
    """The `sweep.json` of a sweep of which nothing has run, to be changed by a stranger."""
    sweep_recipe("linear.yaml", overrides or ["seed=1,2"], folder="kept", n_jobs=1, **settings).create()
    return json.loads(Path("kept/sweep.json").read_text())


def changed(document, **keys):
    Path("kept/sweep.json").write_text(json.dumps({**document, **keys}))


# code


def test_a_sweep_with_ops_goes_on_only_where_they_are_named_again(typed):
    begun(ops=["my ops.py"])
    code, _, err = typed("--resume", "kept")
    command = "run-recipe --resume kept --ops 'my ops.py'"
    assert (code, err.endswith(f"run only where you name them; if you trust them, type: {command}\n")) == (2, True)
    assert not Path("ran").exists()
    assert typed(*shlex.split(command)[1:])[0] == 0


def test_a_folder_that_names_ops_of_its_own_accord_runs_none(typed):
    changed(begun(), ops=[{"path": "my ops.py", "digest": ""}])
    assert typed("--resume", "kept")[0] == 2
    with pytest.raises(RecipeError, match="run only where you name them"):
        resume_sweep("kept")


def test_a_sweep_without_ops_goes_on_without_ops(typed):
    begun()
    code, _, err = typed("--resume", "kept", "--ops", "my ops.py")
    assert (code, err.endswith("goes on as it began; type: run-recipe --resume kept\n")) == (2, True)


def test_the_command_to_go_on_with_names_the_ops(typed):
    words = ["-m", "linear.yaml", "expect.y=7,6,6", "--fail-fast", "hydra.sweep.dir=a b", "--ops", "my ops.py"]
    _, _, err = typed(*words, "hydra.launcher.n_jobs=1")
    command = err.rpartition("resume with ")[2].strip()
    assert command == "run-recipe --resume 'a b' --ops 'my ops.py'"
    assert typed(*shlex.split(command)[1:])[0] == 1
    assert SweepFolder(Path("a b")).document().finished


@pytest.mark.parametrize(
    "text", ["hydra.run.dir=out", "hydra/launcher=joblib", "+x._target_=os.system", "recipe=linear"]
)
def test_no_override_that_a_folder_holds_is_hydras(typed, text):
    document = begun("seed=1,2")
    changed(document, axes=[{"key": None, "texts": [text]}], cells=1)
    assert typed("--resume", "kept")[0] == 2
    assert [row.outcome for row in SweepFolder(Path("kept")).rows()] == ["refused"]


@pytest.mark.parametrize(
    "override", ["+params.a='${oc.env:HOME}'", "+params.a='${oc.decode:1}'", "description='${hydra:run}'"]
)
def test_no_override_that_a_folder_holds_asks_a_resolver(typed, override):
    changed(begun("seed=1,2"), axes=[{"key": None, "texts": [override]}], cells=1)
    assert typed("--resume", "kept")[0] == 2


# folders


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", "", ".."])
def test_a_cells_folder_that_leads_out_is_refused_and_stays(name):
    Path("outside").mkdir()
    changed(begun("seed=1"), folders=[str(Path("outside").absolute()) if name.startswith("/") else name])
    with pytest.raises(StorageError, match="is not a folder inside the sweep's"):
        resume_sweep("kept")
    assert Path("outside").is_dir()


def test_a_link_in_place_of_a_cells_folder_goes_and_what_it_leads_to_stays(here):
    Path("outside").mkdir()
    Path("outside/mine").touch()
    begun("seed=1")
    (here / "kept/0").symlink_to(here / "outside")
    assert resume_sweep("kept").run().is_well
    assert [path.name for path in Path("outside").iterdir()] == ["mine"]
    assert read_result("kept/0")["y"] is not None


def test_a_link_above_a_cells_folder_is_refused(here):
    Path("outside/0").mkdir(parents=True)
    changed(begun("seed=1"), folders=["a/0"])
    (here / "kept/a").symlink_to(here / "outside")
    with pytest.raises(StorageError, match="a link leads out of it; remove the link"):
        resume_sweep("kept").run()
    assert Path("outside/0").is_dir()


@pytest.mark.parametrize("name", ["sweep.json", "cells.jsonl"])
def test_a_link_to_itself_in_place_of_a_file_is_told(here, typed, name):
    begun()
    (here / "kept" / name).unlink(missing_ok=True)
    (here / "kept" / name).symlink_to(name)
    code, _, err = typed("--resume", "kept")
    assert (code in (2, 4), "Too many levels of symbolic links" in err, "Traceback" in err) == (True, True, False)


@pytest.mark.parametrize("word", ["linear.yaml", "-m"])
def test_a_recipe_named_beside_the_folder_of_its_sweep_is_told_to_be_left_out(typed, word):
    begun()
    code, _, err = typed("--resume", "kept", word)
    assert (code, err.count("\n")) == (2, 1)
    assert f"'{word}': a resumed sweep has its recipe and its overrides in its folder; leave this out" in err


VERDICT = {"name": "y", "outcome": "mismatch", "used": 2.0, "measure": None}


@pytest.mark.parametrize(
    "worst",
    [{}, {"used": []}, {**VERDICT, "used": []}, {**VERDICT, "measure": {"unequal": 1}}, {**VERDICT, "measure": [1]}],
    ids=str,
)
def test_a_row_whose_verdict_cannot_be_worded_is_no_row(worst):
    row = {"number": 0, "recipe": "linear.yaml", "outcome": "mismatch"}
    assert row_of(json.dumps({**row, "worst": VERDICT})).worst == VERDICT
    with pytest.raises(ValueError, match="it is not a verdict"):
        row_of(json.dumps({**row, "worst": worst}))


def test_a_row_whose_folder_leads_out_is_no_row():
    line = Row(number=0, recipe="linear.yaml", outcome="ok").line()
    with pytest.raises(ValueError, match="is not a folder inside the sweep's"):
        row_of(line.replace('"folder":""', '"folder":"../x"'))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"folders": ["a", "b", "c"]}, "3 folders do not fit 2 cells"),
        ({"axes": [{"key": "seed", "texts": []}]}, "axes.0.texts: List should have at least 1 item"),
        (
            {"recipes": [{"path": "linear.yaml", "cases": ["a", "b"], "digest": "", "text": ""}]},
            "recipes.0: 1 capabilities",
        ),
    ],
)
def test_a_document_that_does_not_fit_itself_is_told(typed, keys, said):
    changed(begun(), **keys)
    code, _, err = typed("--resume", "kept")
    assert (code, said in err) == (2, True)


def test_a_reference_that_makes_another_one_is_refused(typed):
    Path("linear.yaml").write_text(LINEAR + "params: {d: $}\ndescription: '${params.d}{oc.env:HOME}'\n")
    code, _, err = typed("-m", "linear.yaml", "seed=1,2", "hydra.sweep.subdir='${description}-${seed}'")
    assert (code, "makes '${oc.env:HOME}', another reference; write that one itself" in err) == (2, True)
