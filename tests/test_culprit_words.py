"""Which step is to blame, in words."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tensorflow_free.judging.culprit_words import blame_lines, place_of, round_words, sentence_of
from tensorflow_free.judging.culprits import Blame, Culprit, StepVerdict
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.plain_reasons import Elements
from tensorflow_free.outcome.reasons import OfNames

Y = Culprit("y", "mul", "forward", "y", 84.2)
S = Culprit("s", "sigmoid", "backward", "x.grad", 1234.0)
H = Culprit("s", "bad.op", "operand", "h", math.inf)
SHOWN = {"shows_at": "e", "amplified": 1300.4, "amplified_at": "total", "right": ("scaled", "e", "total")}


def lines(*culprits: Culprit, **more) -> list[str]:
    return list(blame_lines(Blame(culprits=culprits, **more)))


def test_one_culprit_stands_with_where_it_shows_and_what_is_right():
    assert "; ".join(lines(Y, **SHOWN)).split("; ") == [
        "culprit y (mul, forward), 84 times its noise",
        "shows at e, amplified 1,300 times at total",
        "right for their inputs: scaled, e, total",
    ]


def test_a_culprit_that_shows_at_once_and_is_nowhere_more_stands_alone():
    assert lines(Y, shows_at="y") == ["culprit y (mul, forward), 84 times its noise"]


def test_a_culprit_that_later_noise_hides_is_told_so():
    assert lines(Y) == [
        "culprit y (mul, forward), 84 times its noise; it does not show, as all values are within bounds"
    ]


def test_of_several_culprits_each_has_a_line_the_first_first():
    assert lines(Y, S, shows_at="y", right=("e",)) == [
        "culprit y (mul, forward), 84 times its noise",
        "culprit, too: the gradient of s (sigmoid) to its operand x, 1,234 times its noise",
        "right for its inputs: e",
    ]


def test_of_many_culprits_some_are_named():
    found = lines(*(replace(Y, step=f"y{number}", value=f"y{number}") for number in range(11)), shows_at="y0")
    assert (len(found), found[-1]) == (9, "and 3 more culprits")


@pytest.mark.parametrize(
    ("culprit", "place", "sentence"),
    [
        (Y, "y (mul, forward)", "y (mul, forward), 84 times its noise"),
        (replace(Y, value="y.Q"), "y.Q (mul, forward)", "y.Q (mul, forward), 84 times its noise"),
        (S, "x.grad (backward of s)", "the gradient of s (sigmoid) to its operand x, 1,234 times its noise"),
        (H, "h (changed by s)", "h, which s (bad.op) changes without saying so"),
    ],
)
def test_a_culprit_is_named_in_short_and_in_full(culprit, place, sentence):
    assert (place_of(culprit), sentence_of(culprit)) == (place, sentence)


def test_where_no_number_says_how_far_it_is_off_what_is_wrong_is_told():
    cause = Elements(code="non-finite", found="nan", wanted="2", at=(1,), count=1, elements=4)
    told = sentence_of(replace(Y, noise=math.inf, cause=cause))
    assert told.startswith("y (mul, forward): it is nan at [1], and 2 in float64 of what it read; 1 of 4")


@pytest.mark.parametrize(
    ("rounds", "lengths", "calls", "told"),
    [
        ((), (), 3, ""),
        ((2,), (3,), 1, "in round 2 of 3"),
        ((2,), (), 1, "in round 2"),
        ((3,), (3,), 3, "in each of 3 rounds"),
        ((2,), (9,), 4, "first in round 2 of 9, and in 3 more"),
        ((2, 1), (3, 4), 1, "in round 1 of 4 of round 2 of 3"),
    ],
)
def test_in_repeat_the_round_is_told(rounds, lengths, calls, told):
    assert round_words(replace(Y, rounds=rounds, lengths=lengths, calls=calls)) == told


def test_errors_that_no_step_explains_are_told_as_drift():
    assert list(blame_lines(Blame(drift=True, judged=8))) == ["drift: each step is right for its inputs"]


def test_a_compiled_cell_that_is_right_where_a_value_is_kept_is_told_as_that() -> None:
    note = OfNames(code="needs not kept", name="'h'")
    assert list(blame_lines(Blame(drift=True, judged=8, notes=(note,)))) == [
        "no step alone is wrong: it needs 'h' not to be kept"
    ]


def test_drift_names_what_could_not_be_judged_alone():
    assert list(blame_lines(Blame(drift=True, judged=8, unjudged=("d", "e")))) == [
        "drift, or one of these: each other step is right for its inputs; 2 steps could not be judged alone: d, e"
    ]


def test_where_no_step_was_judged_nothing_is_said_to_be_right():
    assert list(blame_lines(Blame(drift=True))) == ["no step could be judged alone"]


def test_candidates_are_named():
    assert list(blame_lines(Blame(candidates=(Y, S)))) == [
        "one of these is wrong: y (mul, forward), x.grad (backward of s)"
    ]


def test_the_last_step_of_the_shortest_prefix_that_is_wrong_is_told_as_at_or_before():
    assert list(blame_lines(Blame(candidates=(S,)))) == ["wrong at or before x.grad (backward of s)"]


def test_an_overflow_is_no_drift():
    exp = StepVerdict("exp", "exp", "forward", "exp", Outcome.DTYPE_DEPENDENT)
    assert list(blame_lines(Blame(overflows=(exp,), judged=4))) == [
        "overflow at exp (forward), as the dtype does not hold the exact numbers: no step is wrong for its inputs"
    ]
