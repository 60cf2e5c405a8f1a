"""One sample input, run as a recipe and in plain eager torch, and how the two differ."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch

from opdb.bits import differences
from opdb.eager import Copies, Outcome, flat, run_eagerly
from opdb.entries import Entry, Form, calls_of, forms, samples
from opdb.exceptions import UNWRITTEN
from opdb.recording import Call, Unnamed
from opdb.translation import SEED, Names, Untranslatable, literal, steps, tensors_in
from tensorflow_free import Result, load_recipe, run_recipe
from tensorflow_free.errors import RecipeError, StepError

ATTEMPTS = 200
"""How often plain torch is asked again whether it gives the same bits each time."""


@dataclass
class Tally:
    """What became of an entry's samples: how many by verdict, and the first words of each kind of trouble."""

    counts: Counter[str] = field(default_factory=Counter)
    troubles: dict[str, str] = field(default_factory=dict)

    def add(self, verdict: str, words: str = "") -> None:
        """Count one sample."""
        self.counts[verdict] += 1
        if words:
            self.troubles.setdefault(f"{verdict}: {words[:400]}", words)

    @property
    def is_well(self) -> bool:
        """Whether there was a sample, and each was the same bit for bit."""
        return bool(self.counts["alike"]) and set(self.counts) <= {"alike", "fails alike", "wavers"}


def try_entry(entry: Entry, dtype: torch.dtype, *, every: bool = False) -> Tally:
    """Run an entry's samples in each of its forms."""
    tally = Tally()
    for sample in samples(entry, dtype, every=every):
        for form in forms(entry):
            if form.in_place and (sample.broadcasts_input or not isinstance(sample.input, torch.Tensor)):
                continue
            try_sample(tally, entry, form, sample)
    return tally


def try_sample(tally: Tally, entry: Entry, form: Form, sample: Any) -> None:
    """Run one sample in one form, and count its verdict."""
    args, kwargs = [sample.input, *sample.args], sample.kwargs
    inputs = list({id(tensor): tensor for tensor in tensors_in([args, kwargs])}.values())
    function = form.function if not form.in_place else lambda first, *rest, **more: form.function(first.clone(), *rest, **more)
    expected = run_eagerly(function, args, kwargs, inputs)
    try:
        mapping = recipe_for(entry, form, args, kwargs, inputs, expected)
    except (Unnamed, Untranslatable) as reason:
        tally.add("not a recipe's", f"{form.name}: {reason}")
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = run_recipe(load_recipe(mapping))
    except RecipeError as error:
        # what Python refuses as a call, a recipe refuses before it runs
        alike = isinstance(expected.error, TypeError)
        tally.add("fails alike" if alike else "refused", f"{form.name}: {error} <- {mapping['steps']}")
        return
    except StepError as error:
        alike = expected.error is not None and type(error.__cause__) is type(expected.error)
        tally.add("fails alike" if alike else "fails", f"{form.name}: {error} <- {mapping['steps']}")
        return
    if expected.error is not None:
        tally.add("does not fail", f"{form.name}: {expected.error!r}")
        return
    found = list(compared(result, expected, inputs, form, defined=entry.name not in UNWRITTEN))
    if not found:
        tally.add("alike")
    elif _wavers(lambda: run_eagerly(function, args, kwargs, inputs), expected):
        tally.add("wavers", f"{form.name}: plain torch differs from itself")
    else:
        tally.add("differs", f"{form.name}: {'; '.join(found[:3])} <- {mapping['steps']}")


def _wavers(call: Callable[[], Outcome], expected: Outcome) -> bool:
    """Whether plain torch gives other bits from one call to the next."""
    values = list(expected.values.items())
    for _ in range(ATTEMPTS):
        again = call().values
        if any(list(differences(name, again[name], value)) for name, value in values):
            return True
    return False


def recipe_for(
    entry: Entry, form: Form, args: list[Any], kwargs: dict[str, Any], inputs: list[torch.Tensor], expected: Outcome
) -> dict[str, Any]:
    """The recipe of a call: its tensors, its steps, and the backward passes that plain torch can do."""
    names, copies = Names(), Copies()
    given = {}
    for position, tensor in enumerate(inputs):
        names.give(copies.of(tensor), f"t{position}")
        given[f"t{position}"] = literal(tensor)
    args, kwargs = copies.of(args), copies.of(dict(kwargs))
    calls: list[Call] = []
    if form.in_place:
        first = args[0].detach().clone()
        calls.append(Call("clone", [args[0]], {}, first))
        args = [first, *args[1:]]
    written = steps([*calls, *calls_of(entry, form, args, kwargs)], names)
    passes = []
    for position, (target, gradient) in enumerate(expected.passes.items()):
        given[f"g{position}"] = literal(gradient)
        passes.append({"target": target, "gradient": f"g{position}", "retain_graph": True})
    mapping: dict[str, Any] = {"seed": SEED, "tensors": given, "steps": written}
    return {**mapping, "backward": passes} if passes else mapping


def compared(
    result: Result, expected: Outcome, inputs: list[torch.Tensor], form: Form, *, defined: bool
) -> Iterator[str]:
    """Every difference between a recipe's result and plain torch's outcome."""
    names = [name for name in result if name.partition(".")[0] == "y" and not name.endswith((".grad", ".after"))]
    fields = [name for name, _ in flat("y", expected.value, fields=True)]
    # a lambda of the database's may give only the first of several results
    if names[: len(fields)] != fields and form.name == "function" and form.op is not None:
        yield f"the values are {names}, not {fields}"
        return
    for name, value in zip(names, expected.values.values(), strict=form.op is not None):
        yield from differences(name, result[name], value, defined=defined)
        if isinstance(value, torch.Tensor):
            yield from _history(result, name, value)
    for position, (before, after) in enumerate(zip(inputs, expected.inputs, strict=True)):
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
