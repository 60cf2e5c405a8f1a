"""The entries of PyTorch's operator database, and a sample's call that writes to tensors that it is given."""

from __future__ import annotations

from dataclasses import replace

import torch

from tensorflow_free.support.database import database
from tensorflow_free.support.eager_runs import CopiedArguments, seed
from tensorflow_free.support.sample_calls import SampleCall

ENTRIES = database()


def with_out(case: SampleCall) -> SampleCall | None:
    """The case with empty tensors to write its results to, or None where it has no such form."""
    if case.form.name != "function" or case.form.op is None or not case.entry.supports_out:
        return None
    plain = case.without_gradients()
    copies = CopiedArguments()
    try:
        seed(0)
        results = plain.call(*copies.of(plain.args), **copies.of(plain.kwargs))
    except Exception:  # noqa: BLE001 - torch may refuse a sample in any way; then there is nothing to write
        return None
    parts = [results] if isinstance(results, torch.Tensor) else results
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, torch.Tensor) for part in parts):
        return None
    empty = [torch.empty(0, dtype=part.dtype) for part in parts]
    out = empty[0] if parts is not results else tuple(empty)
    return replace(plain, form=replace(case.form, name="out"), kwargs={**plain.kwargs, "out": out})
