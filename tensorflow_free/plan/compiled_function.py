"""A function as a backend of `torch.compile` compiles it, as in a process in which nothing else was compiled."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final

import torch

from tensorflow_free.plan.backend_options import INDUCTOR, as_taken
from tensorflow_free.plan.backends import Handed, function_of, noting
from tensorflow_free.plan.dynamo_memory import IS_APART, DynamoMemory, forget_gone
from tensorflow_free.recipe.models import Backend

_CONFIGS: Final = ("torch._dynamo.config", "torch._functorch.config", "torch._inductor.config")
"""Settings of compilers, on which no guard looks."""


class CompiledFunction:
    """A function that is compiled when it is first called; what others compile in this process stays.

    Attributes:
        is_apart: whether it may be called again later. Where torch cannot keep functions apart, or where a backend
            gives out memory that the next call writes into, all that was compiled before is forgotten for it.
    """

    def __init__(self, function: Callable[..., Any], backend: Backend, handed: Handed | None = None) -> None:
        self.is_apart = IS_APART and not _replays_graphs(backend)
        self._backend = backend.name
        self._compiler = function_of(backend.name)
        self._state: Any = None
        forget_gone()
        if not self.is_apart:
            torch.compiler.reset()
        own = _of_its_own(function)
        compiler: Callable[..., Any] = torch.compile
        known = set(_kept_backends())
        self._function: Callable[..., Any] = compiler(
            own,
            backend=backend.name if handed is None or backend.name == INDUCTOR else noting(backend.name, handed),
            mode=backend.mode,
            options=as_taken(backend),
            dynamic=backend.dynamic,
            fullgraph=backend.fullgraph,
            **({"isolate_recompiles": True} if self.is_apart else {}),
        )
        for one in _kept_backends().keys() - known:
            del _kept_backends()[one]
        if self.is_apart:
            self._memory = DynamoMemory()
            self._code = own.__code__
            self._region: int = self._function._isolate_recompiles_id  # noqa: SLF001 - as in dynamo_memory
            weakref.finalize(self, self._memory.note_gone, self._region).atexit = False

    def __call__(self, *operands: Any) -> Any:
        """Call it, and compile it for operands that it was not compiled for."""
        if not self.is_apart:
            return self._function(*operands)
        try:
            with self._memory.used():
                return self._function(*operands)
        finally:
            forget_gone()

    def note(self) -> bool:
        """Note how the process is now, and whether the function can be called later, when it is so again."""
        self._state = self._now() if self.is_apart else None
        return self._state is not None

    def still_fits(self) -> bool:
        """Whether the process is as was noted, so that calling it runs the same code again."""
        if self._state is None or function_of(self._backend) is not self._compiler:
            return False
        now = self._now()
        return now is not None and bool(self._state[0].check()) and self._state[1:] == now[1:]

    def _now(self) -> tuple[Any, ...] | None:
        """What of the process decides how it is compiled, and how often it was; None inside a mode of the caller's."""
        state = _state()
        entries = torch._dynamo.eval_frame._get_cache_entries_for_region(self._code, self._region)  # noqa: SLF001
        return None if state is None else (*state, len(entries))


def _of_its_own(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with code and globals of its own: Dynamo keeps what it compiled on the one and in the other."""
    code = function.__code__.replace(co_name=function.__name__)
    return FunctionType(code, dict(function.__globals__), function.__name__, None, function.__closure__)


def _replays_graphs(backend: Backend) -> bool:
    """Whether CUDA graphs are replayed, which write their results where those of the call before are."""
    if not torch.cuda.is_available():
        return False
    return backend.mode not in (None, "default") or any("cudagraphs" in name for name in backend.options or {})


def _kept_backends() -> dict[int, Any]:
    """The functions that Dynamo keeps for a reset, for ever."""
    return torch._dynamo.eval_frame.cached_backends  # noqa: SLF001 - as in dynamo_memory


def _state() -> tuple[Any, ...] | None:
    """What of the process decides how a function is compiled; None where a mode of the caller's runs around it."""
    from torch.overrides import _get_current_function_mode_stack  # noqa: PLC0415
    from torch.utils._python_dispatch import _get_current_dispatch_mode_stack  # noqa: PLC0415

    functions: Any = _get_current_function_mode_stack
    if functions() or _get_current_dispatch_mode_stack():
        return None
    configs = [sys.modules[name].get_hash() for name in _CONFIGS if name in sys.modules]
    guard = torch._C._dynamo.guards.GlobalStateGuard()  # noqa: SLF001 - as in dynamo_memory
    return guard, torch._dynamo.eval_frame._stance, configs  # noqa: SLF001
