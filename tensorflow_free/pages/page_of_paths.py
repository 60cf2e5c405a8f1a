"""Which page paths ask for: of a run, of several, of a sweep, of a sweep's cell, of a golden."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tensorflow_free.errors import StorageError
from tensorflow_free.files.opening import is_there
from tensorflow_free.judging.reading import read_comparison
from tensorflow_free.judging.verdicts import COMPARISON
from tensorflow_free.pages.html_page import HtmlPage
from tensorflow_free.pages.page_of_golden import golden_page
from tensorflow_free.pages.page_of_goldens import goldens_page
from tensorflow_free.pages.page_of_pair import cell_page, pair_page, stored_pair
from tensorflow_free.pages.page_of_run import page_of_run
from tensorflow_free.pages.page_of_sweep import page_of_sweep
from tensorflow_free.result.model import RESULT, folder_of
from tensorflow_free.result.reading import read_result
from tensorflow_free.sweep.folder import SWEEP


@dataclass(frozen=True, slots=True)
class PageOptions:
    """What a page is asked to show besides.

    Attributes:
        teaching: whether it begins with the teaching view: forward and backward, one step after another.
        command: what a person typed for it; empty for nothing.
    """

    teaching: bool = False
    command: str = ""


def page_of(paths: Sequence[Path], options: PageOptions = PageOptions()) -> HtmlPage:
    """The page of what the paths name.

    Raises:
        StorageError: there is none of it, or it cannot be read.
    """
    kinds = [_kind_of(path) for path in paths]
    if options.teaching:
        if kinds not in (["run"], ["comparison"]):
            named = " and ".join(kinds)
            raise StorageError(
                f"{', '.join(map(str, paths))}: the teaching view (--teach) is of one run, not of {named}"
            )
        return _run(paths, options)
    # of several, a sweep's cell is a run like any other
    draw = _PAGES.get((*kinds,) if len(kinds) == 1 else (*("run" if kind == "comparison" else kind for kind in kinds),))
    if draw is None:
        several, named = " and ".join(kinds), ", ".join(map(str, paths))
        what = "give one, two runs or two goldens; two sweeps have one by recipe compare A B --page PAGE.html"
        raise StorageError(f"{named}: no page is made of {several} together; {what}")
    return draw(paths, options)


def _kind_of(path: Path) -> str:
    """What a path names.

    Raises:
        StorageError: nothing that a page is made of.
    """
    if path.name == COMPARISON:
        return "comparison"
    if path.name.endswith(".golden.json"):
        return "golden"
    folder = path.parent if path.name == SWEEP else folder_of(path)
    for file, kind in ((SWEEP, "sweep"), (COMPARISON, "comparison"), (RESULT, "run")):
        if is_there(folder / file):
            return kind
    if is_there(folder.parent / SWEEP):
        raise StorageError(
            f"'{path}' is no cell of the sweep '{folder.parent}'; recipe table {folder.parent} lists them"
        )
    if path.suffix in (".yaml", ".yml") and path.is_file():
        raise StorageError(
            f"'{path}' is a file of YAML, and a page is of a run; run-recipe {path} --page PAGE.html runs it"
        )
    what = "is neither the folder of a run, nor of a sweep or one of its cells, nor a .golden.json file"
    said = what if is_there(path) else "is not there"
    raise StorageError(f"'{path}' {said}; run-recipe prints the folder of a run at its end")


def _pair(paths: Sequence[Path], options: PageOptions) -> HtmlPage:
    mine, its = paths
    return pair_page(stored_pair((mine, its), (read_result(mine), read_result(its))), options.command)


def _folder(path: Path) -> Path:
    """The folder of a run or a cell."""
    return path.parent if path.name == COMPARISON else folder_of(path)


def _cell(paths: Sequence[Path], options: PageOptions) -> HtmlPage:
    folder = _folder(paths[0])
    return cell_page(folder, read_result(folder), read_comparison(folder), options.command)


def _golden(paths: Sequence[Path], options: PageOptions) -> HtmlPage:
    return golden_page(paths[0], options.command)


def _goldens(paths: Sequence[Path], options: PageOptions) -> HtmlPage:
    return goldens_page(paths, options.command)


def _run(paths: Sequence[Path], options: PageOptions) -> HtmlPage:
    folder = _folder(paths[0])
    return page_of_run(read_result(folder), folder, teaching=options.teaching, command=options.command)


def _sweep(paths: Sequence[Path], options: PageOptions) -> HtmlPage:
    return page_of_sweep(paths[0].parent if paths[0].name == SWEEP else paths[0], options.command)


PageMaker = Callable[[Sequence[Path], PageOptions], HtmlPage]

_PAGES: Final[dict[tuple[str, ...], PageMaker]] = {
    ("run",): _run,
    ("run", "run"): _pair,
    ("comparison",): _cell,
    ("sweep",): _sweep,
    ("golden",): _golden,
    ("golden", "golden"): _goldens,
}
"""What makes the page of each kind of path."""
