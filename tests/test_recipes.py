"""Every recipe of the project, in each of its cases, runs and gives what it expects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tensorflow_free import Result, load_recipe, run_recipe

RECIPES = Path(__file__).parent.parent / "recipes"
FILES = sorted(RECIPES.rglob("*.yaml"))
TOP_LEVEL = {
    *("description", "tags", "source", "defaults", "device", "dtype", "seed", "backend", "settings", "params", "cases"),
    *("tensors", "steps", "backward", "checks", "expect", "tolerance", "record", "input_precision", "reference"),
    "xfail",
}
"""The keys of a recipe file, by the format's page, but `case`, which stands on the command line."""


def written(file: Path) -> dict[str, Any]:
    """What stands in a file, as another YAML reader has it."""
    mapping: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return mapping


def cases(file: Path) -> list[str]:
    """The names of a file's cases, those of the recipes that it lists included."""
    mapping = written(file)
    listed = [case for stem in mapping.get("defaults", []) for case in cases(file.with_name(f"{stem}.yaml"))]
    return list(dict.fromkeys([*listed, *mapping.get("cases", {})]))


def runs() -> Iterator[Any]:
    """Each file with the overrides of each of its cases, or with none where it has no cases."""
    for file in FILES:
        name = file.relative_to(RECIPES).with_suffix("").as_posix()
        for overrides in [[f"case={case}"] for case in cases(file)] or [[]]:
            yield pytest.param(file, overrides, id=" ".join([name, *overrides]))


RUNS = list(runs())


def assert_holds(result: Result) -> None:
    """Something was expected of the result, and all of it holds."""
    assert any(verdict.outcome != "not judged" for verdict in result.expectations)
    assert [verdict for verdict in result.expectations if not verdict.is_well] == []
    assert result.is_well


def test_all_recipes_are_seen() -> None:
    assert len(FILES) >= 45
    assert len(list((RECIPES / "basics").glob("*.yaml"))) >= 15
    assert len(RUNS) > len(FILES)


@pytest.mark.parametrize(("file", "overrides"), RUNS)
def test_recipe_gives_what_it_expects(file: Path, overrides: list[str]) -> None:
    assert_holds(run_recipe(load_recipe(file, overrides)))


@pytest.mark.parametrize(("file", "overrides"), RUNS)
def test_recipe_gives_it_in_float64_too(file: Path, overrides: list[str]) -> None:
    assert_holds(run_recipe(load_recipe(file, [*overrides, "dtype=float64"])))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
@pytest.mark.parametrize(("file", "overrides"), RUNS)
def test_recipe_gives_it_on_cuda_too(file: Path, overrides: list[str]) -> None:
    assert_holds(run_recipe(load_recipe(file, [*overrides, "device=cuda"])))


def test_a_wrong_expectation_is_seen() -> None:
    result = run_recipe(load_recipe(RECIPES / "linear_autograd.yaml", ["expect.y=6.0"]))
    with pytest.raises(AssertionError):
        assert_holds(result)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_recipe_says_what_it_shows(file: Path) -> None:
    mapping = written(file)
    assert len(mapping["description"]) > 20
    assert any(mapping.get(key) for key in ("expect", "relations", "defaults", "cases"))


def test_each_key_of_the_format_is_shown_by_some_recipe() -> None:
    shown = {key for file in FILES for key in written(file)}
    assert shown >= TOP_LEVEL


def test_linear_autograd_gives_what_plain_torch_gives() -> None:
    x, w, b = torch.tensor(1.0), torch.tensor(2.0, requires_grad=True), torch.tensor(3.0)
    y = torch.add(torch.mul(w, x), b)
    (slope,) = torch.autograd.grad(y, w)
    result = run_recipe(load_recipe(RECIPES / "linear_autograd.yaml"))
    assert torch.equal(result["y"], y)
    assert torch.equal(result["w.grad"], slope)


def test_random_numbers_are_those_of_a_seeded_torch() -> None:
    torch.manual_seed(0)
    even, bell = torch.rand(2, 3), torch.randn(2, 3)
    result = run_recipe(load_recipe(RECIPES / "basics" / "random_numbers.yaml"))
    assert torch.equal(result["even"], even)
    assert torch.equal(result["bell"], bell)
    assert torch.equal(result["more_even"], torch.rand_like(bell))
    assert torch.equal(result["more_bell"], torch.randn_like(even))


def test_micrograd_gives_what_plain_torch_gives() -> None:
    a, b = torch.tensor(-4.0, requires_grad=True), torch.tensor(2.0, requires_grad=True)
    slopes = torch.autograd.grad(micrograd(a, b), (a, b))
    result = run_recipe(load_recipe(RECIPES / "micrograd.yaml"))
    assert torch.equal(result["a.grad"], slopes[0])
    assert torch.equal(result["b.grad"], slopes[1])


def micrograd(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The example as micrograd's README has it. Source: https://github.com/karpathy/micrograd."""
    c = a + b
    d = a * b + b**3
    c = c + (c + 1)
    c = c + (1 + c + (-a))
    d = d + (d * 2 + (b + a).relu())
    d = d + (3 * d + (b - a).relu())
    f = (c - d) ** 2
    return f / 2.0 + 10.0 / f


def test_adam_gives_what_the_optimiser_of_torch_gives() -> None:
    w = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    scale = torch.tensor([1.0, 10.0, 0.1], dtype=torch.float64)
    adam = torch.optim.Adam([w], lr=0.1)
    for _ in range(3):
        (w.grad,) = torch.autograd.grad((scale * w**2).sum(), w)
        adam.step()
    result = run_recipe(load_recipe(RECIPES / "adam.yaml", ["dtype=float64"]))
    torch.testing.assert_close(result["w.after"], w.detach(), rtol=1e-12, atol=1e-12)


def test_linear_regression_gives_what_the_same_loop_of_torch_gives() -> None:
    x, t = torch.arange(-2.0, 3.0), torch.arange(-5.0, 8.0, 3.0)
    w, b = torch.tensor(0.0, requires_grad=True), torch.tensor(0.0, requires_grad=True)
    for _ in range(100):
        slopes = torch.autograd.grad(((w * x + b - t) ** 2).mean(), [w, b])
        with torch.no_grad():
            w.sub_(slopes[0], alpha=0.1)
            b.sub_(slopes[1], alpha=0.1)
    result = run_recipe(load_recipe(RECIPES / "linear_regression.yaml"))
    assert torch.equal(result["w.after"], w.detach())
    assert torch.equal(result["b.after"], b.detach())
