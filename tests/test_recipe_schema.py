"""The JSON Schema of a recipe: it takes every recipe that there is, and refuses what is wrong by its form alone."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from jsonschema import Draft7Validator

from tensorflow_free import RecipeError, load_recipe, run_recipe
from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.editor.recipe_schema import ON_COMMAND_LINE, of_names, text_of
from tensorflow_free.editor.schema_parts import words_of_fields
from tensorflow_free.plan.settings import SETTINGS
from tensorflow_free.recipe import models
from tensorflow_free.recipe.init_kinds import INIT_KINDS
from tensorflow_free.recipe.keys import KEYS
from tensorflow_free.recipe.models import Model, Recipe, TensorSpec, written_keys
from tensorflow_free.recipe.relation_kinds import RELATION_KINDS
from tensorflow_free.registry import torch_names
from tests.test_format_page import EXAMPLES
from tests.test_refusals import FOLDER as REFUSALS
from tests.test_refusals import Refusal, refusals

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "editor.md").read_text(encoding="utf-8")
PAGE_RECIPES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
KEPT = ROOT / "docs" / "recipe.schema.json"
PINNED = re.search(r"^torch==(.+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)[1]
FOLDERS = ("recipes", "docs", "examples", "tests")


@cache
def schema() -> dict[str, Any]:
    return json.loads(KEPT.read_text(encoding="utf-8"))


@cache
def validator() -> Draft7Validator:
    """The schema without what is told of each op, which refuses nothing (see below) and takes long."""
    definitions = {**schema()["definitions"], "of_each_op": {}}
    return Draft7Validator({**schema(), "definitions": definitions})


def fits(written: Any) -> bool:
    return validator().is_valid(written)


def test_what_is_kept_is_a_schema_and_is_what_is_made_of_the_tables() -> None:
    Draft7Validator.check_schema(schema())
    made = of_names(sorted(torch_names().all))
    if torch.__version__.partition("+")[0] != PINNED:
        # another torch has other ops
        for one in (made, written := json.loads(KEPT.read_text(encoding="utf-8"))):
            del one["definitions"]["op"], one["definitions"]["of_each_op"]
        assert made == written
        return
    anew = "write it anew: recipe schema recipe --installed > docs/recipe.schema.json"
    assert KEPT.read_text(encoding="utf-8") == text_of(made), anew


def test_what_is_told_of_each_op_refuses_nothing() -> None:
    part = schema()["definitions"]["of_each_op"]
    assert set(words_in(part)) == {"if", "then", "else", "properties", "description", "examples"}
    softmax = {"steps": {"y": {"op": "softmax", "args": ["x"], "kwargs": {"dim": 0, "another": 1}}}}
    assert Draft7Validator(schema()).is_valid(softmax)


def found_by(tree: dict[str, Any], key: str, word: str) -> dict[str, Any] | None:
    """What a search by halving leads to for a word; None for one that is not in it."""
    while True:
        condition = tree["if"]["properties"][key]
        if "const" in condition:
            return tree["then"] if condition["const"] == word else None
        tree = tree["then"] if re.search(condition["pattern"], word) else tree["else"]


def test_each_op_that_is_offered_is_told_of() -> None:
    offered = next(one for one in schema()["definitions"]["op"]["anyOf"] if "enum" in one)
    for op, says in zip(offered["enum"], offered["enumDescriptions"], strict=True):
        found = found_by(schema()["definitions"]["of_each_op"], "op", op)
        assert found is not None, op
        assert found["properties"]["op"]["description"] == says
    for word in ("", "sof", "softmaxx", "my.op", "zzz", "F.", "~~", "Ω"):
        assert found_by(schema()["definitions"]["of_each_op"], "op", word) is None


def words_in(part: Any) -> Any:
    """The keywords of a part of the schema, but for those of its conditions."""
    for key, below in part.items() if isinstance(part, dict) else ():
        yield key
        if key == "properties":
            for one in below.values():
                yield from words_in(one)
        elif key != "if":
            for one in below if isinstance(below, list) else [below]:
                yield from words_in(one)


# what it takes


def recipes() -> dict[str, Any]:
    """Every recipe of the repository that is meant to be well, by its path; and the examples of the format's page."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            if not {"refusals", ".hydra"} & set(path.parts):
                found[str(path.relative_to(ROOT))] = read_yaml(path.read_bytes(), path.name)
    return found | {f"the format's page, line {one.line}": read_yaml(one.text.encode(), "") for one in EXAMPLES}


