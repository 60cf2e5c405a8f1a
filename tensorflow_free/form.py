"""A mapping checked for its form: one-line steps written out, then pydantic's errors. Does not import torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from tensorflow_free.composition.compose import Composed
from tensorflow_free.errors import Place, Problem
from tensorflow_free.recipe.dotted import KeyPath, dotted
from tensorflow_free.recipe.expressions import ExpressionError
from tensorflow_free.recipe.form_words import form_problems
from tensorflow_free.recipe.keys import NAMED, STEPS
from tensorflow_free.recipe.line_patterns import Lines, lines_among
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
        self._made: dict[KeyPath, dict[str, str]] = {}
        """Of each mapping of steps, those made from one-line steps, each with the name of its line."""
        mapping = dict(self.composed.mapping)
        self._given = frozenset(_names(mapping))
        lines = lines_among(self._given)
        for key in STEPS:
            if isinstance(mapping.get(key), dict):
                mapping[key] = self._expand(mapping[key], (key,), lines)
        self.mapping = mapping

    def place(self, path: Sequence[str | int]) -> Place:
        """Where a key stands in its file; a step made from a one-line step stands where that one does."""
        path = self._as_written(path)
        for length in range(len(path), 0, -1):
            above = tuple(path[: length - 1])
            line = self._made.get(above, {}).get(str(path[length - 1]))
            if line is not None:
                found = self.composed.place((*above, line))
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
            recipe.call(self.composed.stem)
            return recipe
        return None

    def _parts(self) -> dict[str, str]:
        """The parts of one-line steps, each with the name of the whole."""
        return {made: line for lines in self._made.values() for made, line in lines.items() if made != line}

    def _expand(self, steps: Mapping[str, Any], path: KeyPath, lines: Lines) -> dict[str, Any]:
        expanded: dict[str, Any] = {}
        made = self._made.setdefault(path, {})
        pieces: Sequence[str] = ()
        for name, step in steps.items():
            if name in pieces:
                continue
            if isinstance(step, str) and (found := _cut_at_commas(steps, name, step)):
                pieces = found
                expanded[name] = self._refuse_cut(step, pieces, (*path, name))
            elif isinstance(step, str):
                parts = self._one_line(name, step, path, lines)
                expanded.update(parts)
                made.update(dict.fromkeys(parts, name))
            elif isinstance(step, dict) and isinstance(step.get("steps"), dict):
                inner = self._expand(step["steps"], (*path, name, "steps"), lines)
                expanded[name] = {**step, "steps": inner}
            else:
                expanded[name] = step
        return expanded

    def _one_line(self, name: str, text: str, path: KeyPath, lines: Lines) -> dict[str, Any]:
        try:
            steps = lines.steps(name, text)
        except ExpressionError as error:
            self.problems.append(Problem(self.composed.place((*path, name)), error.message))
            self.broken.add((*path, name))
            return {name: {}}
        if len(steps) > 1:
            self._refuse_taken(steps, (*path, name))
        return steps

    def _refuse_cut(self, text: str, pieces: Sequence[str], line: KeyPath) -> dict[str, Any]:
        """Refuse a line that YAML cut at its commas; what is left of it holds nothing."""
        whole = f'{line[-1]}: "{", ".join((text, *pieces))}"'
        message = f"'{text}' ends at a comma, as it stands in braces without quotes; write {whole}"
        self.problems.append(Problem(self.composed.place(line), message))
        self.broken.add(line)
        return {}

    def _refuse_taken(self, parts: Iterable[str], line: KeyPath) -> None:
        """Refuse names of the parts of a line that other values have."""
        better = f"rename the other value, or override '{dotted(line)}' whole"
        for part in parts:
            if part != line[-1] and part in self._given:
                message = f"'{part}' is the name of a part of this one-line step, and is given elsewhere, too; {better}"
                self.problems.append(Problem(self.composed.place(line), message))
                self.broken.add((*line[:-1], part))


def _cut_at_commas(steps: Mapping[str, Any], name: str, text: str) -> list[str]:
    """The names behind a line that are its own rest: in `{y: sum(x, dim=0)}` YAML reads `dim=0)` as a key."""
    if text.count("(") <= text.count(")") or '"' in text:
        return []
    names = list(steps)
    pieces: list[str] = []
    for piece in names[names.index(name) + 1 :]:
        if steps[piece] is not None or not isinstance(piece, str):
            return []
        pieces.append(piece)
        if piece.count(")") > piece.count("("):
            return pieces
    return []


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
