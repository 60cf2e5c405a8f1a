"""Which ops recipes exercise, in which dtypes, forward and backward, beside the operator database's entries."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from torch.utils._pytree import tree_leaves

from tensorflow_free.errors import RecipeError
from tensorflow_free.loading import load_recipe, plan_of
from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.calls import Site
from tensorflow_free.recipe.graph import differentiated
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.registry import find
from tensorflow_free.runner import run
from tensorflow_free.support.database import database
from tensorflow_free.support.sample_calls import forms
from tensorflow_free.tensors.dtypes import DTYPE_WORDS
from tensorflow_free.text.page import Page, column, grid, line, parted
from tensorflow_free.text.phrases import counted

FUNCTIONAL: Final = "nn.functional."
"""How the database's names of functions of neural networks begin."""

_BEFORE: Final = re.compile(r"^(?:torch\.nn\.functional\.|F\.)|^(?:torch\.Tensor\.|Tensor\.|torch\.)")
"""What an op's name may begin with in a recipe, and does not in the database."""

_ATEN: Final = re.compile(r"^aten\.(\w+)(?:\.\w+)?$")

DIVISIONS: Final = {"/": "true_divide", "//": "floor_divide"}
"""Operators that the database does not have as such."""

NO_OPS: Final = frozenset({"backward", "grad", "snapshot", "watch"})
"""Ops of recipes that are none of PyTorch's tensors."""

MOST_MISSING: Final = 12
"""Entries that are named of those that no recipe exercises."""


@dataclass
class OpCoverage:
    """The dtypes in which an op is called, and those in which what it gives is differentiated."""

    forward: set[str] = field(default_factory=set)
    gradient: set[str] = field(default_factory=set)


@dataclass
class Coverage:
    """What recipes exercise.

    Attributes:
        entries: the entries of the database, by all names that their ops have.
        ops: by the op's name in the database, or in the recipe where it is not there.
        problems: recipes that could not be read, or did not run to their end, and why.
    """

    entries: Mapping[str, Sequence[str]]
    ops: dict[str, OpCoverage] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    recipes: int = 0

    @property
    def covered(self) -> set[str]:
        """The entries whose op is called."""
        return {entry for op in self.ops for entry in self.entries.get(op, ())[1:]}

    @property
    def every(self) -> list[str]:
        """All entries."""
        return list(dict.fromkeys(entry for ones in self.entries.values() for entry in ones[1:]))

    def add(self, path: Path, overrides: Sequence[str]) -> None:
        """Take in what a recipe exercises: run on tensors without numbers; where that stops, on the CPU."""
        self.recipes += 1
        try:
            stopped = self._ran(load_recipe(path, [*overrides, "device=meta"]))
            if stopped:
                stopped = self._ran(load_recipe(path, [*overrides, "device=cpu"]))
        except RecipeError as error:
            stopped = str(error)
        if stopped:
            self.problems.append(f"{' '.join([str(path), *overrides])}: {stopped.partition(chr(10))[0]}")

    def _ran(self, recipe: Recipe) -> str:
        """Run a recipe, noting each call; why it stopped where it was not meant to, else nothing."""
        on_the_way = differentiated(recipe)

        def around(function: Callable[..., Any], site: Site) -> Callable[..., Any]:
            def noted(*operands: Any) -> Any:
                found = function(*operands)
                self._note(site, operands, found, wanted=not on_the_way.isdisjoint(map(str, site.path)))
                return found

            return noted

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result, _ = run(with_calls(plan_of(recipe), around))
        return "" if result.error is None or result.error.expected else result.error.message

    def _note(self, site: Site, operands: Sequence[Any], found: Any, *, wanted: bool) -> None:
        name = self._named(site.op)
        dtype = next(iter((*_dtypes(operands), *_dtypes(found))), None)
        if name is None or dtype is None:
            return
        of = self.ops.setdefault(name, OpCoverage())
        of.forward.add(dtype)
        if wanted and any(one.requires_grad for one in tree_leaves(found) if isinstance(one, torch.Tensor)):
            of.gradient.add(dtype)

    def _named(self, op: str) -> str | None:
        """What an op is called here; None for what reads a value's field, or is no op."""
        name = name_of(op)
        tried = (name, FUNCTIONAL + name, op.rpartition(".")[2] if find(op) is None else name)
        found = next((one for one in tried if one in self.entries), None)
        if found is not None:
            return self.entries[found][0]
        return op if find(op) is not None and op not in NO_OPS else None


