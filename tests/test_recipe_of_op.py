"""`recipe new --from-op`: what is written for an op runs, differentiates, and expects what it gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tensorflow_free import cli, load_recipe, run_recipe
from tensorflow_free.registry import find, names
from tensorflow_free.support.op_recipe_text import text_of_recipe
from tensorflow_free.support.recipe_of_op import NoRecipe, recipe_of_op

DIFFERENTIABLE = (
    "softmax",
    "F.conv2d",
    "topk",
    "add_",
    "clamp",
    "F.layer_norm",
    "*",
    "where",
    "aten.mul.Tensor",
    "fft.rfft",
)
OTHERS = ("argmax", "zeros", "shape", "logical_not", "randn_like")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def typed(capsys):
    def type_in(*words):
        code = cli._guarded(cli.recipe_main, ("new", *words))
        return code, *capsys.readouterr()

    return type_in


def read_back(name):
    """The recipe of an op, from the text that is written."""
    Path("op.yaml").write_text(text_of_recipe(recipe_of_op(name, find(name))), encoding="utf-8")
    return load_recipe("op.yaml")


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_what_is_written_runs_differentiates_and_holds_in_both_dtypes(name):
    recipe = read_back(name)
    assert recipe.steps["y"].op == name
    for dtype in ("float32", "float64"):
        result = run_recipe(load_recipe("op.yaml", [f"dtype={dtype}"]))
        assert result.is_well
        assert result.expectations
        assert any(one.requires_grad for one in recipe.tensors.values())


def test_a_call_that_leaves_a_parameter_out_before_those_it_gives_has_a_backward_pass():
    # of its samples all give `dropout_p`, and none `attn_mask` before it
    recipe = read_back("nn.functional.scaled_dot_product_attention")
    assert recipe.backward
    result = run_recipe(recipe)
    assert {f"{name}.grad" for name in ("query", "key", "value")} <= set(result)
    assert result.is_well


@pytest.mark.parametrize("name", OTHERS)
def test_an_op_without_a_gradient_has_no_backward_pass(name):
    recipe = read_back(name)
    assert not recipe.backward
    assert run_recipe(recipe).is_well


def test_what_is_expected_is_what_plain_torch_gives(typed):
    assert typed("--from-op", "softmax")[0] == 0
    recipe = load_recipe("softmax.yaml")
    data = torch.tensor(recipe.tensors["x"].data, dtype=torch.float64)
    expected = torch.softmax(data, **recipe.steps["y"].kwargs)
    result = run_recipe(load_recipe("softmax.yaml", ["dtype=float64"]))
    assert torch.allclose(result["y"], expected, rtol=1e-12)
    assert result.is_well


def test_each_parameter_stands_there_with_its_type_and_default(typed):
    typed("mine", "--from-op", "F.layer_norm")
    lines = [line.strip() for line in Path("mine.yaml").read_text(encoding="utf-8").splitlines()]
    assert "eps: 1.0e-05  # float; 1e-05 by default" in lines
    assert any(line.startswith("normalized_shape: ") and line.endswith("# int[]") for line in lines)
    assert any(line.startswith("# x.grad: ") for line in lines)


def test_an_op_that_is_none_is_told_with_the_nearest(typed):
    code, _, err = typed("--from-op", "softmx")
    assert code == 2
    assert "'softmx' is not an op; did you mean 'softmax'?" in err
    assert not list(Path().iterdir())


def test_an_op_of_ones_own_is_begun_from_its_annotations(typed):
    Path("ops.py").write_text(
        "import torch\nfrom tensorflow_free import register_op\n\n\n"
        "def doubled(x: torch.Tensor, factor: float = 2.0) -> torch.Tensor:\n    return x * factor\n\n\n"
        "register_op('begun.doubled', doubled)\n",
        encoding="utf-8",
    )
    assert typed("--from-op", "begun.doubled", "--ops", "ops.py")[0] == 0
    text = Path("doubled.yaml").read_text(encoding="utf-8")
    assert "factor: 2.0  # float; 2.0 by default" in text
    assert run_recipe(load_recipe("doubled.yaml")).is_well


def test_where_no_call_works_that_is_said_and_nothing_is_written(typed):
    code, _, err = typed("--from-op", "indices_copy")
    assert code == 2
    assert "no call of 'indices_copy' was found that runs here" in err
    assert not list(Path().iterdir())


@pytest.mark.full
def test_most_public_ops_can_be_begun():
    every = list(dict.fromkeys(op.name for name in names() if (op := find(name)) is not None))
    begun = []
    for name in every:
        try:
            recipe = read_back(name)
        except NoRecipe:
            continue
        assert run_recipe(recipe).is_well, name
        begun.append(name)
    assert len(begun) >= 0.88 * len(every), sorted(set(every) - set(begun))
