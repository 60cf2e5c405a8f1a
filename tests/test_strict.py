"""What could not be judged is never plain `ok`: it is counted, shown, and fails under `--strict`."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import _disable_current_modes

from tensorflow_free import Judging, assert_recipe, cli, load_recipe, register_op, run_recipe
from tensorflow_free.cell.fate import fate_of
from tensorflow_free.cell.stored_comparison import compare_stored
from tensorflow_free.commands import stored_sweeps
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.golden.golden_judge import compare
from tensorflow_free.golden.places import find_case
from tensorflow_free.golden.reading import read_case
from tensorflow_free.golden.recording import record
from tensorflow_free.golden.verifying import verify_case
from tensorflow_free.judging.comparing import compare_results
from tensorflow_free.outcome.reasons import Shortfall
from tensorflow_free.report.comparison_report import page_of as comparison_page
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.rows import Row, row_of
from tensorflow_free.sweep.summary import Summary
from tensorflow_free.sweep.table import page_of
from tensorflow_free.sweep.trial import Trial
from tensorflow_free.text.drawing import text_of

DRAWS = """\
tensors: {x: {init: ones, size: [1, 8, 4]}}
steps: {a: x * 3, d: "F.scaled_dot_product_attention(a, x, x, dropout_p=0.5)", b: a.sin()}
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "draws.yaml").write_text(DRAWS, encoding="utf-8")
    return "draws.yaml"


def unseen_noise(input: torch.Tensor) -> torch.Tensor:
    """Random numbers of a kernel that torch's modes do not look into."""
    with _disable_current_modes():
        return torch.rand_like(input)


@pytest.fixture
def unseen(tmp_path, monkeypatch):
    """A recipe of a random step that cannot be replayed."""
    monkeypatch.chdir(tmp_path)
    register_op("strict.unseen_noise", unseen_noise, replace=True)
    (tmp_path / "unseen.yaml").write_text(DRAWS.replace(DRAWS.split('"')[1], "strict.unseen_noise(a)"), "utf-8")
    return "unseen.yaml"


@pytest.fixture
def typed(capsys):
    def type_in(*words, main=cli.recipe_main):
        return (cli._guarded(main, words), *capsys.readouterr())

    return type_in


def row_in(path, number, dtype):
    return Trial(None).row(Cell(number, path, (as_override(f"dtype={dtype}"),), (("dtype", dtype),)))


def table_of(*rows):
    return text_of(page_of(Summary(None, rows)))


def vacuous_fate():
    """That of a run of which one verdict could not have failed."""
    result = run_recipe(load_recipe({"tensors": {"x": [1.0]}, "steps": {"y": "x * 2", "z": "x * 3"}}))
    comparison = compare_results(result, result)
    first, *rest = comparison.values
    return fate_of(result, replace(comparison, values=(first, rest[0], replace(rest[1], vacuous=True))))


def test_a_cell_with_another_random_stream_is_partly_judged_and_no_failure(unseen):
    row = row_in(unseen, 0, "float16")
    assert (row.outcome, row.unjudged, row.compared, row.is_bad) == ("partly judged", 1, 2, False)
    assert row.reason.startswith("1 of 3 values could not be judged: d: it cannot be compared: it is downstream of d")
    assert row_of(row.line()) == row


def test_a_cell_with_the_same_random_stream_is_ok(path):
    assert row_in(path, 0, "float64").outcome == "ok"


def test_the_last_lines_count_the_values_that_could_not_be_judged(unseen):
    text = table_of(row_in(unseen, 0, "float64"), row_in(unseen, 1, "float16"))
    assert "partly judged: 1 of 3 values could not be judged: d: " in text
    assert text.endswith("1 of 6 values could not be judged, in 1 cell.\n\n2 cells: 1 ok, 1 partly judged.")


def test_under_strict_a_partly_judged_cell_is_a_failure_that_says_why(unseen):
    strict = row_in(unseen, 0, "float16").strictly()
    assert (strict.is_bad, strict.code()) == (True, 1)
    text = table_of(strict)
    assert "PARTLY JUDGED" in text
    assert f"run-recipe -m {unseen} dtype=float16" in text


def test_memory_that_nobody_wrote_has_no_numbers_to_be_judged_and_leaves_a_cell_ok(tmp_path):
    path = tmp_path / "empty.yaml"
    path.write_text("tensors: {x: [1.0]}\nsteps: {e: torch.empty(3), y: x * 2}\n", encoding="utf-8")
    row = row_in(str(path), 0, "float32")
    assert (row.outcome, row.unjudged) == ("ok", 0)


