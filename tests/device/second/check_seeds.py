"""Seeds and random streams on the second device: exactly the device that is used is seeded, and put back."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.tensors import devices, streams

DRAWING = "tensors: {x: [1.0, 2.0, 3.0, 4.0]}\nsteps:\n  y: x.bernoulli(0.5)\n  z: F.dropout(x, 0.5)\n"


def states():
    return [torch.default_generator.get_state(), *(torch.loom.get_rng_state(index) for index in range(2))]


def stand_still(before):
    return all(map(torch.equal, before, states()))


def text(tmp_path, words):
    (tmp_path / "recipe.yaml").write_text(words, encoding="utf-8")
    return tmp_path / "recipe.yaml"


@pytest.mark.parametrize("current", [0, 1])
@pytest.mark.parametrize("device", ["loom", "loom:0", "loom:1"])
def test_the_device_that_is_used_draws_from_the_seed_and_stands_where_it_stood(tmp_path, device, current):
    recipe = load_recipe(text(tmp_path, DRAWING), [f"device={device}", "seed=7"])
    torch.loom.manual_seed_all(99)
    before = states()
    with torch.loom.device(current):
        result = run_recipe(recipe)
        assert stand_still(before)
        generator = torch.Generator(device).manual_seed(7)
        x = torch.tensor([1.0, 2.0, 3.0, 4.0], device=device)
        assert result["y"].equal(torch.bernoulli(x, 0.5, generator=generator).cpu())


def test_a_run_gives_the_same_numbers_again_whatever_was_drawn_between(tmp_path):
    recipe = load_recipe(text(tmp_path, DRAWING), ["device=loom:1"])
    first = run_recipe(recipe)
    torch.rand(5, device="loom:1")
    again = run_recipe(recipe)
    assert all(first[name].equal(again[name]) for name in ("y", "z"))


@pytest.mark.parametrize(
    "words",
    [
        "tensors: {x: {data: [1.0, 2.0, 3.0, 4.0], device: loom:1}}\nsteps: {y: x.bernoulli(0.5)}\n",
        "tensors: {x: [1.0, 2.0, 3.0, 4.0]}\nsteps:\n  h: x.to('loom:1')\n  y: h.bernoulli(0.5)\n",
        "steps: {y: {op: bernoulli, args: [{tensor: [0.5, 0.5]}]}, z: 'torch.rand([4], device=\"loom:1\")'}\n",
    ],
)
def test_a_device_that_only_a_tensor_or_a_step_names_is_seeded_too(tmp_path, words):
    recipe = load_recipe(text(tmp_path, words))
    torch.loom.manual_seed_all(1)
    first = run_recipe(recipe)
    torch.loom.manual_seed_all(2)
    before = states()
    again = run_recipe(recipe)
    assert stand_still(before)
    assert all(first[name].equal(again[name]) for name in recipe.steps)


def test_a_step_with_a_seed_of_its_own_draws_from_it_alone_on_its_device(tmp_path):
    words = DRAWING + "  w: {op: bernoulli, args: [x, 0.5], seed: 3}\n  v: x.bernoulli(0.5)\n"
    result = run_recipe(load_recipe(text(tmp_path, words), ["device=loom:1", "seed=7"]))
    without = run_recipe(load_recipe(text(tmp_path, DRAWING + "  v: x.bernoulli(0.5)\n"), ["device=loom:1", "seed=7"]))
    own = torch.Generator("loom:1").manual_seed(3)
    x = torch.tensor([1.0, 2.0, 3.0, 4.0], device="loom:1")
    assert result["w"].equal(torch.bernoulli(x, 0.5, generator=own).cpu())
    assert result["v"].equal(without["v"])


def test_a_failing_step_leaves_the_streams_as_they_were(tmp_path):
    failing = DRAWING + "  bad: {op: mm, args: [y, y]}\n"
    recipe = load_recipe(text(tmp_path, failing), ["device=loom:1"])
    before = states()
    with pytest.raises(Exception, match="mm"):
        run_recipe(recipe)
    assert stand_still(before)


def test_where_no_generator_can_be_made_all_devices_are_seeded_and_the_others_put_back(monkeypatch):
    def none(**_):
        raise RuntimeError("Backend doesn`t support getNewGenerator()")

    wanted = torch.rand(3, device="loom:1", generator=torch.Generator("loom:1").manual_seed(4))
    before = states()
    monkeypatch.setattr(torch, "Generator", none)
    with streams.own_stream("loom:1", 4):
        assert torch.equal(torch.loom.get_rng_state(0), before[1])
        assert torch.rand(3, device="loom:1").cpu().equal(wanted.cpu())
    assert stand_still(before)


def test_a_kind_with_one_device_whose_functions_take_none_is_seeded_as_well(monkeypatch):
    original = torch.loom.get_rng_state, torch.loom.set_rng_state
    monkeypatch.setattr(torch.loom, "get_rng_state", lambda: original[0]("loom:0"))
    monkeypatch.setattr(torch.loom, "set_rng_state", lambda state: original[1](state, "loom:0"))
    before = original[0]("loom:0")
    with streams.own_stream("loom", 4):
        drawn = torch.rand(3, device="loom:0")
    assert drawn.cpu().equal(torch.rand(3, device="loom", generator=torch.Generator("loom").manual_seed(4)).cpu())
    assert original[0]("loom:0").equal(before)


def test_exactly_the_device_that_is_used_is_waited_for(monkeypatch):
    before = [torch.loom.synchronized(index) for index in range(2)]
    devices.synchronize("loom:1")
    assert [torch.loom.synchronized(index) for index in range(2)] == [before[0], before[1] + 1]
    waited = []
    monkeypatch.setattr(torch.loom, "synchronize", lambda: waited.append("the one"))
    devices.synchronize("loom:1")
    assert waited == ["the one"]
