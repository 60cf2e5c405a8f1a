"""Looking ops up: one in full, those that fit a pattern, all; and what is said where nothing fits."""

from __future__ import annotations

import json

import pytest
import torch

from tensorflow_free import register_op, registry
from tensorflow_free.report import op_report
from tensorflow_free.report.op_report import matching, records
from tensorflow_free.text.drawing import text_of


def look_up(pattern):
    page, found = op_report.look_up(pattern)
    return text_of(page), found


def test_one_op_is_shown_in_full():
    text, found = look_up("softmax")
    assert found
    lines = text.splitlines()
    assert lines[0] == "softmax"
    assert lines[1].split() == ["forms", "function,", "method"]
    assert "documentation  https://" in lines[2]
    assert any(line.split()[0] == "dim" and "required" in line for line in lines if line.strip())


def test_every_parameter_has_its_types_and_default():
    text, _ = look_up("nn.functional.gelu")
    assert "approximate" in text
    assert "default none" in text


def test_an_op_that_works_in_place_too_says_so():
    assert "in place (relu_)" in look_up("relu")[0]
    assert "in place" not in look_up("matmul")[0].splitlines()[1]


def test_fields_of_the_result_are_named():
    assert "gives values, indices" in look_up("topk")[0]


def test_second_names_of_a_namespace_find_the_op():
    assert look_up("F.softmax")[0].startswith("nn.functional.softmax\n")


def test_ops_that_are_near_by_name_are_listed_below():
    assert "log_softmax" in look_up("softmax")[0].splitlines()[-1]


@pytest.mark.parametrize("pattern", ["linalg.*", "soft", "*_like", "[]"])
def test_a_pattern_lists_what_fits(pattern):
    text, found = look_up(pattern)
    assert found
    assert text


def test_a_pattern_with_stars_is_a_pattern():
    assert set(matching("linalg.*")) == {name for name in registry.names() if name.startswith("linalg.")}
    assert len(matching("linalg.*")) > 30


def test_the_operators_are_ops_and_not_patterns():
    assert look_up("*")[0].startswith("*\n")
    assert look_up("**")[0].startswith("**\n")


def test_all_ops_are_listed_with_their_number():
    text, found = look_up(None)
    assert found
    names = [line.split()[0] for line in text.splitlines()[:-1]]
    assert names == list(registry.names())
    assert text.splitlines()[-1] == f"{len(names)} ops"


def test_overloads_of_aten_are_listed_where_they_are_asked_for():
    assert "aten.add.Tensor" in look_up("aten.add.*")[0]
    assert not any(name.startswith("aten.") for name in matching("add"))


def test_a_misspelt_op_is_told_with_the_nearest():
    assert look_up("sofmax") == ("'sofmax' is not an op, nor part of the name of one; did you mean 'softmax'?", False)


def test_a_registered_op_is_marked():
    register_op("lookup_halved", lambda values: values / 2)
    assert "lookup_halved" in matching("halved")
    assert "values" in look_up("lookup_halved")[0]
    assert "registered by you" in look_up("halved")[0]


def test_every_op_can_be_shown():
    shown = [look_up(name)[0].splitlines()[0] for name in registry.names()]
    assert len(shown) > 1000
    assert [name for name in registry.names() if registry.find(name) is None] == []
    assert shown == [registry.find(name).name for name in registry.names()]


def test_records_are_json():
    assert json.loads(json.dumps(records("softmax")))["name"] == "softmax"
    assert records("linalg.*") == matching("linalg.*")
    assert records(None) == list(registry.names())


def test_what_is_said_of_parameters_is_true_of_torch():
    record = records("nn.functional.softmax")
    names = [parameter["name"] for parameter in record["signatures"][0]["parameters"]]
    assert names[:2] == ["input", "dim"]
    assert torch.nn.functional.softmax(torch.zeros(2), dim=0).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("cross entropy", "nn.functional.cross_entropy"),
        ("entropy CROSS", "nn.functional.binary_cross_entropy"),
        ("inverse square matrix", "linalg.inv"),
        ("histogram tensor", "histc"),
    ],
)
def test_an_op_is_found_by_words_of_what_its_documentation_says_of_it(words, name):
    text, found = look_up(words)
    assert found
    assert name in [line.split()[0] for line in text.splitlines()]
    assert name in records(words)


def test_what_an_op_does_is_told_in_a_sentence():
    about = next(line for line in look_up("nn.functional.cross_entropy")[0].splitlines() if "about" in line)
    assert about.split(maxsplit=1)[1] == "Compute the cross entropy loss between input logits and target."
    assert "Computes the dot product of two 1D tensors." in look_up("do*")[0]


def test_first_sentences_have_no_marks_of_markup():
    told = [line for name in registry.names() for line in look_up(name)[0].splitlines() if line.startswith("  about")]
    assert len(told) > 900
    assert not [line for line in told if ":func:" in line or ":math:" in line or "`" in line]
