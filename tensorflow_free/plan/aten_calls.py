"""What PyTorch's own kernels compute in what a back end of `torch.compile` made: some ops it may leave to them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

_EMPTY: Final = frozenset(
    "empty empty_like empty_strided new_empty new_empty_strided zeros zeros_like new_zeros".split()
)
"""ATen ops whose result somebody else may fill."""

_MOVING: Final = _EMPTY | frozenset(
    "clone contiguous copy copy_ lift lift_fresh lift_fresh_copy resize_ set_ _to_copy _local_scalar_dense".split()
)
"""ATen ops that compute nothing, besides views: a back end makes, copies and reads tensors around what it computes."""


class AtenCalls:
    """The calls of ATen's kernels in what a back end made of graphs, counted while that runs.

    Attributes:
        count: calls that compute something; views and copies do not.
        alone: whether they alone gave what the graphs gave: no tensor came from elsewhere.
    """

    def __init__(self) -> None:
        self.count = 0
        self._foreign = False

    def begin(self) -> None:
        """Count from zero."""
        self.count, self._foreign = 0, False

    @property
    def alone(self) -> bool:
        """See above."""
        return self.count > 0 and not self._foreign

    def counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function of a graph, with the calls inside of it counted here."""

        @functools.wraps(function)
        def counting(*inputs: Any) -> Any:
            with _Counting(inputs) as mode:
                given = function(*inputs)
            self.count += mode.count
            self._foreign |= not mode.knows(given)
            return given

        return counting


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees each call of ATen's below autograd, and which tensors come from the inputs by such calls alone."""

    def __init__(self, inputs: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0
        self._known = WeakIdKeyDictionary()
        self._known.update(dict.fromkeys(_tensors(inputs)))

    def knows(self, given: Any) -> bool:
        """Whether all tensors come from the inputs."""
        return all(one in self._known for one in _tensors(given))

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        """Count a call, and know what it gives."""
        kwargs = kwargs or {}
        if types:  # what is traced meanwhile is not computed
            return func(*args, **kwargs)
        name = func.overloadpacket.__name__
        self.count += not (func.is_view or name in _MOVING)
        knows = name not in _EMPTY and self.knows((args, kwargs))
        given = func(*args, **kwargs)
        for one in _tensors(given):
            if knows:
                self._known[one] = None
            elif one in self._known:
                del self._known[one]
        return given


def _tensors(values: Any) -> list[torch.Tensor]:
    return [one for one in tree_leaves(values) if isinstance(one, torch.Tensor)]
