"""What a call does to memory, by its op's signature: what it changes, what its result shares, what it keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from tensorflow_free.binding.arguments import Bound
from tensorflow_free.binding.operands import Ref, references
from tensorflow_free.binding.scope import values_of
from tensorflow_free.ops.guards.handouts import HANDING, KEEPING, base_of
from tensorflow_free.ops.signatures import Op, Signature

Operand = TypeVar("Operand")
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class Effects(Generic[Operand]):
    """What a call does to memory, by its operands; the names are those of `CallRow`.

    `hands_out` says that its result holds the indices of a sparse tensor.
    """

    changes: tuple[Operand, ...] = ()
    shares: tuple[Operand, ...] = ()
    shares_sparse: tuple[Operand, ...] = ()
    holds: tuple[Operand, ...] = ()
    hands_out: bool = False
    views: bool = False
    sparse: bool = False

    @property
    def touches(self) -> bool:
        """Whether it does anything to memory but to make a new value."""
        return bool(self.changes or self.shares or self.shares_sparse or self.holds) or self.hands_out or self.sparse

    def each(self, to: Callable[[Operand], Other]) -> Effects[Other]:
        """The same by something else for each operand."""
        lists = (self.changes, self.shares, self.shares_sparse, self.holds)
        changes, shares, shares_sparse, holds = (tuple([to(one) for one in ones]) for ones in lists)
        return Effects(changes, shares, shares_sparse, holds, self.hands_out, self.views, self.sparse)


def effects_of(op: Op, bound: Bound) -> Effects[Ref]:
    """What a call changes, in whose memory its result may lie, and so on.

    Args:
        op: what is called.
        bound: its arguments.
    """
    signature, given, base = bound.signature, bound.by_parameter, base_of(op.name)
    switches = dict(signature.changes_when)
    changed = [name for name in signature.changes if _switched_on(switches.get(name), signature, given)]
    if given.get("inplace") not in (None, False) and signature.parameters:
        changed.append(signature.parameters[0].name)
    changes = tuple(references(values_of(given, changed)))
    sparse = "sparse" in op.name or given.get("layout") is not None
    if base in HANDING:
        return Effects(changes, hands_out=True, sparse=sparse)
    kept = [parameter.name for parameter in signature.parameters[: KEEPING.get(base, 0)]]
    return Effects(
        changes=changes,
        shares=(*changes, *references(values_of(given, signature.shares))),
        shares_sparse=tuple(references(values_of(given, signature.shares_sparse))),
        holds=tuple(references(values_of(given, kept))),
        views=signature.views,
        sparse=sparse,
    )


def _switched_on(switch: str | None, signature: Signature, written: Mapping[str, Any]) -> bool:
    if switch is None:
        return True
    default = next((one.default for one in signature.parameters if one.name == switch), False)
    value = written.get(switch, default)
    return value is not False and value is not None
