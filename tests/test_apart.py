"""Cases in a worker process of their own: what one that dies costs, and that all else is as in this process."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tensorflow_free import cli
from tensorflow_free.cell.fate import Fate
from tensorflow_free.golden import apart, case_process
from tensorflow_free.golden.apart import CaseWorker, Running
from tensorflow_free.golden.recording import record
from tensorflow_free.golden.refreshing import refresh
from tensorflow_free.golden.verification import Verification
from tensorflow_free.golden.verifying import verify_case
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import StepFailed, WorkerLost
from tensorflow_free.process.kept_output import KeptOutput
from tensorflow_free.registry import load_ops_file
from tensorflow_free.workers.worker import Lost

pytest_plugins = ["pytester"]

OPS = """
import os, sys
import torch
from tensorflow_free import register_op

def off(x: torch.Tensor) -> torch.Tensor:
    print("off runs in", os.getpid())
    return x.exp() * (1.1 if "APART_OFF" in os.environ else 1)

def aborts(x: torch.Tensor) -> torch.Tensor:
    if "APART_ABORTS" in os.environ:
        print("about to abort", file=sys.stderr)
        os.abort()
    return x.exp()

register_op("apart.off", off, replace=True)
register_op("apart.aborts", aborts, replace=True)
"""
RECIPE = "tensors: {x: {init: randn, size: [4], requires_grad: true}}\nsteps: {y: {op: OP, args: [x]}, z: y.sum()}\nbackward: z\n"
NAMES = {"a": "exp", "c": "apart.off", "d": "apart.aborts"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with three recipes and their goldens."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "ops.py").write_text(OPS)
    load_ops_file(folder / "ops.py")
    for name, op in NAMES.items():
        (folder / f"{name}.yaml").write_text(RECIPE.replace("OP", op))
        list(record(folder / f"{name}.yaml"))
    return folder


@pytest.fixture
def recorded(made, tmp_path, monkeypatch):
    """A copy of it, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    shutil.copytree(made, "recipes")
    Path("recipes/ops.py").rename("ops.py")
    Path("pytest.ini").write_text("[pytest]\n")
    monkeypatch.setenv("APART_ABORTS", "1")
    monkeypatch.setenv("APART_OFF", "1")


def test_a_row_says_which_device_is_not_here(recorded, capsys):
    assert cli._guarded(cli.recipe_main, ["verify", "recipes/a.yaml", "device=cpu,npu", "--in-process"]) == 0
    assert "unavailable  recipes/a.yaml  device=npu" in capsys.readouterr().out


def verified(capfd, *words):
    """The exit code of `recipe verify`, its verdicts by the recipe, and what else was printed."""
    capfd.readouterr()
    code = cli._guarded(cli.recipe_main, ["verify", *words, "--ops", "ops.py", "--json"])
    out, err = capfd.readouterr()
    printed, _, document = out.partition("{")
    return code, {Path(one["recipe"]).stem: one for one in json.loads("{" + document)["verifications"]}, printed + err


