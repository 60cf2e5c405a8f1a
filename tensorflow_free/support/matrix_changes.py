"""Two support matrices, an older and a newer one: what became ok, broke, is not supported any more, or is gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tensorflow_free.outcome.outcomes import RANKS, Outcome
from tensorflow_free.support.kinds_of_row import OpSide
from tensorflow_free.support.matrix_file import SKIPPED, MatrixFile, SupportCell
from tensorflow_free.text.page import Line, Page, column, grid, line, parted
from tensorflow_free.text.phrases import counted

ChangeWord = Literal["broken", "unsupported", "gone", "worse", "newly ok", "better", "new"]

WORSE: Final[tuple[ChangeWord, ...]] = ("broken", "unsupported", "gone", "worse")
"""Those that fail a comparison."""

MEANINGS: Final[dict[ChangeWord, str]] = {
    "broken": "was ok, and fails now",
    "unsupported": "was ok, and has no kernel now",
    "gone": "was ok, and was not run now",
    "worse": "failed otherwise before, and fails worse now",
    "newly ok": "is ok now, and was not",
    "better": "fails less now",
    "new": "was not run before",
}

MOST_SHOWN: Final = 100
"""Changes of which each has a line."""


@dataclass(frozen=True)
class SupportChange:
    """A cell that came to another outcome; `before` and `now` are None where it was not run."""

    name: str
    dtype: str
    kind: OpSide
    before: SupportCell | None
    now: SupportCell | None

    @property
    def word(self) -> ChangeWord:
        """What changed."""
        was, is_now = (None if one is None else _outcome(one) for one in (self.before, self.now))
        if was is None:
            return "new"
        if is_now is None:
            return "gone"
        if is_now == Outcome.OK:
            return "newly ok"
        if was == Outcome.OK:
            return "unsupported" if is_now.is_absent else "broken"
        return "worse" if RANKS[is_now] < RANKS[was] else "better"

    @property
    def is_worse(self) -> bool:
        """Whether it fails a comparison."""
        return self.word in WORSE


def _outcome(cell: SupportCell) -> Outcome:
    return cell.outcome if isinstance(cell.outcome, Outcome) else Outcome.NOT_JUDGED


def changes_of(older: MatrixFile, newer: MatrixFile, names: Sequence[str]) -> list[SupportChange]:
    """What changed from an older matrix to a newer one, the worst first.

    Args:
        older: the older one.
        newer: the newer one.
        names: the ops and recipes that the newer one was to hold; others of the older one are left out, and so are its
            other dtypes.
    """
    was, is_now = ({(row.name, dtype, kind): cell for row, dtype, kind, cell in one.cells()} for one in (older, newer))
    found = [SupportChange(*key, was.get(key), is_now.get(key)) for key in {**was, **is_now}]
    words = [*MEANINGS]
    return sorted(
        (one for one in found if one.dtype in newer.dtypes and one.name in names and _differs(one)),
        key=lambda one: words.index(one.word),
    )


def _differs(one: SupportChange) -> bool:
    if one.before is None or one.now is None:
        there = one.before or one.now
        return there is not None and there.outcome != SKIPPED and (one.before is None or there.outcome == Outcome.OK)
    return one.before.outcome != one.now.outcome


def page_of_changes(changes: Sequence[SupportChange], older: str) -> Page:
    """A line for each change, and how many there are."""
    shown = changes[:MOST_SHOWN]
    return parted(
        [
            [line(f"against {older}", "title")],
            [
                grid(
                    [
                        column("", [one.word for one in shown], lambda word: "bad" if word in WORSE else "well"),
                        column("op", [one.name for one in shown], "name"),
                        column("dtype", [one.dtype for one in shown]),
                        column("", [one.kind for one in shown]),
                        column("was", [_word(one.before) for one in shown]),
                        column("is", [_word(one.now) for one in shown]),
                    ]
                )
            ]
            if shown
            else [],
            [line(f"and {len(changes) - MOST_SHOWN:,} more", "aside")] if len(changes) > MOST_SHOWN else [],
            [*_counted(changes)],
        ]
    )


def _counted(changes: Sequence[SupportChange]) -> Iterator[Line]:
    counts = [(word, sum(one.word == word for one in changes)) for word in MEANINGS]
    words = [f"{counted(count, 'cell')} {word} ({MEANINGS[word]})" for word, count in counts if count]
    yield line(f"{'; '.join(words) or 'nothing changed'}.", "bad" if any(one.is_worse for one in changes) else "title")


def _word(cell: SupportCell | None) -> str:
    return "not run" if cell is None else str(cell.outcome)


def plain_changes(changes: Sequence[SupportChange]) -> list[dict[str, object]]:
    """The changes as strict JSON holds them."""
    return [
        {
            "change": one.word,
            "name": one.name,
            "dtype": one.dtype,
            "kind": one.kind,
            "before": one.before and str(one.before.outcome),
            "now": one.now and str(one.now.outcome),
        }
        for one in changes
    ]
