"""`Turning`: runs whose singular vectors and eigenvectors have the signs of a cell's; of complex ones the phases.

A singular vector or an eigenvector is right times any unit factor, and which of them LAPACK gives hangs on rounding. So
a reference is given the cell's: each vector is turned by the factor that brings it nearest the cell's, and the two of a
pair of singular vectors by the same one, as what is free is only that of both. The factor is a constant, so that what
is computed from the vectors, gradients included, is right, too. The eigenvalues of a matrix that is not Hermitian come
in no order, says PyTorch; they and their vectors are put in the cell's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import torch

from tensorflow_free.plan.around_calls import with_calls
from tensorflow_free.plan.calls import Site, named_fields
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.registry import find
from tensorflow_free.result.run_value import Record


@dataclass(frozen=True, slots=True)
class Vectors:
    """Where an op's result has its vectors.

    Attributes:
        at: the position of the matrix whose columns they are, if there is one.
        partner: that of the matrix of the right singular vectors, if there is one.
        rows: whether those are the conjugates of its rows.
        unordered: whether what is at position 0 are eigenvalues in no order.
    """

    at: int | None
    partner: int | None = None
    rows: bool = False
    unordered: bool = False


_SVD: Final = Vectors(0, 2, rows=True)
_SVD_COLUMNS: Final = Vectors(0, 2)
_ORDERED: Final = Vectors(1)
_UNORDERED: Final = Vectors(1, unordered=True)
_VALUES_ALONE: Final = Vectors(None, unordered=True)

VECTORS: Final[Mapping[str, Vectors]] = {
    **dict.fromkeys(("linalg.svd", "aten.linalg_svd.default", "aten._linalg_svd.default"), _SVD),
    **dict.fromkeys(("svd", "aten.svd.default", "svd_lowrank", "pca_lowrank"), _SVD_COLUMNS),
    **dict.fromkeys(("linalg.eigh", "aten.linalg_eigh.default", "aten._linalg_eigh.default", "lobpcg"), _ORDERED),
    **dict.fromkeys(("linalg.eig", "aten.linalg_eig.default"), _UNORDERED),
    **dict.fromkeys(("linalg.eigvals", "aten.linalg_eigvals.default"), _VALUES_ALONE),
}
"""The ops that give vectors whose signs are free, by their names in the registry; those of QR are not, in LAPACK."""


def has_vectors(plan: Plan) -> bool:
    """Whether a step of a plan gives vectors whose signs are free."""
    found: list[Site] = []

    def noted(function: Callable[..., Any], site: Site) -> Callable[..., Any]:
        found.extend([site] if _vectors_of(site) else [])
        return function

    with_calls(plan, noted)
    return bool(found)


@dataclass
class Turning:
    """The vectors of a cell, and runs that are given their signs.

    Attributes:
        records: the values of the cell.
    """

    records: Mapping[str, Record]
    _seen: dict[KeyPath, list[Sequence[Any]]] = field(default_factory=dict)
    _visits: Counter[KeyPath] = field(default_factory=Counter)

    def noting(self, plan: Plan) -> Plan:
        """A plan that runs like the cell, whose run notes the vectors that the cell does not record."""

        def around(function: Callable[..., Any], site: Site) -> Callable[..., Any]:
            def noted(*operands: Any) -> Any:
                found = function(*operands)
                parts = [one.detach().clone() if isinstance(one, torch.Tensor) else one for one in _parts_of(found)]
                self._seen.setdefault(site.path, []).append(parts)
                return found

            return noted if _vectors_of(site) else function

        return with_calls(plan, around)

    def into(self, plan: Plan) -> Plan:
        """The plan, whose runs have vectors with the signs of the cell's."""

        def around(function: Callable[..., Any], site: Site) -> Callable[..., Any]:
            vectors = _vectors_of(site)
            if vectors is None:
                return function

            def turned(*operands: Any) -> Any:
                found = function(*operands)
                parts = self._like_cell(_parts_of(found), self._cells(found, site), vectors)
                if isinstance(found, torch.Tensor):
                    return parts[0]
                return tuple(parts) if type(found) is tuple else type(found)(parts)

            return turned

        before = plan.around

        @contextmanager
        def run() -> Iterator[None]:
            self._visits.clear()
            with ExitStack() as stack:
                stack.enter_context(before())
                yield

        return replace(with_calls(plan, around), around=run)

    def _cells(self, found: Any, site: Site) -> Sequence[Any]:
        """What the cell has of each part of a step's result; None of what is not known."""
        number = self._visits[site.path]
        self._visits[site.path] += 1
        seen, parts = self._seen.get(site.path, []), _parts_of(found)
        noted = seen[number] if number < len(seen) else [None] * len(parts)
        if len(site.path) > _TOP:
            # of a step in a block all rounds are recorded together
            return noted
        alone = isinstance(found, torch.Tensor)
        names = [site.name] if alone else [f"{site.name}.{name}" for name, _ in named_fields(found)]
        return [
            self.records[name].value if name in self.records else one for name, one in zip(names, noted, strict=True)
        ]

    def _like_cell(self, found: Sequence[Any], cells: Sequence[Any], vectors: Vectors) -> list[Any]:
        """The parts of a step's result, in the order of the cell's, and with its signs."""
        parts = list(found)
        if vectors.unordered and _are_alike(parts[0], cells[0]):
            parts = _in_order(parts, _order_of(parts[0].detach(), cells[0].to(parts[0])))
        at = vectors.at
        if at is None or not _are_alike(parts[at], cells[at]):
            return parts
        factors = _factors(parts[at], cells[at])
        parts[at] = _times(parts[at], factors)
        if vectors.partner is not None:
            parts[vectors.partner] = _partner(parts[vectors.partner], cells[vectors.partner], factors, vectors)
        return parts


