"""An error on standard error: its problems, and behind them which page of the documentation explains them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tensorflow_free.commands.printing import complain
from tensorflow_free.errors import RecipeError, TensorflowFreeError
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import line, text_lines

if TYPE_CHECKING:
    from tensorflow_free.outcome.reasons import StepFailed


def complain_of(error: TensorflowFreeError, command: str, *, quiet: bool) -> None:
    """Print what is wrong, and what explains it; the latter not where it is `quiet`.

    Args:
        error: what is wrong.
        command: the command that was typed: `run-recipe`, `verify`; empty where it is none.
        quiet: whether `--quiet` is given.
    """
    hints = [] if quiet else hints_of([error], command)
    complain_lines(str(error), hints)


def complain_lines(text: str, hints: Sequence[str]) -> None:
    """Print what is wrong, and below it what to type to read about it; nothing where there is neither."""
    if text or hints:
        complain([*text_lines(text), *(line(one) for one in hints)])


def hints_of(errors: Sequence[TensorflowFreeError], command: str) -> list[str]:
    """What to type to read about the problems of some errors, a line each."""
    problems = [problem for error in errors if isinstance(error, RecipeError) for problem in error.problems]
    if not problems:
        return []
    from tensorflow_free.guide.pointers import pointers  # noqa: PLC0415 - only a refusal needs them

    return pointers(problems, command)


def hints_of_failure(error: StepFailed | None) -> list[str]:
    """What to type to read about a step that failed, where it was not meant to: what its op takes, or what to do."""
    if error is None or error.expected:
        return []
    if error.code == "step failed" and _is_of_torch(error.op):
        return [f"{command_of(['recipe', 'ops', error.op])} tells what it takes"]
    return [f"recipe explain {error.code} tells what to do"]


def _is_of_torch(op: str) -> bool:
    """Whether `recipe ops` tells of an op without files of the user's own; of an operator it has little to tell."""
    from tensorflow_free.ops.additions import registered  # noqa: PLC0415 - where a step failed, torch is loaded

    return op[:1].isalpha() and op not in registered()
