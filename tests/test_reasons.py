"""Reasons are data: a code from a closed list, with numbers; put into words in one place, and read back from files."""

from __future__ import annotations

import json
import math
from typing import get_args

import pytest
from pydantic import TypeAdapter

from tensorflow_free import compare_results, load_recipe, run_recipe
from tensorflow_free.outcome.plain_reasons import Bare, Differing, Elements, Reason
from tensorflow_free.outcome.reasons import AnyReason, OfNames, StepFailed
from tensorflow_free.outcome.sentences import _MADE, SENTENCES, words

KINDS = [one for one in get_args(get_args(AnyReason)[0]) if issubclass(one, Reason)]
CODES = [code for kind in KINDS for code in get_args(kind.model_fields["code"].annotation)]


def test_each_code_is_that_of_one_kind_and_has_one_sentence():
    assert len(CODES) == len(set(CODES))
    assert sorted(CODES) == sorted([*SENTENCES, *_MADE])


def test_a_reason_is_read_back_from_json_with_its_infinities():
    reason = Elements(code="not close", found="inf", wanted="1", at=(2,), count=1, elements=3, apart=math.inf, rtol=0.1)
    written = json.loads(reason.model_dump_json())
    assert written["apart"] == "inf"
    assert TypeAdapter(AnyReason).validate_python(written) == reason


def test_what_a_value_is_held_against_is_named_by_whoever_asks():
    reason = Differing(code="shape differs", found=[2, 3], wanted=[3])
    assert words(reason) == "the shape is [2, 3], and [3] in the reference"
    assert words(reason, "the golden") == "the shape is [2, 3], and [3] in the golden"


def test_reasons_that_differ_in_numbers_alone_are_of_one_kind():
    one = Elements(code="out of bounds", found="1", wanted="2", at=(0,), count=1, elements=2)
    other = Elements(code="out of bounds", found="5", wanted="7", at=(1,), count=2, elements=2)
    assert one.kind == other.kind
    assert one.kind != Elements(code="non-finite").kind
    assert OfNames(code="no such value", name="h").kind != OfNames(code="no such value", name="y").kind


def test_torchs_own_sentences_are_of_one_kind_but_for_their_numbers():
    def failed(message):
        return StepFailed(step="y", op="mm", type="RuntimeError", message=message, operands=[])

    assert failed("size 3 and 4 differ").kind == failed("size 5 and 7 differ").kind
    assert failed("size 3 and 4 differ").kind != failed("index 3 is out of range").kind


def test_an_expectation_that_does_not_hold_has_its_numbers_beside_its_words():
    recipe = load_recipe({"tensors": {"x": [1.0, 2.0]}, "steps": {"y": "x * 2"}, "expect": {"y": [2.0, 5.0]}})
    (verdict,) = run_recipe(recipe).expectations
    cause = verdict.cause
    assert (cause.code, cause.found, cause.wanted, cause.at, cause.apart) == ("not close", "4", "5", (1,), 1.0)
    assert words(cause) == verdict.message


def test_a_value_that_is_not_there_is_told_by_its_name():
    tensors = {"x": {"data": [1.0], "requires_grad": True}}
    recipe = load_recipe({"tensors": tensors, "steps": {"y": "x * 2"}, "expect": {"x.grad": 1.0}})
    (verdict,) = run_recipe(recipe).expectations
    assert verdict.cause == Differing(code="no value", wanted="1.0")


@pytest.mark.parametrize(
    ("ended", "code"), [("TimedOut", "timed out"), ("OutOfMemory", "out of memory"), ("RuntimeError", "step failed")]
)
def test_an_error_of_an_older_file_gets_its_code_from_its_type(ended, code):
    written = {"step": "y", "op": "mm", "type": ended, "message": "m", "operands": []}
    assert StepFailed.model_validate(written).code == code


def test_what_needs_no_numbers_is_its_code_alone():
    assert words(Bare(code="no error")) == "the run ended without an error"


def test_a_comparison_keeps_the_code_and_the_numbers_of_each_reason():
    mine, its = (
        run_recipe(load_recipe({"tensors": {"x": [1.0, 2.0]}, "steps": {"y": f"x * {factor}"}})) for factor in (2, 3)
    )
    written = json.loads(json.dumps(compare_results(mine, its).to_plain(), allow_nan=False))
    cause = next(one["cause"] for one in written["values"] if one["name"] == "y")
    assert written["schema_version"] == 5
    assert (cause["code"], cause["found"], cause["wanted"], cause["at"]) == ("out of bounds", "2", "3", [0])
