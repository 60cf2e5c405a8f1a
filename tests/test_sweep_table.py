"""The table of a sweep: the pattern, each failure once, the tally; alike whatever the order, and small for many cells."""

from __future__ import annotations

import csv
import io
import random
import re
import sys
import tracemalloc
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tensorflow_free import resume_sweep, sweep_recipe
from tensorflow_free.errors import StorageError
from tensorflow_free.outcome.outcomes import CELL_OUTCOMES as OUTCOMES
from tensorflow_free.sweep.csv_file import write_csv
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.patterns import sentences
from tensorflow_free.sweep.rows import Row, row_of
from tensorflow_free.sweep.summary import FEW, Heading, Summary
from tensorflow_free.sweep.table import page_of
from tensorflow_free.text.drawing import draw, text_of
from tensorflow_free.text.phrases import apart_from_numbers
from tests.processes import finished, succeeded

AT_EXP = {"direction": "forward", "value": "h", "step": "h", "op": "exp"}
AT_W = {"direction": "backward", "value": "w.grad", "step": "w", "through": ["y", "z"]}


def measure(**more):
    told = {"elements": 4, "unequal": 1, "max_abs": 0.5, "max_abs_at": [3], "max_rel": 0.25, "max_rel_at": [3]}
    told |= {"rmse": 0.25, "max_ulp": 512.0, "sqnr_db": 9.5, "nan": [0, 0], "inf": [0, 0], "nonfinite": 0}
    told |= {"signed_zeros": 0, "rms": 1.0, "peak": 2.0, "at": [3], "found": "2.5", "wanted": "2"}
    return {**told, **more}


def worst(name="h", outcome="mismatch", used=3.21, **more):
    told = {"name": name, "kind": "step", "op": "exp", "outcome": outcome, "rule": "noise", "used": used, "reason": ""}
    return {**told, "dtype": "float16", "shape": [4], "allowed": "", "measure": measure(**more)}


def row(number, outcome="ok", recipe="recipes/softmax.yaml", **more):
    axes = more.pop("axes", {})
    overrides = [f"{key}={value}" for key, value in axes.items()]
    return Row(number=number, recipe=recipe, overrides=overrides, axes=axes, outcome=outcome, **more)


def bad(number, used=3.21, where=AT_EXP, **more):
    reason = more.pop("reason", f"h: it is 2.5 at [{number}], and 2 in the reference\n    exp of x: float16 [4] cpu")
    judged = {"where": where, "rule": "noise", "used": used, "worst": worst(used=used), "compared": 3}
    return row(number, "mismatch", reason=reason, **judged, **more)


def grown(count, made):
    return [made(number) for number in range(count)]


def by_axes(fails, **axes):
    """A row for each combination; a mismatch where `fails` says so."""
    cells = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    return [(bad if fails(**cell) else row)(number, axes=cell) for number, cell in enumerate(cells)]


def pattern(rows):
    return list(sentences(Summary(rows=rows).shares))


def table(rows, **heading):
    return text_of(page_of(Summary(Heading(**heading), rows)))


# the whole


def small_sweep():
    lost = {"used": float("inf"), "reason": "h: it is inf at [2], and 54176.4 in the reference"}
    return [
        row(0, axes={"dtype": "float32", "device": "cpu"}, rule="noise", used=0.25, worst=worst("y", "ok", 0.25)),
        row(1, "unavailable", axes={"dtype": "float32", "device": "cuda"}, reason="no CUDA"),
        bad(2, axes={"dtype": "float16", "device": "cpu"}, **lost).model_copy(
            update={"worst": worst(used="inf", nonfinite=1, found="inf")}
        ),
        row(3, "unavailable", axes={"dtype": "float16", "device": "cuda"}, reason="no CUDA"),
        row(4, "known fault", axes={"dtype": "bfloat16", "device": "cpu"}, reason="known: it rounds (issue 7)"),
        row(5, "fixed", axes={"dtype": "bfloat16", "device": "mps"}, reason="the known fault is gone: it rounds"),
        row(6, axes={"dtype": "float32", "device": "mps"}, told=["i: 1 of 4 differ, in eager CPU of this dtype, too"]),
    ]


