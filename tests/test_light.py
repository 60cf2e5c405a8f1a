"""What only asks, answers at once: neither torch nor Hydra nor pydantic is loaded for it."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tensorflow_free import sweep_recipe
from tests.processes import succeeded

ROOT = Path(__file__).parent.parent
RECIPE = "recipes/linear_autograd.yaml"
GRADIENTS = "recipes/affine.yaml"
"""A recipe whose backward passes begin with gradients that it gives."""
HEAVY = (
    "torch",
    "pandas",
    "matplotlib",
    "IPython",
    "hydra",
    "omegaconf",
    "pydantic",
    "numpy",
    "yaml",
    "rich",
    "safetensors",
    "sympy",
    "torch._dynamo",
)


def loaded_by(code):
    """Which heavy modules a fresh Python has loaded after running `code`."""
    listed = f"import sys\n{code}\nprint(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    done = succeeded(sys.executable, "-c", listed, cwd=ROOT)
    return set(done.stderr.splitlines()[-1].split())


def command(name, *words):
    """The lines that run one of the commands inside `loaded_by`."""
    return f"from tensorflow_free import cli\ntry:\n    sys.argv = {['x', *words]}\n    cli.{name}()\nexcept SystemExit: pass"


def modules_that_say(claim):
    """The modules of the package that have these words in their docstrings."""
    texts = {file: file.read_text(encoding="utf-8") for file in (ROOT / "tensorflow_free").rglob("*.py")}
    said = [file for file, text in texts.items() if claim in (ast.get_docstring(ast.parse(text)) or "")]
    return [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in said]


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_by("import tensorflow_free; tensorflow_free.__version__, tensorflow_free.RecipeError") == set()


@pytest.mark.parametrize("name", ["run_recipe_command", "recipe_command"])
@pytest.mark.parametrize("words", [["--help"], ["-h"], ["--version"], []])
def test_help_and_version_load_nothing_heavy(name, words):
    assert loaded_by(command(name, *words)) == set()


def test_the_flags_load_no_table_of_errors_and_look_for_no_plugins():
    seen = "print(*[name for name in ('tensorflow_free.run.no_kernel_words', 'importlib.metadata') if name in sys.modules])"
    done = succeeded(sys.executable, "-c", f"import sys\nimport tensorflow_free.commands.run_flags\n{seen}", cwd=ROOT)
    assert not done.stdout.split()


@pytest.mark.parametrize(
    "words",
    [
        [RECIPE, "--no-such-flag"],
        [RECIPE, "dtpye=float64"],
        [RECIPE, "steps.y.op"],
        ["nowhere.yaml"],
    ],
)
def test_a_mistake_on_the_command_line_is_told_without_torch_and_hydra(words):
    assert loaded_by(command("run_recipe_command", *words)) & {"torch", "omegaconf"} == set()


def test_listing_recipes_loads_neither_torch_nor_hydra():
    assert loaded_by(command("recipe_command", "list", "recipes")) & {"torch", "hydra", "omegaconf"} == set()


def test_reading_for_form_loads_neither_torch_nor_hydra():
    code = f"from tensorflow_free.loading import read_form; read_form('{RECIPE}')"
    assert loaded_by(code) & {"torch", "hydra", "omegaconf"} == set()


def test_the_table_of_a_sweep_loads_no_torch(tmp_path):
    sweep_recipe(str(ROOT / RECIPE), ["dtype=float32,float64"], folder=tmp_path / "sweep").create()
    assert (
        loaded_by(command("recipe_command", "table", str(tmp_path / "sweep"))) & {"torch", "hydra", "omegaconf"}
        == set()
    )


@pytest.mark.parametrize("words", [[RECIPE], [GRADIENTS, "expect.lengths=2.0"]])
def test_a_plain_run_loads_no_hydra_and_for_a_gradient_or_what_does_not_hold_no_sympy(words):
    run = command("run_recipe_command", *words, "--no-save", "--quiet")
    assert loaded_by(run) & {"hydra", "omegaconf", "sympy", "torch._dynamo"} == set()


JUDGED = """
from tensorflow_free.sweep.trial import Trial
from tensorflow_free.sweep.cells import Cell
print(Trial(None).row(Cell(0, "recipes/random_steps.yaml")).outcome)
"""


def test_a_judged_cell_that_draws_in_its_steps_loads_no_compiler():
    assert loaded_by(JUDGED) & {"hydra", "omegaconf", "sympy", "torch._dynamo"} == set()


def test_plain_overrides_are_read_without_hydra():
    texts = ["dtype=float64", "steps.y.op=sub", "~expect.y", "+params.n=3", "++seed=1"]
    code = f"from tensorflow_free.composition.override_texts import parse_overrides; parse_overrides({texts})"
    assert loaded_by(code) & {"torch", "hydra", "omegaconf"} == set()


@pytest.mark.parametrize(
    ("claim", "not_loaded", "least"),
    [("Does not import torch", {"torch"}, 25), ("Standard library only", set(HEAVY), 6)],
)
def test_a_module_loads_no_more_than_its_first_lines_say(claim, not_loaded, least):
    modules = modules_that_say(claim)
    assert len(modules) >= least
    assert loaded_by(f"import {', '.join(modules)}") & not_loaded == set()


def test_these_tests_can_fail():
    assert loaded_by("import tensorflow_free; tensorflow_free.load_recipe") >= {"pydantic"}
    assert loaded_by(command("run_recipe_command", RECIPE, "--cfg", "job")) >= {"hydra", "omegaconf"}
    assert loaded_by(command("run_recipe_command", RECIPE, "--no-save", "--quiet")) >= {"torch"}
