"""Composition: defaults, file, case, overrides, references, in this order; and Hydra's own composition as the oracle."""

from __future__ import annotations

import contextlib
import math
import random
import re
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from tensorflow_free.commands.each_recipe import run_each
from tensorflow_free.commands.run_flags import sorted_words
from tensorflow_free.composition.compose import case_names, compose
from tensorflow_free.composition.grammar import for_hydra, hydra_override, parsed
from tensorflow_free.composition.merging import merged, placed
from tensorflow_free.composition.override_texts import case_override, parse_override, parse_overrides
from tensorflow_free.composition.overrides import apply_overrides
from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.errors import RecipeError
from tensorflow_free.recipe.dotted import path_of
from tensorflow_free.recipe.keys import defaults
from tests.processes import succeeded


def running(words, task):
    """Run a command line, as it is typed."""
    return run_each(sorted_words(words), task)


LINE = """\
tensors:
  x: {init: tensor, data: 1.0}
  w: {init: tensor, data: 2.0, requires_grad: true}
steps:
  wx: {op: mul, args: [w, x]}
  y: {op: add, args: [wx, 3]}
params: {n: 4}
cases:
  big: {params: {n: 400}, steps: {y: {op: sub}}}
  wide: {tensors: {x: {data: [1.0, 2.0]}}}
expect: {w.grad: 1.0}
"""


@pytest.fixture
def line(tmp_path: Path) -> Path:
    (tmp_path / "line.yaml").write_text(LINE)
    return tmp_path / "line.yaml"


def write(folder: Path, **texts: str) -> Path:
    for stem, text in texts.items():
        (folder / f"{stem}.yaml").write_text(text)
    return folder


def refusal(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(RecipeError) as caught:
        compose(*args, **kwargs)
    return str(caught.value)


# ----------------------------------------------------------------------------------------------------- sources


def test_a_file_is_composed_to_what_it_says(line):
    composed = compose(line)
    assert composed.mapping == read_yaml(LINE, "line.yaml")
    assert (composed.folder, composed.stem, composed.overrides) == (line.parent.resolve(), "line", ())


def test_a_mapping_is_composed_as_a_file_is(line):
    composed = compose(read_yaml(LINE, "r.yaml"), ["case=big", "steps.y.op=div"])
    assert composed.mapping == compose(line, ["case=big", "steps.y.op=div"]).mapping
    assert (composed.folder, composed.stem) == (None, "recipe")


def test_a_mapping_may_hold_tensors_and_is_not_changed():
    tensor, source = torch.ones(2), {"tensors": {"x": {"data": None}}, "steps": {"y": {"args": ("x",)}}}
    source["tensors"]["x"]["data"] = tensor
    composed = compose(source, ["steps.y.op=relu"])
    assert composed.mapping["tensors"]["x"]["data"] is tensor
    assert composed.mapping["steps"] == {"y": {"args": ["x"], "op": "relu"}}
    assert source["steps"] == {"y": {"args": ("x",)}}


def test_a_mapping_of_what_no_recipe_holds_is_refused():
    itself: dict[str, Any] = {}
    itself["params"] = itself
    assert "params.a: a 'object' cannot stand in a recipe" in refusal({"params": {"a": object()}})
    assert "params: the key 1 is not a word" in refusal({"params": {1: 2}})
    assert "holds itself" in refusal(itself)
    assert "a mapping has no folder" in refusal({"defaults": ["a"]})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lime.yaml", "lime.yaml: there is no such file; did you mean 'line.yaml'?"),
        ("", "this is a folder"),
        ("line.yaml/x", "the file cannot be read: Not a directory"),
        ("a\0b", "this is not the path of a file"),
    ],
)
def test_a_path_that_is_no_recipe_file_is_refused(line, name, message):
    assert message in refusal(f"{line.parent}/{name}")


