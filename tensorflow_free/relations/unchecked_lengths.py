"""What torch does not check of tensors whose lengths changed: as many keys as values, in fused attention on the CPU.

Where they differ, the kernel reads and writes beyond the shorter, and the process may end; the formula raises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode


class LengthsChecked(TorchFunctionMode):
    """While it is entered, attention with fewer keys than values, or more, raises.

    Raises:
        RuntimeError: by the call itself.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        """Call what is called, unless its lengths do not fit."""
        del types
        kwargs = kwargs or {}
        if func is functional.scaled_dot_product_attention:
            _check(*args, **kwargs)
        return func(*args, **kwargs)


def _check(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: object, **__: object) -> None:
    del query
    lengths = key.shape[-2:-1], value.shape[-2:-1]
    if lengths[0] != lengths[1]:
        raise RuntimeError(f"attention takes as many keys as values, and not {lengths[0][0]} and {lengths[1][0]}")
