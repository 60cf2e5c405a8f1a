"""A mapping checked for its form: one-line steps written out, then pydantic's errors. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from tensorflow_free.composition.compose import Composed
from tensorflow_free.errors import Place, Problem
from tensorflow_free.recipe.dotted import KeyPath, dotted
from tensorflow_free.recipe.expressions import ExpressionError
from tensorflow_free.recipe.form_words import form_problems
from tensorflow_free.recipe.keys import NAMED, STEPS
from tensorflow_free.recipe.line_patterns import expand_line
from tensorflow_free.recipe.models import Recipe

LITERALS: Final = frozenset({("tensors", "data"), ("expect", "value")})
"""What a bare literal stands for: a tensor's data, and an expected value."""


@dataclass
class Form:
    """A composed mapping with its one-line steps written out, and what was wrong with them."""

    composed: Composed

    def __post_init__(self) -> None:
        self.problems: list[Problem] = []
        self.broken: set[KeyPath] = set()
        """Where the form is wrong."""
        self._origins: dict[KeyPath, KeyPath] = {}
        mapping = dict(self.composed.mapping)
        given = set(_names(mapping))
        for key in STEPS:
            if isinstance(mapping.get(key), dict):
                mapping[key] = self._expand(mapping[key], (key,), given)
        self.mapping = mapping

    def place(self, path: Sequence[str | int]) -> Place:
        """Where a key stands in its file; a step made from a one-line step stands where that one does."""
        path = self._as_written(path)
        for length in range(len(path), 0, -1):
            origin = self._origins.get(tuple(path[:length]))
            if origin is not None:
                found = self.composed.place(origin)
                return replace(found, path=dotted(path[:length]))
        return self.composed.place(path)

    def _as_written(self, path: Sequence[str | int]) -> Sequence[str | int]:
        """The path without the `data` or `value` that a bare literal stands for."""
        if tuple(path[:1]) + tuple(path[2:]) not in LITERALS:
            return path
        section = self.mapping.get(str(path[0]))
        bare = isinstance(section, dict) and not isinstance(section.get(path[1]), dict)
        return path[:2] if bare else path

    def recipe(self) -> Recipe | None:
        """The recipe; what is wrong with its form goes to `problems`, and is left out of it."""
        mapping = self.mapping
        for attempt in range(1 + len(mapping)):
            try:
                recipe = Recipe.model_validate(mapping)
            except ValidationError as error:
                found = list(form_problems(error, mapping))
                if attempt == 0:
                    self.problems += [Problem(self.place(path), message) for path, message in found]
                self.broken |= {path for path, _ in found}
                mapping = _without(mapping, [path for path, _ in found])
                continue
            recipe.write(self.mapping, self._parts())
            recipe.trust(path for path in _below_backend(self.mapping) if self.composed.is_trusted(("backend", *path)))
            recipe.refer(self.composed.refers())
            return recipe
        return None

    def _parts(self) -> dict[str, str]:
        """The parts of one-line steps, each with the name of the whole."""
        return {str(made[-1]): str(line[-1]) for made, line in self._origins.items() if made[-1] != line[-1]}

    def _expand(self, steps: Mapping[str, Any], path: KeyPath, given: set[str]) -> dict[str, Any]:
        expanded: dict[str, Any] = {}
        for name, step in steps.items():
            if isinstance(step, str):
                for made, one in self._one_line(str(name), step, (*path, name), given).items():
                    expanded[made] = one
                    self._origins[(*path, made)] = (*path, name)
            elif isinstance(step, dict) and isinstance(step.get("steps"), dict):
                inner = self._expand(step["steps"], (*path, name, "steps"), given)
                expanded[name] = {**step, "steps": inner}
            else:
                expanded[name] = step
        return expanded

    def _one_line(self, name: str, text: str, path: KeyPath, given: set[str]) -> dict[str, Any]:
        try:
            steps = expand_line(name, text, given)
        except ExpressionError as error:
            self.problems.append(Problem(self.composed.place(path), error.message))
            self.broken.add(path)
            return {name: {}}
        better = f"rename the other value, or override '{'.'.join(str(part) for part in path)}' whole"
        for made in steps:
            if made != name and made in given:
                message = f"'{made}' is the name of a part of this one-line step, and is given elsewhere, too; {better}"
                self.problems.append(Problem(self.composed.place(path), message))
                self.broken.add((*path[:-1], made))
        return steps


def _below_backend(mapping: Mapping[str, Any]) -> Iterator[KeyPath]:
    """The keys of `backend` that a compiler reads, and that a person may give as a file may not."""
    backend = mapping.get("backend")
    if isinstance(backend, Mapping):
        yield from ((key,) for key in ("mode",) if key in backend)
        options = backend.get("options")
        yield from (("options", name) for name in (options if isinstance(options, Mapping) else ()))


def _names(mapping: Mapping[str, Any]) -> Iterator[str]:
    for key in NAMED:
        yield from _step_names(mapping.get(key))


def _step_names(steps: Any) -> Iterator[str]:
    if not isinstance(steps, dict):
        return
    for name, step in steps.items():
        yield str(name)
        if isinstance(step, dict):
            yield from _step_names(step.get("steps"))


def _without(mapping: Any, paths: Sequence[KeyPath], *, named: bool = False) -> Any:
    """The mapping without what stands at these paths, or above where nothing does; a named value leaves its name."""
    by_key: dict[Any, list[KeyPath]] = {}
    for path in paths:
        by_key.setdefault(path[0], []).append(path[1:])
    if isinstance(mapping, list):
        within = [(value, by_key.get(index, [])) for index, value in enumerate(mapping)]
        return [_without(value, below) for value, below in within if () not in below]
    if not isinstance(mapping, dict):
        return mapping
    kept: dict[Any, Any] = {}
    for key, value in mapping.items():
        below = by_key.get(key, [])
        if () in below or (below and not isinstance(value, (dict, list))):
            if named:
                kept[key] = {}
            continue
        kept[key] = _without(value, below, named=key in NAMED) if below else value
    return kept
