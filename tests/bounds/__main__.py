"""Tries every op of the registry: `PYTHONPATH=tests python -m bounds [NAME-PATTERN ...]`. All of them take an hour."""

from __future__ import annotations

import argparse
import collections
import fnmatch
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bounds.guard import again_under_guard, is_preloaded


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bounds", description=__doc__)
    parser.add_argument("patterns", nargs="*", default=["*"], help="names of ops, with * and ?")
    parser.add_argument("--calls", type=int, default=2, help="valid calls of each op that are begun from")
    parser.add_argument("--json", type=Path, help="a file that gets each finding, one a line")
    parser.add_argument("--quick", action="store_true", help="begin only from the calls that are written out by hand")
    parser.add_argument("--unguarded", action="store_true", help="call PyTorch's functions without our checks")
    parser.add_argument("--part", default="1/1", help="2/3 for the second of three parts, for several processes")
    return parser.parse_args()


def main() -> int:
    """Try the ops that the command line names; 1 where one is convicted."""
    options = arguments()
    return survey(options) if is_preloaded() else again_under_guard("bounds")


def survey(options: argparse.Namespace) -> int:
    """Run the trials, in a process that has the guard."""
    import torch

    from bounds import targets as calling
    from bounds.targets import targets
    from bounds.valid import recorded, written
    from bounds.workers import Worker

    torch.set_num_threads(1)
    calling.CHECKED = not options.unguarded
    part, parts = (int(word) for word in options.part.split("/"))
    chosen = [one for one in targets() if any(fnmatch.fnmatchcase(one.name, word) for word in options.patterns)]
    chosen = chosen[part - 1 :: parts]
    pool = written() if options.quick else recorded()
    print(f"{len(pool)} signatures have calls written by hand or recorded from the operator database", file=sys.stderr)
    totals: collections.Counter[str] = collections.Counter()
    convicted: dict[str, set[str]] = {}
    with (options.json or Path(os.devnull)).open("w") as file:
        for told in Worker(pool, options.calls).run(chosen):
            totals += tell(told, len(chosen), totals, convicted)
            print(json.dumps(told), file=file, flush=True)
    print(summary(totals, convicted))
    return int(bool(convicted))


def tell(
    told: dict, count: int, totals: collections.Counter[str], convicted: dict[str, set[str]]
) -> collections.Counter[str]:
    """Print what was told; what it adds to the totals."""
    if "done" in told:
        if sys.stderr.isatty():
            print(f"\r{totals['signatures']} of {count}  {told['done']:60.60}", end="", file=sys.stderr)
        return collections.Counter(signatures=1, uncalled=not told["calls"], calls=told["calls"], tried=told["tried"])
    kind = told.get("crash") or told["kind"]
    print(
        f"{told['target']}: {told['where'] or 'a valid call'} {told['what']}: {kind} <- {told['call'][:200]}",
        flush=True,
    )
    if not kind.startswith("valid: other") and kind != "hangs":
        convicted.setdefault(told["target"], set()).add(kind)
    return collections.Counter()


def summary(totals: collections.Counter[str], convicted: Sequence[str]) -> str:
    """The last lines."""
    return (
        f"{totals['signatures']} signatures, {totals['uncalled']} of them without a valid call; from {totals['calls']} valid "
        f"calls {totals['tried']} were tried, each twice: {len(convicted)} signatures are convicted"
    )


if __name__ == "__main__":
    sys.exit(main())
