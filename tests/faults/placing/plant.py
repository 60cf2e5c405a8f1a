"""What the bench of placing consists of: cells in which one step or more is wrong, and it is known which and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from tensorflow_free.composition.reader import read_yaml
from tests.faults.bench.fault import Wrong

HOSTS: Final = Path(__file__).parent / "hosts"

Direction = Literal["forward", "backward", "operand"]
"""What of a step is wrong: its value, its gradient, or what it leaves in the memory of an operand."""

Rounds = tuple[int, ...]
"""Which round it is of each repeat block around a step, from the outermost in, from 1 on; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Host:
    """A recipe in which faults are put, in one dtype and by one back end.

    Attributes:
        source: its file, or what would stand in it.
        dtype: the dtype of the cell.
        backend: the back end of the cell.
        record: what the cell records, where that is not the usual.
        case: its case; of recipes with one for each dtype, that of the dtype where none is given.
        title: what it is called; without it, as its file is.
    """

    source: Path | Mapping[str, Any]
    dtype: str
    backend: str = "eager"
    record: str = ""
    case: str = ""
    title: str = ""

    @property
    def recipe(self) -> Mapping[str, Any]:
        return recipe_of(self.source) if isinstance(self.source, Path) else self.source

    @property
    def name(self) -> str:
        return self.source.stem if isinstance(self.source, Path) and not self.title else self.title

    @property
    def overrides(self) -> list[str]:
        own = f"in_{self.dtype}"
        case = own if own in self.recipe.get("cases", {}) else self.case
        backend = "" if self.backend == "eager" else self.backend
        keys = {"dtype": self.dtype, "case": case, "backend": backend, "record": self.record}
        return [f"{key}={word}" for key, word in keys.items() if word]

    def __str__(self) -> str:
        backend = "" if self.backend == "eager" else self.backend
        return " ".join(filter(None, (self.name, self.case, self.dtype, backend, self.record)))


@dataclass(frozen=True, slots=True)
class Spot:
    """A step in which something can be wrong.

    Attributes:
        path: its path, without `steps.` in front.
        step: what the host says of it.
        repeats: how often each repeat block around it runs, from the outermost in.
        followed: whether autograd follows it.
    """

    path: str
    step: Mapping[str, Any]
    repeats: tuple[int, ...]
    followed: bool

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def op(self) -> str:
        return str(self.step["op"])

    @property
    def operands(self) -> list[int]:
        """The places of its arguments that are names of values."""
        return [place for place, one in enumerate(self.step["args"]) if isinstance(one, str) and "$" not in one]


@dataclass(frozen=True, slots=True)
class Plant:
    """One step that is wrong.

    Attributes:
        spot: the step.
        direction: what of it is wrong.
        manner: how, in words.
        wrong: how, as a function; None where nothing is wrong.
        rounds: the round in which it is, where that is not every one.
        node: where it is not the step's own op that is wrong but a compiler: the node of its graph.
    """

    spot: Spot
    direction: Direction
    manner: str
    wrong: Wrong | None
    rounds: Rounds = ()
    node: str = ""

    def __str__(self) -> str:
        which = f" in round {told(self.rounds)}" if self.rounds else ""
        through = f" by {self.node}" if self.node else ""
        return f"{self.spot.name} {self.spot.op} {self.direction}{which}{through} {self.manner}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the bench.

    Attributes:
        part: the part of the bench that it is of.
        host: the recipe, and how it runs.
        plants: what is wrong in it, the first first; nothing in a right cell.
        words: what else tells it from others.
        overrides: what else makes it.
    """

    part: str
    host: Host
    plants: tuple[Plant, ...] = ()
    words: str = ""
    overrides: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong in it."""
        return all(one.wrong is None for one in self.plants)

    @property
    def name(self) -> str:
        return " | ".join(filter(None, [f"{self.part}: {self.host}", self.words, *map(str, self.plants)]))


def told(rounds: Rounds) -> str:
    """Rounds in words."""
    return ".".join(map(str, rounds))


@cache
def recipe_of(path: Path) -> Mapping[str, Any]:
    """A recipe as it is written."""
    return read_yaml(path.read_text("utf-8"), path.name)


def hosts_of(part: str) -> list[Path]:
    """The files of a part's hosts."""
    return sorted((HOSTS / part).glob("*.yaml"))


NOT_WRONG: Final = frozenset("backward grad zero_ float".split())
"""Ops of steps in which no faults are put."""


def spots_of(host: Host) -> list[Spot]:
    """The steps of a host that are written out, those of blocks, too."""
    recipe = host.recipe
    return list(_spots(recipe["steps"], "", (), followed="backward" in repr(recipe)))


def _spots(steps: Mapping[str, Any], before: str, repeats: tuple[int, ...], *, followed: bool) -> Iterator[Spot]:
    for name, step in steps.items():
        if isinstance(step, str) or step.get("op") in NOT_WRONG:
            continue
        if "steps" not in step:
            yield Spot(f"{before}{name}", step, repeats, followed)
            continue
        inside = (*repeats, step["repeat"]) if "repeat" in step else repeats
        follows = step.get("with") == "enable_grad" or (followed and step.get("with") not in QUIET)
        yield from _spots(step["steps"], f"{before}{name}.steps.", inside, followed=follows)


QUIET: Final = ("no_grad", "inference_mode")
"""Blocks in which nothing is recorded for gradients."""