def _dtypes(value: Any) -> list[str]:
    """The dtypes of tensors, those that can be differentiated first."""
    dtypes = [one.dtype for one in tree_leaves(value) if isinstance(one, torch.Tensor)]
    first = sorted(dtypes, key=lambda one: not (one.is_floating_point or one.is_complex))
    return [DTYPE_WORDS[one] for one in first if one in DTYPE_WORDS]


def name_of(op: str) -> str:
    """What the database calls an op that a recipe names: `F.gelu`, `Tensor.exp`, `aten.mm.default`, `/`."""
    if found := _ATEN.match(op):
        return found[1]
    op = DIVISIONS.get(op, op)
    return _BEFORE.sub(lambda found: FUNCTIONAL if found[0].endswith(("F.", "functional.")) else "", op)


def entries_by_op() -> dict[str, list[str]]:
    """The entries of the database by all names of their ops: of functions, methods, operators, in place, and aliases.

    The first of each list is the op's own name; the others are the entries.
    """
    found: dict[str, list[str]] = {}
    for full_name, entry in database().items():
        for name in {entry.name, *(name_of(form.op) for form in forms(entry) if form.op is not None)}:
            found.setdefault(name, [entry.name]).append(full_name)
    # an op's own name leads to its own entries, whatever other entry has it as a second name
    return {name: [name if _is_own(name, ones) else ones[0], *ones[1:]] for name, ones in found.items()}


def _is_own(name: str, ones: Sequence[str]) -> bool:
    return any(database()[one].name == name for one in ones[1:])


# shown


def page_of_coverage(coverage: Coverage) -> Page:
    """A line an op, and how many entries of the database are covered."""
    rows = sorted(coverage.ops.items(), key=lambda row: (row[0] not in coverage.entries, row[0]))
    beside = ["" if name in coverage.entries else "not in the database" for name, _ in rows]
    every, covered = coverage.every, coverage.covered
    missing = [one for one in every if one not in covered]
    more = f" and {len(missing) - MOST_MISSING:,} more" if len(missing) > MOST_MISSING else ""
    table = grid(
        [
            column("op", [name for name, _ in rows], "name"),
            column("forward", [" ".join(sorted(one.forward)) for _, one in rows]),
            column("gradient", [" ".join(sorted(one.gradient)) for _, one in rows]),
            column("", beside, "aside"),
        ]
    )
    of = f"{len(covered):,} of {len(every):,} entries of PyTorch's operator database"
    return parted(
        [
            [table] if rows else [],
            [line(one, "notice") for one in coverage.problems],
            [line(f"not called: {', '.join(missing[:MOST_MISSING])}{more}", "aside")] if missing else [],
            [line(f"{counted(coverage.recipes, 'run')} of recipes: {of}.", "title")],
        ]
    )


def plain_coverage(coverage: Coverage) -> dict[str, Any]:
    """The same as strict JSON holds it."""
    covered = coverage.covered
    return {
        "entries": len(coverage.every),
        "covered": [one for one in coverage.every if one in covered],
        "missing": [one for one in coverage.every if one not in covered],
        "ops": {
            name: {"forward": sorted(one.forward), "gradient": sorted(one.gradient)}
            for name, one in sorted(coverage.ops.items())
        },
        "problems": coverage.problems,
    }


def coverage_of(
    cells: Sequence[tuple[Path, Sequence[str]]], told: Callable[[int, int], None] | None = None
) -> Coverage:
    """What recipes exercise, each with its overrides.

    Args:
        cells: the recipes' files and their overrides.
        told: told how many are done, of how many.
    """
    coverage = Coverage(entries_by_op())
    for done, (file, overrides) in enumerate(cells, 1):
        coverage.add(file, overrides)
        if told is not None:
            told(done, len(cells))
    return coverage
