"""How an outcome counts as that of a test, where tests can pass, fail, stop with an error, or be skipped."""

from __future__ import annotations

from typing import Final

from tensorflow_free.outcome.exit_codes import ExitCode
from tensorflow_free.outcome.outcomes import ABSENT, Outcome
from tensorflow_free.text.junit import CaseEnd

SKIPPED: Final = ABSENT | {Outcome.KNOWN_FAULT, Outcome.NOT_COMPARABLE}
"""What cannot be had here, what is known to fail, and what nothing could be compared of: no test that passed."""


def end_of(outcome: Outcome, code: int) -> CaseEnd:
    """How a test of this outcome ended.

    Args:
        outcome: what became of it.
        code: the exit code that it asks for, 0 where it fails nothing.
    """
    if code:
        return "failure" if code == ExitCode.UNMET else "error"
    return "skipped" if outcome in SKIPPED else "passed"
