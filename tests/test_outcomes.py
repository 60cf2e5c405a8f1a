"""Outcomes come from one table, which the docs follow and which decides exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import (
    CELL_OUTCOMES,
    GOLDEN_OUTCOMES,
    RANKS,
    Outcome,
    code_of_all,
    well_first,
)

DOCS = Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize(("page", "outcomes"), [("sweeps.md", CELL_OUTCOMES), ("goldens.md", GOLDEN_OUTCOMES)])
def test_the_docs_list_each_outcome_with_what_it_says(page, outcomes):
    rows = (DOCS / page).read_text(encoding="utf-8").splitlines()
    told = [row.split("|")[1:3] for row in rows if row.startswith("| `")]
    wanted = [[f" `{outcome}` ", f" {outcome.meaning} "] for outcome in well_first(outcomes)]
    assert [row for row in told if row in wanted] == wanted


@pytest.mark.parametrize("outcomes", [CELL_OUTCOMES, GOLDEN_OUTCOMES])
def test_the_outcomes_of_each_thing_are_ranked_as_the_table_is(outcomes):
    assert list(outcomes) == sorted(outcomes, key=RANKS.__getitem__)


def test_what_cannot_be_had_is_no_failure_beside_what_can():
    assert code_of_all([], [Outcome.OK, Outcome.UNAVAILABLE, Outcome.UNSUPPORTED]) is ExitCode.OK
    assert not any(outcome.is_bad for outcome in Outcome if outcome.is_absent)


def test_where_nothing_could_be_had_the_missing_device_counts_before_the_missing_kernel():
    assert code_of_all([], [Outcome.UNSUPPORTED]) is ExitCode.STEP_FAILED
    assert code_of_all([], [Outcome.UNSUPPORTED, Outcome.UNAVAILABLE]) is ExitCode.WRONG
    assert code_of_all([], []) is ExitCode.OK


def test_what_is_bad_decides_the_code_whatever_else_there_is():
    assert code_of_all([ExitCode.UNMET], [Outcome.MISMATCH, Outcome.UNAVAILABLE]) is ExitCode.UNMET
