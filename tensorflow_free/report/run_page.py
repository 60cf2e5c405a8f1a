"""A run as a page: a row for each value, expectations, warnings, the step that failed. Does not import torch."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.page_marks import mark_of
from tensorflow_free.outcome.sentences import failure_lines, words
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.report.compiler_report import compiler_line
from tensorflow_free.report.told_run import ToldRun, ToldValue
from tensorflow_free.result.model import Verdict, Warned
from tensorflow_free.text.characters import in_a_line
from tensorflow_free.text.page import Grid, Line, Page, Style, column, grid, line, parted, text_lines

MOST_ROWS: Final = 200
"""Rows of the table; a longer one is cut in its middle, and the folder has all."""

_ALARMING: Final = re.compile(r"\b(nan|inf)\b")

RowTexts = tuple[str, str, str, str, str, str, str]
"""The cells of a row: name, op, dtype, shape, value, gradient, grad_fn."""


def run_page(result: ToldRun, values: Mapping[str, ToldValue], file: str | None = None) -> Iterator[Line | Grid]:
    """The whole report, and the file that holds the result."""
    last = [line(file, "aside", is_whole=True)] if file else []
    return parted([opening(result), [_table(values)], *outcomes(result), last])


def opening(result: ToldRun) -> Iterator[Line]:
    """What ran, where, and from what it began."""
    about = result.recipe.description
    yield line(heading(result), "title")
    if about:
        yield line(in_a_line(about), "aside")
    yield from begun(result)
    yield from devices(result)
    yield from compiler_line(result)


def outcomes(result: ToldRun) -> Iterator[Page]:
    """What came of the expectations, what torch warned of, and what failed; each a part."""
    yield _expectations(result)
    yield [line(words, "notice") for words in warned(result)]
    yield text_lines("\n".join(failure(result)), "notice" if result.error and result.error.expected else "bad")


def verdict_of(result: ToldRun) -> str:
    """What came of it, in a sentence."""
    if result.has_failed:
        return next(failure(result))
    return tally(result.expectations) if result.expectations else "It ran to its end, and nothing is expected of it."


# the table


def _table(values: Mapping[str, ToldValue]) -> Grid:
    names, ops, types, shapes, texts, gradients, functions = list(zip(*_rows(values), strict=True)) or [()] * 7
    return grid(
        [
            column("name", names, "name", least=12),
            column("op", ops, least=10, goes=2, short=lambda op: op.rpartition(".")[2] or op),
            column("dtype", types, "aside", goes=4),
            column("shape", shapes, "aside", goes=3),
            column("value", texts, _alarm, align="units", least=16),
            column("gradient", gradients, _alarm, align="units", least=16),
            column("grad_fn", functions, "aside", goes=1),
        ],
        "value",
    )


def _alarm(cell: str) -> Style:
    return "alarm" if _ALARMING.search(cell) else ""


def _rows(values: Mapping[str, ToldValue]) -> list[RowTexts]:
    """A row for each value, its gradient beside it."""
    found = [one for one in values.values() if one.kind != "gradient" or _is_alone(one, values)]
    left_out = len(found) - MOST_ROWS
    if left_out <= 0:
        return [_row(one, values) for one in found]
    first, last = found[: MOST_ROWS // 2], found[-MOST_ROWS // 2 :]
    gap = ("…", "", "", "", f"{left_out} more", "", "")
    return [*(_row(one, values) for one in first), gap, *(_row(one, values) for one in last)]


def _is_alone(gradient: ToldValue, values: Mapping[str, ToldValue]) -> bool:
    """Whether a gradient has no row to stand in, since its value is not recorded: in a compiled cell, a leaf's."""
    return not gradient.is_none and gradient.name.removesuffix(".grad") not in values


def _row(value: ToldValue, values: Mapping[str, ToldValue]) -> RowTexts:
    if value.kind == "gradient":
        return value.name.removesuffix(".grad"), "", value.type, value.shape, "", value.words(), ""
    gradient = values.get(f"{value.name}.grad")
    return (
        value.name,
        value.op or ("" if value.kind == "tensor" else value.kind),
        value.type,
        value.shape,
        value.words(),
        gradient.words() if gradient is not None else "",
        value.grad_fn or "",
    )


