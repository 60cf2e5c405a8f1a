"""`python -m tests.faults` prints the score of the bench: each fault, what caught it, and the steps that it named.

With `--all` every fixture that uses the op is asked, not only until one catches the fault.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.faults.catalogue import CATALOGUE
from tests.faults.scoring import Catch, catches, first_catch, recorded_fixtures


def line(name: str, catch: Catch | None, *, right: bool) -> str:
    if catch is None:
        return f"{name:64} NOT CAUGHT"
    verdict = "" if right else "  WRONG STEP"
    return f"{name:64} {catch.fixture.name:28} {catch.cell:12} {catch.used:9.3g}  {', '.join(catch.suspects)}{verdict}"


def main() -> None:
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        fixtures = recorded_fixtures(Path(folder) / "recipes")
        if "--all" in sys.argv:
            everyone(fixtures)
            return
        caught = named = 0
        for fault in sorted(CATALOGUE, key=lambda one: one.kind):
            catch = first_catch(fault, fixtures)
            right = catch is not None and catch.names(fault)
            caught, named = caught + (catch is not None), named + right
            print(line(f"{fault.kind}: {fault.name}", catch, right=right))
    total = len(CATALOGUE)
    print(f"\n{caught} of {total} faults caught, {named} laid at the right step; {time.perf_counter() - begun:.0f} s")


def everyone(fixtures: list) -> None:
    found = right = 0
    for fault in CATALOGUE:
        for catch in catches(fault, fixtures):
            found, right = found + 1, right + catch.names(fault)
            if not catch.names(fault):
                print(line(fault.name, catch, right=False))
    print(f"\n{found} catches, {right} of them laid at the right step")


if __name__ == "__main__":
    main()
