"""Files, folders, runs and sweeps for completion: folders are listed, and of a sweep the lines of its cells read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tensorflow_free.completion.candidate import Candidate

RUN_FILE: Final = "result.json"
SWEEP_FILE: Final = "sweep.json"
CELL_LINES: Final = "cells.jsonl"

STORES: Final = ("outputs", "multirun", "checked-in")
"""Folders that runs and sweeps are written to where nobody names another."""

MOST_BYTES: Final = 4_000_000
"""How much is read of the lines of a sweep's cells."""

MOST_ENTRIES: Final = 5000
"""How many entries of a folder are looked at."""


def files(typed: str, suffixes: Sequence[str]) -> Iterator[Candidate]:
    """The files with one of these suffixes in the folder that is typed, and its folders; all files without suffixes."""
    for entry, path in _listed(typed):
        if entry.is_dir():
            yield Candidate(f"{path}/")
        elif not suffixes or entry.name.endswith(tuple(suffixes)):
            yield Candidate(path)


def folders(typed: str) -> Iterator[Candidate]:
    """The folders in the folder that is typed."""
    return (Candidate(f"{path}/") for entry, path in _listed(typed) if entry.is_dir())


def runs(typed: str) -> Iterator[Candidate]:
    """Runs, sweeps and their cells, the newest first; where nothing is typed, the folders that runs are written to."""
    folder = _folder(typed)
    yield from _cells(folder, typed)
    entries = sorted((one for one in _listed(typed) if one[0].is_dir()), key=_newest_first)
    if not typed:
        stores = [one for one in entries if one[0].name in STORES or _kind(one[0])]
        entries = stores or entries
    for entry, path in entries:
        kind = _kind(entry)
        yield Candidate(path, kind) if kind else Candidate(f"{path}/")


def sweeps(typed: str) -> Iterator[Candidate]:
    """As `runs`, but that a run, or a cell, is none."""
    return (one for one in runs(typed) if one.is_open or one.says == "a sweep")


def _kind(entry: os.DirEntry[str]) -> str:
    if os.path.isfile(os.path.join(entry.path, SWEEP_FILE)):  # noqa: PTH113, PTH118 - of many entries, and fast
        return "a sweep"
    return "a run" if os.path.isfile(os.path.join(entry.path, RUN_FILE)) else ""  # noqa: PTH113, PTH118


def _newest_first(listed: tuple[os.DirEntry[str], str]) -> float:
    try:
        return -listed[0].stat().st_mtime
    except OSError:
        return 0.0


def _cells(folder: Path, typed: str) -> Iterator[Candidate]:
    """The cells of a sweep's folder, each with what it is of and what came of it."""
    file = folder / CELL_LINES
    try:
        # opening what is no file, as a pipe, might wait for ever
        text = _beginning(file) if file.is_file() else b""
    except (OSError, ValueError):
        return
    for line in text.splitlines():
        try:
            row = json.loads(line)
            said = " ".join(map(str, row["overrides"]))
            yield Candidate(f"{_typed_folder(typed)}{row['number']}", f"{row['outcome']}  {said}")
        except (ValueError, KeyError, TypeError):
            continue


def _beginning(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MOST_BYTES)


def _listed(typed: str) -> Iterable[tuple[os.DirEntry[str], str]]:
    """The entries of the folder that is typed, each as it would be typed; hidden ones where a dot is typed."""
    head, begun = _typed_folder(typed), typed[len(_typed_folder(typed)) :]
    try:
        with os.scandir(_folder(typed)) as entries:
            found = [one for one, _ in zip(entries, range(MOST_ENTRIES), strict=False) if one.name.startswith(begun)]
    except (OSError, ValueError):
        return
    for entry in sorted(found, key=lambda one: one.name):
        if begun.startswith(".") or not entry.name.startswith("."):
            yield entry, f"{head}{entry.name}"


def _typed_folder(typed: str) -> str:
    return typed[: typed.rfind("/") + 1]


def _folder(typed: str) -> Path:
    return Path(os.path.expanduser(_typed_folder(typed) or "."))  # noqa: PTH111 - `~name` of nobody stays as it is
