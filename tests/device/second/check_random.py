"""Random steps on the second device, which draws from a stream of its own: right ones are innocent, wrong ones named."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import load_recipe
from tensorflow_free.cell.blamed_runs import blame_recipe
from tensorflow_free.isolation.capturing import captured_run
from tensorflow_free.loading import plan_of
from tensorflow_free.tensors.streams import Streams, kept_streams

CHAIN = """
tensors:
  x: {init: randn, size: [64], requires_grad: true}
steps:
  h: x * 1.5
  dropped: F.dropout(h, 0.5)
  bent: dropped.erf()
  chance: bent.sigmoid()
  coins: chance.detach().bernoulli()
  y: (bent * 2 + coins).sum()
backward: y
"""
ELSEWHERE = CHAIN.replace("requires_grad: true", "requires_grad: true, device: loom:1")

CELLS = pytest.mark.parametrize(("text", "overrides"), [(CHAIN, ["device=loom:1"]), (ELSEWHERE, [])])


def states():
    return [torch.default_generator.get_state(), *(torch.loom.get_rng_state(index) for index in range(2))]


def blamed(tmp_path, text, overrides):
    (tmp_path / "r.yaml").write_text(text, encoding="utf-8")
    before = states()
    found = blame_recipe(tmp_path / "r.yaml", [*overrides, "judge.isolated=true"])
    assert all(map(torch.equal, before, states()))
    return found.comparison


@CELLS
def test_a_right_random_chain_has_no_culprit_and_its_draws_are_not_judged(tmp_path, text, overrides):
    found = blamed(tmp_path, text, overrides)
    assert (found.bad, found.blame.culprits, found.blame.drift) == ([], (), False)
    assert {"dropped", "coins"} == set(found.blame.unjudged)
    assert found.blame.judged > 5


@CELLS
@pytest.mark.parametrize(("fault", "step"), [("erf", "bent"), ("sigmoid", "chance")])
def test_the_wrong_step_between_random_ones_is_named_and_no_other(tmp_path, monkeypatch, text, overrides, fault, step):
    monkeypatch.setenv("LOOM_WRONG", fault)
    found = blamed(tmp_path, text, overrides)
    assert [(one.step, one.direction) for one in found.blame.culprits] == [(step, "forward")]


def test_calls_that_draw_on_a_device_are_known_with_where_its_stream_stood():
    recipe = load_recipe(
        {"tensors": {"x": [1.0] * 8}, "steps": {"h": "x * 2", "y": "F.dropout(h, 0.5)"}}, ["device=loom:1"]
    )
    captured, _ = captured_run(plan_of(recipe))
    stood = {call.site.name: call.stood for call in captured.calls}
    assert stood["h"] is None
    assert stood["y"].devices["loom:1"].equal(torch.Generator("loom:1").manual_seed(0).get_state())


def test_streams_are_put_back_with_those_of_the_devices():
    before, stood = states(), Streams.noted(["loom:0", "loom:1"])
    assert not stood.have_moved()
    with kept_streams(["loom:1"]):
        torch.rand(3, device="loom:1")
        assert stood.have_moved()
    assert all(map(torch.equal, before, states()))
