"""What a call does to memory, by its op's signature: what it changes, what its result shares, what it keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tensorflow_free.binding.arguments import Bound
from tensorflow_free.binding.operands import references
from tensorflow_free.binding.scope import Scope, values_of
from tensorflow_free.ops.guards.handouts import HANDING, KEEPING, base_of
from tensorflow_free.ops.signatures import Op, Signature
from tensorflow_free.plan.call_rows import CallRow


def with_memory(row: CallRow, op: Op, bound: Bound, scope: Scope) -> CallRow:
    """The row with the ids whose memory the call changes, of those whose memory its result may share, and so on.

    Args:
        row: the call.
        op: what is called.
        bound: its arguments.
        scope: the names so far.
    """
    signature, written, base = bound.signature, bound.by_parameter, base_of(op.name)
    switches = dict(signature.changes_when)
    changed = [name for name in signature.changes if _switched_on(switches.get(name), signature, written)]
    if written.get("inplace") not in (None, False) and signature.parameters:
        changed.append(signature.parameters[0].name)
    row.changes = tuple(_roots(values_of(written, changed), scope))
    row.sparse = "sparse" in op.name or written.get("layout") is not None
    if base in HANDING:
        row.holds = (row.out,)
        return row
    row.shares = (*row.changes, *_roots(values_of(written, signature.shares), scope))
    row.shares_sparse = tuple(_roots(values_of(written, signature.shares_sparse), scope))
    row.views = signature.views
    kept = [parameter.name for parameter in signature.parameters[: KEEPING.get(base, 0)]]
    row.holds = tuple(_roots(values_of(written, kept), scope))
    return row


def _roots(values: Sequence[Any], scope: Scope) -> Iterator[int]:
    """The ids of the values whose memory these arguments lie in."""
    for ref in references(values):
        if ref.fields[:1] == ("grad",) and ref.name in scope.gradients:
            yield scope.gradients[ref.name]
        else:
            yield scope.names[ref.name]


def _switched_on(switch: str | None, signature: Signature, written: Mapping[str, Any]) -> bool:
    if switch is None:
        return True
    default = next((one.default for one in signature.parameters if one.name == switch), False)
    value = written.get(switch, default)
    return value is not False and value is not None
