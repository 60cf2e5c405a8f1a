"""A case run as a recipe and in plain eager torch, and how the two differ: values, inputs afterwards, gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import torch

from opdb.bits import differences
from opdb.entries import with_out
from opdb.exceptions import UNWRITTEN
from opdb.running import run_quietly
from opdb.sharing import is_refused, try_sharing
from opdb.verdicts import Tally, Verdict
from tensorflow_free import Result
from tensorflow_free.errors import RecipeError, StepError
from tensorflow_free.support.database import OpInfo, samples
from tensorflow_free.support.eager_runs import EagerCall, flat, run_eagerly
from tensorflow_free.support.sample_calls import SampleCall, cases
from tensorflow_free.support.translation import UntranslatableError, recipe_of
from tensorflow_free.tracing.op_of_function import UnnamedError

ATTEMPTS: Final = 200
"""How often plain torch is asked again whether it gives the same bits each time."""


def try_entry(entry: OpInfo, dtype: torch.dtype, *, every: bool = False) -> Tally:
    """Run an entry's samples in each of its forms."""
    tally = Tally()
    for sample in samples(entry, dtype, every=every):
        tally.samples += 1
        for case in cases(entry, sample):
            tally.add(try_case(case), case)
            tally.add(try_sharing(case), case)
            written = with_out(case)
            if written is not None:
                tally.add(try_case(written), written)
    return tally


def try_case(case: SampleCall) -> Verdict:
    """Run one case both ways."""
    expected = run_eagerly(case.call, case.args, case.kwargs, case.inputs)
    try:
        mapping = recipe_of(case, expected.passes)
    except (UnnamedError, UntranslatableError) as reason:
        return Verdict("not a recipe's", str(reason))
    try:
        result = run_quietly(mapping)
    except (RecipeError, StepError) as error:
        if is_refused(case, error):
            return Verdict("refused")
        return _failed(error, expected.error, mapping)
    if expected.error is not None:
        return Verdict("does not fail", repr(expected.error))
    found = list(compared(result, expected, case))
    if not found:
        return Verdict("alike", gradients=sum(gradient is not None for gradient in expected.gradients))
    if _wavers(case, expected):
        return Verdict("wavers")
    return Verdict("differs", f"{'; '.join(found[:3])} <- {mapping['steps']}")


def _failed(error: RecipeError | StepError, expected: Exception | None, mapping: Mapping[str, Any]) -> Verdict:
    if isinstance(error, RecipeError):
        # what Python refuses as a call, a recipe refuses before it runs
        alike = isinstance(expected, TypeError)
    else:
        alike = type(error.__cause__) is type(expected) and str(error.__cause__) == str(expected)
    return Verdict("fails alike" if alike else "fails", f"{error} <- {mapping['steps']}, where torch gave {expected!r}")


def _wavers(case: SampleCall, expected: EagerCall) -> bool:
    """Whether plain torch gives other bits from one call to the next."""
    for _ in range(ATTEMPTS):
        again = run_eagerly(case.call, case.args, case.kwargs, case.inputs)
        if any(any(differences(name, again.values[name], value)) for name, value in expected.values.items()):
            return True
    return False


def compared(result: Result, expected: EagerCall, case: SampleCall) -> Iterator[str]:
    """Every difference between a recipe's result and plain torch's outcome."""
    names = [name for name in result if name.partition(".")[0] == "y" and not name.endswith(".grad")]
    fields = [name for name, _ in flat("y", expected.value, fields=True)]
    # a lambda of the database's may give only the first of several results, and a method name them otherwise
    if names != fields and case.form.name == "function" and case.form.op is not None:
        yield f"the values are {names}, not {fields}"
        return
    defined = case.entry.name not in UNWRITTEN
    for name, value in zip(names, expected.values.values(), strict=case.form.op is not None):
        yield from differences(name, result[name], value, defined=defined)
        if isinstance(value, torch.Tensor):
            yield from _history(result, name, value)
    yield from _inputs(result, expected, case, defined=defined)


def _inputs(result: Result, expected: EagerCall, case: SampleCall, *, defined: bool) -> Iterator[str]:
    for position, (before, after) in enumerate(zip(case.inputs, expected.inputs, strict=True)):
        name = f"t{position}"
        yield from differences(name, result[name], before)
        ending = f"{name}.after" if f"{name}.after" in result else name
        yield from differences(ending, result[ending], after, defined=defined or ending == name)
    for position, gradient in enumerate(expected.gradients):
        yield from differences(f"t{position}.grad", result[f"t{position}.grad"], gradient)


def _history(result: Result, name: str, value: torch.Tensor) -> Iterator[str]:
    record = result.records[name]
    stride = tuple(value.stride()) if value.layout == torch.strided else None
    if record.stride != stride:
        yield f"{name} has the strides {record.stride}, not {stride}"
    grad_fn = None if value.grad_fn is None else type(value.grad_fn).__name__
    if (record.requires_grad, record.grad_fn) != (value.requires_grad, grad_fn):
        yield f"{name} has the history {record.requires_grad}, {record.grad_fn}, not {value.requires_grad}, {grad_fn}"
