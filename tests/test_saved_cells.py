"""A saved run's reference, run again from the numbers that the run began with."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.cell.blamed_runs import blame_recipe
from tensorflow_free.cell.saved_cells import reference_of_saved
from tensorflow_free.result.reading import read_result

RECIPE = {"tensors": {"x": {"init": "randn", "size": [4]}}, "steps": {"e": "exp(x)", "s": "e.sum()"}}


@pytest.fixture
def saved(tmp_path):
    folder = run_recipe(load_recipe(RECIPE, ["dtype=float16"])).save(tmp_path / "run")
    return folder, read_result(folder)


def test_it_is_float64_of_the_numbers_that_the_run_began_with(saved):
    reference = reference_of_saved(*saved)
    torch.testing.assert_close(reference["e"], saved[1]["x"].double().exp(), rtol=0, atol=0)


def test_it_needs_no_device_that_the_run_had(saved):
    folder = saved[0]
    text = (folder / "recipe.yaml").read_text(encoding="utf-8")
    (folder / "recipe.yaml").write_text(f"{text}\ndevice: xpu\n", encoding="utf-8")
    assert reference_of_saved(*saved)["e"].dtype == torch.float64


def test_a_run_without_numbers_is_held_against_those_that_are_drawn(tmp_path):
    folder = run_recipe(load_recipe(RECIPE, ["device=meta"])).save(tmp_path / "meta")
    reference = reference_of_saved(folder, read_result(folder))
    torch.manual_seed(0)
    torch.testing.assert_close(reference["e"], torch.randn(4).double().exp(), rtol=0, atol=0)


def test_what_is_blamed_tells_what_it_was_compared_with(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("tensors: {x: [1.0, 2.0]}\nsteps: {y: exp(x)}\n", encoding="utf-8")
    reference = blame_recipe(path).reference
    assert torch.equal(reference["y"], torch.tensor([1.0, 2.0]).double().exp())
