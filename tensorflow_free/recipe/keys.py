"""The keys of a recipe: one table, from which everything about a key is derived.

A new key is a row of `KEYS`, a field of `models.Recipe`, and its use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Key:
    """A key that may stand at the top of a recipe file.

    Attributes:
        name: as it is written.
        default: its value where nobody sets it, as plain values; lists are tuples here.
        says: what it says, in one sentence without a full stop: for help, and the table of the format's page.
        usual: the default in words, where the value alone does not tell.
        form: what its value is, where more is to be said than the type's name: `'3' does not fit `tags`, which is …`.
        names: what each name below it names, where a name below it names a value; their order is that of the run.
        counts: whether another value may give other numbers, so that a golden recorded before it is stale.
        varies: whether it may be overridden when a golden is verified: the recipe stays the one that was recorded.
        in_case: whether a case may hold it; the override of one that none may hold counts before the case is merged.
        of_files: whether it is done with when the files are merged, so that no override can set it.
        per_call: whether the cases that one compiled function is called for may differ in it, although it counts.
        starts: whether the numbers that a run starts from may depend on it.
        cell: whether it is one of those that a cell is named by.
        asked: what `when` may ask of it: its own value, or that of a key below it.
    """

    name: str
    default: Any
    says: str
    usual: str = ""
    form: str = ""
    names: Literal["tensors", "steps"] | None = None
    counts: bool = True
    varies: bool = False
    in_case: bool = True
    of_files: bool = False
    per_call: bool = False
    starts: bool = True
    cell: bool = False
    asked: Literal["itself", "below"] | None = None


KEYS: Final[Mapping[str, Key]] = MappingProxyType({
    key.name: key
    for key in (
        Key("description", None, "what the recipe shows, in a sentence or more", counts=False),
        Key("tags", (), "labels to select recipes by", form="a list of words", counts=False),
        Key("source", None, "where the recipe comes from", counts=False),
        Key("device", "cpu", "where the tensors live", varies=True, starts=False, cell=True, asked="itself"),
        Key(
            "dtype", "float32", "the floating dtype of all tensors that do not pin theirs",
            varies=True, cell=True, asked="itself",
        ),
        Key("seed", 0, "seeds every random number"),
        Key(
            "backend", "eager", "plain PyTorch, or a backend of `torch.compile`",
            form="a name such as inductor, or a mapping with the key 'name'",
            varies=True, per_call=True, starts=False, cell=True, asked="itself",
        ),
        Key("settings", _EMPTY, "PyTorch's settings for this run", varies=True, asked="below"),
        Key("params", _EMPTY, "the recipe's own numbers and words", per_call=True, asked="below"),
        # by the time that the numbers are made, the chosen case is merged
        Key(
            "cases", _EMPTY, "named variants, each merged over the rest of the file",
            form="a mapping from names to mappings of the keys that change", counts=False, in_case=False,
        ),
        Key("case", None, "which of the cases runs", counts=False, in_case=False, asked="itself"),
        Key(
            "tensors", _EMPTY, "the tensors that the run starts from",
            form="a mapping from names to tensors", names="tensors", per_call=True,
        ),
        Key("steps", _EMPTY, "the chain of operations", form="a mapping from names to steps", names="steps"),
        Key(
            "backward", None, "what to differentiate",
            form="a value's name, a mapping with the key 'target', or a list of these",
        ),
        # it leaves values what they are, and those that need gradients out, which a golden lacks that was made so
        Key(
            "forward", False, "whether it runs forward only, and leaves out what needs gradients",
            form="true or false", varies=True, starts=False,
        ),
        Key(
            "checks", _EMPTY, "steps that run afterwards, only for `expect`",
            form="a mapping from names to steps", names="steps",
        ),
        # a mark that comes or goes, or an expectation more, leaves the numbers what they were
        Key(
            "expect", _EMPTY, "what must hold of the result",
            form="a mapping from names to what must hold of them", counts=False, varies=True,
        ),
        # what must hold of other runs leaves the numbers of this one what they were
        Key(
            "relations", _EMPTY, "how the run must relate to runs on other tensors, made of its own",
            form="a mapping from kinds of relations to what they are of, such as batch: {x: 0}",
            counts=False, varies=True, per_call=True, starts=False,
        ),
        # a golden has starting tensors of its own, and whoever verifies it from others is told so
        Key(
            "starts", None, "the saved run whose starting tensors it begins from; on the command line alone",
            form="the folder of a run", counts=False, varies=True, in_case=False,
        ),
        # goldens of before were held to it, too, and their digests have it
        Key(
            "tolerance", None, "the error that expectations allow", usual="by dtype",
            form="a mapping such as {rtol: 1e-5, atol: 0}", varies=True, per_call=True,
        ),
        # it changes no number; that a value was allowed more is told wherever its verdict is
        Key(
            "judge", _EMPTY, "how far a value may be from its reference", form="a mapping such as {k: 12}",
            counts=False, varies=True, per_call=True, starts=False,
        ),
        Key(
            "record", None, "which values the result keeps", usual="`all`; compiled: `outputs`",
            form="all, outputs, or a list of names", varies=True, starts=False,
        ),
        # the numbers are those of one run; only whether they are the same each time is asked
        Key(
            "repeats", 1, "how many times it runs on the same numbers, which must give the same bits",
            form="an integer of at least 1", counts=False, varies=True, starts=False,
        ),
        # what must not be missing in a cell leaves its numbers what they are
        Key(
            "must_run", (), "ops or steps that no cell may lack a kernel for",
            form="all, or a list of ops and steps of the recipe",
            counts=False, varies=True, per_call=True, starts=False,
        ),
        Key("input_precision", None, "a dtype to which the starting values are rounded first"),
        Key("reference", _EMPTY, "what a run is compared with", usual="CPU, eager, float64", per_call=True),
        Key(
            "xfail", (), "known faults", form="a list of mappings with the key 'reason'",
            counts=False, varies=True,
        ),
        Key("ops", (), "the ops of your own that it needs; a stored recipe lists them", per_call=True),
        Key(
            "defaults", None, "recipes of the same folder that this one is merged over",
            counts=False, in_case=False, of_files=True,
        ),
    )
})  # fmt: skip
"""Every key that may stand at the top of a recipe file."""

DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType({
    key.name: key.default for key in KEYS.values() if not key.of_files
})  # fmt: skip
"""What an override may set although the file does not, and what `${device}` is where the file says nothing."""

NAMED: Final = tuple(key.name for key in KEYS.values() if key.names)
"""Keys below which each key is the name of a value, and the order of names is that of the run."""

STEPS: Final = tuple(key.name for key in KEYS.values() if key.names == "steps")
"""Keys below which a value is a step, written out or in one line."""

CELL: Final = tuple(key.name for key in KEYS.values() if key.cell)
"""Keys that a cell is named by, besides its case: where and how it runs."""


def defaults() -> dict[str, Any]:
    """The defaults as fresh plain values, for whoever changes them."""
    return {key: _plain(value) for key, value in DEFAULTS.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


USUAL_REFERENCE: Final[Mapping[str, str]] = MappingProxyType({"device": "cpu", "backend": "eager", "dtype": "float64"})
"""What `reference` is where it does not say otherwise."""

INPUTS: Final = ("own", "original")
"""Whose numbers a reference starts from: the cell's, or those that it would start from itself."""

