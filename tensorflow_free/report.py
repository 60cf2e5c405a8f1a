"""A result in words: rows and verdicts as plain text, or drawn with rich on a terminal. Measures nothing new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch

from tensorflow_free.calls import described
from tensorflow_free.dtypes import word_of
from tensorflow_free.recipe import shown
from tensorflow_free.result import Record, Result, Verdict, counts

if TYPE_CHECKING:
    from rich.console import Console

COLUMNS: Final = ("name", "op", "dtype", "shape", "value", "gradient", "grad_fn")

FEW: Final = 6
"""Elements up to which a tensor is written out; beyond, it is summed up."""

MARKS: Final = {
    "holds": "ok",
    "fails": "FAILS",
    "not judged": "not judged",
    "known fault": "known fault",
    "fixed": "FIXED",
}
"""How an outcome is written; capitals where it makes the run fail."""

STYLES: Final = {
    "holds": "green",
    "fails": "bold red",
    "not judged": "yellow",
    "known fault": "yellow",
    "fixed": "bold red",
}

LONGEST: Final = 200
"""Rows of the table; a longer one is cut in its middle, and the folder has all."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table, in words."""

    name: str
    op: str
    dtype: str
    shape: str
    value: str
    gradient: str
    grad_fn: str

    def cells(self) -> tuple[str, ...]:
        """The row's words in the order of `COLUMNS`."""
        return self.name, self.op, self.dtype, self.shape, self.value, self.gradient, self.grad_fn


