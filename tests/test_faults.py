"""The fixtures find faults: ops that are subtly wrong, put in through the registry one at a time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.registry import find
from tests.faults.catalogue import CATALOGUE
from tests.faults.fault import Fault, injected
from tests.faults.scoring import Catch, Fixture, catches, first_catch, recorded_fixtures
from tests.faults.shown import differs

SHARE = 0.98
"""Of the faults, that the fixtures must catch."""

KINDS = {
    *("half precision", "wrong axis", "epsilon outside the root", "dropped scale", "missing accumulation"),
    *("only for non-contiguous input", "only above a size", "only for negative zero", "subnormals flushed"),
    *("NaN swallowed", "off by one in a stride", "ignores the seed"),
}
"""The kinds of faults that the bench must have."""


@pytest.fixture(scope="module")
def fixtures(tmp_path_factory: pytest.TempPathFactory) -> list[Fixture]:
    return recorded_fixtures(tmp_path_factory.mktemp("faults") / "recipes")


@pytest.fixture(scope="module")
def caught(fixtures: list[Fixture]) -> dict[Fault, Catch | None]:
    return {fault: first_catch(fault, fixtures) for fault in CATALOGUE}


# the faults themselves


def test_there_are_a_hundred_faults_of_all_kinds() -> None:
    assert len(CATALOGUE) >= 100
    assert len({one.name for one in CATALOGUE}) == len(CATALOGUE)
    assert {one.kind for one in CATALOGUE} >= KINDS


@pytest.mark.parametrize("fault", CATALOGUE, ids=lambda fault: fault.name)
def test_fault_is_one(fault: Fault) -> None:
    assert differs(fault, fault.shows)


CONDITIONAL = [one for one in CATALOGUE if one.fine is not None]


@pytest.mark.parametrize("fault", CONDITIONAL, ids=lambda fault: fault.name)
def test_fault_is_none_elsewhere(fault: Fault) -> None:
    assert not differs(fault, fault.fine)


BACKWARD = [one for one in CATALOGUE if one.direction == "backward"]


@pytest.mark.parametrize("fault", BACKWARD, ids=lambda fault: fault.name)
def test_fault_of_the_backward_pass_leaves_the_value_alone(fault: Fault) -> None:
    def without_gradients() -> list:
        return [detached(one) for one in fault.shows()]

    assert not differs(fault, without_gradients)


def detached(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [detached(one) for one in value]
    return value.detach() if isinstance(value, Tensor) else value


# putting them in

HALF = next(one for one in CATALOGUE if one.name == "sum in half precision")


def test_a_fault_is_in_the_registry_for_a_while() -> None:
    before = find("sum")
    with injected(HALF):
        assert find("sum") is not before
        assert find("Tensor.sum").signatures[0].function.func is find("sum").signatures[0].function.func
    assert find("sum") is before


@pytest.mark.parametrize(
    "step", ["x + x", {"op": "add", "args": ["x", "x"]}, {"op": "torch.add", "args": ["x", "x"]}, "x.add(x)"]
)
def test_a_fault_is_in_all_forms_of_an_op(step: object) -> None:
    flushed = next(one for one in CATALOGUE if one.name == "sum of two flushed")
    with injected(flushed):
        result = run_recipe(load_recipe({"tensors": {"x": [1e-39]}, "steps": {"y": step}}))
    assert torch.equal(result["y"], torch.zeros(1))


# the score


def test_the_fixtures_catch_nearly_all_faults(caught: dict[Fault, Catch | None]) -> None:
    slipped = [fault.name for fault, catch in caught.items() if catch is None]
    print(f"{len(CATALOGUE) - len(slipped)} of {len(CATALOGUE)} faults are caught")
    assert len(slipped) <= (1 - SHARE) * len(CATALOGUE), slipped


def test_the_right_step_is_named_in_each(caught: dict[Fault, Catch | None]) -> None:
    named = {fault: catch for fault, catch in caught.items() if catch is not None}
    wrong = [f"{fault.name}: {catch.suspects}" for fault, catch in named.items() if not catch.names(fault)]
    print(f"{len(named) - len(wrong)} of {len(named)} are laid at the right step")
    assert named
    assert wrong == []


def test_nothing_is_caught_without_a_fault(fixtures: list[Fixture]) -> None:
    # a bench of catches alone would be content with fixtures that always fail; here each op calls the true one
    ops = sorted({op for one in fixtures for op in one.uses} - {"backward", "grad"})
    passes_on = Fault("none", "none", tuple(ops), lambda true, *given, **words: true(*given, **words), "forward", tuple)
    assert len(ops) > 100
    assert list(catches(passes_on, fixtures)) == []


def test_a_fixture_sees_the_difference_that_one_op_makes(fixtures: list[Fixture]) -> None:
    axes = [one for one in fixtures if one.name == "axes"]
    found = [catch for catch in catches(HALF, axes) if catch.names(HALF)]
    assert [catch.cell for catch in found] == ["float64-cpu", "float32-cpu"]
