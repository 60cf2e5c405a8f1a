"""Runs of one plan on the same numbers, compared bit for bit: the first value that differs, and the verdict on that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import torch

from tensorflow_free.codec.parts import HELD, PAIRS, UNTAKEN, as_kept, is_plain, parts_of
from tensorflow_free.judging.as_tensors import kind_of
from tensorflow_free.judging.blame import where_of
from tensorflow_free.judging.closeness import not_same_bits
from tensorflow_free.judging.expectations import verdict_of
from tensorflow_free.judging.known_faults import with_verdict
from tensorflow_free.judging.settled import settled_both
from tensorflow_free.judging.verdicts import Where
from tensorflow_free.ops.guards.filling import GROWING, MAKING
from tensorflow_free.ops.guards.handouts import base_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.plain_reasons import Bare, Because, Differing
from tensorflow_free.outcome.reasons import AnyReason, RunsDiffer, StopCode
from tensorflow_free.recipe.graph import reads_of
from tensorflow_free.result.model import Verdict
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record

REPEATS: Final = "repeats"
"""The path of the verdict: the key that asks for it."""

Ran = tuple[Result, Exception | None]
"""A run's result, and the error that stopped it or None."""

LIMITS: Final[frozenset[StopCode]] = frozenset({"timed out", "out of memory", "crashed", "device lost"})
"""What ends a run from outside: it says nothing of the recipe's numbers."""


