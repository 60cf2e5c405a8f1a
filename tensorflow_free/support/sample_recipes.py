"""A sample of the operator database as a recipe that is judged: its op, forward and backward."""

from __future__ import annotations

from typing import Any

import torch

from tensorflow_free.support.eager_runs import run_eagerly
from tensorflow_free.support.sample_calls import SampleCall
from tensorflow_free.support.translation import recipe_of
from tensorflow_free.tensors.dtypes import word_of


def recipe_of_sample(call: SampleCall, kind: torch.dtype) -> dict[str, Any] | None:
    """The recipe of one sample, with a backward pass from each part of its value; None where torch refuses it.

    Args:
        call: the sample, in one of its forms.
        kind: the dtype that was asked of the database.

    Raises:
        UnnamedError: no recipe can name one of the calls.
        UntranslatableError: no recipe can write one of the arguments.
    """
    expected = run_eagerly(call.call, call.args, call.kwargs, call.inputs)
    if expected.error is not None:
        return None
    return unpinned(recipe_of(call, expected.passes), kind)


def unpinned(mapping: dict[str, Any], kind: torch.dtype) -> dict[str, Any]:
    """The recipe with the starts of this dtype left to the recipe's own, so that its reference has them in float64."""
    word = word_of(kind)
    tensors = {
        name: {key: value for key, value in spec.items() if key != "dtype" or value != word}
        for name, spec in mapping["tensors"].items()
    }
    return {**mapping, "tensors": tensors}
