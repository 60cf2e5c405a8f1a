"""The second device: files of checks run in processes that have it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from tensorflow_free.outcome.outcomes import BAD
from tensorflow_free.support.matrix_file import read_matrix
from tests.processes import finished
from tests.test_readme import blocks, commands

FOLDER = Path(__file__).parent / "device" / "second"

TOGETHER = (
    "check_seeds.py",
    "check_names.py",
    "check_unsupported.py",
    "check_environment.py",
    "check_matrix.py",
    "check_device.py",
)
"""Checks that share a process, which takes two seconds to begin; the last of them loses the device."""

SETTINGS = {"check_lost.py": {"LOOM_DEVICES": "8"}}
"""Variables of their processes."""

ALONE = sorted(path.name for path in FOLDER.glob("check_*.py") if path.name not in TOGETHER)


@pytest.mark.timeout(900)  # the first of them builds the device
@pytest.mark.parametrize("files", [TOGETHER, *((name,) for name in ALONE)], ids=lambda files: files[-1])
def test_what_is_checked_on_the_second_device_holds(loom, files, pytestconfig):
    more = ["--full"] if pytestconfig.getoption("--full") else []
    done = loom.pytest(*(FOLDER / name for name in files), *more, **SETTINGS.get(files[0], {}))
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


PAGE = (FOLDER.parents[2] / "docs" / "bring-your-backend.md").read_text(encoding="utf-8")
ENTRY = "import sys; from tensorflow_free.entry import {0} as run; sys.argv[0] = '{0}'; sys.exit(run())"


def walked(page):
    """The commands of a page, with the second device in the place of the reader's."""
    return [command.line.replace("npu", "loom") for block in blocks("console", page) for command in commands(block)]


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_the_page_on_backends_is_walked_through(loom, tmp_path):
    (tmp_path / "recipes").symlink_to(FOLDER.parents[2] / "recipes")
    lines = walked(PAGE)
    assert len(lines) >= 14
    for line in lines:
        program, *words = shlex.split(line)
        entry = ("-c", ENTRY.format(program.replace("-", "_")), *words)
        command = (sys.executable, *entry) if program in ("run-recipe", "recipe") else (program, *words)
        done = finished(*command, env=loom.environment(), cwd=tmp_path, timeout=600)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    assert list(tmp_path.glob("mine/recipes/*.loom.golden.json"))
    assert (tmp_path / "support_now" / "matrix.json").exists()


def test_what_the_page_tells_vendors_to_register_is_taken(loom):
    asked = """extend()
from tensorflow_free.run.out_of_memory import is_out_of_memory
from tensorflow_free.run.unsupported import lack_of
assert lack_of(RuntimeError("NPU-9: no tile program for erf"))
assert is_out_of_memory(RuntimeError("NPU-77: scratchpad exhausted"))"""
    done = loom.python("-c", "\n".join([*blocks("python", PAGE), asked]))
    assert done.returncode == 0, done.stderr


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_of_the_whole_operator_database_only_what_the_device_lacks_is_wrong(loom, tmp_path):
    words = ("matrix", "--device", "loom", "--out", tmp_path / "m", "--quiet")
    command = "from tensorflow_free.entry import recipe; recipe()"
    finished(sys.executable, "-c", command, *words, env=loom.environment(), timeout=1500)
    matrix = read_matrix(tmp_path / "m" / "matrix.json")
    bad = {row.name for row, _, _, cell in matrix.cells() if cell.outcome in BAD}
    # losses of PyTorch's own; then what this device does not take: zeros without memory, lists of lengths
    own = {"digamma", "grid_sampler_2d"} | {row.name for row in matrix.rows if "polygamma" in row.name}
    assert matrix.finished
    assert len(list(matrix.cells())) > 1200
    assert bad - own == {"sgn", "nn.functional.ctc_loss"}