@pytest.mark.parametrize("text", ["[a, b]", "word", "null"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path, text):
    assert "a recipe is a mapping" in refusal(write(tmp_path, a=text) / "a.yaml")


def test_problems_of_the_file_and_of_the_overrides_are_told_together(tmp_path):
    problems = refusal(write(tmp_path, a="params: {n: 010}\nparams: 1") / "a.yaml", ["seed=011", "sede=1"]).splitlines()
    assert len(problems) == 4


# ---------------------------------------------------------------------------------------------------- defaults


def test_the_file_wins_over_what_it_lists_unless_it_places_itself(tmp_path):
    write(
        tmp_path,
        low="seed: 1\ndtype: float64",
        last="seed: 2\ndefaults: [low]",
        first="seed: 3\ndefaults: [_self_, low]",
    )
    assert compose(tmp_path / "last.yaml").mapping == {"seed": 2, "dtype": "float64"}
    assert compose(tmp_path / "first.yaml").mapping == {"seed": 1, "dtype": "float64"}


def test_what_is_listed_later_wins_and_lists_are_replaced_whole(tmp_path):
    write(tmp_path, a="tags: [a, b]\nparams: {n: 1, m: 1}", b="tags: [c]\nparams: {n: 2}", c="defaults: [a, b]")
    assert compose(tmp_path / "c.yaml").mapping == {"tags": ["c"], "params": {"n": 2, "m": 1}}


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("[b]", "b.yaml:1:12: defaults.0: 'a' leads back to itself: a → b → a; break the circle"),
        ("[a]", "a.yaml:1:12: defaults.0: 'a' leads back to itself"),
        ("[missing]", "a.yaml:1:12: defaults.0: there is no recipe 'missing' in this folder"),
        ("[d, d]", "a.yaml:1:15: defaults.1: 'd' is listed twice"),
        ("[e, d]", "a.yaml:1:15: defaults.1: 'd' is listed twice"),
        ("[_self_, _self_]", "a.yaml:1:1: defaults: '_self_' is listed twice"),
        ("d", "a.yaml:1:1: defaults: 'd' is not a list; write `defaults: [other]`"),
        ("[d.yaml]", "'d.yaml' is a file's name; write its stem, 'd'"),
        ("[3]", "'3' is not a word"),
    ],
)
def test_a_wrong_list_of_defaults_is_refused_with_its_place(tmp_path, listed, message):
    write(tmp_path, a=f"defaults: {listed}", b="defaults: [a]", d="seed: 1", e="defaults: [d]")
    assert message in refusal(tmp_path / "a.yaml")


def test_two_hundred_recipes_in_a_chain_are_refused(tmp_path):
    write(tmp_path, **{f"r{number}": f"defaults: [r{number + 1}]" for number in range(200)})
    assert "is the end of 50 recipes in a chain" in refusal(tmp_path / "r0.yaml")


# ------------------------------------------------------------------------------------------------------- cases


def test_a_case_is_merged_over_the_file_and_under_the_command_line(line):
    assert compose(line, ["case=big"]).mapping["params"] == {"n": 400}
    assert compose(line, ["params.n=5", "case=big"]).mapping["params"] == {"n": 5}
    assert compose(line, ["case=big"]).mapping["steps"]["y"] == {"op": "sub", "args": ["wx", 3]}


def test_a_case_is_changed_before_it_is_merged(line):
    assert compose(line, ["case=big", "cases.big.params.n=7"]).mapping["params"] == {"n": 7}


def test_an_unknown_case_lists_those_there_are(line):
    assert "override 'case=bog': case: 'bog' is not a case of this recipe; did you mean 'big'?" in refusal(
        line, ["case=bog"]
    )
    assert "its cases are big, wide" in refusal(line, ["case=17"])
    assert "it has no cases" in refusal({}, ["case=big"])


@pytest.mark.parametrize("content", ["{case: b}", "{cases: {}}", "{defaults: [x]}", "[1]"])
def test_a_case_holds_keys_of_a_recipe_only(tmp_path, content):
    assert "a.yaml:1:" in refusal(write(tmp_path, a=f"cases: {{b: {content}}}") / "a.yaml", ["case=b"])


