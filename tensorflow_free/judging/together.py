"""Small values of two runs, measured in one go: a dozen calls of torch's for all of them, not for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from tensorflow_free.judging.measures import Errors
from tensorflow_free.judging.movement import Leeway
from tensorflow_free.judging.passes import FEW, Sums
from tensorflow_free.judging.rounding_rule import Reach, loosened, smallest_of
from tensorflow_free.judging.rules import epsilon
from tensorflow_free.result.run_value import of_name

TwoTensors = tuple[torch.Tensor, torch.Tensor]


def measured_together(pairs: Mapping[str, tuple[Any, Any]], k_of: Callable[[torch.dtype], float]) -> dict[str, Errors]:
    """Errors of those pairs of values that are small and plain, of two floating dtypes, and finite; by name.

    Args:
        pairs: the values of two runs, by name.
        k_of: how many times what rounding moves a value of a dtype may be away.
    """
    alike: dict[tuple[torch.dtype, torch.dtype], dict[str, TwoTensors]] = {}
    for name, (mine, its) in pairs.items():
        if _is_small(mine) and _is_small(its) and mine.shape == its.shape and mine.dtype != its.dtype:
            alike.setdefault((mine.dtype, its.dtype), {})[name] = (mine, its)
    found: dict[str, Errors] = {}
    with torch.no_grad():
        for dtypes, few in alike.items():
            rounded_to = max(dtypes, key=epsilon)
            bound = epsilon(rounded_to) * k_of(rounded_to), smallest_of(rounded_to)
            measured = zip(few, _measured(list(few.values()), bound), strict=True)
            found |= {name: one for name, one in measured if one is not None}
    return found


def reached_together(
    found: Mapping[str, Errors], leeway: Mapping[str, Leeway], k_of: Callable[[torch.dtype], float]
) -> dict[str, Reach]:
    """What was kept of nudged runs comes to for values that were measured together; by name.

    Args:
        found: what was measured.
        leeway: what was kept, by name.
        k_of: as of `measured_together`.
    """
    kept = {name: one for name in found if (one := of_name(leeway, name)) is not None}
    both = {name: (found[name], one) for name, one in kept.items() if one.each.numel() == found[name].elements}
    if not both:
        return {}
    lengths = [errors.elements for errors, _ in both.values()]
    of_each = torch.tensor(lengths)
    factors = torch.tensor([_factors(*pair, k_of) for pair in both.values()], dtype=torch.float64)
    # torch's own would wake a thread, which costs more than all else here
    repeated = torch.from_numpy(np.repeat(factors.numpy(), lengths, axis=0))
    relative, k, smallest = repeated.unbind(-1)
    sizes, apart = (torch.cat([getattr(errors, of) for errors, _ in both.values()]) for of in ("sizes", "errors"))
    allowed = (sizes * relative).add_(torch.cat([one.each for _, one in both.values()]).mul_(k)).add_(smallest)
    shares = torch.segment_reduce(apart / allowed, "max", lengths=of_each).tolist()
    passes = torch.segment_reduce((allowed >= sizes).to(torch.float64), "min", lengths=of_each).tolist()
    return {
        name: Reach(part, share, found[name].peak > 0 and bool(zeros))
        for name, part, share, zeros in zip(both, torch.split(allowed, lengths), shares, passes, strict=True)
    }


def _factors(errors: Errors, kept: Leeway, k_of: Callable[[torch.dtype], float]) -> tuple[float, float, float]:
    """What sizes and leeways are multiplied by, and what is allowed in any case."""
    dtype = max((errors.actual.dtype, errors.expected.dtype), key=epsilon)
    k = k_of(dtype) * loosened(kept)
    return epsilon(dtype) * k, k, smallest_of(dtype)


def _is_small(value: Any) -> bool:
    """Whether a value is one that is read as it lies in memory."""
    if type(value) is not torch.Tensor or not value.dtype.is_floating_point or value.dtype.itemsize == 1:
        return False
    if value.layout != torch.strided or value.device.type != "cpu" or value.is_nested:
        return False
    count = value.numel()
    # of a larger one, a call's own cost is no matter
    if not 0 < count <= FEW or not value.is_contiguous() or value._is_zerotensor() or value.is_neg():  # noqa: SLF001
        return False
    # a `resize_` that fails leaves the new shape on the old storage
    return int(value.untyped_storage().nbytes()) >= (value.storage_offset() + count) * value.dtype.itemsize


def _flat(one: torch.Tensor) -> torch.Tensor:
    return one if one.dim() == 1 else one.view(-1)


def _measured(pairs: Sequence[TwoTensors], bound: tuple[float, float]) -> list[Errors | None]:
    """Errors of pairs of the same two dtypes; None of one that holds what is not finite."""
    lengths = [mine.numel() for mine, _ in pairs]
    mine, its = (torch.cat([_flat(pair[at]) for pair in pairs]).to(torch.float64) for at in (0, 1))
    errors, sizes = (mine - its).abs_(), its.abs_()
    of_each = torch.tensor(lengths)

    def each(values: torch.Tensor, how: str) -> list[float]:
        return torch.segment_reduce(values, how, lengths=of_each).tolist()

    sums = zip(
        torch.split(errors, lengths),
        torch.split(sizes, lengths),
        each(errors * errors, "sum"),
        each(sizes * sizes, "sum"),
        each(errors, "max"),
        each(sizes, "max"),
        each(errors / (sizes * bound[0]).add_(bound[1]), "max"),
        strict=True,
    )
    made: list[Errors | None] = []
    for pair, (part, large, square, power, max_abs, peak, share) in zip(pairs, sums, strict=True):
        known = Sums(part, large, square, power, max_abs, peak, (*bound, share))
        made.append(Errors(*pair, known) if known.is_finite else None)
    return made
