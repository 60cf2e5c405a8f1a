"""A recipe is data: whatever its text holds, it runs no code, reads no environment, and reads and writes no file outside.

Each attack is tried on `compose`, on a plain run, and on Hydra's `--cfg` and `-m`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hydra.core.config_store import ConfigStore
from hydra.errors import CompactHydraException

from hydra_plugins.tensorflow_free_sweeps import CellsSweeper, WorkersLauncher
from tensorflow_free.cli import _guarded
from tensorflow_free.commands.each_recipe import run_each
from tensorflow_free.commands.run_flags import sorted_words
from tensorflow_free.composition.compose import Composed, compose
from tensorflow_free.errors import RecipeError
from tensorflow_free.hydra_app.sweeping import swept
from tensorflow_free.sweep.launch import Settings


def running(words, task):
    """Run a command line, as it is typed."""
    return run_each(sorted_words(words), task)


def sweeping(words, task):
    """Run what words ask for; of a sweep each cell, as a task is run."""
    line = sorted_words(words)
    if not line.is_multirun:
        return run_each(line, task)
    sweep = swept(line, Settings()).sweep
    cells = sweep.document.all_cells()
    return max(task(compose(cell.recipe, cell.overrides), sweep.folder / cell.folder) for cell in cells)


WAYS = {
    "compose": lambda path, task: compose(path),
    "run": lambda path, task: running([str(path)], task),
    "hydra run": lambda path, task: running([str(path), "hydra.run.dir=out"], task),
    "--cfg": lambda path, task: running([str(path), "--cfg", "job", "--resolve"], task),
    "--info": lambda path, task: running([str(path), "--info", "all"], task),
    "-m": lambda path, task: sweeping([str(path), "-m", "seed=1,2"], task),
    "glob": lambda path, task: sweeping([str(path), "-m", "recipe=glob(*)"], task),
}

PYTHON = "{_target_: pathlib.Path.write_text, _args_: [MARKER, owned]}"
ATTACKS = {
    "a hydra block": ("hydra: {run: {dir: ../elsewhere}}", "'hydra' is Hydra's own"),
    "a callback": (f"hydra: {{callbacks: {{c: {PYTHON}}}}}", "'hydra' is Hydra's own"),
    "a search path": ("hydra: {searchpath: ['pkg://evil']}", "'hydra' is Hydra's own"),
    "a search path in one key": ("hydra.searchpath: ['file:///etc']", "'hydra.searchpath' is Hydra's own"),
    "a hydra group": ("hydra/launcher: joblib", "'hydra/launcher' is Hydra's own"),
    "a hydra package": ("hydra@_global_: {mode: MULTIRUN}", "'hydra@_global_' is Hydra's own"),
    "a hydra block in a case": (
        "cases: {a: {hydra: {mode: MULTIRUN}}}\ncase: a",
        "cases.a.hydra: 'hydra' is Hydra's own",
    ),
    "a hydra block spelt by escapes": ('"\\x68ydra": {mode: MULTIRUN}', "'hydra' is Hydra's own"),
    "a target": (f"params: {{a: {PYTHON}}}", "params.a._target_: '_target_' would call Python"),
    "a target deep in lists": (f"steps: {{y: {{args: [[{{b: {PYTHON}}}]]}}}}", "steps.y.args.0.0.b._target_"),
    "a target spelt by escapes": ('params: {"\\u005ftarget_": os.getcwd}', "'_target_' would call Python"),
    "a partial": ("params: {_partial_: true}", "'_partial_' would call Python"),
    "a recursion": ("params: {_recursive_: false, _convert_: all}", "'_recursive_' would call Python"),
    "a resolver": ("description: ${oc.env:SECRET}", "asks a resolver"),
    "a resolver of hydra": ("description: ${hydra:runtime.cwd}", "asks a resolver"),
    "a resolver in a resolver": ("description: '${oc.${params.x}:SECRET}'", "is not a reference"),
    "a resolver spelt by escapes": ('description: "\\u0024{oc.env:SECRET}"', "asks a resolver"),
    "a reference to hydra": ("description: ${hydra.runtime.cwd}", "is not a reference"),
    "a relative reference": ("description: ${..hydra}", "is not a reference"),
    "a reference in brackets": ("description: ${oc[env]}", "is not a reference"),
    "an escaped reference": ("description: '\\${params.a}'", "is not a reference"),
    "a reference in a key": ("params: {'${oc.env:SECRET}': 1}", "is a key and cannot hold a reference"),
    "a doubling": (
        "params:\n  a0: x\n" + "".join(f"  a{n}: '${{params.a{n - 1}}}${{params.a{n - 1}}}'\n" for n in range(1, 40)),
        "the references make the recipe larger",
    ),
    "a text of many long texts": (
        f"params: {{a: {'x' * 900_000}, b: '{'${params.a}' * 80_000}'}}",
        "the references make the recipe larger",
    ),
    "a missing value": ("params: {a: '???'}", "'???' marks a missing value"),
    "a tag": ("params: !!python/object/apply:os.system [touch MARKER]", "is not allowed"),
    "a folder above in defaults": ("defaults: [../secret]", "'../secret' is a path"),
    "an absolute path in defaults": ("defaults: [/etc/passwd]", "'/etc/passwd' is a path"),
    "two slashes in defaults": ("defaults: [//abs]", "'//abs' is a path"),
    "a folder below in defaults": ("defaults: [sub/other]", "'sub/other' is a path"),
    "a backslash in defaults": ("defaults: ['..\\secret']", "is a path"),
    "an override in defaults": ("defaults: [override hydra/launcher: joblib]", "chooses from a config group"),
    "an override word in defaults": ("defaults: ['override hydra/launcher']", "changes Hydra's own defaults list"),
    "an optional in defaults": ("defaults: [optional other]", "changes Hydra's own defaults list"),
    "a group in defaults": ("defaults: [{hydra/launcher: joblib}]", "chooses from a config group"),
    "a package in defaults": ("defaults: [other@hydra]", "names a package"),
    "a reference in defaults": ("defaults: ['${params.x}']", "is not the stem of a recipe"),
    "a scheme in defaults": ("defaults: ['pkg:evil']", "is not the stem of a recipe"),
    "a link out of the folder in defaults": ("defaults: [link]", "there is no recipe 'link' in this folder"),
    "a pipe in defaults": ("defaults: [pipe]", "there is no recipe 'pipe' in this folder"),
    "a line break in defaults": ('defaults: ["other\\n"]', "is not the stem of a recipe"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of recipes, with something to steal beside it and in the environment."""
    inside = tmp_path / "recipes"
    (inside / "sub").mkdir(parents=True)
    (inside / "other.yaml").write_text("seed: 1")
    (inside / "sub" / "other.yaml").write_text("seed: 1")
    (tmp_path / "secret.yaml").write_text("description: secret")
    (inside / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    os.mkfifo(inside / "pipe.yaml")
    monkeypatch.setenv("SECRET", "secret")
    monkeypatch.chdir(tmp_path)
    return inside


def never(composed: Composed, folder: Path) -> int:
    raise AssertionError(composed)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_in_every_way_of_running(folder, capsys, attack, way):
    text, message = ATTACKS[attack]
    path = folder / "evil.yaml"
    path.write_text(f"# @package hydra\nsteps: {{}}\n{text}".replace("steps: {}\nsteps", "steps"))
    with pytest.raises(RecipeError) as caught:
        WAYS[way](path, never)
    assert message in str(caught.value)
    assert "evil.yaml:" in str(caught.value)
    assert "secret\n" not in capsys.readouterr().out
    assert {entry.name for entry in folder.parent.iterdir()} <= {"recipes", "secret.yaml"}


def test_the_harmless_twin_of_the_attacks_is_run(folder):
    path, ran = folder / "fine.yaml", []
    path.write_text("# @package hydra\ndefaults: [other]\nparams: {a: '${seed}', hydra_like: target_}\n")
    for name, way in WAYS.items():
        if name not in ("compose", "glob"):
            assert way(path, lambda composed, _: ran.append(composed.mapping) or 0) == 0
    assert [mapping["params"]["a"] for mapping in ran] == [1, 1, 1, 2]


REFUSED_OVERRIDES = {
    "params.a='${oc.env:SECRET}'": "asks a resolver",
    "params.a=${oc.env:SECRET}": "asks a resolver",
    "+params.a={_target_: os.getcwd}": "'_target_' would call Python",
    "params._target_=os.getcwd": "'_target_' would call Python",
    "params.a=[{_partial_: true}]": "'_partial_' would call Python",
    "defaults=[/etc/passwd]": "`defaults` is read before any override",
    "recipe@hydra=other": "chooses from a config group",
}


@pytest.mark.parametrize("override", REFUSED_OVERRIDES)
def test_an_override_cannot_do_either_what_a_recipe_cannot(folder, override):
    for arguments in ([], ["hydra.run.dir=out"], ["-m"], ["--cfg", "job", "--resolve"]):
        with pytest.raises(RecipeError, match="override '") as caught:
            sweeping([str(folder / "other.yaml"), override, *arguments], never)
        assert REFUSED_OVERRIDES[override] in str(caught.value)


@pytest.mark.parametrize(
    "flag",
    [
        "--config-path=/etc",
        "-cp",
        "--config-name=x",
        "-cn",
        "--config-dir=/etc",
        "-cd",
        "--experimental-rerun=x.pickle",
        "--config-p=/etc",
        "--config-n=x",
        "--config-d=/etc",
        "--conf=x",
        "--exp=x.pickle",
        "--experimental",
        "-cp=/etc",
        "--shell-completion",
        "--multi",
        "--cf=job",
        "--zzz",
        "-z",
        "--",
        "-cjob",
    ],
)
def test_a_flag_that_opens_a_door_is_refused_and_so_is_one_that_is_not_known(folder, flag):
    with pytest.raises(RecipeError, match="flag '-"):
        running([str(folder / "other.yaml"), flag, "x"], never)


def test_hydra_sees_only_recipes_and_only_those_of_the_folder(folder, capsys):
    (folder / "device").mkdir()
    (folder / "device" / "cuda.yaml").write_text("description: secret")
    assert running([str(folder / "other.yaml"), "device=cuda", "--cfg", "job"], never) == 0
    output = capsys.readouterr().out
    assert "device: cuda" in output
    assert "secret" not in output


@pytest.mark.parametrize("choice", ["../secret", "/etc/passwd", "link", "sub/../../secret", "pipe", "nothing"])
def test_no_choice_of_a_recipe_leads_out_of_the_folder(folder, choice):
    for arguments in ([], ["-m"], ["--cfg", "job"]):
        with pytest.raises(RecipeError):
            sweeping([str(folder / "other.yaml"), f"recipe='{choice}'", *arguments], never)


# ------------------------------------------------------------------------------- what the command line may do


class Recorder:
    """A task that keeps what it was given."""

    def __init__(self, codes: Sequence[int] = ()) -> None:
        self.jobs: list[tuple[Composed, Path]] = []
        self._codes = list(codes)

    def __call__(self, composed: Composed, folder: Path) -> int:
        self.jobs.append((composed, folder))
        return self._codes.pop(0) if self._codes else 0

    def mappings(self) -> list[dict[str, Any]]:
        return [composed.mapping for composed, _ in self.jobs]


@pytest.mark.parametrize("arguments", [[], ["hydra.job.name=x"], ["--run"]])
def test_a_run_is_the_same_with_hydra_and_without(folder, arguments):
    task, overrides = Recorder(), ["seed=5", "+params.q=[1_000, .inf]", "params.c=0x1F", "params.d=nan", "~params.e"]
    (folder / "r.yaml").write_text("params: {a: '${seed}', e: 1}\ncases: {big: {seed: 9, dtype: float64}}\ncase: big")
    assert running([*overrides, str(folder / "r.yaml"), *arguments], task) == 0
    mapping = task.mappings()[0]
    assert mapping == compose(folder / "r.yaml", overrides).mapping
    assert mapping["params"] == {"a": 5, "q": ["1_000", float("inf")], "c": 31, "d": "nan"}


def test_each_run_has_a_folder_of_its_own_that_nobody_has_made(folder):
    task = Recorder()
    running([str(folder / "other.yaml"), str(folder / "other.yaml"), "seed=2"], task)
    (_, first), (_, second) = task.jobs
    assert first != second
    assert first.parts[:2] == ("outputs", "other")
    assert not first.exists()


def test_a_multirun_runs_every_combination_and_its_code_is_the_worst(folder):
    task = Recorder([0, 3, 1, 0])
    words = ["-m", str(folder / "other.yaml"), "seed=1,2", "steps.y.op=add,sub", "params.w=1_000"]
    assert sweeping(words, task) == 3
    assert [(mapping["seed"], mapping["steps"]["y"]["op"]) for mapping in task.mappings()] == [
        (1, "add"), (1, "sub"), (2, "add"), (2, "sub"),
    ]  # fmt: skip
    assert {mapping["params"]["w"] for mapping in task.mappings()} == {"1_000"}
    assert [folder.name for _, folder in task.jobs] == ["0", "1", "2", "3"]


def test_a_multirun_takes_several_recipes_and_globs(folder):
    task = Recorder()
    (folder / "pipe.yaml").unlink()
    words = [str(folder / "other.yaml"), str(folder / "sub" / "other.yaml"), "seed=3,4", "--multirun"]
    assert sweeping(words, task) == 0
    assert [composed.folder.name for composed, _ in task.jobs] == ["recipes", "recipes", "sub", "sub"]
    assert sweeping([str(folder / "other.yaml"), "-m", "recipe=glob(o*)"], task) == 0
    assert len(task.jobs) == 5


def test_a_person_may_set_what_is_hydras_on_the_command_line(folder):
    task = Recorder()
    assert running([str(folder / "other.yaml"), "hydra.run.dir=mine"], task) == 0
    assert task.jobs[0][1] == Path("mine").resolve()
    assert sorted(entry.name for entry in Path("mine").iterdir()) == [".hydra"]
    assert sorted(entry.name for entry in Path("mine/.hydra").iterdir()) == [
        "config.yaml",
        "hydra.yaml",
        "overrides.yaml",
    ]


def test_a_folder_that_holds_something_is_refused(folder):
    Path("mine").mkdir()
    Path("mine/result.json").write_text("{}")
    for text in ("hydra.run.dir=mine", "hydra.run.dir='mine${seed}'"):
        Path("mine1").mkdir(exist_ok=True)
        Path("mine1/x").write_text("")
        with pytest.raises(RecipeError, match="holds something already; name one that is new or empty"):
            running([str(folder / "other.yaml"), text], never)


def test_interrupting_a_run_gives_130(folder):
    def interrupted(composed: Composed, folder: Path) -> int:
        raise KeyboardInterrupt

    for arguments in ([], ["hydra.job.name=x"], ["-m", "seed=1,2"]):
        words = [str(folder / "other.yaml"), *arguments]
        assert _guarded(lambda words: sweeping(words, interrupted), words) == 130


def test_an_exception_of_a_task_comes_out_as_it_is_and_prints_nothing(folder, capfd):
    def broken(composed: Composed, folder: Path) -> int:
        raise ZeroDivisionError

    for arguments in ([], ["hydra.job.name=x"], ["-m", "seed=1,2"]):
        with pytest.raises(ZeroDivisionError):
            sweeping([str(folder / "other.yaml"), *arguments], broken)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "command line: no recipe is named; give the path of a .yaml file"),
        (["R", "--cfg", "jobs"], "flag '--cfg': 'jobs' is not job or hydra or all"),
        (["R", "-c"], "flag '--cfg': it needs job or hydra or all"),
        (["R", "-m", "--cfg", "job"], "only one of --multirun, --run, --cfg, --info and --hydra-help can be given"),
        (["R", "--resolve"], "command line: --resolve goes with --cfg only"),
        (["R", "hydra.job.name=a,b"], "override 'hydra.job.name=a,b': it gives several values"),
        (["R", "recipe=a,b", "--cfg", "job"], "override 'recipe=a,b': it gives several values"),
        (["R", "-m", "seed=nothing(1)", "hydra/sweeper=basic"], "override 'seed=nothing(1)': it does not parse"),
        (["R", "hydra.nothing=3"], "Hydra refuses it: Could not override 'hydra.nothing'."),
        (["R", "hydra/launcher=nothing"], "Hydra refuses it: "),
        (["R", "hydra.run.dir=["], "override 'hydra.run.dir=[': it does not parse"),
        (["R", "seed=1,2", "hydra.job.name=x"], "override 'seed=1,2': it gives several values"),
        (["R", "-m", "sede=1,2"], "override 'sede=1,2': 'sede' is not a key of a recipe; did you mean 'seed'?"),
        (["R", "hydra.job.name=x", "~params.q"], "override '~params.q': 'params.q' is not there and cannot be deleted"),
        (["R", "-m", "hydra/launcher=nothing"], "Hydra refuses it: "),
        (["R", "-m", "hydra/sweeper=basic", "hydra/launcher=basic"], "'basic' cannot run what 'basic' chooses"),
        (["nothing.yaml", "-m"], "nothing.yaml: there is no such file"),
        (["R", "nothing.yaml"], "nothing.yaml: there is no such file"),
        (["R", "hydra.run.dir=recipes/other.yaml/x"], "Hydra cannot write here"),
    ],
)
def test_a_wrong_command_line_is_refused_in_our_words(folder, capfd, words, message):
    (folder.parent / "a b.yaml").write_text("seed: 1")
    with pytest.raises(RecipeError) as caught:
        sweeping([word.replace("R", str(folder / "other.yaml"), word == "R") for word in words], never)
    assert message in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_another_apps_configs_of_the_same_name_are_put_back(folder):
    store = ConfigStore.instance()
    store.store("mine", {"seed": 7}, "recipe")
    try:
        for arguments in (["-m", "seed=1,2"], ["--cfg", "job"], ["hydra.job.name=x"]):
            assert sweeping([str(folder / "other.yaml"), *arguments], Recorder()) == 0
            assert store.load("recipe/mine.yaml").node == {"seed": 7}
        assert store.list("recipe") == ["mine.yaml"]
        assert "tensorflow_free.yaml" not in store.repo
    finally:
        del store.repo["recipe"]


@pytest.mark.parametrize("run", [CellsSweeper().sweep, lambda words: WorkersLauncher().launch([words], 0)])
def test_our_sweeper_and_launcher_serve_no_other_app(run):
    with pytest.raises(CompactHydraException, match="serve `run-recipe -m` only"):
        run(["seed=1"])


def test_hydra_leaves_the_process_as_it_was(folder):
    import logging
    import sys

    root = logging.getLogger()
    before = sys.argv[:], dict(os.environ), Path.cwd(), root.level, list(root.handlers)
    for arguments in (["-m", "seed=1,2"], ["--info", "plugins"], ["hydra.verbose=true"]):
        sweeping([str(folder / "other.yaml"), *arguments], Recorder())
    assert (sys.argv[:], dict(os.environ), Path.cwd(), root.level, list(root.handlers)) == before