def test_the_names_of_the_cases_are_those_of_the_composed_recipe(line):
    assert case_names(compose(line).mapping) == ("big", "wide")


ODD_NAMES = ["a b", "a,b", "it's", "a'b\\", "=cmd()", "[1", "ü", "-x", "1", "1e3", "010", "true", "null", "\x1b[2J"]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_case_of_any_name_is_chosen_by_the_override_that_is_told_for_it(name):
    recipe = {"cases": {name: {"seed": 4}}, "tensors": {"x": [1.0]}, "steps": {"y": "x + 1"}}
    mapping = compose(recipe, [case_override(name)]).mapping
    assert (mapping["seed"], mapping["case"]) == (4, name)


@pytest.mark.parametrize("name", ["1", "1e3", "true"])
def test_a_case_that_is_named_by_a_number_is_chosen_by_it(name):
    assert compose({"cases": {name: {"seed": 4}}}, [f"case={name}"]).mapping["case"] == name


# --------------------------------------------------------------------------------------------------- overrides


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("steps.y.op=sub", "steps.y.op", "sub"),
        ("device=cuda:1", "device", "cuda:1"),
        ("params.n=1e-5", "params.n", 1e-5),
        ("params.n=.inf", "params.n", math.inf),
        ("params.n=inf", "params.n", "inf"),
        ("params.n=1_000", "params.n", "1_000"),
        ("params.n=no", "params.n", "no"),
        ("params.n=1:30", "params.n", "1:30"),
        ("params.n=0x1F", "params.n", 31),
        ("params.n=TRUE", "params.n", True),
        ("params.n=tRuE", "params.n", "tRuE"),
        ("params.n=[.inf, 1_000, nan, 0o17, no]", "params.n", [math.inf, "1_000", "nan", 15, "no"]),
        ("params.n='1'", "params.n", "1"),
        ("params.n=", "params.n", ""),
        ("params.n=a\\,b", "params.n", "a,b"),
        ("params.n=str(1)", "params.n", "1"),
        ("steps.z={op: relu, args: [y]}", "steps.z", {"op": "relu", "args": ["y"]}),
        ("+steps.z={op: relu, args: [y]}", "steps.z", {"op": "relu", "args": ["y"]}),
        ("++steps.z.op=relu", "steps.z", {"op": "relu"}),
        ("steps.y={op: sub}", "steps.y", {"op": "sub", "args": ["wx", 3]}),
        ("steps.y.args=[x]", "steps.y.args", ["x"]),
        ("steps.y.args.1=5", "steps.y.args", ["wx", 5]),
        ("steps.y=relu(x)", "steps.y", "relu(x)"),
        ("tolerance.rtol=1e-3", "tolerance", {"rtol": 1e-3}),
        ("settings.num_threads=2", "settings", {"num_threads": 2}),
        ("params.deep.deeper=1", "params.deep", {"deeper": 1}),
        ("tensors.x.data=null", "tensors.x.data", None),
    ],
)
def test_an_override_sets_its_key(line, override, path, value):
    if override == "steps.y=relu(x)":  # Hydra's grammar takes it for a function, so a person quotes it
        override = "steps.y='relu(x)'"
    node = compose(line, [override]).mapping
    for part in path.split("."):
        node = node[part]
    assert repr(node) == repr(value)


def test_a_key_that_holds_a_dot_is_overridden_where_it_is(line):
    assert compose(line, ["expect.w.grad=2.0"]).mapping["expect"] == {"w.grad": 2.0}


