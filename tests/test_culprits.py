"""The culprit is the step that is wrong for its own inputs, forward or in a gradient that it hands on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.cell.blaming import blamed
from tensorflow_free.cell.findings import mismatch_of
from tensorflow_free.cell.recorded_blame import blame_by_records
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.isolation.capturing import captured_run
from tensorflow_free.judging.culprit_words import blame_lines
from tensorflow_free.judging.culprits import Blame
from tensorflow_free.outcome.sentences import words


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@register_op("amiss.off", replace=True)
def off(input: Tensor, other: Tensor) -> Tensor:
    return input * other * (1 + 1e-5)


class _SteepGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        s = torch.sigmoid(ctx.saved_tensors[0])
        return gradient * s * (1 - s) * 1.15


@register_op("amiss.steep", replace=True)
def steep(input: Tensor) -> Tensor:
    return _SteepGradient.apply(input)


@register_op("amiss.spoils", replace=True)
def spoils(input: Tensor) -> Tensor:
    out = torch.sigmoid(input)
    input.detach().mul_(1.01)
    return out


def blame_of(recipe: dict[str, Any], step: str, kernel: str, op: str, *more: str) -> Blame:
    overrides = (f"steps.{step}.op={kernel}", f"+reference={{steps.{step}.op: {op}}}", *more)
    loaded, kept = load_recipe(recipe, overrides), KeptRuns()
    result = run_recipe(loaded)
    comparison = yardstick_of(recipe, overrides, loaded, kept).compare(result)
    found = blamed(recipe, overrides, loaded, result, comparison, kept).blame
    assert found is not None
    return found


def rand(*size: int) -> dict[str, Any]:
    return {"init": "rand", "size": list(size), "requires_grad": True}


class _OtherGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        a, b = ctx.saved_tensors
        return gradient * b, gradient * a * 1.01


@register_op("amiss.other", replace=True)
def other_gradient(input: Tensor, other: Tensor) -> Tensor:
    return _OtherGradient.apply(input, other)


@register_op("amiss.clipped", replace=True)
def clipped(input: Tensor) -> Tensor:
    return torch.where(input < 0, input * 1.01, input)


def test_of_an_op_that_is_its_own_measure_it_is_told_which_step_to_hold_against_another() -> None:
    found = blame_of(AMPLIFIED, "y", "amiss.off", "amiss.off")
    assert [words(one).partition("another: ")[2] for one in found.notes] == ["'+reference={steps.y.op: OP}'"]


def test_of_a_value_that_a_later_step_changes_it_is_told_what_that_step_read() -> None:
    overrides = ("steps.s.op=amiss.spoils", "+reference={steps.s.op: sigmoid}")
    recipe = {"tensors": {"x": rand(8)}, "steps": {"h": "x * 2", "s": {"op": "sigmoid", "args": ["h"]}}}
    loaded, kept = load_recipe(recipe, overrides), KeptRuns()
    result = run_recipe(loaded)
    comparison = yardstick_of(recipe, overrides, loaded, kept).compare(result)
    comparison = blamed(recipe, overrides, loaded, result, comparison, kept)
    assert mismatch_of(comparison, result, comparison.bad).operands == ["amiss.spoils of h: float32 [8] cpu"]


def test_what_shows_by_itself_stands_before_an_earlier_fault_that_does_not_show() -> None:
    steps = {"s": {"op": "amiss.clipped", "args": ["x"]}, "r": "F.relu(s)", "m": {"op": "mul", "args": ["r", "w"]}}
    draw = {"init": "randn", "size": [8, 8], "requires_grad": True}
    recipe = {
        "tensors": {"x": draw, "w": draw},
        "steps": {**steps, "total": "m.square().sum()"},
        "backward": "total",
        "record": "outputs",
    }
    found = blame_of(recipe, "m", "amiss.other", "mul", "+reference.steps.s.op=positive")
    assert [(one.step, one.value) for one in found.culprits] == [("m", "w.grad"), ("s", "s")]
    assert found.shows_at == "w.grad"


AMPLIFIED = {
    "tensors": {"x": rand(1000), "w": rand(1000)},
    "steps": {"y": {"op": "mul", "args": ["x", "w"]}, "scaled": "y * 50", "e": "scaled.exp()", "total": "e.sum()"},
    "backward": "total",
}


def test_the_culprit_is_the_step_that_is_off_and_not_the_one_that_amplifies_it() -> None:
    found = blame_of(AMPLIFIED, "y", "amiss.off", "mul")
    assert [(one.step, one.direction) for one in found.culprits] == [("y", "forward")]
    # 1e-5 is 84 of float32's epsilons
    assert 40 < found.culprits[0].noise < 200
    assert found.right == ("scaled", "e", "total")
    assert found.amplified is not None
    assert found.amplified > 10


READERS = {
    "tensors": {"x": rand(64)},
    "steps": {"a": "x.sin()", "b": {"op": "sigmoid", "args": ["x"]}, "c": "x.exp()", "d": "a + b + c"},
    "backward": {"target": "d", "gradient": {"init": "randn"}},
}


def test_of_several_readers_of_one_value_the_one_whose_gradient_is_wrong_is_named() -> None:
    found = blame_of(READERS, "b", "amiss.steep", "sigmoid")
    assert [(one.step, one.direction, one.value) for one in found.culprits] == [("b", "backward", "x.grad")]


ROUNDS = {
    "tensors": {"x": rand(16), "w": rand(16)},
    "steps": {
        "loop": {
            "repeat": 3,
            "carry": {"x": "next"},
            "trace": ["next"],
            "steps": {"part": {"op": "sigmoid", "args": ["x"]}, "next": "part * w"},
        },
        "y": "loop.next[-1].sin()",
    },
    "backward": {"target": "y", "gradient": {"init": "randn"}},
}


@register_op("amiss.lost", replace=True)
def lost(input: Tensor, other: float) -> Tensor:
    return input * other


@register_op("amiss.numel", replace=True)
def numel(input: Tensor) -> int:
    return input.numel() + 1


@register_op("amiss.pair", replace=True)
def pair(input: Tensor) -> tuple[Tensor, Tensor]:
    made = input.exp()
    return made, made.sin()


@register_op("amiss.steep_pair", replace=True)
def steep_pair(input: Tensor) -> tuple[Tensor, Tensor]:
    made = input.exp()
    return made, steep(made)


@register_op("amiss.right_pair", replace=True)
def right_pair(input: Tensor) -> tuple[Tensor, Tensor]:
    made = input.exp()
    return made, made.sigmoid()


PAIR = {
    "tensors": {"x": rand(64)},
    "steps": {"p": {"op": "amiss.pair", "args": ["x"]}, "o": "p[0] * p[1]"},
    "backward": {"target": "o", "gradient": {"init": "randn"}},
}


@pytest.mark.parametrize("op", ["lstm_cell", "amiss.pair"])
def test_a_result_that_another_result_of_its_step_is_made_of_is_handed_what_others_hand_it_once(op: str) -> None:
    sizes = {"x": (4, 8), "h": (4, 4), "c": (4, 4), "wi": (16, 8), "wh": (16, 4)}
    cell = {"op": op, "args": ["x", ["h", "c"], "wi", "wh"] if op == "lstm_cell" else ["x"]}
    recipe = {
        **PAIR,
        "tensors": {name: rand(*size) for name, size in sizes.items()},
        "steps": PAIR["steps"] | {"p": cell},
    }
    found = blame_of(recipe, "p", op, op)
    assert (found.culprits, [one for one in found.told if "second run" in one]) == ((), [])
    assert {one.value for one in found.steps if one.step == "p"} >= {"x.grad"}


def test_where_gradients_are_differentiated_results_read_by_aliases_make_no_other_numbers() -> None:
    again = {**PAIR, "backward": PAIR["backward"] | {"create_graph": True}}
    found = blame_of(again, "p", "amiss.pair", "amiss.pair")
    assert (found.culprits, [one for one in found.told if "second run" in one]) == ((), [])


def test_by_records_alone_what_a_result_hands_another_of_its_step_is_no_fault() -> None:
    recipe = load_recipe(PAIR)
    result = run_recipe(recipe)
    yardstick = yardstick_of(PAIR, (), recipe, KeptRuns())
    found = blame_by_records(yardstick, result, yardstick.compare(result))
    assert (found.culprits, found.candidates) == ((), ())
    result.records["x.grad"].value.mul_(1.001)
    found = blame_by_records(yardstick, result, yardstick.compare(result))
    assert ("p", "x.grad") in [(one.step, one.value) for one in (*found.culprits, *found.candidates)]


def test_a_gradient_within_a_step_of_several_results_is_placed_at_the_step() -> None:
    exact = {**PAIR, "steps": PAIR["steps"] | {"p": {"op": "amiss.steep_pair", "args": ["x"]}}}
    found = blame_of(exact, "p", "amiss.steep_pair", "amiss.right_pair")
    assert [(one.step, one.direction) for one in found.culprits] == [("p", "backward")]


def test_in_repeat_the_first_bad_round_is_told_and_in_how_many_it_is() -> None:
    [culprit] = blame_of(ROUNDS, "loop.steps.part", "amiss.steep", "sigmoid").culprits
    # backward, the last round comes first
    assert (culprit.step, culprit.direction, culprit.rounds, culprit.calls) == ("part", "backward", (3,), 3)


def test_an_operand_that_a_step_changes_without_saying_so_is_named() -> None:
    recipe = {
        "tensors": {"x": {"init": "rand", "size": [8]}},
        "steps": {"h": "x * 2", "s": "h.sigmoid()", "y": "h + 1"},
    }
    recipe["steps"]["s"] = {"op": "sigmoid", "args": ["h"]}  # type: ignore[index]
    [culprit] = blame_of(recipe, "s", "amiss.spoils", "sigmoid").culprits
    assert (culprit.step, culprit.direction, culprit.value) == ("s", "operand", "h")


def test_an_operand_that_a_step_should_change_and_does_not_is_told_so() -> None:
    steps = {"b": "x.clone()", "c": {"op": "mul_", "args": ["b", 3]}, "d": "b + 1"}
    found = blame_of({"tensors": {"x": [1.0, 2.0]}, "steps": steps}, "c", "amiss.lost", "mul_")
    assert next(blame_lines(found)).startswith("culprit b, which c (amiss.lost) does not change, ")


def test_a_step_that_gives_a_wrong_integer_is_not_told_to_be_right() -> None:
    steps = {"n": {"op": "numel", "args": ["x"]}, "z": "x * n"}
    found = blame_of({"tensors": {"x": [1.0, 2.0]}, "steps": steps}, "n", "amiss.numel", "numel")
    assert (found.right, found.unjudged) == (("z",), ("n",))
    assert next(blame_lines(found)).endswith("1 step could not be judged alone: n")


def test_each_step_has_its_verdict_alone_forward_and_backward_and_a_culprit_its_operands() -> None:
    found = blame_of(AMPLIFIED, "y", "amiss.off", "mul")
    # what it hands back has the factor, too
    assert {one.step for one in found.steps if one.outcome == "mismatch"} == {"y"}
    assert {"y", "scaled", "e", "total", "e.grad", "x.grad", "w.grad"} <= {one.value for one in found.steps}
    assert found.culprits[0].operands == ("x: float32 [1000]", "w: float32 [1000]")


def test_of_a_step_in_rounds_the_worst_verdict_is_kept_and_how_many_were_judged() -> None:
    found = blame_of(ROUNDS, "loop.steps.part", "amiss.steep", "sigmoid")
    worst = {one.value: one for one in found.steps if one.step == "part"}
    assert (worst["part"].outcome, worst["part"].calls) == ("ok", 3)
    assert (worst["x.grad"].outcome, worst["x.grad"].calls) == ("mismatch", 3)


def by_records(recipe: dict[str, Any], step: str, kernel: str, op: str) -> Blame:
    words = (f"steps.{step}.op={kernel}", f"+reference={{steps.{step}.op: {op}}}")
    loaded = load_recipe(recipe, words)
    result = run_recipe(loaded)
    yardstick = yardstick_of(recipe, words, loaded, KeptRuns())
    return blame_by_records(yardstick, result, yardstick.compare(result))


def test_by_records_alone_the_culprit_is_named_where_one_step_explains_what_is_recorded() -> None:
    found = by_records(AMPLIFIED, "y", "amiss.off", "mul")
    assert [(one.step, one.direction) for one in found.culprits] == [("y", "forward")]
    assert found.right == ("scaled", "e", "total")


def test_by_records_alone_the_readers_of_one_value_are_candidates() -> None:
    found = by_records(READERS, "b", "amiss.steep", "sigmoid")
    assert found.culprits == ()
    assert [(one.step, one.direction) for one in found.candidates] == [(name, "backward") for name in "abc"]


def test_by_records_alone_the_last_round_tells_a_wrong_gradient_in_repeat() -> None:
    found = by_records(ROUNDS, "loop.steps.part", "amiss.steep", "sigmoid")
    assert "part" in {one.step for one in (*found.culprits, *found.candidates)}


def test_a_run_of_more_calls_than_can_be_kept_is_judged_in_several_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for one call at a time the third round is reached by the fifth run."""
    limited = partial(captured_run, most_bytes=100)
    monkeypatch.setattr("tensorflow_free.cell.blaming.captured_run", limited)
    steps = {"a": "x + 1", "b": "a * 2", "c": {"op": "mul", "args": ["a", "b"]}, "d": "c.sin()"}
    [culprit] = blame_of({"tensors": {"x": rand(8)}, "steps": steps}, "c", "amiss.off", "mul").culprits
    assert (culprit.step, culprit.direction) == ("c", "forward")


