"""What verdicts do not say, or say as more was allowed: counted, and told in sentences. Does not import torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from tensorflow_free.outcome.reasons import AnyReason, OtherK, Shortfall
from tensorflow_free.outcome.sentences import words
from tensorflow_free.text.phrases import counted, some

MOST_NAMES = 8
"""Names that are listed of the values whose verdict could not have failed."""


class Shortfalls:
    """How many values could not be judged, or could not have failed, of how many; and how many cells had another k."""

    def __init__(self) -> None:
        self._values = 0
        self._counts = {"partly judged": 0, "vacuous": 0}
        self._cells = {"partly judged": 0, "vacuous": 0}
        self._names: dict[str, None] = {}
        self._others: Counter[str] = Counter()

    def add(self, reasons: Iterable[AnyReason], compared: int, dtype: str) -> None:
        """Take a cell in.

        Args:
            reasons: why it is what it is, and what else is told of it.
            compared: how many of its values were judged.
            dtype: its dtype.
        """
        told = list(reasons)
        self._others.update(words(one) for one in told if isinstance(one, OtherK))
        found = [one for one in told if isinstance(one, Shortfall)]
        for code in self._counts:
            ones = [one for one in found if one.code == code]
            self._counts[code] += sum(one.count for one in ones)
            self._cells[code] += bool(ones)
        self._values += compared + sum(one.count for one in found if one.code == "partly judged")
        names = (name for one in found if one.code == "vacuous" for name in one.names)
        self._names |= dict.fromkeys(f"{name} ({dtype})" for name in names)
        while len(self._names) > MOST_NAMES + 1:
            self._names.pop(max(self._names))

    def sentences(self) -> Iterator[str]:
        """What there is to tell: a sentence for each kind."""
        for code, told in _TOLD.items():
            if count := self._counts[code]:
                named = f": {some(sorted(self._names), MOST_NAMES)}" if code == "vacuous" else ""
                cells = counted(self._cells[code], "cell")
                yield f"{count:,} of {counted(self._values, 'value')} {told}, in {cells}{named}."
        for told, cells_of_it in sorted(self._others.items()):
            yield f"{told}, in {counted(cells_of_it, 'cell')}."


_TOLD = {
    "partly judged": "could not be judged",
    "vacuous": "could not have failed, as more is allowed than the value itself",
}
