"""`python -m tests.innocents` asks for the isolated verdict of cells in which nothing is wrong, and lists every innocent
that is called a culprit, every step that is left unjudged, and every captured run that is not the cell's own.

`--part NAME` (again and again) runs some parts, `--sample N` every N-th subject of each, `--only WORD` those whose name
has it, `--dtype` some dtypes, `--seconds N` stops after so long, `--write` writes the counts of these parts into the report.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

import torch

sys.path.append(str(Path(__file__).parents[1]))  # where opdb is

from tensorflow_free.cell.yardstick import KeptRuns
from tests.innocents.acquitting import Acquitted, acquitted
from tests.innocents.counting import Count
from tests.innocents.subjects import SUBJECTS
from tests.wolf.cells import DTYPES

REPORT = Path(__file__).with_name("report.txt")


ABOUT = """\
What blaming says of cells in which nothing is wrong. `python -m tests.innocents --write` writes this file; what it does not
run stays as it is. `judged`: calls and vector-Jacobian products, each alone. `called`: innocents called a culprit; `borne
out`: culprits that are, see tests/wolf/borne_out.py. `unjudged`: steps that could not be run alone, each with its reason.
`moved`: cells whose captured run has other bits. `not judged`: cells that have no reference, or are refused. Where the
judge itself calls a right cell wrong (PENDING in tests/test_wolf.py), its step is called, too.
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.innocents", description=__doc__)
    parser.add_argument("--part", action="append", choices=SUBJECTS, help="a part; all without it")
    parser.add_argument("--sample", type=int, default=1, help="every so many-th subject of each part")
    parser.add_argument("--only", default="", help="subjects whose name has this word")
    parser.add_argument("--dtype", action="append", choices=DTYPES, help="a dtype; all without it")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop a part after so long")
    parser.add_argument("--write", action="store_true", help="write the counts into the report")
    options = parser.parse_args()
    torch.set_num_threads(1)
    count = Count()
    for name in options.part or SUBJECTS:
        begun, kept = perf_counter(), KeptRuns()
        for cell in SUBJECTS[name](name, options.sample, dtypes=options.dtype or DTYPES):
            if options.only in cell.words:
                show(count.add(acquitted(cell, kept)))
            if perf_counter() - begun > options.seconds:
                break
    print("\n".join(count.table()))
    if options.write:
        known = REPORT.read_text(encoding="utf-8") if REPORT.exists() else ""
        table = "\n".join(count.beside(known).table())
        REPORT.write_text(f"{ABOUT}\n{table}\n", encoding="utf-8")
    return int(bool(count.wrong))


def show(one: Acquitted) -> None:
    """Print what is not as it should be."""
    for line in one.lines():
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
