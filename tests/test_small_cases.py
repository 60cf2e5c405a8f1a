"""Small recipes that once went wrong, each as it was told, and what is right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tensorflow_free import cli, run_recipe
from tensorflow_free.cell.stored_comparison import compare_stored
from tensorflow_free.files.opening import read_file
from tensorflow_free.judging.options import Judging
from tensorflow_free.loading import load_recipe
from tensorflow_free.text.characters import printable_lines

CASES = Path(__file__).parent / "cases"

RIGHT = [
    ("after_rows", "", 0, "steps.c: 'add_' stopped as expected"),
    ("memory_csr params.off=72337222 params.n=400000", "", 2, "'copy_' changes 'c' in place, which holds the indices"),
    ("memory_segment_reduce", "", 3, "'segment_reduce' failed: 'unsafe' is True; it can be False"),
    ("look_alike_names", "", 2, "tensors.\ufb01: '\ufb01' (U+FB01) can be written in a second way"),
    ("terminal_escapes", "", 1, r"[red]x[/red] \x1b[2J\x1b]0;pwn\x07 \u202e rtl \u200b \x9b31m"),
    (
        "nested_crash",
        "",
        3,
        "NestedTensor layer_norm requires weight and bias\n    nt: float32 nested [[2, 4], [3, 4]] cpu",
    ),
    ("dtype_step_crash", "", 2, "dtype_step_crash.yaml:3:3: steps.y: 'torch.float32' is a dtype and not an operation"),
    ("minus_inf_one_line", "y", 0, ["-inf", 0.75]),
    ("where_message", "y", 0, ["inf", 0.75]),
    ("several_references case=shifted", "", 0, "ok  h  close to want"),
    ("several_references case=same", "", 1, "it is nan at [0, 0], and 2 is expected"),
    ("no_case_hint", "", 2, "steps.reseed.op: 'manual_seed' is not an op; the key `seed` seeds a recipe"),
    ("is_none_message", "", 2, "`is` asks whether two names are one object of Python's"),
    ("manual_seed", "", 0, "ok  b  equal to a"),
    ("reference_one_line", "c", 0, None),
    ("sdpa_compare", "", 0, "4 of 4 expectations hold"),
]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize(("typed", "name", "code", "right"), RIGHT, ids=[one[0] for one in RIGHT])
def test_a_small_recipe_that_went_wrong_comes_out_right(typed, name, code, right, tmp_path, capfd):
    stem, *words = typed.split()
    found = cli._guarded(
        cli.run_recipe_main, [str(CASES / f"{stem}.yaml"), *words, f"hydra.run.dir={tmp_path / 'run'}"]
    )
    out, err = capfd.readouterr()
    assert (found, out + err) == (code, printable_lines(out + err))
    if name:
        values = json.loads((tmp_path / "run/result.json").read_text())["values"]
        assert right in (None, next(one["value"] for one in values if one["name"] == name))
    else:
        assert right in out + err


def test_after_a_step_that_never_ran_there_is_no_value():
    assert not [name for name in run_recipe(load_recipe(CASES / "after_rows.yaml")) if name.endswith(".after")]


def test_of_a_reference_in_one_line_its_step_alone_is_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert (
        cli._guarded(cli.run_recipe_main, ["-m", str(CASES / "reference_one_line.yaml"), "hydra.launcher.n_jobs=1"])
        == 0
    )
    assert "1 cell: 1 ok." in capsys.readouterr().out
    (sweep,) = tmp_path.glob("multirun/*")
    names = {one["name"] for one in json.loads(read_file(sweep / "0/comparison.json"))["values"]}
    assert {"c", "h", "loss", "x.grad"} <= names
    assert not names & {"c_1", "c_2"}


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_two_runs_of_attention_are_compared_in_all_gradients(scale):
    words = [[f"dtype={dtype}"] for dtype in ("float32", "bfloat16")]
    mine, its = (run_recipe(load_recipe(CASES / "sdpa_compare.yaml", one)) for one in words)
    mine["q.grad"].mul_(scale)
    found = compare_stored(mine, its, Judging())
    outcomes = {one.name: one.outcome for one in found.values}
    assert len(outcomes) >= 86
    assert {name for name, outcome in outcomes.items() if outcome != "ok"} == ({"q.grad"} if scale > 1 else set())
