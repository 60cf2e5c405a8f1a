"""References in a recipe, `${params.n}`: which are allowed, and what each stands for. Imports no Hydra, opens no files.

Only the keys of the recipe itself can be named. There are no resolvers, so nothing outside of it is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.composition.yaml_walk import DEEPEST, LONGEST_SCALAR, MOST_NODES, MOST_PROBLEMS
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.keys import DEFAULTS, STEPS
from tensorflow_free.recipe.names import AUTO, did_you_mean
from tensorflow_free.text.phrases import cut

WrongReference = tuple[KeyPath, str]
"""Where something is wrong, and what."""

REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)\}", re.ASCII)
MOST_WRITTEN: Final = 16 * LONGEST_SCALAR
"""Characters of all texts that references are put into."""

MOST_NAMES: Final = 1000
"""Keys that a wrong name is compared with."""

LONGEST_REFERENCE_CHAIN: Final = 50
"""References that lead from one to the next."""

_UNRESOLVED: Final = frozenset({"cases"})
"""Keys whose references wait until one of them is merged."""

_MISSING: Final = object()


def reference_problem(text: str) -> str | None:
    """Why a `${` in `text` is no reference that a recipe may make, or None."""
    found = list(REFERENCE.finditer(text))
    if text.count("${") == len(found) and not any(_is_odd(text, one) for one in found):
        return None
    shown = cut(text)
    if re.search(r"\$\{[^}]*:", text):
        return f"'{shown}' asks a resolver; a recipe can only name its own keys, such as '${{params.n}}'"
    return f"'{shown}' is not a reference; write '${{params.n}}', a dotted key of the recipe"


def _is_odd(text: str, found: re.Match[str]) -> bool:
    """Whether OmegaConf would read it otherwise: behind a backslash it is text, and `hydra` is the app's own config."""
    return text[: found.start()].endswith("\\") or found.group(1).partition(".")[0] == "hydra"


_BINDS: Final = r"+\-*/%@&|^<>=~."
"""The characters of Python's operators."""

_ATOM: Final = re.compile(r"\w[\w.]*|\.\w+|'[^']*'|\"[^\"]*\"", re.ASCII)
"""What needs no brackets beside an operator."""


def _is_line(path: KeyPath) -> bool:
    """Whether the text at `path` is a step in one line; those of a `reference` may stand at one dotted key."""
    *above, last = (part for key in path for part in str(key).split("."))
    return bool(above) and above[-1] in STEPS and path[0] in (*STEPS, "reference") and last != "op"


def _bracketed(words: str, found: re.Match[str]) -> str:
    """What a reference inside a one-line step stands for, as one value: `-2` and `1+2j` get brackets beside `**`."""
    text = found.string
    before, after = text[: found.start()].rstrip()[-1:], text[found.end() :].lstrip()[:1]
    beside = re.match(f"[{_BINDS}]", before) or re.match(f"[{_BINDS}]", after)
    return f"({words})" if beside and not _ATOM.fullmatch(words) else words


