"""`recipe explain` and `recipe help`, and the pointers to them below the problems of a refusal."""

from __future__ import annotations

import json
import re
import sys
from argparse import Namespace
from pathlib import Path

import pytest
from processes import shown_on_terminal

from tensorflow_free import RecipeError, cli
from tensorflow_free.commands.explain import explain_code
from tensorflow_free.commands.flags import Flags
from tensorflow_free.commands.help_command import show_help
from tensorflow_free.commands.told_errors import complain_of, hints_of_failure
from tensorflow_free.composition.override_texts import override_place
from tensorflow_free.errors import Place, Problem
from tensorflow_free.guide.code_entries import groups, markdown
from tensorflow_free.guide.doc_pages import anchor_of, doc_sections, page_names, section_named, sections_of
from tensorflow_free.guide.pointers import KEY_SECTIONS, STEP_SECTIONS, TENSOR_SECTIONS, pointers
from tensorflow_free.outcome.reasons import StepFailed
from tensorflow_free.recipe.init_kinds import INIT_KINDS
from tensorflow_free.recipe.keys import KEYS, STEP_KEYS

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


@pytest.fixture
def explained(capsys):
    def ask(*words, **flags):
        assert explain_code(Namespace(words=list(words), markdown=False), Flags(**flags)) == 0
        return capsys.readouterr().out

    return ask


@pytest.fixture
def helped(capsys):
    def ask(*words, whole=False, **flags):
        assert show_help(Namespace(words=list(words), all=whole), Flags(**flags)) == 0
        return capsys.readouterr().out

    return ask


def refused(ask, *words):
    with pytest.raises(RecipeError) as error:
        ask(*words)
    return str(error.value)


# recipe explain


def test_a_code_is_explained_with_an_example_and_what_to_do(explained):
    told = explained("no", "kernel").splitlines()
    assert told[0] == "no kernel  (why a run or a cell is what it is)"
    assert "  it looks like this" in told
    assert "    1. Take a dtype that has one:" in told
    assert told[told.index("    1. Take a dtype that has one:") + 1] == "       run-recipe RECIPE.yaml dtype=float32"
    assert "    recipe help recipe-format#must_run" in told


def test_an_outcome_has_its_exit_code(explained):
    heads = {word: explained(word).splitlines()[0] for word in ("mismatch", "unsupported", "partly judged", "ok")}
    assert heads == {
        "mismatch": "mismatch  (outcomes; exit code 1)",
        "unsupported": "unsupported  (outcomes; exit code 3, where nothing could run)",
        "partly judged": "partly judged  (outcomes; exit code 1 under --strict)",
        "ok": "ok  (outcomes; exit code 0)",
    }


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("OUT OF BOUNDS", "out of bounds"),
        ("out_of_bounds", "out of bounds"),
        ("dtype dependent", "dtype-dependent"),
        ("MISMATCH", "mismatch"),
        ("3", "exit code 3"),
        ("'rounding'", "rounding"),
        ("y: it is downstream of a random step whose stream the reference does not share", "random"),
        ("4 cells: 3 ok, 1 mismatch.", "mismatch"),
        ("compared with cpu eager float64, own inputs", "own inputs"),
        ("no step is wrong for its inputs", "overflow"),
        ("\"svd_cpu\" not implemented for 'Half'", "no kernel"),
        ("it is 1.5 at [0, 2], and 1.25 is expected", "word is not expected"),
        (
            "svd.yaml has the reference alone has it: this run stopped before it, or does not record it",
            "only in the reference",
        ),
    ],
)
def test_the_words_of_a_message_are_found(explained, words, code):
    assert explained(words).startswith(f"{code}  (")


def test_what_is_misspelt_is_told_with_the_nearest(explained):
    assert refused(explained, "mismach") == "command line: 'mismach' is not a code; did you mean 'mismatch'?"
    assert refused(explained, "xyzzy") == "command line: 'xyzzy' is not a code; `recipe explain` lists all"


def test_what_is_no_code_and_is_known_otherwise_is_told_with_what_shows_it(explained):
    assert refused(explained, "verify") == "command line: 'verify' is not a code; recipe help verify shows what it is"
    assert refused(explained, "randn") == "command line: 'randn' is not a code; recipe help randn shows what it is"
    assert refused(explained, "batch") == (
        "command line: 'batch' is a kind of relation; recipe help relations#the-kinds has them"
    )


