"""`capture` at the level aten, and of calls without a public name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import yaml
from torch import nn

from tensorflow_free import CaptureOptions, RecipeError, load_recipe, register_op, run_recipe
from tensorflow_free.tracing.captured_recipe import captured
from tensorflow_free.tracing.model_file import ModelFile, Subject
from tests.captured import models
from tests.captured.models import MODELS


def at(level, function, *args, **wanted):
    return captured(Subject(function, args, {}), CaptureOptions(level=level, **wanted))


def below(make):
    file = ModelFile(Path(models.__file__), make.__name__, make)
    return captured(file.made(), CaptureOptions(make.__name__, level="aten"))


def lines_of(found):
    return yaml.safe_load(found.text)["steps"]


def is_aten(step):
    return (step if isinstance(step, str) else step["op"]).startswith("aten.")


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_a_model_becomes_a_recipe_of_atens_ops_with_the_same_bits(make):
    found = below(make)
    assert found.proof.holds, found.proof.words()
    assert found.proof.outputs[1] > 0
    assert found.proof.gradients[1] > 0
    assert not [name for name, call in found.made.steps.items() if call.state.autocast]


def test_steps_are_named_after_modules_and_aten():
    steps = lines_of(below(models.gpt2_block))
    assert steps["ln_1"] == "aten.native_layer_norm.default(x, [16], ln_1_weight, ln_1_bias, 1e-05)"
    assert steps["attn_c_attn"] == "aten.view.default(attn_c_attn_addmm, [2, 5, 48])"
    assert all(map(is_aten, steps.values()))


def test_casts_of_autocast_are_steps_and_no_block_stands_around_them():
    steps = lines_of(below(models.autocast_region))
    assert steps["first_to_copy"] == "aten._to_copy.default(first_bias, dtype=torch.bfloat16)"
    assert [name for name, step in steps.items() if "with" in step] == ["no_grad"]


def test_a_call_that_makes_calls_which_are_no_ops_stays_and_is_told():
    found = below(models.lstm)
    [note] = found.notes
    assert note.endswith(
        "`torch.lstm` stays as it is: it calls 'aten.mkldnn_rnn_layer.default', which is no op of a recipe's"
    )
    assert lines_of(found)["lstm"].startswith("torch.lstm(")


def test_a_call_whose_kernel_would_be_refused_alone_stays_and_is_told():
    q, k = torch.rand(1, 4, 3, 8, requires_grad=True), torch.rand(1, 2, 3, 8)
    found = at("aten", lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True), q, k)
    [note] = found.notes
    assert (
        "stays as it is: 'aten._scaled_dot_product_flash_attention_for_cpu.default' alone would be refused: 'key'"
        in note
    )
    assert found.proof.words() == "1 step; output and 1 of 1 gradients equal, bit for bit"


def test_a_number_that_the_dispatcher_has_for_a_tensor_is_given_to_the_overload_of_numbers():
    found = at("aten", lambda x: 2 - x * 0.1 + (x > 0.5) // 2, torch.rand(3))
    assert [line.partition("(")[0] for line in lines_of(found).values()] == [
        "aten.mul.Scalar", "aten.rsub.Scalar", "aten.gt.Scalar", "aten.floor_divide.Scalar", "aten.add.Tensor",
    ]  # fmt: skip
    assert found.proof.holds


def test_sizes_become_parameters_below_the_public_level_too():
    file = ModelFile(Path(models.__file__), "gpt2_block", models.gpt2_block)
    found = captured(file.made(), CaptureOptions(level="aten", init=True), file)
    larger = run_recipe(
        load_recipe(yaml.safe_load(found.text), ["params.batch=3", "params.seq=4", "params.batch_seq=12"])
    )
    assert larger["add_2"].shape == (3, 4, 16)


def in_eval(module):
    def run(*args):
        with torch.no_grad():
            return module.eval()(*args)

    return run


def foreach(x):
    moved = torch._foreach_mul([x, x + 1], 2.0)
    torch._foreach_add_(moved, 1.0)
    return moved[0] * moved[1]


ATTENTION = nn.MultiheadAttention(8, 2, batch_first=True)
X = torch.linspace(-1, 1, 48).view(2, 3, 8)


@pytest.mark.parametrize(
    ("function", "op"),
    [
        (in_eval(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)), "aten._transformer_encoder_layer_fwd.default"),
        (lambda x: in_eval(ATTENTION)(x, x, x), "aten._native_multi_head_attention.default"),
        (foreach, "aten._foreach_add_.Scalar"),
        (lambda x: torch._softmax(x, -1, False), "aten._softmax.default"),
        (lambda x: torch._weight_norm(x, x[:, :1, :1], 0), "aten._weight_norm_interface.default(x, "),
        (torch.ops.aten.gelu, "aten.gelu.default"),
        (lambda x: F.softmax(x, -1, _stacklevel=5), "F.softmax(x, dim=-1)"),
    ],
    ids=["encoder layer", "attention", "foreach", "softmax", "weight norm", "packet", "stacklevel"],
)  # fmt: skip
def test_calls_without_a_public_name_are_written_by_their_names_of_aten(function, op):
    torch.manual_seed(0)
    found = at("public", function, X, backward=False)
    assert found.proof.holds, found.proof.words()
    assert op in found.text


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_the_fast_path_of_an_encoder_goes_by_nested_tensors_where_rows_are_masked():
    encoder = in_eval(nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2))
    mask = torch.tensor([[False, False, True], [False, False, False]])
    found = at("public", encoder, X, None, mask)
    assert found.proof.words() == "7 steps; output equal, bit for bit"
    assert "aten._nested_tensor_from_mask.default" in found.text


LIBRARY = torch.library.Library("captured_test", "DEF")
LIBRARY.define("twice(Tensor x) -> Tensor")
LIBRARY.impl("twice", lambda x: 2 * x, "CPU")


@pytest.mark.parametrize("level", ["public", "aten"])
def test_an_op_of_another_library_is_refused_by_its_name_with_the_models_line(level):
    said = (
        r"test_capture_aten.py:\d+: 'captured_test.twice' is not an op of a recipe's; register it in a file that --ops "
        r'names: register_op\("captured_test.twice", torch.ops.captured_test.twice\)'
    )
    with pytest.raises(RecipeError, match=said):
        at(level, lambda x: torch.ops.captured_test.twice(x) + 1, X)


@torch.library.custom_op("captured_test::thrice", mutates_args=())
def thrice(x: torch.Tensor) -> torch.Tensor:
    return 3 * x


thrice.register_autograd(lambda _, grad: 3 * grad)


@pytest.mark.parametrize("level", ["public", "aten"])
def test_an_op_of_another_library_that_is_registered_is_one_step_with_its_gradient(level):
    register_op("captured_test.thrice", torch.ops.captured_test.thrice, replace=True)
    found = at(level, lambda x: thrice(x).sum(), X.clone().requires_grad_())
    assert found.proof.words() == "2 steps; output and 1 of 1 gradients equal, bit for bit"
    assert lines_of(found)["thrice"] == "captured_test.thrice(x)"


def test_a_model_whose_own_backward_fails_is_told_so():
    def spoils(x):
        y = x.exp()
        return y, y.mul_(2), y.detach().zero_()

    with pytest.raises(
        RecipeError, match=r"its own backward fails: one of the variables needed.*; --no-backward captures"
    ):
        at("public", spoils, X.clone().requires_grad_())
