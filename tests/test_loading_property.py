"""Whatever the text, the bytes, the mapping or the overrides: nothing but RecipeError leaves loading."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tensorflow_free import Recipe, RecipeError, load_recipe

RECIPES = Path(__file__).parent.parent / "recipes"
TEXTS = [file.read_text(encoding="utf-8") for file in sorted(RECIPES.rglob("*.yaml"))]
TOKEN = re.compile(r"\w+|[^\w\s]|\s+")
MOTLEY = """
description: a recipe with something of everything
tags: [a, b]
device: cpu
dtype: float64
seed: 3
backend: {name: eager}
settings: {num_threads: 1, sdp_backend: [math]}
params: {n: 2, word: sum}
cases: {small: {params: {n: 1}}}
tensors:
  x: {init: randn, size: [2, 3], requires_grad: true, stride: [3, 1], seed: 4}
  i: [0, 1]
  e: {init: empty_like, input: x, dtype: float32}
  r: {init: arange, end: 6, shape: [2, 3]}
steps:
  a: {op: mul, args: [x, 2.0], retain_grad: true}
  b: {op: sum, args: [a], kwargs: {dim: 0, keepdim: true}}
  c: {op: '[]', args: [a, "0, 1:"]}
  d: F.mse_loss(a, x, reduction='sum')
  quiet: {with: {autocast: {dtype: bfloat16}}, steps: {q: {op: relu, args: [r]}}}
  loop: {repeat: 2, carry: {x: s}, trace: [s], steps: {s: {op: add, args: [x, {tensor: 1.5}]}}}
  g: {op: grad, args: [d, [x]], kwargs: {create_graph: true}}
backward: [{target: d, gradient: {init: ones}, inputs: [x], retain_graph: true}, d]
checks: {k: {op: allclose, args: [a, a]}}
expect:
  b: {shape: [1, 3], dtype: floating, when: {device: cpu}}
  x: [{contiguous: true}, {value: 1.0, rtol: 0.1, when: {dtype: float16}}]
  x.grad: {close: x.grad}
tolerance: {float32: {rtol: 0.1, atol: 0.1}}
record: all
input_precision: float16
reference: {device: cpu}
xfail: [{when: {device: cuda}, keys: [a], reason: none}]
"""
"""A valid recipe that uses each key of the format."""

WORDS = sorted({word for text in [*TEXTS, MOTLEY] for word in TOKEN.findall(text) if word.strip()})
"""Everything that valid recipes are made of."""

ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 2**63, -(2**70), 10**400, 1e308, float("nan"), float("inf"), "", " ", ".", "..", "x", "x.",
    ".x", "x.grad", "x.0", "x.__class__", "no", "nan", "1e400", "cpu:", "cuda:²", "cpu:999", "float64", "eager", "auto", "all",
    "${params.n}", "${", "${a:b}", "\\", "{", "x[", "lambda: 0", "((((", "1 +", "aten.add.Tensor", "[]", "backward", "()", "\0", "é", "ﬁ", "\u2028",
    [], [[]], [None], [[1], 2], {}, {"": 0}, {"op": 1}, {"ref": []}, {"ref": "x", "str": "y"}, {"finfo": {}}, {"dtype": 3}, {"tensor": {}},
    {"tensor": [[1], 2]}, {"complex": ["a", 1]}, {"init": []}, {"init": "ones", "size": {}}, {"a": {"b": [{}]}}, {"steps": {}}, {"autocast": []},
]  # fmt: skip
"""Values that are likely to be taken for something else."""

seen: Counter[str] = Counter()
quietly = settings(
    max_examples=150,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def loaded(source: str | Path | Mapping[str, Any], overrides: Sequence[str] = ()) -> Recipe | None:
    """The recipe, or None where it is refused; anything but RecipeError fails the test."""
    try:
        recipe = load_recipe(source, overrides)
    except RecipeError as error:
        refused = error
    else:
        seen["accepted"] += 1
        return recipe
    seen["refused"] += 1
    assert refused.problems
    assert all(str(problem).strip() for problem in refused.problems)
    return None


def nested() -> st.SearchStrategy[Any]:
    """Anything that YAML can hold, the odd more often."""
    leaves = st.sampled_from(ODD) | st.sampled_from(WORDS) | st.integers() | st.floats() | st.text(max_size=8)
    keys = st.sampled_from(WORDS) | st.text(max_size=4)
    return st.recursive(
        leaves, lambda below: st.lists(below, max_size=4) | st.dictionaries(keys, below, max_size=3), max_leaves=6
    )


def paths(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each value of nested mappings and lists."""
    for key, below in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield (*path, key)
        yield from paths(below, (*path, key))


def changed(mapping: dict[str, Any], path: tuple[Any, ...], value: Any, *, key: str | None = None) -> dict[str, Any]:
    """A copy with another value at `path`, or with another key there."""
    result = copy.deepcopy(mapping)
    node: Any = result
    for part in path[:-1]:
        node = node[part]
    if key is not None and isinstance(node, dict):
        node[key] = node.pop(path[-1])
    else:
        node[path[-1]] = value
    return result


