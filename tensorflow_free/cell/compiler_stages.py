"""Which part of a compiler makes a cell wrong: the back ends that do less are tried, then torch's own bisector."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import replace
from importlib import import_module
from io import StringIO
from time import perf_counter
from typing import Any, Final

import torch

from tensorflow_free.cell.yardstick import Yardstick
from tensorflow_free.outcome.reasons import CompilerStage
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.models import Backend
from tensorflow_free.runner import GivenTensors, run

STAGES: Final = ("eager_noexcept", "aot_eager", "aot_eager_decomp_partition", "inductor")
"""Back ends in the order in which each does more: graphs traced, autograd traced, decomposed, and code made."""

CASTS: Final = "emulate_precision_casts"
"""The option of inductor with which it rounds where eager PyTorch does."""


class TimeLeft:
    """Time that may be spent, in seconds."""

    def __init__(self, seconds: float) -> None:
        self._until = perf_counter() + seconds

    def is_left(self) -> bool:
        """Whether there is any left."""
        return perf_counter() < self._until


class CompilerStages:
    """A compiled cell that is wrong, compiled by other back ends.

    Args:
        plan: the cell's.
        yardstick: what it is compared with.
        budget: time that may be spent.
        given: the numbers that the cell's run started from, where they are not those that it makes.
    """

    def __init__(self, plan: Plan, yardstick: Yardstick, budget: TimeLeft, given: GivenTensors | None = None) -> None:
        self._given = given
        self._plan = plan
        self._yardstick = yardstick
        self._budget = budget

    def found(self) -> CompilerStage | None:
        """Under what it is right, and wrong; None where there was no time for anything."""
        name = self._plan.recipe.backend.name
        before = STAGES[: STAGES.index(name)] if name in STAGES else STAGES[:2]
        right: list[str] = []
        left: list[str] = []
        wrong = name
        for one in before:
            is_right = self._is_right(one)
            if is_right is None:
                left.append(one)
            elif not is_right:
                wrong = one
                break
            else:
                right.append(one)
        stage = CompilerStage(right=right, wrong=wrong, left=left)
        if wrong != "inductor":
            return stage if right or wrong != name else None
        with _with_casts():
            emulated = self._is_right("inductor")
        left += [CASTS] if emulated is None else []
        return stage.model_copy(update={"emulated": emulated})

    def bisected(self, stage: CompilerStage) -> CompilerStage:
        """The same with what torch's own `CompilerBisector` finds, where its casts are not why it is wrong."""
        if stage.wrong != "inductor" or stage.emulated:
            return stage
        found = _bisected(lambda: self._is_right("inductor"))
        return stage.model_copy(update={"left": [*stage.left, "CompilerBisector"]} if found is None else found)

    def _is_right(self, name: str) -> bool | None:
        """Whether the cell is right under a back end; None where there is no time, or it does not run."""
        if not self._budget.is_left():
            return None
        own = self._plan.recipe.backend
        backend = own if name == own.name else Backend(name=name, dynamic=own.dynamic, calls=own.calls)
        return is_right(self._plan, backend, self._yardstick, self._given)


def is_right(plan: Plan, backend: Backend, yardstick: Yardstick, given: GivenTensors | None = None) -> bool | None:
    """Whether a cell compiled by a back end is within bounds; None where it does not run there."""
    recipe = plan.recipe.model_copy(update={"backend": backend})
    with suppress(Exception):
        result, _ = run(replace(plan, recipe=recipe), given=given)
        if result.error is None:
            return not yardstick.compare(result).bad
        # it stops where its reference does
        return True if yardstick.reference.error is not None else None
    return None


@contextmanager
def _with_casts() -> Iterator[None]:
    # it takes a second to load, which only cells of inductor have spent already
    with import_module("torch._inductor.config").patch({CASTS: True}):
        yield


class _OutOfTimeError(Exception):
    """There is no time for another compilation."""


def _bisected(is_right: Callable[[], bool | None]) -> dict[str, object] | None:
    """What torch's `CompilerBisector` finds, as fields of a stage; None where there was no time, or it failed."""
    bisector: Any = import_module("torch._inductor.compiler_bisector").CompilerBisector

    def tried() -> bool:
        if bisector.get_backend() != "inductor":
            # what does less was tried
            return True
        found = is_right()
        if found is None:
            raise _OutOfTimeError
        return found

    found = None
    # it prints, at its end and where it is given up, too
    with redirect_stdout(StringIO()):
        try:
            found = bisector.do_bisect(tried)
        except Exception:  # noqa: BLE001 - a tool of torch's own, which is asked as far as it answers
            return None
        finally:
            torch.compiler.reset()
    if found is None or found.subsystem is None:
        return {}
    number = found.bisect_number if found.debug_info != found.subsystem else None
    return {"subsystem": found.subsystem, "number": number, "info": found.debug_info if number is not None else ""}
