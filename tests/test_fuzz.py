"""Valid recipes, mutated: each ends in a result, in RecipeError or in a step error, and is told, saved and read back."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bounds.guard import build, compiler, environment
from fuzz.trial import recipe_of
from fuzz.workers import Findings, trials
from processes import succeeded

SAMPLE = 400
"""Trials of the usual tier: about ten seconds of one processor."""

FULL = 50_000

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="trials run in forked processes")


def told(findings: Findings) -> str:
    """What was found, each with the command that shows it again."""
    return "\n".join(f"cd tests; python -m fuzz {number}\n{fault}" for number, fault in findings.faults.items())


def hold(findings: Findings) -> None:
    """Nothing but the three ends that are allowed; and enough of what is tried runs, and enough of that fails."""
    assert not findings.faults, told(findings)
    assert findings.shares["ok"] > 0.15
    assert findings.shares["step failed"] > 0.15
    assert findings.shares.get("timed out", 0) < 0.005
    assert findings.shares.get("out of memory", 0) < 0.005
    assert 0.4 < findings.shares["ok"] + findings.shares["step failed"] < 0.8


def test_a_sample_of_mutated_recipes_ends_well() -> None:
    hold(trials(0, SAMPLE))


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_fifty_thousand_mutated_recipes_end_well() -> None:
    hold(trials(SAMPLE, FULL))


def test_a_trial_is_the_same_again() -> None:
    assert str(recipe_of(7)) == str(recipe_of(7))


@pytest.mark.parametrize(("end", "told"), [(os.abort, "SIGABRT"), (lambda: os._exit(3), "exit 3")])
def test_a_process_that_ends_is_told_by_its_number(
    end: Callable[[], None], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fuzz.trial.tried", lambda number: end() if number == 2 else "ok")
    findings = trials(0, 4)
    assert findings.outcomes == {"ok": 3, "fault": 1}
    assert findings.faults == {2: f"ends the process: {told}"}


def test_an_exception_of_ours_is_told_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def tried(number: int) -> str:
        return str(1 / number)

    monkeypatch.setattr("fuzz.trial.tried", tried)
    [fault] = trials(0, 1).faults.values()
    assert fault.endswith("ZeroDivisionError: division by zero\n")


def test_a_step_that_nobody_could_wait_for_is_ended_as_by_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = {"steps": {"x": "expand(ones([]), [2**40])", "y": "var(x)"}}
    monkeypatch.setattr("fuzz.hanging.LONGEST_S", 2.0)
    monkeypatch.setattr("fuzz.trial.recipe_of", lambda number: recipe)
    findings = trials(0, 1)
    assert (findings.outcomes, findings.faults) == ({"timed out": 1}, {})


def test_code_of_ours_that_does_not_end_is_told_with_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: object) -> None:
        while True:
            pass

    monkeypatch.setattr("fuzz.hanging.LONGEST_S", 2.0)
    monkeypatch.setattr("fuzz.trial._told", endless)
    monkeypatch.setattr("fuzz.trial.recipe_of", lambda number: {"steps": {"x": "ones([2])"}})
    [fault] = trials(0, 1).faults.values()
    assert fault.startswith("hangs\n")
    assert " in endless\n" in fault


WRITES_OUTSIDE = """
import ctypes, torch
import fuzz.trial
from fuzz.workers import trials
def tried(number):
    three = torch.zeros(3)
    ctypes.memset(three.data_ptr() + 12, 7, number)
    return "ok"
fuzz.trial.tried = tried
print(trials(0, 2).faults)
"""


@pytest.mark.skipif(compiler() is None, reason="the guard of memory is compiled, and there is no C compiler")
def test_under_the_guard_a_trial_that_writes_outside_its_memory_is_told(tmp_path: Path) -> None:
    guarded = {**environment(build(tmp_path)), "PYTHONPATH": str(Path(__file__).parent)}
    assert "{1: 'Traceback" in (told := succeeded(sys.executable, "-c", WRITES_OUTSIDE, env=guarded).stdout)
    assert "something writes outside its memory" in told
