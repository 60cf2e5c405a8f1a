"""The steps of a recipe as lines of plain PyTorch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import FunctionType
from typing import Any, Final

import torch

from tensorflow_free.ops.backward import BACKWARD, GRAD
from tensorflow_free.plan.call_rows import Block, CallRow
from tensorflow_free.plan.calls import read_field
from tensorflow_free.recipe.models import Recipe, Step
from tensorflow_free.registry import find, registered
from tensorflow_free.reproduction.own_sources import OwnSources
from tensorflow_free.reproduction.python_words import NotWritten, call_of, python_of, subscript_of
from tensorflow_free.tensors.dtypes import TORCH_DTYPES

BINARY: Final = frozenset("+ - * / // % ** @ & | ^ << >> == != < <= > >=".split())
UNARY: Final = frozenset("- ~ +".split())
OPERANDS: Final = 2
INDENT: Final = "    "


@dataclass(slots=True)
class StepLines:
    """Writes rows as lines.

    Attributes:
        recipe: the recipe that the rows are of.
        names: what each value is called, by its id.
        leaves: the leaf tensors that backward in mid-chain gives gradients to, by name.
        retained: values whose gradients are kept, by id.
        sources: the sources of ops of the user's own that the lines call.
    """

    recipe: Recipe
    names: dict[int, str]
    leaves: Mapping[str, int]
    retained: frozenset[int] = frozenset()
    sources: OwnSources = field(default_factory=OwnSources)

    def lines(self, rows: Sequence[CallRow]) -> Iterator[str]:
        """The lines of rows, in order.

        Raises:
            NotWritten: one is nothing that a script can write.
        """
        for row in rows:
            if row.block is not None:
                yield from self._block(row, row.block)
            elif row.function is not None:
                yield from self._row(row)
                if row.out in self.retained:
                    yield f"{self.names[row.out]}.retain_grad()"

    def _named(self, identity: int) -> str:
        return self.names[identity]

    def _python(self, value: Any) -> str:
        return python_of(value, self._named)

    def _row(self, row: CallRow) -> Iterator[str]:
        function = row.function
        if isinstance(function, partial) and function.func is read_field:
            self.names[row.out] = self._field(row, str(function.keywords["field"]))
            return
        seed = None
        if isinstance(function, partial) and getattr(function.func, "__name__", "") == "seeded":
            seed = function.args[0]
        name = row.site.name
        op = find(row.site.op)
        if op is None:
            # a tensor that is written among the arguments
            self.names[row.out] = call_of("torch.tensor", [self._python(one) for one in row.args], {})
            return
        if function is torch.tensor and op.name != "tensor":
            self.names[row.out] = call_of("torch.tensor", [self._python(one) for one in row.args], {})
            return
        taken = self.names.get(row.out) or name
        self.names[row.out] = taken
        if op is BACKWARD:
            yield from self._backward(row, taken)
            return
        text = self._call(op.name, row)
        lines = [text] if op.name == "[]=" else [f"{taken} = {text}"]
        if op.name == "[]=":
            self.names[row.out] = self._python(row.args[0])
        if seed is not None:
            yield "with torch.random.fork_rng():"
            yield f"{INDENT}torch.manual_seed({seed})"
            lines = [INDENT + one for one in lines]
        yield from lines

    def _field(self, row: CallRow, name: str) -> str:
        """Reading a field: `x.grad`, `qr.Q`, `parts[0]`, the gradient that a backward in mid-chain gave."""
        [read] = row.args
        text = self._named(read.id)
        if _is_gradients(text):
            return f'{text}["{name}"]'
        return f"{text}[{name}]" if name.isdigit() else f"{text}.{name}"

    def _call(self, op: str, row: CallRow) -> str:
        args = row.args
        if op in registered():
            return self._own(op, row)
        if op == "[]":
            return f"{self._python(args[0])}[{subscript_of(args[1], self._named)}]"
        if op == "[]=":
            return f"{self._python(args[0])}[{subscript_of(args[1], self._named)}] = {self._python(args[2])}"
        written = row.site.op
        texts, kwargs = [self._python(one) for one in args], {key: self._python(one) for key, one in row.kwargs.items()}
        if written in BINARY and len(texts) == OPERANDS:
            return f"{_operand(texts[0])} {written} {_operand(texts[1])}"
        if written in UNARY and len(texts) == 1:
            return f"{written}{texts[0]}"
        if find(op) is GRAD:
            return self._grad(texts, args, kwargs)
        if op.startswith("aten."):
            return call_of(f"torch.ops.{op}", texts, kwargs)
        return self._public(op, row, texts, kwargs)

    def _public(self, op: str, row: CallRow, texts: list[str], kwargs: Mapping[str, str]) -> str:
        if op.startswith("nn.functional."):
            return call_of(f"F.{op.removeprefix('nn.functional.')}", texts, kwargs)
        plain = op.removeprefix("Tensor.")
        if _is_attribute(op):
            return f"{texts[0]}.{plain}"
        if op.startswith("Tensor.") or not _is_function(plain) or _is_method(row.function):
            receiver = texts[0] if texts[0].isidentifier() or "(" in texts[0] or "." in texts[0] else f"({texts[0]})"
            return call_of(f"{receiver}.{plain}", texts[1:], kwargs)
        return call_of(f"torch.{plain}", texts, kwargs)

    def _grad(self, texts: list[str], args: Sequence[Any], kwargs: Mapping[str, str]) -> str:
        text = call_of("torch.autograd.grad", texts, kwargs)
        return text if isinstance(args[1], (list, tuple)) else f"{text}[0]"

    def _backward(self, row: CallRow, name: str) -> Iterator[str]:
        """A backward in mid-chain, and what its gradients were then."""
        names, options = row.function.args if isinstance(row.function, partial) else ((), {})
        target, gradient, inputs, *_ = row.args
        kwargs = {} if gradient is None else {"gradient": self._python(gradient)}
        kwargs |= {key: repr(value) for key, value in options.items() if value}
        kwargs |= {} if inputs is None else {"inputs": self._python(inputs)}
        yield call_of(f"{self._python(target)}.backward", [], kwargs)
        self.names[row.out] = f"{name}_gradients"
        pairs = [f'"{leaf}": {leaf}.grad.clone()' for leaf in names if self.recipe.tensors[leaf].requires_grad]
        yield f"{name}_gradients = {{{', '.join(pairs)}}}"

    def _own(self, op: str, row: CallRow) -> str:
        """An op of the user's own, by the source of its function."""
        known = find(op)
        if known is None:
            raise NotWritten(f"the op '{op}' of your own, which is not here")
        function = inspect.unwrap(known.signatures[0].function)
        if not isinstance(function, FunctionType):
            raise NotWritten(f"the op '{op}' of your own, which is no function that is defined by `def`")
        return call_of(
            self.sources.add(function, op),
            [self._python(one) for one in row.args],
            {key: self._python(one) for key, one in row.kwargs.items()},
        )

    # blocks

    def _block(self, row: CallRow, block: Block) -> Iterator[str]:
        step = step_at(self.recipe, row.site.path)
        if step.repeat is None:
            yield f"with {context_text(step.context, self.recipe.device)}:"
            yield from self._inside(block.rows)
            return
        for inside, outside in block.enters:
            self.names[inside] = f"{self.names[outside]}_carried"
            yield f"{self.names[inside]} = {self.names[outside]}"
        for name, (_, trace, _) in zip(step.trace, block.traces, strict=True):
            self.names[trace] = f"{row.site.name}_{name}"
            yield f"{self.names[trace]} = []"
        yield f"for _ in range({block.rounds}):"
        yield from self._inside(block.rows)
        for value, trace, keeps in block.traces:
            kept = "clone()" if keeps else "detach().clone()"
            text = self.names[value]
            each = f"{{name: one.{kept} for name, one in {text}.items()}}" if _is_gradients(text) else f"{text}.{kept}"
            yield f"{INDENT}{self.names[trace]}.append({each})"
        if block.carry:
            to, of = ([self.names[one] for one in side] for side in zip(*block.carry, strict=True))
            yield f"{INDENT}{', '.join(to)} = {', '.join(of)}"
        for value, trace, _ in block.traces:
            text = self.names[trace]
            stacked = f"torch.stack({text})"
            if _is_gradients(self.names[value]):
                stacked = f"{{name: torch.stack([one[name] for one in {text}]) for name in {text}[0]}}"
                self.names[trace] = f"{text}_gradients"
            yield f"{self.names[trace]} = {stacked}"

    def _inside(self, rows: Sequence[CallRow]) -> Iterator[str]:
        yield from (INDENT + one for one in list(self.lines(rows)) or ["pass"])


