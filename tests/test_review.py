"""`recipe review`: what changed in goldens, told value by value, and what is written where it is accepted."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

import pytest
import torch

from tensorflow_free import cli, register_op
from tensorflow_free.commands.ci_report import CiReport
from tensorflow_free.commands.review import Walk
from tensorflow_free.commands.verify import checked_in
from tensorflow_free.golden.case_reviews import reviews_of
from tensorflow_free.golden.places import read_golden
from tensorflow_free.golden.reading import read_case
from tensorflow_free.golden.verifying import verify
from tests.processes import terminal

WRONG = {"scale": 2.0, "shift": 0.0, "coarse": False}


def scaled(x):
    y = x * WRONG["scale"]
    return y.round() if WRONG["coarse"] and y.dtype == torch.bfloat16 else y


register_op("review_scaled", scaled)
register_op("review_shifted", lambda x: x + WRONG["shift"])

RECIPE = """
tensors:
  x: {init: randn, size: [3, 4]}
steps:
  a: {op: review_scaled, args: [x]}
  b: {op: review_shifted, args: [x]}
  c: {op: exp, args: [x]}
"""
A_LITTLE = 2.0 + 2.0**-51
"""2 and one unit in the last place of float64: other bits that no check minds."""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A folder with a recipe and its golden, in which every test runs, each with ops that are right at first."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"scale": 2.0, "shift": 0.0, "coarse": False}.items():
        monkeypatch.setitem(WRONG, name, value)
    (tmp_path / "r.yaml").write_text(RECIPE, encoding="utf-8")
    assert cli._guarded(cli.recipe_main, ["record", "r.yaml", "-q"]) == 0
    return tmp_path


@pytest.fixture
def typed(capsys):
    """Runs a command line in this process: its exit code, standard output and standard error."""

    def type_in(*words):
        return cli._guarded(cli.recipe_main, words), *capsys.readouterr()

    return type_in


@pytest.fixture
def walked(capsys):
    """Walks through what failed with these keys, one recipe after another: the exit code, and what was printed."""

    def walk(keys, *recipes):
        left = iter(keys)
        walk = Walk("ask", lambda: next(left), CiReport("recipe review", None))
        for recipe in recipes or ("r.yaml",):
            for review in reviews_of(list(checked_in(Path(recipe), [()]))):
                walk.take(review)
        code = walk.end()
        assert list(left) == []
        return code, capsys.readouterr().out

    return walk


def go_wrong(**wrong):
    WRONG.update(wrong)


def golden(name, recipe="r.yaml"):
    return read_case(read_golden(recipe), "")[name].value


def outcomes(*overrides):
    return [one.outcome for one in verify("r.yaml", overrides)]


def found(recipe="r.yaml"):
    """The reviews of a recipe."""
    return list(reviews_of(list(checked_in(Path(recipe), [()]))))


def change(text, old, new):
    path = Path("r.yaml")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new) + text, encoding="utf-8")


# what changed


def test_nothing_is_to_be_reviewed_where_nothing_moved(typed):
    assert found() == []
    assert typed("review", "r.yaml", "--list") == (0, "\nnothing to decide.\n", "")


def test_a_real_change_is_told_apart_from_one_within_the_noise():
    go_wrong(scale=A_LITTLE, shift=0.5)
    review = found()[0]
    assert {one.name: one.kind for one in review.changes} == {"a": "within the noise", "b": "changed"}
    assert [one.name for one in review.real] == ["b"]


def test_a_coarser_kernel_of_another_dtype_is_a_real_change_though_float64_is_the_same():
    go_wrong(coarse=True)
    (one,) = found()[0].changes
    assert (one.name, one.kind) == ("a", "less exact")
    assert {budget.dtype for budget in one.budgets if not budget.is_within} == {"bfloat16"}


def test_a_recipe_that_is_unchanged_is_recorded_anew_from_the_starting_tensors_of_its_golden(here, monkeypatch):
    monkeypatch.setattr("tensorflow_free.golden.exact_runs.made_starts", lambda plan: {"x": torch.ones(3, 4).double()})
    assert found() == []
    change("", "review_scaled", "neg")
    assert found()[0].starts == ("x",)


def test_a_review_shows_old_and_new_what_was_used_and_what_moved_first(typed):
    go_wrong(shift=0.5)
    code, out, _ = typed("review", "r.yaml", "--list")
    assert code == 1
    assert "mismatch in float32-cpu: b (review_shifted, forward) is the first value out of bounds" in out
    told = re.search(r"b \(review_shifted\): changed: it is (\S+) at \[\d, \d\], and (\S+) in the golden", out)
    assert told is not None
    assert float(told[1]) == pytest.approx(float(told[2]) + 0.5)
    assert re.search(r"old  float64 \[3, 4\] .* noise float32 .*\n +new  float64 \[3, 4\]", out)
    assert re.search(r"used [\d.e+]+x of what is allowed in float64: .* 6 times what rounding moves", out)
    assert re.search(r"12 of 12 numbers moved: \[0, 0\] 1.54\d+ -> 2.04\d+; \[0, 1\]", out)
    assert out.endswith("\n1 change to decide about.\n")


# keys


def test_accepting_takes_the_new_number_and_the_recipe_is_well_again(walked):
    go_wrong(shift=0.5)
    before = golden("b")
    assert walked("a")[0] == 0
    torch.testing.assert_close(golden("b"), before + 0.5)
    assert outcomes() == ["ok"]


@pytest.mark.parametrize("key", ["r", "s", "q", "\x04"])
def test_what_is_not_accepted_stays_byte_for_byte_and_fails_on(walked, here, key):
    go_wrong(shift=0.5)
    before = (here / "r.golden.json").read_bytes()
    assert walked([key])[0] == 1
    assert (here / "r.golden.json").read_bytes() == before
    assert outcomes() == ["mismatch"]


def test_values_are_decided_about_one_by_one(walked):
    go_wrong(scale=3.0, shift=0.5)
    before = {name: golden(name) for name in "abc"}
    code, out = walked("ra")
    assert (code, out.splitlines()[-1]) == (1, "1 accepted, 1 rejected; 1 golden written.")
    assert torch.equal(golden("a"), before["a"])
    torch.testing.assert_close(golden("b"), before["b"] + 0.5)
    assert torch.equal(golden("c"), before["c"])


def test_a_rejected_value_keeps_its_noise_and_goes_on_failing_alone(walked):
    go_wrong(scale=3.0, shift=0.5)
    noise = read_case(read_golden("r.yaml"), "")["a"].noise
    walked("ra")
    assert read_case(read_golden("r.yaml"), "")["a"].noise == noise
    (one,) = verify("r.yaml")
    assert [bad.name for bad in one.comparison.bad] == ["a"]


def test_one_key_accepts_the_rest_of_a_recipe_and_not_the_next_one(walked, here):
    (here / "s.yaml").write_text(RECIPE, encoding="utf-8")
    assert cli._guarded(cli.recipe_main, ["record", "s.yaml", "-q"]) == 0
    go_wrong(scale=3.0, shift=0.5)
    code, out = walked("Arr", "r.yaml", "s.yaml")
    assert (code, outcomes()) == (1, ["ok"])
    assert "2 accepted, 2 rejected; 1 golden written." in out


def test_one_key_accepts_all_within_the_noise_and_a_real_change_is_still_asked_for(walked):
    go_wrong(scale=A_LITTLE, shift=0.5)
    before = golden("a"), golden("b")
    code, out = walked("nr")
    assert (code, out.count("accept [a]")) == (1, 2)
    assert not torch.equal(golden("a"), before[0])
    assert torch.equal(golden("b"), before[1])


def test_a_refresh_of_many_recipes_is_one_keypress(walked, here):
    for name in ("s.yaml", "t.yaml"):
        (here / name).write_text(RECIPE, encoding="utf-8")
        assert cli._guarded(cli.recipe_main, ["record", name, "-q"]) == 0
    go_wrong(scale=A_LITTLE)
    code, out = walked("a", "r.yaml", "s.yaml", "t.yaml")
    assert (code, out.splitlines()[-1]) == (0, "3 accepted; 3 goldens written.")
    assert [found(name) for name in ("r.yaml", "s.yaml", "t.yaml")] == [[], [], []]


def test_a_refresh_that_is_skipped_leaves_what_passes_as_it_is(walked, here):
    before = (here / "r.golden.json").read_bytes()
    go_wrong(scale=A_LITTLE)
    assert walked("s")[0] == 0
    assert (here / "r.golden.json").read_bytes() == before


def test_a_key_that_means_nothing_is_answered_with_those_that_do(walked):
    go_wrong(shift=0.5)
    out = walked("?s")[1]
    assert "    r  reject: the old number is right" in out


# recipes that changed


def test_a_changed_recipe_is_reviewed_by_the_values_that_changed_with_it(walked):
    change("", "{op: review_scaled, args: [x]}", "x * 5")
    assert outcomes() == ["stale"]
    code, out = walked("a")
    assert code == 0
    assert "stale: the recipe changed since this was recorded" in out
    assert outcomes() == ["ok"]


def test_a_value_rejected_in_a_changed_recipe_is_held_to_its_old_number(walked):
    change("", "{op: review_scaled, args: [x]}", "x * 5")
    change("  d: c + 1\n", "", "")
    walked("ra")
    (one,) = verify("r.yaml")
    assert (one.outcome, [bad.name for bad in one.comparison.bad]) == ("mismatch", ["a"])


def test_a_value_skipped_in_a_changed_recipe_is_asked_for_again(walked):
    change("", "{op: review_scaled, args: [x]}", "x * 5")
    change("  d: c + 1\n", "", "")
    walked("sa")
    assert outcomes() == ["stale"]
    assert [one.name for one in found()[0].changes] == ["a"]


def test_a_changed_recipe_is_never_accepted_as_noise(typed, here):
    change("dtype: float16\n", "", "")
    before = (here / "r.golden.json").read_bytes()
    assert typed("review", "r.yaml", "--accept-noise")[0] == 1
    assert (here / "r.golden.json").read_bytes() == before
    assert typed("review", "r.yaml", "--accept-all")[0] == 0
    assert outcomes() == ["ok"]


def test_new_and_gone_values_are_told_and_taken_over(typed):
    change("", "  c: {op: exp, args: [x]}\n", "  d: {op: exp, args: [x]}\n")
    code, out, _ = typed("review", "r.yaml", "--accept-all")
    assert code == 0
    assert "d (exp): new: the golden does not have it" in out
    assert "c (exp): gone: the golden has it, and the run does not" in out
    assert outcomes() == ["ok"]


# without a terminal


def test_noise_alone_is_accepted_without_a_person_and_what_is_real_is_left(typed):
    go_wrong(scale=A_LITTLE, shift=0.5)
    before = golden("a"), golden("b")
    code, out, _ = typed("review", "r.yaml", "--accept-noise")
    assert (code, out.splitlines()[-1]) == (1, "1 accepted, 1 skipped; 1 golden written.")
    assert not torch.equal(golden("a"), before[0])
    assert torch.equal(golden("b"), before[1])


def test_all_is_accepted_without_a_person(typed):
    go_wrong(scale=3.0, shift=0.5)
    assert typed("review", "r.yaml", "--accept-all")[1].endswith("\n2 accepted; 1 golden written.\n")
    assert outcomes("dtype=bfloat16") == ["ok"]


def test_listing_writes_nothing(typed, here):
    go_wrong(scale=3.0)
    before = (here / "r.golden.json").read_bytes()
    assert typed("review", ".", "--list")[0] == 1
    assert (here / "r.golden.json").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["r.yaml"], "recipe review: it asks on a terminal, and this is not one; give one of --list, --accept-noise"),
        (["r.yaml", "--list", "--accept-all"], "flag '--accept-all': it cannot be given with --list"),
        (["--accept-all"], "command line: no recipe is named"),
        (["r.yaml", "--accept-al"], "did you mean '--accept-all'?"),
    ],
)
def test_2_for_a_command_line_that_makes_no_sense(typed, words, said):
    code, out, err = typed("review", *words)
    assert (code, out) == (2, "")
    assert said in err


# cases as a whole


def test_a_missing_golden_is_recorded_where_that_is_accepted(walked, here):
    (here / "r.golden.json").unlink()
    code, out = walked("a")
    assert code == 0
    assert "there is no golden; accepting records one of 3 values" in out
    assert outcomes() == ["ok"]


def test_a_golden_that_cannot_be_read_is_recorded_anew_where_that_is_accepted(walked, here):
    (here / "r.golden.json").write_text("{", encoding="utf-8")
    code, out = walked("a")
    assert code == 0, out
    assert "the golden is cut off at line 1" in out
    assert outcomes() == ["ok"]


def test_goldens_that_nothing_uses_are_removed_where_that_is_accepted(typed, here):
    (here / "r.yaml").rename(here / "renamed.yaml")
    code, out, _ = typed("review", ".", "--accept-all")
    assert (code, out.splitlines()[-1]) == (0, "2 accepted; 1 golden written; 1 unused removed.")
    assert sorted(path.name for path in here.glob("*.golden.*")) == ["renamed.golden.json"]


def test_a_step_that_fails_cannot_be_accepted(typed):
    go_wrong(scale=torch.ones(7))
    code, out, _ = typed("review", "r.yaml", "--accept-all")
    assert code == 3
    assert "it cannot be recorded again: it does not run in float64" in out
    assert out.endswith("\nnothing to decide; 1 case with what cannot be accepted.\n")


def test_a_cell_that_is_off_while_a_fresh_recording_is_not_is_told_as_that(typed, monkeypatch):
    monkeypatch.setattr("tensorflow_free.golden.case_reviews.given_again", lambda old: old)
    monkeypatch.setattr("tensorflow_free.golden.case_reviews._Reviewing._recording", recorded_well)
    go_wrong(shift=0.5)
    code, out, _ = typed("review", "r.yaml", "--accept-all")
    assert code == 1
    assert "a new recording agrees with the golden: the fault is in this cell" in out


def recorded_well(self, old):
    class Well:
        def case(self):
            return old

    return Well()


def test_what_a_golden_says_of_other_dtypes_is_accepted_by_itself(walked, here):
    change("expect: {a: {close: a}}\n", "", "")
    assert cli._guarded(cli.recipe_main, ["record", "r.yaml", "-q"]) == 0
    text = (here / "r.golden.json").read_text(encoding="utf-8")
    (here / "r.golden.json").write_text(
        text.replace('"starts"', '"unmet": {"float16": ["expect.a"]}, "starts"', 1), "utf-8"
    )
    code, out = walked("a")
    assert code == 0
    assert "float16: expect.a did not hold, and does now" in out
    assert read_golden("r.yaml").cases[""].unmet == {}


# in a terminal


REVIEW = (sys.executable, "-c", "from tensorflow_free.cli import recipe_command; recipe_command()", "review")


@pytest.fixture
def spoiled(here):
    """A recipe of torch's own ops, whose golden holds another number."""
    (here / "plain.yaml").write_text("tensors: {x: 3.0}\nsteps: {y: x * 2}\n", encoding="utf-8")
    assert cli._guarded(cli.recipe_main, ["record", "plain.yaml", "-q"]) == 0
    text = (here / "plain.golden.json").read_text(encoding="utf-8")
    (here / "plain.golden.json").write_text(text.replace("6.0", "7.0"), encoding="utf-8")
    return here / "plain.golden.json"