def test_what_a_cell_was_not_asked_to_record_is_nothing_that_could_not_be_judged(path):
    assert row_in(path, 0, "float64").outcome == "ok"
    overrides = map(as_override, ("dtype=float64", "record=[b]", "reference={record: [a]}"))
    row = Trial(None).row(Cell(0, path, tuple(overrides)))
    assert row.unjudged == 0


def test_a_verdict_that_could_not_have_failed_is_told_and_fails_under_strict():
    found = vacuous_fate()
    assert found.outcome == "ok"
    assert found.notes == [Shortfall(code="vacuous", names=["z"], count=1, values=2)]
    assert (found.strictly().outcome, found.strictly().is_bad, found.is_bad) == ("partly judged", True, False)


def test_the_last_lines_name_the_verdicts_that_could_not_have_failed():
    note = vacuous_fate().notes[0]
    row = Row(number=0, recipe="a.yaml", outcome="ok", dtype="float16", compared=2, notes=[note], told=["-"], vacuous=1)
    text = table_of(row)
    wanted = "1 of 2 verdicts could not have failed, as more is allowed than the value itself, in 1 cell: z (float16)."
    assert wanted in text
    assert "PARTLY JUDGED" in table_of(row.strictly())


def test_a_comparison_says_what_it_could_not_judge_and_what_could_not_have_failed():
    result = run_recipe(load_recipe({"tensors": {"x": [1.0]}, "steps": {"y": "x * 2"}}))
    comparison = compare_results(result, result)
    values = tuple(replace(one, vacuous=True) for one in comparison.values)
    assert "\n2 verdicts could not have failed, as more is allowed than the value itself: x, y." in text_of(
        comparison_page(replace(comparison, values=values))
    )


def test_a_golden_judges_random_values_in_part_and_strict_makes_that_a_failure(path, typed):
    list(record(path))
    assert verify_case(path, "", ["dtype=float64"]).outcome == "ok"
    assert verify_case(path, "", ["dtype=float16"]).outcome == "partly judged"
    code, out, _ = typed("verify", path, "dtype=float16")
    assert code == 0
    assert out.endswith("1 of 3 values could not be judged, in 1 cell.\n\n1 cell: 1 partly judged.\n")
    code, out, _ = typed("verify", path, "dtype=float16", "--strict")
    assert code == 1
    assert "PARTLY JUDGED  draws.yaml" in out


def test_a_golden_still_judges_the_shape_of_random_values(path):
    list(record(path))
    recipe = load_recipe(path, ["dtype=float16", "tensors.x.size=[1, 9, 4]"])
    verdict = compare(run_recipe(recipe), read_case(find_case(path, "", "cpu"), ""))["d"]
    assert (verdict.outcome, verdict.reason) == ("mismatch", "the shape is [1, 9, 4], and [1, 8, 4] in the reference")


def test_assert_recipe_takes_strict(path):
    list(record(path))
    assert_recipe(path, "dtype=float16")
    with pytest.raises(AssertionError, match="partly judged: 1 of 3 values could not be judged: d"):
        assert_recipe(path, "dtype=float16", strict=True)


def test_two_runs_with_other_streams_are_compared_in_part(path, typed):
    for dtype in ("float64", "float16"):
        run_recipe(load_recipe(path, [f"dtype={dtype}"])).save(dtype)
    code, out, _ = typed("compare", "float16", "float64")
    assert code == 0
    assert "\n2 of 3 values compared, all within bounds; 1 not: downstream of a random step.\n" in out
    assert typed("compare", "float16", "float64", "--strict")[0] == 1


def test_strict_is_for_sweeps(path, typed):
    found = typed(path, "--strict", main=cli.run_recipe_main)
    assert found == (2, "", "flag '--strict': it is for sweeps; add -m\n")


def test_two_sweeps_are_compared_in_part_and_their_table_says_why(path):
    mine, its = (run_recipe(load_recipe(path, [f"dtype={dtype}"])) for dtype in ("float16", "float64"))
    found = Row(number=0, recipe="a", **stored_sweeps._judged(mine, its, compare_stored(mine, its, Judging())))
    assert (found.outcome, found.unjudged, found.is_bad) == ("partly judged", 1, False)
    assert found.reason.startswith("1 of 3 values could not be judged: d: ")
    assert found.strictly().is_bad
