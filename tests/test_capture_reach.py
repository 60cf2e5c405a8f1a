"""What a captured callable may reach, hold and change: found wherever it lies, and put back."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from tensorflow_free import RecipeError, capture

TABLE = torch.arange(3.0)


def proven(function, *args, **kwargs):
    found = capture(function, *args, **kwargs)
    assert found.proof.holds, found.proof.words()
    return found


def helper(x):
    return x + TABLE


class Bag:
    """A class of a user's that holds tensors."""

    shift = torch.tensor([1.0, -1.0, 2.0])

    def __init__(self):
        self.layer, self.seen = nn.Linear(3, 3), []

    def __call__(self, x):
        self.seen.append(x)
        return self.layer(x) * len(self.seen) + self.shift


def test_tensors_are_found_in_partials_objects_lists_and_what_functions_call():
    layers = [nn.Linear(3, 3), nn.Linear(3, 3)]
    scale = torch.tensor([2.0, 3.0, 4.0])
    assert list(proven(lambda x: layers[1](helper(layers[0](x))), torch.ones(2, 3)).made.starts) == [
        "x", "layers_0_weight", "layers_0_bias", "TABLE", "layers_1_weight", "layers_1_bias",
    ]  # fmt: skip
    assert list(proven(partial(lambda scale, x: x * scale, scale), torch.ones(3)).made.starts) == ["x", "scale"]
    assert list(proven(Bag(), torch.ones(2, 3)).made.starts) == ["x", "layer_weight", "layer_bias", "shift"]


def test_what_hooks_read_is_found():
    layer, steering = nn.Linear(3, 3), torch.ones(3)
    layer.register_forward_hook(lambda _, __, output: output + steering)
    assert "steering" in proven(layer, torch.ones(2, 3)).made.starts


class Keeps(nn.Module):
    """Sets a buffer and an attribute to other tensors, as averages and states do."""

    def __init__(self):
        super().__init__()
        self.register_buffer("average", torch.ones(3))
        self.state, self.cache = None, []

    def forward(self, x):
        self.average = 0.9 * self.average + 0.1 * x
        self.state = x if self.state is None else self.state + x
        self.cache.append(x)
        return self.average * self.state * len(self.cache)


def test_what_a_run_puts_into_a_module_is_put_back():
    keeps = Keeps()
    average = keeps.average
    proven(keeps, torch.ones(3))
    assert keeps.average is average
    assert (keeps.state, keeps.cache) == (None, [])


def test_a_cache_that_is_an_input_is_put_back():
    cache = {"keys": [torch.ones(1, 3)]}

    def attend(x, cache):
        cache["keys"].append(x)
        return x @ torch.cat(cache["keys"]).T

    assert list(proven(attend, torch.ones(2, 3), cache).made.starts) == ["cache_keys_0", "x"]
    assert len(cache["keys"]) == 1


def test_inputs_may_be_objects():
    class Batch:
        def __init__(self, x):
            self.x = x

    assert list(proven(lambda batch: batch.x * 2, Batch(torch.ones(3))).made.starts) == ["batch_x"]


def test_what_is_compiled_is_captured_as_it_runs_eagerly():
    layer = nn.Linear(3, 3)
    found = proven(torch.compile(nn.Sequential(layer, nn.GELU())), torch.ones(2, 3))
    assert [call.name for call in found.made.steps.values()] == [
        "torch.nn.functional.linear",
        "torch.nn.functional.gelu",
    ]


def test_pythons_and_numpys_random_numbers_come_as_they_came_and_are_put_back():
    before = random.getstate(), np.random.get_state()[2]  # noqa: NPY002 - the stream that models draw from
    proven(lambda x: x * random.random() + float(np.random.rand()), torch.ones(3))  # noqa: NPY002 - as above
    assert (random.getstate(), np.random.get_state()[2]) == before  # noqa: NPY002 - as above


def test_a_lazy_module_that_never_ran_is_refused():
    with pytest.raises(RecipeError, match=r"'weight' is of a lazy module that never ran; call the module once"):
        capture(nn.LazyLinear(3), torch.ones(2, 4))