def lines_of(result: Result) -> list[Line]:
    """The table: a row for each value, its gradient beside it."""
    found = [_line(record, result) for record in result.records.values() if record.kind != "gradient"]
    return (
        found
        if len(found) <= LONGEST
        else [*found[: LONGEST // 2], _gap(len(found) - LONGEST), *found[-LONGEST // 2 :]]
    )


def _line(record: Record, result: Result) -> Line:
    value = record.value
    is_tensor = isinstance(value, torch.Tensor)
    gradient = result.records.get(f"{record.name}.grad")
    return Line(
        name=record.name,
        op=record.op or ("" if record.kind == "tensor" else record.kind),
        dtype=word_of(value.dtype) if is_tensor else type(value).__name__,
        shape=str(list(value.shape)) if is_tensor else "",
        value=summary(value),
        gradient=summary(gradient.value) if gradient is not None else "",
        grad_fn=record.grad_fn or "",
    )


def _gap(count: int) -> Line:
    return Line("…", "", "", "", f"{count} more", "", "")


def summary(value: Any) -> str:
    """A value in a few words: the numbers where they are few, else their range, with how many are NaN or infinite."""
    if value is None:
        return "none"
    if not isinstance(value, torch.Tensor):
        return _number_or_word(value)
    if value.device.type == "meta":
        return "no values (meta)"
    if value.layout != torch.strided or value.is_quantized or value.is_nested:
        return str(value.layout).removeprefix("torch.")
    value = value.resolve_conj().resolve_neg().cpu()
    if value.numel() <= FEW:
        return _numbers(_plain(value).tolist())
    return _range(value)


def _number_or_word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return shown(f"[{', '.join(_number_or_word(part) for part in value)}]")
    return f"{value:.6g}" if isinstance(value, (float, complex)) else shown(str(value).removeprefix("torch."))


def _plain(value: torch.Tensor) -> torch.Tensor:
    return value.float() if value.is_floating_point() and value.dtype.itemsize == 1 else value


def _numbers(numbers: Any) -> str:
    if isinstance(numbers, list):
        return f"[{', '.join(_numbers(number) for number in numbers)}]"
    return shown(numbers) if isinstance(numbers, (bool, int)) else f"{numbers:.6g}"


def _range(value: torch.Tensor) -> str:
    if value.dtype == torch.bool:
        return f"{int(value.sum())} of {value.numel()} true"
    if value.is_complex():
        words = f"|z| {_bounds(value.abs())}"
    elif value.dtype in (torch.uint16, torch.uint32, torch.uint64):
        words = _bounds(value.double())
    else:
        words = _bounds(_plain(value))
    nan, inf = counts(value) or (0, 0)
    return words + (f", {nan} nan" if nan else "") + (f", {inf} inf" if inf else "")


def _bounds(value: torch.Tensor) -> str:
    finite = value[value.isfinite()] if value.is_floating_point() else value
    if finite.numel() == 0:
        return "nothing finite"
    return f"{finite.min().item():.4g} … {finite.max().item():.4g}"


def heading(result: Result) -> str:
    """What ran, and where: `linear_autograd · cpu · float32 · eager · seed 0 · torch 2.13.0`."""
    recipe = result.recipe
    parts = [result.name, recipe.device, recipe.dtype, recipe.backend.name, f"seed {recipe.seed}"]
    if recipe.case is not None:
        parts.insert(1, f"case {recipe.case}")
    if result.environment is not None:
        parts.append(f"torch {result.environment.torch}")
    return " · ".join(parts)


def failure(result: Result) -> Iterator[str]:
    """What failed: the step, its operands, torch's words; nothing where nothing failed."""
    error = result.error
    if error is None:
        return
    position = ":".join(str(part) for part in (error.file, error.line, error.column) if part is not None)
    place = ": ".join(part for part in (position, error.path) if part)
    expected = "stopped as expected" if error.expected else "failed"
    yield f"{place}: '{error.op}' {expected}: {error.message}"
    yield from (f"    {operand}" for operand in error.operands)


def tally(result: Result) -> str:
    """How the expectations came out, in a sentence; empty where there are none."""
    verdicts = result.expectations
    if not verdicts:
        return ""
    holding = sum(verdict.outcome == "holds" for verdict in verdicts)
    others = [
        f"{count} {outcome}"
        for outcome in MARKS
        if outcome not in ("holds", "fails") and (count := _count(verdicts, outcome))
    ]
    return f"{holding} of {len(verdicts)} expectations hold" + (f", {', '.join(others)}" if others else "") + "."


def _count(verdicts: Sequence[Verdict], outcome: str) -> int:
    return sum(verdict.outcome == outcome for verdict in verdicts)


def plain_text(result: Result, folder: str | None = None) -> str:
    """The whole report without colour or lines drawn: for files, pipes and logs."""
    parts = [heading(result)]
    if result.recipe.description:
        parts.append(result.recipe.description.strip())
    rows = [COLUMNS, *(line.cells() for line in lines_of(result))]
    if len(rows) > 1:
        parts += ["", *_aligned(rows)]
    parts += _plain_expectations(result)
    told = list(failure(result))
    parts += ["", *told] if told else []
    parts += ["", folder] if folder else []
    return "\n".join(parts)


def _plain_expectations(result: Result) -> list[str]:
    if not result.expectations:
        return []
    rows = [(MARKS[one.outcome], one.name, one.asks, one.message) for one in result.expectations]
    return ["", *_aligned(rows), tally(result)]


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def draw(result: Result, console: Console, folder: str | None = None) -> None:
    """The whole report with colour, for a terminal."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console.print(Text(heading(result), style="bold"))
    if result.recipe.description:
        console.print(Text(result.recipe.description.strip(), style="dim"))
    lines = lines_of(result)
    if lines:
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for column in COLUMNS:
            table.add_column(column, overflow="fold", style="cyan" if column == "name" else None)
        for line in lines:
            table.add_row(*(Text(cell, style="red" if _is_alarming(cell) else "") for cell in line.cells()))
        console.print(Padding(table, (1, 0)))
    _draw_expectations(result, console)
    for text in failure(result):
        console.print(Text(text, style="bold red"))
    if folder:
        console.print(Text(folder, style="dim"))


def _is_alarming(cell: str) -> bool:
    return cell in ("nan", "inf", "-inf") or cell.endswith((" nan", " inf"))


def _draw_expectations(result: Result, console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    if not result.expectations:
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for _ in range(4):
        table.add_column(overflow="fold")
    for one in result.expectations:
        mark = Text(MARKS[one.outcome], style=STYLES[one.outcome])
        table.add_row(mark, Text(one.name, style="cyan"), Text(one.asks), Text(one.message))
    console.print(table)
    console.print(tally(result))


__all__ = ["described", "draw", "failure", "heading", "lines_of", "plain_text", "summary", "tally"]
