"""Errors of a device that show behind the call that raised them, without a device: where they are told, and what stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tensorflow_free import load_recipe, register_op
from tensorflow_free.loading import plan_of
from tensorflow_free.relations.judged_run import run_judged
from tensorflow_free.run import late_errors, lost_devices, waiting
from tensorflow_free.runner import run
from tensorflow_free.tensors import streams

RECIPE = {
    "tensors": {"x": {"init": "tensor", "data": [1.0, 2.0], "requires_grad": True}},
    "steps": {"r": {"repeat": 2, "steps": {"h": "x * 2", "g": "h.exp()"}}, "s": "x.sin()", "y": "(g * s).sum()"},
    "backward": "y",
    "checks": {"c": "y + 1"},
}
SAID = "XQ17: the array has stopped; kernel 9"


@pytest.fixture(autouse=True)
def waited(monkeypatch):
    """A device that is nowhere is waited for in vain; where `at` is set, it tells an error that time, from 0."""

    class Waited:
        times, at = 0, -1

        def __call__(self, word):
            self.times += 1
            if self.times == self.at + 1:
                raise RuntimeError(SAID)

    fake = Waited()
    monkeypatch.setattr(late_errors, "synchronize", fake)
    monkeypatch.setattr(waiting, "touch", fake)
    monkeypatch.setattr(lost_devices, "touch", lambda word: torch.ones(1).to("cpu" if word == "mps" else word))
    return fake


@pytest.fixture
def plan():
    """A plan of a device that is nowhere."""
    return planned(RECIPE)


def planned(recipe):
    return replace(plan_of(load_recipe(recipe)), devices=("mps",))


@pytest.mark.parametrize(
    ("number", "step", "made"),
    [(0, "x", 1), (1, "y", 6), (2, "backward", 12), (3, "c", 13), (4, "c", 13), (5, "c", 13)],
)
def test_an_error_is_told_at_the_last_call_of_its_part_and_values_that_can_be_read_stay(
    plan, waited, number, step, made
):
    waited.at = number
    result, cause = run(plan)
    assert (result.error.step, result.error.code, result.error.showed) == (step, "step failed", "behind it")
    assert f"an error of a device showed at or behind {'step ' if step == 'y' else ''}'{step}'" in result.error.message
    assert str(cause) == SAID
    assert sum(one.value is not None for one in result.records.values()) == made, list(result.records)


@pytest.mark.parametrize(
    ("number", "step", "backward_of"), [(3, "g", ""), (4, "h", ""), (11, "backward", "y"), (13, "backward", "s")]
)
def test_where_each_call_is_waited_for_it_is_told_at_the_call(plan, waited, number, step, backward_of):
    waited.at = number
    result, _ = run(replace(plan, exact=True))
    assert (result.error.step, result.error.backward_of, result.error.showed) == (step, backward_of, "run again")


def test_a_run_that_is_waited_for_gives_the_same_bits(plan):
    plain, exact = run(plan)[0], run(replace(plan, exact=True))[0]
    assert exact.error is None
    assert all(torch.equal(plain[name], exact[name]) for name in plain)


def test_an_error_whose_words_speak_of_late_reports_is_looked_for_again():
    words = "kernel errors might be asynchronously reported at some other API call"
    register_op("t_late", lambda x: exec(f"raise RuntimeError('{words}')"))
    result, _ = run(planned({"tensors": {"x": 1.0}, "steps": {"s": {"op": "t_late", "args": ["x"]}}}))
    assert (result.error.step, result.error.is_late) == ("s", True)


def test_a_random_state_that_cannot_be_told_stops_the_run_and_one_that_cannot_be_put_back_does_not(plan, monkeypatch):
    def refuse(*_):
        raise RuntimeError(SAID)

    monkeypatch.setattr(streams, "absence", lambda _: None)
    monkeypatch.setattr(streams, "_seeded", lambda *_: None)
    monkeypatch.setattr(torch.mps, "get_rng_state", refuse)
    result, _ = run(plan)
    assert (result.error.step, result.error.message, list(result)) == ("tensors", SAID, [])
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: None)
    states = iter([None])
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda _: next(states, refuse) and refuse())
    assert run(plan)[0].error is None


def test_a_device_that_is_not_here_is_not_lost_and_a_worker_that_was_to_use_it_stays():
    recipe = {"tensors": {"x": 1.0}, "steps": {"s": "x.to('xpu')"}}
    plan = plan_of(load_recipe(recipe))
    result, _ = run(replace(plan, devices=("xpu", "cuda")))
    assert (result.error.step, result.error.device, result.error.is_late) == ("s", "", False)
    assert lost_devices.broken_devices() == []


def test_an_error_that_a_device_tells_once_and_at_a_later_step_is_told_at_its_own(monkeypatch):
    armed = []

    def tell():
        if armed:
            armed.clear()
            raise RuntimeError(SAID)

    monkeypatch.setattr(waiting, "touch", lambda _: tell())
    monkeypatch.setattr(late_errors, "absence", lambda _: None)
    register_op("late.arms")(lambda x: armed.append(1) or x * 2)
    register_op("late.tells")(lambda x: tell() or x + 1)
    steps = {"h": {"op": "late.arms", "args": ["x"]}, "s": "x.sin()", "y": {"op": "late.tells", "args": ["s"]}}
    result, _ = run_judged(planned({"tensors": {"x": [1.0]}, "steps": steps}))
    assert (result.error.step, result.error.showed, list(result)) == ("h", "run again", ["x"])