BLOCKS: Final = ("with", "repeat")
"""The kinds of step that hold other steps; a kind is called as the key that makes it. The third is `op`."""

STEP_KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "op": ("op",),
    "args": ("op",),
    "kwargs": ("op",),
    "retain_grad": ("op",),
    "seed": ("op",),
    "with": ("with",),
    "repeat": ("repeat",),
    "steps": ("with", "repeat"),
    "carry": ("repeat",),
    "trace": ("repeat",),
})  # fmt: skip
"""The keys of a step, and which kinds of step have each."""

KINDS: Final = ("value", "close", "equal", "shape", "dtype", "stride", "contiguous", "shares_memory")
"""What an expectation may ask of a value, in the order it is judged."""

BOUNDS: Final = ("rtol", "atol", "ulp")
"""How far a value may be from what is expected."""

ERROR: Final = "error"
"""What stands below `expect` where the run itself must stop."""

ERROR_KEYS: Final = ("step", "type", "match")
"""What an expectation may ask of a run that must stop."""

EXPECTATION_KEYS: Final = frozenset({*KINDS, *BOUNDS, *ERROR_KEYS, "when"})
"""The keys of one expectation, which end the name of the value that it is for."""

FOLLOWERS: Final = ("grad", "after")
"""What may follow the name of any value and a dot: its gradient, and itself as it was at the end."""
