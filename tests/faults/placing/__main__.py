"""`python -m tests.faults.placing` tries the cells of the bench of placing, and tells which step is named in each.

`--part PART` tries a part, `--sample N` some N cells, `--only WORD` those whose name has it; `--write` writes what was found into the
report, in which the rest stays as it is.
"""

from __future__ import annotations

import argparse
import sys
import warnings

from tests.faults.placing.catalogue import cells, sampled
from tests.faults.placing.placing import Bench
from tests.faults.placing.report import GOALS, REPORT, changed, line_of, lines_in, shares, text_of


def main() -> int:
    options = _options()
    warnings.filterwarnings("ignore")
    all_of_them = [one for one in cells() if one.part in (options.part or GOALS) and options.only in one.name]
    bench, found = Bench(), []
    for one in sampled(all_of_them, options.sample) if options.sample else all_of_them:
        found.append(line_of(bench.tried(one)))
        print(found[-1], flush=True)
    before = lines_in(REPORT.read_text("utf-8")) if REPORT.exists() else {}
    if options.write:
        known = {**before, **{one.name: one for one in found}}
        REPORT.write_text(text_of([known[one.name] for one in cells() if one.name in known]), "utf-8")
    other = changed(before, found)
    print("\n".join(["", *shares(found), f"\nother than in the report: {len(other)}", *other]))
    return any(one.startswith("right before") for one in other)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.placing", description=__doc__)
    parser.add_argument("--part", action="append", choices=GOALS, help="try this part; may be given again")
    parser.add_argument("--sample", type=int, default=0, help="try so many, spread over all")
    parser.add_argument("--only", default="", help="try those whose name has this in it")
    parser.add_argument("--write", action="store_true", help="write the report anew")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
