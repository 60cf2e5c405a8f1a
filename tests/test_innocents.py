"""Blaming names no step where none is wrong, leaves none unjudged, and a captured run is the cell's own, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tensorflow_free.cell.borderline import settled
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.isolation.alone import OfCall
from tensorflow_free.isolation.captured import CapturedCall
from tensorflow_free.isolation.capturing import HELPERS
from tensorflow_free.judging.verdicts import ValueVerdict
from tensorflow_free.plan.calls import Site
from tests.innocents import features, own_ops
from tests.innocents.acquitting import acquitted
from tests.innocents.subjects import SUBJECTS


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


MENDED = {
    "blocks autocast": "a cast of a weight that two calls under autocast share",
    "blocks meta": "tensors without numbers",
    "blocks second_order_rounds": "a pass that ends at a result",
    "gradients fails_halfway": "a pass that fails, so that not all is handed on",
    "gradients grad": "a gradient that comes back through a pass that is differentiated",
    "gradients unused": "some results of an op that no gradient comes to",
    "gradients overflowing": "a gradient of what overflowed",
    "in_place relu": "a change in place that the op does not tell",
    "in_place swapped": "a result whose shape is changed in place",
    "kinds bits_of_floats": "numbers read as they lie in memory",
    "kinds csr_gradient": "a gradient in a layout that few ops take",
    "kinds shapes": "steps that ask of a tensor what it is",
    "layers dropout_in_place": "random numbers drawn in place",
}
"""What once was called a culprit, left unjudged or run otherwise, by the case of `features/` that shows it."""


@pytest.mark.parametrize("name", MENDED)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_was_blamed_once_is_not_blamed(name: str, dtype: str) -> None:
    [cell] = [one for one in features.own_cells("features", dtype) if one.name == name]
    found = acquitted(cell, KeptRuns())
    assert found.outcome == "judged"
    assert list(found.lines()) == []


@pytest.mark.parametrize("name", ["kinds huge", "kinds mkldnn"])
def test_what_cannot_be_judged_alone_is_told_with_its_reason_and_breaks_nothing(name: str) -> None:
    [cell] = [one for one in features.own_cells("features", "float32") if one.name == name]
    found = acquitted(cell, KeptRuns())
    assert (found.outcome, found.culprits, found.moved) == ("judged", (), ())
    assert all(found.unjudged.values())
    assert found.unjudged


@pytest.mark.parametrize("name", ["a checkpoint that is entered again", "in place on a view", "jagged", "nested"])
def test_ops_of_ones_own_are_not_blamed(name: str) -> None:
    [cell] = [one for one in own_ops.cells("own-ops", 1, dtypes=["float32"]) if one.name == name]
    assert list(acquitted(cell, KeptRuns()).lines()) == []


def test_what_a_call_calls_may_have_no_hash() -> None:
    class Checked:
        __hash__ = None

    assert Checked() not in HELPERS
    assert torch.tensor in HELPERS


def of_call(used: float, outcome: str = "mismatch") -> OfCall:
    call = CapturedCall(0, 0, Site("y", "mul", ("steps", "y")), 0, (), torch.mul, ())
    return OfCall(call, "step", 0, None, ValueVerdict("0/0", "step", "mul", outcome, "rounding", used))


@pytest.mark.parametrize(
    ("used", "is_bad", "named"),
    [([1.4], False, []), ([1.4], True, [1.4]), ([1.4, 1.6], True, [1.6]), ([1.6, 1.2], False, [1.6])],
)
def test_what_is_hardly_out_of_bounds_is_named_only_where_a_value_is_wrong_and_nothing_else_is(used, is_bad, named):
    found = settled([of_call(one) for one in used], is_bad=is_bad)
    assert [one.verdict.used for one in found if one.verdict.outcome == "mismatch"] == named


PENDING = {"var_welford 1"}
"""Cells that the judge itself calls wrong, see tests/test_wolf.py."""

EVERY = {"operators": 8, "chains": 20, "large": 5}
"""Of these parts every so many-th subject; of the others all."""


@pytest.mark.full
@pytest.mark.parametrize("part", SUBJECTS)
def test_no_innocent_is_called_a_culprit(part: str) -> None:
    kept = KeptRuns()
    tried = (acquitted(cell, kept) for cell in SUBJECTS[part](part, EVERY.get(part, 1)))
    found = [line for one in tried if one.cell.name not in PENDING for line in one.lines()]
    assert [line for line in found if line.startswith(("CALLED", "MOVED", "RAISED"))] == []