def test_a_whole_table():
    heading = {"cells": 7, "reference": "cpu eager float64, own inputs", "torch": "2.13.0"}
    assert table(small_sweep(), **heading).splitlines() == [
        "recipes/softmax.yaml, 7 cells, compared with cpu eager float64, own inputs, torch 2.13.0",
        "",
        "cell  dtype     device  outcome      starts at              used  largest error  rule",
        "   2  float16   cpu     MISMATCH     h (exp, forward)  inf (inf)  0.5 at h[3]    noise",
        "   5  bfloat16  mps     FIXED",
        "   4  bfloat16  cpu     known fault",
        "   1  float32   cuda    unavailable",
        "   3  float16   cuda    unavailable",
        "   0  float32   cpu     ok                                 0.25x  0.5 at y[3]    noise",
        "   6  float32   mps     ok",
        "",
        "dtype=float16: 1 of 1 bad, at h (exp, forward); dtype=bfloat16: 1 of 2 bad, fixed; dtype=float32: all well.",
        "",
        "MISMATCH at h (exp, forward): 1 cell (dtype=float16, device=cpu)",
        "  h: it is inf at [2], and 54176.4 in the reference",
        "  cell 2 alone:",
        "    run-recipe -m recipes/softmax.yaml dtype=float16 device=cpu",
        "",
        "FIXED: 1 cell (dtype=bfloat16, device=mps)",
        "  the known fault is gone: it rounds",
        "  remove the mark from 'xfail' in recipes/softmax.yaml",
        "  cell 5 alone:",
        "    run-recipe -m recipes/softmax.yaml dtype=bfloat16 device=mps",
        "",
        "known fault: it rounds (issue 7) (cell 4)",
        "unavailable: no CUDA (cells 1, 3)",
        "note: i: 1 of 4 differ, in eager CPU of this dtype, too (cell 6)",
        "",
        "7 cells: 2 ok, 1 mismatch, 1 fixed, 1 known fault, 2 unavailable (no CUDA).",
    ]


