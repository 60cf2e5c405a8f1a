"""`python -m tests.faults.cells FOLDER [EVERY]` verifies recipes of a folder, in all dtypes, on 1 and 2 threads, as JSON.

All of them, or of those that nothing compiles every third, fourth, … one.

A process of its own, since torch reads ATEN_CPU_CAPABILITY when it starts.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free.composition.overrides import texts_of
from tensorflow_free.golden.verification import Verification
from tensorflow_free.golden.verifying import verify_case
from tensorflow_free.loading import cases_of
from tensorflow_free.recipe.names import RECIPE_DTYPES

THREADS: Final = (1, 2)


def sample(folder: Path, every: int) -> list[Path]:
    """All recipes of a folder, or a third, a fourth, … of those that nothing compiles: a new one moves no other."""
    paths = sorted(folder.rglob("*.yaml"))
    if every == 1:
        return paths
    plain = [path for path in paths if "\nbackend:" not in path.read_text("utf-8")]
    return [path for path in plain if int(sha256(path.stem.encode()).hexdigest(), 16) % every == 0]


def verifications(paths: Sequence[Path]) -> Iterator[Verification]:
    """Every case of these recipes in every cell."""
    for path in paths:
        for case in cases_of(path) or ("",):
            for dtype in RECIPE_DTYPES:
                for threads in THREADS:
                    yield verify_case(path, case, [f"dtype={dtype}", f"settings.num_threads={threads}"])


def failure(one: Verification) -> dict[str, Any]:
    """What went wrong, with the numbers that tell how wrong."""
    bad = [] if one.comparison is None else one.comparison.bad
    values = [
        {
            "name": value.name,
            "used": str(value.used),
            "allowed": value.allowed,
            "rmse": value.measure and value.measure.rmse,
            "max_abs": value.measure and value.measure.max_abs,
        }
        for value in bad
    ]
    where = f"{Path(one.recipe).stem} {one.case} {' '.join(texts_of(one.overrides))}"
    return {"cell": where, "outcome": one.outcome, "reason": one.reason, "values": values}


def main() -> None:
    outcomes: Counter[str] = Counter()
    failures, used = [], []
    for one in verifications(sample(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 1)):
        outcomes[one.outcome] += 1
        if not one.is_well:
            failures.append(failure(one))
        if one.comparison is not None:
            cell = f"{Path(one.recipe).stem} {one.case} {' '.join(texts_of(one.overrides[:2]))}"
            used += [(value.used, f"{cell} {value.name} {value.rule}") for value in one.comparison.values if value.used]
    print(
        json.dumps(
            {
                "capability": torch.backends.cpu.get_cpu_capability(),
                "outcomes": outcomes,
                "failures": failures,
                "nearest": [[str(share), name] for share, name in sorted(used)[-20:]],
                "total": sum(float(share) for share, _ in sorted(used)),
            }
        )
    )


if __name__ == "__main__":
    main()
