"""`--markdown`, `--junit` and GitHub's job summary, of runs and sweeps as they are typed."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import torch

from tensorflow_free import cli, register_op
from tensorflow_free.sweep import pool
from tensorflow_free.text.junit import JunitCase
from tensorflow_free.text.markdown import MOST_BYTES
from tests.here import Here
from tests.test_markdown import LINKS, PARSER

OVERFLOW = "tensors: {x: {init: tensor, data: [1.0, 12.0], requires_grad: true}}\nsteps: {exp: {op: exp, args: [x]}, s: exp.sum()}\nbackward: s\n"
EXPECTING = "tensors: {x: 2.0}\nsteps: {y: x * x}\nexpect: {y: 5.0}\n"
KNOWN = """tensors: {x: [1.0, 12.0]}
steps: {exp: x.exp()}
xfail: [{when: {dtype: float16}, keys: [exp], reason: 'see #12, @user'}]
"""
STOPS = "tensors: {x: [[1.0, 2.0]]}\nsteps: {y: x @ x}\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "CellWorker", Here)
    monkeypatch.setattr(pool, "cores", lambda: 1)
    for name, text in {"over": OVERFLOW, "expecting": EXPECTING, "known": KNOWN, "stops": STOPS}.items():
        Path(f"{name}.yaml").write_text(text)


@pytest.fixture
def typed(capsys):
    def type_in(*words, main=cli.run_recipe_main):
        return cli._guarded(main, words), *capsys.readouterr()

    return type_in


def read(path):
    return Path(path).read_text("utf-8")


def cases(path="j.xml"):
    """How each case of an XML file ended, and the type of its end."""
    root = ET.fromstring(read(path))
    ends = {
        one.get("name"): [end for end in one if end.tag in ("failure", "error", "skipped")]
        for one in root.iter("testcase")
    }
    return {name: (found[0].tag, found[0].get("type")) if found else "passed" for name, found in ends.items()}


# sweeps


def test_a_sweep_tells_its_verdict_its_cells_its_culprits_and_the_commands(typed):
    code, out, _ = typed("-m", "over.yaml", "dtype=float32,float16", "--markdown", "told/s.md")
    parts = read("told/s.md").split("\n\n")
    assert (code, parts[1]) == (1, "**2 cells: 1 ok, 1 mismatch.**")
    assert parts[2] == "<details>\n<summary>2 cells</summary>"
    assert "| 1 | `float16` | **MISMATCH** | exp (forward) |" in parts[3]
    assert "```sh\nrun-recipe -m over.yaml dtype=float16\n```" in parts
    assert re.search(
        r"\*\*MISMATCH at exp \(forward\): 1 cell \(dtype=float16\)\*\*\\\n&emsp;overflow at exp", read("told/s.md")
    )
    assert "2 cells: 1 ok, 1 mismatch." in out


def test_each_cell_of_a_sweep_is_a_case(typed):
    words = ["-m", "over.yaml", "known.yaml", "dtype=float32,float16", "device=cpu,npu", "--junit", "j.xml"]
    assert typed(*words)[0] == 1
    root = ET.fromstring(read("j.xml"))
    assert [(suite.get("name"), suite.get("tests")) for suite in root] == [("over.yaml", "4"), ("known.yaml", "4")]
    [over, known] = ([[*one][-1] for one in suite.iter("testcase")] for suite in root)
    assert [one.tag for one in over] == ["properties", "skipped", "failure", "skipped"]
    assert [one.get("type") for one in known[1:]] == ["unavailable", "known fault", "unavailable"]
    assert known[2].get("message") == "exp (forward): known: see #12, @user"


def test_a_failure_has_its_reason_its_culprit_and_its_command(typed):
    typed("-m", "over.yaml", "dtype=float16", "--junit", "j.xml")
    [failure] = ET.fromstring(read("j.xml")).iter("failure")
    assert failure.get("message").startswith("exp (forward): exp: it is inf at [1], and 162754.791 in the reference")
    assert "overflow at exp (forward)" in failure.text
    assert failure.text.endswith("\n    run-recipe -m over.yaml dtype=float16")


def test_what_fails_a_sweep_and_is_no_cell_is_a_case_too(typed):
    assert typed("-m", "over.yaml", "device=npu", "--junit", "j.xml")[0] == 2
    assert cases() == {"device=npu": ("skipped", "unavailable"), "exit code": ("error", "exit code 2")}
    assert typed("-m", "over.yaml", "dtype=float23", "--junit", "k.xml", "--markdown", "k.md")[0] == 2
    assert cases("k.xml") == {"exit code": ("error", "exit code 2")}
    assert "'float23' is not a dtype" in read("k.md")


def test_an_earlier_sweep_that_was_better_is_told_in_both(typed):
    typed("-m", "over.yaml", "dtype=float16", "tensors.x.data=[1.0]", "hydra.sweep.dir=first", "-q")
    typed("-m", "over.yaml", "dtype=float16", "hydra.sweep.dir=second", "-q")
    typed("table", "second", "--against", "first", "--junit", "j.xml", "--markdown", "s.md", main=cli.recipe_main)
    assert "missing now" in read("s.md")
    assert cases() == {"dtype=float16": ("failure", "mismatch")}


def test_a_sweep_that_was_stopped_says_how_to_go_on(typed):
    words = ["-m", "stops.yaml", "seed=1,2,3", "--fail-fast", "--markdown", "s.md", "--junit", "j.xml"]
    assert typed(*words, "hydra.sweep.dir=s")[0] == 3
    assert "ended early: 2 of 3 cells have not run; resume with run-recipe --resume s" in read("s.md")
    assert typed("--resume", "s", "--junit", "j.xml")[0] == 3
    assert list(cases().values()) == [("error", "failed")] * 3


def test_a_table_of_a_stored_sweep_is_told_again(typed):
    typed("-m", "over.yaml", "dtype=float32,float16", "--markdown", "s.md", "--junit", "j.xml", "hydra.sweep.dir=s")
    typed("table", "s", "--markdown", "t.md", "--junit", "t.xml", "--json", main=cli.recipe_main)
    assert read("t.md").replace("\ns\n", "") == read("s.md").replace("\ns/sweep.json\n", "")
    assert cases("t.xml") == cases()


def test_a_sweep_of_many_cells_fits_and_has_the_worst_first(typed):
    typed("-m", "over.yaml", "seed=range(90)", "dtype=float16,float32", "--markdown", "s.md", "-q", "--no-save")
    assert read("s.md").count("**MISMATCH**") == 5
    assert "and 85 more bad cells; sweep.csv has all" in read("s.md")


# single runs


def test_a_run_tells_what_it_gave_and_how_to_see_what_is_wrong_again(typed):
    assert typed("expecting.yaml", "seed=3", "--markdown", "s.md", "-q")[0] == 1
    told = read("s.md")
    assert told.startswith("### expecting · cpu · float32 · eager · seed 3 · torch ")
    assert "\n\n**0 of 1 expectations hold.**\n\n" in told
    assert "| `y` | \\* | float32 | \\[\\] | 4 |" in told, told
    assert "\n\n**FAILS** y 5.0\\\n&emsp;&emsp;it is 4, and 5 is expected" in told
    assert "```sh\nrun-recipe expecting.yaml seed=3" in told


def test_several_runs_are_told_in_one_file_a_refusal_too(typed):
    assert typed("over.yaml", "stops.yaml", "--markdown", "s.md")[0] == 3
    assert [line for line in read("s.md").splitlines() if line.startswith("###")][1].startswith("### stops · cpu")
    assert "It ran to its end, and nothing is expected of it." in read("s.md")
    assert typed("over.yaml", "dtype=float23", "--markdown", "s.md")[0] == 2
    assert read("s.md").startswith("### run-recipe\n\n**It ended early.**\n\n")


def test_a_flag_of_sweeps_is_refused_for_a_run(typed):
    code, _, err = typed("over.yaml", "--junit", "j.xml")
    assert (code, err) == (2, "flag '--junit': it is for sweeps; add -m\n")


def test_a_run_with_limits_is_told_by_the_process_that_outlives_it(typed, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "step.md")
    assert typed("expecting.yaml", "--timeout", "60", "-q", "--markdown", "s.md")[0] == 1
    assert read("s.md").count("### expecting · cpu") == 1
    assert read("step.md") == f"\n{read('s.md')}"


@pytest.mark.full
def test_runs_that_are_ended_at_a_limit_are_told_with_those_that_are_not(typed):
    assert typed("expecting.yaml", "over.yaml", "--max-memory", "0.000001", "-q", "--markdown", "s.md")[0] == 3
    assert read("s.md").count("out of memory") >= 2


def test_what_was_told_is_written_when_a_signal_ends_the_command(typed, monkeypatch):
    def ended(sweep, flags, report):
        report.judge(JunitCase("over.yaml", "first"))
        raise KeyboardInterrupt

    monkeypatch.setattr("tensorflow_free.commands.multirun.run_and_show", ended)
    assert typed("-m", "over.yaml", "dtype=float32", "--markdown", "s.md", "--junit", "j.xml")[0] == 130
    assert cases() == {"first": "passed", "exit code": ("error", "exit code 130")}
    assert "**It ended early.**" in read("s.md")


EVIL = "</details> @user closes #12 | `rm` <b>x</b>\n```\n# head\n/close\x1b[31m https://evil.example"


def test_hostile_words_of_a_sweep_do_nothing(typed):
    name = "a|b`<script>@user #12 [l](http:x).yaml"
    Path(name).write_text("tensors: {x: 1.0}\nsteps: {y: {op: ci.evil, args: [x]}}\n")
    register_op("ci.evil", evil)
    assert typed("-m", name, "seed=1,2", "--markdown", "s.md", "--junit", "j.xml")[0] == 3
    rendered = PARSER.render(read("s.md"))
    assert set(re.findall(r"<(\w+)", rendered)) <= {
        *"h3 p br strong code pre details summary table thead tbody tr th td".split()
    }
    assert LINKS.search(re.sub(r"<code.*?</code>", "", rendered, flags=re.DOTALL)) is None
    assert {len(re.findall("<t[dh]", row)) for row in re.findall(r"<tr>.*?</tr>", rendered, re.DOTALL)} == {3}
    assert [case.get("file") for case in ET.fromstring(read("j.xml")).iter("testcase")] == [name, name]


def evil(x: torch.Tensor) -> torch.Tensor:
    raise ValueError(EVIL)


# fixtures, pairs, culprits


@pytest.fixture
def recipe(typed):
    return lambda *words: typed(*words, main=cli.recipe_main)


def test_verify_tells_its_cases_those_that_fail_first(recipe):
    recipe("record", "over.yaml")
    assert recipe("verify", "over.yaml", "known.yaml", "dtype=float32,float64", "--markdown", "v.md")[0] == 1
    assert "\n\n**4 cells: 2 ok, 2 missing.**\n\n<details>\n<summary>4 cells</summary>" in read("v.md")
    rows = [row.split(" | ")[:2] for row in read("v.md").splitlines() if row.startswith("| ")][2:]
    assert rows == [["| **MISSING**", "known.yaml"]] * 2 + [["| ok", "over.yaml"]] * 2
    assert "```sh\nrecipe record --missing known.yaml\n```" in read("v.md")


def test_each_case_held_against_its_golden_is_a_case(recipe):
    recipe("record", "over.yaml")
    words = ["over.yaml", "device=cpu,npu", "steps.exp.op=exp,sin", "--junit", "j.xml", "--markdown", "v.md"]
    assert recipe("verify", *words)[0] == 1
    assert [name for name in cases() if "cpu" in name] == [
        "float32-cpu steps.exp.op=exp",
        "float32-cpu steps.exp.op=sin",
    ]
    assert set(cases().values()) == {("skipped", "unavailable"), "passed", ("failure", "mismatch")}
    [failure] = ET.fromstring(read("j.xml")).iter("failure")
    assert failure.get("message").startswith("culprit exp (sin, forward), ")
    assert failure.text.endswith("    recipe verify over.yaml device=cpu steps.exp.op=sin")
    assert "```sh\nrecipe verify over.yaml device=cpu steps.exp.op=sin\n```" in read("v.md")


def test_a_recipe_without_a_golden_is_a_failure_and_the_command_records_it(recipe):
    assert recipe("verify", "over.yaml", "--markdown", "v.md", "--junit", "j.xml")[0] == 1
    assert "```sh\nrecipe record --missing over.yaml\n```" in read("v.md")
    assert list(cases().values()) == [("failure", "missing")]


def test_two_runs_and_two_sweeps_that_are_compared_are_told(typed, recipe):
    for dtype in ("float32", "float16"):
        typed("over.yaml", f"dtype={dtype}", f"hydra.run.dir={dtype}", "-q")
        typed("-m", "over.yaml", f"dtype={dtype}", f"hydra.sweep.dir=s{dtype}", "-q")
    assert recipe("compare", "float16", "float32", "--markdown", "c.md", "-q")[0] == 1
    assert read("c.md").startswith("### float16 compared with float32\n\n**3 values out of bounds, of ")
    assert "the recipes differ:" in read("c.md")
    assert recipe("compare", "sfloat16", "sfloat32", "--markdown", "c.md", "--json")[0] == 1
    assert "sfloat16 compared with sfloat32" in read("c.md")
    assert recipe("compare", "float16", "nothing", "--markdown", "c.md")[0] == 2
    assert "nothing" in read("c.md")


def test_what_is_to_blame_is_told_with_its_command(recipe):
    assert recipe("blame", "over.yaml", "dtype=float16", "--markdown", "b.md", "-q")[0] == 1
    title, reference, verdict, *_ = read("b.md").split("\n\n")
    assert (title[:24], reference[:13]) == ("### over · cpu · float16", "compared with")
    assert re.fullmatch(r"\*\*\d values out of bounds, of \d compared\.\*\*\\\n\*\*Overflow at exp .*", verdict)
    assert "```sh\nrecipe blame over.yaml dtype=float16\n```" in read("b.md")
    assert re.search(r"<summary>\d steps</summary>", read("b.md"))


def test_a_review_tells_what_there_is_to_decide(recipe):
    recipe("record", "over.yaml")
    Path("over.yaml").write_text(OVERFLOW.replace("12.0", "11.0"))
    assert recipe("review", "over.yaml", "--list", "--markdown", "r.md")[0] == 1
    assert re.match(r"### recipe review\n\n\*\*\d changes to decide about", read("r.md"))
    assert "stale: the recipe changed since this was recorded" in read("r.md")


# the summary of a step


def test_the_summary_of_a_step_is_appended_to_without_being_asked_for(typed, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "step.md")
    Path("step.md").write_text("before")
    typed("over.yaml", "-q")
    typed("-m", "over.yaml", "dtype=float32", "-q", "--markdown", "s.md")
    assert read("step.md").startswith("before\n### over · cpu")
    assert read("step.md").endswith(f"\n{read('s.md')}")


def test_a_summary_that_cannot_be_written_is_told_and_changes_no_exit_code(typed, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "no/step.md")
    assert typed("over.yaml", "-q")[::2] == (
        0,
        "GITHUB_STEP_SUMMARY: 'no/step.md' cannot be written: No such file or directory\n",
    )


def test_a_step_whose_summary_is_full_gets_no_more(typed, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "step.md")
    for left, is_told in ((100, True), (5000, False)):
        Path("step.md").write_bytes(b"x" * (MOST_BYTES - left))
        assert ("is full" in typed("over.yaml", "-q")[2]) == is_told
        assert Path("step.md").stat().st_size <= MOST_BYTES


def test_a_file_that_cannot_be_written_is_told_and_ends_with_4(typed):
    Path("file").touch()
    code, _, err = typed("-m", "over.yaml", "dtype=float32", "-q", "--markdown", "file/s.md", "--junit", "file/j.xml")
    assert code == 4
    assert re.findall(r"flag '(--\w+)': '.*' cannot be written: (?:File exists|Not a directory)", err) == [
        "--markdown",
        "--junit",
    ]


def test_a_folder_in_place_of_a_file_is_refused_before_anything_runs(typed, tmp_path):
    code, out, err = typed("-m", "over.yaml", "--markdown", ".")
    assert (code, out, err) == (2, "", f"flag '--markdown': '{tmp_path}' is a folder; name a file\n")
