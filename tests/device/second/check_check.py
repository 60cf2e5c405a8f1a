"""The check of a machine with a device tells a lost device, and a fault that is put in."""

from __future__ import annotations

import time

import pytest

from tests.device.check.__main__ import tried
from tests.device.check.machine import Machine


@pytest.fixture
def told(tmp_path):
    """The lines of a row on the second device, and whether it holds."""

    def told(name):
        lines = list(tried(name, Machine("loom", tmp_path, time.monotonic() + 100)))
        return [line for line, _ in lines], all(holds for _, holds in lines)

    return told


def test_a_lost_device_is_told_with_its_step_and_costs_one_cell(told, monkeypatch):
    monkeypatch.setenv("LOOM_LOST", "_assert_async")
    lines, holds = told("device-side assert")
    assert holds, lines
    assert "wrong" in lines[0]
    assert "the cells beside it are ok" in lines[0]


def test_a_row_that_is_wrong_fails_and_says_why(told, monkeypatch):
    monkeypatch.setenv("LOOM_NO_KERNEL", "mul")
    lines, holds = told("out of memory")
    assert not holds
    assert "unsupported" in lines[0]
