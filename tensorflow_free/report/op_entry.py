"""What is told of an op, as plain data that can be kept; and the tables that give it by name. Does not import torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


class _Told(BaseModel):
    # most of what asks for an op wants no record of it
    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)


class ParameterRecord(_Told):
    """A parameter of a call, as `--json` gives it."""

    name: str
    types: list[str]
    required: bool
    default: str | None
    keyword_only: bool
    words: list[str] | None


class SignatureRecord(_Told):
    """One way to call an op, as `--json` gives it."""

    form: str
    parameters: list[ParameterRecord]
    returns: list[str] | None
    changes: list[str]


class OpRecord(_Told):
    """An op, as `--json` gives it."""

    name: str
    documentation: str | None
    random: bool
    factory: bool
    signatures: list[SignatureRecord]


class OpEntry(_Told):
    """What is told of an op.

    Attributes:
        name: its name.
        brief: its parameters, in a line.
        about: what the documentation says of it in a sentence; empty where it says nothing.
        page: all that is told of it, in lines.
        record: the same as JSON, an `OpRecord`.
        is_function: whether torch has a function of this name.
        is_member: whether a tensor has a method or an attribute of this name.
    """

    name: str
    brief: str
    about: str
    page: str
    record: str
    is_function: bool = False
    is_member: bool = False


@dataclass(frozen=True, slots=True)
class OpTable:
    """A table of ops.

    Attributes:
        names: gives the name of every op but those of aten, sorted.
        aten_names: gives the names of those of aten, sorted.
        find: gives what is told of the op that a word names, in any spelling; None where it names none.
    """

    names: Callable[[], tuple[str, ...]]
    aten_names: Callable[[], tuple[str, ...]]
    find: Callable[[str], OpEntry | None]