@dataclass(frozen=True, slots=True)
class Apart:
    """A value whose bits are not those of the first run."""

    name: str
    kind: str
    op: str | None
    cause: AnyReason
    used: float = 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a run first differs from another, and by what."""

    where: Where
    cause: AnyReason

    def told(self, run: int) -> RunsDiffer:
        """As a reason of the run of this number."""
        at = self.where
        return RunsDiffer(
            value=at.value,
            step=at.step,
            op=at.op,
            direction=at.direction,
            through=at.through,
            cause=self.cause,
            run=run,
        )


def difference_of(again: Result, first: Result) -> Difference | None:
    """The first value of a run whose bits are not those of the first run, forward before backward; None if all are.

    NaN is NaN, whatever its payload. Memory that nothing wrote is left out, and what hangs on it.
    """
    apart = _without_unwritten(list(_apart(*settled_both(again, first))), first)
    # checks come last: they read what the run made
    for found in ([one for one in apart if one.kind != "check"], apart):
        if (where := where_of(found, first.recipe)) is not None:
            return Difference(where, next(one.cause for one in found if one.name == where.value))
    return _ended_apart(again, first)


def _apart(again: Result, first: Result) -> Iterator[Apart]:
    stopped = again.error != first.error
    for name in dict.fromkeys((*first.records, *again.records)):
        mine, its = again.records.get(name), first.records.get(name)
        one = mine or its
        if one is None or (stopped and not (mine and its)):
            # a run that stopped has no more values, which is told of the step at which it did
            continue
        cause = why_apart(mine, its)
        if cause is not None:
            used = getattr(cause, "ulp", None) or 0.0
            yield Apart(name, one.kind, one.op, cause, used)


def why_apart(mine: Record | None, its: Record | None) -> AnyReason | None:
    """Why a value has not the bits of another; None where it has. NaN is NaN."""
    if mine is None or its is None:
        return Bare(code="missing in the run" if mine is None else "missing in the reference")
    found, wanted = as_kept(mine.value), as_kept(its.value)
    if not (isinstance(found, torch.Tensor) and isinstance(wanted, torch.Tensor)):
        same = _plain_words(found) == _plain_words(wanted)
        return None if same else Differing(code="value differs", found=_plain_words(found), wanted=_plain_words(wanted))
    if found.dtype != wanted.dtype or found.layout != wanted.layout:
        return Differing(code="kind differs", found=_kind(found), wanted=_kind(wanted))
    if not found.is_nested and found.shape != wanted.shape:
        return Differing(code="shape differs", found=list(found.shape), wanted=list(wanted.shape))
    return None if found.is_meta or wanted.is_meta else _numbers_apart(found, wanted)


def _numbers_apart(found: torch.Tensor, wanted: torch.Tensor) -> AnyReason | None:
    try:
        if is_plain(found) and is_plain(wanted) and (found.dtype in HELD or found.dtype in PAIRS):
            return not_same_bits(_on_cpu(found), _on_cpu(wanted))
        mine, its = parts_of(found), parts_of(wanted)
        if mine.keys() != its.keys() or any(mine[part].shape != its[part].shape for part in mine):
            return Differing(code="kind differs", found=_sizes(mine), wanted=_sizes(its))
        causes = (not_same_bits(mine[part], its[part]) for part in mine)
        return next((cause for cause in causes if cause is not None), None)
    except UNTAKEN:
        # torch cannot take every kind of tensor apart; what no file can hold is compared by nothing else either
        return None


def _on_cpu(value: torch.Tensor) -> torch.Tensor:
    return value.detach().cpu().resolve_conj().resolve_neg()


def _kind(value: torch.Tensor) -> str:
    return f"{kind_of(value)} ({str(value.layout).removeprefix('torch.')})"


def _sizes(parts: dict[str, torch.Tensor]) -> str:
    return ", ".join(f"{part} {list(one.shape)}" for part, one in parts.items())


_TOLD: Final = (bool, int, float, complex, str, torch.Size, torch.dtype, torch.device, torch.layout)
"""What is told whole by its words; of any other object, they may hold where it lies in memory."""


def _plain_words(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_plain_words, value))}]"
    return repr(value) if isinstance(value, _TOLD) else kind_of(value)


def _without_unwritten(apart: list[Apart], first: Result) -> list[Apart]:
    """Without memory that nothing wrote, where a device does not fill it, and without what hangs on it."""
    hanging = {one.name for one in apart if one.op is not None and base_of(one.op) in MAKING | GROWING}
    if not hanging:
        return apart
    for step, reads in reads_of(first.recipe).items():
        if not hanging.isdisjoint(reads):
            hanging.add(step)
    return [one for one in apart if one.kind != "gradient" and one.name.partition(".")[0] not in hanging]


def _ended_apart(again: Result, first: Result) -> Difference | None:
    """That one of two runs stopped, or elsewhere; nothing where a limit ended one."""
    errors = [one.error for one in (again, first)]
    ends = [None if error is None else (error.step, error.code, error.type) for error in errors]
    if ends[0] == ends[1] or any(error is not None and error.code in LIMITS for error in errors):
        return None
    stopped = errors[0] or errors[1]
    if stopped is None:
        return None
    cause = errors[0] or Bare(code="no error")
    return Difference(Where("forward", stopped.step, stopped.step, stopped.op), cause)


# the first run, kept


def in_memory_of_its_own(result: Result) -> Result:
    """The result with its tensors copied: an op that hands out one buffer each time would change them later."""
    storages: dict[int, torch.UntypedStorage] = {}
    records = {name: replace(one, value=_copied(one.value, storages)) for name, one in result.records.items()}
    return replace(result, records=records)


def _copied(value: Any, storages: dict[int, torch.UntypedStorage]) -> Any:
    if not isinstance(value, torch.Tensor) or value.is_meta:
        return value
    if not is_plain(value) or value.is_conj() or value.is_neg() or value._is_zerotensor():  # noqa: SLF001 - no other name
        copied: torch.Tensor = value.clone()
        return copied
    # by storages, so that a view or an expanded value takes no more memory than it did
    whole = value.untyped_storage()
    if whole.data_ptr() not in storages:
        storages[whole.data_ptr()] = whole.clone()  # type: ignore[no-untyped-call]
    empty = torch.empty(0, dtype=value.dtype, device=value.device)
    return empty.set_(storages[whole.data_ptr()], value.storage_offset(), value.shape, value.stride())


# all runs


class Repeating:
    """Runs on the same numbers, taken in one after another."""

    def __init__(self, asked: int, runs: Iterator[Ran], is_bad: Callable[[Result], bool]) -> None:
        self._asked, self._runs, self._is_bad = asked, runs, is_bad
        self._first, self._cause = next(runs)
        self._first = in_memory_of_its_own(self._first)
        self._apart: tuple[int, Difference] | None = None
        self._ran = 1
        self._differ = 0
        self._cut = _cut(1, self._first)
        self._first_is_bad: bool | None = None

    def told(self) -> Ran:
        """The run to tell, judged for whether all gave the same bits."""
        shown, (result, cause) = (1, (self._first, self._cause)) if self._cut else self._shown()
        apart = None
        if self._apart is not None:
            number, difference = self._apart
            counts = {"ran": self._ran, "differ": self._differ, "shown": shown}
            apart = difference.told(number).model_copy(update=counts)
        result.timings, result.warnings = self._first.timings, self._first.warnings
        result.expectations = with_verdict(result, _verdict(self._asked, apart, self._cut))
        return result, cause

    def _shown(self) -> tuple[int, Ran]:
        """The number of the run that is told, and it."""
        for number in range(2, self._asked + 1):
            if (shown := self._decided_by(number)) is not None:
                return shown
        return 1, (self._first, self._cause)

    def _decided_by(self, number: int) -> tuple[int, Ran] | None:
        """Take the run of this number in: the one to tell, where no further run could change that."""
        self._ran = number
        result, cause = next(self._runs)
        self._cut = _cut(number, result)
        if result.error is not None and result.error.code == "device lost":
            # what the first run had there is gone, too
            return number, (result, cause)
        difference = difference_of(result, self._first)
        if difference is not None:
            self._differ += 1
            self._apart = self._apart or (number, difference)
        elif not self._cut and _outcomes(result) == _outcomes(self._first):
            return None
        # the first is asked now, and not before: what judges it may run the same ops
        if self._first_is_bad is None:
            self._first_is_bad = self._is_bad(self._first)
        if self._first_is_bad:
            return 1, (self._first, self._cause)
        return (number, (result, cause)) if self._is_bad(result) else None


def _outcomes(result: Result) -> list[Outcome]:
    """What a run is by what is expected of it, strides and shared memory among that, which no bits tell."""
    return [one.outcome for one in result.expectations]


def _cut(number: int, result: Result) -> str:
    """That a limit, or a lack of memory, ended the run of this number; empty where none did."""
    error = result.error
    return f"run {number} was ended: {error.code}" if error is not None and error.code in LIMITS else ""


# the verdict


def _verdict(asked: int, apart: RunsDiffer | None, cut: str) -> Verdict:
    """The verdict on runs on the same numbers: how many were asked for, where they differ, which had no end."""
    asks = f"the same bits in {asked} runs"
    if apart is not None:
        return verdict_of(apart.value, REPEATS, asks, Outcome.NONDETERMINISTIC, apart)
    if cut:
        why = Because(code="not judged", why=cut)
        return verdict_of("all values", REPEATS, asks, Outcome.NOT_JUDGED, why)
    return verdict_of("all values", REPEATS, asks, Outcome.HOLDS)


def nondeterminism_of(verdicts: Iterable[Verdict]) -> Iterator[RunsDiffer]:
    """Where runs differ that are not known to."""
    for one in verdicts:
        if one.outcome == Outcome.NONDETERMINISTIC and isinstance(one.cause, RunsDiffer):
            yield one.cause