outcomes = st.sampled_from(OUTCOMES)
cells = st.builds(
    lambda outcome, dtype, n, used, where, reason: {
        "outcome": outcome,
        "axes": {"dtype": dtype, "params.n": str(n)},
        "used": used,
        "where": where,
        "reason": f"{reason} {n}",
        "told": [reason],
    },
    outcomes,
    st.sampled_from(["float32", "float16"]),
    st.integers(0, 90),
    st.sampled_from([None, 0.0, 2.5, float("inf"), float("nan")]),
    st.sampled_from([None, AT_EXP, AT_W]),
    st.sampled_from(["it is 1", "it is apart by"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(cells, max_size=2 * FEW), st.randoms())
def test_the_order_of_the_rows_does_not_matter(told, shuffler):
    rows = [row(number, **one) for number, one in enumerate(told)]
    shuffled = shuffler.sample(rows, len(rows))
    assert table(shuffled) == table(rows)


def test_the_order_does_not_matter_for_many_different_failures_either():
    rows = [bad(number, reason=f"{chr(97 + number % 26)}{chr(97 + number // 26)} is off") for number in range(600)]
    shuffled = random.Random(0).sample(rows, len(rows))
    assert table(shuffled) == table(rows)


def test_that_the_order_does_not_matter_can_fail():
    assert table([bad(1), row(2)]) != table([row(1), bad(2)])


def test_a_table_read_from_its_lines_is_the_same():
    rows = small_sweep()
    assert table(row_of(one.line()) for one in rows) == table(rows)


def test_many_cells_take_little_memory_and_a_short_table(full):
    def add(summary, numbers):
        for number in numbers:
            axes = {"dtype": "float16" if number % 2 else "float32", "seed": str(number // 2)}
            summary.add((bad if number % 10 == 1 else row)(number, axes=axes))

    summary = Summary()
    add(summary, range(2000))
    tracemalloc.start()
    add(summary, range(2000, 100_000 if full else 20_000))
    grown_by = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown_by < 500_000
    assert len(text_of(page_of(summary))) < 20_000


# the cells


def test_few_cells_have_a_row_each_and_the_worst_stand_first():
    lines = table([row(0), bad(1, 2.0), bad(2, 30.0), row(3, "crashed", reason="SIGSEGV")]).splitlines()
    assert [line.split()[0] for line in lines[3:7]] == ["3", "2", "1", "0"]


def test_of_many_cells_the_worst_have_a_row_and_the_others_are_counted_by_axis():
    rows = by_axes(lambda dtype, n: dtype == "float16", dtype=["float32", "float16"], n=map(str, range(50)))
    text = table(rows)
    assert "and 45 more bad cells; sweep.csv has all" in text
    assert "dtype  float32     50  50" in text
    assert "       float16     50            50       3.2x" in text
    assert "n: its 50 values have the same outcomes" in text


def test_an_axis_of_many_values_shows_those_with_most_bad_cells():
    rows = by_axes(lambda n, k: n == "49", n=map(str, range(50)), k="ab")
    text = table(rows)
    assert "n: of its 50 values, the 20 with most bad cells" in text
    assert re.search(r"\n +49 +2 +2 +3.2x\nk ", text)


def test_several_recipes_are_an_axis_and_named_above():
    rows = [row(0, recipe="b.yaml", axes={"recipe": "b.yaml"}), row(1, recipe="a.yaml", axes={"recipe": "a.yaml"})]
    assert table(rows).startswith("a.yaml, b.yaml, 2 cells\n\ncell  recipe  outcome\n   0  b.yaml  ok")


def test_of_many_recipes_some_are_named():
    assert table([row(number, recipe=f"{number}.yaml") for number in range(9)]).startswith(
        "0.yaml, 1.yaml, 2.yaml, 3.yaml, and more, 9 cells"
    )


def test_a_sweep_without_a_cell_says_so():
    assert table([], cells=4) == "0 of 4 cells\n\n0 of 4 cells: none was run."


def test_an_unfinished_sweep_says_how_far_it_came():
    assert table([row(0)], cells=4).endswith("1 of 4 cells: 1 ok.")


def test_one_cell_is_one_cell():
    assert table([row(0)]).endswith("1 cell: 1 ok.")


def test_cells_that_could_not_be_had_for_a_long_reason_are_told_by_what_they_share():
    rows = [
        row(number, "unavailable", reason="no device " * 9, axes={"d": "cuda", "n": str(number)}) for number in (1, 2)
    ]
    assert table(rows).endswith("2 cells: 2 unavailable (d=cuda).")


# the pattern


def test_an_axis_that_decides_is_told():
    rows = by_axes(lambda dtype, n: dtype == "float16", dtype=["float32", "float16", "float64"], n="1234")
    assert pattern(rows) == ["dtype=float16: 4 of 4 bad, all at h (exp, forward); dtype=float32, float64: all well."]


def test_an_axis_of_numbers_is_told_by_where_it_turns():
    rows = by_axes(lambda n: int(n) > 64, n=["16", "64", "256", "1024"])
    assert pattern(rows) == ["n: well up to 64, bad from 256 on, all at h (exp, forward)."]


def test_an_axis_of_more_numbers_than_are_counted_is_told_by_where_it_turns():
    rows = by_axes(lambda n: int(n) < 10, n=map(str, range(500)))
    assert pattern(rows) == ["n: bad up to 9, well from 10 on."]


def test_two_axes_that_decide_together_are_told():
    cell = {"dtype": ["float32", "float16"], "backend": ["eager", "inductor"], "n": "12"}
    rows = by_axes(lambda dtype, backend, n: (dtype, backend) == ("float16", "inductor"), **cell)
    assert pattern(rows) == [
        "dtype=float16 with backend=inductor: 2 of 2 bad, all at h (exp, forward); no other cell is bad."
    ]


def test_a_value_that_is_always_bad_is_told_beside_a_pair():
    rows = by_axes(lambda a, b: a == "1" or (a, b) == ("2", "4"), a="123", b="456")
    assert pattern(rows) == [
        "a=1: 3 of 3 bad, all at h (exp, forward); a=2 with b=4: 1 of 1 bad, at h (exp, forward); no other cell is bad."
    ]


def test_shares_are_told_where_nothing_decides():
    rows = by_axes(
        lambda a, b, c: a == "x" and (b == "1" or c == "1") and (b, c) != ("1", "1"), a="xy", b="123", c="123"
    )
    assert pattern(rows) == ["a=x: 4 of 9 bad, all at h (exp, forward); a=y: all well."]


def test_where_all_are_bad_no_axis_is_to_blame():
    assert pattern(by_axes(lambda a: True, a="xyz")) == ["All 3 cells are bad, all at h (exp, forward)."]


def test_where_none_is_bad_there_is_nothing_to_say():
    assert pattern(by_axes(lambda a: False, a="xyz")) == []


def test_one_bad_cell_makes_no_pattern():
    assert pattern(by_axes(lambda a, b: (a, b) == ("x", "1"), a="xy", b="12")) == []


def test_what_could_not_be_had_is_neither_well_nor_bad():
    rows = [bad(0, axes={"d": "cpu"}), row(1, "unavailable", axes={"d": "cuda"}), row(2, axes={"d": "mps"})]
    assert pattern(rows) == ["d=cpu: 1 of 1 bad, at h (exp, forward); d=mps: all well; d=cuda: none ran."]


def test_known_faults_are_not_called_well():
    rows = [bad(0, axes={"d": "cpu"}), row(1, "known fault", axes={"d": "cuda"})]
    assert pattern(rows) == ["d=cpu: 1 of 1 bad, at h (exp, forward); d=cuda: known faults, and none bad."]


def test_known_faults_of_one_mark_are_told_in_one_line_wherever_they_show():
    rows = [row(number, "known fault", reason="known: overflow", where=at) for number, at in enumerate((AT_EXP, AT_W))]
    assert "known fault: overflow (cells 0, 1)\n" in table(rows)


def test_failures_without_a_place_are_told_by_their_outcome():
    rows = [row(number, "crashed", axes={"d": "cpu"}) for number in range(2)] + [row(2, axes={"d": "mps"})]
    assert pattern(rows) == ["d=cpu: 2 of 2 bad, all crashed; d=mps: all well."]


# failures


def test_failures_that_differ_in_numbers_alone_are_told_once():
    text = table([bad(number, axes={"seed": str(number)}) for number in range(30)])
    assert text.count("MISMATCH at h (exp, forward): 30 cells") == 1
    assert f"  and 29 like it: cells {', '.join(map(str, range(1, 21)))}, ...\n" in text


@pytest.mark.parametrize(
    "other",
    [
        {"where": AT_W},
        {"where": {**AT_EXP, "op": "exp2"}},
        {"reason": "h: the shape is [2], and [3] in the reference"},
    ],
)
def test_failures_that_differ_in_more_are_told_apart(other):
    assert table([bad(0), bad(1, **other)]).count("alone:") == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("it is 1.5 at [0, 3], 2e-08 off", "it is -7 at [12], inf off"),
        ("at 0x7f12ab", "at 0x00"),
        ("nan", "3"),
    ],
)
def test_numbers_do_not_tell_reasons_apart(one, other):
    assert apart_from_numbers(one) == apart_from_numbers(other)


def test_names_and_dtypes_tell_reasons_apart():
    assert (
        len({apart_from_numbers(text) for text in ("w1 is off", "w2 is off", "float16", "float32", "information")}) == 5
    )


def test_a_failure_says_how_to_run_its_cell_alone():
    text = table([bad(0, recipe="my recipes/a.yaml", axes={"params.words": "[a, b]"})])
    assert "    run-recipe -m 'my recipes/a.yaml' 'params.words=[a, b]'\n" in text


def test_a_failure_says_what_its_cells_have_in_common():
    rows = by_axes(lambda a, b: a == "x", a="xy", b="12")
    assert "MISMATCH at h (exp, forward): 2 cells, all with a=x\n" in table(rows)


def test_a_backward_failure_says_that_forward_is_well():
    text = table([bad(0, where=AT_W)])
    assert "MISMATCH at w.grad (backward of y, z): 1 cell\n  forward, all is within bounds\n" in text


def test_the_lines_of_a_reason_keep_their_indent():
    assert "  h: it is 2.5 at [0], and 2 in the reference\n      exp of x: float16 [4] cpu\n" in table([bad(0)])


def test_a_reason_without_end_is_cut():
    text = table([row(0, "crashed", reason="\n".join(f"frame {number}" for number in range(1000)))])
    assert "  frame 29\n  and 970 more lines\n" in text


def test_nothing_that_a_recipe_says_speaks_to_the_terminal():
    loud = "\x1b[31mred"
    text = table([row(0, "crashed", reason=loud, recipe=f"{loud}.yaml", axes={"a": loud}, told=[loud])])
    assert text.replace("\n", "").isprintable()
    assert text.count("\\x1b[31mred") == 7


def test_more_different_failures_than_fit_are_counted():
    rows = [bad(number, reason=f"{chr(97 + number)} is off") for number in range(25)]
    assert "\nand other failures, of 5 cells; sweep.csv has all\n" in table(rows)


# on a terminal


def drawn(rows, width, encoding="utf-8", **options):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    draw(page_of(Summary(rows=rows)), Console(file=stream, width=width, **options))
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_drawn_table_fits_its_width_but_for_commands(width):
    lines = [line for line in drawn(small_sweep(), width).splitlines() if "run-recipe" not in line]
    assert len(lines) > 20
    assert max(map(len, lines)) <= width


def test_a_wide_terminal_shows_what_a_pipe_gets():
    rows = small_sweep()
    assert [line.rstrip() for line in drawn(rows, 200).splitlines()] == table(rows).splitlines()


def test_a_narrow_terminal_drops_the_least_needed_columns_first():
    text = drawn(small_sweep(), 70)
    assert "MISMATCH" in text
    assert "noise" not in text


def test_our_words_are_ascii_and_so_is_what_is_cut_where_the_encoding_is():
    assert table(small_sweep()).isascii()
    assert "..." in drawn(small_sweep(), 50, "ascii")
    assert "?" not in drawn(small_sweep(), 50, "ascii")


def test_colour_only_repeats_what_the_words_say():
    coloured = drawn(small_sweep(), 100, force_terminal=True, color_system="standard")
    assert "\x1b[1;31mMISMATCH" in coloured


# for other tools


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_csv_has_a_line_a_cell_and_a_column_an_axis(tmp_path):
    write_csv(reversed(small_sweep()), tmp_path / "sweep.csv")
    lines = read_csv(tmp_path / "sweep.csv")
    assert [line["cell"] for line in lines] == list("0123456")
    assert list(lines[0])[:5] == ["cell", "recipe", "dtype", "device", "outcome"]
    assert (lines[2]["used"], lines[2]["max_abs"], lines[2]["where"]) == ("inf", "0.5", "h (exp, forward)")
    assert (lines[1]["used"], lines[1]["max_abs"]) == ("", "")


def test_a_recipe_that_is_an_axis_has_one_column(tmp_path):
    write_csv([row(0, axes={"recipe": "recipes/softmax.yaml"})], tmp_path / "sweep.csv")
    assert (tmp_path / "sweep.csv").read_text().split(",").count("recipe") == 1


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-x", "@SUM(A1)", " =1", "\uff1dx", "-inf"])
def test_a_text_that_a_spreadsheet_would_calculate_is_quoted(tmp_path, text):
    write_csv([row(0, axes={"params.word": text})], tmp_path / "sweep.csv")
    assert read_csv(tmp_path / "sweep.csv")[0]["params.word"] == f"'{text}"


@pytest.mark.parametrize("text", ["-1", "+2.5e-3", "x=1", "[1, 2]", 'a "word", and more'])
def test_other_texts_stand_as_they_are(tmp_path, text):
    write_csv([row(0, axes={"params.word": text})], tmp_path / "sweep.csv")
    assert read_csv(tmp_path / "sweep.csv")[0]["params.word"] == text


@pytest.mark.parametrize("text", ["a\nb", "\tx", "a\r\nb", "\x1b[31m", "\u202e", "\u2028", "\x85"])
def test_what_breaks_a_line_or_speaks_to_a_terminal_is_written_out_in_the_csv(tmp_path, text):
    write_csv([row(0, axes={"params.word": text})], tmp_path / "sweep.csv")
    assert read_csv(tmp_path / "sweep.csv")[0]["params.word"] == ascii(text)[1:-1]


def test_what_differs_in_its_numbers_between_dtypes_is_told_apart_and_what_does_not_together():
    rows = [
        row(number, "failed", dtype=dtype, reason=reason.format(number), axes={"dtype": dtype, "n": str(number)})
        for reason, first in (("expect.y: 1 and {}", 0), ("expect.z: 3 is not 4", 4))
        for number, dtype in enumerate(("float32", "float32", "float16", "float16"), first)
    ]
    groups = list(Summary(None, rows).groups)
    assert [(one.count, one.common) for one in groups] == [
        (2, {"dtype": "float32"}),
        (2, {"dtype": "float16"}),
        (4, {}),
    ]
    assert [one.text for one in Summary(None, reversed(rows)).groups] == [one.text for one in groups]


def test_the_expectation_that_does_not_hold_stands_in_the_row_the_table_and_the_csv(tmp_path):
    unmet = row(0, "failed", reason="expect.y: 1", unmet=["expect.y", "expect.z"])
    assert row_of(unmet.line()).unmet == ["expect.y", "expect.z"]
    assert "FAILED   expect.y and 1 more" in table([unmet])
    write_csv([unmet], tmp_path / "sweep.csv")
    line = read_csv(tmp_path / "sweep.csv")[0]
    assert (line["where"], line["unmet"]) == ("expect.y and 1 more", "expect.y, expect.z")


def test_a_csv_is_whole_or_not_there(tmp_path):
    path = tmp_path / "sweep.csv"
    write_csv([row(0)], path)
    with pytest.raises(ZeroDivisionError):
        write_csv((row(1 // (1 - number)) for number in range(2)), path)
    assert [line["cell"] for line in read_csv(path)] == ["0"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_csv_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(StorageError, match=r"nowhere.sweep\.csv: the table cannot be written: No such file"):
        write_csv([row(0)], tmp_path / "nowhere" / "sweep.csv")


def test_a_full_disk_is_told(tmp_path):
    code = "import resource, signal, sys\nfrom pathlib import Path\nfrom tensorflow_free.sweep.rows import Row\n"
    code += "from tensorflow_free.sweep.csv_file import write_csv\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    code += "write_csv([Row(number=0, recipe='x' * 50, outcome='ok')] * 9, Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(tmp_path / "sweep.csv")]
    done = finished(*command)
    assert "sweep.csv: the table cannot be written: File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_table_loads_neither_torch_nor_rich():
    code = "import sys, tensorflow_free.sweep.table, tensorflow_free.sweep.csv_file\n"
    code += "print(*(name for name in ('torch', 'hydra', 'numpy', 'rich', 'pydantic') if name in sys.modules))"
    done = succeeded(sys.executable, "-c", code)
    assert done.stdout.split() == ["pydantic"]


def test_a_sweep_that_has_all_its_rows_reads_them_once_and_writes_the_table_of_all(tmp_path, monkeypatch):
    sweep = sweep_recipe("recipes/linear_autograd.yaml", ["dtype=float32,float64"], folder=tmp_path / "sweep")
    sweep.create()
    for cell in sweep.cells:
        sweep._folder.append(row(cell.number, axes=dict(cell.axes)))
    sweep._folder.append(row(7, outcome="failed"))
    sweep._folder.close()
    reads, rows = [], SweepFolder.rows
    monkeypatch.setattr(SweepFolder, "rows", lambda self: reads.append(self) or rows(self))
    resumed = resume_sweep(tmp_path / "sweep").run()
    assert (len(reads), resumed.is_well, len(resumed.notes)) == (1, True, 1)
    write_csv(SweepFolder(tmp_path / "sweep").rows(), tmp_path / "sweep.csv")
    assert (tmp_path / "sweep" / "sweep.csv").read_bytes() == (tmp_path / "sweep.csv").read_bytes()
