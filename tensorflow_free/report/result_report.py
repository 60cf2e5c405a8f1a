"""A result in words: rows and verdicts as plain text, or drawn with rich on a terminal. Measures nothing new."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch

from tensorflow_free.codec.parts import UNTAKEN, counts, is_plain, numbers_of
from tensorflow_free.codec.values import plain
from tensorflow_free.errors import INDENT, words_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.recipe.models import shown
from tensorflow_free.result.model import Verdict, Warned
from tensorflow_free.result.record import Record
from tensorflow_free.result.result import Result
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.text.characters import in_a_line, printable
from tensorflow_free.text.columns import GAP, Columns, columns_of, lines_of

if TYPE_CHECKING:
    from rich.console import Console

COLUMNS: Final = ("name", "op", "dtype", "shape", "value", "gradient", "grad_fn")

FEW: Final = 6
"""Elements up to which a tensor is written out; beyond, it is summed up."""

MARKS: Final = {
    Outcome.HOLDS: Outcome.OK,
    Outcome.FAILS: "FAILS",
    Outcome.NOT_JUDGED: Outcome.NOT_JUDGED,
    Outcome.KNOWN_FAULT: Outcome.KNOWN_FAULT,
    Outcome.FIXED: "FIXED",
}
"""How an outcome is written; capitals where it makes the run fail."""

STYLES: Final = {
    Outcome.HOLDS: "green",
    Outcome.FAILS: "bold red",
    Outcome.NOT_JUDGED: "yellow",
    Outcome.KNOWN_FAULT: "yellow",
    Outcome.FIXED: "bold red",
}

LONGEST: Final = 200
"""Rows of the table; a longer one is cut in its middle, and the folder has all."""


Row = tuple[str, ...]
"""The words of a row, in the order of `COLUMNS`."""


def rows_of(result: Result) -> list[Row]:
    """The table: a row for each value, its gradient beside it."""
    found = [record for record in result.records.values() if record.kind != "gradient" or _is_alone(record, result)]
    left_out = len(found) - LONGEST
    if left_out <= 0:
        return [_printable(_row(record, result)) for record in found]
    first, last = found[: LONGEST // 2], found[-LONGEST // 2 :]
    gap = ("…", "", "", "", f"{left_out} more", "", "")
    rows = [*(_row(record, result) for record in first), gap, *(_row(record, result) for record in last)]
    return [*map(_printable, rows)]


def _printable(row: Row) -> Row:
    return tuple(map(printable, row))


def _is_alone(gradient: Record, result: Result) -> bool:
    """Whether a gradient has no row to stand in, since its value is not recorded: in a compiled cell, a leaf's."""
    return gradient.value is not None and gradient.name.removesuffix(".grad") not in result.records


def _row(record: Record, result: Result) -> Row:
    value = record.value
    is_tensor = isinstance(value, torch.Tensor)
    if record.kind == "gradient":
        return (
            record.name.removesuffix(".grad"),
            "",
            word_of(value.dtype),
            str(list(value.shape)),
            "",
            summary(value),
            "",
        )
    gradient = result.records.get(f"{record.name}.grad")
    return (
        record.name,
        record.op or ("" if record.kind == "tensor" else record.kind),
        word_of(value.dtype) if is_tensor else "" if value is None else type(value).__name__,
        str(list(value.shape)) if is_tensor and not value.is_nested else "",
        _shown(record),
        _shown(gradient) if gradient is not None else "",
        record.grad_fn or "",
    )


def _shown(record: Record) -> str:
    return shown(f"not stored: {record.unstored}") if record.unstored else summary(record.value)


def summary(value: Any) -> str:
    """A value in a few words: the numbers where they are few, else their range, with how many are NaN or infinite."""
    if value is None:
        return "none"
    if not isinstance(value, torch.Tensor):
        return _number_or_word(value)
    try:
        return _summary(value)
    except UNTAKEN as error:
        return shown(f"not shown: {words_of(error)}")


