"""How a type that is no model is read from JSON and written. Does not import torch."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter


@cache
def adapter_of(kind: type) -> TypeAdapter[Any]:
    """What reads and writes a type by its annotations, and has its JSON Schema.

    It is made when it is first asked for: that of a comparison takes a hundredth of a short run, which has none.
    """
    return TypeAdapter(kind)
