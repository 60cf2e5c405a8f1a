"""`python -m tests.faults.bench` tries the faults of the bench and holds what the judge caught against the report.

`--sample N` tries N faults and as many right cells as belong to them, `--write` writes the report anew, `--only WORD` tries
those whose name has it.
"""

from __future__ import annotations

import argparse
import sys
import warnings

from tests.faults.bench.catalogue import faults, right_cells, sampled
from tests.faults.bench.report import REPORT, change, line_of, lines_in, text_of
from tests.faults.bench.trying import Bench


def main() -> int:
    options = _options()
    warnings.filterwarnings("ignore")
    bench, found = Bench(), []
    wanted = [*faults(), *right_cells()]
    wanted = sampled(wanted, options.sample) if options.sample else [one for one in wanted if options.only in one.name]
    for one in wanted:
        found.append(bench.tried(one))
        print(line_of(found[-1]), flush=True)
    if options.write:
        REPORT.write_text(text_of(found), "utf-8")
    changed = change(lines_in(REPORT.read_text("utf-8")), found)
    for title in ("lost", "alarms", "others"):
        print("\n".join([f"\n{title}: {len(getattr(changed, title))}", *getattr(changed, title)]))
    return bool(changed.lost or changed.alarms)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.bench", description=__doc__)
    parser.add_argument("--sample", type=int, default=0, help="try so many, spread over all")
    parser.add_argument("--only", default="", help="try those whose name has this in it")
    parser.add_argument("--write", action="store_true", help="write the report anew")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
