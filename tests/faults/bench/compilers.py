"""Faults in compilers: back ends of `torch.compile` that rewrite one node of the graph, forward or backward."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal
from zlib import crc32

import torch
from functorch.compile import make_boxed_func
from torch._dynamo.backends.common import aot_autograd
from torch._dynamo.backends.registry import register_backend

from tests.faults.bench.fault import Wrong

NAME: Final = "bench_compiler"
"""The back end that rewrites what it is told to, and nothing else."""

Graph = Literal["", "forward", "backward"]


class Rewriting:
    """What the back end is to rewrite.

    Attributes:
        op: the node's op: one of ATen's overloads, as `_softmax.default`; empty for none.
        graph: the graph that it is in.
        wrong: what it is rewritten to.
        count: how many nodes were.
        always: whether it is rewritten in each graph that is compiled, and not in the first alone.
    """

    def __init__(self) -> None:
        self.op, self.graph, self.count, self.always = "", "", 0, False
        self.wrong: Wrong | None = None

    def compiler(self, graph: Graph) -> Callable[..., Any]:
        def compiled(module: torch.fx.GraphModule, inputs: Any) -> Any:
            del inputs
            if self.op and self.graph == graph and (self.always or not self.count):
                self._rewrite(module)
            return make_boxed_func(module.forward)

        return compiled

    def _rewrite(self, module: torch.fx.GraphModule) -> None:
        nodes = [one for one in module.graph.nodes if str(one.target) == f"aten.{self.op}"]
        if nodes and self.wrong is not None:
            node = nodes[crc32(self.op.encode()) % len(nodes)]
            node.target = _rewritten(node.target, self.wrong)
            module.recompile()
            self.count += 1


def _rewritten(true: Callable[..., Any], wrong: Wrong) -> Callable[..., Any]:
    def rewritten(*arguments: Any, **keywords: Any) -> Any:
        return wrong(true, *arguments, **keywords)

    return rewritten


_REWRITING: Final = Rewriting()

register_backend(
    aot_autograd(fw_compiler=_REWRITING.compiler("forward"), bw_compiler=_REWRITING.compiler("backward")), name=NAME
)


@contextmanager
def compiler(op: str, graph: Graph, wrong: Wrong | None, *, always: bool = False) -> Iterator[Rewriting]:
    """Let the back end rewrite one node while a function is compiled inside; without a `wrong`, none.

    Args:
        op: the node's op.
        graph: the graph that it is in.
        wrong: what it is rewritten to.
        always: rewrite one node of each function that is compiled inside, and not of the first alone.
    """
    _REWRITING.op, _REWRITING.graph, _REWRITING.wrong, _REWRITING.count = op if wrong else "", graph, wrong, 0
    _REWRITING.always = always
    try:
        yield _REWRITING
    finally:
        _REWRITING.op, _REWRITING.wrong = "", None
