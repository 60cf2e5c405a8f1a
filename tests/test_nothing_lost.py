"""Whatever kills a command, files are whole or absent, the next one makes it good, and nothing is left lying about."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tests.processes import succeeded

ROOT = Path(__file__).parent.parent
BRIEFLY, OFTEN = 5, 100
"""How often each command is killed in the usual tier, and in the full one."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("what", ["run", "save", "record", "review", "sweep"])
def test_a_command_that_is_killed_at_any_moment_loses_nothing(tmp_path, full, what):
    often = OFTEN if full else BRIEFLY
    done = succeeded(sys.executable, "-m", "tests.killing", str(tmp_path), str(often), what, cwd=ROOT, timeout=1700)
    assert 0 < json.loads(done.stdout)[what] <= often
