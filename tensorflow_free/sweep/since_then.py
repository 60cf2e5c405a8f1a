"""What changed since an earlier sweep: what cannot run any more, fails now, is mended, is missing. No torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from tensorflow_free.outcome.exit_codes import ExitCode, worst_of
from tensorflow_free.outcome.outcomes import ABSENT, RANKS, Outcome
from tensorflow_free.outcome.reasons import OfNames
from tensorflow_free.sweep.earlier import WORDS, Earlier, EarlierCell, is_bad
from tensorflow_free.sweep.rows import Row
from tensorflow_free.text.page import Page, column, grid, line
from tensorflow_free.text.phrases import counted

MOST_SHOWN: Final = 60
"""Cells that have a row in the table."""

MISSING: Final = "missing now"


@dataclass(frozen=True)
class CellChange:
    """A cell that is not as it was.

    Attributes:
        kind: what changed: `newly unsupported`, `newly mismatch`, `fixed`, `other verdict`, `missing now`.
        recipe: its recipe.
        overrides: its overrides.
        before: its outcome then.
        now: its outcome now; empty where it is missing.
        code: the exit code that it asks for; `OK` where nothing got worse.
    """

    kind: str
    recipe: str
    overrides: tuple[str, ...]
    before: str
    now: str = ""
    code: ExitCode = ExitCode.OK

    @property
    def is_worse(self) -> bool:
        """Whether it got worse."""
        return self.code != ExitCode.OK


@dataclass(frozen=True)
class SinceThen:
    """A sweep held against an earlier one.

    Attributes:
        path: the earlier one.
        changes: the cells that are not as they were, what got worse first.
        same: how many are as they were.
        new: how many cells the earlier one does not have.
    """

    path: str
    changes: Sequence[CellChange]
    same: int = 0
    new: int = 0

    @property
    def code(self) -> ExitCode:
        """The exit code that the changes ask for."""
        return worst_of(one.code for one in self.changes)

    def to_plain(self) -> dict[str, Any]:
        """The same as strict JSON holds it."""
        changes = [
            {"kind": one.kind, "recipe": one.recipe, "overrides": list(one.overrides), "before": one.before,
             "now": one.now, "worse": one.is_worse}
            for one in self.changes
        ]  # fmt: skip
        return {"path": self.path, "same": self.same, "new": self.new, "changes": changes}


def since_then(rows: Iterable[Row], earlier: Earlier) -> SinceThen:
    """Hold the rows of a sweep, which are held to the earlier one, against that one's cells."""
    left, changes, new, same = dict.fromkeys(earlier.cells.values()), list[CellChange](), 0, 0
    for row in rows:
        before = earlier.of(row.recipe, row.overrides)
        if before is None:
            new += 1
            continue
        left.pop(before, None)
        change = _change(row, before)
        same += change is None
        changes += [] if change is None else [change]
    changes += [CellChange(MISSING, one.recipe, one.overrides, one.outcome) for one in left]
    return SinceThen(earlier.path, sorted(changes, key=lambda one: (not one.is_worse, one.kind)), same, new)


def _change(row: Row, before: EarlierCell) -> CellChange | None:
    """How a cell changed; None where it did not."""
    lost = next((one for one in row.causes if isinstance(one, OfNames) and one.code == "ran before in"), None)
    now = row.outcome if lost is None else WORDS[lost.other]
    if now == before.outcome and (row.exit_code == before.exit_code or lost is not None):
        return None
    kind, code = _kind(row, now, before)
    return CellChange(kind, row.recipe, tuple(row.overrides), before.outcome, now, code)


def _kind(row: Row, now: Outcome, before: EarlierCell) -> tuple[str, ExitCode]:
    if now in ABSENT:
        return (f"newly {now}", ExitCode.STEP_FAILED) if before.ran else (f"now {now}", ExitCode.OK)
    if row.is_bad:
        worse = not is_bad(before) or RANKS[now] < RANKS[before.outcome]
        return (f"newly {now}" if worse else "other verdict"), (row.code() if worse else ExitCode.OK)
    if is_bad(before):
        return "fixed", ExitCode.OK
    if before.outcome in ABSENT:
        return f"no longer {before.outcome}", ExitCode.OK
    return "other verdict", (ExitCode.UNMET if RANKS[now] < RANKS[before.outcome] else ExitCode.OK)


def page_of(since: SinceThen) -> Page:
    """A row for each cell that changed, and how many there are of each kind."""
    shown = since.changes[:MOST_SHOWN]
    if shown:
        yield grid(
            [
                column(f"since {since.path}", [one.kind for one in shown], "name"),
                column("recipe", [PurePath(one.recipe).stem for one in shown], least=8),
                column("cell", [" ".join(one.overrides) for one in shown], least=16),
                column("before", [one.before for one in shown]),
                column("now", [one.now for one in shown]),
            ]
        )
    if len(since.changes) > len(shown):
        yield line(f"and {len(since.changes) - len(shown):,} more", "aside")
    yield line(sentence(since), "bad" if since.code else "")


def sentence(since: SinceThen) -> str:
    """How many cells changed how: `Since multirun/old: 1 newly unsupported, 1 fixed; 10 cells as before.`."""
    kinds = Counter(one.kind for one in since.changes)
    told = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    more = f", {since.new:,} that it does not have" if since.new else ""
    return f"Since {since.path}: {told}{'; ' if told else ''}{counted(since.same, 'cell')} as before{more}."


def worse_lines(since: SinceThen) -> Iterator[str]:
    """A line for each cell that got worse."""
    for one in since.changes:
        if one.is_worse:
            yield f"{one.recipe} {' '.join(one.overrides)}: {one.kind}; it was {one.before} in {since.path}"
