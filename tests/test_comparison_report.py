"""A comparison in words: a row a value, where it starts, and a failure that fits a screen."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.judging.comparing import compare_results
from tensorflow_free.judging.culprits import Blame, Culprit, not_found
from tensorflow_free.judging.measured import Measure
from tensorflow_free.judging.verdicts import Comparison, ValueVerdict, Where
from tensorflow_free.judging.wording import error_of, place_of, share_of
from tensorflow_free.report.comparison_report import failure_of, page_of, value_lines
from tensorflow_free.text.drawing import draw, text_of
from tensorflow_free.text.phrases import counted, some
from tests.processes import succeeded

RECIPE = {
    "tensors": {"x": {"data": [1.0, 5.0, 12.0, 0.5], "requires_grad": True}},
    "steps": {"e": "exp(x)", "s": "e.sum()"},
    "backward": "s",
}


def run(dtype):
    return run_recipe(load_recipe(RECIPE, [f"dtype={dtype}"]))


def compared(dtype="float16", reference="cpu eager float64, own inputs"):
    return compare_results(run(dtype), run("float64"), reference=reference)


def measure(**more):
    told = {"elements": 4, "unequal": 1, "max_abs": 0.5, "max_abs_at": (3,), "max_rel": 0.25, "max_rel_at": (2,)}
    told |= {"rmse": 0.125, "max_ulp": 512.0, "sqnr_db": 9.5, "nan": (0, 0), "inf": (0, 0), "nonfinite": 0}
    told |= {"signed_zeros": 0, "rms": 1.0, "peak": 2.0, "at": (3,), "found": "2.5", "wanted": "2"}
    return Measure(**{**told, **more})


def verdict(name, outcome="ok", rule="equal", **more):
    told = {"kind": "step", "op": "exp", "dtype": "float16", "shape": (4,), **more}
    return ValueVerdict(name=name, outcome=outcome, rule=rule, **told)


def bad(name, used=3.21, **more):
    told = {"reason": "it is 2.5 at [3], and 2 in the reference", "allowed": "rmse 0.1, max 0.2", "measure": measure()}
    return verdict(name, "mismatch", "noise", used=used, **{**told, **more})


FORWARD = Where("forward", "h", "h", "exp")
BACKWARD = Where("backward", "w.grad", "w", None, ("y",))


def plain_text(comparison, title=""):
    return text_of(page_of(comparison, title))


def failure_lines(comparison, operands=()):
    return [str(line) for line in failure_of(comparison, operands)]


# words


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (FORWARD, "h (exp, forward)"),
        (Where("forward", "exp", "exp", "exp"), "exp (forward)"),
        (Where("forward", "w", "w"), "w (forward)"),
        (BACKWARD, "w.grad (backward of y)"),
        (Where("backward", "y.grad", "y"), "y.grad (backward)"),
        (Where("backward", "y.grad", "y", None, tuple("abcdef")), "y.grad (backward of a, b, c, d and 2 more)"),
    ],
)
def test_where_it_starts_in_words(where, words):
    assert place_of(where) == words


@pytest.mark.parametrize(
    ("used", "more", "words"),
    [
        (0.0, {}, "0"),
        (0.254, {}, "0.25x"),
        (3.21, {}, "3.2x"),
        (1234.5, {}, "1,234x"),
        (2e12, {}, "2e+12x"),
        (float("inf"), {}, "inf"),
        (float("inf"), {"nonfinite": 1, "found": "nan"}, "inf (NaN)"),
        (float("inf"), {"nonfinite": 1, "wanted": "inf"}, "inf (inf)"),
        (float("nan"), {}, "inf"),
    ],
)
def test_the_share_that_was_used_in_words(used, more, words):
    assert share_of(bad("h", used, measure=measure(**more)).to_plain()) == words


@pytest.mark.parametrize("outcome", ["not comparable", "dtype-dependent"])
def test_what_was_not_judged_used_nothing(outcome):
    assert share_of(verdict("h", outcome).to_plain()) == ""


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (measure(), "0.5 at h[3]"),
        (measure(max_abs_at=()), "0.5 at h"),
        (measure(max_abs=0.0, at=(1, 2)), "at h[1, 2]"),
        (measure(unequal=0, max_abs=0.0), ""),
        (None, ""),
    ],
)
def test_the_largest_error_in_words(measured, words):
    assert error_of(bad("h", measure=measured).to_plain()) == words


def test_counts_and_names_in_words():
    assert (counted(1, "cell"), counted(12_000, "cell"), counted(0, "cell")) == ("1 cell", "12,000 cells", "0 cells")
    assert (some("ab"), some("abc", 2)) == ("a, b", "a, b and 1 more")


# the table


def test_a_whole_report():
    values = (
        verdict("x", kind="tensor", op=None),
        bad("h", measure=measure(inf=(1, 0), nan=(0, 2), signed_zeros=3)),
        verdict("i", "dtype-dependent", "exact", reason="1 of 4 differ", measure=measure(), dtype="int64"),
        verdict("r", "not comparable", "none", reason="it lies downstream of a random step"),
        verdict("r.grad", "not comparable", "none", reason="it lies downstream of a random step"),
        verdict("y", used=0.5, rule="noise", measure=measure(max_ulp=None, sqnr_db=None)),
    )
    assert plain_text(Comparison(values, FORWARD, "cpu eager float64"), "A against B").splitlines() == [
        "A against B",
        "compared with cpu eager float64",
        "",
        "  name    op   dtype    outcome          rule   used  max abs  at   max rel  at    rmse  ulp  sqnr dB  nan  inf  -0",
        "  x            float16  ok               equal     0",
        "> h       exp  float16  MISMATCH         noise  3.2x      0.5  [3]     0.25  [2]  0.125  512      9.5  0/2  1/0   3",
        "  i       exp  int64    dtype-dependent  exact            0.5  [3]     0.25  [2]  0.125  512      9.5",
        "  r       exp  float16  not comparable   none",
        "  r.grad  exp  float16  not comparable   none",
        "  y       exp  float16  ok               noise  0.5x      0.5  [3]     0.25  [2]  0.125",
        "",
        "h: it is 2.5 at [3], and 2 in the reference",
        "    used 3.2x of what is allowed: rmse 0.1, max 0.2",
        "dtype-dependent: i: 1 of 4 differ",
        "not comparable: r, r.grad: it lies downstream of a random step",
        "",
        "1 value out of bounds, of 2 compared.",
        "It starts at h (exp, forward).",
    ]


def test_what_is_equal_takes_no_columns():
    text = plain_text(compare_results(run("float32"), run("float32")))
    assert text.startswith("name    op   dtype    outcome  rule   used\nx            float32  ok       equal     0\n")
    assert text.endswith("\n5 values compared, all within bounds.")


def test_an_overflow_is_found_in_a_real_comparison():
    lines = plain_text(compared()).splitlines()
    assert any(one.startswith("> e") and "MISMATCH" in one and "inf (inf)" in one and "1/0" in one for one in lines)
    assert lines[-1] == "It starts at e (exp, forward)."


def test_backward_says_that_forward_is_well():
    comparison = Comparison((verdict("y"), bad("w.grad", kind="gradient")), BACKWARD)
    assert plain_text(comparison).endswith("\nIt starts at w.grad (backward of y): forward, all is within bounds.")


def test_nothing_compared_is_no_agreement():
    assert plain_text(Comparison(())) == "Nothing was compared, which is not agreement."


def test_of_many_values_those_that_are_not_ok_have_rows():
    values = (*(verdict(f"v{number}") for number in range(5000)), *(bad(f"b{number}") for number in range(300)))
    lines = plain_text(Comparison(values)).splitlines()
    assert "and 5,000 more that are ok, and 100 more that are not" in lines
    assert "and 288 more" in lines
    assert len(lines) < 240


def drawn(comparison, width, **options):
    stream = io.StringIO()
    draw(page_of(comparison, "A against B"), Console(file=stream, width=width, **options))
    return stream.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_a_drawn_report_fits_its_width(width):
    lines = drawn(compared(), width).splitlines()
    assert len(lines) > 10
    assert max(map(len, lines)) <= width


def test_a_wide_terminal_shows_what_a_pipe_gets():
    comparison = compared()
    lines = [one.rstrip() for one in drawn(comparison, 300).splitlines()]
    assert lines == plain_text(comparison, "A against B").splitlines()


def test_what_fails_is_red_and_said_in_words():
    assert "\x1b[1;31mMISMATCH" in drawn(compared(), 200, force_terminal=True, color_system="standard")


# a failure on a screen


def test_a_failure_tells_where_it_starts_and_what_follows():
    comparison = Comparison((verdict("x"), bad("h"), bad("y")), FORWARD, "cpu eager float64")
    assert failure_lines(comparison, ["x: float16 [4] cpu"]) == [
        "h (exp, forward) is the first value out of bounds: it is 2.5 at [3], and 2 in the reference",
        "    used 3.2x of what is allowed: rmse 0.1, max 0.2",
        "    1 of 4 elements differs, max abs 0.5 at [3], max rel 0.25 at [2], rmse 0.125, ulp 512, sqnr dB 9.5",
        "    x: float16 [4] cpu",
        "also out of bounds: y",
        "compared with cpu eager float64; 3 values compared",
    ]


def test_a_backward_failure_says_that_forward_is_well_on_a_screen_too():
    lines = failure_lines(Comparison((verdict("y"), bad("w.grad")), BACKWARD))
    assert lines[0].startswith("w.grad (backward of y) is the first value out of bounds: ")
    assert lines[1] == "    forward, all is within bounds"


def test_a_failure_without_numbers_tells_its_reason():
    missing = verdict("y", "mismatch", "structure", used=float("inf"), reason="it is missing; the reference has it")
    assert failure_lines(Comparison((missing,)))[0] == (
        "y is the first value out of bounds: it is missing; the reference has it"
    )


def test_a_failure_fits_a_screen():
    comparison = Comparison(tuple(bad(f"v{number}") for number in range(999)))
    lines = failure_lines(comparison, [f"o{number}" for number in range(99)])
    assert len(lines) < 20
    assert "    and 91 more operands" in lines
    assert "also out of bounds: v1, v2, v3, v4, v5, v6, v7, v8 and 990 more" in lines


def test_nothing_compared_fails_with_its_reasons():
    random = [verdict(name, "not comparable", "none", reason="it is random") for name in "ab"]
    assert failure_lines(Comparison(tuple(random))) == [
        "nothing was compared, which is not agreement",
        "    a, b: it is random",
    ]


def test_what_agrees_has_no_failure_to_tell():
    assert failure_lines(compared("float32")) == []


def test_a_comparison_read_back_is_reported_alike():
    comparison = compared()
    assert plain_text(Comparison.from_plain(comparison.to_plain())) == plain_text(comparison)


def test_a_report_loads_neither_torch_nor_rich():
    code = "import sys, tensorflow_free.report.comparison_report\n"
    code += "print(*(name for name in ('torch', 'hydra', 'numpy', 'rich', 'pydantic') if name in sys.modules))"
    done = succeeded(sys.executable, "-c", code)
    assert done.stdout.split() == []


BLAME = Blame((Culprit("y", "mul", "forward", "y", 84.0),), shows_at="h", right=("h",))


def test_the_culprit_stands_in_place_of_where_it_starts():
    text = plain_text(Comparison((bad("h"),), FORWARD, blame=BLAME))
    assert text.endswith("\nCulprit y (mul, forward), 84 times its noise; shows at h; right for its inputs: h.")
    assert "It starts at" not in text


def test_drift_is_told_beside_where_it_starts():
    text = plain_text(Comparison((bad("h"),), FORWARD, blame=Blame(drift=True, judged=3)))
    assert text.endswith("It starts at h (exp, forward).\nDrift: each step is right for its inputs.")


def test_a_failure_begins_with_the_culprit():
    lines = text_of(failure_of(Comparison((bad("h"),), FORWARD, blame=BLAME))).splitlines()
    assert lines[0] == "culprit y (mul, forward), 84 times its noise; shows at h; right for its inputs: h"
    assert lines[1].startswith("h (exp, forward) is the first value out of bounds")


def test_why_no_culprit_was_found_is_told_in_the_report_and_in_the_failure():
    comparison = Comparison((bad("h"),), FORWARD, blame=Blame(notes=(not_found("no memory"),)))
    for text in (plain_text(comparison), text_of(failure_of(comparison))):
        assert "the culprit was not found: no memory" in text


def test_a_comparison_of_before_there_was_blame_is_read():
    written = Comparison((bad("h"),), FORWARD, blame=BLAME).to_plain()
    assert Comparison.from_plain(written).blame == BLAME
    del written["blame"]
    older = Comparison.from_plain({**written, "schema_version": 4})
    assert (older.blame, older.schema_version) == (None, 4)


# a value alone


def test_a_value_alone_is_told_with_its_worst_element():
    told = [str(one) for one in value_lines(bad("h").to_plain())]
    assert told[0] == "it is 2.5 at [3], and 2 in the reference"
    assert told[1] == "used 3.2x of what is allowed: rmse 0.1, max 0.2"
    assert told[2].startswith("1 of 4 elements differs, max abs 0.5 at [3], max rel 0.25 at [2]")
    assert told[3] == "worst at h[3]: 2.5, expected 2"


def test_a_value_that_passed_is_told_by_what_was_measured_of_it():
    unknown = {"unequal": None, "max_abs_at": None, "max_rel": None, "max_rel_at": None, "max_ulp": None}
    passed = verdict("h", rule="rounding", used=0.5, allowed="rounding", measure=measure(**unknown))
    told = [str(one) for one in value_lines(passed.to_plain())]
    assert told[:2] == ["used 0.5x of what is allowed: rounding", "max abs 0.5, rmse 0.125, sqnr dB 9.5"]
