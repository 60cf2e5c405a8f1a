"""What is captured goes the way of any recipe: checked, and judged as a sweep's cell in other dtypes and under compilers."""

from __future__ import annotations

import pytest

from tensorflow_free import cli
from tensorflow_free.composition.override_texts import parse_override
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.registry import load_ops_file
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.trial import Trial
from tests.captured import models
from tests.captured.models import MODELS
from tests.test_capture import LACK_KERNELS, of

SAMPLE = (models.custom_function, models.autocast_region, models.masked_to_the_ends)
IN_TIERS = [pytest.param(make, id=make.__name__, marks=() if make in SAMPLE else pytest.mark.full) for make in MODELS]


@pytest.fixture
def written(tmp_path):
    """Writes a model's recipe, and gives it; its ops are registered."""

    def write(make):
        recipe, *beside = of(make).write(tmp_path)
        for ops in (path for path in beside if path.suffix == ".py"):
            load_ops_file(ops)
        return recipe

    return write


def judged(recipe, override):
    row = Trial(None).row(Cell(0, str(recipe), (parse_override(override),)))
    return row.outcome, row.reason


def expected(make, override):
    if override == "dtype=bfloat16" and make.__name__ in LACK_KERNELS:
        return Outcome.UNSUPPORTED
    # a compiler's own random numbers cannot be judged
    return Outcome.PARTLY_JUDGED if make is models.dropout and override.startswith("backend") else Outcome.OK


@pytest.mark.parametrize("make", IN_TIERS)
def test_a_captured_recipe_passes_the_check(make, written, capsys):
    code = cli._guarded(cli.recipe_main, ["check", str(written(make))])
    assert (code, capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize("override", ["dtype=float32", "dtype=bfloat16", "backend=aot_eager"])
@pytest.mark.parametrize("make", IN_TIERS)
def test_a_captured_recipe_is_right_in_a_sweep(make, override, written):
    outcome, reason = judged(written(make), override)
    assert outcome == expected(make, override), reason


@pytest.mark.full
@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_a_captured_recipe_is_right_under_inductor(make, written):
    outcome, reason = judged(written(make), "backend=inductor")
    assert outcome == expected(make, "backend=inductor"), reason
