"""`with capturing() as seen:` code that exists, seen where it stands, and given as a recipe that is proven."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import FrameType, TracebackType
from typing import Any, Self

import torch
from torch.autograd.graph import GradientEdge, get_gradient_edge

from tensorflow_free.tracing.below_autograd import CaptureLevel, put_at_level
from tensorflow_free.tracing.calls_of_run import TracedCall, kept
from tensorflow_free.tracing.captured_recipe import (
    SEED,
    CapturedRecipe,
    CaptureOptions,
    copied,
    proven,
)
from tensorflow_free.tracing.leaves import leaves, tensors_in
from tensorflow_free.tracing.origins import Origins, origins_of_names
from tensorflow_free.tracing.proving import own_of_block
from tensorflow_free.tracing.python_state import process_kept
from tensorflow_free.tracing.refusals import refusal
from tensorflow_free.tracing.seen_run import Tracing
from tensorflow_free.tracing.sizes import Sizes
from tensorflow_free.tracing.written_recipe import RecipeWriter


class TracingBlock(Tracing):
    """Takes down the calls of a block, and what it reads and did not make, as that was when it was first read.

    Args:
        around: the tensors and modules that have names around the block.
        level: whose calls are steps.
    """

    def __init__(self, around: Origins, level: CaptureLevel) -> None:
        super().__init__(dict(around.modules), level)
        self.origins = Origins(modules=around.modules)
        self.snapshots: dict[int, torch.Tensor] = {}
        self.edges: dict[int, GradientEdge] = {}
        """Where the graph of the block begins, by starting tensor; a change in place would move it."""
        self._around = around
        self._of_block: dict[int, torch.Tensor] = {}

    def seen(
        self,
        func: Callable[..., Any],
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        own: type[torch.autograd.Function] | None = None,
    ) -> Any:
        """Make a call, and take it down; what it reads and nothing made is a starting tensor."""
        for one in tensors_in([args, kwargs]):
            if id(one) not in self._of_block and id(one) not in self.snapshots:
                self.origins.add(one, self._around.paths.get(id(one), "input"))
                self.snapshots[id(one)] = copied(one)
                if one.requires_grad:
                    self.edges[id(one)] = get_gradient_edge(one)
        result = super().seen(func, name, args, kwargs, own)
        self._drop_same(args, kwargs)
        read = self.snapshots
        self._of_block.update({id(one): one for one in tensors_in(result) if id(one) not in read})
        return result

    def _drop_same(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Forget a call that gave its own operand: `x.float()` of float32."""
        last = self.taken.calls[-1] if self.taken.calls else None
        if last is None or last.args is not args or last.changed or not isinstance(last.result, torch.Tensor):
            return
        if any(one is last.result for one in tensors_in([args, kwargs])):
            self.taken.calls.pop()
            self.taken.notes.append(f"{last.source}: `{last.name}` gives its own operand here, so it is no step")

    def _apart(self, result: Any, given: Sequence[torch.Tensor]) -> Any:
        """The result as it is where it has a gradient: another object would be another node of the live graph."""
        needs_gradient = isinstance(result, torch.Tensor) and result.requires_grad
        return result if needs_gradient else super()._apart(result, given)


