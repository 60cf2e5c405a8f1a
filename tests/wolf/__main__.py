"""`python -m tests.wolf` judges cells that are right, and lists every value that is called wrong.

`--part NAME` (again and again) runs some parts, `--sample N` every N-th subject of each, `--dtype` some dtypes, `--json
FILE` keeps all reds.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).parents[1]))  # where opdb is

from tests.wolf.cells import DTYPES, all_judged
from tests.wolf.parts import PARTS
from tests.wolf.tally import Tally, line

UNEXPECTED = ("failed", "refused", "no reference")
"""Why a right cell should not be left unjudged."""

MOST_SHOWN = 3
"""Red values of one cell that are shown; `--json` keeps all."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.wolf", description=__doc__)
    parser.add_argument("--part", action="append", choices=PARTS, help="a part; all without it")
    parser.add_argument("--sample", type=int, default=1, help="every so many-th subject of each part")
    parser.add_argument("--dtype", action="append", choices=DTYPES, help="a dtype; all without it")
    parser.add_argument("--json", type=Path, help="a file for the reds and the counts")
    options = parser.parse_args()
    torch.set_num_threads(1)
    tally = Tally()
    for name in options.part or PARTS:
        for one in all_judged(PARTS[name](name, options.sample, dtypes=options.dtype or DTYPES)):
            tally.add(one)
            for red in one.reds[:MOST_SHOWN]:
                print(line(red), flush=True)
            if one.reds[MOST_SHOWN:]:
                print(f"    and {len(one.reds) - MOST_SHOWN} more of this cell", flush=True)
    print(
        "\n".join([f"{where} is {outcome}: {why}" for where, outcome, why in tally.unjudged if outcome in UNEXPECTED])
    )
    print("\n".join(tally.table()))
    if options.json is not None:
        options.json.write_text(json.dumps(tally.plain(), indent=1), encoding="utf-8")
    return int(bool(tally.unexplained))


if __name__ == "__main__":
    sys.exit(main())