def test_all_codes_are_listed_in_groups_a_line_each(explained):
    lines = explained().splitlines()
    for group in groups():
        at = lines.index(group.title)
        listed = lines[at + 2 : at + 2 + len(group.entries)]
        assert [re.split(r"\s{2,}", one)[0] for one in listed] == [entry.code for entry in group.entries]


def test_it_is_data_too(explained):
    (told,) = json.loads(explained("rounding", json=True))
    assert told["code"] == "rounding"
    assert told["see"] == ["judging#the-rule", "judging#how-numbers-are-nudged"]
    assert len(json.loads(explained(json=True))) > 200


def test_the_page_of_all_codes_is_current():
    text = (ROOT / "docs/outcomes-and-reasons.md").read_text(encoding="utf-8")
    assert text == markdown(), "recipe explain --markdown > docs/outcomes-and-reasons.md"


# recipe help


def test_alone_it_is_the_overview_and_of_a_command_its_help(helped):
    assert helped() == helped("recipe")
    assert "what a device supports" in helped()
    assert "\npages: api, architecture, " in helped()
    assert helped("run-recipe").startswith("usage: run-recipe RECIPE.yaml")
    assert helped("compare").startswith("usage: recipe compare A B [flags]")
    assert helped("record").endswith("\nthe key of a recipe: recipe help recipe-format#record\n")


@pytest.mark.parametrize(
    "words",
    [
        ("recipe-format#tolerance",),
        ("recipe-format", "tolerance"),
        ("docs/recipe-format.md#tolerance",),
        ("tolerance",),
        ("Recipe-Format#Tolerance",),
    ],
)
def test_a_section_is_shown_as_it_stands(helped, words):
    text = (ROOT / "docs/recipe-format.md").read_text(encoding="utf-8")
    begin = text.index("### tolerance\n")
    assert helped(*words) == text[begin : text.index("### judge\n")].rstrip() + "\n"


def test_a_section_whose_name_is_of_one_page_alone_needs_no_page(helped):
    assert helped("the culprit") == helped("judging#the-culprit")
    assert helped("xfail") == helped("recipe-format#when-and-xfail")


def test_the_only_section_that_begins_so_is_meant(helped):
    assert helped("recipe-format#cases") == helped("recipe-format", "cases and case")


def test_an_init_is_shown_with_the_examples_of_its_kind(helped):
    assert helped("randn") == helped("recipe-format#random-numbers")
    assert helped("xavier_normal") == helped("recipe-format#weights-of-a-network")
    # that of tensors lists all inits, and would be shown where the table did not tell
    beginning = helped("recipe-format#tensors")
    assert [name for name in INIT_KINDS if helped(name) == beginning] == []


@pytest.mark.parametrize(
    ("key", "title"),
    [
        ("args", "### What may stand in args and kwargs"),
        ("steps.y.args", "### What may stand in args and kwargs"),
        ("requires_grad", "### Leaves"),
        ("init", "## Tensors"),
        ("expect.y.rtol", "### expect"),
        ("when", "### when and xfail"),
    ],
)
def test_a_key_below_another_is_shown_by_its_name_and_by_its_place(helped, key, title):
    assert helped(key).startswith(f"{title}\n")


def test_an_op_is_told_with_what_shows_it(helped):
    assert refused(helped, "softmax") == "command line: 'softmax' is an op; recipe ops softmax tells what it takes"


def test_of_a_long_page_the_beginning_and_its_sections_are_shown(helped):
    told = helped("judging")
    assert told.startswith("# How values are judged\n")
    assert "    recipe help judging#the-rule\n" in told
    assert "## The rule" not in told
    assert helped("judging", whole=True) == (ROOT / "docs/judging.md").read_text(encoding="utf-8").rstrip() + "\n"


def test_what_is_not_there_is_told_with_the_nearest(helped):
    assert refused(helped, "verfy") == "command line: 'verfy' is neither a command nor a page; did you mean 'verify'?"
    assert refused(helped, "judging#rule") == (
        "command line: 'rule' is not a section of judging; did you mean judging#the-rule?"
    )
    assert refused(helped, "out of bounds") == (
        "command line: 'out of bounds' is no page; recipe explain out of bounds tells what it means"
    )
    assert f"the pages are {', '.join(page_names())}, and" in refused(helped, "xyzzy")