_TOP: Final = 2
"""The length of the path of a step that is in no block: `steps.NAME`."""


def _vectors_of(site: Site) -> Vectors | None:
    op = find(site.op)
    return None if op is None else VECTORS.get(op.name)


def _are_alike(mine: Any, its: Any) -> bool:
    both = isinstance(mine, torch.Tensor) and isinstance(its, torch.Tensor)
    return both and mine.shape == its.shape and mine.is_complex() == its.is_complex() and mine.numel() > 0


def _factors(columns: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """The unit factor that brings each column nearest the cell's; 1 where that has no direction."""
    along = (columns.detach().conj() * cells.to(columns)).sum(-2)
    size = along.abs()
    return torch.where(size.isfinite() & (size > 0), along / size, 1)


def _parts_of(found: Any) -> Sequence[Any]:
    return (found,) if isinstance(found, torch.Tensor) else tuple(found)


def _order_of(values: torch.Tensor, cells: torch.Tensor) -> torch.Tensor | None:
    """Which eigenvalue is each of the cell's: the nearest pairs first; None where they stand in its order."""
    apart = (values.unsqueeze(-2) - cells.unsqueeze(-1)).abs()
    length = values.shape[-1]
    if not apart.numel() or not bool(apart.isfinite().all()):
        return None
    if bool((apart.diagonal(dim1=-2, dim2=-1) <= apart.amin(-1)).all()):
        return None
    flat = apart.reshape(-1, length, length).clone()
    order, every = torch.zeros(flat.shape[:2], dtype=torch.int64, device=values.device), torch.arange(len(flat))
    for _ in range(length):
        nearest = flat.flatten(1).argmin(-1)
        row, column = nearest // length, nearest % length
        order[every, row] = column
        flat[every, row] = torch.inf
        flat[every, :, column] = torch.inf
    return order.reshape(values.shape)


def _partner(right: torch.Tensor, its: Any, factors: torch.Tensor, vectors: Vectors) -> torch.Tensor:
    """The right singular vectors, turned as the left ones; those of no singular value by themselves."""
    is_known = _are_alike(right, its)
    if vectors.rows:
        right, its = right.mH, its.mH if is_known else its
    own = _factors(right, its) if is_known else torch.ones_like(right[..., 0, :])
    paired = factors[..., : right.shape[-1]]
    turned = _times(right, torch.cat([paired, own[..., paired.shape[-1] :]], -1))
    return turned.mH.resolve_conj() if vectors.rows else turned


def _in_order(parts: Sequence[torch.Tensor], order: torch.Tensor | None) -> list[torch.Tensor]:
    """Eigenvalues, and the columns that belong to them, in another order; as they are where there is none."""
    if order is None:
        return list(parts)
    values, *columns = parts
    of_columns = [one.gather(-1, order.unsqueeze(-2).expand(one.shape)) for one in columns]
    return [values.gather(-1, order), *of_columns]


def _times(columns: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Columns times unit factors."""
    factors = factors.unsqueeze(-2)
    # a change of sign rounds nothing, also where results are nudged
    return columns * factors if columns.is_complex() else torch.where(factors < 0, -columns, columns)
