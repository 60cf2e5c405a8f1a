"""Writes docs/coverage.md: `PYTHONPATH=tests python -m opdb > docs/coverage.md`. Takes some minutes."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from opdb.entries import ENTRIES
from opdb.exceptions import NOT_COVERED, REFUSED, UNWRITTEN, WAVERING
from opdb.trial import try_entry
from opdb.verdicts import Tally
from tensorflow_free.support.database import dtypes_of, usual_dtype

NAMESPACES = ("nn.functional", "linalg", "fft", "special", "signal.windows", "masked", "sparse")

PAGE = """\
# Coverage

How much of PyTorch a recipe can say is measured against PyTorch's own operator database,
`torch.testing._internal.common_methods_invocations.op_db`: {entries} entries in torch {torch}, each with sample inputs
that PyTorch's developers chose. Each sample is written as a recipe, the recipe is run, and plain eager torch makes the
same call on equal tensors. The two must agree **bit for bit**: every value, with its dtype, shape, strides, layout and
history; every input as it stood before and as it is afterwards; and every input's gradient, after a backward pass from
each differentiable result.

This is done for each form that an entry has: the function, the method, the operator, in place, its second names, and
with `out`. In one more run of each, the inputs are set to zero in place after the step, to see that a result keeps each
value as it stood also where it shares memory.

The tests run a few samples of each entry each time (`pytest tests/test_opdb.py`), and all of them with a switch
(`pytest tests/test_opdb.py --op-samples=all --op-dtypes=all`). This page is written by

```console
$ PYTHONPATH=tests python -m opdb > docs/coverage.md
```

## Covered

{table}

*Samples* are all sample inputs of the entries in their usual dtype, float32 wherever they support it; *runs* the recipes
made of them, one or more for each form; *gradients* the gradients of inputs that were compared. A few samples of each
entry were run in its other dtypes, too, which made {sweep_runs} runs more{sweep_wrong}. The dtypes:
{sweep_dtypes}.

Where torch itself refuses a sample (an in-place form whose result does not fit the input's dtype), the recipe must stop
at that step in torch's own words; {failing} of the runs are such.

## Not covered

{exceptions}

What the database calls by a private name (`torch._chunk_cat`) is run as the overload that the call reaches
(`aten._chunk_cat.default`); what it wraps in a lambda, as the public calls that the lambda makes.

## Compared in part

{wavering}
- {unwritten} give memory that nobody has written: their results' shape, dtype and strides are compared, the numbers not.
"""


@dataclass
class Total:
    """What became of the entries of a namespace."""

    entries: int = 0
    covered: int = 0
    samples: int = 0
    runs: int = 0
    gradients: int = 0
    failing: int = 0
    wrong: list[str] = field(default_factory=list)

    def add(self, name: str, tally: Tally) -> None:
        """Count an entry."""
        self.entries += 1
        self.covered += tally.is_well
        self.samples += tally.samples
        self.runs += sum(tally.counts.values())
        self.gradients += tally.gradients
        self.failing += tally.counts["fails alike"]
        if not tally.is_well and name not in NOT_COVERED:
            self.wrong += [f"{name}: {reason}" for reason in tally.reasons[:3]]


def namespace_of(name: str) -> str:
    """Where an entry's op is found."""
    if name.startswith("__"):
        return "Python's operators"
    if name.startswith(("_", "torch.")):
        return "private, by `aten`"
    if name.startswith("jiterator"):
        return "`torch.cuda.jiterator`"
    found = next((one for one in NAMESPACES if name.startswith(f"{one}.")), "")
    return f"`torch.{found}`" if found else "`torch` and methods of Tensor"


def survey(*, every: bool) -> dict[str, Total]:
    """All samples of each entry in its usual dtype; or (not `every`) a few in each other dtype that it supports."""
    totals: dict[str, Total] = {}
    for position, (name, entry) in enumerate(ENTRIES.items()):
        print(f"\r{position + 1} of {len(ENTRIES)} {name[:60]:60}", end="", file=sys.stderr)
        usual = usual_dtype(entry)
        for dtype in [usual] if every else [one for one in dtypes_of(entry) if one != usual]:
            where = namespace_of(name) if every else str(dtype).removeprefix("torch.")
            totals.setdefault(where, Total()).add(name, try_entry(entry, dtype, every=every))
    return totals


def table(totals: dict[str, Total]) -> Iterator[str]:
    """A table in Markdown, a row a namespace, and a last row for all."""
    yield "| where | entries | covered | samples | runs | gradients |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    columns = ("entries", "covered", "samples", "runs", "gradients")
    for where, total in sorted(totals.items(), key=lambda pair: -pair[1].entries):
        yield f"| {where} | " + " | ".join(f"{getattr(total, column):,}" for column in columns) + " |"
    sums = [sum(getattr(total, column) for total in totals.values()) for column in columns]
    yield "| **all** | " + " | ".join(f"**{number:,}**" for number in sums) + " |"


def exceptions() -> Iterator[str]:
    """The table of what is not covered."""
    yield "| entry | why |"
    yield "| --- | --- |"
    yield from (f"| `{name}` | {reason} |" for name, reason in NOT_COVERED.items())


def page() -> str:
    """The whole page."""
    totals, sweep = survey(every=True), survey(every=False)
    wrong = [one for total in (*totals.values(), *sweep.values()) for one in total.wrong]
    print("\n" + "\n".join(wrong), file=sys.stderr)
    return PAGE.format(
        entries=len(ENTRIES),
        torch=torch.__version__.partition("+")[0],
        table="\n".join(table(totals)),
        sweep_dtypes=textwrap.fill(", ".join(sorted(sweep)), 120),
        sweep_runs=f"{sum(total.runs for total in sweep.values()):,}",
        sweep_wrong=f", {len(wrong)} of them wrong" if wrong else ", all of them the same",
        failing=f"{sum(total.failing for total in totals.values()):,}",
        exceptions="\n".join(exceptions()),
        wavering="\n".join(f"- `{name}`: {reason}." for name, reason in {**WAVERING, **REFUSED}.items()),
        unwritten=", ".join(f"`{name}`" for name in sorted(UNWRITTEN)),
    )


if __name__ == "__main__":
    torch.set_num_threads(1)  # the samples are small: more threads would only wait for each other
    text = page()
    print(text, end="")
