"""A run as the parts of a page: its lines, its graph, a row for each value, pictures, and numbers to be asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tensorflow_free.pages.op_words import backward_words, op_words
from tensorflow_free.pages.pictured_values import ON_DEMAND, all_numbers, numbers_of_value, picture_of_value
from tensorflow_free.pages.plain_lines import plain_lines
from tensorflow_free.picturing.chain_graph import chain_graph
from tensorflow_free.picturing.curves import curve_of
from tensorflow_free.picturing.layered import laid_out
from tensorflow_free.picturing.value_pictures import FEW_NUMBERS, Picture
from tensorflow_free.report.result_report import told_value
from tensorflow_free.report.run_page import failure, opening, outcomes
from tensorflow_free.result.result import Result
from tensorflow_free.result.run_value import Record
from tensorflow_free.text.characters import command_of
from tensorflow_free.text.page import parted

TOGETHER: Final = 64
"""Pictures in a part."""


MOST_NUMBERS: Final = 1 << 18
"""Numbers of a run that a page holds to be asked for; those of further values are printed by a command."""


def run_parts(result: Result, prefix: str = "", folder: Path | None = None) -> Iterator[tuple[str, Any]]:
    """What a page holds of a run.

    Args:
        result: the run.
        prefix: what the names of its parts begin with, such as `cell-3/`.
        folder: where it is saved, for the command that prints what the page does not hold.

    Yields:
        `pictures-K`: the pictures of the values from 64·K on; `numbers-N`: all numbers of value N, where they are too
        many for its picture and not more than 4,096, nor too many of a run; and last `run`: all else.
    """
    records = list(result.records.values())
    values: list[dict[str, Any]] = []
    room = MOST_NUMBERS
    for number, chunk in enumerate(_chunks(records)):
        pictures = [picture_of_value(one.value, unstored=one.unstored) for one in chunk]
        yield f"{prefix}pictures-{number}", list(map(_pictured, chunk, pictures))
        for one, picture in zip(chunk, pictures, strict=True):
            row = _value(one, picture.words)
            if FEW_NUMBERS < picture.size <= min(ON_DEMAND, room):
                room -= picture.size
                yield f"{prefix}numbers-{len(values)}", all_numbers(one.value)
            elif picture.size > FEW_NUMBERS and folder is not None:
                row["command"] = _printing(folder, one.name)
            values.append(row)
    yield f"{prefix}run", {**run_frame(result), "values": values}


def _printing(folder: Path, name: str) -> str:
    """The command that prints all numbers of a value of a saved run."""
    python = f"from tensorflow_free import read_result; print(read_result({str(folder)!r})[{name!r}].tolist())"
    return command_of(["python", "-c", python])


def _pictured(record: Record, picture: Picture) -> dict[str, Any]:
    """A picture, and of what every round gave a curve."""
    numbers = numbers_of_value(record.value) if record.kind == "trace" and not record.unstored else None
    curve = None if numbers is None else curve_of(numbers)
    return picture.to_plain() | ({} if curve is None else {"curve": curve.to_plain()})


def run_frame(result: Result) -> dict[str, Any]:
    """What a page tells of a run besides its values: its lines, graph and ops, and the step that failed."""
    error = result.error
    followed = {one.name: one.requires_grad for one in result.records.values() if one.kind in ("tensor", "step")}
    graph = laid_out(chain_graph(result.recipe, followed)).to_plain()
    functions = {one.grad_fn: None for one in result.records.values()}
    ops = {node["op"]: None for node in graph["nodes"] if node["kind"] != "tensor"}
    return {
        "name": result.name,
        "lines": plain_lines(opening(result)),
        "outcomes": plain_lines(parted(outcomes(result))),
        "failed": "" if error is None else error.step,
        "failure": list(failure(result)),
        "graph": graph,
        "ops": {op: op_words(op) for op in ops},
        "backward_words": {function: backward_words(function) for function in functions if function},
    }


def _chunks(records: list[Record]) -> Iterator[list[Record]]:
    for begin in range(0, len(records), TOGETHER):
        yield records[begin : begin + TOGETHER]


def _value(record: Record, words: str) -> dict[str, Any]:
    """A row of the table of values, without what is not there."""
    told = told_value(record)
    row = {
        "name": record.name,
        "kind": record.kind,
        "op": record.op,
        "type": told.type,
        "shape": told.shape,
        "words": words,
        "grad_fn": record.grad_fn,
        "stride": None if record.stride is None else list(record.stride),
        "device": record.device or (str(record.value.device) if record.is_tensor else None),
    }
    return {key: value for key, value in row.items() if value not in (None, "")}
