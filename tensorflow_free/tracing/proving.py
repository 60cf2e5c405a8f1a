"""A captured recipe held against what it was captured from: outputs, gradients, buffers, bit for bit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch.autograd.graph import GradientEdge

from tensorflow_free.judging.as_tensors import same_bits
from tensorflow_free.loading import load_recipe
from tensorflow_free.outcome.reasons import StepFailed
from tensorflow_free.result.result import Result
from tensorflow_free.runner import run
from tensorflow_free.text.phrases import counted
from tensorflow_free.tracing.calls_of_run import kept
from tensorflow_free.tracing.leaves import leaves, memory_of, tensors_in
from tensorflow_free.tracing.refusals import line_of, refusal
from tensorflow_free.tracing.written_recipe import MadeRecipe

UNWRITTEN: Final = re.compile(r"(?:torch\.(?:Tensor\.new_)?|aten\.(?:new_)?)empty[\w.]*")
"""Calls whose memory holds anything, until it is written to: what lies in it is held through those that read it."""


@dataclass(slots=True)
class Proof:
    """What a recipe's run and the callable's own have in common.

    Attributes:
        steps: how many steps the recipe has.
        outputs: how many outputs there are, and how many are equal.
        gradients: the same of gradients.
        buffers: the same of starting tensors that the run changes.
        first: the first step whose value differs, and how; None where all agree.
    """

    steps: int = 0
    outputs: tuple[int, int] = (0, 0)
    gradients: tuple[int, int] = (0, 0)
    buffers: tuple[int, int] = (0, 0)
    first: str | None = None

    @property
    def holds(self) -> bool:
        """Whether everything is equal, bit for bit."""
        return self.first is None and all(
            equal == there for equal, there in (self.outputs, self.gradients, self.buffers)
        )

    def words(self) -> str:
        """In a line: "23 steps; output and 13 of 13 gradients equal, bit for bit"."""
        first = "" if self.first is None else f"; the first step that differs is {self.first}"
        return f"{counted(self.steps, 'step')}; {self.equal} equal, bit for bit{first}"

    @property
    def equal(self) -> str:
        """What is equal: "output and 13 of 13 gradients"."""
        told = [_counted("output", self.outputs)]
        if self.gradients[1]:
            told.append(f"{self.gradients[0]} of {self.gradients[1]} gradients")
        if self.buffers[1]:
            told.append(f"{self.buffers[0]} of {self.buffers[1]} changed tensors")
        return " and ".join([", ".join(told[:-1]), told[-1]]) if len(told) > 1 else told[0]


def _counted(word: str, of: tuple[int, int]) -> str:
    equal, there = of
    return word if there == equal == 1 else f"{equal} of {there} {word}s"


@dataclass(slots=True)
class OwnRun:
    """What the callable gives by itself: outputs by path, gradients and final numbers of starting tensors by name."""

    outputs: dict[str, torch.Tensor] = field(default_factory=dict)
    gradients: dict[str, torch.Tensor | None] = field(default_factory=dict)
    after: dict[str, torch.Tensor] = field(default_factory=dict)


def own_run(call: Callable[[], Any], made: MadeRecipe) -> OwnRun:
    """Run the callable as it is, and backward as the recipe does.

    Args:
        call: runs it, on the starting tensors as they were, with the recipe's seed.
        made: the recipe that was made of it.
    """
    before = {name: tensor.grad for name, tensor in made.starts.items() if tensor.is_leaf}
    for tensor in made.starts.values():
        if tensor.is_leaf:
            tensor.grad = None
    try:
        result = call()
        found = OwnRun({path: kept(tensor) for path, tensor in leaves(result)})
        found.after = {name: kept(tensor) for name, tensor in made.starts.items()}
        target = _target(result, made)
        if target is not None:
            _run_backward(target)
            found.gradients = {
                name: None if tensor.grad is None else kept(tensor.grad)
                for name, tensor in made.starts.items()
                if tensor.requires_grad and tensor.is_leaf
            }
        return found
    finally:
        for name, grad in before.items():
            made.starts[name].grad = grad


def own_of_block(
    result: Any, made: MadeRecipe, after: Mapping[int, torch.Tensor], edges: Mapping[int, GradientEdge]
) -> OwnRun:
    """What code gave that is not run again: its outputs, and gradients of the graph that it left.

    Args:
        result: the outputs.
        made: the recipe that was made of it.
        after: the starting tensors when it ended, by identity.
        edges: where its graph begins, by identity of the starting tensor.

    Raises:
        RecipeError: the graph was freed, or does not differentiate.
    """
    found = OwnRun({path: kept(tensor) for path, tensor in leaves(result)})
    found.after = {name: after[id(tensor)] for name, tensor in made.starts.items()}
    target = _target(result, made)
    wanted = {name: edges[id(tensor)] for name, tensor in made.starts.items() if id(tensor) in edges}
    if target is None or not wanted:
        return found
    # what was computed before the block is no part of it
    ends = [edge.node.register_prehook(_nothing) for edge in wanted.values() if not hasattr(edge.node, "variable")]
    ones = torch.ones_like(target)
    try:
        given = torch.autograd.grad(target, list(wanted.values()), ones, retain_graph=True, allow_unused=True)
    except RuntimeError as error:
        why = re.split(r" \(|\. ", str(error), maxsplit=1)[0]
        instead = "ask for the recipe before `backward`, or capture with `backward=False`"
        raise refusal(f"it cannot be differentiated: {why}", None, instead) from error
    finally:
        for end in ends:
            end.remove()
    found.gradients = dict(zip(wanted, given, strict=True))
    return found


def _nothing(gradients: Sequence[torch.Tensor]) -> tuple[None, ...]:
    return (None,) * len(gradients)


def _run_backward(target: torch.Tensor) -> None:
    try:
        torch.autograd.backward(target, torch.ones_like(target))
    except Exception as error:
        why = str(error).partition("\n")[0]
        raise refusal(f"its own backward fails: {why}", line_of(error), "--no-backward captures it without") from error


def _target(result: Result, made: MadeRecipe) -> torch.Tensor | None:
    written = made.mapping.get("backward")
    if written is None:
        return None
    name = written if isinstance(written, str) else written["target"]
    path = next((path for path, value in made.outputs.items() if value == name), None)
    return None if path is None else dict(leaves(result))[path]


def proof_of(source: Any, made: MadeRecipe, own: OwnRun) -> Proof:
    """Run the recipe and hold it against the callable's own run.

    Args:
        source: the recipe's file.
        made: what it was made of.
        own: the callable's own run.
    """
    recipe = load_recipe(source, ["record=all"])
    result, _ = run(recipe.plan)
    found = held_against(result, made, own)
    found.first = next(_differing(result, made), None)
    return found


def held_against(result: Result, made: MadeRecipe, own: OwnRun) -> Proof:
    """What a recipe's run and the callable's own have in common, its steps left aside."""
    found = Proof(len(made.steps))
    outputs = [
        _is_same(result, _at_the_end(result, made.outputs[path]), tensor) for path, tensor in own.outputs.items()
    ]
    found.outputs = sum(outputs), len(outputs)
    gradients = [_is_same_gradient(result, name, grad) for name, grad in own.gradients.items()]
    found.gradients = sum(gradients), len(gradients)
    changed = {name for name in made.starts if f"{name}.after" in result}
    after = [_is_same(result, f"{name}.after", own.after[name]) for name in changed]
    found.buffers = sum(after), len(after)
    return found


def _differing(result: Result, made: MadeRecipe) -> Iterator[str]:
    if result.error is not None:
        yield _failed(result.error, made)
    unwritten: set[int] = set()
    for name, call in made.steps.items():
        if UNWRITTEN.fullmatch(call.name):
            unwritten.update(memory_of(tensor) for tensor in tensors_in(call.result))
        for (path, tensor), stood in zip(leaves(call.result), call.stood, strict=True):
            value = f"{name}.{path}" if path else name
            if memory_of(tensor) not in unwritten and not _is_same(result, value, stood):
                yield f"{value} ({call.source})"


def _failed(error: StepFailed, made: MadeRecipe) -> str:
    """The step that fails in the recipe and not in the model, with the model's line."""
    call = made.steps.get(error.step)
    where = "" if call is None else f" ({call.source})"
    first = error.message.partition("\n")[0]
    return f"{error.step}{where}: it fails with {error.type}: {first}"


def _is_same(result: Result, name: str, tensor: torch.Tensor) -> bool:
    value = _of(result, name)
    if not isinstance(value, torch.Tensor) or value.dtype != tensor.dtype or value.is_nested != tensor.is_nested:
        return False
    if not tensor.is_nested:
        return _are_same(value, tensor)
    parts, others = value.unbind(), tensor.unbind()
    return len(parts) == len(others) and all(map(_are_same, parts, others))


def _are_same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and same_bits(one, other)


def _of(result: Result, name: str) -> Any:
    return result[name] if name in result else None  # noqa: SIM401 - a result is no mapping


def _at_the_end(result: Result, name: str) -> str:
    """The name under which a result has a value as it was when the run ended."""
    return f"{name}.after" if f"{name}.after" in result else name


def _is_same_gradient(result: Result, name: str, grad: torch.Tensor | None) -> bool:
    value = _of(result, f"{name}.grad")
    return value is None if grad is None else isinstance(value, torch.Tensor) and same_bits(value, grad)