def test_a_section_of_several_pages_is_told_with_each(helped):
    assert refused(helped, "two runs that are there") == (
        "command line: several sections are called 'two runs that are there': "
        "recipe help judging#two-runs-that-are-there, recipe help sweeps#two-runs-that-are-there"
    )


def test_on_a_terminal_markdown_is_drawn():
    shown = shown_on_terminal(BIN / "recipe", "help", "recipe-format#tolerance")
    assert "tolerance" in shown
    assert "| --- |" not in shown
    assert "1.3e-6" in shown


# pages and anchors


def test_anchors_are_those_of_github():
    # what GitHub makes: lower case, punctuation gone, each space a dash
    for section in doc_sections():
        if section.anchor:
            assert section.anchor == re.sub(r"[^\w -]", "", section.title.lower()).replace(" ", "-")
    assert anchor_of("Bit for bit, and within noise") == "bit-for-bit-and-within-noise"
    assert anchor_of("A step's seed") == "a-steps-seed"
    assert anchor_of("`must_run`") == "must_run"


def test_no_page_has_two_sections_of_one_anchor():
    names = [section.name for section in doc_sections()]
    assert len(names) > 150
    assert [name for name in set(names) if names.count(name) > 1] == []


def test_what_looks_like_a_heading_in_a_block_of_code_is_none():
    page = sections_of("page", "# Page\n\n```sh\n# no heading\n```\n\n## One\n\ntext\n\n### Two\n\n## Three\n")
    assert [(one.name, one.parts) for one in page] == [
        ("page", ("page#one", "page#three")),
        ("page#one", ("page#two",)),
        ("page#two", ()),
        ("page#three", ()),
    ]
    assert page[1].own == "## One\n\ntext"


# pointers


def test_each_key_has_its_section():
    assert set(KEY_SECTIONS) == set(KEYS)
    assert set(STEP_SECTIONS) == set(STEP_KEYS) - {"op"}
    anchors = {*KEY_SECTIONS.values(), *TENSOR_SECTIONS.values(), *STEP_SECTIONS.values()}
    anchors |= {"the-file-yaml-and-names", "from-the-command-line", "steps-in-one-line", "top-level-keys"}
    assert [one for one in anchors if section_named(f"recipe-format#{one}") is None] == []


def pointed(place, command="run-recipe"):
    return pointers([Problem(place, "it is wrong")], command)


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ("device", "device"),
        ("tensors.w.init", "tensors"),
        ("tensors.w.requires_grad", "leaves"),
        ("tensors.w.path", "numbers-from-a-file"),
        ("tensors.half", "tensors"),
        ("steps.b.kwargs.dimm", "what-may-stand-in-args-and-kwargs"),
        ("steps.b.args[0]", "what-may-stand-in-args-and-kwargs"),
        ("steps.y", "steps-in-one-line"),
        ("steps.block.steps.y.args", "what-may-stand-in-args-and-kwargs"),
        ("steps.block.repeat", "blocks-of-steps"),
        ("backward.target", "backward"),
        ("expect.w.rtol", "expect"),
        ("dtyp", "top-level-keys"),
        ("cases.small.tensors.x.stride", "memory"),
        ("reference.dtype", "reference"),
    ],
)
def test_a_problem_points_at_the_section_on_its_key(path, section):
    assert pointed(Place(path, "a.yaml", 3, 1)) == [f"recipe help recipe-format#{section} explains it"]


def test_a_problem_of_the_command_line_points_at_the_help_of_the_command():
    assert pointed(Place(file="flag '--foo'"), "verify") == []
    assert pointed(Place(file="command line")) == ["recipe help run-recipe tells how it is used"]
    assert pointed(Place(file="command line"), "explain") == pointed(Place(file="command line"), "") == []
    assert pointed(override_place("tolerance=3")) == ["recipe help recipe-format#tolerance explains it"]
    assert pointed(override_place("xyz==3")) == ["recipe help recipe-format#from-the-command-line explains it"]


