"""What a fault of the bench is, and the right cell beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

HOSTS: Final = Path(__file__).parent / "hosts"

Kind = Literal["op", "compiler", "kernel"]
"""Where a fault is put in: an op of the user's own, a node of a compiler's graph, a kernel of PyTorch's.

A device of its own will be the fourth, once there is one that CI has.
"""

Wrong = Callable[..., Any]
"""Called with the true function first, then with what that is called with; what it gives is wrong."""


@dataclass(frozen=True, slots=True)
class Host:
    """A recipe in which faults are put, in one dtype.

    Attributes:
        recipe: its name, of a file in `hosts/`.
        case: its case, which says how large it is; empty where it has none.
        dtype: the dtype of the cell.
    """

    recipe: str
    case: str
    dtype: str

    @property
    def path(self) -> Path:
        return HOSTS / f"{self.recipe}.yaml"

    @property
    def overrides(self) -> list[str]:
        return [f"dtype={self.dtype}", *([f"case={self.case}"] if self.case else [])]

    def __str__(self) -> str:
        return f"{self.recipe}{self.case and ':'}{self.case} {self.dtype}"


@dataclass(frozen=True, slots=True)
class Target:
    """What is wrong in a host: a step, a node or a kernel.

    Attributes:
        kind: where it is put in.
        op: the op: a recipe's word for it, or one of ATen's overloads.
        step: the step's path; empty but for an op of the user's own.
        graph: of a node, the graph that it is in.
    """

    kind: Kind
    op: str
    step: str = ""
    graph: Literal["", "forward", "backward"] = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, self.op, self.step or self.graph)))


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which one target in one host is wrong.

    Attributes:
        host: where.
        target: what.
        manner: how, in words.
        wrong: how, as a function; None where nothing is wrong.
        exact: whether it is one of whole numbers, truth values, NaN or infinities: it counts where anything differs.
    """

    host: Host
    target: Target
    manner: str
    wrong: Wrong | None
    exact: bool = False

    @property
    def name(self) -> str:
        return f"{self.host} | {self.target} | {self.manner}"
