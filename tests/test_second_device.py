"""The second device: files of checks run in processes that have it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.processes import finished

FOLDER = Path(__file__).parent / "device" / "second"

TOGETHER = (
    "check_seeds.py",
    "check_names.py",
    "check_unsupported.py",
    "check_sharing.py",
    "check_environment.py",
    "check_device.py",
)
"""Checks that share a process, which takes two seconds to begin; the last of them loses the device."""

SETTINGS = {"check_lost.py": {"LOOM_DEVICES": "8"}}
"""Variables of their processes."""

ALONE = sorted(path.name for path in FOLDER.glob("check_*.py") if path.name not in TOGETHER)


@pytest.mark.timeout(900)  # the first of them builds the device
@pytest.mark.parametrize("files", [TOGETHER, *((name,) for name in ALONE)], ids=lambda files: files[-1])
def test_what_is_checked_on_the_second_device_holds(loom, files):
    done = loom.pytest(*(FOLDER / name for name in files), **SETTINGS.get(files[0], {}))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_device_is_not_in_the_process_of_the_tests():
    import torch

    assert not hasattr(torch, "loom")


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_every_row_of_the_check_of_a_machine_holds(loom, tmp_path):
    environment = loom.environment(LOOM_MEMORY="100000000", LOOM_LOST="_assert_async")
    command = (sys.executable, "-m", "tests.device.check", "loom", "--minutes", "25", "--out", tmp_path)
    done = finished(*command, env=environment, cwd=FOLDER.parents[2], timeout=1700)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not reached" not in done.stdout
