"""The calls of PyTorch's that a callable makes, seen while it runs: what was called, by which module, and where."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType, FunctionType
from typing import Any, Final
from unittest import mock

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils.checkpoint import CheckpointFunction

from tensorflow_free.tracing.below_autograd import BelowAutograd, CaptureLevel
from tensorflow_free.tracing.calls_of_run import Taken, TracedCall, kept, state
from tensorflow_free.tracing.leaves import tensors_in
from tensorflow_free.tracing.model_file import Subject
from tensorflow_free.tracing.op_of_function import is_added, is_named
from tensorflow_free.tracing.refusals import NOT_THE_MODELS, NOWHERE, ModelLine, compiled_by_dynamo
from tensorflow_free.tracing.unsaid import HOOKED, HOOKS, refuse_call, refuse_module, transform_here

LEAVES_TORCH: Final = ("torch.Tensor.numpy", "torch.Tensor.__array__", "torch.Tensor.__dlpack__", "torch.Tensor.tolist")
ONE_NUMBER: Final = (
    "torch.Tensor.item",
    "torch.Tensor.__bool__",
    "torch.Tensor.__float__",
    "torch.Tensor.__int__",
    "torch.Tensor.__index__",
    "torch.Tensor.__complex__",
    "torch.Tensor.tolist",
    "torch.is_nonzero",
    "torch.equal",
    "torch.allclose",
)
"""What gives Python a number of a tensor, on which its course may hang."""


@dataclass(slots=True)
class Placed:
    """What was made at a place that was told."""

    output: Any = None


class Tracing(TorchFunctionMode):
    """Takes down each outermost call of PyTorch's public functions, and of functions of autograd's that users write."""

    def __init__(self, module_names: dict[int, str], level: CaptureLevel = "public") -> None:
        super().__init__()
        self._level = level
        self.taken = Taken()
        self._names = module_names
        self._stack: list[tuple[str, int]] = []
        self._held: list[Any] = []
        self._called: dict[Callable[..., Any], str] = {}
        """What functions are called; asking torch takes longer than most calls."""
        self._line: ModelLine | None = None

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        name = self._called.get(func)
        if name is None:
            name = self._called[func] = resolve_name(func) or _own_name(func)
        refuse_call(name, func, self.here)
        if (transform := transform_here()) is not None:
            self.taken.under.setdefault(self.here(), transform)
        if name in HOOKS:
            self.taken.notes.append(f"{self.here()}: {HOOKED}")
        return self.seen(func, name, args, kwargs or {})

    def seen(
        self,
        func: Callable[..., Any],
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        own: type[torch.autograd.Function] | None = None,
    ) -> Any:
        """Make a call, and take it down where it makes or changes a tensor."""
        given = list(tensors_in([args, kwargs]))
        before = [(one, one._version) for one in given if not one.is_inference()]
        drawn = torch.default_generator.get_state() if may_draw(name) else None
        result, inside = self._made(func, args, kwargs, own)
        changed = tuple(one for one, version in before if one._version != version)
        made = list(tensors_in(result))
        if name in LEAVES_TORCH:
            self.taken.left.setdefault(self.here(), name)
        if name in ONE_NUMBER:
            self.taken.asked.setdefault(self.here(), name)
        is_number = isinstance(result, float) and name == "torch.Tensor.item"
        if not made and not changed and not is_number:
            return result
        result = result if changed or inside is not None else self._apart(result, given)
        one = TracedCall(
            func, name, args, kwargs, result, self._stack[-1][0] if self._stack else "", self.here(), state(), changed
        )
        one.own, one.inside = own, inside
        one.draws = drawn is not None and not torch.equal(drawn, torch.default_generator.get_state())
        one.stream = drawn if one.draws else None
        one.stood = [kept(value) for value in tensors_in(result)]
        self.taken.calls.append(one)
        if is_number:
            self.taken.numbers[id(result)] = one
        return result

    def _made(
        self, func: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], own: object
    ) -> tuple[Any, tuple[TracedCall, ...] | None]:
        """What a call gives, and the calls of aten's that it makes where a step may be made of them."""
        if own is not None or is_added(func) or (self._level == "public" and is_named(func)):
            return func(*args, **kwargs), None
        with BelowAutograd() as below:
            return func(*args, **kwargs), tuple(below.calls)

    def here(self) -> ModelLine:
        """The model's line that runs."""
        return self._line or source_line()

    def _apart(self, result: Any, given: Sequence[torch.Tensor]) -> Any:
        """The result as an object of its own: `x.float()` gives x itself in float32, and another tensor in bfloat16."""
        if not isinstance(result, torch.Tensor) or (result.requires_grad and not torch.is_grad_enabled()):
            return result
        if any(one is result for one in given):
            return result.view_as(result)
        return result

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Inside it, calls and modules are seen."""
        begun = register_module_forward_pre_hook(self._begin)
        ended = register_module_forward_hook(self._end, always_call=True)
        try:
            with ExitStack() as stack:
                for one in eagerly(self):
                    stack.enter_context(one)
                stack.enter_context(self)
                yield
        finally:
            begun.remove()
            ended.remove()

    def _begin(self, module: torch.nn.Module, _: Any) -> None:
        path = self._names.get(id(module))
        if path is None:
            # a module that the code made, or holds where nothing of ours can see it
            path = type(module).__name__.lower()
            self._names.update(
                {id(one): ".".join(filter(None, (path, below))) for below, one in module.named_modules()}
            )
            self._held.append(module)
        refuse_module(module, path, self.here)
        if module._backward_hooks or module._backward_pre_hooks:
            self.taken.notes.append(f"'{path or type(module).__name__}': {HOOKED}")
        self._stack.append((path, len(self.taken.calls)))

    def _end(self, _: torch.nn.Module, __: Any, output: Any) -> None:
        path, first = self._stack.pop()
        self._gave(path, first, output)

    def _gave(self, path: str, first: int, output: Any) -> None:
        """A module gave this, by calls from `first` on."""
        made = next(tensors_in(output), None)
        if made is None or not path:
            return
        for one in reversed(self.taken.calls[first:]):
            if any(value is made for value in tensors_in(one.result)):
                one.output_of = one.output_of or path
                return

    @contextmanager
    def placed(self, module: str, line: ModelLine | None, *, gives: bool) -> Iterator[Placed]:
        """Inside it, calls are of this module, at this line.

        Args:
            module: its path; empty for whichever it is.
            line: the model's; None for the one that runs.
            gives: whether the module gives what is made inside.
        """
        before, first, placed = self._line, len(self.taken.calls), Placed()
        self._line = line or before
        if module:
            self._stack.append((module, first))
        try:
            yield placed
        finally:
            self._line = before
            if module:
                self._stack.pop()
        if gives:
            self._gave(module, first, placed.output)


def _own_name(func: Callable[..., Any]) -> str:
    """What a function without a public name is called: `torch.autograd.grad`, `aten.add.Tensor`."""
    module, name = getattr(func, "__module__", None), getattr(func, "__qualname__", None)
    return f"{module}.{name}" if isinstance(func, FunctionType) and module and name else str(func)


def may_draw(name: str) -> bool:
    """Whether a call may draw random numbers; asking the generator before each would take longer than most calls."""
    return (
        not name.startswith("torch.Tensor.")
        or name.endswith("_")
        or name in ("torch.Tensor.bernoulli", "torch.Tensor.multinomial")
    )


def source_line() -> ModelLine:
    """The innermost line of the stack that is neither torch's nor ours; none where the model is torch's alone."""
    frame: FrameType | None = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(NOT_THE_MODELS):
        frame = None if frame.f_code is Subject.call.__code__ else frame.f_back
    return NOWHERE if frame is None else ModelLine(frame.f_code.co_filename, frame.f_lineno)


def eagerly(watching: Tracing) -> Iterator[AbstractContextManager[Any]]:
    """What has all of a model seen: compiled functions run eagerly, and `autograd.Function.apply` is told.

    It is told below `Function`, as models keep what they call: `swish = Swish.apply`.
    """
    below = torch.autograd.function._SingleLevelFunction

    def told(cls: type[torch.autograd.Function], *args: Any, **kwargs: Any) -> Any:
        if cls is CheckpointFunction and torch._C._is_torch_function_mode_enabled():
            # what stands in a reentrant checkpoint is called without gradients, and again backward
            function, _, *given = args
            return function(*given)
        apply = super(below, cls).apply  # type: ignore[misc]  # of torch._C._FunctionBase, which has no stub for it
        if not torch._C._is_torch_function_mode_enabled() or cls.__module__.partition(".")[0] == "torch":
            return apply(*args, **kwargs)
        with torch._C.DisableTorchFunction():
            return watching.seen(apply, f"{cls.__module__}.{cls.__qualname__}.apply", args, kwargs, cls)

    def refused(op: torch._ops.HigherOrderOperator, *args: Any, **kwargs: Any) -> Any:
        del op, args, kwargs
        raise compiled_by_dynamo(watching.here())

    yield mock.patch.object(below, "apply", classmethod(told), create=True)
    yield mock.patch.object(torch._ops.HigherOrderOperator, "__call__", refused)
    yield mock.patch.object(torch.overrides, "has_torch_function", _has_own_kind)
    yield stance()
    yield _silent()


def _has_own_kind(tensors: Iterable[Any]) -> bool:
    """What modules ask before they take their fast path: this mode, which they would see, is none of the model's."""
    plain = (torch.Tensor, torch.nn.Parameter)
    return any(isinstance(one, torch.Tensor) and type(one) not in plain for one in tensors)


@contextmanager
def _silent() -> Iterator[None]:
    """Inside it, modules that are compiled do not warn of this one's hooks, by which modules are seen."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Using `torch.compile\\(module\\)` when there are global hooks on modules")
        yield


@contextmanager
def stance() -> Iterator[None]:
    """Inside it, what is compiled runs eagerly; `torch.compiler.set_stance` as a context would import Dynamo."""
    if "torch._dynamo" not in sys.modules:
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield
