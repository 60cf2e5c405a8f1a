"""A mapping of keys, dotted or nested, as overrides: what `reference` and a case hold (`{steps.c: "x * 2"}`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tensorflow_free.composition.merging import merged, with_value
from tensorflow_free.composition.overrides import Override
from tensorflow_free.recipe.keys import NAMED


def overrides_in(mapping: Mapping[str, Any], above: str) -> list[Override]:
    """The overrides that `mapping` stands for.

    Args:
        mapping: values by dotted key (`steps.c.op`), or nested (`steps: {c: {op: tanh}}`).
        above: the key at which it stands, for messages.
    """
    ordered: dict[str, dict[str, Any]] = {}
    overrides: list[Override] = []
    for key, value in mapping.items():
        first, *rest = key.split(".")
        nested = with_value({}, rest, value)
        # where the order of names counts, a new one goes before the next of the mapping that is there
        if first in NAMED and isinstance(nested, Mapping) and not any(part.isdigit() for part in rest):
            ordered[first] = merged(ordered.get(first, {}), nested)
        else:
            overrides.append(_override(f"{above}.{key}", (first, *rest), value))
    return [*(_override(f"{above}.{first}", (first,), value) for first, value in ordered.items()), *overrides]


def _override(text: str, parts: Sequence[str], value: Any) -> Override:
    return Override(text, "place", tuple(parts), value)
