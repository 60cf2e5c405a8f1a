"""What Dynamo knows of one function, apart from all else that is compiled in this process, and let go of with it.

Dynamo keeps what it compiled on code objects, and beside that it has tables of the process: which sizes and numbers
changed between calls, how often a code was compiled, which warnings were told. A function of ours must be compiled as
in a new process, whatever ran before, and what others compiled must stay. So the function has tables of its own, which
stand in for those while it is called. The names are torch's private ones, tried on torch 2.13.

What nobody calls any more is found by the garbage collector, which runs anywhere: also while Dynamo compiles a code
that the function shares with others. It then writes what it made to where it keeps what it knows of that code; were
that freed meanwhile, the process would die. So what is gone is noted, and forgotten where nothing of Dynamo's runs.
"""

from __future__ import annotations

import inspect
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from types import CodeType
from typing import Any, Final
from weakref import ReferenceType, ref

import torch

IS_APART: Final = "isolate_recompiles" in inspect.signature(torch.compile).parameters
"""Whether torch can keep what one call of `torch.compile` made apart from all others, on code that they share."""

_ONE_AT_A_TIME: Final = RLock()
"""The tables are the process's: one thread at a time has its own in their place."""

_CALLED: Final[list[DynamoMemory]] = []
"""Whose functions are called now, the outermost first; it changes with the lock held."""

_GONE: Final[deque[tuple[DynamoMemory, int]]] = deque()
"""Whose functions nobody can call any more, with their regions, until they are forgotten."""

Codes = tuple[ReferenceType[CodeType], ReferenceType[CodeType]]
"""A code, and what Dynamo made of it."""


def compiles() -> bool:
    """Whether something is being compiled in this thread."""
    return torch._guards.CompileContext.current_compile_id() is not None  # noqa: SLF001 - see above


class DynamoMemory:
    """What Dynamo knows of one function that is compiled apart."""

    def __init__(self) -> None:
        import torch._dynamo.pgo as sizes  # noqa: PLC0415 - Dynamo is loaded where something is compiled

        self._sizes: defaultdict[Any, Any] = defaultdict(sizes.CodeState)
        self._compiles: Counter[Any] = Counter()
        self._codes: list[Codes] = []

    @contextmanager
    def used(self) -> Iterator[None]:
        """Inside it, Dynamo knows of this function alone."""
        from torch._dynamo import convert_frame, pgo, utils  # noqa: PLC0415 - see above

        told = set(utils.warn_once_cache)
        with _ONE_AT_A_TIME, _config().patch(job_id=None):
            before = pgo._CODE_STATE, pgo._INIT_CODE_STATE, convert_frame.FRAME_COMPILE_COUNTER  # noqa: SLF001 - see above
            pgo._CODE_STATE, convert_frame.FRAME_COMPILE_COUNTER = self._sizes, self._compiles  # noqa: SLF001
            utils.warn_once_cache.clear()
            hook = convert_frame.register_bytecode_hook(self._note)  # type: ignore[arg-type] # its parameters' names
            _CALLED.append(self)
            try:
                yield
            finally:
                _CALLED.pop()
                hook.remove()
                pgo._CODE_STATE, pgo._INIT_CODE_STATE, convert_frame.FRAME_COMPILE_COUNTER = before  # noqa: SLF001
                utils.warn_once_cache.update(told)

    def _note(self, code: CodeType, made: CodeType) -> None:
        self._codes.append((ref(code), ref(made)))

    def note_gone(self, region: int) -> None:
        """Note that nobody can call the function any more, for `forget_gone`; this may be called at any time.

        Args:
            region: the number of its region.
        """
        _GONE.append((self, region))

    def forget(self, region: int) -> None:
        """Have Dynamo let go of all that it keeps of the function; only where nothing of Dynamo's runs.

        Args:
            region: the number of its region.
        """
        for of_code, of_made in self._codes:
            code, made = of_code(), of_made()
            if code is None:
                continue
            _empty(code, made, region)
            if _is_ours_alone(code, region):
                _take_all_from(code)
        self._codes.clear()
        for tracker in _trackers():
            tracker.seen[:] = [one for one in tracker.seen if one() is not None]


