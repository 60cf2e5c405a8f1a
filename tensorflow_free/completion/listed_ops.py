"""The names of ops for completion, without torch: as the schema of a recipe has them, each with its documentation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

from tensorflow_free.completion.candidate import Candidate
from tensorflow_free.files.shipped import shipped


@cache
def op_names() -> Mapping[str, str]:
    """All ops that the schema of a recipe has, each with the first line of what it says of it."""
    try:
        forms = json.loads((shipped("docs") / "recipe.schema.json").read_bytes())["definitions"]["op"]["anyOf"]
        [offered] = [form for form in forms if "enum" in form]
        return {name: _said(text) for name, text in zip(offered["enum"], offered["enumDescriptions"], strict=True)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _said(text: str) -> str:
    """The first sentence of an op's documentation, which stands behind its signature."""
    _, _, said = text.partition("\n\n")
    return " ".join(said.split("\n\n")[0].split())


def ops(typed: str) -> Iterator[Candidate]:
    """The ops that begin as what is typed; of a namespace further down only its name, such as `linalg.`.

    Operators are offered where one is begun.
    """
    names = {name: says for name, says in op_names().items() if typed or name[0].isalpha() or name[0] == "_"}
    heads = Counter(_head(name, len(typed)) for name in names if name.startswith(typed))
    for head, count in heads.items():
        yield Candidate(head, names.get(head, f"{count} ops"))


def _head(name: str, start: int) -> str:
    """A name up to the first dot behind what is typed."""
    dot = name.find(".", start)
    return name if dot < 0 else name[: dot + 1]
