"""A recipe composed: the file, what it lists in `defaults`, its case, the overrides, then its references.

The result is a plain mapping, whose form is not yet checked, with the place of each of its keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tensorflow_free.composition.interpolations import referred, resolve
from tensorflow_free.composition.keyed import overrides_in
from tensorflow_free.composition.layers import Layer, is_trusted, place, through_references
from tensorflow_free.composition.mappings import checked
from tensorflow_free.composition.merging import merged
from tensorflow_free.composition.override_texts import case_override, parse_overrides
from tensorflow_free.composition.overrides import Override, apply_overrides, texts_of
from tensorflow_free.composition.recipe_files import RecipeText, read_recipe_file, with_defaults
from tensorflow_free.composition.scalars import ScalarError, scalar
from tensorflow_free.composition.unread import unread, unread_params
from tensorflow_free.errors import Place, Problem, RecipeError, gathered_in, refuse_any
from tensorflow_free.recipe.dotted import path_of
from tensorflow_free.recipe.keys import KEYS
from tensorflow_free.recipe.names import AUTO, did_you_mean

BestDevice = Callable[[], str]
"""Names the device that `device: auto` stands for."""

_BEFORE_CASE: Final = tuple(key.name for key in KEYS.values() if not key.in_case)
"""Keys that no case may hold: their overrides count before it is merged; all others win over it."""


@dataclass(frozen=True)
class Composed:
    """A recipe as a plain mapping, and where it came from.

    Attributes:
        mapping: dicts, lists and scalars (and torch tensors, where the source mapping held them), without `defaults`.
            Parts of it may be shared, so copy what you change. `cases` stands as written, its references too.
        folder: the real folder of the recipe file, below which it may read files; None for a mapping.
        stem: the file's name without its suffix; `recipe` for a mapping.
        overrides: those that were done.
    """

    mapping: dict[str, Any]
    folder: Path | None
    stem: str
    overrides: tuple[Override, ...] = ()
    _layers: tuple[Layer, ...] = field(default=(), repr=False, compare=False)
    _written: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The mapping with its references."""

    def place(self, path: Sequence[str | int]) -> Place:
        """Where the key at `path` was given, or the nearest above it that was.

        A key of a file has its file, line and column. One that an override gave reads
        `override 'steps.y.op=sub': steps.y.op`, and one that refers to a key that an override gave
        `try.yaml:3:5: tensors.x.size, with override 'params.n=-1'`.
        """
        return through_references(place(self._layers, path), self._layers, self._written, path)

    def is_trusted(self, path: Sequence[str | int]) -> bool:
        """Whether a person gave all that stands at `path`, on the command line or in Python, and no file did."""
        return is_trusted(self._layers, self._written, path)

    def refers(self) -> frozenset[str]:
        """The top-level keys that its references name."""
        return referred(self._written) if _may_refer(self) else frozenset()

    def unread(self) -> list[str]:
        """The parameters that its overrides give and that nothing in it reads, dotted: `params.m`."""
        return unread_params(self._written, self.overrides)

    def problem(self, path: Sequence[str | int], message: str) -> Problem:
        """A problem with the key at `path`."""
        return Problem(self.place(path), message)


def compose(
    source: str | Path | Mapping[str, Any],
    overrides: Sequence[str | Override] = (),
    *,
    best_device: BestDevice | None = None,
) -> Composed:
    """The recipe in `source` with `overrides`, as a plain mapping.

    Args:
        source: a recipe file's path, or a mapping of what such a file would hold.
        overrides: as on the command line, `steps.y.op=sub`, or as they were read.
        best_device: asked for the device where `device` is `auto`; without it `auto` stays.

    Raises:
        RecipeError: with every problem that was found.
    """
    problems: list[Problem] = []
    start, parsed = Composed({}, None, ""), list[Override]()
    with gathered_in(problems):
        start = _read(source)
    with gathered_in(problems):
        parsed = parse_overrides(overrides)
    refuse_any(problems)
    return _finished(start, parsed, best_device)


def compose_all(
    files: Sequence[str], overrides: Sequence[str | Override], *, best_device: BestDevice | None = None
) -> list[Composed]:
    """Several recipe files, each with the same overrides; see `compose`.

    Raises:
        RecipeError: with every problem of all of them, each once.
    """
    composed, problems = list[Composed](), list[Problem]()
    for file in files:
        with gathered_in(problems):
            composed.append(compose(file, overrides, best_device=best_device))
    refuse_any(dict.fromkeys(problems))
    return composed


def _read(source: str | Path | Mapping[str, Any]) -> Composed:
    """The source alone, with its defaults."""
    if isinstance(source, Mapping):
        return Composed(checked(source), None, "recipe")
    path = real_path(source)
    mapping, files = merged_files(path, str(source))
    return Composed(mapping, path.parent, path.stem, _layers=tuple(Layer(file) for file in files))


def real_path(source: str | Path) -> Path:
    """The path without links.

    Raises:
        RecipeError: it can be no path.
    """
    try:
        return Path(source).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise RecipeError([Problem(Place(file=str(source)), f"this is not the path of a file: {error}")]) from error


def merged_files(path: Path, shown: str) -> tuple[dict[str, Any], list[RecipeText]]:
    """The recipe file at the real `path` over those that it lists, and all of them, what wins last.

    Raises:
        RecipeError: with what is wrong in any of them.
    """
    files = with_defaults(read_recipe_file(path, shown))
    mapping = files[0].mapping
    for file in files[1:]:
        mapping = merged(mapping, file.mapping)
    return {key: value for key, value in mapping.items() if key != "defaults"}, files


