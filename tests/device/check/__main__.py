"""`python -m tests.device.check DEVICE`: every row of the check, and one table. `check.sh` makes what it needs."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.device.check.machine import Fails, Machine
from tests.device.check.rows import ROWS


def main() -> int:
    """Runs the rows; 1 where one fails."""
    options = argparse.ArgumentParser(prog="tests/device/check.sh", description=__doc__)
    options.add_argument("device", nargs="?", default="cuda", help="as torch names it: cuda, cuda:1, npu")
    options.add_argument("--minutes", type=float, default=8, help="what the whole may take")
    options.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", default=list(ROWS), help=", ".join(ROWS))
    options.add_argument("--out", type=Path, help="where the table and what the rows wrote are kept")
    given = options.parse_args()
    folder = given.out or Path(tempfile.mkdtemp(prefix="device-check-"))
    folder.mkdir(parents=True, exist_ok=True)
    machine = Machine(given.device, folder / "work", time.monotonic() + given.minutes * 60)
    machine.folder.mkdir(exist_ok=True)
    table = Table("", "", "s", "what came of it", title=f"{given.device}: the check of tensorflow_free")
    is_well = True
    for name in given.only:
        begun = time.monotonic()
        lines = []
        holds = True
        for line, is_good in tried(name, machine):
            lines.append(line)
            holds &= is_good
        is_well &= holds
        table.add_row(name, "ok" if holds else "FAILS", f"{time.monotonic() - begun:.0f}", Text("\n".join(lines)))
        print(f"{name}: {'ok' if holds else 'FAILS'}", *lines, sep="\n    ", flush=True)
    with (folder / "table.txt").open("w", encoding="utf-8") as kept:
        Console(file=kept, width=160).print(table)
    Console(width=160 if not sys.stdout.isatty() else None).print(table)
    return 0 if is_well else 1


def tried(name: str, machine: Machine) -> Iterator[tuple[str, bool]]:
    """The lines of a row, each with whether all is well so far."""
    if machine.seconds_left() < 1:
        yield "not reached: the time was over", False
        return
    try:
        for line in ROWS[name](machine):
            yield line, True
    except Fails as wrong:
        yield str(wrong), False
    except subprocess.TimeoutExpired:
        yield "not done: the time was over", False


if __name__ == "__main__":
    sys.exit(main())
