"""What came of checking one case of a recipe in one cell, and the same as another process tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from tensorflow_free.cell.fate import Fate
from tensorflow_free.cell.findings import operands_of
from tensorflow_free.codec.adapters import adapter_of
from tensorflow_free.composition.overrides import Override, texts_of
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.ops.ops_files import ops_words
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import AnyReason, CellMismatch, RunsDiffer, StepFailed, Unmet
from tensorflow_free.outcome.sentences import above_words, failure_lines, words
from tensorflow_free.result.result import Result
from tensorflow_free.run.error_patterns import unsupported_words
from tensorflow_free.text.characters import command_of


@dataclass(frozen=True)
class Verification:
    """What came of checking one case of a recipe in one cell.

    Attributes:
        recipe: the recipe file, as it was given.
        case: the case's name; '' for the bare file.
        cell: the cell in short: `bfloat16-cpu`, `float32-cpu-inductor`; the overrides where it came to no recipe.
        fate: what became of it, and why.
        comparison: its values against the golden's, where it came to that.
        golden: the golden that applied.
        result: its run, where it came to that in this process.
        overrides: those that it was run with, its case's too.
        by_noise: whether the golden is of an older format, in which there is only the noise of one run to judge by.
        dtype: the cell's dtype, and `device` its device; empty where it came to no recipe.
        operands: what the steps read at which a mismatch starts, of a gradient those by whose backward it came:
            `x: float16 [3, 4] cpu`.
        flags: what the command that shows it again needs, where it took its process with it.
    """

    recipe: str
    case: str
    cell: str
    fate: Fate
    comparison: Comparison | None = None
    golden: Path | None = None
    result: Result | None = None
    overrides: tuple[Override, ...] = ()
    by_noise: bool = False
    dtype: str = ""
    device: str = ""
    operands: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """As strict JSON holds it for another process: without the run, and the overrides, which that one knows."""
        return {
            "recipe": self.recipe,
            "case": self.case,
            "cell": self.cell,
            "fate": adapter_of(Fate).dump_python(self.fate, mode="json"),
            "comparison": None if self.comparison is None else self.comparison.to_plain(),
            "golden": None if self.golden is None else str(self.golden),
            "by_noise": self.by_noise,
            "dtype": self.dtype,
            "device": self.device,
            "operands": list(self.operands),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], overrides: tuple[Override, ...]) -> Verification:
        """What `to_plain` gave, again, without its run."""
        comparison, golden = plain["comparison"], plain["golden"]
        read = {
            "fate": adapter_of(Fate).validate_python(plain["fate"]),
            "comparison": None if comparison is None else Comparison.from_plain(comparison),
            "golden": None if golden is None else Path(golden),
            "operands": tuple(plain["operands"]),
        }
        return cls(**{**plain, **read, "overrides": overrides})

    @property
    def outcome(self) -> Outcome:
        """What became of it, in a word or two."""
        return self.fate.outcome

    @property
    def reason(self) -> str:
        """Why, in words; empty where it is ok."""
        return self.fate.reason

    @property
    def is_well(self) -> bool:
        """Whether it fails nothing."""
        return not self.fate.is_bad

    def strictly(self) -> Verification:
        """The same where everything must be judged."""
        return replace(self, fate=self.fate.strictly())

    def failing(self, why: AnyReason) -> Verification:
        """The same as a failure, with one more reason."""
        return replace(self, fate=Fate(Outcome.FAILED, [*self.fate.causes, why], self.fate.notes))

    @property
    def is_late(self) -> bool:
        """Whether an error of a device showed behind the step that raised it."""
        return any(isinstance(one, StepFailed) and one.is_late for one in self.fate.causes)

    def also(self, cause: AnyReason) -> Verification:
        """The same with one more reason."""
        return replace(self, fate=self.fate.also(cause))

    @property
    def command(self) -> str:
        """What a person types to see this cell alone again."""
        words = [*texts_of(self.overrides), *self.flags, *ops_words(), *unsupported_words()]
        return command_of(["recipe", "verify", self.recipe, *words])

    @property
    def unmet(self) -> list[str]:
        """What the recipe expects and does not hold, a line each."""
        return [words(one) for one in self.fate.causes if isinstance(one, Unmet)]

    @property
    def apart(self) -> list[str]:
        """Where its runs on the same numbers differ, in lines."""
        told = (words(one).splitlines() for one in self.fate.causes if isinstance(one, RunsDiffer))
        return list(chain.from_iterable(told))

    @property
    def above(self) -> list[str]:
        """The known fault that a value is worse than, in a line."""
        marks = [one.mark for one in self.fate.causes if isinstance(one, CellMismatch)]
        return [above_words(mark) for mark in marks if mark is not None]

    @property
    def stopped(self) -> list[str]:
        """The step at which the run stopped, where it was not meant to, in lines."""
        failures = (failure_lines(one) for one in self.fate.causes if isinstance(one, StepFailed))
        return list(chain.from_iterable(failures))


def operands_read(comparison: Comparison | None, result: Result | None) -> tuple[str, ...]:
    """What the steps read at which a mismatch starts, as far as the run recorded it."""
    where = None if comparison is None else comparison.where
    if where is None or result is None:
        return ()
    found = (operands_of(result, step) for step in where.through or (where.step,))
    return tuple(dict.fromkeys(chain.from_iterable(found)))
