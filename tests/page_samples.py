"""Pages for the tests that open them, and the hostile words that may stand anywhere in what pages are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tensorflow_free import load_recipe, sweep_recipe
from tensorflow_free.errors import StorageError
from tensorflow_free.files.archived_cells import cells_in, files_of
from tensorflow_free.files.cell_archives import CellArchive
from tensorflow_free.loading import plan_of
from tensorflow_free.pages.html_document import write_page
from tensorflow_free.pages.page_of_paths import PageOptions, page_of
from tensorflow_free.relations.judged_run import run_judged
from tensorflow_free.sweep import pool
from tensorflow_free.text.characters import is_printable
from tests.here import Here

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


# sweeps


def saved_sweep(recipe: Path | str, to: Path, *overrides: str) -> Path:
    """The folder of a sweep, whose cells ran in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "CellWorker", Here)
        sweep_recipe(recipe, overrides, folder=to, n_jobs=1).run()
    return to


def multiplied(sweep: Path, to: Path, count: int) -> Path:
    """The folder of a sweep with as many cells, each like one of another sweep, in turn; its seed is its own number."""
    document = json.loads((sweep / "sweep.json").read_text("utf-8"))
    rows = [json.loads(line) for line in (sweep / "cells.jsonl").read_text("utf-8").splitlines()]
    kept = {name: dict(files_of(cell)) for name, cell in cells_in(sweep).items()}
    to.mkdir()
    (to / "sweep.json").write_text(json.dumps({**document, "cells": count}), encoding="utf-8")
    archive = CellArchive(to)
    with (to / "cells.jsonl").open("w", encoding="utf-8") as lines:
        for number in range(count):
            row = rows[number % len(rows)]
            axes = {**row["axes"], "seed": str(number // len(rows))}
            lines.write(json.dumps({**row, "number": number, "folder": str(number), "axes": axes}) + "\n")
            archive.append(str(number), kept[row["folder"]])
    archive.close()
    return to


def chain(count: int) -> dict[str, Any]:
    """A recipe with so many steps, one behind the other, whose gradients go back through all of them."""
    ops = ("sin", "cos", "tanh", "neg")
    names = ["x", *(f"h{at}" for at in range(count - 1))]
    steps = {name: {"op": ops[at % 4], "args": [names[at]]} for at, name in enumerate(names[1:])}
    start = {"init": "linspace", "start": 0.1, "end": 2.0, "steps": 6, "requires_grad": True}
    return {"tensors": {"x": start}, "steps": {**steps, "y": {"op": "sum", "args": [names[-1]]}}, "backward": "y"}


# what must hold of every page


def assert_harmless(page, least=1):
    """Nothing of it acts, and what can be read of it has no character that hides or moves others."""
    assert page.page.evaluate("() => window.owned") is None
    assert page.page.locator("img, iframe, object, embed, link, base, form").count() == 0
    shown = page.page.evaluate("() => document.documentElement.innerText")
    assert [one for one in shown if not is_printable(one) and one not in "\n\t"] == []
    assert shown.count(MARKUP[:20]) >= least