class _SteepSecond(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.cos()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return -gradient * ctx.saved_tensors[0].sin() * 1.1


class _SineOfSteepSecond(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * _SteepSecond.apply(ctx.saved_tensors[0])


@register_op("amiss.second")
def second(input: Tensor) -> Tensor:
    return _SineOfSteepSecond.apply(input)


TWICE = {
    "tensors": {"x": rand(8), "w": rand(8)},
    "steps": {
        "y": {"op": "sin", "args": ["x"]},
        "s": "(y * w + x.exp() * y).sum()",
        "g": {"op": "grad", "args": ["s", ["x", "w"]], "kwargs": {"create_graph": True}},
        "z": "g[0].square().sum() + (g[1] * x).sum() + y.sum()",
    },
    "backward": "z",
}


def test_a_gradient_of_a_gradient_that_is_wrong_is_placed_at_its_step() -> None:
    found = blame_of(TWICE, "y", "amiss.second", "sin")
    assert [(one.step, one.direction, one.value) for one in found.culprits] == [("y", "backward", "x.grad")]


def test_right_gradients_of_gradients_have_no_culprit() -> None:
    found = blame_of(TWICE, "y", "sin", "sin")
    assert (found.culprits, found.unjudged) == ((), ())
    # of nine steps that compute, y and those that s is made of are gone through backward twice
    assert found.judged > 20


@register_op("amiss.swallows", replace=True)
def swallows(input: Tensor) -> Tensor:
    return input.exp().nan_to_num(nan=0.0, posinf=float("inf"))


def test_a_nan_that_a_step_swallows_is_no_overflow() -> None:
    recipe = {"tensors": {"x": [1.0, float("nan")]}, "steps": {"y": {"op": "exp", "args": ["x"]}, "z": "y * 2"}}
    found = blame_of(recipe, "y", "amiss.swallows", "exp")
    assert [(one.step, one.direction) for one in found.culprits] == [("y", "forward")]


@register_op("amiss.cuts", replace=True)
def cuts(input: Tensor, other: Tensor) -> Tensor:
    return input * other.detach()


@register_op("amiss.number", replace=True)
def number(input: Tensor) -> float:
    return float(input) * 1.01


def test_an_operand_that_gets_no_gradient_at_all_is_told_also_where_a_step_differentiates() -> None:
    bw = {"op": "backward", "args": ["total"]}
    steps = {"y": {"op": "mul", "args": ["x", "w"]}, "total": "y.sum()", "bw": bw, "g": "x.grad * 2"}
    found = blame_of({"tensors": {"x": rand(4), "w": rand(4)}, "steps": steps}, "y", "amiss.cuts", "mul")
    assert [(one.step, one.direction, one.value) for one in found.culprits] == [("y", "backward", "w.grad")]


def test_a_plain_number_that_is_wrong_has_its_step() -> None:
    recipe = {"tensors": {"x": [1.0, 2.0]}, "steps": {"s": "x.sum()", "n": {"op": "item", "args": ["s"]}, "z": "x * n"}}
    found = blame_of(recipe, "n", "amiss.number", "item")
    assert [(one.step, one.direction) for one in found.culprits] == [("n", "forward")]
