"""The switches of the test run."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("operator database")
    group.addoption(
        "--op-samples",
        choices=("some", "all"),
        default="some",
        help="which sample inputs of PyTorch's operator database are run: a few of each entry (the default), or all",
    )
    group.addoption(
        "--op-dtypes",
        default="usual",
        help="in which dtypes: usual (float32 wherever there is one; the default), all, or some, such as float64,int64",
    )
