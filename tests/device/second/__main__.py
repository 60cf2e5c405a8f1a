"""Run checks on the second device: `python -m tests.device.second [FILE] [pytest's arguments]`."""

from __future__ import annotations

import sys

from tests.device.second.building import Loom, distribution

if __name__ == "__main__":
    done = Loom(distribution()).pytest(*sys.argv[1:] or ["tests/device/second"])
    print(done.stdout, done.stderr)
    sys.exit(done.returncode)