@pytest.mark.parametrize(
    "changes", [{"params.n": 3, "steps.z": "y * 2"}, {"params": {"n": 3}, "steps": {"z": "y * 2"}}]
)
def test_a_case_takes_dotted_keys(changes):
    recipe = {"params": {"n": 1}, "steps": {"y": "x + ${params.n}"}, "cases": {"more": changes}}
    mapping = compose(recipe, ["case=more"]).mapping
    assert (mapping["params"], mapping["steps"]) == ({"n": 3}, {"y": "x + 3", "z": "y * 2"})


def test_new_names_of_a_mapping_go_before_the_next_that_is_there():
    assert list(placed({"a": 1, "b": 2, "c": 3}, {"x": 0, "b": 5, "y": 0, "z": 0})) == ["a", "x", "b", "c", "y", "z"]


DOTTED = {"expect": {"y": 5.0, "w.grad": 1.0, "parts": [1.0, 2.0], "both": [{"rtol": 0.1}]}, "xfail": [{"reason": "r"}]}


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("expect.w.grad", ["expect", "w.grad"]),
        ("expect.w1.grad", ["expect", "w1.grad"]),
        ("expect.qr.Q", ["expect", "qr.Q"]),
        ("expect.qr.0", ["expect", "qr.0"]),
        ("expect.y.after", ["expect", "y.after"]),
        ("expect.y.grad.rtol", ["expect", "y.grad", "rtol"]),
        ("expect.x.shape", ["expect", "x", "shape"]),
        ("expect.train.loss.2.value.0", ["expect", "train.loss.2", "value", "0"]),
        ("expect.parts.1", ["expect", "parts", 1]),
        ("expect.both.0.when.params.n", ["expect", "both", 0, "when", "params.n"]),
        ("expect.y.when.settings.num_threads", ["expect", "y", "when", "settings.num_threads"]),
        ("expect.error.match", ["expect", "error", "match"]),
        ("xfail.0.when.params.n", ["xfail", 0, "when", "params.n"]),
        ("cases.big.expect.w.grad.atol", ["cases", "big", "expect", "w.grad", "atol"]),
        ("reference.expect.w.grad", ["reference", "expect", "w.grad"]),
        ("backend.options.triton.cudagraphs", ["backend", "options", "triton.cudagraphs"]),
        ("params.a.b", ["params", "a", "b"]),
        ("steps.y.kwargs.dim", ["steps", "y", "kwargs", "dim"]),
    ],
)
def test_a_dotted_path_leads_into_names_that_hold_dots(key, path):
    assert list(path_of(DOTTED, key.split("."))) == path


@pytest.mark.parametrize(
    ("override", "expect"),
    [
        ("expect.w.grad=0.5", {"y": 5.0, "w.grad": 0.5}),
        ("+expect.qr.Q={shape: [2, 2]}", {"y": 5.0, "w.grad": 1.0, "qr.Q": {"shape": [2, 2]}}),
        ("expect.y.grad.rtol=0.5", {"y": 5.0, "w.grad": 1.0, "y.grad": {"rtol": 0.5}}),
        ("~expect.w.grad", {"y": 5.0}),
    ],
)
def test_hydra_composes_a_name_that_holds_dots_alike(tmp_path, capsys, override, expect):
    path = write(tmp_path, a="expect: {y: 5.0, w.grad: 1.0}\nsteps: {y: w * 5}\n") / "a.yaml"
    assert compose(path, [override]).mapping["expect"] == expect
    assert running([str(path), override, "--cfg", "job"], never) == 0
    assert read_yaml(capsys.readouterr().out, "hydra")["expect"] == expect
    ran = []
    words = [str(path), override, f"hydra.run.dir={tmp_path}/out"]
    assert running(words, lambda composed, _: ran.append(composed.mapping["expect"]) or 0) == 0
    assert ran == [expect]


@pytest.mark.parametrize("stem", ["inf", "nan", "1", "1e5", "true", "null"])
def test_hydra_takes_the_name_of_a_recipe_for_a_name(tmp_path, stem):
    path, ran = write(tmp_path, **{stem: "seed: 3"}) / f"{stem}.yaml", []
    words = [str(path), f"hydra.run.dir={tmp_path}/out"]
    assert running(words, lambda composed, _: ran.append(composed.mapping["seed"]) or 0) == 0
    assert ran == [3]


