"""The reader of recipe text: YAML 1.2's words and numbers, every problem with its place, and nothing but RecipeError."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yaml.cyaml import CParser

from tensorflow_free.composition import yaml_walk
from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.errors import RecipeError


def refusal(text: str | bytes) -> str:
    with pytest.raises(RecipeError) as caught:
        read_yaml(text, "r.yaml")
    return str(caught.value)


def same(one: Any, other: Any) -> bool:
    """Equal in type, order and every bit; NaN equals NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and not math.isnan(one):
        return struct.pack("d", one) == struct.pack("d", other)
    return one == other or (isinstance(one, float) and math.isnan(other))


# ------------------------------------------------------------------------------------------- words and numbers


@pytest.mark.parametrize("word", ["no", "on", "off", "yes", "y", "n", "1:30", "12:30:45", "1_000", "2024-01-01"])
def test_what_is_a_word_in_yaml_1_2_is_a_word(word):
    assert read_yaml(f"a: {word}", "r.yaml") == {"a": word}


@pytest.mark.parametrize(
    "word", ["inf", "nan", "tRuE", "1+2j", "1e", "--1", "0b1", "0xg", "-x", "...5", "=", "<<", "5e+"]
)
def test_what_looks_like_a_number_and_is_none_is_a_word(word):
    assert read_yaml(f"a: {word}", "r.yaml") == {"a": word}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-5", 1e-5),
        ("1e5", 1e5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0.0", -0.0),
        ("+5", 5),
        ("0x1F", 31),
        ("0o17", 15),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        (".NaN", math.nan),
        ("-9223372036854775808", -(2**63)),
        ("9007199254740993", 2**53 + 1),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'010'", "010"),
        ('"1"', "1"),
    ],
)
def test_a_value_of_the_core_schema_is_that_value(written, value):
    assert same(read_yaml(f"a: {written}", "r.yaml"), {"a": value})


def test_words_that_yaml_1_1_takes_for_booleans_are_keys_of_their_own():
    assert read_yaml("no: 1\non: 2\ny: 3\nyes: 4\noff: 5", "r.yaml") == {"no": 1, "on": 2, "y": 3, "yes": 4, "off": 5}


def test_an_anchor_is_read_wherever_it_is_named():
    assert read_yaml("a: &x {b: [1]}\nc: *x\nd: [*x]", "r.yaml") == {
        "a": {"b": [1]},
        "c": {"b": [1]},
        "d": [{"b": [1]}],
    }


def test_a_byte_order_mark_of_utf_8_is_no_part_of_the_text():
    assert read_yaml(b"\xef\xbb\xbfa: 1", "r.yaml") == {"a": 1}


def test_the_reader_agrees_with_libyaml_where_the_versions_of_yaml_do():
    text = "a: {b: [1, 2.5, x], c: 'it''s'}\nd: |\n  two\n  lines\ne: >-\n  one\n  line\nf: \"\\u00e9\\n\"\n"
    assert read_yaml(text, "r.yaml") == yaml.load(text, yaml.CSafeLoader)


# ------------------------------------------------------------------------------------------------- refusals

