"""A result as a page: its records told as values."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from tensorflow_free.report.run_page import run_page
from tensorflow_free.report.told_run import ToldValue
from tensorflow_free.report.value_summary import summary
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.text.page import Grid, Line
from tensorflow_free.text.phrases import shown


def page_of(result: Result, file: str | None = None) -> Iterator[Line | Grid]:
    """The whole report, and the file that holds the result."""
    return run_page(result, told_values(result), file)


def told_values(result: Result) -> dict[str, ToldValue]:
    """What a page tells of each value of a run, by name."""
    return {name: told_value(record) for name, record in result.records.items()}


def told_value(record: Record) -> ToldValue:
    """What a page tells of a record."""
    value = record.value
    is_tensor = isinstance(value, torch.Tensor)
    return ToldValue(
        record.name,
        record.kind,
        record.op,
        word_of(value.dtype) if is_tensor else "" if value is None else type(value).__name__,
        str(list(value.shape)) if is_tensor and not value.is_nested else "",
        record.grad_fn,
        value is None,
        lambda: shown(f"not stored: {record.unstored}") if record.unstored else summary(value),
    )