def never(composed: Any, folder: Path) -> int:
    raise AssertionError(composed)


def test_a_step_is_taken_away_with_a_tilde(line):
    assert list(compose(line, ["~steps.wx"]).mapping["steps"]) == ["y"]
    assert "steps" in compose(line, ["~steps.y.op=add"]).mapping


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("divice=cuda", "'divice' is not a key of a recipe; did you mean 'device'?"),
        ("zzz.q=1", "'zzz' is not a key of a recipe; it is one of description,"),
        ("+zzz=1", "'zzz' is not a key of a recipe"),
        ("params.n=010", "'010' is octal to some readers"),
        ("params.n=[010]", "'010' is octal to some readers"),
        ("params.n=1,2", "it gives several values; write [a, b] for a list"),
        ("params.n=range(1,3)", "it gives several values"),
        ("params.n=glob(*)", "it gives several values"),
        ("params.n=[1", "it does not parse"),
        ("params.n", "it does not parse"),
        ("=3", "it names no key"),
        ("a@b=3", "it chooses from a config group"),
        ("a/b=3", "it chooses from a config group"),
        ("hydra.run.dir=x", "Hydra's own settings can only be set on the command line"),
        ("defaults=[x]", "`defaults` is read before any override"),
        ("~steps.q", "'steps.q' is not there and cannot be deleted"),
        ("~steps.wxx", "'steps.wxx' is not there and cannot be deleted; did you mean 'wx'?"),
        ("~params.n=5", "'params.n' is '4' and not '5', so it is not deleted"),
        ("~steps.y.args.0", "an element of a list cannot be deleted"),
        ("+params.n=5", "'params.n' is there already; write 'params.n=5' to change it"),
        ("+device=cuda", "'device' is there already"),
        ("params.n.k=1", "'params.n' is '4', not a mapping, and has no 'k'; override 'params.n' whole"),
        ("backend.mode=max", "'backend' is 'eager', not a mapping"),
        ("steps.y.args.9=1", "'steps.y.args' has 2 elements and no '9'"),
        ("steps.y.args.first=1", "'steps.y.args' is a list and has no 'first'"),
        ("steps.y.args={a: 1}", "'steps.y.args' is a list, into which a mapping cannot be merged"),
        ("params={a: 1, a: 2}", "the key 'a' is given twice"),
        ("params={1: 2}", "'1' is not a word and cannot be a key"),
        ("params." + "a." * 200 + "b=1", "202 keys deep"),
        ("params.a=" + "[" * 5000, "override 'params.a=[[["),
        ("params.a=" + "x" * 200_000, "200009 characters"),
    ],
)
def test_a_wrong_override_is_refused_and_quoted(line, override, message):
    problem = refusal(line, [override])
    assert problem.startswith(f"override '{override[:60]}")
    assert message in problem
    assert len(problem) < 1000


def test_overrides_that_are_no_list_of_strings_are_refused(line):
    assert "a list of overrides is wanted; write ['device=cuda']" in refusal(line, "device=cuda")
    wanted = "overrides: a list of overrides is wanted; write ['dtype=float64', 'params={n: [1, 2]}']"
    assert refusal(line, {"dtype": "float64", "params": {"n": [1, 2]}}) == wanted
    assert "a list of overrides is wanted; write ['dtype=float64']" in refusal(line, 3)
    assert "it is not a string" in refusal(line, [3])


# -------------------------------------------------------------------------------------------------- references


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${params.n}", 4),
        ("size ${params.n}!", "size 4!"),
        ("${params.eps}", 1e-5),
        ("e${params.eps}", "e1.0e-05"),
        ("${params.flag}", True),
        ("is ${params.flag}", "is true"),
        ("${params.size}", [2, 4]),
        ("${params.size.1}", 4),
        ("${device}", "cpu"),
        ("${dtype}", "float64"),
        ("${seed}", 0),
        ("$ 5 {a}", "$ 5 {a}"),
        ("${params.n} of ${params.size.0}, ${params.n}", "4 of 2, 4"),
    ],
)
def test_a_reference_is_what_it_names(written, value):
    params = {"n": 4, "eps": 1e-5, "flag": True, "size": [2, "${params.n}"], "r": written}
    assert compose({"dtype": "float64", "params": params}).mapping["params"]["r"] == value


def test_references_are_resolved_after_case_and_overrides(line):
    overrides = ["case=big", "params.m=${params.n}", "+steps.z={op: relu, args: ['${params.m}']}"]
    assert compose(line, overrides).mapping["steps"]["z"]["args"] == [400]
    assert compose(line, [*overrides, "params.n=7"]).mapping["steps"]["z"]["args"] == [7]


def test_the_device_that_auto_stands_for_is_what_a_reference_sees():
    source = {"params": {"where": "auto", "d": "on ${device}"}, "device": "${params.where}"}
    mapping = compose(source, best_device=lambda: "mps").mapping
    assert (mapping["device"], mapping["params"]["d"]) == ("mps", "on mps")
    assert compose({"device": "auto"}).mapping == {"device": "auto"}


def test_references_in_cases_that_are_not_run_are_left(tmp_path):
    path = write(tmp_path, a="cases: {b: {params: {m: 3}, seed: '${params.m}'}}") / "a.yaml"
    assert compose(path).mapping["cases"]["b"]["seed"] == "${params.m}"
    assert compose(path, ["case=b"]).mapping["seed"] == 3


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"a": "${params.b}"}, "params.a: '${params.b}' names no key of the recipe; did you mean 'params.a'?"),
        ({"a": "${params.a}"}, "params.a: '${params.a}' leads back to itself: params.a → params.a"),
        ({"a": "${params.b}", "b": ["${params.a}"]}, "leads back to itself: params.b → params.a → params.b"),
        ({"a": "${params.b}${params.c}", "b": 1}, "params.a: '${params.c}' names no key of the recipe"),
        ({"a": "x ${params.b}", "b": [1]}, "'${params.b}' is a list and cannot stand inside the text"),
        ({f"p{n}": f"${{params.p{n + 1}}}" for n in range(100)} | {"p100": 1}, "over 50 references in a chain"),
        (
            {f"p{n}": [f"${{params.p{n + 1}}}"] * 9 for n in range(9)} | {"p9": [1] * 9},
            "the references make the recipe larger or deeper than a recipe may be",
        ),
    ],
)
def test_a_wrong_reference_is_refused(params, message):
    assert message in refusal({"params": params})


# ------------------------------------------------------------------------------------------------------ places


def test_each_key_is_placed_where_it_was_given(tmp_path):
    write(tmp_path, low=LINE, high="defaults: [low]\nsteps:\n  y: {op: mul}\n")
    composed = compose(tmp_path / "high.yaml", ["case=big", "seed=3", "+steps.z={op: relu, args: [y]}"])
    places = {path: str(composed.place(path.split("."))) for path in ("steps.y.op", "steps.y.args", "params.n", "seed")}
    assert [place.removeprefix(f"{tmp_path}/") for place in places.values()] == [
        "low.yaml:9:39: steps.y.op", "low.yaml:6:16: steps.y.args", "low.yaml:9:18: params.n", "override 'seed=3': seed",
    ]  # fmt: skip
    assert str(composed.place(["steps", "z", "args", 0])) == "override '+steps.z={op: relu, args: [y]}': steps.z.args.0"
    assert str(composed.place(["steps", "y", "args", 1])).endswith("low.yaml:6:27: steps.y.args.1")


