"""The second device by its name, which PyTorch does not know without it: as a device, a method, an attribute, in steps."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from tensorflow_free import RecipeError, UnavailableError, load_recipe, run_recipe

LINEAR = "recipes/linear_autograd.yaml"


def gives(steps, *overrides):
    return run_recipe(load_recipe({"tensors": {"x": [1.0, 2.0]}, "steps": steps}, list(overrides)))


@pytest.mark.parametrize("device", ["loom", "loom:0", "loom:1"])
def test_a_recipe_runs_on_it_and_on_each_of_its_devices(device):
    result = run_recipe(load_recipe(LINEAR, [f"device={device}"]))
    assert (result["y"].item(), result["w.grad"].item()) == (5.0, 1.0)


def test_a_number_that_it_has_not_and_a_slip_of_its_name_are_told():
    with pytest.raises(UnavailableError, match="there are 2 loom devices, loom:0 to loom:1"):
        load_recipe(LINEAR, ["device=loom:2"])
    with pytest.raises(RecipeError, match="'looms' is not a device; did you mean 'loom'"):
        load_recipe(LINEAR, ["device=looms"])
    with pytest.raises(UnavailableError, match="'npu' is not available"):
        load_recipe(LINEAR, ["device=npu"])


@pytest.mark.parametrize("told", [{}, {"is_available": lambda: True}, {"device_count": lambda: 1}])
def test_it_is_here_whatever_its_module_tells_and_not_where_that_says_so(monkeypatch, told):
    monkeypatch.setattr(torch, "loom", SimpleNamespace(**told))
    assert run_recipe(load_recipe(LINEAR, ["device=loom"]))["y"].item() == 5.0
    if "device_count" in told:
        with pytest.raises(UnavailableError, match=r"there is 1 loom device, loom:0$"):
            load_recipe(LINEAR, ["device=loom:1"])
    else:
        # nothing tells how many there are: it is tried
        assert run_recipe(load_recipe(LINEAR, ["device=loom:1"]))["y"].item() == 5.0
    monkeypatch.setattr(torch, "loom", SimpleNamespace(is_available=lambda: False))
    with pytest.raises(UnavailableError, match="sees no loom device"):
        load_recipe(LINEAR, ["device=loom"])


def test_auto_is_it():
    assert load_recipe(LINEAR, ["device=auto"]).device == "loom"


def test_its_method_and_its_attribute_are_ops():
    moved = {"op": "loom", "args": ["x", "loom:1"]}
    given = gives({"a": "x.loom()", "b": "a.is_loom", "c": "x.is_loom", "d": moved, "e": "d * x.loom(1)"})
    assert (given["b"], given["c"], given["e"].tolist()) == (True, False, [1.0, 4.0])


def test_what_it_moves_may_share_memory_with_what_is_there_already():
    steps = {"a": "x.loom()", "b": {"op": "add_", "args": ["a", 1.0]}}
    result = gives(steps, "device=loom")
    assert result["x.after"].tolist() == [2.0, 3.0]


def test_a_tensor_and_a_step_on_it_are_there_in_a_run_on_the_cpu():
    result = run_recipe(
        load_recipe(
            {
                "tensors": {"x": {"data": [1.0, 2.0], "device": "loom:1", "requires_grad": True}, "w": [3.0, 4.0]},
                "steps": {"y": "x * w.to('loom:1')", "z": "y.sum()"},
                "backward": "z",
            }
        )
    )
    assert result["x.grad"].tolist() == [3.0, 4.0]
    assert torch.equal(result["y"], torch.tensor([3.0, 8.0]))
