"""The second device: each file of checks runs in one process that has it."""

from __future__ import annotations

from pathlib import Path

import pytest

CHECKS = sorted((Path(__file__).parent / "device" / "second").glob("check_*.py"))


@pytest.mark.timeout(900)  # the first of them builds the device
@pytest.mark.parametrize("file", CHECKS, ids=lambda path: path.stem)
def test_what_is_checked_on_the_second_device_holds(loom, file):
    done = loom.pytest(file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_device_is_not_in_the_process_of_the_tests():
    import torch

    assert not hasattr(torch, "loom")
