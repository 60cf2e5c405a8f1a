"""A sweep checked before anything runs: each recipe, case and value once. Imports torch only where it must."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tensorflow_free.composition.compose import Composed, compose
from tensorflow_free.composition.grammar import written
from tensorflow_free.errors import Problem, RecipeError
from tensorflow_free.form import Form
from tensorflow_free.recipe.device_names import KNOWN, named_by
from tensorflow_free.recipe.keys import INPUTS, USUAL_REFERENCE
from tensorflow_free.recipe.names import AUTO
from tensorflow_free.sweep.matrix import Matrix
from tensorflow_free.text.phrases import some

_KNOWN: Final = re.compile(rf"(?:{'|'.join(KNOWN)})(?::(?:0|[1-9][0-9]?|1[01][0-9]|12[0-7]))?", re.ASCII)
"""Devices that need no torch to be known, with a number as torch takes it."""


@dataclass(frozen=True)
class Checked:
    """What a sweep's recipes say of it as a whole.

    Attributes:
        devices: the devices that cells ask for.
        reference: what cells are compared with, in words; empty where that is not the same for all.
        unread: of each parameter that is given and that nothing reads in any cell of a recipe, the files of those.
    """

    devices: frozenset[str]
    reference: str
    unread: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def notes(self) -> list[str]:
        """What is worth saying of it, and is no problem."""
        return [f"nothing in {some(files)} reads '{name}'" for name, files in self.unread.items()]


def checked(matrix: Matrix, load_ops: Callable[[], None] = lambda: None) -> Checked:
    """Look a sweep through.

    Every recipe, case and value is composed and judged for its form once, the others at their first: as many
    compositions as there are values, and not as many as there are cells.

    Args:
        matrix: all that the sweep runs.
        load_ops: registers the user's own ops; called where a device is named that only one of their files can bring.

    Raises:
        RecipeError: with every problem found.
    """
    problems: dict[Problem, None] = {}
    devices: set[str] = set()
    references: set[str] = set()
    unread: dict[str, list[set[str]]] = {}
    for path, overrides in matrix.corners():
        try:
            composed = compose(path, overrides)
        except RecipeError as error:
            problems.update(dict.fromkeys(error.problems))
            continue
        unread.setdefault(path, []).append(set(composed.unread()))
        form = Form(composed)
        form.recipe()
        problems.update(dict.fromkeys([*form.problems, *_device_problems(composed, load_ops)]))
        devices.add(str(composed.mapping.get("device", "cpu")))
        references.add(_reference(composed.mapping))
    if problems:
        raise RecipeError(problems)
    return Checked(frozenset(devices), references.pop() if len(references) == 1 else "", _by_name(unread))


def _by_name(unread: Mapping[str, Sequence[Collection[str]]]) -> dict[str, list[str]]:
    """The recipes none of whose cells read a parameter, by its name, of what is unread in their cells."""
    found: dict[str, list[str]] = {}
    for path, cells in unread.items():
        for name in sorted(set(cells[0]).intersection(*cells)):
            found.setdefault(name, []).append(path)
    return found


def _device_problems(composed: Composed, load_ops: Callable[[], None]) -> list[Problem]:
    word = composed.mapping.get("device", "cpu")
    # a wrong form is reported already
    if not isinstance(word, str) or word == AUTO or _KNOWN.fullmatch(word):
        return []
    # it may be the name of a back end of its own, which torch knows
    from tensorflow_free.tensors.devices import form_problem  # noqa: PLC0415 - most sweeps name devices that need no torch

    named = frozenset(named_by(composed.mapping))
    problem = form_problem(word, named)
    if problem is not None:
        load_ops()
        problem = form_problem(word, named)
    return [] if problem is None else [composed.problem(["device"], problem)]


def _reference(mapping: Mapping[str, Any]) -> str:
    """What the cells of a recipe are compared with, in words."""
    wanted = mapping.get("reference")
    given = {str(key): value for key, value in wanted.items()} if isinstance(wanted, Mapping) else {}
    backend = given.get("backend")
    if isinstance(backend, Mapping):
        given["backend"] = backend.get("name", USUAL_REFERENCE["backend"])
    words = [given.pop(key, usual) for key, usual in USUAL_REFERENCE.items()]
    inputs = f"{given.pop('inputs', INPUTS[0])} inputs"
    return ", ".join([" ".join(map(str, words)), *(f"{key}={written(value)}" for key, value in given.items()), inputs])
