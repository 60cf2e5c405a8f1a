"""`python -m fuzz FIRST COUNT`: trials from the shell, with what they found; `python -m fuzz NUMBER` shows one and runs it."""

from __future__ import annotations

import re
import sys
from collections import defaultdict

from fuzz.trial import recipe_of, tried
from fuzz.workers import trials

if len(sys.argv) == 2:
    print(recipe_of(int(sys.argv[1])))
    print(tried(int(sys.argv[1])))
else:
    found = trials(int(sys.argv[1]), int(sys.argv[2]))
    print({name: round(share, 3) for name, share in found.shares.items()})
    groups: dict[str, list[int]] = defaultdict(list)
    for number, fault in found.faults.items():
        ours = re.findall(r'tensorflow_free/([\w/]+\.py)", line (\d+)', fault)
        last = fault.strip().splitlines()[-1]
        groups[f"{ours[-1] if ours else ''} {re.sub(r'[0-9]+|/tmp/[^ :]+', 'N', last)[:200]}"].append(number)
    for fault, numbers in sorted(groups.items(), key=lambda one: -len(one[1])):
        print(len(numbers), fault, numbers[:6])
