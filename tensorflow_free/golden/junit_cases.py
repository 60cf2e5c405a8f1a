"""Cases held against their goldens as cases of JUnit's XML."""

from __future__ import annotations

from tensorflow_free.golden.verification import Verification
from tensorflow_free.golden.verification_words import failure_of, used_of
from tensorflow_free.judging.culprit_words import blame_lines
from tensorflow_free.outcome.case_ends import end_of
from tensorflow_free.outcome.sentences import words
from tensorflow_free.recipe.keys import CELL
from tensorflow_free.text.drawing import text_of
from tensorflow_free.text.junit import JunitCase


def junit_case(one: Verification, code: int, seconds: float) -> JunitCase:
    """A case in a cell: how it ended, why, and the command that shows it alone.

    Args:
        one: the verdict on it.
        code: the exit code that it asks for.
        seconds: how long it took.
    """
    blame = None if one.comparison is None else one.comparison.blame
    first = [*blame_lines(blame), *one.reason.splitlines(), one.outcome][0]
    told = [*([one.reason] if one.reason else []), *map(words, one.fate.notes)]
    return JunitCase(
        one.recipe,
        _name(one),
        end_of(one.outcome, code),
        one.outcome,
        first if code else one.reason.partition("\n")[0] or one.outcome,
        text_of(failure_of(one)) if code else one.reason,
        "" if code else "\n".join(told),
        seconds,
        _properties(one),
    )


def _name(one: Verification) -> str:
    """The case, its cell, and what else was overridden: no two of a recipe have one name."""
    others = [override.text for override in one.overrides if override.parts[0] not in (*CELL, "case")]
    beside = [text for text in others if text not in one.cell.split(" ")]
    return " ".join(part for part in (one.case, one.cell, *beside) if part) or one.outcome


def _properties(one: Verification) -> dict[str, str]:
    known = {
        "outcome": one.outcome,
        "case": one.case,
        "cell": one.cell,
        "golden": "" if one.golden is None else str(one.golden),
        "used": used_of(one),
        "command": one.command,
    }
    return {name: value for name, value in known.items() if value}
