"""A script that shows a fault: the steps as a function, called as the cell calls them, and in float64."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tensorflow_free.recipe.models import Recipe
from tensorflow_free.reproduction.faults import Fault
from tensorflow_free.reproduction.script_text import ScriptParts, Writing

WIDE = "_64"
"""What stands behind a name of the cell's in the run in float64."""


def fault_script(cell: Recipe, reference: Recipe | None, fault: Fault, folder: Path | None, file: str) -> ScriptParts:
    """A script that shows a value's fault.

    Args:
        cell: the recipe of the cell.
        reference: that of its reference; None where there is none to hold it against.
        fault: what it has to show.
        folder: the folder below which the recipe reads its files.
        file: what the file beside the script is called.

    Raises:
        NotWritten: it says something that a script cannot.
    """
    own = Writing(cell, folder, file, _kept(fault))
    made = own.begun()
    wide = None if reference is None else Writing(reference, folder, file, _kept(fault))
    returned = own.returned(fault.root)
    if wide is not None:
        wide.share_sources(own)
    steps, of_reference = own.function(returned), [] if wide is None else wide.function(returned)
    is_same = steps == of_reference
    name = "steps" if is_same else "steps_in_float64"
    functions = (
        [steps]
        if is_same or not of_reference
        else [steps, [of_reference[0].replace("steps", name, 1), *of_reference[1:]]]
    )
    lines = [line for one in functions for line in (*one, "", "")]
    if wide is not None:
        lines += list(_widened(wide))
    lines += own.called(returned)
    lines += [line for one in own.passes for line in own.one_pass(one)]
    if wide is not None:
        lines += ["", "torch.set_default_dtype(torch.float64)"]
        wide.rename(WIDE)
        given = ", ".join(f"{start.name}{WIDE}" for start in wide.starts)
        lines.append(f"{_tuple([one + WIDE for one in returned])} = {name}({given})")
        lines += [line for one in wide.passes for line in wide.one_pass(one)]
    made.steps = lines
    made.tail = list(_printed(wide, fault))
    own.finish(made)
    return made


def _kept(fault: Fault) -> Sequence[str]:
    return [fault.root] if fault.is_gradient else []


def _widened(wide: Writing) -> Iterator[str]:
    """The starting tensors in float64, of the cell's own numbers."""
    yield "# the same numbers in float64"
    for start in wide.starts:
        if start.dtype is None or not (start.dtype.is_floating_point or start.dtype.is_complex):
            text = f"{start.name}.clone()"
        else:
            text = f"{start.name}.detach().cpu().to({start.dtype}, copy=True)"
        yield f"{start.name}{WIDE} = {text}{'.requires_grad_()' if start.requires_grad else ''}"
    yield ""


def _tuple(names: Sequence[str]) -> str:
    return f"{', '.join(names)}{',' if len(names) == 1 else ''}"


def _printed(wide: Writing | None, fault: Fault) -> Iterator[str]:
    text, of_wide = _element(fault, ""), _element(fault, WIDE)
    shown = _element(fault, "", code=False)
    yield f'print("{shown} =", {text})'
    if wide is not None:
        yield f'print("in float64:", {of_wide})'
    elif fault.wanted:
        yield f'print("expected: {fault.wanted}")'


def _element(fault: Fault, behind: str, *, code: bool = True) -> str:
    root, *fields = fault.value.split(".")
    fields = [field for field in fields if field != "after"]
    path = "".join(f"[{field}]" if field.isdigit() else f".{field}" for field in fields)
    at = f"[{', '.join(map(str, fault.at))}]" if fault.at else ""
    return f"{root}{behind}{path}{at}{'.item()' if code else ''}"
