"""Pages for the tests that open them, and the hostile words that may stand anywhere in what pages are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tensorflow_free import load_recipe
from tensorflow_free.errors import StorageError
from tensorflow_free.loading import plan_of
from tensorflow_free.pages.html_document import write_page
from tensorflow_free.pages.page_of_paths import PageOptions, page_of
from tensorflow_free.relations.judged_run import run_judged

MARKUP = "</script><script>window.owned=1</script><!--<img src=x onerror=window.owned=1>'\"`&lt;"
"""What acts where a text is taken for markup, for an attribute or for a template."""

CONTROL = "\x1b[2J\u202e\u200b\x85\u2028\x7f\r\n"
"""What moves or hides words: an escape, a right-to-left override, a zero-width space, breaks of lines."""

HOSTILE = MARKUP + CONTROL

NAMES = ("__proto__", "constructor", "toString", "hasOwnProperty", "length", "שלום", "größe", "long" * 75)
"""Names that a recipe may have: what JavaScript's objects have already, right-to-left letters, one of 300 letters."""


def page_file(*paths: Path | str, to: Path, **options: Any) -> Path:
    """A page of what the paths name, written into a file.

    Args:
        paths: as `recipe page` takes them.
        to: the file.
        options: as of `PageOptions`.
    """
    write_page(page_of([Path(path) for path in paths], PageOptions(**options)), to)
    return to


def saved_run(recipe: Any, to: Path, *overrides: str) -> Path:
    """The folder of a run of a recipe, which is a mapping or a file; of a run that fails, what it gave up to there."""
    result, _ = run_judged(plan_of(load_recipe(recipe, overrides)))
    return Path(result.save(to))


def hostile_file(path: Path, reads: Callable[[], object]) -> int:
    """Put hostile words behind each text of a JSON file where what reads the file still takes it: of how many texts.

    Args:
        path: the file; one JSON document, or one a line.
        reads: reads it, and raises StorageError where it does not take it.
    """
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.suffix == ".jsonl" else None
    content = json.loads(path.read_text("utf-8")) if lines is None else lines
    changed = 0
    for holder, key in list(_texts(content)):
        before = holder[key]
        holder[key] = before + HOSTILE
        _write(path, content)
        try:
            reads()
            changed += 1
        except StorageError:
            holder[key] = before
    _write(path, content)
    return changed


def _texts(content: Any) -> Iterator[tuple[Any, Any]]:
    """Where each text stands: what holds it, and under which key or index."""
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        if isinstance(value, str):
            yield content, key
        elif isinstance(value, (dict, list)):
            yield from _texts(value)


def _write(path: Path, content: Any) -> None:
    documents = content if path.suffix == ".jsonl" else [content]
    path.write_text("".join(json.dumps(one) + "\n" for one in documents), encoding="utf-8")
