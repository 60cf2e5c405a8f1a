"""A device that is lost in a run: what is told, where, and what it costs. Each test has a device of its own to lose."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tensorflow_free import cli, load_recipe, read_result, run_recipe
from tensorflow_free.errors import StepError
from tensorflow_free.judging import repeats
from tensorflow_free.loading import plan_of
from tensorflow_free.located import elsewhere, located_run
from tensorflow_free.relations import changed_runs
from tensorflow_free.relations.judged_run import run_judged
from tensorflow_free.run import lost_devices
from tensorflow_free.runner import run
from tests.processes import LIMIT

ASSERT = "LOOM error: device-side assert triggered"
AGAIN = "found by running it again with a synchronisation after each step"
RECIPE = """
tensors: {x: {init: randn, size: [3], requires_grad: true}, k: {init: tensor, data: 2.0, device: cpu}}
steps: {g: x * 2, h: {op: erf, args: [g]}, s: h.exp(), y: s.sum()}
backward: y
expect: {k: {value: 2.0}, g: {shape: [3]}}
"""

G = (torch.randn(3, generator=torch.Generator().manual_seed(0)) * 2).tolist()

pytestmark = pytest.mark.timeout(10 * LIMIT)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


def typed(*words):
    return cli._guarded(cli.run_recipe_main, words)


def ran(device, *overrides, source="a.yaml", exact=False):
    """The result of a run in this process, and its error."""
    plan = replace(plan_of(load_recipe(source, [f"device={device}", *overrides])), exact=exact)
    result, _ = run_judged(plan)
    return result, result.error


def test_a_loss_that_shows_late_gives_a_result_in_which_what_can_be_read_is_there(monkeypatch, here):
    monkeypatch.setenv("LOOM_LOST", "erf")
    result, error = ran("loom:2")
    assert (error.code, error.device, error.step, error.showed) == ("device lost", "loom:2", "s", "behind it")
    assert error.message.startswith(f"the device loom:2 was lost at or before step 's' (steps.s): {ASSERT}\n")
    assert result["k"] == 2.0
    assert {one.path: one.outcome for one in result.expectations} == {"expect.k": "holds", "expect.g": "not judged"}
    result.save(here / "kept")
    kept = json.loads(Path("kept/result.json").read_text(encoding="utf-8"))
    told = {one["name"]: (one.get("unstored"), one["device"]) for one in kept["values"]}
    assert told["g"] == ("lost with the device loom:2", "loom:2")
    assert told["k"] == (None, "cpu")
    assert read_result("kept").records["g"].unstored == "lost with the device loom:2"


def test_where_each_call_is_waited_for_the_step_is_known_also_that_of_a_node_of_backward(monkeypatch):
    monkeypatch.setenv("LOOM_LOST", "erf")
    _, error = ran("loom:3", exact=True)
    assert error.message.startswith(f"the device loom:3 was lost at step 'h' (steps.h): {ASSERT}; {AGAIN}\n")
    # the backward of erf is made of exp, pow and products
    monkeypatch.setenv("LOOM_LOST", "pow")
    _, error = ran("loom:4", exact=True)
    assert (error.step, error.backward_of) == ("backward", "h")
    assert f"the device loom:4 was lost at the backward of step 'h': {ASSERT}" in error.message


@pytest.mark.parametrize(
    ("device", "op", "recipe", "step"),
    [
        (
            "loom:5",
            "fill_",
            {"tensors": {"x": {"init": "ones", "size": [3], "stride": [2]}}, "steps": {"y": "x + 0"}},
            "x",
        ),
        ("loom:6", "exp", {"tensors": {"x": [1.0]}, "steps": {"y": "x + 0"}, "checks": {"c": "y.exp()"}}, "c"),
    ],
)
def test_it_is_told_wherever_it_shows(monkeypatch, device, op, recipe, step):
    monkeypatch.setenv("LOOM_LOST", op)
    result, error = ran(device, source=recipe)
    assert (error.code, error.step) == ("device lost", step)
    assert all(one.unstored for one in result.records.values())


def test_a_run_by_hand_names_the_step_by_a_second_process_and_later_runs_have_one_of_their_own(monkeypatch, capsys):
    monkeypatch.setenv("LOOM_LOST", "erf")
    assert typed("a.yaml", "device=loom:7", "hydra.run.dir=kept") == 3
    said = capsys.readouterr()
    assert (
        f"a.yaml:3:19: steps.h: 'erf' failed: the device loom:7 was lost at step 'h' (steps.h): {ASSERT}; {AGAIN}"
        in said.out
    )
    assert said.err == "recipe explain device lost tells what to do\n"
    kept = read_result("kept")
    assert (kept.error.step, kept.error.file, list(kept)) == ("h", "a.yaml", ["x", "k", "g", "x.grad"])
    assert kept["g"].tolist() == G
    monkeypatch.delenv("LOOM_LOST")
    result = run_recipe(load_recipe("a.yaml", ["device=loom:7"]))
    assert result["g"].tolist() == G
    assert result.records["g"].device == "loom:7"


def test_without_another_process_there_is_a_result_and_it_says_why(monkeypatch):
    def refuse(*_, **__):
        raise elsewhere.NotElsewhere("this machine starts no more processes")

    monkeypatch.setattr(located_run, "run_elsewhere", refuse)
    recipe = load_recipe("a.yaml", ["device=loom:7"])
    with pytest.raises(
        StepError, match=r"was lost before this run, .* could not be run in another process: .*no more processes"
    ):
        run_recipe(recipe)


def test_a_sweep_replaces_the_worker_and_the_cells_behind_are_good_and_the_step_of_an_abort_is_told(
    monkeypatch, capsys
):
    monkeypatch.setenv("LOOM_LOST", "erf")
    settings = ["hydra.launcher.n_jobs=1", "hydra.sweep.dir=s"]
    monkeypatch.setenv("LOOM_ABORT", "tanh")
    assert typed("-m", "a.yaml", "steps.h.op=erf,sin,tanh", "device=loom:1", *settings) == 3
    rows = [json.loads(line) for line in Path("s/cells.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["outcome"] for row in rows] == ["failed", "ok", "crashed"]
    assert rows[2]["reason"].startswith("SIGABRT: it aborted itself while running the cell, at 'h' (tanh)")
    assert (rows[0]["causes"][0]["step"], rows[0]["exit_code"]) == ("h", 3)
    assert f"the device loom:1 was lost at step 'h' (steps.h): {ASSERT}; {AGAIN}" in capsys.readouterr().out
    kept = read_result("s/0")
    assert (kept.error.showed, kept.records["g"].device, kept["g"].tolist()) == ("run again", "loom:1", G)


def test_a_device_that_has_no_room_is_not_lost_and_one_that_was_never_had_neither(monkeypatch):
    x = torch.ones(900, device="loom:0")
    monkeypatch.setenv("LOOM_MEMORY", "4000")
    monkeypatch.setenv("LOOM_MEMORY_WORDS", "XQ12: no tile left")
    assert lost_devices.lost_among(["loom:0"], [x]) == {}
    result, _ = run(
        plan_of(load_recipe({"device": "loom:0", "tensors": {"x": 1.0}, "steps": {"y": "torch.zeros(900)"}}))
    )
    assert result.error.code == "step failed"


def test_a_loss_in_a_run_of_a_relation_is_no_relation_that_is_not_judged(monkeypatch):
    def losing(*args, **kwargs):
        monkeypatch.setenv("LOOM_LOST", "erf")
        return run(*args, **kwargs)

    monkeypatch.setattr(changed_runs, "run", losing)
    result, error = ran("loom:1", "+relations={permutation: {x: 0}}")
    assert (error.code, error.device) == ("device lost", "loom:1")
    assert error.message.endswith("it was lost when `relations` were judged, in a run on other tensors")
    assert {one.path: one.outcome for one in result.expectations}["relations.permutation"] == "not judged"
    assert result.records["g"].unstored


def test_a_loss_in_a_second_run_on_the_same_numbers_is_what_is_told(monkeypatch):
    def losing(result):
        monkeypatch.setenv("LOOM_LOST", "erf")
        return result

    monkeypatch.setattr(repeats, "in_memory_of_its_own", losing)
    result, error = ran("loom:0", "repeats=3")
    assert (error.code, error.step) == ("device lost", "s")
    assert {one.path: one.outcome for one in result.expectations}["repeats"] == "not judged"
