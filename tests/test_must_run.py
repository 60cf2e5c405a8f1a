"""`must_run`: an op that a cell may not lack a kernel for, in a run, a sweep, against a golden."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import RecipeError, load_recipe, register_op
from tensorflow_free.cell.fate import fate_of
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.cli import recipe_main, run_recipe_main
from tensorflow_free.golden.verifying import verify
from tensorflow_free.loading import plan_of
from tensorflow_free.runner import run
from tensorflow_free.sweep import pool
from tests.here import Here

RECIPE = """\
tensors: {x: {data: [[1.0, 2.0], [0.0, 4.0]], requires_grad: true}}
steps:
  h: x * 2
  y: torch.linalg.inv(h)
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes the recipe with one more line."""
    monkeypatch.chdir(tmp_path)

    def write(more=""):
        (tmp_path / "r.yaml").write_text(f"{RECIPE}{more}\n")
        return "r.yaml"

    return write


def fate(path, *overrides):
    return fate_of(run(plan_of(load_recipe(path, overrides)))[0])


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ("", "unsupported"),
        ("must_run: ['*']", "unsupported"),
        ("must_run: [torch.linalg.inv]", "failed"),
        ("must_run: [linalg.inv]", "failed"),
        ("must_run: ['*', y]", "failed"),
        ("must_run: all", "failed"),
        ("must_run: ['*']\nbackend: aot_eager", "failed"),
    ],
)
def test_a_cell_without_a_kernel_for_what_must_run_failed(written, more, outcome):
    found = fate(written(more), "dtype=float16")
    assert (found.outcome, found.exit_code) == (outcome, 3)
    assert fate(written(more)).outcome == "ok"


def test_the_reason_says_what_must_run(written, capsys):
    path = written("must_run: [linalg.inv]")
    assert run_recipe_main([path, "dtype=float16", "--no-save"]) == 3
    said = "'linalg.inv' must run in every cell (must_run), and is unsupported in this one"
    assert capsys.readouterr().out.rstrip().endswith(said)
    assert fate(path, "dtype=float16").reason.endswith(said)


def no_half(x: torch.Tensor) -> torch.Tensor:
    return NoHalf.apply(x)


class NoHalf(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, gradient):
        if gradient.dtype == torch.float16:
            raise RuntimeError("\"no_half_backward\" not implemented for 'Half'")
        return gradient * 2


def test_a_backward_pass_without_a_kernel_may_lack_that_of_any_op_that_must_run():
    register_op("must_run.no_half", no_half, replace=True)
    recipe = {
        "tensors": {"x": {"data": [1.0], "requires_grad": True}},
        "backward": "y",
        "must_run": ["must_run.no_half"],
    }
    found = fate({**recipe, "steps": {"y": "must_run.no_half(x)"}}, "dtype=float16")
    assert found.outcome == "failed"
    assert "the backward pass is unsupported" in found.reason


def test_another_op_in_its_place_may_be_the_reference():
    recipe = {"tensors": {"x": [1.0]}, "steps": {"y": {"op": "exp", "args": ["x"]}}, "must_run": ["exp"]}
    loaded = load_recipe({**recipe, "reference": {"steps.y.op": "exp2"}})
    assert (
        yardstick_of({**recipe, "reference": {"steps.y.op": "exp2"}}, [], loaded, KeptRuns()).reference["y"].item() == 2
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("[exq]", "'exq' is neither an op nor a step of this recipe; did you mean 'exp'?"),
        ("[exp, softmax]", "must_run.1: 'softmax' is neither an op nor a step of this recipe; it has exp, y"),
        ("3", "'3' does not fit `must_run`, which is all, or a list of ops and steps of the recipe"),
    ],
)
def test_an_entry_that_names_nothing_is_refused(value, message):
    with pytest.raises(RecipeError) as found:
        load_recipe({"tensors": {"x": [1.0]}, "steps": {"y": "x.exp()"}}, [f"must_run={value}"])
    assert message in str(found.value)


def test_it_makes_no_golden_stale_and_its_cells_fail(written):
    path = written()
    assert recipe_main(["record", path, "-q"]) == 0
    written("must_run: [linalg.inv]")
    assert [one.outcome for one in verify(path)] == ["ok"]
    assert [one.outcome for one in verify(path, ["dtype=float16"])] == ["failed"]


def test_a_cell_of_a_sweep_failed_and_the_sweep_with_it(written, capsys, monkeypatch):
    monkeypatch.setattr(pool, "CellWorker", Here)
    words = ["dtype=float32,float16", "hydra.launcher.n_jobs=1", "--no-save"]
    assert run_recipe_main(["-m", written("must_run: [linalg.inv]"), *words]) == 3
    assert "2 cells: 1 ok, 1 failed." in capsys.readouterr().out
