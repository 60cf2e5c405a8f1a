"""Ops as pages: a list of the registry, and one op in full."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from tensorflow_free.binding.arguments import described
from tensorflow_free.ops.docstrings import first_sentence
from tensorflow_free.ops.signatures import REQUIRED, Op, Parameter, Signature
from tensorflow_free.registry import aten_names, find, names, registered, suggest
from tensorflow_free.text.characters import in_a_line
from tensorflow_free.text.page import Page, line, listed, parted, text_lines
from tensorflow_free.text.phrases import shown

NEAR: Final = 20
"""Names of other ops that stand below an op."""


def look_up(pattern: str | None) -> tuple[Page, bool]:
    """What `recipe ops PATTERN` prints, and whether anything fits.

    No pattern lists every op; an op's name shows it in full; a pattern (`*`, `?`, or a part of a name) lists what fits.
    """
    if pattern is None:
        return _listing(names()), True
    op = find(pattern)
    others = [name for name in matching(pattern) if op is None or name != op.name]
    by_words = [name for name in described_by(pattern) if name not in others] if op is None else []
    if op is not None:
        more = ", …" if len(others) > NEAR else ""
        near = [line(f"names with '{pattern}' in them: {', '.join(others[:NEAR])}{more}")] if others else []
        return parted([[line(op.name, "title"), *text_lines("\n".join(_in_full(op)))], near]), True
    if others or by_words:
        return _listing([*others, *by_words], is_told=True), True
    return [line(f"'{pattern}' is not an op, nor part of the name of one{suggest(pattern)}")], False


def matching(pattern: str) -> list[str]:
    """The ops whose names fit a pattern; those of aten only where the pattern says aten."""
    known: Sequence[str] = names() if not pattern.startswith("aten.") else aten_names()
    wild = any(mark in pattern for mark in "*?[") and pattern not in ("[]", "[]=", "*", "**")
    return [name for name in known if (fnmatchcase(name, pattern) if wild else pattern in name)]


def described_by(pattern: str) -> list[str]:
    """The ops whose names and first sentences hold every word of a pattern; none for one with `*` or `?`."""
    words = re.findall(r"\w+", pattern.lower())
    if not words or pattern.startswith("aten.") or not re.fullmatch(r"[\w\s-]+", pattern):
        return []
    wanted = [re.compile(rf"\b{word}") for word in words]
    texts = ((name, re.sub(r"[\W_]+", " ", f"{name} {_about(name)}".lower())) for name in names())
    return [name for name, text in texts if all(word.search(text) for word in wanted)]


def _about(name: str) -> str:
    """What the documentation says of an op in a sentence."""
    op = find(name)
    return "" if op is None or not op.signatures else in_a_line(first_sentence(op.signatures[0].function))


def records(pattern: str | None) -> list[str] | dict[str, Any]:
    """The same as plain values: a list of names, or one op's record."""
    op = find(pattern) if pattern is not None else None
    if op is None:
        return list(names() if pattern is None else dict.fromkeys([*matching(pattern), *described_by(pattern)]))
    return _record(op)


def _listing(found: Sequence[str], *, is_told: bool = False) -> Page:
    """A row for each op, and where a pattern chose it what it does."""
    about = [f"{_brief(name)}  {_about(name)}" if is_told else _brief(name) for name in found]
    return [*listed(found, about), line(f"{len(found)} ops")]


def _brief(name: str) -> str:
    op = find(name)
    if op is None or not op.signatures:
        return ""
    mine = "  (registered by you)" if name in registered() else ""
    return described(op, op.signatures[0]).removeprefix(op.name) + mine


def _in_full(op: Op) -> Iterator[str]:
    yield f"  forms          {', '.join(dict.fromkeys(_forms(op)))}"
    if op.documentation:
        yield f"  documentation  {op.documentation}"
    if about := _about(op.name):
        yield f"  about          {about}"
    notes = [
        "draws random numbers" if op.random else "",
        "makes a tensor, on the recipe's device" if op.factory else "",
        "takes plain numbers for tensors" if op.numbers else "",
    ]
    for note in filter(None, notes):
        yield f"  note           it {note}"
    for signature in op.signatures:
        yield ""
        yield f"  {described(op, signature)}{'' if signature.form == 'function' else f'   [{signature.form}]'}"
        yield from _parameters(signature)


def _forms(op: Op) -> Iterator[str]:
    for signature in op.signatures:
        yield signature.form
    if not op.name.endswith("_") and find(f"{op.name.rpartition('.')[2]}_") is not None and op.name.isidentifier():
        yield f"in place ({op.name}_)"


def _parameters(signature: Signature) -> Iterator[str]:
    width = max((len(parameter.name) for parameter in signature.parameters), default=0)
    for parameter in signature.parameters:
        default = "required" if parameter.default is REQUIRED else f"default {shown(_default(parameter))}"
        words = f"; one of {', '.join(sorted(parameter.words))}" if parameter.words else ""
        also = f"; also written {', '.join(parameter.aliases)}" if parameter.aliases else ""
        yield f"      {parameter.name.ljust(width)}  {_types(parameter)}, {default}{words}{also}"
    fields = [name for name in signature.returns or () if not name.isdigit()]
    if fields:
        yield f"      gives {', '.join(fields)}"
    if signature.changes:
        yield f"      changes {', '.join(signature.changes)}"


def _types(parameter: Parameter) -> str:
    kinds = sorted(parameter.types - {"None"}) or ["None"]
    return " or ".join(kinds) + (" or null" if "None" in parameter.types and kinds != ["None"] else "")


def _default(parameter: Parameter) -> Any:
    value = parameter.default
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value).removeprefix("torch.")


def _record(op: Op) -> dict[str, Any]:
    return {
        "name": op.name,
        "documentation": op.documentation,
        "random": op.random,
        "factory": op.factory,
        "signatures": [
            {
                "form": signature.form,
                "parameters": [
                    {
                        "name": parameter.name,
                        "types": sorted(parameter.types),
                        "required": parameter.default is REQUIRED,
                        "default": None if parameter.default is REQUIRED else str(parameter.default),
                        "keyword_only": parameter.keyword_only,
                        "words": sorted(parameter.words) if parameter.words else None,
                    }
                    for parameter in signature.parameters
                ],
                "returns": signature.returns,
                "changes": signature.changes,
            }
            for signature in op.signatures
        ],
    }
