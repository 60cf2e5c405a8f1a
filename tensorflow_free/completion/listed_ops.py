"""The names of ops for completion, without torch: as the schema of a recipe has them, each with its documentation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from tensorflow_free.completion.candidate import Candidate
from tensorflow_free.files.shipped import shipped


@cache
def op_names() -> Mapping[str, str]:
    """All ops that the schema of a recipe has, each with the first line of what it says of it."""
    try:
        definitions = json.loads((shipped("docs") / "recipe.schema.json").read_bytes())["definitions"]
        names = [name for form in definitions["op"]["anyOf"] for name in form.get("enum", ())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    says: dict[str, str] = {}
    with suppress(KeyError, TypeError, AttributeError):
        says = dict(_described(definitions["of_each_op"]))
    return {name: says.get(name, "") for name in names if isinstance(name, str)}


def _described(of_each_op: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each op with the first sentence of its documentation, which stands behind its signature."""
    for part in of_each_op["allOf"]:
        for one in part["then"]["allOf"]:
            text = one["then"]["properties"]["op"]["description"]
            _, _, said = text.partition("\n\n")
            yield one["if"]["properties"]["op"]["const"], " ".join(said.split("\n\n")[0].split())


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
