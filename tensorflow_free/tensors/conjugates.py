"""Conjugates and negatives by a bit, under a `TorchDispatchMode`.

`x.conj()` of a complex tensor changes a bit of it, not its numbers. PyTorch resolves the bit above the level at which
a mode is called, and within the mode no more: a kernel that conjugates inside, such as that of `linalg.pinv`, computes
with the wrong numbers there (torch 2.13).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

import torch

Dispatch = TypeVar("Dispatch", bound=Callable[..., Any])

_KEYS: Final = torch._C.DispatchKey  # noqa: SLF001 - no public door
_BITS: Final = (_KEYS.Conjugate, _KEYS.Negative)


def seeing_conjugates(dispatch: Dispatch) -> Dispatch:
    """The `__torch_dispatch__` of a mode, within which every kernel sees what is a conjugate or a negative by a bit.

    Args:
        dispatch: the method.

    Example:
        >>> import torch
        >>> from torch.utils._python_dispatch import TorchDispatchMode
        >>> class Plain(TorchDispatchMode):
        ...     @seeing_conjugates
        ...     def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        ...         return func(*args, **kwargs or {})
        >>> x = torch.tensor([[1j, 2.0], [0.0, 1j]])
        >>> with Plain():
        ...     inverse = torch.linalg.pinv(x)
        >>> torch.allclose(inverse, torch.linalg.pinv(x))
        True
    """

    @wraps(dispatch)
    def dispatched(*args: Any, **kwargs: Any) -> Any:
        excluded = [one for one in _BITS if torch._C._dispatch_tls_is_dispatch_key_excluded(one)]  # noqa: SLF001
        _exclude(excluded, excluded=False)
        try:
            return dispatch(*args, **kwargs)
        finally:
            _exclude(excluded, excluded=True)

    return dispatched  # type: ignore[return-value]


def _exclude(keys: list[torch._C.DispatchKey], *, excluded: bool) -> None:
    for one in keys:
        torch._C._dispatch_tls_set_dispatch_key_excluded(one, excluded)  # noqa: SLF001 - no public door
