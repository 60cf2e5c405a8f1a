"""What an error of a compiler says at its heart: its innermost reason, without the page of code that it stands in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from tensorflow_free.errors import text_of

_GENERATED: Final = ("CppCompileError", "CUDACompileError")
"""Errors on code that a compiler wrote: whatever another compiler says of it, that code is wrong."""

_IR: Final = re.compile(r"^\s*(?:args\[\d+\]:|kwargs:|Found from|Set TORCHDYNAMO_VERBOSE)", re.MULTILINE)
"""Where inductor goes on to show what it was at, and how to see more."""


def is_of_compiler(error: BaseException) -> bool:
    """Whether a backend of `torch.compile` raised it."""
    return any(one.__name__ == "BackendCompilerFailed" for one in type(error).__mro__)


def is_of_tracing(error: BaseException) -> bool:
    """Whether it is of code that Dynamo does not trace, and no backend has seen: it calls that unsupported."""
    return (type(error).__module__, type(error).__name__) == ("torch._dynamo.exc", "Unsupported")


def innermost(error: BaseException) -> BaseException:
    """The error at the heart of one: what it was raised for, and so on."""
    seen = {id(error)}
    while (inner := getattr(error, "inner_exception", None) or error.__cause__) is not None and id(inner) not in seen:
        seen.add(id(inner))
        error = inner
    return error


def said(error: BaseException) -> str:
    """The words of an innermost error, up to the code that it shows; none of one on code that a compiler wrote."""
    if type(error).__name__ in _GENERATED:
        return ""
    found = _IR.search(text := text_of(error))
    return text[: None if found is None else found.start()].strip()


def lacks_code_for(error: BaseException, kinds: Iterable[str]) -> str | None:
    """The first kind of device that inductor knows nothing of, where it was inductor that failed; else None."""
    if getattr(error, "backend_name", None) != "inductor":
        return None
    # private; tried on torch 2.11 and 2.13. Out-of-tree devices register there
    from torch._inductor.codegen import common  # noqa: PLC0415 - it is loaded where inductor has failed

    common.init_backend_registration()
    return next((kind for kind in kinds if common.get_scheduling_for_device(kind) is None), None)