def test_a_key_that_is_not_there_is_placed_where_it_would_stand(line):
    assert str(compose(line).place(["steps", "y", "kwargs", "dim"])) == f"{line}:6:3: steps.y.kwargs.dim"
    assert str(compose(line).place(["backward"])) == f"{line}:1:1: backward"
    assert str(compose({}).place(["backward"])) == "backward"


# ------------------------------------------------------------------------------------------- any text, any use


def test_nothing_but_a_recipe_error_leaves_compose_whatever_the_text(tmp_path):
    path, accepted = tmp_path / "a.yaml", []
    pieces = st.sampled_from(
        [*LINE.splitlines(keepends=True), "defaults: [a]\n", "case: big\n", "seed: ${params.n}\n", "- b\n"]
    )
    overrides = st.lists(
        st.text(max_size=12) | st.sampled_from(["case=big", "~steps.y", "+params.q=[1,2]"]), max_size=2
    )

    @settings(max_examples=600, deadline=None)
    @given(st.lists(pieces, max_size=5, unique=True).map("".join) | st.text(max_size=40), overrides)
    def run(text, given_overrides):
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        with contextlib.suppress(RecipeError):
            accepted.append(compose(path, given_overrides))

    run()
    assert len(accepted) > 20


def test_a_plain_composition_loads_neither_torch_nor_hydra(line):
    code = f"import sys; from tensorflow_free.composition.compose import compose; compose({str(line)!r}, ['case=big', 'seed=3'])"
    code += "; print([name for name in ('torch', 'hydra', 'omegaconf', 'antlr4') if name in sys.modules])"
    assert succeeded(sys.executable, "-c", code).stdout == "[]\n"
    code = code.replace("seed=3", "params.m=[1]")  # the twin, which shows that the test can fail
    assert "hydra" in succeeded(sys.executable, "-c", code).stdout


