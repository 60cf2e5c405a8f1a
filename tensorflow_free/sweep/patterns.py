"""The pattern in a sweep's bad cells, in sentences: which values of which axes are bad, and at which step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.sweep.shares import ENUMERATED, AxisShares, Share, Shares
from tensorflow_free.text.phrases import some

MOST_PARTS: Final = 4
"""Values in part bad that are listed one by one, and pairs of values that are."""


def sentences(every: Shares) -> Iterator[str]:
    """What the bad cells have in common and the others have not; nothing where no cell is bad.

    One axis that decides is told first; where none does, two together that do; else what each axis has to say.
    """
    everything = every.all
    if not everything.bad:
        return
    if everything.bad == everything.ran:
        if everything.ran > 1:
            ran = "" if everything.ran == everything.cells else " that ran"
            yield f"All {everything.ran:,} cells{ran} are bad{_fate(everything)}."
        return
    told = [words for key, axis in every if (words := _deciding(key, axis))]
    if not told:
        told = list(_of_two(every))
    if not told and everything.bad > 1:
        told = [_listed(key, axis.shares) for key, axis in every if axis.shares and _says_something(axis.shares)]
    yield from told


def _deciding(key: str, axis: AxisShares) -> str:
    """An axis by whose values alone cells are bad or well; empty where it is not so."""
    if turn := _turn(key, axis):
        return turn
    return _listed(key, axis.shares) if axis.shares and _decides(axis.shares.values()) else ""


def _turn(key: str, axis: AxisShares) -> str:
    """Where an axis of numbers turns from well to bad or back; empty where it does not, or has few values."""
    few = axis.shares is not None and len(axis.shares) <= ENUMERATED
    if few or not axis.spans or len(axis.spans) == 1:
        return ""
    bad, well = axis.spans[True], axis.spans[False]
    fates = {share.fate for share in (axis.shares or {}).values() if share.bad}
    fate = f", all {fates.pop()}" if len(fates) == 1 and "" not in fates else ""
    if well.greatest[0] < bad.least[0]:
        return f"{key}: well up to {well.greatest[1]}, bad from {bad.least[1]} on{fate}."
    if bad.greatest[0] < well.least[0]:
        return f"{key}: bad up to {bad.greatest[1]}{fate}, well from {well.least[1]} on."
    return ""


def _decides(shares: Iterable[Share]) -> bool:
    ran = [share for share in shares if share.ran]
    return all(share.bad in (0, share.ran) for share in ran) and len({bool(share.bad) for share in ran}) > 1


def _says_something(shares: Mapping[str, Share]) -> bool:
    ran = [share for share in shares.values() if share.ran]
    return len(ran) > 1 and any(share.bad in (0, share.ran) for share in ran)


def _of_two(every: Shares) -> Iterator[str]:
    """Two axes by whose values together cells are bad or well: those of which least is to be told."""
    found = [
        parts
        for keys, shares in every.pairs()
        if _decides(shares.values())
        and sum(share.bad for share in shares.values()) == every.all.bad
        and len(parts := list(_pairs(keys, shares))) <= MOST_PARTS
        # else it only lists the cells
        and len(parts) < every.all.bad
    ]
    if found:
        least = min(found, key=len)
        yield f"{'; '.join(least)}; no other cell is bad."


def _pairs(keys: tuple[str, ...], shares: Mapping[tuple[str, ...], Share]) -> Iterator[str]:
    """The values that are bad whatever the other axis, then the pairs of values that are bad besides."""
    left = {values: share for values, share in shares.items() if share.ran}
    for position, key in enumerate(keys):
        for value in dict.fromkeys(values[position] for values in sorted(left, key=lambda one: left[one].first)):
            same = {values: share for values, share in left.items() if values[position] == value}
            if len(same) > 1 and all(share.bad for share in same.values()):
                yield f"{key}={value}: {_counted(_sum(same.values()))}"
                left = {values: share for values, share in left.items() if values not in same}
    for values, share in sorted(left.items(), key=lambda item: item[1].first):
        if share.bad:
            yield f"{keys[0]}={values[0]} with {keys[1]}={values[1]}: {_counted(share)}"


def _listed(key: str, shares: Mapping[str, Share]) -> str:
    """An axis's values: those all bad, by what befell them, then those in part, then those that are well."""
    ordered = sorted(shares.items(), key=lambda item: item[1].first)
    whole: dict[str, list[str]] = {}
    for value, share in ordered:
        if share.bad and share.bad == share.ran:
            whole.setdefault(share.fate, []).append(value)
    partly = [(value, share) for value, share in ordered if 0 < share.bad < share.ran]
    partly.sort(key=lambda item: -item[1].bad / item[1].ran)
    parts = [f"{key}={some(values)}: {_counted(_sum(shares[value] for value in values))}" for values in whole.values()]
    parts += [f"{key}={value}: {_counted(share)}" for value, share in partly[:MOST_PARTS]]
    if len(partly) > MOST_PARTS:
        parts.append(f"{len(partly) - MOST_PARTS} more in part bad")
    return "; ".join([*parts, *_not_bad(key, ordered)]) + "."


def _not_bad(key: str, ordered: Sequence[tuple[str, Share]]) -> Iterator[str]:
    well = [(value, share) for value, share in ordered if share.ran and not share.bad]
    marked = {value for value, share in well if share.outcomes[Outcome.KNOWN_FAULT]}
    partly = {value for value, share in well if share.outcomes[Outcome.PARTLY_JUDGED]} - marked
    kinds = {
        "all well": [value for value, _ in well if value not in marked | partly],
        "partly judged, and none bad": [value for value, _ in well if value in partly],
        "known faults, and none bad": [value for value, _ in well if value in marked],
        "none ran": [value for value, share in ordered if not share.ran],
    }
    return (f"{key}={some(values)}: {words}" for words, values in kinds.items() if values)


def _sum(shares: Iterable[Share]) -> Share:
    """Several shares as one."""
    whole = Share()
    for share in shares:
        whole.fates |= share.fates
        whole.outcomes += share.outcomes
        whole.bad += share.bad
    return whole


def _counted(share: Share) -> str:
    return f"{share.bad:,} of {share.ran:,} bad{_fate(share)}"


def _fate(share: Share) -> str:
    if not share.fate:
        return ""
    return f", {'all ' if share.bad > 1 else ''}{share.fate}"
