"""What an editor shows of a recipe: the YAML language server completes, explains and marks by the recipe's JSON Schema."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import language_server as rig
from tests.language_server import LanguageServer, language_server
from tests.processes import finished

PAGE = Path(__file__).parent.parent / "docs" / "editor.md"
SCHEMA = Path(__file__).parent.parent / "docs" / "recipe.schema.json"
RECIPE = "recipes/attention.yaml"

OFFERED = {
    "a key at the top": ("tens█", ["tensors", "steps", "backward", "expect", "relations", "tolerance"], ["op", "starts"]),
    "the word of an init": ("tensors:\n  x: {init: ar█}", ["arange", "randn", "full_like", "as_strided"], ["op"]),
    "a parameter of an init": ("tensors:\n  x:\n    init: arange\n    █", ["end", "start", "step", "dtype"], ["size"]),
    "in braces": ("tensors:\n  x: {init: full, s█}", ["size", "fill_value", "requires_grad"], ["end"]),
    "a parameter's word": ("tensors:\n  x: {init: kaiming_normal, mode: █}", ["fan_in", "fan_out"], ["relu"]),
    "a tensor's dtype": ("tensors:\n  x: {data: 1.0, dtype: █}", ["float8_e4m3fn", "int64", "floating"], ["cpu"]),
    "an op": ("steps:\n  y: {op: soft█}", ["softmax", "F.softmax", "linalg.qr", '"[]"', "view"], ["__add__", "randn_"]),
    "an argument of an op": ("steps:\n  y:\n    op: F.softmax\n    kwargs:\n      █", ["dim", "dtype"], ["other"]),
    "a word of an op": ("steps:\n  y: {op: F.mse_loss, kwargs: {reduction: █}}", ["mean", "none", "sum"], ["max"]),
    "the recipe's dtype": ("dtype: █", ["float64", "float32", "bfloat16", "float16"], ["int64"]),
    "a device": ("device: █", ["auto", "cpu", "cuda", "mps", "npu"], ["gpu"]),
    "a backend": ("backend: █", ["eager", "inductor", "aot_eager"], ["float32"]),
    "a key of a backend": ("backend:\n  █", ["name", "mode", "fullgraph", "options", "calls"], ["device"]),
    "a key of a step": ("steps:\n  y:\n    █", ["op", "args", "kwargs", "with", "repeat", "seed"], ["init"]),
    "a key beside an op": ("steps:\n  y:\n    op: add\n    █", ["args", "kwargs", "retain_grad"], ["with", "steps"]),
    "a context": ("steps:\n  y:\n    with: █", ["no_grad", "enable_grad", "inference_mode", "autocast"], ["add"]),
    "an op in a block": ("steps:\n  y:\n    with: no_grad\n    steps:\n      z: {op: ad█}", ["add", "add_"], ["no_grad"]),
    "what is expected": ("expect:\n  y:\n    █", ["value", "close", "rtol", "ulp", "shape", "when"], ["step"]),
    "an error": ("expect:\n  error:\n    █", ["step", "type", "match"], ["value"]),
    "a kind of relation": ("relations:\n  █", ["batch", "permutation", "scaling", "repeat"], ["x"]),
    "a layout": ("relations:\n  layout:\n    x: █", ["transposed", "gapped", "offset"], ["batch"]),
    "a setting": ("settings:\n  █", ["deterministic", "num_threads", "sdp_backend"], ["dtype"]),
    "a setting's word": ("settings:\n  float32_matmul_precision: █", ["highest", "high", "medium"], ["low"]),
    "a known fault": ("xfail:\n  - █", ["when", "keys", "reason", "issue", "at_most"], ["value"]),
    "a key of a case": ("cases:\n  small:\n    █", ["params", "tensors", "expect"], ["cases", "defaults"]),
    "an init in a case": ("cases:\n  small:\n    tensors:\n      x: {init: r█}", ["rand", "randn"], ["op"]),
}  # fmt: skip
"""Where the cursor stands, what is offered there, and what is not."""

EXPLAINED = {
    "a key": ("dty█pe: float64", "The floating dtype of all tensors that do not pin theirs. Default: `float32`."),
    "tensors": ("ten█sors: {x: 1.0}", "The tensors that the run starts from."),
    "an init": ("tensors:\n  x: {init: ar█ange, end: 3}", "Numbers in equal steps: .* Takes end, start \\(0\\), step \\(1\\)."),
    "a parameter": ("tensors:\n  x: {init: arange, e█nd: 3}", "Where it stops; this number is not one of them."),
    "a key of a tensor": ("tensors:\n  x: {data: 1.0, requires_gr█ad: true}", "Whether it has a gradient."),
    "an op": ("steps:\n  y: {op: F.soft█max}", "softmax.input, dim=None, dtype=None.\\s+Apply a softmax function."),
    "an op's key": ("steps:\n  y: {o█p: my.own}", "The op, by its name in torch"),
    "an argument of an op": ("steps:\n  y: {op: softmax, kwargs: {d█im: 0}}", "int"),
    "a key of a step": ("steps:\n  y: {repeat: 2, steps: {z: x + 1}, car█ry: {x: z}}", "which step gives a value of the next round"),
    "an expectation": ("expect:\n  y: {value: 1.0, rt█ol: 0.1}", "The relative tolerance"),
    "a relation": ("relations:\n  bat█ch: {x: 0}", "Row by row: .* It is written batch"),
    "a setting": ("settings: {determ█inistic: true}", "Sets torch.use_deterministic_algorithms."),
    "a mark": ("xfail:\n  - {reason: known, at_mo█st: 30}", "how many times|How many times"),
}  # fmt: skip

MARKED = {
    "dtype: float33": "float64.*float16",
    "tensors: {x: {init: arange, stop: 3}}": "Property stop is not allowed.*Missing property .end.",
    "stepz: {}": "Property stepz is not allowed",
    "steps: {half: x + 1}": "A name is an identifier",
    "steps: {y: {args: [x]}}": "Missing property .op.",
    "seed: x": "integer",
    "steps: {y: {op: add, argz: [x]}}": "Property argz is not allowed",
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[LanguageServer]:
    """The server, started once for the tests of this file, and ended after them."""
    with language_server(SCHEMA) as started:
        yield started


@pytest.mark.parametrize(("text", "offered", "others"), OFFERED.values(), ids=OFFERED)
def test_an_editor_offers(server: LanguageServer, text: str, offered: list[str], others: list[str]) -> None:
    found = server.completions(f"{text}\n")
    assert [word for word in offered if word not in found] == []
    assert [word for word in others if word in found] == []


def test_what_is_offered_is_explained(server: LanguageServer) -> None:
    keys, inits, ops = (
        server.completions(f"{OFFERED[one][0]}\n") for one in ("a key at the top", "the word of an init", "an op")
    )
    for found, least in ((keys, 25), (inits, 45), (ops, 1000)):
        assert len(found) > least
        assert sum(not words for words in found.values()) < len(found) / 20
    assert ops["F.softmax"].startswith("nn.functional.softmax(input, dim=None, dtype=None)")


@pytest.mark.parametrize(("text", "words"), EXPLAINED.values(), ids=EXPLAINED)
def test_an_editor_explains(server: LanguageServer, text: str, words: str) -> None:
    assert re.search(words, server.hover(f"{text}\n").replace("\\", "").replace("\n", " "))


@pytest.mark.parametrize("text", MARKED)
def test_an_editor_marks(server: LanguageServer, text: str) -> None:
    assert re.search(MARKED[text], " ".join(server.problems(f"{text}\n")))


def test_an_editor_marks_nothing_in_a_recipe_that_is_well(server: LanguageServer) -> None:
    assert server.problems((SCHEMA.parent.parent / RECIPE).read_text(encoding="utf-8")) == []


def test_a_recipe_of_a_thousand_steps_is_not_too_large_for_it(server: LanguageServer) -> None:
    steps = "".join(f"  y{at}: {{op: F.softmax, args: [x], kwargs: {{dim: -1}}}}\n" for at in range(1000))
    tensors = "".join(f"  x{at}: {{init: randn, size: [4, 4]}}\n" for at in range(100))
    text = f"tensors:\n  x: {[*range(5000)]}\n{tensors}steps:\n{steps}"
    assert server.problems(text) == []
    assert "Apply a softmax" in server.hover(text.replace("F.softmax", "F.soft█max", 1))
    assert "arange" in server.completions(text.replace("init: randn", "init: █", 1))


@pytest.mark.parametrize("line", ["# yaml-language-server: $schema=other.json", "# $schema: other.json"])
def test_a_recipe_names_the_schema_that_counts_for_it(server: LanguageServer, tmp_path: Path, line: str) -> None:
    (tmp_path / "other.json").write_text('{"type": "object", "properties": {"of_the_other": {}}}')
    assert line.replace("other.json", "recipe.schema.json") in PAGE.read_text(encoding="utf-8")
    assert "of_the_other" in server.completions(f"{line}\nof█\n", tmp_path / "r.yaml")


def test_the_page_tells_each_editor_of_the_same_file() -> None:
    page = PAGE.read_text(encoding="utf-8")
    [code] = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    [helix] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    schemas = tomllib.loads(helix)["language-server"]["yaml-language-server"]["config"]["yaml"]["schemas"]
    assert json.loads(code) == {"yaml.schemas": {file: [pattern] for file, pattern in schemas.items()}}
    assert set(schemas) == {"./recipe.schema.json"}


def test_the_patterns_are_what_editors_take_for_patterns() -> None:
    found = sorted(set(patterns(json.loads(SCHEMA.read_text(encoding="utf-8")))))
    assert len(found) > 40
    program = "for (const one of JSON.parse(process.argv[1])) new RegExp(one, 'u')"
    done = finished(rig.node(), "-e", program, json.dumps(found))
    assert (done.returncode, done.stderr) == (0, "")


def patterns(part: Any) -> Iterator[str]:
    """The patterns of a schema: of texts, and of keys."""
    for below in part if isinstance(part, list) else ():
        yield from patterns(below)
    for key, below in part.items() if isinstance(part, dict) else ():
        if key == "pattern" and isinstance(below, str):
            yield below
        if key == "patternProperties":
            yield from below
        yield from patterns(below)


def test_where_it_is_missing_a_test_fails_and_says_how_it_comes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(rig, "FOLDER", tmp_path)
    with (
        pytest.raises(pytest.fail.Exception, match=r"install it by `\.ci/yaml-language-server`"),
        language_server(SCHEMA),
    ):
        pass
