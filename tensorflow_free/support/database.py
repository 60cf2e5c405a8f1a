"""PyTorch's operator database: its entries, the dtypes that each supports, and its sample inputs.

The database is PyTorch's own and private: this is the one module that imports it. Tried with torch 2.11 and 2.13.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import warnings
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import torch

from tensorflow_free.errors import Place, Problem, RecipeError
from tensorflow_free.support.eager_runs import distinct_tensors, seed

OpInfo = Any
"""A torch.testing._internal.opinfo.core.OpInfo; torch leaves its attributes untyped."""

EXTRA: Final = "matrix"
"""The extra of this package that has what the database imports."""


@functools.cache
def database() -> Mapping[str, OpInfo]:
    """Every entry by its full name; importing them takes some seconds.

    Raises:
        RecipeError: a package that the database imports is not installed.
    """
    try:
        from torch.testing._internal.common_methods_invocations import op_db  # noqa: PLC0415 - it takes seconds
    except ImportError as error:
        message = (
            f"PyTorch's operator database cannot be imported: {error}; pip install 'tensorflow_free[{EXTRA}]' has it"
        )
        raise RecipeError([Problem(Place(), message)]) from error
    # importing torch's test helpers freezes the switches of the whole process
    torch.backends.flags_frozen.__globals__["__allow_nonbracketed_mutation_flag"] = True
    return {entry.full_name: entry for entry in op_db}


def dtypes_of(entry: OpInfo, device: str = "cpu") -> list[torch.dtype]:
    """The dtypes that PyTorch says the entry supports on a kind of device: of one it does not know, on the CPU."""
    return sorted(entry.supported_dtypes(device), key=str)


def gradient_dtypes_of(entry: OpInfo, device: str = "cpu") -> list[torch.dtype]:
    """Those in which it can be differentiated there."""
    return sorted(entry.supported_backward_dtypes(device), key=str) if entry.supports_autograd else []


def usual_dtype(entry: OpInfo) -> torch.dtype:
    """float32, or the first dtype that the entry supports instead."""
    supported = dtypes_of(entry)
    usual = (torch.float32, torch.complex64, torch.int64, torch.bool)
    return next((dtype for dtype in (*usual, *supported) if dtype in supported), torch.float32)


SPREAD: Final = (0, 1, 3, 8, 20)
"""The positions of the samples that are taken where not all are."""


def samples(entry: OpInfo, dtype: torch.dtype, *, every: bool = False) -> Iterator[Any]:
    """The entry's sample inputs, or a few spread ones; the same each time."""
    return samples_at(entry, dtype, None if every else SPREAD)


def samples_at(
    entry: OpInfo, dtype: torch.dtype, positions: Collection[int] | None, device: str = "cpu"
) -> Iterator[Any]:
    """The entry's sample inputs at some positions, or all of them (None); the same each time, and on the CPU.

    Args:
        entry: the entry.
        dtype: what the tensors are of.
        positions: which of them, from 0.
        device: the kind of device of whose gradients they are; where they can be differentiated there, tensors
            require gradients.
    """
    seed(0)
    last = None if positions is None else max(positions, default=-1) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _made_on("cpu", entry, dtype, differentiable=dtype in gradient_dtypes_of(entry, device))
        for position, sample in enumerate(itertools.islice(found, last)):
            if positions is None or position in positions:
                yield sample


def staying(entry: OpInfo, dtype: torch.dtype, most: int | None) -> list[frozenset[int]]:
    """Of each of the first samples, which tensors stay on the CPU wherever the op runs, by their places in the call.

    What is not known is left out: some samples cannot be made on a device without numbers, on which this is tried.
    """
    found: list[frozenset[int]] = []
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        for sample in itertools.islice(_made_on("meta", entry, dtype, differentiable=False), most):
            given = distinct_tensors([sample.input, sample.args, sample.kwargs])
            found.append(frozenset(place for place, one in enumerate(given) if one.device.type == "cpu"))
    return found


def _made_on(device: str, entry: OpInfo, dtype: torch.dtype, *, differentiable: bool) -> Iterator[Any]:
    # entry.sample_inputs, which takes down the whole stack first, takes longer than all the rest
    return iter(entry.sample_inputs_func(entry, device, dtype, differentiable))
