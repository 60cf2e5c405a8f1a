"""What a recording replaced: how many of its values a golden that was there had otherwise, in a line."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from tensorflow_free.errors import RecipeError, StorageError
from tensorflow_free.golden.cases import StoredCase, encoded
from tensorflow_free.golden.changes import Change, Changes
from tensorflow_free.golden.given_cases import eager_cell
from tensorflow_free.golden.model import EXACT_DTYPE, GoldenCase
from tensorflow_free.golden.places import golden_paths, read_golden_file, review_command
from tensorflow_free.golden.reading import read_case
from tensorflow_free.loading import load_recipe
from tensorflow_free.text.phrases import counted, some


class Before(NamedTuple):
    """A case as a golden has it, before it is recorded anew."""

    model: GoldenCase
    stored: StoredCase


def case_before(path: str | Path, case: str, device: str | None) -> Before | None:
    """The case in the golden that a recording writes; None where it has none, or none that can be read."""
    found = golden_paths(path, device).json
    try:
        golden = read_golden_file(found, path) if found.exists() else None
        if golden is None or case not in golden.cases:
            return None
        return Before(golden.cases[case], read_case(golden, case))
    except StorageError:
        return None


def replaced_words(path: str | Path, case: str, device: str, before: Before, new: StoredCase) -> str:
    """What a golden that was written has otherwise than the one before, in a line.

    Args:
        path: the recipe file.
        case: the case's name; '' for the bare file.
        device: the device of the runs.
        before: the case as it was.
        new: the case as it is now.
    """
    try:
        exact = load_recipe(path, eager_cell(case, device, EXACT_DTYPE))
    except RecipeError:
        return "replaced: there was a golden already"
    changes = list(Changes(before.stored, new, before.model, encoded(new)[0], exact))
    other = [one for one in changes if not one.is_within]
    within = [one for one in changes if one.is_within]
    if not other:
        told = f"{_differ(within)} within the noise" if within else "no value differs from what it was"
        return f"replaced: {told}"
    noise = f", and {len(within):,} more within the noise" if within else ""
    told = f"{_differ(other)} from what it was ({some(one.name for one in other)}){noise}"
    return f"replaced: {told}; in place of this, {review_command(path)} accepts changes one by one"


def _differ(changes: list[Change]) -> str:
    return f"{counted(len(changes), 'value')} {'differs' if len(changes) == 1 else 'differ'}"