def step_at(recipe: Recipe, path: Sequence[Any]) -> Step:
    """The step at a path of the recipe: `steps.block.steps.y`."""
    steps: Mapping[str, Step] = recipe.steps if path[0] == "steps" else recipe.checks
    step = steps[path[1]]
    for name in path[3::2]:
        step = (step.steps or {})[name]
    return step


def context_text(written: Any, device: str) -> str:
    """A context of PyTorch's as Python writes it."""
    if isinstance(written, str) and written != "autocast":
        return f"torch.{written}()"
    options = {} if isinstance(written, str) else written["autocast"]
    options = {"dtype": options} if isinstance(options, str) else dict(options or {})
    texts = {key: str(TORCH_DTYPES[value]) if key == "dtype" else repr(value) for key, value in options.items()}
    return call_of("torch.autocast", [f'"{device.partition(":")[0]}"'], texts)


def _is_gradients(text: str) -> bool:
    """Whether a value of this name is the gradients that a backward in mid-chain gave, by the name of the leaf."""
    return text.endswith("_gradients")


def _operand(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _is_attribute(op: str) -> bool:
    found = find(op)
    return found is not None and any(one.form == "attribute" for one in found.signatures)


def _is_function(name: str) -> bool:
    found: Any = torch
    for part in name.split("."):
        found = getattr(found, part, None)
    return callable(found)


def _is_method(function: Callable[..., Any] | None) -> bool:
    """Whether what is called is a method of a tensor, below what of ours stands around it."""
    while isinstance(function, partial):
        inner = [one for one in (*function.args, function.func) if callable(one)]
        function = inner[0] if inner[0] is not function else None
    return getattr(function, "__objclass__", None) in torch.Tensor.__mro__