class CapturedBlock:
    """A block whose calls are captured; made by `capturing`.

    Example:
        >>> import torch
        >>> from tensorflow_free import capturing
        >>> with capturing() as seen:
        ...     y = torch.ones(2).exp()
        >>> seen.recipe(y).made.mapping["steps"]
        {'ones': 'torch.ones(2)', 'exp': 'ones.exp()'}
    """

    def __init__(self, options: CaptureOptions, frame: FrameType | None) -> None:
        self._options = options
        self._watching = TracingBlock(origins_of_names(_names_of(frame)), options.level)
        self._place = "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
        self._after: dict[int, torch.Tensor] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Begin to see calls."""
        with ExitStack() as stack:
            stack.enter_context(process_kept())
            torch.manual_seed(SEED)
            stack.enter_context(self._watching.watched())
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """See calls no more."""
        self._open.__exit__(kind, error, traceback)
        put_at_level(self._watching.taken, self._options.level)
        self._after = {key: kept(tensor) for key, tensor in self._watching.origins.tensors.items()}

    def recipe(self, *outputs: Any) -> CapturedRecipe:
        """What was seen, as a recipe, proven.

        Args:
            outputs: values that the block made, in tuples, mappings or dataclasses too; by default all tensors that it
                made and did not read again. The first that can be differentiated is.

        Returns:
            The recipe. Its `proof` holds each step against what it gave in the block, and gradients against those of
            the live graph: ask before `backward`, which frees that.

        Raises:
            RecipeError: no recipe can say it; the message has the line.
        """
        taken, origins = self._watching.taken, self._watching.origins
        result = outputs or tuple(_last_made(taken.calls))
        self._refuse_strangers(result)
        seen = replace(taken, calls=list(taken.calls), result=result)
        snapshots = {key: tensor.clone() for key, tensor in self._watching.snapshots.items()}
        description = self._options.description or f"Captured from {self._place}."
        writer = RecipeWriter(seen, origins, snapshots, description, {}, Sizes({}))
        made = writer.recipe(self._options.backward)
        with process_kept():
            return proven(made, own_of_block(result, made, self._after, self._watching.edges), self._options.stem)

    def _refuse_strangers(self, result: Any) -> None:
        known = {id(tensor) for call in self._watching.taken.calls for tensor in tensors_in(call.result)}
        known |= set(self._watching.origins.tensors)
        for path, tensor in leaves(result):
            if id(tensor) not in known:
                raise refusal(f"output {path} was not made in the block", None, "name values that its calls gave")
        if next(tensors_in(result), None) is None:
            raise refusal("no tensor was made in the block", None, "let the code that is to be captured stand in it")


def capturing(options: CaptureOptions | None = None) -> CapturedBlock:
    """Capture code that exists, where it stands.

    What the block reads and did not make are the starting tensors, as they were when they were first read, named after
    the variables and modules around it. Random numbers in it are drawn from the recipe's seed; behind it the generator
    is as it was before.

    Args:
        options: the level, the description, the name of the files, what is differentiated.

    Returns:
        What is seen; its `recipe` gives the recipe.

    Raises:
        RecipeError: the options ask for what a block cannot have: a submodule, or seeded draws.

    Example:
        >>> import torch
        >>> from tensorflow_free import capturing
        >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
        >>> with capturing() as seen:
        ...     loss = (x.exp() * 2).sum()
        >>> seen.recipe(loss).proof.words()
        '3 steps; output and 1 of 1 gradients equal, bit for bit'
    """
    wanted = options or CaptureOptions()
    if wanted.module is not None or wanted.init:
        what = "module" if wanted.module is not None else "init"
        raise refusal(f"'{what}' is nothing that a block can have", None, "`capture(model, …)` runs the model itself")
    here = inspect.currentframe()
    return CapturedBlock(wanted, None if here is None else here.f_back)


def _names_of(frame: FrameType | None) -> dict[str, Any]:
    """What the names that the code of a frame mentions stand for; those of one object's own attributes for `self`."""
    if frame is None:
        return {}
    code = frame.f_code
    names = (*code.co_varnames, *code.co_cellvars, *code.co_freevars, *code.co_names)
    known = {**frame.f_globals, **frame.f_locals}
    found = {name: known[name] for name in names if name in known}
    owner = found.pop("self", None)
    if isinstance(owner, torch.nn.Module):
        return {**found, "": owner}
    return {**found, **getattr(owner, "__dict__", {})}


def _last_made(calls: Sequence[TracedCall]) -> list[torch.Tensor]:
    """What was made and not read again, in order."""
    made: dict[int, torch.Tensor] = {}
    for call in calls:
        for tensor in call.tensors:
            made.pop(id(tensor), None)
        made.update({id(tensor): tensor for tensor in tensors_in(call.result)})
    return list(made.values())
