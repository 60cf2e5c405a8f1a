"""Support matrices of the second device: exactly what is wrong with it is in them, and what fails runs again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tensorflow_free import cli

ONES = "sigmoid,erf,asinh,softplus,softmax,tensor_split,exp"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def typed(command, *words):
    return cli._guarded({"run-recipe": cli.run_recipe_main, "recipe": cli.recipe_main}[command], words)


def wrong(*words):
    """The exit code of `recipe matrix` on the device, and all that is not ok: by op and kind, the outcome."""
    code = typed("recipe", "matrix", "--device", "loom:1", "-j", "1", "--out", "m", *words)
    rows = json.loads(Path("m/matrix.json").read_text(encoding="utf-8"))["rows"]
    cells = {(row["name"], kind): cell["outcome"] for row in rows for kind, cell in row["dtypes"]["float32"].items()}
    return code, {at: outcome for at, outcome in cells.items() if outcome != "ok"}


def test_a_matrix_has_exactly_the_faults_of_the_device_and_each_runs_again(monkeypatch, capsys):
    monkeypatch.setenv("LOOM_WRONG", "sigmoid_backward,erf")
    monkeypatch.setenv("LOOM_NO_KERNEL", "asinh,softplus_backward")
    assert wrong("--ops", ONES) == (
        1,
        {
            ("sigmoid", "gradient"): "mismatch",
            ("erf", "value"): "mismatch",
            ("asinh", "value"): "unsupported",
            ("asinh", "gradient"): "unsupported",
            ("nn.functional.softplus", "gradient"): "unsupported",
        },
    )
    assert "run-recipe -m m/sigmoid.float32.yaml device=loom:1" in capsys.readouterr().out
    assert typed("run-recipe", "m/asinh.float32.yaml", "device=loom:1", "--no-save") == 3
    assert typed("run-recipe", "m/nn.functional.softplus.float32.yaml", "device=loom:1", "--no-save") == 3


def test_what_the_cpu_gives_as_badly_is_told_of_a_mismatch(monkeypatch, capsys):
    monkeypatch.setenv("LOOM_WRONG", "erf")
    code, found = wrong("--ops", "erf,polygamma.polygamma_n_0")
    assert (code, set(found.values())) == (1, {"mismatch"})
    rows = json.loads(Path("m/matrix.json").read_text(encoding="utf-8"))["rows"]
    told = {row["name"]: row["dtypes"]["float32"]["value"]["on_cpu"] for row in rows}
    assert told == {"erf": False, "polygamma.polygamma_n_0": True}
    assert capsys.readouterr().out.count("eager PyTorch on the CPU is out of bounds there, too") == 1


@pytest.mark.full
def test_an_op_that_ends_the_process_costs_its_cells_alone(monkeypatch):
    monkeypatch.setenv("LOOM_ABORT", "linalg_cholesky_ex")
    code, found = wrong("--ops", "exp,linalg.cholesky,erf")
    assert code == 3
    assert found == {("linalg.cholesky", "value"): "crashed", ("linalg.cholesky", "gradient"): "crashed"}
