"""A case whose inputs are set to zero in place afterwards: whether the recipe knows which values that changes.

A result keeps each value as it stood when its step ended, also where it shares memory with an input; which do is
decided from the ops' signatures alone. Plain torch shows whether that is right.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import torch

from opdb.bits import differences
from opdb.exceptions import REFUSED, UNWRITTEN, WAVERING
from opdb.running import run_quietly
from opdb.verdicts import Verdict
from tensorflow_free import Result
from tensorflow_free.errors import RecipeError, StepError
from tensorflow_free.ops.guards.bounds import BoundsError
from tensorflow_free.support.eager_runs import SEED, CopiedArguments, flat, seed
from tensorflow_free.support.sample_calls import SampleCall
from tensorflow_free.support.translation import UntranslatableError, recipe_of
from tensorflow_free.tracing.op_of_function import UnnamedError

Pairs = list[tuple[Any, Any]]
"""Each part of a value as it stood, and as it is in the end."""


def try_sharing(case: SampleCall) -> Verdict | None:
    """Run the case without gradients, then set each input to zero in place, both ways; None where that cannot be done."""
    case = case.without_gradients()
    expected, emptied = _eagerly(case)
    if not emptied or case.entry.full_name in WAVERING:
        return None
    try:
        mapping = recipe_of(case, {})
    except (UnnamedError, UntranslatableError):
        return None
    for position in emptied:
        mapping["steps"][f"z{position}"] = {"op": "zero_", "args": [f"t{position}"]}
    try:
        result = run_quietly(mapping)
    except (RecipeError, StepError) as error:
        if is_refused(case, error):
            return Verdict("refused")
        return Verdict("fails", f"{error} <- {mapping['steps']}")
    found = list(_compared(result, expected, defined=case.entry.name not in UNWRITTEN))
    return Verdict("differs", f"{'; '.join(found[:3])} <- {mapping['steps']}") if found else Verdict("alike")


def is_refused(case: SampleCall, error: Exception) -> bool:
    """Whether a check of arguments refuses what the database gives, on purpose."""
    return case.entry.full_name in REFUSED and isinstance(error.__cause__, BoundsError)


def _eagerly(case: SampleCall) -> tuple[Pairs, list[int]]:
    """The parts of the value, and the positions of the inputs that could be set to zero; none where the call fails."""
    copies = CopiedArguments()
    seed(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = case.call(*copies.of(case.args), **copies.of(case.kwargs))
        except Exception:  # noqa: BLE001 - failing alike is another trial's concern
            return [], []
    before = [_stands(part) for _, part in flat("y", value)]
    emptied = [position for position, tensor in enumerate(case.inputs) if _emptied(copies.of(tensor))]
    return list(zip(before, [part for _, part in flat("y", value)], strict=True)), emptied


def _stands(part: Any) -> Any:
    """A part in memory of its own; what is conjugate by its reading alone is worked out, as a result's copy is."""
    return part.detach().clone() if isinstance(part, torch.Tensor) else part


def _emptied(tensor: torch.Tensor) -> bool:
    try:
        tensor.zero_()
    except RuntimeError:  # one element of memory for several of the tensor's
        return False
    return True


def _compared(result: Result, expected: Pairs, *, defined: bool) -> Iterator[str]:
    names = [name for name in result if name.partition(".")[0] == "y" and not name.endswith(".after")]
    if len(names) < len(expected):
        yield f"there are the values {names}, not {len(expected)}"
    # a lambda of the database's may give only the first of several results
    for name, (before, after) in zip(names, expected, strict=False):
        ending = f"{name}.after"
        yield from differences(name, _stands(result[name]), before, defined=defined)
        yield from differences(ending, result[ending if ending in result else name], after, defined=defined)