def heading(result: ToldRun) -> str:
    """What ran, and where: `linear_autograd · cpu · float32 · eager · seed 0 · torch 2.13.0`."""
    torch = [] if result.environment is None else [f"torch {result.environment.torch}"]
    return " · ".join([*cell_words(result.name, result.recipe), *torch])


def cell_words(name: str, recipe: Recipe) -> list[str]:
    """A recipe and its cell: its name, case, device, dtype, backend and seed."""
    return [
        name,
        *([] if recipe.case is None else [f"case {recipe.case}"]),
        recipe.device,
        recipe.dtype,
        recipe.backend.name,
        *(["forward only"] if recipe.forward else []),
        f"seed {recipe.seed}",
    ]


def begun(result: ToldRun) -> Iterator[Line]:
    """Whose starting tensors it began from, where its recipe made none."""
    if result.starts is None:
        return
    # which ops draw only torch's tables tell
    from tensorflow_free.replay.visits import draws

    drawing = (
        "; its random steps draw here, and may draw other numbers on another machine" if draws(result.recipe) else ""
    )
    yield line(f"starts from the tensors of {result.starts.told}{drawing}", "notice")


def devices(result: ToldRun) -> Iterator[Line]:
    """What each device that it used besides the CPU told of itself, in a line."""
    for one in () if result.environment is None else result.environment.used:
        name = one.kind if one.index is None else f"{one.kind}:{one.index}"
        memory = "" if one.memory_bytes is None else f"{one.memory_bytes / 2**30:.3g} GiB"
        driver = "" if one.driver is None else f"driver {one.driver}"
        versions = [f"{what} {version}" for what, version in one.versions.items() if version is not None]
        told = [one.name or "", memory, driver, *versions, *(f"{what} {how}" for what, how in one.precision.items())]
        yield line(in_a_line(f"{name}: {', '.join(filter(None, told)) or 'it tells nothing of itself'}"), "aside")


def failure(result: ToldRun) -> Iterator[str]:
    """What failed: the step, its operands, torch's words; nothing where nothing failed."""
    if result.error is not None:
        yield from failure_lines(result.error)
        if not result.recipe.must_run:
            return
        # as which op a step counts only torch's tables tell
        from tensorflow_free.judging.must_run import required

        if (lacking := required(result.recipe, result.error)) is not None:
            yield words(lacking)


def warned(result: ToldRun) -> Iterator[str]:
    """Torch's warnings, each once, with the steps that raised it and how often."""
    alike: dict[str, list[Warned]] = {}
    for one in result.warnings:
        alike.setdefault(one.message, []).append(one)
    for message, found in alike.items():
        steps = ", ".join(dict.fromkeys(one.step for one in found if one.step))
        times = sum(one.count for one in found)
        where = f"warning of {steps}" if steps else "warning"
        yield f"{where}: {in_a_line(message)}{f' ({times} times)' if times > 1 else ''}"


# what was expected


def _expectations(result: ToldRun) -> Iterator[Line | Grid]:
    """A line for each expectation, the reason of its outcome below it, how many hold, and how many are left out."""
    if result.expectations:
        yield from _judged(result.expectations)
    if result.left_out is not None and (left_out := result.left_out.reason()) is not None:
        yield line(f"{words(left_out)}.", "notice")


def _judged(verdicts: Sequence[Verdict]) -> Iterator[Line | Grid]:
    columns = [
        column("", [mark_of(one.outcome) for one in verdicts]),
        column("", [one.name for one in verdicts], least=12),
        column("", [one.asks for one in verdicts], least=16),
    ]
    below = tuple(tuple(text_lines(one.message, indent=4)) if one.message else () for one in verdicts)
    yield Grid(tuple(columns), has_headings=False, below=below, noun="expectation")
    yield line(tally(verdicts))


def tally(verdicts: Sequence[Verdict]) -> str:
    """How the expectations came out, in a sentence."""
    counts = Counter(one.outcome for one in verdicts)
    others = [
        f", {counts[one]} {one}"
        for one in (
            Outcome.NONDETERMINISTIC,
            Outcome.BROKEN_IN_EAGER,
            Outcome.NOT_JUDGED,
            Outcome.KNOWN_FAULT,
            Outcome.FIXED,
        )
        if counts[one]
    ]
    return f"{counts[Outcome.HOLDS]} of {len(verdicts)} expectations hold{''.join(others)}."
