"""What verdicts do not say, or say as more was allowed: counted, and told in sentences. Does not import torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tensorflow_free.outcome.reasons import AnyReason, ForwardOnly, OtherK, Shortfall
from tensorflow_free.outcome.sentences import words
from tensorflow_free.text.phrases import counted, some

MOST_NAMES = 8
"""Names that are listed of the values whose verdict could not have failed."""


class Shortfalls:
    """How many values could not be judged, or could not have failed, of how many; and how many cells had another k."""

    def __init__(self) -> None:
        self.values = 0
        """How many values there are, judged or not."""
        self.counts = {"partly judged": 0, "vacuous": 0}
        """How many of them could not be judged, and could not have failed."""
        self._cells = {"partly judged": 0, "vacuous": 0}
        self._names: dict[str, None] = {}
        self._others: Counter[str] = Counter()
        self._left_out = ForwardOnly()
        self._left_out_of = 0

    def add(self, reasons: Iterable[AnyReason], dtype: str, *, compared: int, unjudged: int) -> None:
        """Take a cell in.

        Args:
            reasons: why it is what it is, and what else is told of it.
            dtype: its dtype.
            compared: how many of its values were judged.
            unjudged: how many could not be judged.
        """
        self.values += compared + unjudged
        told = list(reasons)
        if not (told or unjudged):
            return
        self._others.update(words(one) for one in told if isinstance(one, OtherK))
        for one in told:
            if isinstance(one, ForwardOnly):
                self._left_out = self._left_out.with_those_of(one) if self._left_out_of else one
                self._left_out_of += 1
        vacuous = [one for one in told if isinstance(one, Shortfall) and one.code == "vacuous"]
        for code, count in (("partly judged", unjudged), ("vacuous", sum(one.count for one in vacuous))):
            self.counts[code] += count
            self._cells[code] += count > 0
        self._names |= dict.fromkeys(f"{name} ({dtype})" for one in vacuous for name in one.names)
        while len(self._names) > MOST_NAMES + 1:
            self._names.pop(max(self._names))

    def sentences(self) -> Iterator[str]:
        """What there is to tell: a sentence for each kind."""
        for code, (noun, told) in _TOLD.items():
            if count := self.counts[code]:
                named = f": {some(sorted(self._names), MOST_NAMES)}" if code == "vacuous" else ""
                cells = counted(self._cells[code], "cell")
                yield f"{count:,} of {counted(self.values, noun)} {told}, in {cells}{named}."
        for told, cells_of_it in sorted(self._others.items()):
            yield f"{told}, in {counted(cells_of_it, 'cell')}."
        if self._left_out_of:
            yield f"{words(self._left_out)}, in {counted(self._left_out_of, 'cell')}."


_TOLD = {
    "partly judged": ("value", "could not be judged"),
    "vacuous": ("verdict", "could not have failed, as more is allowed than the value itself"),
}
