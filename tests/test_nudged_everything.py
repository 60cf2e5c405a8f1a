"""The nudged runs of recipes and of PyTorch's operator database end where their references end, and change no process.

All of them in the full tier, some in the other.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tensorflow_free import load_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns, NoReference
from tests.wolf import operators, recipes
from tests.wolf.cells import Cell

PARTS = {"recipes": (recipes.cells, 4), "operators": (operators.cells, 20)}


def differences(cell: Cell) -> Iterator[str]:
    """What a nudged run lacks or has of another shape or dtype, and what of the process it left otherwise."""
    source, overrides = cell.source, [f"dtype={cell.dtype}", *cell.overrides]
    try:
        yardstick = yardstick_of(source, overrides, load_recipe(source, overrides), KeptRuns())
    except NoReference:
        return
    before = torch.default_generator.get_state(), torch.get_default_dtype(), torch.is_grad_enabled()
    nudged = yardstick.movement.values(0)
    after = torch.default_generator.get_state(), torch.get_default_dtype(), torch.is_grad_enabled()
    if not torch.equal(before[0], after[0]) or before[1:] != after[1:]:
        yield f"{cell.words}: the process is another"
    for name, record in yardstick.reference.records.items():
        if (
            record.kind != "check"
            and name not in yardstick.incomparable
            and form(record.value) != form_of(nudged, name)
        ):
            yield f"{cell.words}: {name} is {form_of(nudged, name)}, and {form(record.value)} in the reference"


def form(value) -> str:
    is_plain = isinstance(value, torch.Tensor) and not value.is_nested
    return f"{value.dtype} {list(value.shape)}" if is_plain else type(value).__name__


def form_of(records, name) -> str:
    return form(records[name].value) if name in records else "missing"


@pytest.mark.parametrize("part", list(PARTS))
def test_a_nudged_run_makes_what_its_reference_makes(part, full):
    cells, every = PARTS[part]
    found = list(cells(part, 1 if full else every, dtypes=["float64"]))
    assert len(found) >= 8
    assert [told for cell in found for told in differences(cell)] == []
