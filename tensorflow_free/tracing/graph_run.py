"""A graph of torch.fx run under a tracer, node by node: each call by the module and line that the graph knows."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any
from unittest import mock

import torch
from torch import fx

from tensorflow_free.tracing.graph_names import ends_module, flat_inputs, line_of, module_of
from tensorflow_free.tracing.model_file import COMPILED, Subject
from tensorflow_free.tracing.refusals import refusal
from tensorflow_free.tracing.seen_run import Tracing


class GraphRun(fx.Interpreter):
    """Runs a graph, and tells a tracer whose call each is.

    Args:
        graph: the graph.
        watching: the tracer.
    """

    def __init__(self, graph: fx.GraphModule, watching: Tracing) -> None:
        super().__init__(graph)
        self._watching = watching

    def run_node(self, n: fx.Node) -> Any:
        """Run a node; its module gives what the module's last node gives."""
        with self._watching.placed(module_of(n), line_of(n), gives=ends_module(n)) as placed:
            placed.output = super().run_node(n)
        return placed.output

    def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
        """Call a function; the graph of a checkpoint is run as the graph around it.

        Raises:
            RecipeError: it is what Dynamo leaves of an `autograd.Function`, whose backward no step has.
        """
        if str(target) == "tag_activation_checkpoint":
            return GraphRun(args[0], self._watching).run(*args[1:])
        if str(target) == "autograd_function_apply":
            raise refusal(
                "the graph has the calls of a torch.autograd.Function, and no name for it",
                self._watching.here(),
                "capture the model itself, whose functions become ops",
            )
        return super().call_function(target, args, kwargs)


def plain_subject(made: Subject) -> Subject:
    """What `torch.export.export` and `torch.compile` give as what it holds; open sizes of Dynamo as numbers."""
    function, args, kwargs = made.function, made.args, made.kwargs
    if isinstance(function, torch.nn.Module) and (eager := getattr(function, COMPILED, None)) is not None:
        return Subject(eager, args, kwargs)
    exported = sys.modules.get("torch.export")
    if exported is not None and isinstance(function, exported.ExportedProgram):
        given = (args, kwargs) if args or kwargs or function.example_inputs is None else function.example_inputs
        return Subject(function.module(), *given)
    if isinstance(function, fx.GraphModule):
        return Subject(function, tuple(one.node.hint if isinstance(one, torch.SymInt) else one for one in args), kwargs)
    return made


def run_under(watching: Tracing, subject: Subject) -> Any:
    """Call what is captured, under a tracer; a graph goes node by node."""
    graph = subject.function
    if not isinstance(graph, fx.GraphModule):
        return subject.call()
    flat = flat_inputs(graph, subject.args, subject.kwargs)
    with ExitStack() as stack:
        for inner in graph.modules():
            if inner is not graph and isinstance(inner, fx.GraphModule):
                # graphs of checkpoints, branches and the like, which are called by what holds them
                stack.enter_context(mock.patch.object(inner, "forward", GraphRun(inner, watching).run))
        if flat is None:
            return GraphRun(graph, watching).run(*subject.args, *subject.kwargs.values())
        return graph.graph.process_outputs(GraphRun(graph, watching).run(*flat, enable_io_processing=False))
