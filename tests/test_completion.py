"""What completion offers at each place of a command line, without torch and without a word where something is wrong."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module

import pytest

from tensorflow_free.command_table.all_commands import COMMANDS
from tensorflow_free.command_table.run_recipe_rows import HYDRA_FLAGS, MULTIRUN, RUN_FLAGS, SWEEP_FLAGS
from tensorflow_free.command_table.shared_flags import common_flags
from tensorflow_free.commands.file_schemas import SCHEMAS
from tensorflow_free.completion import listed_ops
from tensorflow_free.completion.answering import answer, answered
from tensorflow_free.completion.bash_line import bash_line
from tensorflow_free.completion.candidate import TypedLine
from tensorflow_free.completion.candidates import KINDS, candidates
from tensorflow_free.completion.key_words import SETTINGS_KEYS, TENSOR_KEYS
from tensorflow_free.completion.shell_scripts import COMPLETING
from tensorflow_free.plan import backends
from tensorflow_free.plan.settings import SETTINGS
from tensorflow_free.recipe.backend_words import BACKENDS
from tensorflow_free.recipe.keys import KEYS
from tensorflow_free.recipe.models import TensorSpec
from tests.completed import BIN, BREAKS, environment, made
from tests.processes import finished, succeeded
from tests.test_light import HEAVY


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(made(tmp_path))
    return tmp_path


def offered(line):
    """The words that are offered at the end of a line, each with what it means."""
    program, *before, word = line.split(" ")
    return {one.word: one.says for one in candidates(TypedLine(program, tuple(before), word))}


# commands and flags


def test_commands_are_offered_with_what_they_do():
    assert offered("recipe ") == {name: command.help for name, command in COMMANDS.items()}


def test_flags_of_the_command_are_offered_and_none_that_is_given():
    flags = offered("recipe verify a.yaml --strict --ops a.py --")
    assert flags["--isolated"].startswith("judge each step alone")
    assert "--strict" not in flags
    assert "--ops" in flags  # it may be given again
    assert "--rtol" not in flags
    assert "-k" in offered("recipe verify a.yaml -")
    assert {"--multirun", "--resume", "--cfg"} <= offered("run-recipe --").keys()


def test_flags_may_stand_before_the_command_and_their_values_are_no_command():
    assert "--graph" in offered("recipe --max-file 8 show --gr")
    assert "verify" in offered("recipe --quiet ver")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("recipe capture a.py:make --level ", {"public", "aten"}),
        ("recipe capture a.py:make --level=", {"--level=public", "--level=aten"}),
        ("recipe matrix --format c", {"csv"}),
        ("run-recipe --info d", {"defaults", "defaults-tree"}),
        ("recipe schema g", {"golden"}),
        ("recipe completion ", {"bash", "zsh", "fish"}),
        ("recipe matrix --samples ", {"all"}),
        ("recipe nothing-like-this ", set()),
        ("recipe verify a.yaml -k ", set()),
    ],
)
def test_values_of_flags(line, words):
    assert set(offered(line)) == words


def test_each_kind_of_the_table_is_known():
    rows = [kind for command in COMMANDS.values() for kind in command.complete]
    flags = [one for command in COMMANDS.values() for one in command.flags]
    rows += [kind for flag in (*flags, *RUN_FLAGS, *SWEEP_FLAGS, *common_flags("")) for kind in flag.complete]
    assert len(rows) >= 60
    for kind in rows:
        name = kind.split()[0]
        module, colon, function = name.partition(":")
        assert name in {*KINDS, "file", "words"} or (
            colon and hasattr(import_module(f"tensorflow_free.{module}"), function)
        )


def test_each_flag_that_takes_a_file_folder_or_word_says_what_completes_it():
    free = {"S", "N", "X", "GIB", "PERCENT", "PATTERN"}
    without = {
        flag.name
        for flags in ([*command.flags] for command in COMMANDS.values())
        for flag in (*flags, *RUN_FLAGS, MULTIRUN, *SWEEP_FLAGS, *HYDRA_FLAGS, *common_flags(""))
        if flag.value is not None and not (flag.complete or flag.value.words or flag.metavar in free)
    }
    # the names of values and submodules, which only a run of the model tells; a package of Hydra's
    assert without == {"--backward", "--module", "--package"}


# files, runs, cells


def test_recipes_and_folders_are_offered_and_no_other_file(folder):
    assert offered("run-recipe ").keys() == {
        "block.yaml", "broken.yaml", "over.yaml", "two words.yaml", "more/", "outputs/", "multirun/",
    }  # fmt: skip


def test_runs_sweeps_and_cells_are_told_apart(folder):
    assert offered("recipe page outputs/block/") == {"outputs/block/first": "a run"}
    assert offered("recipe page multirun/") == {"multirun/monday": "a sweep"}
    cells = {"multirun/monday/0": "ok  dtype=float32", "multirun/monday/1": "ok  dtype=x"}
    assert offered("recipe blame multirun/monday/") == cells
    assert offered("recipe show ").keys() == {
        "outputs/",
        "multirun/",
        "block.yaml",
        "broken.yaml",
        "over.yaml",
        "two words.yaml",
        "more/",
    }
    assert offered("recipe table outputs/block/") == {}


# overrides


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("params.", {"params.width=", "params.heads="}),
        ("case=", {"case=small", "case=large"}),
        ("dtype=", {"dtype=float64", "dtype=float32", "dtype=bfloat16", "dtype=float16"}),
        ("dtype=float64,float32,b", {"dtype=float64,float32,bfloat16"}),
        ("tensors.", {"tensors.x.", "tensors.w."}),
        ("tensors.w.requires_grad=", {"tensors.w.requires_grad=true", "tensors.w.requires_grad=false"}),
        ("tensors.x.init=uni", {"tensors.x.init=uniform"}),
        ("steps.", {"steps.wx.", "steps.y.", "steps.z="}),
        ("steps.y.a", {"steps.y.args="}),
        ("steps.wx.args=[w,", {"steps.wx.args=[w,x", "steps.wx.args=[w,w"}),
        ("record=", {"record=all", "record=outputs"}),
        ("seed=", set()),
        ("forward=", {"forward=true", "forward=false"}),
        ("settings.deterministic=w", {"settings.deterministic=warn_only"}),
        ("reference.inputs=", {"reference.inputs=own", "reference.inputs=original"}),
        ("~par", {"~params", "~params."}),
        ("~params.", {"~params.width", "~params.heads"}),
        ("+params.", {"+params.width=", "+params.heads="}),
        ("hydra.r", {"hydra.run.dir="}),
        ("hydra/launcher=jo", {"hydra/launcher=joblib"}),
        ("device=cu", {"device=cuda"}),
    ],
)
def test_overrides_are_completed_by_the_recipe_that_is_named(folder, override, words):
    assert set(offered(f"run-recipe block.yaml {override}")) == words


def test_keys_are_those_of_the_format_and_say_what_the_recipe_says(folder):
    keys = offered("run-recipe block.yaml ")
    assert keys["dtype="] == KEYS["dtype"].says
    assert "defaults=" not in keys
    assert offered("run-recipe block.yaml params.w") == {"params.width=": "8"}
    assert offered("recipe verify block.yaml params.w") == {"params.width=": "8"}


def test_the_parameters_of_an_init_are_offered_with_what_they_say(folder):
    keys = offered("run-recipe block.yaml tensors.w.")
    assert keys["tensors.w.high="] == "1"
    assert "tensors.x.high=" not in offered("run-recipe block.yaml tensors.x.")
    assert {f"tensors.x.{key}=" for key in TENSOR_KEYS} <= offered("run-recipe block.yaml tensors.x.").keys()


def test_a_recipe_that_lists_others_has_their_keys_and_a_broken_one_none(folder):
    assert set(offered("run-recipe over.yaml params.")) == {"params.width=", "params.heads=", "params.depth="}
    assert offered("run-recipe broken.yaml params.") == {}
    assert offered("run-recipe nowhere.yaml params.") == {}
    assert "dtype=float64" in offered("run-recipe broken.yaml dtype=")


def test_ops_are_offered_by_namespace(tmp_path, monkeypatch):
    ops = dict.fromkeys(("add", "linalg.inv", "linalg.svd", "mul", "nn.functional.relu"), "an op")
    monkeypatch.setattr(listed_ops, "op_names", lambda: ops)
    assert offered("recipe ops ") == {"add": "an op", "linalg.": "2 ops", "mul": "an op", "nn.": "1 ops"}
    assert offered("recipe ops linalg.") == {"linalg.inv": "an op", "linalg.svd": "an op"}
    assert offered("run-recipe a.yaml steps.y.op=m") == {"steps.y.op=mul": "an op"}


def test_the_ops_are_those_of_the_schema_with_what_they_say():
    assert len(listed_ops.op_names()) > 1000
    assert offered("recipe ops softmax")["softmax"]
    assert "linalg." in offered("recipe ops lin")
    assert "+" not in offered("recipe ops ")
    assert offered("recipe ops <").keys() >= {"<", "<="}
    assert "steps.y.op=linalg.svd" in offered("run-recipe a.yaml steps.y.op=linalg.sv")


def test_codes_pages_and_sections_are_offered():
    assert offered("recipe explain mism")["mismatch"]
    assert {"verify", "judging"} <= offered("recipe help ").keys()
    assert "judging#the-rule" in offered("recipe help judging#the")


# the tables beside those of others


def test_the_small_tables_are_those_of_the_package():
    assert set(BACKENDS) <= set(backends.names())
    assert set(TENSOR_KEYS) == set(TensorSpec.model_fields) - {"values"}
    assert set(SETTINGS_KEYS) == set(SETTINGS)
    for name, words in SETTINGS_KEYS.items():
        shown = {str(word).lower() for word in SETTINGS[name].words} if SETTINGS[name].kind is bool else set()
        assert set(words) == shown, name
    assert set(offered("recipe schema ")) == {"recipe", *SCHEMAS}


# bash's line


@pytest.mark.parametrize(
    ("text", "words", "word", "quote", "kept"),
    [
        ("recipe ", ["recipe"], "", "", 0),
        ("recipe ver", ["recipe"], "ver", "", 0),
        ("run-recipe a.yaml dtype=flo", ["run-recipe", "a.yaml"], "dtype=flo", "", 6),
        ("run-recipe a.yaml 'steps.y=x + ", ["run-recipe", "a.yaml"], "steps.y=x + ", "'", 0),
        ('run-recipe "a b.yaml" x="y', ["run-recipe", "a b.yaml"], "x=y", '"', 2),
        ("run-recipe a\\ b", ["run-recipe"], "a b", "", 0),
        ('recipe "a\\"b\\c', ["recipe"], 'a"b\\c', '"', 0),
        ("A=1 B='x y' recipe s", ["recipe"], "s", "", 0),
    ],
)
def test_a_line_is_read_as_bash_reads_it(text, words, word, quote, kept):
    line = bash_line(text, BREAKS)
    assert (line.words, line.word, line.quote, line.kept) == (words, word, quote, kept)


def test_insertions_are_quoted_for_where_they_stand():
    assert bash_line("run-recipe a", BREAKS).insertions(["a b's.yaml"]) == ["a\\ b\\'s.yaml"]
    assert bash_line("run-recipe 'a", BREAKS).insertions(["a b's.yaml"]) == ["a b'\\''s.yaml"]
    assert bash_line('run-recipe "a', BREAKS).insertions(['a $b".yaml']) == ['a \\$b\\".yaml']


# never a word where something is wrong, and nothing heavy


@pytest.mark.parametrize(
    "line",
    [
        "",
        "recipe",
        "recipe 'a",
        "recipe show \x00",
        "recipe show ~nobody-is-called-this/",
        "recipe \\",
        "run-recipe a.yaml =",
        "run-recipe a.yaml ~",
        "run-recipe a.yaml a=[",
        "run-recipe a.yaml ....=",
        "recipe --",
    ],
)
def test_odd_lines_are_no_errors(line, folder):
    text = answered("bash", "recipe", [], {"COMP_LINE": line, "COMP_POINT": str(len(line.encode()))})
    assert "Traceback" not in text


def test_escapes_of_a_recipe_a_file_or_a_cell_do_not_reach_the_terminal(folder):
    (folder / "odd.yaml").write_text('params: {a: "\\e[31mred", "b\\e[0m": 1}', encoding="utf-8")
    (folder / "\x1b[31m.yaml").touch()
    os.mkfifo(folder / "outputs" / "cells.jsonl")
    for shell in ("zsh", "fish"):
        assert "params.a=\t [31mred\n" in answered(shell, "run-recipe", ["odd.yaml", "params."], {})
        assert "\x1b" not in answered(shell, "run-recipe", ["odd.yaml", "params."], {})
        assert "\x1b" not in answered(shell, "run-recipe", [""], {})
        assert (
            answered(shell, "recipe", ["show", "outputs/"], {})
            == ("outputs/\n" if shell == "zsh" else "") + "outputs/block/\t\n"
        )


def test_a_path_that_a_recipe_lists_below_it_is_not_followed(folder):
    (folder / "more" / "inner.yaml").write_text("defaults: [../block]\nparams: {own: 1}\n", encoding="utf-8")
    assert offered("run-recipe more/inner.yaml params.").keys() == {"params.own="}


def test_a_prompt_sees_no_error(folder, capsysbinary, monkeypatch):
    answer("bash", "recipe")  # without the variables that bash sets
    assert capsysbinary.readouterr() == (b"", b"")
    done = finished(
        BIN / "recipe",
        "show",
        "x",
        env={**environment(folder), COMPLETING: "bash", "COMP_LINE": "recipe", "COMP_POINT": "x"},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_completion_loads_neither_torch_nor_hydra_nor_pydantic(folder):
    lines = [
        "recipe ",
        "recipe show ",
        "recipe verify --",
        "recipe ops soft",
        "recipe new li",
        "run-recipe block.yaml params.",
        "run-recipe block.yaml tensors.w.init=",
        "run-recipe block.yaml backend=",
        "run-recipe block.yaml steps.y.op=",
        "run-recipe broken.yaml ~",
    ]
    code = "\n".join((
        "import os, sys",
        "from tensorflow_free.entry import recipe, run_recipe",
        f"for line in {lines}:",
        f"    os.environ.update(COMP_LINE=line, COMP_POINT=str(len(line)), {COMPLETING}='bash')",
        "    (recipe if line.startswith('recipe') else run_recipe)()",
        f"print(*sorted(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)",
    ))  # fmt: skip
    done = succeeded(sys.executable, "-c", code, cwd=folder, env=dict(os.environ))
    assert set(done.stderr.split()) <= {"yaml"}
    assert "params.width=" in done.stdout


def test_the_table_of_cells_is_read_line_by_line(folder):
    with (folder / "multirun" / "monday" / "cells.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"number": 7, "overrides": [], "outcome": "mismatch"}) + "\n{half a li")
    assert offered("recipe show multirun/monday/")["multirun/monday/7"] == "mismatch  "
