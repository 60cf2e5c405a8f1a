"""docs/notebook.ipynb runs from top to bottom in a kernel of its own, and is kept without outputs."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

PAGE = Path(__file__).parent.parent / "docs" / "notebook.ipynb"


def code_of(page):
    return [cell for cell in page.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def ran():
    """What each cell of the notebook showed, its source beside it; the kernel is ended whatever happens."""
    page = nbformat.read(PAGE, as_version=4)
    client = NotebookClient(page, timeout=90, kernel_name="python3", resources={"metadata": {"path": str(PAGE.parent)}})
    client.execute()
    return {cell.source: cell.outputs for cell in code_of(page)}


def shown(ran, ending, form):
    """What the cell whose source ends so showed in a form, its last output."""
    outputs = next(outputs for source, outputs in ran.items() if source.endswith(ending))
    return [one.data[form] for one in outputs if form in one.get("data", {})][-1]


def test_the_notebook_is_kept_without_outputs():
    page = nbformat.read(PAGE, as_version=4)
    nbformat.validate(page)
    assert len(code_of(page)) >= 10
    assert [cell.source for cell in code_of(page) if cell.outputs or cell.execution_count is not None] == []


def test_what_the_notebook_links_to_is_there():
    words = "".join(cell.source for cell in nbformat.read(PAGE, as_version=4).cells)
    links = re.findall(r"\]\(([^)]+)\)", words)
    assert len(links) >= 5
    assert [link for link in links if not (PAGE.parent / link).is_file()] == []


def test_every_cell_of_the_notebook_runs_and_shows_what_it_is_about(ran):
    assert shown(ran, "is_well", "text/plain") is not None
    for ending in ("\nrecipe", "\nresult", "sweep.run()", "\ncomparison"):
        assert shown(ran, ending, "text/html").startswith('<div class="tensorflow-free">')
    assert "<summary>graph</summary>" in shown(ran, "\nresult", "text/html")
    for ending in ('plot("scores.grad");', 'plot(over="dtype");'):
        assert shown(ran, ending, "image/png")
    assert shown(ran, '"w.grad"], result.is_well', "text/plain") == "(tensor(5.), tensor(1.), True)"
    assert "bfloat16" in shown(ran, '"max_abs", "rule"]]', "text/html")


def test_a_bar_told_how_far_the_sweep_was_and_ended(ran):
    bar, _ = next(outputs for source, outputs in ran.items() if source.endswith("sweep.run()"))
    assert re.fullmatch(r"3 of 3 cells in [\d.]+ s", bar.data["text/plain"])
    assert "<progress" not in bar.data["text/html"]


def test_nothing_is_written_beside_what_the_notebook_shows(ran):
    assert [one.name for outputs in ran.values() for one in outputs if one.output_type == "stream"] == []
