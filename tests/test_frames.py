"""Data frames of results, comparisons and sweeps: a row for each thing, columns of one type, names that stay."""

from __future__ import annotations

import math
import sys

import pytest
import torch

from tensorflow_free import compare_results, load_recipe, run_recipe
from tensorflow_free.judging.verdicts import Comparison, ValueVerdict
from tensorflow_free.notebook import frames, wanted
from tensorflow_free.notebook.frames import frame_of_sweep
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.sweep.rows import Row

RECIPE = {
    "tensors": {"x": {"data": [1.0, 2.0], "requires_grad": True}},
    "steps": {"y": "x.exp()", "loss": "y.sum()"},
    "backward": "loss",
}


def run(*overrides):
    return run_recipe(load_recipe(RECIPE, list(overrides)))


def row_of(value, **more):
    """The row of the frame of a result that has one value."""
    return Result(Recipe(), {"y": Record("y", "step", value, **more)}).to_dataframe().iloc[0]


def kinds_of(frame):
    return {name: str(kind) for name, kind in frame.dtypes.items()}


def test_the_frame_of_a_result_has_a_row_for_each_value_and_gradient():
    frame = run().to_dataframe()
    assert frame.name.tolist() == ["x", "y", "loss", "x.grad", "y.grad", "loss.grad"]
    assert frame.kind.tolist() == ["tensor", "step", "step", "gradient", "gradient", "gradient"]
    row = frame.set_index("name").loc["y"]
    y = torch.tensor([1.0, 2.0]).exp().double()
    assert (row["op"], row["dtype"], row["shape"], row.elements) == ("exp", "float32", (2,), 2)
    assert (row["min"], row["max"], row["mean"]) == (y.min(), y.max(), pytest.approx(y.mean().item()))
    assert (row.nan, row.inf, row.requires_grad, row.grad_fn) == (0, 0, True, "ExpBackward0")


def test_the_columns_have_names_and_types_whatever_a_frame_holds():
    of_one, of_none = run().to_dataframe(), Result(Recipe(), {}).to_dataframe()
    assert kinds_of(of_one) == kinds_of(of_none)
    assert list(frames.OF_RESULT) == list(of_one.columns)
    compared = compare_results(run("dtype=bfloat16"), run()).to_dataframe()
    assert kinds_of(compared) == kinds_of(Comparison(()).to_dataframe())
    assert (
        kinds_of(frame_of_sweep([])).items()
        <= kinds_of(frame_of_sweep([Row(number=0, recipe="a.yaml", outcome="ok")])).items()
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (torch.tensor(5.0), (5.0, 5.0, 0, 0)),
        (torch.tensor([-math.inf]), (-math.inf, math.nan, 0, 1)),
        (torch.tensor([math.nan, 2.0]), (math.nan, 2.0, 1, 0)),
        (torch.tensor([3 + 4j]), (math.nan, 5.0, 0, 0)),
        (torch.tensor([0.5]).to(torch.float8_e5m2), (0.5, 0.5, 0, 0)),
        (torch.eye(2).to_sparse(), (math.nan, 1.0, 0, 0)),
        (torch.tensor(2, dtype=torch.int64), (2.0, 2.0, 0, 0)),
        (True, (1.0, 1.0, 0, 0)),
    ],
)
def test_a_row_tells_the_only_number_the_greatest_and_what_is_not_finite(value, told):
    row = row_of(value)
    assert (row["value"], row["max"], row.nan, row.inf) == pytest.approx(told, nan_ok=True)


@pytest.mark.parametrize(
    ("value", "more"), [(None, {}), ("mean", {}), (torch.empty(0, 3), {}), (torch.eye(2), {"unstored": "lost"})]
)
def test_what_has_no_numbers_is_missing_and_no_nan_is_counted(value, more):
    import pandas as pd

    row = row_of(value, **more)
    assert all(pd.isna(row[name]) for name in ("value", "min", "max", "mean", "nan", "inf"))


def test_the_frame_of_a_comparison_has_a_row_for_each_verdict_with_its_numbers():
    comparison = compare_results(run("steps.y='x.sin()'"), run())
    frame = comparison.to_dataframe().set_index("name")
    y, expected = torch.tensor([1.0, 2.0]).sin(), torch.tensor([1.0, 2.0]).exp()
    row = frame.loc["y"]
    assert (row.outcome, row.elements, row["shape"]) == ("mismatch", 2, (2,))
    assert row.max_abs == pytest.approx((y - expected).abs().max().item())
    assert row.used == comparison["y"].used > 1
    assert (row.nan, row.nan_expected) == (0, 0)


def test_a_verdict_that_was_not_judged_used_nothing_that_counts():
    verdicts = (
        ValueVerdict("y", "step", "exp", "ok", "exact"),
        ValueVerdict("z", "step", None, "not comparable", "none"),
    )
    frame = Comparison(verdicts).to_dataframe().set_index("name")
    assert frame.used["y"] == 0
    assert math.isnan(frame.used["z"])


def test_the_axes_of_a_sweep_are_columns_of_numbers_where_all_are():
    rows = [
        Row(number=1, recipe="a.yaml", axes={"params.n": "2", "seed": "x", "params.s": "1e-3"}, outcome="ok", used=0.5),
        Row(number=0, recipe="a.yaml", axes={"params.n": "1", "seed": "1", "params.s": "2"}, outcome="refused"),
    ]
    frame = frame_of_sweep(rows)
    assert frame.cell.tolist() == [0, 1]
    assert (frame["params.n"].tolist(), frame.seed.tolist(), frame["params.s"].tolist()) == (
        [1, 2],
        ["1", "x"],
        [2.0, 0.001],
    )
    assert math.isnan(frame.used[0])
    assert frame.used[1] == 0.5


@pytest.mark.parametrize("module", ["pandas", "matplotlib.pyplot"])
def test_a_library_that_is_not_there_is_named_with_what_to_type(monkeypatch, module):
    package = module.partition(".")[0]
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        ImportError, match=f"it wants {package}, which is not installed; pip install {package}, or "
    ) as error:
        wanted.wanted(module, "it")
    assert error.value.name == package


def test_what_a_library_lacks_itself_is_not_taken_for_the_library(monkeypatch, tmp_path):
    (tmp_path / "wants_more.py").write_text("import no_such_module\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module'"):
        wanted.wanted("wants_more", "it")
