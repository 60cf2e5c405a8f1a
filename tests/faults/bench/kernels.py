"""Faults in PyTorch's own CPU kernels, overridden by `torch.library` for one dtype; all others go the right way."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from tests.faults.bench.fault import Wrong


@contextmanager
def kernel(op: str, dtype: str, wrong: Wrong) -> Iterator[None]:
    """Override a kernel of the CPU where one of its operands is of a dtype.

    Args:
        op: one of ATen's overloads, as `sum.dim_IntList`, `mm.default`.
        dtype: the dtype.
        wrong: what it does instead.
    """
    name = op.removesuffix(".default")
    library, kernel = torch.library.Library("aten", "IMPL"), torch.library.get_kernel(f"aten::{name}", "CPU")
    of = getattr(torch, dtype)

    def overriding(keys: Any, *arguments: Any, **keywords: Any) -> Any:
        true = functools.partial(kernel.call_boxed, keys)
        if any(isinstance(one, Tensor) and one.dtype == of for one in tree_leaves((arguments, keywords))):
            return wrong(true, *arguments, **keywords)
        return true(*arguments, **keywords)

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Warning only once for all operators", UserWarning)
        library.impl(name, overriding, "CPU", with_keyset=True, allow_override=True)
    try:
        yield
    finally:
        library._destroy()