def test_a_case_that_aborts_costs_itself_and_all_others_are_as_in_this_process(recorded, capfd):
    code, here, _ = verified(capfd, "recipes/a.yaml", "recipes/c.yaml")
    assert (code, [one["outcome"] for one in here.values()]) == (1, ["ok", "mismatch"])
    code, there, printed = verified(capfd, "recipes", "--in-workers")
    lost = there.pop("d")
    assert (code, there) == (3, here)
    said = "SIGABRT: it aborted itself while running the cell, at 'y' (apart.aborts)\n  about to abort"
    assert (lost["outcome"], lost["reason"], lost["cell"]) == ("crashed", said, "float32-cpu")
    assert (lost["golden"], lost["causes"][0]["code"]) == ("recipes/d.golden.json", "worker crashed")
    assert lost["command"] == "recipe verify recipes/d.yaml --in-workers --ops ops.py"
    assert "about to abort" in printed
    pids = {int(line.split()[-1]) for line in printed.splitlines() if line.startswith("off runs")}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_recipes_in_workers_are_tests_as_others_with_the_ops_of_a_conftest(recorded, pytester, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("ops.py").rename("conftest.py")
    found = pytester.runpytest_inprocess(
        *("-p", "no:cacheprovider", "-n0", "--rootdir", tmp_path, "--recipe-in-workers", "--junitxml=junit.xml"),
        *("recipes/a.yaml", "recipes/c.yaml", "recipes/d.yaml"),
    )
    found.assert_outcomes(passed=1, failed=2)
    found.stdout.fnmatch_lines(
        [
            "mismatch: y (apart.off, forward) is the first value out of bounds*",
            "*Captured stdout call*",
            "off runs in*",
            "crashed: SIGABRT: it aborted itself while running the cell, at 'y' (apart.aborts)",
            "*Captured stderr call*",
            "about to abort",
        ]
    )
    assert 'tests="3"' in Path("junit.xml").read_text()


@pytest.mark.parametrize("words", [["recipes/a.yaml"], ["recipes/a.yaml", "dtype=float64"]])
def test_a_case_on_the_cpu_starts_no_process(recorded, capfd, monkeypatch, words):
    monkeypatch.setattr(apart, "Worker", None)
    assert verified(capfd, *words)[0] == 0


class Fallen:
    """A worker that raises instead of answering."""

    def __init__(self, error):
        self.error, self.ended, self.broken = error, False, []

    def ready(self): ...

    def printed(self):
        return "", ""

    def answer(self, question, stage, limit_s):
        raise self.error

    def end(self):
        self.ended = True


def lost(early=None):
    return Lost(WorkerLost(code="worker crashed", ended="SIGABRT: it aborted itself", stage="blaming"), early)


def test_a_worker_that_is_interrupted_ends_and_the_next_case_has_another(recorded, monkeypatch):
    workers = [Fallen(KeyboardInterrupt()), Fallen(lost())]
    monkeypatch.setattr(apart, "Worker", lambda *_, **__: workers[len(begun)])
    begun: list[bool] = []
    with CaseWorker("all") as place:
        with pytest.raises(KeyboardInterrupt):
            verify_case("recipes/a.yaml", "", running=Running(place))
        begun.append(workers[0].ended)
        assert verify_case("recipes/a.yaml", "", running=Running(place)).outcome == "crashed"
    assert (begun, workers[1].ended) == ([True], True)


def test_a_worker_that_is_lost_while_it_blames_loses_no_verdict(recorded, monkeypatch):
    here = verify_case("recipes/c.yaml", "")
    early = json.dumps(here.to_plain(), allow_nan=False).encode()
    monkeypatch.setattr(apart, "Worker", lambda *_, **__: Fallen(lost(early)))
    with CaseWorker("all") as place:
        found = verify_case("recipes/c.yaml", "", running=Running(place))
    assert (found.outcome, found.reason, found.operands) == ("mismatch", here.reason, ("x: float32 [4] cpu",))
    assert found.comparison.values == here.comparison.values
    assert found.comparison.blame.told == ["the culprit was not found: SIGABRT: it aborted itself while blaming"]


def test_what_crosses_to_another_process_is_json_and_comes_back_whole(recorded):
    for overrides in ([], ["dtype=float16"], ["device=npu"], ["expect={y: 3.0}"], ["judge.isolated=true"]):
        found = verify_case("recipes/c.yaml", "", overrides)
        back = Verification.from_plain(json.loads(json.dumps(found.to_plain(), allow_nan=False)), found.overrides)
        assert (back.fate, back.comparison) == (found.fate, found.comparison)
        assert back.to_plain() == found.to_plain()


def test_a_recording_in_a_worker_that_is_lost_is_refused_and_the_golden_is_left_whole(recorded, monkeypatch):
    stood = Path("recipes/a.golden.json").read_bytes()
    monkeypatch.setattr(apart, "Worker", lambda *_, **__: Fallen(lost()))
    with CaseWorker("all") as place:
        (one,) = record("recipes/a.yaml", running=Running(place))
        (other,) = refresh("recipes/a.yaml", running=Running(place))
    assert (one.did, one.reason) == ("refused", "crashed: SIGABRT: it aborted itself while blaming")
    assert (other, Path("recipes/a.golden.json").read_bytes()) == (one, stood)


def test_what_a_worker_is_asked_is_done_as_here(recorded):
    asked = {"path": "recipes/a.yaml", "case": "", "device": None, "starts": None, "overrides": [], "k": None}
    for act in ("record", "refresh"):
        assert case_process.ACTS[act](asked, Running())["did"] == "unchanged"
    for act in ("verify", "judge"):
        assert case_process.ACTS[act](asked, Running()) == verify_case("recipes/a.yaml", "").to_plain()
        assert case_process.ACTS[act](asked, Running(exact=True)) is None


def test_a_worker_that_has_lost_a_device_answers_and_is_replaced(recorded, monkeypatch):
    class Late(Fallen):
        def answer(self, question, stage, limit_s):
            self.broken = ["loom:1"]
            asked.append(question.get("exact", False))
            if question.get("exact"):
                raise lost()
            return json.dumps(late.to_plain()).encode()

    asked: list[bool] = []
    error = StepFailed(
        code="device lost", step="z", op="sum", type="E", message="gone", operands=[], showed="behind it"
    )
    late = replace(verify_case("recipes/a.yaml", ""), fate=Fate(Outcome.FAILED, [error]))
    workers = [Late(None), Late(None)]
    monkeypatch.setattr(apart, "Worker", lambda *_, **__: workers[len(asked)])
    with CaseWorker("all") as place:
        found = verify_case("recipes/a.yaml", "", running=Running(place))
    assert (asked, [one.ended for one in workers]) == ([False, True], [True, True])
    assert [one.code for one in found.fate.causes] == ["device lost", "cannot be run again"]


def test_an_op_that_the_worker_cannot_have_has_its_case_run_here(recorded, capfd, monkeypatch):
    class Ignorant(Fallen):
        def answer(self, question, stage, limit_s):
            assert question["ops"] == ["apart.off"]
            return b"null"

    monkeypatch.setattr(apart, "Worker", lambda *_, **__: Ignorant(None))
    with CaseWorker("all") as place:
        assert verify_case("recipes/c.yaml", "", running=Running(place)).outcome == "mismatch"


def test_a_case_that_takes_longer_than_it_may_is_told_with_the_flag_that_ends_it(recorded, capfd, monkeypatch):
    class Slow(Fallen):
        def answer(self, question, stage, limit_s):
            raise Lost(
                WorkerLost(code="worker timed out", ended=f"took longer than {limit_s:g} s", stage="running the cell")
            )

    monkeypatch.setattr(apart, "Worker", lambda *_, **__: Slow(None))
    code, found, _ = verified(capfd, "recipes/a.yaml", "--timeout", "0.5")
    assert (code, found["a"]["outcome"]) == (3, "timed out")
    assert found["a"]["reason"] == "took longer than 0.5 s while running the cell"
    assert found["a"]["command"] == "recipe verify recipes/a.yaml --timeout 0.5 --ops ops.py"


def test_which_cases_run_apart_is_those_on_a_device_all_or_none():
    asked = {takes: [CaseWorker(takes).takes(on) for on in ([], ["loom:1"])] for takes in ("devices", "all", "none")}
    assert asked == {"devices": [False, True], "all": [True, True], "none": [False, False]}


@pytest.mark.parametrize("other", ["--in-workers", "--isolate", "--timeout=3"])
def test_flags_that_contradict_each_other_are_refused(recorded, capfd, other):
    assert cli._guarded(cli.recipe_main, ["verify", "recipes", "--in-process", other]) == 2
    assert "flag '--in-process': with" in capfd.readouterr().err


def test_options_that_contradict_each_other_are_refused(recorded, pytester):
    found = pytester.runpytest_inprocess("--recipe-in-process", "--recipe-isolate", "-n0")
    found.stderr.fnmatch_lines(
        ["*--recipe-in-process: it cannot be given with --recipe-in-workers; give one of the two"]
    )


def test_what_a_child_prints_is_kept_until_it_is_taken():
    kept = KeptOutput()
    os.write(kept.stdout.fileno(), b"one\n")
    assert kept.taken() == ("one\n", "")
    os.write(kept.stdout.fileno(), "zwei µ\n".encode())
    os.write(kept.stderr.fileno(), b"three\nfour")
    assert kept.lines() == ["three", "four"]
    kept.close()
    assert (kept.taken(), kept.taken()) == (("zwei µ\n", "three\nfour"), ("", ""))