REFUSALS = {
    "a: 010": "r.yaml:1:4: a: '010' is octal to some readers of YAML and decimal to others; write 10, or 0o10 for",
    "a: -08": "r.yaml:1:4: a: '-08' is octal to some readers of YAML and decimal to others; write -8",
    "a: 1e999": "r.yaml:1:4: a: '1e999' is more than a float64 holds; write .inf for infinity",
    "a: " + "9" * 5000: "r.yaml:1:4: a: an integer of 5000 digits is more than any dtype holds",
    "a: 1\nb: 2\na: 3": "r.yaml:3:1: the key 'a' is given twice, first in line 1; keep one of the two",
    "on: 1\non: 2": "r.yaml:2:1: the key 'on' is given twice, first in line 1",
    "a:\n  b: 1\n  b: 2": "r.yaml:3:3: a: the key 'b' is given twice, first in line 2",
    "1: a": "r.yaml:1:1: '1' is a number and cannot be a key; write it in quotes: '1', or '1:'",
    "a: {-1: }": "r.yaml:1:5: a: '-1' is a number and cannot be a key; write it in quotes: '-1', or '-1:'",
    "true: a": "r.yaml:1:1: 'true' is a boolean and cannot be a key",
    "~: a": "r.yaml:1:1: '~' is nothing and cannot be a key",
    "?\n: a": "r.yaml:1:2: a key is missing before ':'",
    "? [a]\n: b": 'r.yaml:1:3: a list cannot be a key; where a reference was meant, write it in quotes: "${params.n}"',
    "a: {{b}: 1}": "r.yaml:1:5: a: a mapping cannot be a key; where a reference was meant",
    "a: {n: ${params.n}}": 'r.yaml:1:9: a: a reference inside braces or brackets must be in quotes: "${params.n}"',
    "a: [${params.n}]": 'r.yaml:1:6: a.1: a reference inside braces or brackets must be in quotes: "${params.n}"',
    "a: [x, -1:]": "r.yaml:1:10: a.1: a ':' ends a word here; write a subscript in quotes, such as \"-1:\"",
    "a: [x, :]": "r.yaml:1:8: a.1: a value is missing; write a ':' or ',' that is meant as text in quotes",
    "a: !!str 1": "r.yaml:1:4: a: the tag '!!str' is not allowed",
    "a: !foo 1": "r.yaml:1:4: a: the tag '!foo' is not allowed",
    "a: ! 1": "r.yaml:1:4: a: the tag '!' is not allowed",
    "!!python/object:os.system {a: 1}": "r.yaml:1:1: the tag '!!python/object:os.system' is not allowed",
    "<<: {a: 1}": "r.yaml:1:1: '<<' as a key has a meaning in YAML 1.1 and none here",
    "=: 1": "r.yaml:1:1: '=' as a key has a meaning in YAML 1.1 and none here; put it in quotes",
    "a: 1\n\tb: 2": "r.yaml:2:1: a: a tab is not allowed for indentation; use spaces",
    "a: b: c": "r.yaml:1:5: a second ':' in a line, or a wrong indentation; quote a text that holds ': '",
    "a:\n  b: 1\n c: 2": "r.yaml:3:2: this line does not line up with the keys above it; indent it as they are",
    "a: 'x": "r.yaml:1:6: a: a quote is opened and never closed",
    "{a: 1": "a ',' or a '}' is missing",
    "a: @x": "r.yaml:1:4: a: a word cannot begin with '@'; put it in quotes",
    "a: *x": "r.yaml:1:4: a: '*x' has no anchor; its anchor '&x' must stand before it, complete",
    "a: &x [*x]": "r.yaml:1:8: a.0: '*x' has no anchor",
    "a: &x b\n*x : 1": "r.yaml:2:1: '*x' cannot be a key; write the key out",
    "--- {a: 1}\n---\nb: 2": "r.yaml:2:1: a second document begins here; a recipe is one document",
    "%YAML 1.1\n---\na: 1": "'%YAML 1.1' asks for rules that recipes do not follow",
    "": "r.yaml: the file is empty; a recipe is a mapping of keys",
    "# only a comment": "r.yaml: the file is empty",
    "a: \x07": "r.yaml:1:4: the character 'U+0007' may not stand in YAML",
    "a: \ud800": "r.yaml:1:4: half of a character",
    b"a: 1\nb: \xff": "r.yaml:2:4: byte 8 is '0xff', which is not UTF-8; save the file as UTF-8",
    "a: 1".encode("utf-16"): "r.yaml:1:1: the file is in UTF-16; save it as UTF-8",
}


@pytest.mark.parametrize(("text", "message"), REFUSALS.items())
def test_a_text_that_is_no_recipe_is_refused_with_its_place(text, message):
    assert message in refusal(text)


def test_all_problems_of_a_text_are_told_at_once():
    problems = refusal("a: 010\nb: !!int 1\na: 2\n3: 4\nc: 1e999\nd: [").splitlines()
    assert [problem.partition(": ")[0] for problem in problems] == [
        "r.yaml:1:4", "r.yaml:2:4", "r.yaml:3:1", "r.yaml:4:1", "r.yaml:5:4", "r.yaml:7:1",
    ]  # fmt: skip


def test_a_thousand_problems_are_told_as_a_hundred():
    assert "reading stops after 100 problems" in refusal("a: 010\n" * 1000)


BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)
HUGE = {
    "a million brackets": ("[" * 1_000_000, "nested more than 100 levels deep"),
    "ten thousand mappings in one another": ("{a: " * 10_000, "nested more than 100 levels deep"),
    "ten thousand lists in one another": ("- " * 10_000, "nested more than 100 levels deep"),
    "ten thousand explicit keys": ("? " * 10_000, "nested more than 100 levels deep"),
    "an alias bomb": (BOMB, "more than 2000000 values, counting what aliases stand for"),
    "a text of ten million characters": ("a: " + "x" * 10_000_000, "a text of 10000000 characters"),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_text_is_refused_after_a_few_events(name, monkeypatch):
    text, message = HUGE[name]
    parsers = []
    monkeypatch.setattr(yaml_walk, "CParser", lambda text: parsers.append(Counting(text)) or parsers[-1])
    assert message in refusal(text)
    assert 0 < sum(parser.events for parser in parsers) < 1000


class Counting(CParser):
    """A parser that counts what it gave."""

    events = 0

    def get_event(self):
        self.events += 1
        return super().get_event()


DEEP = {
    "brackets": ("[" * 1500, "1:101"),
    "lists of two": ("[x, " * 1500, "1:401"),
    "mappings": ("{a: " * 1500, "1:401"),
    "block and flow": ("- " * 60 + "[" * 1500, "1:161"),
    "behind text of two bytes a letter": ("a: é\nb: " + "[é, " * 1500, "2:400"),
}


@pytest.mark.parametrize("name", DEEP)
def test_too_deep_a_text_is_told_where_it_gets_too_deep_whichever_libyaml_reads_it(name):
    text, place = DEEP[name]
    assert f"r.yaml:{place}: " in refusal(text)
    assert "nested more than 100 levels deep; a recipe needs about ten" in refusal(text)


def test_problems_before_too_deep_a_text_are_told_with_it():
    first, second = (
        refusal("a: 010\na: " + "[" * 1500).splitlines()[0],
        refusal("a: 010\nb: " + "[" * 1500).splitlines()[-1],
    )
    assert first.startswith("r.yaml:1:4: a: ")
    assert second.startswith("r.yaml:2:103: b.0.0")


# ------------------------------------------------------------------------------------------------ any text

PIECES = st.sampled_from([*REFUSALS, "a: 1\n", "b: [x, {c: 2}]\n", "- d\n", "&e ", "*e", "\n", "  ", "é: |\n  f\n"])
TEXTS = st.text(max_size=60) | st.binary(max_size=60) | st.lists(
    PIECES.filter(lambda piece: isinstance(piece, str) and len(piece) < 100), max_size=8
).map("".join)  # fmt: skip


def test_nothing_but_a_recipe_error_leaves_the_reader_whatever_the_text():
    accepted, refused = [], []

    @settings(max_examples=1500, deadline=None)
    @given(TEXTS)
    @example("a: 1")
    def read(text):
        try:
            accepted.append(read_yaml(text, "r.yaml"))
        except RecipeError:
            refused.append(text)

    read()
    assert len(accepted) > 50
    assert len(refused) > 50


# ------------------------------------------------------------------------------------------------- writing

ODD_WORDS = [
    "",
    "no",
    "Yes",
    "~",
    "null",
    "1:30",
    "1_000",
    "010",
    "0x1",
    ".5",
    "1e5",
    ".nan",
    "=",
    "<<",
    "- a",
    "a: b",
    "#x",
]
ODD_WORDS += [
    "a #b",
    " x",
    "x ",
    "it's",
    '"',
    "\\",
    "a\tb",
    "\x85",
    "\u2028",
    "\ufeff",
    "|",
    "---",
    "%x",
    "@",
    "!x",
    "&a",
    "*a",
]
ODD_WORDS += [
    "a\nb",
    "a\nb\n",
    "a\n\nb",
    "a\n b\n",
    "\n",
    "a\n",
    "a  \nb",
    "\U000e0001",
    "${params.n}",
    "2001-01-01",
    "[",
    "{",
]
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(ODD_WORDS)
LEAVES = WORDS | st.integers() | st.floats() | st.booleans() | st.none()
VALUES = st.recursive(
    LEAVES, lambda below: st.lists(below, max_size=30) | st.dictionaries(WORDS, below, max_size=6), max_leaves=60
)


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_what_is_written_reads_back_equal_bit_for_bit(value):
    assert same(read_yaml(dump_yaml(value), "r.yaml"), value)


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_what_is_written_reads_back_equal_in_a_reader_of_yaml_1_1(value):
    assert same(yaml.load(dump_yaml(value), yaml.CSafeLoader), value)


def test_a_recipe_is_written_as_a_person_would():
    text = "description: one plus one\ntensors:\n  x: {init: tensor, data: [1.0, .nan], dtype: float64}\nsteps:\n"
    text += "  y: {op: '+', args: [x, 1.0e-05]}\nexpect:\n  y.grad: null\n"
    assert dump_yaml(read_yaml(text, "r.yaml")) == text


def test_a_long_list_is_filled_into_lines():
    lines = dump_yaml({"a": {"b": {"data": list(range(1000))}}}).splitlines()
    assert len(lines) < 60
    assert max(map(len, lines)) <= 120


def test_a_paragraph_is_written_as_a_block():
    assert dump_yaml({"description": "one\ntwo\n"}) == "description: |\n  one\n  two\n"


def test_what_is_no_plain_value_cannot_be_written():
    with pytest.raises(TypeError, match="'object' is not a plain value"):
        dump_yaml({"a": object()})
