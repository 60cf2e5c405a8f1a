"""A parameter that is given on the command line and that nothing reads is told, and one that is read never is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorflow_free import cli
from tensorflow_free.composition.compose import compose
from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.sweep import pool
from tensorflow_free.sweep.preparation import sweep_recipe
from tests.here import Here

ROOT = Path(__file__).parent.parent
RECIPE = "params: {n: 3, m: 1}\ntensors: {x: {init: ones, size: ['${params.n}']}}\nsteps: {y: x * 2}\n"
READ = {
    "a step in one line": "steps: {y: 'x * ${params.m}'}",
    "an argument": "steps: {y: {op: mul, args: [x, '${params.m}']}}",
    "a step in a block": "steps: {b: {repeat: 2, steps: {y: {op: mul, args: [x, '${params.m}']}}}}",
    "all parameters at once": "expect: {y: {equal: '${params}'}}",
    "an expectation": "expect: {y: {value: 2.0, rtol: '${params.m}'}}",
    "when": "expect: {y: {value: 2.0, when: {params.m: 2}}}",
    "a nested when": "expect: {y: {value: 2.0, when: {params: {m: 2}}}}",
    "a list of them": "xfail: [{when: {params: {m: 2}}, reason: why}]",
    "a known fault": "xfail: [{when: {params.m: [1, 2]}, reason: why}]",
    "another parameter": "params: {k: '${params.m}'}",
    "a case that is not taken": "cases: {big: {steps: {y: 'x * ${params.m}'}}}",
    "a dotted key of a case": "cases: {big: {steps.y: 'x * ${params.m}'}}",
    "the reference": "reference: {steps.y: 'x * ${params.m}'}",
    "a parameter of the reference": "reference: {params: {m: 4}}",
    "the seed": "seed: ${params.m}",
    "a setting": "settings: {num_threads: '${params.m}'}",
    "words": "description: it varies with params.m",
}


def written(text):
    recipe = read_yaml(RECIPE, "r.yaml")
    for key, value in read_yaml(text, "r.yaml").items():
        recipe[key] = {**recipe[key], **value} if key in ("params", "tensors") else value
    return recipe


@pytest.mark.parametrize("where", READ)
def test_what_reads_a_parameter_is_seen(where):
    assert compose(written("{}"), ["params.m=2"]).unread() == ["params.m"]
    assert compose(written(READ[where]), ["params.m=2"]).unread() == []


def test_an_override_reads_as_a_file_does():
    assert compose(written("{}"), ["params.m=2", 'steps.y="x * ${params.m}"']).unread() == []
    assert compose(written(READ["a step in one line"]), ["params.m=2", "steps.y=x * 3"]).unread() == ["params.m"]


@pytest.mark.parametrize(
    "text",
    [
        "cases: {big: {params: {m: 3}}, small: {params: {m: 4}}}",
        "tensors: {m: 1.0}",
        "params: {mm: 1}\nsteps: {y: 'x * ${params.mm}'}",
        "steps: {m: x * 2}",
    ],
)
def test_other_things_of_its_name_do_not_read_it(text):
    assert compose(written(text), ["params.m=2"]).unread() == ["params.m"]


def test_only_what_is_given_is_told():
    assert compose(written("{}"), ["params.n=2"]).unread() == []
    assert compose(written("{}"), []).unread() == []
    assert compose(written("{}"), ["~params.m"]).unread() == []
    assert compose(written("{}"), ["+params.trial=1", "params.m=2"]).unread() == ["params.trial", "params.m"]


def test_a_part_of_a_parameter_reads_it():
    recipe = written("steps: {y: 'x * ${params.m.a}'}")
    assert compose(recipe, ["params.m={a: 1}"]).unread() == []
    assert compose(recipe, ["params.m={a: 1, b: 2}", "params.m.b=1"]).unread() == []


FILES = [path for path in sorted((ROOT / "recipes").rglob("*.yaml")) if "params:" in path.read_text("utf-8")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_parameter_of_a_recipe_here_is_read(path):
    params = compose(path).mapping.get("params") or {}
    assert compose(path, [f"params.{name}={value}" for name, value in params.items()]).unread() == []


# as it is typed


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "CellWorker", Here)
    monkeypatch.setattr(pool, "cores", lambda: 1)
    Path("r.yaml").write_text(RECIPE, "utf-8")
    Path("other.yaml").write_text(RECIPE.replace("x * 2", "'x * ${params.m}'"), "utf-8")

    def type_in(*words):
        code = cli._guarded(cli.run_recipe_main, words)
        return code, *capsys.readouterr()

    return type_in


def test_a_run_tells_below_it_what_nothing_reads(typed):
    code, out, err = typed("r.yaml", "params.m=2", "params.n=4", "--no-save")
    assert (code, err) == (0, "nothing in the recipe reads 'params.m'\n")
    assert "reads" not in out
    assert typed("r.yaml", "params.m=2", "--no-save", "-q") == (0, "", "")
    assert typed("r.yaml", "params.n=4", "--no-save")[2] == ""


def test_a_sweep_tells_which_recipes_do_not_read_it(typed):
    code, _, err = typed("-m", "r.yaml", "other.yaml", "params.m=1,2", "params.n=1,2", "hydra.sweep.dir=s")
    assert (code, err) == (0, "nothing in r.yaml reads 'params.m'\n")
    assert sweep_recipe("r.yaml", ["params.m=5"]).notes == ["nothing in r.yaml reads 'params.m'"]


def test_a_parameter_that_one_cell_of_a_sweep_reads_is_read(typed):
    sweep = sweep_recipe("r.yaml", ["params.m=1,2", 'steps.y="x * 2","x * ${params.m}"'])
    assert sweep.notes == []