def test_threads_compose_at_once(line):
    results: list[Any] = []
    work = lambda: results.extend(compose(line, ["params.m=[1, 2]"]).mapping["params"]["m"] for _ in range(20))  # noqa: E731
    threads = [threading.Thread(target=work, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert results == [[1, 2]] * 80


def test_a_recipe_is_composed_inside_another_hydra_app(line):
    with initialize_config_dir(str(line.parent), version_base="1.3"):
        assert compose(line, ["params.m=[1]"]).mapping["params"]["m"] == [1]
        assert running([str(line), "--cfg", "job"], lambda composed, folder: 0) == 0
        assert GlobalHydra.instance().is_initialized()
        assert hydra_compose("line").params.n == 4


# --------------------------------------------------------------------------------------- Hydra as the oracle

VALUES = [
    "1",
    "-2",
    "1e-5",
    "a",
    "no",
    "1:30",
    "1_000",
    "0x1F",
    "010a",
    "nan",
    "x-y",
    "a/b",
    "[1,b]",
    "{a:1}",
    "{op:sub}",
]
VALUES += ["'q r'", '"1"', "null", "true", "TrUe", "[]", "{}", "[[1],{b:2}]", "'1,2'", "1.", "+3", "cuda:1", "", "-"]
KEYS = [
    "steps.y.op",
    "steps.y",
    "steps.y.args",
    "steps.y.args.0",
    "steps.new",
    "steps.new.op",
    "params.n",
    "params",
    "seed",
]
KEYS += [
    "device",
    "tags",
    "tensors.x",
    "tensors.x.data",
    "tolerance.rtol",
    "tolerance",
    "case",
    "backward",
    "checks.c.op",
]
PLAIN_VALUES = [value for value in VALUES if value and not set(value) & set("[]{}'\", ")]


def random_overrides(chance: random.Random, plain: bool) -> list[str]:
    marks = [""] if plain else ["", "", "", "+", "++", "~"]
    chosen = []
    for _ in range(chance.randint(1, 4)):
        mark, key = chance.choice(marks), chance.choice(KEYS)
        # a key of the format that is taken away can be set again here, and not in Hydra
        mark = "" if mark == "~" and "." not in key else mark
        value = chance.choice(PLAIN_VALUES if plain else VALUES)
        chosen.append(f"~{key}" if mark == "~" else f"{mark}{key}={value}")
    return chosen


def as_meant(text: str) -> str:
    """An override as Hydra is to take it: what takes `backward` away says that the recipe runs forward only."""
    return "forward=true" if re.fullmatch(r"\+{0,2}backward=(null|\[\])|~backward", text) else text


def by_hydra(mapping: dict[str, Any], overrides: list[str]) -> Any:
    """What Hydra's parser and OmegaConf make of them, or None where they refuse."""
    config = OmegaConf.create(mapping)
    OmegaConf.set_struct(config, True)
    try:
        parsed = OverridesParser.create().parse_overrides([for_hydra(as_meant(text)) for text in overrides])
        ConfigLoaderImpl._apply_overrides_to_config(parsed, config)
    except Exception:  # noqa: BLE001 - Hydra has a dozen kinds
        return None
    return OmegaConf.to_container(config)


def by_us(mapping: dict[str, Any], overrides: list[str]) -> Any:
    try:
        return apply_overrides(mapping, parse_overrides(overrides))
    except RecipeError:
        return None


@pytest.mark.parametrize("plain", [True, False])
def test_any_set_of_overrides_gives_what_hydra_gives(plain, full):
    mapping, chance = {**defaults(), **read_yaml(LINE, "r.yaml")}, random.Random(7)
    equal, sets = 0, 1000 if full else 200
    for _ in range(sets):
        overrides = random_overrides(chance, plain)
        ours, hydras = by_us(mapping, overrides), by_hydra(mapping, overrides)
        if ours is None:  # Hydra puts a mapping in the place of a number, which we refuse
            continue
        assert repr(ours) == repr(hydras), overrides
        equal += 1
    assert equal > 0.4 * sets


def test_a_plain_override_is_read_without_the_parser_as_with_it():
    for key in KEYS:
        for value in PLAIN_VALUES:
            override = parse_override(f"{key}={value}")
            assert repr(override.value) == repr(hydra_override(as_meant(override.text)).value()), override.text


@pytest.mark.parametrize("mark", ["", "+", "++", "~"])
def test_an_override_with_a_mark_is_read_without_the_parser_as_with_it(mark):
    for key in (*KEYS, "backward"):
        texts = [f"{mark}{key}={value}" for value in ("relu", "1e3", "null")] + ["~" + key] * (mark == "~")
        assert [repr(parse_override(text)) for text in texts] == [repr(parsed(text)) for text in texts]


def test_hydra_itself_composes_the_same(tmp_path):
    primary = {"defaults": ["_self_", {"recipe": "???"}], **defaults()}
    (tmp_path / "primary.yaml").write_text(dump_yaml(primary))
    (tmp_path / "recipe").mkdir()
    package = "# @package _global_\n"
    write(
        tmp_path / "recipe",
        low=package + LINE,
        high=package + "defaults: [low, _self_]\nseed: 4\nsteps: {wx: {op: sub}, new: {op: relu}}\n",
    )
    ours_folder = tmp_path / "ours"
    ours_folder.mkdir()
    write(ours_folder, low=LINE, high="defaults: [low]\nseed: 4\nsteps: {wx: {op: sub}, new: {op: relu}}\n")
    overrides, chance = [], random.Random(3)
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        for stem in ["low", "high"] * 6:
            config = hydra_compose("primary", [f"recipe={stem}", *map(for_hydra, overrides)])
            ours = compose(ours_folder / f"{stem}.yaml", overrides).mapping
            assert merged(defaults(), ours) == OmegaConf.to_container(config)
            overrides = [
                f"steps.{chance.choice(['y', 'n'])}.op=[a]",
                f"params.q={chance.choice(PLAIN_VALUES)}",
                "+steps.k={a: 1}",
            ]
