"""The samples of PyTorch's operator database that draw random numbers: each is compared whole, and none is an alarm.

A few samples of each entry are run in float32; with `--full` all of them, in bfloat16 and float16, too.
"""

from collections import Counter

import pytest
import torch
from opdb.entries import ENTRIES

from tensorflow_free import StepError, load_recipe, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.recipe.graph import steps_of
from tensorflow_free.registry import find
from tensorflow_free.support.database import samples
from tensorflow_free.support.eager_runs import run_eagerly
from tensorflow_free.support.sample_calls import cases
from tensorflow_free.support.translation import UntranslatableError, recipe_of
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tracing.op_of_function import UnnamedError

WORDS = (
    "dropout rand bernoulli normal exponential cauchy geometric uniform multinomial poisson binomial rrelu gumbel "
    "fractional dot_product_attention lowrank"
).split()
DRAWING = [name for name in ENTRIES if any(word in name for word in WORDS) and name != "__rand__"]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("name", DRAWING)
def test_samples_that_draw_are_no_alarm(name, full):
    seen = Counter()
    for dtype in (torch.float32, torch.bfloat16, torch.float16) if full else (torch.float32,):
        for recipe in recipes(name, dtype, every=full):
            seen[verdict(recipe, f"dtype={word_of(dtype)}")] += 1
    assert seen
    assert not seen.keys() - {"ok", "no kernel"}, seen


def test_these_are_all_that_draw():
    drawing = {name for name in ENTRIES if (op := find(name)) and op.random}
    assert drawing - set(DRAWING) <= {"nn.functional.multi_head_attention_forward"}
    assert len(DRAWING) >= 32


def recipes(name, dtype, *, every):
    """The samples of an entry as recipes of random steps, their tensors in the recipe's dtype."""
    entry = ENTRIES[name]
    for sample in samples(entry, dtype, every=every) if dtype in entry.dtypes else ():
        for case in cases(entry, sample):
            try:
                recipe = recipe_of(case, run_eagerly(case.call, case.args, case.kwargs, case.inputs).passes)
            except (UnnamedError, UntranslatableError):
                continue
            for one in recipe["tensors"].values():
                if one["dtype"] == word_of(dtype):
                    del one["dtype"]
            yield recipe


def verdict(recipe, override):
    loaded = load_recipe(recipe, [override])
    if not any((op := find(step.op or "")) and op.random for _, step in steps_of(loaded.steps)):
        return "ok"
    try:
        result = run_recipe(loaded)
    except StepError:
        return "no kernel"
    comparison = yardstick_of(recipe, [override], loaded, KeptRuns()).compare(result)
    bad = [one.name for one in comparison.bad]
    return f"{recipe['steps']}: {bad}" if bad else "ok" if not comparison.not_comparable else "not comparable"