def test_an_op_that_is_none_points_at_the_list_of_ops():
    assert pointed(Place("steps.a.op", "a.yaml", 3, 1)) == ["recipe ops lists all ops"]


def test_a_file_that_is_no_yaml_points_at_what_files_are_and_one_that_is_not_there_at_nothing():
    assert pointed(Place("", "a.yaml", 3, 1)) == ["recipe help recipe-format#the-file-yaml-and-names explains it"]
    assert pointed(Place("", "a.yaml")) == []


def test_each_pointer_is_told_once_and_three_at_most(capsys):
    places = [Place(path, "a.yaml", 3, 1) for path in ("device", "device", "seed", "dtype", "expect.y")]
    error = RecipeError([Problem(place, "it is wrong") for place in places])
    complain_of(error, "run-recipe", quiet=False)
    told = capsys.readouterr().err.splitlines()
    assert told[len(places) :] == [
        f"recipe help recipe-format#{anchor} explains it" for anchor in ("device", "seed", "dtype")
    ]
    complain_of(error, "run-recipe", quiet=True)
    assert capsys.readouterr().err == f"{error}\n"


def test_a_refusal_on_the_command_line_ends_with_its_pointers(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert cli._guarded(cli.run_recipe_main, ["tests/refusals/many-problems.yaml"], "run-recipe") == 2
    told = capsys.readouterr().err.splitlines()
    assert told[-3:] == [
        "recipe help recipe-format#device explains it",
        "recipe help recipe-format#top-level-keys explains it",
        "recipe help recipe-format#tensors explains it",
    ]
    for command in ("check", "strength", "relations"):
        assert cli._guarded(cli.recipe_main, [command, "tests/refusals/many-problems.yaml"]) == 2
        assert capsys.readouterr().err.splitlines() == told
    assert cli._guarded(cli.recipe_main, ["check", "tests/refusals/many-problems.yaml", "-q"]) == 2
    assert capsys.readouterr().err.splitlines() == told[:-3]


def test_a_key_in_the_place_of_a_file_is_told_how_it_is_written(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert cli._guarded(cli.run_recipe_main, ["recipes/svd.yaml", "dtype"]) == 2
    assert capsys.readouterr().err == "dtype: there is no such file; an override is written dtype=VALUE\n"
    assert cli._guarded(cli.run_recipe_main, ["dtype.yaml"]) == 2
    assert "override" not in capsys.readouterr().err


# steps that fail


def failed(op, code="step failed", **more):
    return StepFailed(code=code, step="y", op=op, type="RuntimeError", message="no", operands=[], **more)


def test_a_step_that_failed_points_at_what_its_op_takes_and_else_at_what_to_do():
    assert hints_of_failure(failed("softmax")) == ["recipe ops softmax tells what it takes"]
    assert hints_of_failure(failed("@")) == ["recipe explain step failed tells what to do"]
    assert hints_of_failure(failed("softmax", "no kernel")) == ["recipe explain no kernel tells what to do"]
    assert hints_of_failure(failed("softmax", expected=True)) == hints_of_failure(None) == []


def test_the_hint_stands_behind_a_run_and_neither_under_quiet_nor_with_json(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text("tensors: {x: [1.0], w: [1.0, 2.0, 3.0]}\nsteps: {y: 'cat([x, w], dim=3)'}\n")
    for words, told in ((["a.yaml"], "recipe ops cat tells what it takes\n"), (["a.yaml", "--json"], "")):
        assert cli._guarded(cli.run_recipe_main, words, "run-recipe") == 3
        assert capsys.readouterr().err == told
    assert cli._guarded(cli.run_recipe_main, ["a.yaml", "-q"], "run-recipe") == 3
    assert "recipe ops" not in capsys.readouterr().err


def test_a_sweep_in_place_of_a_run_is_told_with_one_of_its_cells(capsys, tmp_path):
    (tmp_path / "sweep.json").write_text("{}")
    for words in (["show", str(tmp_path)], ["page", str(tmp_path), "--svg", "x.svg"]):
        assert cli._guarded(cli.recipe_main, words) == 2
        told = f"{tmp_path}: is a sweep's folder; name that of one of its cells, such as {tmp_path}/0\n"
        assert capsys.readouterr().err == told
