"""`python -m tests.faults.bench` tries the faults of the bench and holds what the judge caught against the report.

`--sample N` tries some N of them, `--only WORD` those whose name has it; `--write` writes what was found into the report, in
which the rest stays as it is.
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
    all_of_them = [*faults(), *right_cells()]
    wanted = sampled(all_of_them, options.sample) if options.sample else all_of_them
    bench, found = Bench(), []
    for one in wanted:
        if options.only in one.name:
            found.append(line_of(bench.tried(one)))
            print(found[-1], flush=True)
    before = lines_in(REPORT.read_text("utf-8")) if REPORT.exists() else {}
    if options.write:
        known = {**before, **{one.name: one for one in found}}
        REPORT.write_text(text_of([known[one.name] for one in all_of_them if one.name in known]), "utf-8")
    changed = change(before, found)
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
