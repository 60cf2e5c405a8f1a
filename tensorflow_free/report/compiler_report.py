"""What a compiler really ran, in a line: graphs, ops, breaks, what ran instead; nothing of an eager run."""

from __future__ import annotations

from collections.abc import Iterator

from tensorflow_free.report.told_run import ToldRun
from tensorflow_free.text.page import Line, line
from tensorflow_free.text.phrases import counted


def compiler_line(result: ToldRun) -> Iterator[Line]:
    """What was compiled; of a run that failed while it was compiled nothing, as its error says it."""
    found = result.compiled
    if found is None or (found.is_nothing and result.has_failed):
        return
    backend = result.recipe.backend.name
    if found.is_nothing:
        yield line(f"nothing was compiled by {backend}: {found.why}", "bad")
        return
    again = f", {counted(found.recompiles, 'time')} compiled anew" if found.recompiles else ""
    breaks = counted(sum(one.count for one in found.breaks), "graph break")
    words = f"compiled by {backend}: {counted(found.graphs, 'graph')} of {counted(found.ops, 'op')}{again}"
    if found.kernels is not None:
        words += f", {counted(found.kernels, 'kernel')} and {counted(found.extern_calls or 0, 'call')} of ATen's own"
    if found.aten_calls is not None:
        words += f", {'all' if found.aten_only else 'part'} of it by {counted(found.aten_calls, 'call')} of ATen's own"
    if found.breaks:
        words += f"; {breaks}"
    yield line(
        f"{words}: {found.why}" if found.breaks or found.fell_back else words, "notice" if found.word else "aside"
    )
