"""`capture` of graphs: those that torch.fx traces, that `torch.export` gives, and that Dynamo hands to a backend."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from torch import fx, nn

from tensorflow_free import CaptureOptions, RecipeError, capture
from tensorflow_free.tracing.captured_recipe import captured
from tensorflow_free.tracing.graph_names import attribute_path
from tensorflow_free.tracing.model_file import ModelFile
from tests.captured import models
from tests.captured.models import MODELS

OF_DYNAMO = (models.gpt2_block, models.autocast_region, models.checkpointed)
OF_EXPORT = (models.gpt2_block, models.decoder_layer)
NOT_OF_DYNAMO = (models.custom_function,)
"""Refused: Dynamo's graph has no name for the function."""
NOT_EXPORTED = (models.packed_sequence, models.nested, models.scaled_by_item, models.cached_attention)
"""What torch.export itself refuses, such as an object of a class that it does not know as an argument."""


def tiers(sample, refused):
    """All models: those of the sample in every run of the tests, the others in the full tier."""
    kinds = [make for make in MODELS if make not in refused]
    return [pytest.param(make, id=make.__name__, marks=() if make in sample else pytest.mark.full) for make in kinds]


def graphs_of_dynamo(model, args, kwargs, level="public"):
    """A capture of each graph that Dynamo makes of a model."""
    found = []

    def backend(graph, inputs):
        found.append(capture(graph, *inputs, options=CaptureOptions(level=level)))
        return graph

    torch._dynamo.reset()
    try:
        torch.compile(model, backend=backend)(*args, **kwargs)
    finally:
        torch._dynamo.reset()
    return found


class Calling(nn.Module):
    """A function as the module that `torch.export` asks for."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args, **kwargs):
        return self.function(*args, **kwargs)


def exported(make):
    model, args, *kwargs = make()
    module = model if isinstance(model, nn.Module) else Calling(model)
    return torch.export.export(module, args, *kwargs)


def steps_of(found):
    return yaml.safe_load(found.text)["steps"]


def eagerly(make):
    return captured(ModelFile(Path(models.__file__), make.__name__, make).made(), CaptureOptions())


@pytest.mark.parametrize("make", tiers(OF_DYNAMO, NOT_OF_DYNAMO))
def test_the_graphs_that_dynamo_hands_to_a_backend_become_recipes(make, full):
    model, args, *kwargs = make()
    for level in ("public", "aten") if full else ("public",):
        found = graphs_of_dynamo(model, args, *kwargs or [{}], level)
        assert all(one.proof.holds for one in found), [one.proof.words() for one in found]


@pytest.mark.parametrize("make", tiers(OF_EXPORT, NOT_EXPORTED))
def test_what_torch_export_gives_becomes_a_recipe(make, full):
    program = exported(make)
    for level in ("public", "aten") if full else ("public",):
        found = capture(program, options=CaptureOptions(level=level))
        assert found.proof.holds, found.proof.words()


@pytest.mark.parametrize("make", [models.gpt2_block, models.autocast_region, models.checkpointed])
def test_a_graph_of_dynamos_has_the_names_and_the_lines_of_the_model(make):
    model, args = make()
    [found] = graphs_of_dynamo(model, args, {})
    expected = eagerly(make)
    assert steps_of(found) == steps_of(expected)
    assert set(found.made.starts) == set(expected.made.starts)
    assert {call.source.file for call in found.made.steps.values()} == {models.__file__}


def test_an_exported_program_has_the_names_of_the_model_and_the_ops_of_aten():
    found = capture(exported(models.gpt2_block))
    assert list(found.made.steps)[:3] == ["ln_1", "attn_c_attn", "attn_split"]
    assert steps_of(found)["attn_c_attn"] == "aten.linear.default(ln_1, attn_c_attn_weight, attn_c_attn_bias)"
    assert found.proof.holds


def test_a_graph_of_symbolic_trace_and_one_of_make_fx_are_captured():
    from torch.fx.experimental.proxy_tensor import make_fx

    model, x = nn.Sequential(nn.Linear(4, 3), nn.ReLU()), torch.ones(2, 4)
    assert steps_of(capture(fx.symbolic_trace(model), x))["m0"] == "F.linear(input, m0_weight, m0_bias)"
    assert capture(make_fx(model)(x), x).proof.words() == "3 steps; output and 2 of 2 gradients equal, bit for bit"


def test_sizes_that_dynamo_left_open_are_numbers():
    found = []
    torch._dynamo.reset()

    def backend(graph, inputs):
        found.append(capture(graph, *inputs))
        return graph

    torch.compile(lambda x: x.view(-1).repeat(x.shape[0]).sin(), backend=backend, dynamic=True)(torch.rand(3, 2))
    torch._dynamo.reset()
    assert found[0].proof.holds
    assert steps_of(found[0])["repeat"] == "view.repeat(3)"


def test_a_function_of_autograds_in_a_graph_of_dynamos_is_refused_with_its_line():
    model, args = models.custom_function()
    with pytest.raises(
        Exception, match=r"models.py:\d+: the graph has the calls of a torch.autograd.Function"
    ) as error:
        graphs_of_dynamo(model, args, {})
    assert "capture the model itself, whose functions become ops" in str(error.value)


def test_a_graph_is_not_captured_on_tensors_without_numbers():
    with pytest.raises(RecipeError, match="'input' has a shape and no numbers; give real tensors"):
        capture(fx.symbolic_trace(nn.Linear(4, 3)), torch.ones(2, 4, device="meta"))


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("L['self']._modules['fc']._parameters['weight']", "fc.weight"),
        ("L['self']._modules['layers']._modules['0'].cos", "layers.0.cos"),
        ("L['x']", "x"),
        ("L['batch'].ids", "batch.ids"),
        ("G['TABLE']", "TABLE"),
        ("layers.0.attn", "layers.0.attn"),
    ],
)
def test_what_dynamo_calls_a_value_is_read_as_a_path_of_attributes(source, path):
    assert attribute_path(source) == path
