"""Public reports of PyTorch's compiler as recipes, each fault still there; and recipes that sweeps are shown with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tensorflow_free import Result, load_recipe, run_recipe

RECIPES = Path(__file__).parent.parent / "recipes"
REPORTS = sorted((RECIPES / "reports").glob("*.yaml"))
compiles = pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a C++ compiler")


def written(file: Path) -> dict[str, Any]:
    """What stands in a file, as another YAML reader has it."""
    mapping: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return mapping


def runs() -> Iterator[Any]:
    """Each report with the overrides of each of its cases, or with none where it has no cases."""
    for file in REPORTS:
        for overrides in [[f"case={case}"] for case in written(file).get("cases", {})] or [[]]:
            yield pytest.param(file, overrides, id=" ".join([file.stem, *overrides]))


RUNS = list(runs())


def outcomes(result: Result) -> set[str]:
    """How the expectations came out."""
    return {verdict.outcome for verdict in result.expectations}


def test_all_reports_are_seen() -> None:
    assert len(REPORTS) >= 11
    assert len(RUNS) > len(REPORTS)


@pytest.mark.parametrize("file", REPORTS, ids=lambda file: file.stem)
def test_report_and_its_mark_name_the_issue_that_the_file_is_called_after(file: Path) -> None:
    number = file.stem.rpartition("_")[2]
    mapping = written(file)
    url = f"https://github.com/pytorch/pytorch/issues/{number}"
    assert number.isdigit()
    assert [mapping["source"], *(fault["issue"] for fault in mapping["xfail"])] == [url, url]


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize(("file", "overrides"), RUNS)
def test_report_holds_in_eager_mode(file: Path, overrides: list[str], dtype: str) -> None:
    result = run_recipe(load_recipe(file, [*overrides, f"dtype={dtype}"]))
    assert outcomes(result) <= {"holds", "not judged"}
    assert result.is_well


@compiles
@pytest.mark.parametrize(("file", "overrides"), RUNS)
def test_fault_of_the_report_is_still_there(file: Path, overrides: list[str]) -> None:
    # One that is mended comes out as "fixed", and this fails until the mark is taken away.
    result = run_recipe(load_recipe(file, [*overrides, "backend=inductor"]))
    assert "known fault" in outcomes(result)
    assert "fixed" not in outcomes(result)
    assert result.is_well


@compiles
@pytest.mark.full
@pytest.mark.parametrize(("file", "overrides"), RUNS)
def test_fault_is_seen_without_its_mark_too(file: Path, overrides: list[str]) -> None:
    result = run_recipe(load_recipe(file, [*overrides, "backend=inductor", "xfail=[]"]))
    assert "fails" in outcomes(result)
    assert not result.is_well


@compiles
def test_nan_of_163932_hides_where_every_step_is_recorded() -> None:
    file = RECIPES / "reports" / "softmax_163932.yaml"
    result = run_recipe(load_recipe(file, ["backend=inductor", "record=all"]))
    assert not result["weights"].isnan().any()
    assert "fixed" in outcomes(result)


@compiles
def test_nan_of_163932_is_what_plain_torch_compile_gives() -> None:
    def report(x: torch.Tensor, scale: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        scaled = x.view(-1, 2).sin_().t()[0] * scale
        return scaled, torch.softmax(scaled, 0)

    torch.manual_seed(0)
    x, scale = torch.randn(10, 5), torch.tensor([1e14])
    assert report(x.clone(), scale)[1].sum() == 1.0
    assert torch.compile(report)(x.clone(), scale)[1].isnan().all()


@pytest.mark.parametrize(
    ("dtype", "finite"), [("float64", True), ("float32", True), ("bfloat16", True), ("float16", False)]
)
def test_naive_softmax_overflows_at_exp_in_float16_only(dtype: str, finite: bool) -> None:
    result = run_recipe(load_recipe(RECIPES / "softmax_overflow.yaml", [f"dtype={dtype}"]))
    assert bool(result["exp"].isfinite().all()) is finite
    assert bool(result["weights"].isfinite().all()) is finite
    assert result.is_well


def errors_of_long_sum(count: int) -> tuple[float, float]:
    """How far both sums of a float32 run are from the exact one, relative to it."""
    result = run_recipe(load_recipe(RECIPES / "long_sum.yaml", [f"params.n={count}"]))
    assert result.is_well
    exact = count * float(torch.tensor(0.1))
    return abs(float(result["in_turn"]) / exact - 1), abs(float(result["in_pairs"]) / exact - 1)


def test_error_of_a_long_sum_grows_with_its_length() -> None:
    in_turn, in_pairs = zip(*map(errors_of_long_sum, (10, 1000, 100_000)), strict=True)
    assert in_turn[1] > 10 * in_turn[0]
    assert in_turn[2] > 10 * in_turn[1]
    assert max(in_pairs) < 2 * torch.finfo(torch.float32).eps


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16"])
@pytest.mark.parametrize("length", [1, 7, 8, 9, 1023, 1024, 1025])
def test_rows_of_any_length_hold(length: int, dtype: str) -> None:
    result = run_recipe(load_recipe(RECIPES / "shapes.yaml", [f"params.n={length}", f"dtype={dtype}"]))
    assert outcomes(result) == {"holds"}


@compiles
def test_rows_of_an_odd_length_hold_compiled() -> None:
    result = run_recipe(load_recipe(RECIPES / "shapes.yaml", ["params.n=1025", "backend=inductor"]))
    assert outcomes(result) == {"holds"}


@compiles
def test_attention_holds_compiled() -> None:
    recipe = load_recipe(RECIPES / "attention.yaml", ["case=small", "dtype=bfloat16", "backend=inductor"])
    assert run_recipe(recipe).is_well
