"""A recipe's text and its overrides as one plain mapping that knows its places. Only here are YAML and Hydra known.

`compose` reads files and merges them itself and loads Hydra's parser only for overrides that are not plain.
`run_through_hydra` hands a command line to Hydra; it is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensorflow_free.composition.compose import Composed, case_names, cases_in, compose, untaken_case
from tensorflow_free.composition.keyed import overrides_in
from tensorflow_free.composition.overrides import Override, case_override, parse_override
from tensorflow_free.composition.reader import read_yaml
from tensorflow_free.composition.writer import dump_yaml

if TYPE_CHECKING:
    from tensorflow_free.composition.command import run_through_hydra

__all__ = [
    "Composed",
    "Override",
    "case_names",
    "case_override",
    "cases_in",
    "compose",
    "dump_yaml",
    "overrides_in",
    "parse_override",
    "read_yaml",
    "run_through_hydra",
    "untaken_case",
]


def __getattr__(name: str) -> Any:
    if name == "run_through_hydra":
        from tensorflow_free.composition.command import run_through_hydra  # noqa: PLC0415 - Hydra takes 0.1 s

        return run_through_hydra
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
