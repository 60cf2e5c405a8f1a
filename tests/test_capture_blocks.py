"""`with capturing()`: code that exists, captured where it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import nn

from tensorflow_free import CaptureOptions, RecipeError, capture, capturing, load_recipe, run_recipe
from tests.captured import models


def steps_of(found):
    return yaml.safe_load(found.text)["steps"]


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return nn.Linear(4, 3)


def test_what_a_block_does_becomes_a_recipe_with_its_values_and_gradients(tmp_path, layer):
    x, y = torch.randn(2, 4), torch.randn(2, 3)
    with capturing() as seen:
        hidden = layer(x)
        loss = F.mse_loss(hidden, y)
    found = seen.recipe(loss)
    assert found.proof.words() == "2 steps; output and 2 of 2 gradients equal, bit for bit"
    assert steps_of(found) == {"layer": "F.linear(x, layer_weight, layer_bias)", "mse_loss": "F.mse_loss(layer, y)"}
    loss.backward()
    result = run_recipe(load_recipe(found.write(tmp_path)[0]))
    assert torch.equal(result["layer_weight.grad"], layer.weight.grad)


@pytest.mark.parametrize("level", ["public", "aten"])
@pytest.mark.parametrize("make", [models.llama_block, models.spectral_norm, models.dropout, models.custom_function])
def test_models_are_captured_in_a_block_as_they_are_by_themselves(make, level):
    model, args = make()
    with capturing(CaptureOptions(level=level)) as seen:
        model(*args)
    proof = seen.recipe().proof
    assert proof.holds, proof.words()
    assert proof.gradients[1] > 0


def test_gradients_end_at_the_block_where_its_starts_were_computed_by_the_same_parameters(layer):
    x = layer(torch.randn(3, 4))
    with capturing() as seen:
        y = (x @ layer.weight).sum()
    assert seen.recipe(y).proof.words() == "2 steps; output and 2 of 2 gradients equal, bit for bit"


@pytest.mark.parametrize("word", ["with capturing()", "def backend("])
def test_the_examples_of_the_page_give_recipes(word, tmp_path, monkeypatch, layer):
    page = (Path(__file__).parent.parent / "docs" / "from-a-model.md").read_text()
    [code] = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if word in block]
    monkeypatch.chdir(tmp_path)
    given = {"model": layer, "x": torch.rand(2, 4), "y": torch.rand(2, 3), "F": F, "torch": torch, "Path": Path}
    exec(code, given | {"capture": capture}, given)
    assert "found" not in given or given["found"].proof.holds
    assert "found" in given or run_recipe(load_recipe("captured.yaml")).error is None


class Trainer:
    def __init__(self, layer):
        self.layer, self.scale = layer, torch.full((3,), 0.5)

    def step(self, batch):
        with capturing() as seen, torch.no_grad():
            out = self.layer(batch["x"]) * self.scale
            out[0] = 0
        return seen.recipe(out)


def test_starting_tensors_have_the_names_that_stand_around_the_block(layer):
    found = Trainer(layer).step({"x": torch.randn(2, 4)})
    assert list(found.made.starts) == ["batch_x", "layer_weight", "layer_bias", "scale"]
    assert list(steps_of(found)) == ["no_grad"]
    assert found.proof.holds


def test_what_a_block_reads_is_as_it_was_when_it_was_first_read():
    x = torch.ones(3)
    with capturing() as seen:
        x.mul_(2)
        y = x + 1
    found = seen.recipe(y)
    assert yaml.safe_load(found.text)["tensors"]["x"] == [1.0, 1.0, 1.0]
    assert found.proof.words() == "2 steps; output and 1 of 1 changed tensors equal, bit for bit"


def test_the_generator_is_as_it_was_behind_the_block():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    with capturing() as seen:
        F.dropout(torch.ones(100), 0.5)
    assert torch.equal(torch.get_rng_state(), before)
    assert seen.recipe().proof.holds


def test_a_recipe_leads_to_what_it_is_asked_for():
    x = torch.ones(3)
    with capturing() as seen:
        y = x + 1
        _ = y * 2, x.exp()
    assert list(steps_of(seen.recipe(y))) == ["add"]
    assert seen.recipe().proof.words() == "3 steps; 2 of 2 outputs equal, bit for bit"


def test_nothing_is_seen_behind_a_block_that_an_error_left(layer):
    x, seen = torch.ones(1, 4), capturing()

    def fails():
        with seen:
            layer(x)
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it is raised here
        fails()
    layer(x).exp()
    assert list(steps_of(seen.recipe())) == ["layer"]


def test_a_cast_that_gives_its_own_operand_is_no_step_and_told():
    model, args = models.llama_block()
    with capturing() as seen:
        model(*args)
    assert "`torch.Tensor.to` gives its own operand here, so it is no step" in seen.recipe().notes[0]


def freed(x):
    with capturing() as seen:
        y = x.exp().sum()
    y.backward()
    seen.recipe(y)


def empty(x):
    with capturing() as seen:
        pass
    seen.recipe()


def from_elsewhere(x):
    with capturing() as seen:
        x.exp()
    seen.recipe(x + 1)


def differentiates(x):
    with capturing():
        x.exp().sum().backward()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (freed, "it cannot be differentiated: Trying to backward .* a second time; ask for the recipe before `backward`"),
        (empty, "no tensor was made in the block; let the code that is to be captured stand in it"),
        (from_elsewhere, "output 0 was not made in the block; name values that its calls gave"),
        (differentiates, r"test_capture_blocks.py:\d+: it runs `Tensor.backward` itself; capture the forward pass alone"),
        (lambda x: capturing(CaptureOptions(init=True)), r"'init' is nothing that a block can have; `capture\(model, …\)`"),
    ],
)  # fmt: skip
def test_what_cannot_be_captured_in_a_block_is_told(code, said):
    with pytest.raises(RecipeError, match=said):
        code(torch.ones(3, requires_grad=True))