def forget_gone() -> None:
    """Have Dynamo let go of all functions that are gone; those stay while something of Dynamo's runs."""
    if not _GONE:
        return
    from torch._dynamo.convert_frame import compile_lock  # noqa: PLC0415 - see above

    with _if_free(_ONE_AT_A_TIME) as no_other_calls, _if_free(compile_lock) as no_other_compiles:
        while no_other_calls and no_other_compiles and _GONE and not _runs_here():
            memory, region = _GONE.popleft()
            memory.forget(region)


def _runs_here() -> bool:
    """Whether something of Dynamo's runs in this thread, ours or others'."""
    from torch._C._dynamo.eval_frame import get_eval_frame_callback  # noqa: PLC0415 - see above

    return bool(_CALLED) or compiles() or get_eval_frame_callback() is not None


@contextmanager
def _if_free(lock: Any) -> Iterator[bool]:
    """Inside it, the lock is held, unless another thread holds it."""
    is_held: bool = lock.acquire(blocking=False)
    try:
        yield is_held
    finally:
        if is_held:
            lock.release()


_LEFT: Final[dict[int, tuple[CodeType, set[int]]]] = {}
"""Codes that others use, too, with the regions whose empty entries are on them still: entries go all or none."""


def _is_ours_alone(code: CodeType, region: int) -> bool:
    """Whether all that was compiled of a code is in regions that are not called any more."""
    from torch._dynamo import eval_frame  # noqa: PLC0415 - see above

    _, regions = _LEFT.setdefault(id(code), (code, set()))
    regions.add(region)
    ours = sum(len(eval_frame._get_cache_entries_for_region(code, one)) for one in regions)  # noqa: SLF001 - see above
    alone: bool = eval_frame._get_total_cache_entry_count(code) == ours  # noqa: SLF001
    if alone:
        del _LEFT[id(code)]
    return alone


def _empty(code: CodeType, made: CodeType | None, region: int) -> None:
    """Let go of what was compiled of a code for a region; the entries themselves stay.

    Guards on what lives as long as the process (`torch.exp`, a class) keep their guard manager for as long, and with it
    all else: so it is emptied. What Dynamo put into the globals keeps itself by a traceback, and so is taken out.
    """
    from torch._dynamo import eval_frame  # noqa: PLC0415 - see above
    from torch._dynamo.guards import DeletedGuardManagerWrapper  # noqa: PLC0415
    from torch._dynamo.utils import CleanupManager  # noqa: PLC0415

    for entry in eval_frame._get_cache_entries_for_region(code, region):  # noqa: SLF001
        manager = entry.guard_manager
        if manager.cache_entry is not None and manager.extra_state is not None:
            manager.extra_state.invalidate(manager.cache_entry, DeletedGuardManagerWrapper("its function is gone"))
        vars(manager).clear()
        manager.cache_entry = manager.extra_state = None
    if made is not None and id(made) in CleanupManager.instance.values:
        CleanupManager.instance._remove_id(id(made))  # noqa: SLF001


def _take_all_from(code: CodeType) -> None:
    """Take all entries from a code, of which nothing is called any more."""
    from torch._C._dynamo.eval_frame import reset_code  # noqa: PLC0415 - see above
    from torch._dynamo.resume_execution import ContinueExecutionCache  # noqa: PLC0415

    for resumed in ContinueExecutionCache.cache.get(code, {}).values():
        ContinueExecutionCache.generated_code_metadata._remove_id(id(resumed))  # noqa: SLF001
    ContinueExecutionCache.cache._remove_id(id(code))  # noqa: SLF001
    reset_code(code)


def _config() -> Any:
    """Settings of `torch.compile`: a `job_id` would have sizes that an earlier process met read from a file."""
    return torch.compiler.config


def _trackers() -> tuple[Any, Any]:
    from torch._dynamo import convert_frame  # noqa: PLC0415 - see above

    return convert_frame.input_codes, convert_frame.output_codes
