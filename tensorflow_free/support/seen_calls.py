"""Which public calls of torch a function makes: many entries of the database are lambdas around one or two of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode

from tensorflow_free.tracing.op_of_function import UnnamedError, op_name


@dataclass(frozen=True, slots=True)
class MadeCall:
    """One call: the op's name in a recipe, its arguments, and its result (None where it was not made)."""

    op: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any = None


@dataclass(slots=True)
class SeenCall:
    """A call while it is taken down: what was called, or its name; the result is None where it failed."""

    called: Callable[..., Any] | str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    result: Any = None

    def named(self) -> MadeCall:
        """The call, by the op's name.

        Raises:
            UnnamedError: no recipe can name it.
        """
        name = self.called if isinstance(self.called, str) else op_name(self.called, self.args, self.kwargs)
        return MadeCall(name, self.args, self.kwargs, self.result)


class SeeingCalls(TorchFunctionMode):
    """Takes down each outermost call of torch's."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[SeenCall] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        one = SeenCall(func, args, kwargs or {})
        self.seen.append(one)
        one.result = func(*args, **one.kwargs)
        return one.result


def recorded_calls(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], name: str
) -> list[MadeCall]:
    """Call the function, and return the calls of torch's that it made, the one that gave its result, or failed, last.

    Args:
        function: a lambda of the database's.
        args: its arguments.
        kwargs: its keyword arguments.
        name: the entry's name; `torch.NAME` is seen even where torch does not tell of it.

    Raises:
        UnnamedError: it made none, or one that no recipe can name.
    """
    result = None
    with SeeingCalls() as recording, _announced(name, recording), contextlib.suppress(Exception):
        result = function(*args, **kwargs)
    # what is called besides (to keep the state of the random generators, say) gives no tensor
    seen = [one for one in recording.seen if one.result is result or _holds_tensor(one.result)]
    if not seen:
        raise UnnamedError(f"{function} makes no call of torch's that can be seen")
    return [one.named() for one in seen]


@contextlib.contextmanager
def _announced(name: str, recording: SeeingCalls) -> Iterator[None]:
    """Take down calls of `torch.NAME` where it is written in Python and only what it calls would be seen."""
    function = getattr(torch, name, None)
    if not isinstance(function, FunctionType):
        yield
        return

    def announced(*args: Any, **kwargs: Any) -> Any:
        one = SeenCall(name, args, kwargs)
        recording.seen.append(one)
        with torch._C.DisableTorchFunction():
            one.result = function(*args, **kwargs)
        return one.result

    with mock.patch.object(torch, name, announced):
        yield


def _holds_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor) or (isinstance(value, (list, tuple)) and any(map(_holds_tensor, value)))