def _summary(value: torch.Tensor) -> str:
    if value.device.type == "meta":
        return "no values (meta)"
    if is_plain(value) and value.numel() <= FEW:
        return _numbers(_readable(value).tolist())
    numbers = [_readable(part).flatten() for part in numbers_of(value)]
    words = _range(torch.cat(numbers)) if numbers else "no numbers"
    kind = "nested" if value.is_nested else str(value.layout).removeprefix("torch.")
    return words if is_plain(value) else f"{kind}: {words}"


def _number_or_word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return shown(f"[{', '.join(_number_or_word(part) for part in value)}]")
    if isinstance(value, bool):
        return shown(value)
    if type(value).__module__ == "numpy":
        return summary(torch.as_tensor(value))
    return f"{value:.6g}" if isinstance(value, (float, complex)) else shown(str(plain(value)))


def _readable(value: torch.Tensor) -> torch.Tensor:
    """The same numbers on the CPU, in a dtype that has every op."""
    value = value.resolve_conj().resolve_neg().cpu()
    if value.dtype in (torch.uint16, torch.uint32):
        return value.to(torch.int64)
    if value.dtype == torch.uint64:
        return value.double() if value.numel() > FEW else value
    return value.float() if value.is_floating_point() and value.dtype.itemsize == 1 else value


def _numbers(numbers: Any) -> str:
    if isinstance(numbers, list):
        return f"[{', '.join(_numbers(number) for number in numbers)}]"
    return shown(numbers) if isinstance(numbers, (bool, int)) else f"{numbers:.6g}"


def _range(value: torch.Tensor) -> str:
    if value.numel() <= FEW:
        return _numbers(value.tolist())
    if value.dtype == torch.bool:
        return f"{int(value.count_nonzero())} of {value.numel()} true"
    words = f"|z| {_bounds(value.abs())}" if value.is_complex() else _bounds(value)
    nan, inf = counts(value) or (0, 0)
    # a complex number has no sign
    below = int((value == -math.inf).count_nonzero()) if inf and not value.is_complex() else 0
    found = {"nan": nan, "inf": inf - below, "-inf": below}
    return words + "".join(f", {count} {word}" for word, count in found.items() if count)


def _bounds(value: torch.Tensor) -> str:
    finite = value[value.isfinite()] if value.is_floating_point() else value
    if finite.numel() == 0:
        return "nothing finite"
    least, greatest = (bound.item() for bound in finite.aminmax())
    if least == greatest:
        return f"all {_bound(least)}"
    return f"{_bound(least)} … {_bound(greatest)}"


def _bound(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:.4g}"


def heading(result: Result) -> str:
    """What ran, and where: `linear_autograd · cpu · float32 · eager · seed 0 · torch 2.13.0`."""
    recipe = result.recipe
    parts = [result.name, recipe.device, recipe.dtype, recipe.backend.name, f"seed {recipe.seed}"]
    if recipe.case is not None:
        parts.insert(1, f"case {recipe.case}")
    if result.environment is not None:
        parts.append(f"torch {result.environment.torch}")
    return printable(" · ".join(parts))


def failure(result: Result) -> Iterator[str]:
    """What failed: the step, its operands, torch's words; nothing where nothing failed."""
    error = result.error
    if error is None:
        return
    position = ":".join(str(part) for part in (error.file, error.line, error.column) if part is not None)
    place = ": ".join(part for part in (position, error.path) if part)
    expected = "stopped as expected" if error.expected else "failed"
    first, *rest = error.message.split("\n")
    yield printable(f"{place}: '{error.op}' {expected}: {first}")
    yield from (printable(f"{INDENT}{line}") for line in (*rest, *error.operands))


def warned(result: Result) -> Iterator[str]:
    """Torch's warnings, each once, with the steps that raised it and how often."""
    alike: dict[str, list[Warned]] = {}
    for one in result.warnings:
        alike.setdefault(one.message, []).append(one)
    for message, found in alike.items():
        steps = ", ".join(dict.fromkeys(one.step for one in found if one.step))
        times = sum(one.count for one in found)
        where = f"warning of {steps}" if steps else "warning"
        yield f"{printable(where)}: {in_a_line(message)}{f' ({times} times)' if times > 1 else ''}"


