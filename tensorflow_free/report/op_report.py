"""The registry of this process as a table of ops: what is told of each, made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tensorflow_free.binding.arguments import described
from tensorflow_free.ops.docstrings import first_sentence
from tensorflow_free.ops.signatures import REQUIRED, Op, Parameter, Signature
from tensorflow_free.registry import aten_names, find, names, registered, torch_names
from tensorflow_free.report.op_entry import OpEntry, OpRecord, OpTable, ParameterRecord, SignatureRecord
from tensorflow_free.report.op_pages import fitting, page_of, records_of
from tensorflow_free.text.characters import in_a_line
from tensorflow_free.text.page import Page
from tensorflow_free.text.phrases import shown


def look_up(pattern: str | None) -> tuple[Page, bool]:
    """What `recipe ops PATTERN` prints of the registry, and whether anything fits; see `page_of`."""
    return page_of(pattern, REGISTRY)


def matching(pattern: str) -> list[str]:
    """The ops of the registry whose names fit a pattern; those of aten only where the pattern says aten."""
    return fitting(pattern, REGISTRY)


def records(pattern: str | None) -> list[str] | dict[str, Any]:
    """The same as plain values: a list of names, or one op's record."""
    return records_of(pattern, REGISTRY)


def entry(name: str) -> OpEntry | None:
    """What is told of the op of this name, in any spelling, or None."""
    op = find(name)
    return None if op is None else entry_of(op)


REGISTRY: Final = OpTable(names, aten_names, entry)
"""The registry, the user's ops among its own."""


def entries_of_torch() -> dict[str, OpEntry]:
    """What is told of each of torch's ops but those of aten, and as `Tensor.NAME` of those with a method apart."""
    members = [f"Tensor.{name}" for name in torch_names().members]
    known = {name: found for name in (*torch_names().all, *members) if (found := entry(name)) is not None}
    return {name: found for name, found in sorted(known.items()) if name == found.name}


def entries_of_aten() -> dict[str, OpEntry]:
    """What is told of each of aten's ops."""
    return {name: found for name in aten_names() if (found := entry(name)) is not None}


def entry_of(op: Op) -> OpEntry:
    """What is told of an op."""
    first = op.signatures[0] if op.signatures else None
    mine = "  (registered by you)" if op.name in registered() else ""
    about = "" if first is None else in_a_line(first_sentence(first.function))
    return OpEntry(
        name=op.name,
        brief="" if first is None else described(op, first).removeprefix(op.name) + mine,
        about=about,
        page="\n".join(_in_full(op, about)),
        record=_record(op).model_dump_json(),
        is_function=op.name in torch_names().functions,
        is_member=op.name in torch_names().members,
    )


def _in_full(op: Op, about: str) -> Iterator[str]:
    yield f"  forms          {', '.join(dict.fromkeys(_forms(op)))}"
    if op.documentation:
        yield f"  documentation  {op.documentation}"
    if about:
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
    in_place = f"{op.name}_"
    if (
        op.name.isidentifier()
        and not op.name.endswith("_")
        and (in_place in torch_names().all or in_place in registered())
    ):
        yield f"in place ({in_place})"


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


def _record(op: Op) -> OpRecord:
    return OpRecord(
        name=op.name,
        documentation=op.documentation,
        random=op.random,
        factory=op.factory,
        signatures=[_signature_record(signature) for signature in op.signatures],
    )


def _signature_record(signature: Signature) -> SignatureRecord:
    return SignatureRecord(
        form=signature.form,
        parameters=[_parameter_record(parameter) for parameter in signature.parameters],
        returns=None if signature.returns is None else list(signature.returns),
        changes=list(signature.changes),
    )


def _parameter_record(parameter: Parameter) -> ParameterRecord:
    return ParameterRecord(
        name=parameter.name,
        types=sorted(parameter.types),
        required=parameter.default is REQUIRED,
        default=None if parameter.default is REQUIRED else str(parameter.default),
        keyword_only=parameter.keyword_only,
        words=sorted(parameter.words) if parameter.words else None,
    )
