"""The cells of a sweep as cases of JUnit's XML. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tensorflow_free.judging.wording import error_of, share_words
from tensorflow_free.outcome.case_ends import end_of
from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.sweep.document import SweepDocument
from tensorflow_free.sweep.groups import Group, key_of
from tensorflow_free.sweep.rows import Row
from tensorflow_free.sweep.since_then import SinceThen
from tensorflow_free.sweep.table import failure_lines
from tensorflow_free.text.drawing import text_of
from tensorflow_free.text.junit import JunitCase

PLAIN: Final = "as it is"
"""The name of a cell without overrides."""


def case_of(row: Row) -> JunitCase:
    """A cell: how it ended, why, and the command that shows it alone."""
    end = end_of(row.outcome, row.code())
    why, told = row.reason.splitlines(), [*row.told]
    place = f"{row.place}: " if row.place else ""
    text = text_of(failure_lines(Group.of(key_of(row), row, row.reason))) if row.is_bad else row.reason
    if row.outcome == Outcome.PARTLY_JUDGED:
        told = [*why, *told]
    return JunitCase(
        row.recipe,
        " ".join(row.overrides) or PLAIN,
        end,
        row.outcome,
        f"{place}{why[0] if why else row.outcome}",
        text,
        "\n".join(told),
        row.seconds,
        _properties(row),
    )


def _properties(row: Row) -> dict[str, str]:
    known = {
        "outcome": row.outcome,
        "cell": str(row.number),
        "case": row.case or "",
        "device": row.device,
        "dtype": row.dtype,
        "backend": row.backend,
        "starts at": row.place,
        "used": "" if row.used is None else share_words(row.used),
        "largest error": "" if row.worst is None else error_of(row.worst),
        "rule": row.rule,
        "command": row.command,
    }
    return {name: value for name, value in known.items() if value}


def cases_since(since: SinceThen) -> Iterator[JunitCase]:
    """What got worse since an earlier sweep."""
    for one in since.changes:
        if one.is_worse:
            name = f"{' '.join(one.overrides) or PLAIN}, since {since.path}"
            told = f"{one.kind}; it was {one.before} in {since.path}"
            yield JunitCase(one.recipe, name, "failure" if one.code == ExitCode.UNMET else "error", one.kind, told)


def properties_of(document: SweepDocument, folder: str) -> dict[str, str]:
    """What there is to know of all cells of a sweep."""
    known = {"folder": folder, "compared with": document.reference, "torch": document.torch}
    return {name: value for name, value in known.items() if value}
