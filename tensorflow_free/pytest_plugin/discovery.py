"""Which files are recipes: by the patterns in the ini file, and by a look at their first keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.composition.syntax import LARGEST_TEXT
from tensorflow_free.errors import RecipeError
from tensorflow_free.files.opening import read_file
from tensorflow_free.text.phrases import seen_from

_PARTS: Final = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_PART: Final = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")

_OWN: Final = re.compile(rb"""^(?:\xef\xbb\xbf)?["']?(?:steps|tensors|cases)["']?[ \t]*:""", re.MULTILINE)
_BRACES: Final = re.compile(rb"""\A(?:\xef\xbb\xbf)?\s*\{.*\b(?:steps|tensors|cases)["']?\s*:""", re.DOTALL)
_LISTS: Final = re.compile(rb"""^(?:\xef\xbb\xbf)?["']?defaults["']?[ \t]*:""", re.MULTILINE)


def compiled(patterns: Sequence[str]) -> re.Pattern[str]:
    """One expression for glob patterns of the ends of paths; `**` stands for any folders, or none."""
    return re.compile(f"(?:.*/)?(?:{'|'.join(_expression(pattern) for pattern in patterns) or '(?!)'})")


def _expression(pattern: str) -> str:
    parts = _PART.findall(pattern.removeprefix("./"))
    return "".join(_PARTS.get(part) or re.escape(part) for part in parts)


def fits(path: Path, config: pytest.Config, patterns: re.Pattern[str]) -> bool:
    """Whether a path fits one of the patterns, from the rootdir or any folder below it.

    A rootdir that no ini was found for is just a folder that was named: its own name counts then.
    """
    root = config.rootpath.parent if config.inipath is None else config.rootpath
    return patterns.fullmatch(seen_from(root, path).as_posix()) is not None


def is_recipe(path: Path) -> bool:
    """Whether a file looks like a recipe: one of a recipe's own keys begins a line, or it lists nothing but recipes.

    A file that cannot be read is taken for one, so that somebody is told.
    """
    try:
        raw = read_file(path, most=LARGEST_TEXT)
    except OSError:
        return True
    if _OWN.search(raw) or _BRACES.match(raw):
        return True
    return _LISTS.search(raw) is not None and _lists_recipes(raw, path.name)


def _lists_recipes(raw: bytes, name: str) -> bool:
    """Whether all of its `defaults` are plain stems, as a recipe's are; those of Hydra's own configs seldom are."""
    try:
        mapping = read_yaml(raw, name)
    except RecipeError:
        return True
    listed = mapping.get("defaults") if isinstance(mapping, dict) else None
    return isinstance(listed, list) and all(isinstance(one, str) and "/" not in one for one in listed)