def named_in(written: Any, path: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that the value at `path` refers to, and those that these refer to; of a path that is not there, none."""
    names: dict[str, None] = {}
    paths: list[Sequence[str | int]] = [path]
    while paths and len(names) < LONGEST_REFERENCE_CHAIN:
        found = [name for text in _texts(_below(written, paths.pop())) for name in REFERENCE.findall(text)]
        paths += [name.split(".") for name in found if name not in names]
        names.update(dict.fromkeys(found))
    return tuple(names)


def referred(written: Any) -> frozenset[str]:
    """The top-level keys that references anywhere in it name."""
    names = (name for text in _texts(written) if "${" in text for name in REFERENCE.findall(text))
    return frozenset(name.partition(".")[0] for name in names)


def _below(value: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        if isinstance(value, str):
            # what is made of a text, such as an argument of a step in one line, stands where the text does
            return value
        elements = dict(enumerate(value)) if isinstance(value, list) else value
        if not isinstance(elements, Mapping) or part not in elements:
            return None
        value = elements[part]
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for below in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(below)


def resolve(
    mapping: Mapping[str, Any], best_device: Callable[[], str] | None = None
) -> tuple[dict[str, Any], list[WrongReference]]:
    """The mapping with every reference replaced, and what is wrong with those that cannot be.

    A text that is nothing but a reference becomes the value itself; inside a longer text it becomes words.

    Args:
        mapping: a composed recipe; it is not changed.
        best_device: asked what `auto` stands for, where `device` is that.
    """
    work = _Resolution(mapping)
    if best_device is not None:
        work.settle_device(best_device)
    return work.result(), work.findings


class _Resolution:
    """One recipe being resolved: its keys, the references being followed, and the work done so far."""

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        self._root = dict(mapping)
        self._following: list[str] = []
        self._nodes = 0
        self._written = 0
        self._reach = 0
        self._texts: dict[str, tuple[Any, int]] = {}
        self.findings: list[WrongReference] = []

    def settle_device(self, best_device: Callable[[], str]) -> None:
        """`auto` replaced, before anything refers to it."""
        if self._value(self._root.get("device"), ("device",), 1) == AUTO:
            self._root["device"] = best_device()
        self.findings.clear()

    def result(self) -> dict[str, Any]:
        return {
            key: value if key in _UNRESOLVED else self._value(value, (key,), 1) for key, value in self._root.items()
        }

    def _value(self, value: Any, path: KeyPath, depth: int) -> Any:
        """`value` with its references replaced; itself where it holds none."""
        self._nodes += 1
        if len(self.findings) >= MOST_PROBLEMS:
            return None
        if self._nodes > MOST_NODES or depth > DEEPEST:
            self._too_large(path)
            return None
        if isinstance(value, str):
            return self._text(value, path, depth) if "${" in value else value
        if isinstance(value, Mapping):
            return {key: self._value(below, (*path, key), depth + 1) for key, below in value.items()}
        if isinstance(value, list):
            return [self._value(below, (*path, index), depth + 1) for index, below in enumerate(value)]
        return value

    def _text(self, text: str, path: KeyPath, depth: int) -> Any:
        if (problem := reference_problem(text)) is not None:
            self.findings.append((path, problem))
            return text
        whole = REFERENCE.fullmatch(text)
        if whole is not None:
            return self._named(whole[1], path, depth)
        replaced = REFERENCE.sub(lambda found: self._words(found, path, depth), text)
        if len(replaced) > LONGEST_SCALAR:
            self._too_large(path)
        elif "${" in replaced:
            self.findings.append((path, f"'{text}' makes '{replaced}', another reference; write that one itself"))
        return replaced

    def _words(self, found: re.Match[str], path: KeyPath, depth: int) -> str:
        """What a reference inside a longer text stands for."""
        value = self._named(found[1], path, depth)
        if isinstance(value, Mapping | list):
            kind = "mapping" if isinstance(value, Mapping) else "list"
            self.findings.append((path, f"'{found[0]}' is a {kind} and cannot stand inside the text '{found.string}'"))
            return ""
        words = value if isinstance(value, str) else dump_yaml(value).strip()
        self._written += len(words)
        if self._written > MOST_WRITTEN:
            self._too_large(path)
            return ""
        return _bracketed(words, found) if _is_line(path) else words

    def _named(self, name: str, path: KeyPath, depth: int) -> Any:
        """The resolved value of the key `name`."""
        if name in self._following:
            chain = " → ".join([*self._following[self._following.index(name) :], name])
            self.findings.append((path, f"'${{{name}}}' leads back to itself: {chain}"))
            return None
        value = self._looked_up(name)
        if value is _MISSING:
            meant = did_you_mean(name, islice(self._names(), MOST_NAMES))
            self.findings.append((path, f"'${{{name}}}' names no key of the recipe{meant or '; add it below params'}"))
            return None
        resolved, length = self._texts.get(name, (None, 1))
        self._reach = max(self._reach, len(self._following) + length)
        if self._reach > LONGEST_REFERENCE_CHAIN:
            self.findings.append(
                (path, f"'${{{name}}}' is one of over {LONGEST_REFERENCE_CHAIN} references in a chain")
            )
            return None
        return resolved if name in self._texts else self._followed(name, value, path, depth)

    def _followed(self, name: str, value: Any, path: KeyPath, depth: int) -> Any:
        """The value of a key with its own references resolved; a word or number is kept, with how long its chain is."""
        above, found = self._reach, len(self.findings)
        self._following.append(name)
        self._reach = len(self._following)
        resolved = self._value(value, path, depth)
        self._following.pop()
        if len(self.findings) == found and not isinstance(resolved, Mapping | list):
            self._texts[name] = resolved, self._reach - len(self._following)
        self._reach = max(above, self._reach) if self._following else 0
        return resolved

    def _looked_up(self, name: str) -> Any:
        first, *rest = name.split(".")
        value = self._root.get(first, DEFAULTS.get(first, _MISSING))
        for part in rest:
            if isinstance(value, list) and part.isdigit() and int(part) < len(value):
                value = value[int(part)]
            elif isinstance(value, Mapping) and part in value:
                value = value[part]
            else:
                return _MISSING
        return value

    def _names(self) -> Iterator[str]:
        """Dotted keys that could have been meant: those of two levels."""
        for key, value in self._root.items():
            yield key
            if isinstance(value, dict):
                yield from (f"{key}.{below}" for below in value)

    def _too_large(self, path: KeyPath) -> None:
        self._nodes = MOST_NODES  # so that nothing more is made
        message = "the references make the recipe larger or deeper than a recipe may be"
        if not self.findings or self.findings[-1][1] != message:
            self.findings.append((path, message))