def case_names(mapping: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the cases of a composed recipe."""
    cases = mapping.get("cases")
    return tuple(cases) if isinstance(cases, Mapping) else ()


def cases_in(source: str | Path | Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the cases of a recipe, which need not compose without one.

    Raises:
        RecipeError: the file, or one that it lists, cannot be read.
    """
    return case_names(_read(source).mapping)


def _finished(start: Composed, overrides: Sequence[Override], best_device: BestDevice | None) -> Composed:
    """The merged files with their case, the overrides and the references done."""
    early = [override for override in overrides if override.parts[0] in _BEFORE_CASE]
    late = [override for override in overrides if override.parts[0] not in _BEFORE_CASE]
    before = _with_case(_with_overrides(start, early))
    whole = _with_overrides(before, late)
    if slips := list(unread(before.mapping.get("params"), whole.mapping, late)):
        raise RecipeError(slips)
    whole = replace(whole, overrides=tuple(overrides))
    try:
        return replace(whole, mapping=_resolved(whole, best_device), _written=whole.mapping)
    except RecipeError as error:

        def in_case(name: str) -> Composed:
            return _finished(start, [*overrides, case_override(name)], best_device)

        raise RecipeError([*error.problems, *untaken_case(whole, error.problems, in_case)]) from error


MOST_TRIED: Final = 10
"""Cases that are tried where a recipe without one is wrong."""


def untaken_case(recipe: Composed, found: Sequence[Problem], in_case: Callable[[str], object]) -> list[Problem]:
    """That no case is chosen, where a case would mend some of what is wrong and break nothing.

    Args:
        recipe: what is wrong, composed.
        found: what is wrong with it.
        in_case: makes the same of it in a case of this name; a RecipeError tells what is wrong there.
    """
    names = case_names(recipe.mapping)
    if recipe.mapping.get("case") is not None:
        return []
    mending = next((name for name in names[:MOST_TRIED] if _mends(in_case, name, found)), None)
    if mending is None:
        return []
    return [
        recipe.problem(["cases"], f"no case is chosen; there are {', '.join(names)}: {case_override(mending).text}")
    ]


def _mends(in_case: Callable[[str], object], name: str, found: Sequence[Problem]) -> bool:
    """Whether less is wrong in this case, and nothing else."""
    try:
        in_case(name)
    except RecipeError as error:
        return {problem.place.path for problem in error.problems} < {problem.place.path for problem in found}
    return True


def _with_overrides(recipe: Composed, overrides: Sequence[Override]) -> Composed:
    if not overrides:
        return recipe
    mapping = apply_overrides(recipe.mapping, overrides)
    layers = tuple(Layer(override, path_of(mapping, override.parts)) for override in overrides)
    return replace(recipe, mapping=mapping, _layers=recipe._layers + layers)  # noqa: SLF001 - of its own class


def _with_case(recipe: Composed) -> Composed:
    """The recipe with the case that it asks for merged over it."""
    case = recipe.mapping.get("case")
    if case is None:
        return recipe
    names = case_names(recipe.mapping)
    if not isinstance(case, str):
        # `case=1` and `case=true` name the cases that are written so
        case = next((name for name in names if _reads_as(name, case)), case)
    if case not in names:
        listed = f"; its cases are {', '.join(names)}" if names else "; it has no cases"
        message = f"'{case}' is not a case of this recipe{did_you_mean(case, names) or listed}"
        raise RecipeError([recipe.problem(["case"], message)])
    content = recipe.mapping["cases"][case]
    content = {} if content is None else content
    if not isinstance(content, Mapping):
        message = f"the case '{case}' is not a mapping; a case holds keys of a recipe, such as `params`"
        raise RecipeError([recipe.problem(["cases", case], message)])
    inner = [key for key in content if key.partition(".")[0] in _BEFORE_CASE]
    if inner:
        message = "a case cannot hold this key; give it at the top of the file"
        raise RecipeError(recipe.problem(["cases", case, key], message) for key in inner)
    layers = (Layer(layer.source, ("cases", case)) for layer in recipe._layers if not layer.below)  # noqa: SLF001
    dotted = overrides_in({key: value for key, value in content.items() if "." in key}, f"cases.{case}")
    plain = {key: value for key, value in content.items() if "." not in key}
    mapping = apply_overrides(merged({**recipe.mapping, "case": case}, plain), dotted)
    return replace(recipe, mapping=mapping, _layers=(*recipe._layers, *layers))  # noqa: SLF001


def _reads_as(name: str, value: Any) -> bool:
    """Whether a name, written as a value, is this one."""
    try:
        read = scalar(name)
    except ScalarError:
        return False
    return type(read) is type(value) and read == value


def _resolved(recipe: Composed, best_device: BestDevice | None) -> dict[str, Any]:
    """The mapping with `device: auto` and the references settled."""
    if _may_refer(recipe):
        mapping, findings = resolve(recipe.mapping, best_device)
        if findings:
            raise RecipeError(recipe.problem(path, message) for path, message in findings)
        return mapping
    if best_device is not None and recipe.mapping.get("device") == AUTO:
        return {**recipe.mapping, "device": best_device()}
    return recipe.mapping


def _may_refer(recipe: Composed) -> bool:
    """Whether there can be a reference at all; a mapping has no text to look in, so it may hold some."""
    if recipe.folder is None:
        return True
    files = [layer.source.text for layer in recipe._layers if isinstance(layer.source, RecipeText)]  # noqa: SLF001
    return any("${" in text or "\\" in text for text in (*files, *texts_of(recipe.overrides)))
