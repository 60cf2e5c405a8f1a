"""Relations to runs on the same numbers: elsewhere in memory, with other threads, in a wider dtype, once more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from tensorflow_free.judging.rules import epsilon
from tensorflow_free.plan.plan import Plan
from tensorflow_free.relations.changed_runs import Asked, Ground, Rebuilt, UnrelatedError, missing
from tensorflow_free.relations.plain_recipe import in_another_cell
from tensorflow_free.result.result import Result
from tensorflow_free.tensors.dtypes import TORCH_DTYPES


def layout(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """The same numbers elsewhere in memory."""
    words = asked.spec.of
    starts = tuple(
        replace(one, **_memory(words[one.name], ground.starts[one.name])) if one.name in words else one
        for one in ground.plan.starts
    )
    told = ", ".join(f"{name} {word}" for name, word in words.items())
    yield _all(ground, asked, _run(ground, replace(ground.plan, starts=starts)), f"with {told} in memory")


def _memory(word: str, value: torch.Tensor) -> dict[str, Any]:
    """Where the elements of a tensor are to lie, as a starting tensor says it.

    Raises:
        UnrelatedError: a tensor of these dimensions cannot lie so.
    """
    if 0 in value.stride() and value.numel():
        raise UnrelatedError("an expanded tensor, with a stride of 0, lies in memory as it is asked for")
    least = {"transposed": 2, "channels_last": 4}.get(word, 0)
    if value.dim() < least:
        raise UnrelatedError(f"a tensor of {value.dim()} dimensions cannot be {word}, which takes {least}")
    if word == "channels_last":
        return {"memory_format": torch.channels_last, "stride": None, "storage_offset": 0}
    plain = torch.empty(value.shape, device="meta")
    if word == "transposed":
        return {"stride": list(torch.empty(value.mT.shape, device="meta").mT.stride()), "storage_offset": 0}
    times, offset = (2, 0) if word == "gapped" else (1, 1)
    return {"stride": [max(1, step) * times for step in plain.stride()], "storage_offset": offset}


def threads(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """The run with so many threads."""
    for count in asked.spec.of if isinstance(asked.spec.of, list) else [asked.spec.of]:
        recipe = ground.plan.recipe
        settings = {**recipe.settings, "num_threads": count}
        plan = replace(ground.plan, recipe=recipe.model_copy(update={"settings": settings}))
        yield _all(ground, asked, _run(ground, plan), f"with {count} thread{'s' if count > 1 else ''}")


def repeat(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """The run once more, so often."""
    for number in range(2, asked.spec.of + 1):
        yield _all(ground, asked, ground.run({}), f"run {number}")


def upcast(ground: Ground, asked: Asked) -> Iterator[Rebuilt]:
    """The run in a wider dtype.

    Raises:
        UnrelatedError: it is no wider, or the recipe does not run in it.
    """
    recipe, wide = ground.plan.recipe, asked.spec.of
    if epsilon(TORCH_DTYPES[wide]) >= epsilon(TORCH_DTYPES[recipe.dtype]):
        raise UnrelatedError(f"{wide} is no wider than {recipe.dtype}")
    cell = {"device": recipe.device, "backend": recipe.written.get("backend", "eager"), "dtype": wide}
    plan = in_another_cell(recipe, ground.starts, cell)
    rebuilt = _all(ground, asked, _run(ground, plan), f"in {wide}")
    rebuilt.dtype = wide
    yield rebuilt


def _run(ground: Ground, plan: Plan) -> Result:
    return ground.run({}, plan=plan)


def _all(ground: Ground, asked: Asked, found: Result, how: str) -> Rebuilt:
    """All values as they are."""
    rebuilt = Rebuilt(how)
    for name in ground.names(asked):
        record = found.records.get(name)
        if record is None:
            rebuilt.left[name] = missing(found, name)
        else:
            rebuilt.values[name] = record.value
    return rebuilt
