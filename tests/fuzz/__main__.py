"""`python -m fuzz FIRST COUNT`: trials from the shell, with what they found; `python -m fuzz NUMBER` shows one and runs it.

With `--guarded` they run under the guard of tests/bounds, where a step that reads or writes outside its tensors is told.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict

from bounds.guard import again_under_guard, is_preloaded

from fuzz.trial import recipe_of
from fuzz.workers import trials


def main() -> int:
    """Run what the command line says; 1 where something is to be mended."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("first", type=int, help="the number of the first trial")
    parser.add_argument("count", type=int, nargs="?", help="how many; without it, the trial's recipe is shown")
    parser.add_argument("--guarded", action="store_true", help="under the guard of memory, which needs a C compiler")
    options = parser.parse_args()
    if options.guarded and not is_preloaded():
        return again_under_guard("fuzz")
    if options.count is None:
        print(recipe_of(options.first), flush=True)
    return tell(options.first, options.count or 1)


def tell(first: int, count: int) -> int:
    """Run trials, and print what they found, the same faults together."""
    found = trials(first, count)
    print({name: round(share, 3) for name, share in found.shares.items()})
    groups: dict[str, list[int]] = defaultdict(list)
    for number, fault in found.faults.items():
        ours = re.findall(r'tensorflow_free/([\w/]+\.py)", line (\d+)', fault)
        last = fault.strip().splitlines()[-1]
        groups[f"{ours[-1] if ours else ''} {re.sub(r'[0-9]+|/tmp/[^ :]+', 'N', last)[:200]}"].append(number)
    for fault, numbers in sorted(groups.items(), key=lambda one: -len(one[1])):
        print(len(numbers), fault, numbers[:6])
    if count == 1 and found.faults:
        print(*found.faults.values())
    return int(bool(found.faults))


if __name__ == "__main__":
    sys.exit(main())
