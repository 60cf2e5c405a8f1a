"""`python -m benchmarks`: measures every row of the table, and writes it to docs/performance.md."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from benchmarks.figures import FULL, QUICK
from benchmarks.table import PAGE, in_order, row, table, write


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for."""
    benchmarks = in_order()
    names = [benchmark.name for benchmark in benchmarks]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        choices=names,
        help=f"one of {', '.join(names)}; may be given again",
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the pairs")
    parser.add_argument("--write", action="store_true", help="write what --only or --quick measured, too, row by row")
    asked = parser.parse_args(arguments)
    chosen = [benchmark for benchmark in benchmarks if benchmark.name in (asked.only or names)]
    figures = {}
    for benchmark in chosen:
        figures[benchmark] = benchmark.measure(QUICK if asked.quick else FULL)
        print(row(benchmark, figures[benchmark]), flush=True)
        if asked.write:
            write(table(figures, PAGE.read_text(encoding="utf-8")))
    if asked.only is None and not asked.quick:
        write(table(figures))


if __name__ == "__main__":
    main()