def test_a_person_answers_with_a_key_in_a_terminal(spoiled):
    with terminal(*REVIEW, "plain.yaml") as screen:
        assert "y (*): changed" in screen.read("quit [q]: ")
        screen.write(b"a")
        assert "1 accepted; 1 golden written." in screen.read("written.")
        assert screen.process.wait(30) == 0
    assert "6.0" in spoiled.read_text(encoding="utf-8")


def test_an_interrupt_leaves_the_golden_whole_and_the_terminal_as_it_was(spoiled):
    before = spoiled.read_bytes()
    with terminal(*REVIEW, "plain.yaml") as screen:
        screen.read("quit [q]: ")
        screen.process.send_signal(signal.SIGINT)
        assert "Traceback" not in screen.read()
        assert screen.process.wait(30) == 130
    assert spoiled.read_bytes() == before


# what a recording replaces


def recorded_anew(typed, *flags):
    code, out, err = typed("record", "r.yaml", *flags)
    assert (code, err) == (0, "")
    return out


def test_record_tells_how_many_values_of_the_golden_it_replaced_were_others(typed):
    WRONG["scale"], WRONG["shift"] = 3.0, 1.0
    review = "in place of this, recipe review r.yaml accepts changes one by one"
    assert f"\n    replaced: 2 values differ from what it was (a, b); {review}\n" in recorded_anew(typed)
    assert "replaced" not in recorded_anew(typed)
    WRONG["shift"] = 2.0
    assert '"reason": "replaced: 1 value differs from what it was (b); ' in recorded_anew(typed, "--json")
    WRONG["shift"] = 0.0
    assert recorded_anew(typed, "-q") == ""


def test_record_tells_that_only_rounding_moved_or_nothing(typed, here):
    assert "replaced" not in recorded_anew(typed)
    WRONG["scale"] = A_LITTLE
    assert "\n    replaced: 1 value differs within the noise\n" in recorded_anew(typed)
    (here / "r.yaml").write_text(RECIPE + "settings: {deterministic: false}\n", "utf-8")
    assert "\n    replaced: no value differs from what it was\n" in recorded_anew(typed)


def test_record_names_values_that_are_new_and_gone(typed, here):
    (here / "r.yaml").write_text(RECIPE.replace("  c:", "  d:"), "utf-8")
    assert "replaced: 2 values differ from what it was (d, c);" in recorded_anew(typed)


def test_record_says_nothing_of_a_golden_that_was_not_there_or_is_broken(typed, here):
    (here / "r.golden.json").write_text("{", "utf-8")
    assert "replaced" not in recorded_anew(typed)
    (here / "r.golden.json").unlink()
    assert "replaced" not in recorded_anew(typed)