def why_not(written: Any) -> list[str]:
    """What the schema has against a recipe."""
    return [f"{'.'.join(map(str, one.absolute_path))}: {one.message[:200]}" for one in validator().iter_errors(written)]


def test_it_takes_every_recipe_of_the_repository() -> None:
    found = recipes()
    assert len(found) > 280
    assert {name: why for name, written in found.items() if (why := why_not(written))} == {}


def test_yaml_of_version_1_1_reads_the_recipes_that_are_shipped_alike() -> None:
    for path in sorted((ROOT / "recipes").rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        assert repr(yaml.safe_load(text)) == repr(read_yaml(text, path.name)), path


def test_the_loader_of_the_page_on_editors_reads_as_recipes_are_read() -> None:
    [script] = re.findall(r"^```python\n(.*?)^with ", PAGE, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {"__name__": "validate"}
    exec(script, names)
    for one in EXAMPLES:
        read = yaml.load(one.text, names["Loader"])
        assert repr(read) == repr(read_yaml(one.text, "")), one
    text = "[1e-9, 1.0e-9, 1e3, .5, 1., -.inf, .nan, 0o17, 0x1f, no, on, ~, true, 2020-01-01, 1:30, 1_000]"
    assert repr(yaml.load(text, names["Loader"])) == repr(read_yaml(text, ""))


@pytest.mark.parametrize(
    "written",
    [
        {"params": {"n": 3}, "seed": "${params.n}", "tensors": {"x": {"init": "ones", "size": "${params.n}"}}},
        {"params": {"t": "float"}, "dtype": "${params.t}32", "tensors": {"x": "${tensors.y}", "y": [1.0, "${params.n}"]}},
        {"steps": {"y": {"repeat": "${params.n}", "steps": {"z": {"op": "my.own_op", "kwargs": {"a": "${params.n}"}}}}}},
        {"expect": {"y": "${params.n}", "z": {"value": 1, "rtol": "${params.n}", "when": {"dtype": "${dtype}"}}}},
        {"settings": {"num_threads": "${params.n}"}, "backend": "${params.backend}", "device": "${params.device}:1"},
        {"defaults": ["line"], "tensors": {"w": {"requires_grad": True}}, "steps": {"y": {"kwargs": {"dim": 0}}}},
        {"cases": {"a": {"tensors": {"w": {"size": [3]}}, "params.n": 3}}, "tensors": {"w": {"init": "rand"}}},
        {"backward": [{"target": "y", "gradient": {"init": "full", "fill_value": 2.0}}, "z"]},
        {"relations": {"batch": {"of": {"x": 0}, "bits": True}, "chunk": [{"x": {"dim": 0, "size": 2}}, {"x": 1}]}},
    ],
    ids=str,
)  # fmt: skip
def test_it_takes(written: dict[str, Any]) -> None:
    assert why_not(written) == []


# what it refuses

NOT_OF_FORM = {
    "which names there are, and what each is": (
        r"is not a value of this recipe|is used (before|in its)|is given twice; it is already|is one of `checks`|"
        r"is not a tensor (given before|of this)|is not a step of|no value of its own|is not a case|is not traced|"
        r"is not something that the result has|is a key of what is expected|is a word to YAML|is not a number; a bound is|"
        r"a value given before the block|is the name of a part|is the name of a value|"
        r"names no key of the recipe|leads back to itself|is a (mapping|list) and cannot stand inside|is called: |"
        r"is not a field|changes more than the tensors|is given twice, here and by another|is not a starting tensor|has the name"
    ),
    "what an op is, and what it takes": (
        r"is not an op|: steps\.[^ ]*\.(args|kwargs)\b|: steps\.[^ ]*: \S+ needs|is not a parameter of \w+[;:]? .*\(|"
        r"registered here|cannot be called|is a dtype and not an operation|is not an operation|needs 'target'|a method is called|does not fit 'dtype'|: steps.y_1: "
    ),
    "the grammar of a line": r"steps\.\w+: .*(cannot be read|cannot stand in a step|given twice; keep|too deeply|too many for|cannot spread|not a field|compares more|second way)",
    "what another file holds": r"\.path: |\.key: |there is no recipe|^\{folder\}",
    "what this machine, this torch and its compilers have": (
        r"is not available|does not fit the option|this machine has|this process's|is not a backend|not a mode of|is not an option|an option of|for compilers"
    ),
    "what a reference stands for": r"'\[three\]' is not a size",
    "what a number is beside others": (
        r"does not fit in|does not step|steps nowhere|finite number|steps away|ragged|does not hold|dimensions|overlap|"
        r"have gradients|is not the dtype of the memory|is for tensors of|is not a regular expression|which looks alike|is not a shape"
    ),
}
"""Why a schema cannot tell that a recipe is wrong, and what is said of such recipes; all others are wrong by their form."""


def told(refusal: Refusal) -> list[str]:
    """Each thing that is said of a bad recipe."""
    return [*refusal.lines("error"), *(one.replace("\\", "") for one in refusal.lines("pattern"))]


def reason(said: str) -> str | None:
    """Why a schema cannot tell what is said, or None where it must."""
    return next((why for why, words in NOT_OF_FORM.items() if re.search(words, said)), None)


@cache
def bad() -> dict[str, tuple[Any, list[str]]]:
    """The bad recipes that are YAML and wrong as they stand in their file, with what is said of each."""
    found = {}
    for one in refusals():
        path = REFUSALS / f"{one.name}.yaml"
        if path.is_file() and not one.lines("override") and not one.lines("raises"):
            try:
                found[one.name] = read_yaml(path.read_bytes(), path.name), told(one)
            except RecipeError:
                continue
    return found


@cache
def accepted() -> dict[str, list[str]]:
    """The bad recipes that fit the schema, with what is said of each."""
    return {name: said for name, (written, said) in bad().items() if fits(written)}


def test_it_refuses_every_recipe_that_is_wrong_by_its_form() -> None:
    of_form = {name for name, (_, said) in bad().items() if any(reason(one) is None for one in said)}
    assert {name: said for name, said in accepted().items() if name in of_form} == {}
    assert len(of_form) > 200
    assert len(bad()) - len(accepted()) > 230


def test_each_reason_is_one_that_a_bad_recipe_has() -> None:
    assert {reason(one) for said in accepted().values() for one in said} == set(NOT_OF_FORM)


@pytest.mark.parametrize(
    ("good", "wrong"),
    [
        ({"dtype": "float32"}, {"dtype": "float33"}),
        ({"tensors": {"x": {"init": "arange", "end": 3}}}, {"tensors": {"x": {"init": "arange", "start": 3}}}),
        ({"tensors": {"x": {"init": "arange", "end": 3}}}, {"tensors": {"x": {"init": "arange", "end": 3, "size": 3}}}),
        ({"tensors": {"x": {"init": "rand", "size": 3}}}, {"tensors": {"x": {"init": "rnd", "size": 3}}}),
        ({"steps": {"y": {"op": "exp", "args": ["x"]}}}, {"steps": {"y": {"op": "exp", "arg": ["x"]}}}),
        ({"steps": {"y": {"with": "no_grad", "steps": {}}}}, {"steps": {"y": {"with": "nograd", "steps": {}}}}),
        ({"steps": {"y": {"repeat": 2, "steps": {}}}}, {"steps": {"y": {"repeat": 2, "steps": {}, "args": []}}}),
        ({"cases": {"a": {"seed": 1}}}, {"cases": {"a": {"sed": 1}}}),
        ({"cases": {"a": {"seed": 1}}}, {"cases": {"a": {"case": "b"}}}),
        ({"xfail": [{"reason": "known"}]}, {"xfail": [{"when": {"dtype": "float16"}}]}),
        ({"relations": {"upcast": "float64"}}, {"relations": {"upcast": "int64"}}),
        ({"relations": {"scaling": {"of": {"x": 2}}}}, {"relations": {"scaling": {"of": {"x": 2}, "valuse": []}}}),
        ({"judge": {"k": 12}}, {"judge": {"k": 0}}),
        ({"settings": {"num_threads": 1}}, {"settings": {"num_threads": 0}}),
        ({"description": "a ${params.n}"}, {"description": "a ${oc.env:HOME}"}),
        ({}, {"starts": "outputs/before"}),
        ({}, {"$schema": "recipe.schema.json"}),
    ],
    ids=lambda one: json.dumps(one)[:60],
)
def test_one_wrong_word_is_refused(good: dict[str, Any], wrong: dict[str, Any]) -> None:
    assert fits(good)
    assert not fits(wrong)


# that nothing of the tables is missing


def test_each_key_init_setting_and_relation_is_in_it() -> None:
    definitions = schema()["definitions"]
    assert set(schema()["properties"]) == set(KEYS) - ON_COMMAND_LINE
    for name, kind in INIT_KINDS.items():
        own = found_by(definitions["tensor_mapping"]["allOf"][0], "init", name)
        assert own is not None
        assert set(own["properties"]) - set(written_keys(TensorSpec)) == set(kind.names) - set(written_keys(TensorSpec))
        needed = found_by(definitions["whole_tensor"]["then"]["allOf"][0], "init", name)
        assert needed == {"required": list(kind.required)}
    assert set(definitions["settings"]["anyOf"][0]["properties"]) == set(SETTINGS)
    assert set(definitions["relations"]["anyOf"][0]["properties"]) == set(RELATION_KINDS)
    offered = next(one["enum"] for one in definitions["op"]["anyOf"] if "enum" in one)
    assert {"softmax", "F.softmax", "nn.functional.softmax", "linalg.qr", "add_", "+", "[]=", "backward"} <= set(
        offered
    )
    assert len(offered) > 1000


def test_a_key_that_a_model_gets_has_words_and_is_in_it() -> None:
    models_with_words = [one for one in vars(models).values() if isinstance(one, type) and issubclass(one, Model)]
    for one in models_with_words:
        if one not in (Model, Recipe):
            assert set(one.model_fields) == set(words_of_fields(one)), one
    assert len(models_with_words) > 10


def test_every_key_of_a_mapping_has_words() -> None:
    # what a whole file needs names keys again, and what is told of each op has words for parameters
    kept = {key: one for key, one in schema()["definitions"].items() if not key.startswith(("whole_", "of_each_op"))}
    found = list(described({**schema(), "allOf": [], "definitions": kept}, ()))
    assert [path for path, words in found if not words] == []
    assert len(found) > 400


def described(part: Any, path: tuple[str, ...]) -> Any:
    """Each key that an editor offers, with what it says of it; a key that is only named there has its words elsewhere."""
    if isinstance(part, list):
        for one in part:
            yield from described(one, path)
    if not isinstance(part, dict):
        return
    for key, below in part.get("properties", {}).items() if isinstance(part.get("properties"), dict) else ():
        is_the_op = (key, below.get("$ref")) == ("op", "#/definitions/op") if isinstance(below, dict) else True
        if not is_the_op and path[-1:] not in (("if",), ("not",)):
            yield (*path, key), words_at(below)
    for key, below in part.items():
        if key not in ("enum", "const", "enumDescriptions", "defaultSnippets", "description"):
            yield from described(below, (*path, key))


def words_at(part: dict[str, Any]) -> str:
    """The words of a part, or of what it names."""
    named = schema()["definitions"].get(part.get("$ref", "").removeprefix("#/definitions/"), {})
    return part.get("description") or named.get("description") or ""


@pytest.mark.parametrize("text", PAGE_RECIPES)
def test_a_recipe_of_the_page_of_editors_runs_with_its_comment(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text, encoding="utf-8")
    assert "$schema" in text
    assert run_recipe(load_recipe(path)).is_well
    assert fits(read_yaml(text.encode(), "r.yaml"))