def tally(result: Result) -> str:
    """How the expectations came out, in a sentence; empty where there are none."""
    verdicts = result.expectations
    if not verdicts:
        return ""
    holding = sum(verdict.outcome == Outcome.HOLDS for verdict in verdicts)
    others = [
        f"{count} {outcome}"
        for outcome in MARKS
        if outcome not in (Outcome.HOLDS, Outcome.FAILS) and (count := _count(verdicts, outcome))
    ]
    return f"{holding} of {len(verdicts)} expectations hold" + (f", {', '.join(others)}" if others else "") + "."


def _count(verdicts: Sequence[Verdict], outcome: str) -> int:
    return sum(verdict.outcome == outcome for verdict in verdicts)


def plain_text(result: Result, file: str | None = None) -> str:
    """The whole report without colour, as wide as it takes: for files, pipes and logs."""
    parts = [heading(result)]
    if result.recipe.description:
        parts.append(in_a_line(result.recipe.description))
    if rows := rows_of(result):
        parts += ["", *lines_of(columns_of(COLUMNS, rows))]
    if result.expectations:
        parts += ["", *(f"{judged}{message and NEXT_LINE}{message}" for judged, message in _judged(result))]
        parts.append(tally(result))
    if told := list(warned(result)):
        parts += ["", *told]
    if told := list(failure(result)):
        parts += ["", *told]
    return "\n".join([*parts, *(["", printable(file)] if file else [])])


NEXT_LINE: Final = f"\n{INDENT}"


def _judged(result: Result) -> Iterator[tuple[str, str]]:
    """A line for each expectation, and the reason of its outcome."""
    marks = max(len(MARKS[one.outcome]) for one in result.expectations)
    names = max(len(printable(one.name)) for one in result.expectations)
    for one in result.expectations:
        judged = f"{MARKS[one.outcome].ljust(marks)}  {printable(one.name).ljust(names)}  {printable(one.asks)}"
        yield judged.rstrip(), NEXT_LINE.join(map(printable, one.message.split("\n")))


def draw(result: Result, console: Console, file: str | None = None) -> None:
    """The whole report with colour, for a terminal, made to fit its width."""
    from rich.text import Text

    console.print(Text(heading(result), style="bold"))
    if result.recipe.description:
        console.print(Text(in_a_line(result.recipe.description), style="dim"))
    if rows := rows_of(result):
        console.print()
        _draw_table(columns_of(COLUMNS, rows, console.width), console)
    if result.expectations:
        console.print()
        _draw_expectations(result, console)
    if told := list(warned(result)):
        console.print()
        console.print(Text("\n".join(told), style="yellow"))
    if told := list(failure(result)):
        console.print()
        console.print(Text("\n".join(told), style="yellow" if result.error and result.error.expected else "bold red"))
    if file:
        console.print()
        console.print(Text(printable(file), style="dim", overflow="fold"), soft_wrap=True)


def _draw_table(columns: Columns, console: Console) -> None:
    from rich.text import Text

    headings = list(columns)
    for number, cells in enumerate(zip(*columns.values(), strict=True)):
        line = Text(GAP).join(
            Text(cell, style="bold" if number == 0 else _style(heading, cell))
            for heading, cell in zip(headings, cells, strict=True)
        )
        line.rstrip()
        console.print(line, no_wrap=True, crop=False, overflow="ignore")


def _style(heading: str, cell: str) -> str:
    if heading in ("value", "gradient"):
        return "red" if _ALARMING.search(cell) else ""
    return STYLES_OF_COLUMNS.get(heading, "")


_ALARMING: Final = re.compile(r"\b(nan|inf)\b")
STYLES_OF_COLUMNS: Final = {"name": "cyan", "dtype": "dim", "shape": "dim", "grad_fn": "dim"}


def _draw_expectations(result: Result, console: Console) -> None:
    from rich.padding import Padding
    from rich.text import Text

    for verdict, (judged, message) in zip(result.expectations, _judged(result), strict=True):
        line = Text(judged, overflow="ellipsis", no_wrap=True)
        line.stylize(STYLES[verdict.outcome], 0, len(MARKS[verdict.outcome]))
        console.print(line)
        if message:
            console.print(Padding(Text(message), (0, 0, 0, 4)))
    console.print(Text(tally(result)))