WHOLE: dict[str, Any] = yaml.safe_load(MOTLEY)
PATHS = list(paths(WHOLE))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file for a recipe's text."""
    return tmp_path / "recipe.yaml"


@quietly
@given(text=st.text(max_size=200))
def test_any_text_is_refused_or_accepted(file: Path, text: str) -> None:
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    loaded(file)


@quietly
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_refused_or_accepted(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    loaded(file)


@quietly
@given(
    pieces=st.lists(
        st.sampled_from([*WORDS, "\n", "\n  ", "\n    ", ": ", " ", ", ", "- ", "&a ", "*a", "!!str ", "<<: "]),
        max_size=60,
    )
)
def test_any_salad_of_words_is_refused_or_accepted(file: Path, pieces: list[str]) -> None:
    file.write_text("".join(pieces), encoding="utf-8")
    loaded(file)


@quietly
@given(choice=st.data())
def test_a_recipe_with_a_token_dropped_doubled_or_altered_is_refused_or_accepted(
    file: Path, choice: st.DataObject
) -> None:
    tokens = TOKEN.findall(choice.draw(st.sampled_from([*TEXTS, MOTLEY])))
    for _ in range(choice.draw(st.integers(1, 3))):
        position = choice.draw(st.integers(0, len(tokens) - 1))
        word = choice.draw(
            st.sampled_from(WORDS) | st.sampled_from(["\n", "\t", " ", ":", "{", "}", "[", "]", "'", '"'])
        )
        tokens[position : position + 1] = choice.draw(
            st.sampled_from([[], [tokens[position]] * 2, [word], [word, tokens[position]]])
        )
    file.write_text("".join(tokens), encoding="utf-8")
    loaded(file)


@quietly
@given(choice=st.data())
def test_a_mapping_with_anything_in_any_place_is_refused_or_accepted(choice: st.DataObject) -> None:
    mapping = WHOLE
    for _ in range(choice.draw(st.integers(1, 2))):
        places = list(paths(mapping))
        if places:
            mapping = changed(mapping, choice.draw(st.sampled_from(places)), choice.draw(nested()))
    loaded(mapping)


@quietly
@given(path=st.sampled_from(PATHS), key=st.sampled_from(WORDS) | st.text(max_size=6))
def test_a_mapping_with_another_key_in_any_place_is_refused_or_accepted(path: tuple[Any, ...], key: str) -> None:
    loaded(changed(WHOLE, path, None, key=key))


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20])
def test_an_odd_value_in_each_place_is_refused_or_accepted(value: Any) -> None:
    for path in PATHS:
        loaded(changed(WHOLE, path, value))


@quietly
@given(choice=st.data())
def test_any_override_is_refused_or_accepted(choice: st.DataObject) -> None:
    key = choice.draw(st.sampled_from([".".join(map(str, path)) for path in PATHS]) | st.text(max_size=10))
    value = choice.draw(
        st.sampled_from(WORDS)
        | st.text(max_size=20)
        | st.sampled_from(["[]", "{}", "[1,2]", "{a: 1}", "null", "", "'", "1,2"])
    )
    loaded(
        WHOLE,
        [
            choice.draw(st.sampled_from(["", "+", "++", "~"]))
            + key
            + choice.draw(st.sampled_from(["=", "", "=="]))
            + value
        ],
    )


@quietly
@given(
    text=st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            [*"()[]{}.,:+-*/@<>=!~'\"0 ", "x", "i", "a", "sum", "F", "relu", "**", "lambda", "0.5", "1j", "if", "for"]
        ),
        max_size=14,
    ).map(" ".join)
)
@pytest.mark.parametrize("place", ["step", "subscript", "argument", "data"])
def test_any_line_in_a_step_is_refused_or_accepted(place: str, text: str) -> None:
    step = {"step": text, "subscript": {"op": "[]", "args": ["x", text]}}.get(place, {"op": "add", "args": ["x", text]})
    loaded({"tensors": {"x": [1.0, 2.0], "i": [0], "a": text if place == "data" else 1.0}, "steps": {"y": step}})


def test_a_mapping_may_hold_tensors_anywhere() -> None:
    for path in PATHS:
        loaded(changed(WHOLE, path, torch.ones(2, 3)))


def test_the_recipe_with_something_of_everything_is_accepted() -> None:
    assert loaded(WHOLE) is not None


def test_the_recipes_as_they_stand_are_accepted() -> None:
    assert len(TEXTS) >= 45
    assert loaded(RECIPES / "linear_autograd.yaml") is not None


def test_both_accepted_and_refused_were_seen() -> None:
    for _ in range(2):  # whichever tests of this file ran before in this process
        for path in PATHS[:40]:
            loaded(changed(WHOLE, path, 1))
        loaded(WHOLE)
    assert seen["refused"] >= 50
    assert seen["accepted"] >= 2
