"""What a compiler made of a plan's forward steps, kept on the plan for its next run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from weakref import ReferenceType, ref

from tensorflow_free.plan.compiled_function import CompiledFunction
from tensorflow_free.plan.dynamo_memory import forget_gone

MOST_KEPT: Final = 16
"""Plans of a process whose functions are kept, the last that ran: others are compiled anew."""

_last: Final[list[ReferenceType[KeptFunction]]] = []


@dataclass(slots=True, weakref_slot=True, eq=False)
class KeptFunction:
    """The compiled function of one plan; it goes when the plan goes.

    Attributes:
        function: the function, or None.
        seen: what was seen of its compiling.
        is_refused: whether runs of the plan need another one each, as when an op's own state is compiled into it.
    """

    function: CompiledFunction | None = None
    seen: Any = None
    is_refused: bool = False

    def __copy__(self) -> KeptFunction:
        return KeptFunction()

    def __deepcopy__(self, memo: Any) -> KeptFunction:
        del memo
        return KeptFunction()

    def keep(self, function: CompiledFunction, seen: Any) -> None:
        """Keep a function, and let go of the one that was not called for the longest time."""
        if self.is_refused or not function.note():
            return
        self.function, self.seen = function, seen
        self._is_last()
        for other in (one() for one in _last[:-MOST_KEPT]):
            if other is not None:
                other.let_go()
        del _last[:-MOST_KEPT]

    def fitting(self) -> CompiledFunction | None:
        """The function, where the process is as it was when it was compiled; any other is let go of."""
        forget_gone()
        if self.function is not None and not self.function.still_fits():
            self.let_go()
        if self.function is not None:
            self._is_last()
        return self.function

    def let_go(self) -> None:
        """Keep nothing."""
        self.function = self.seen = None
        forget_gone()

    def refuse(self) -> None:
        """Keep nothing, now and later."""
        self.let_go()
        self.is_refused = True

    def _is_last(self) -> None:
        _last[:] = [one for one in _last if one() not in (self, None)]
        _last.append(ref(self))
