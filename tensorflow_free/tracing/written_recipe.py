"""From what was seen of a run to the mapping of a recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import torch

from tensorflow_free.errors import RecipeError
from tensorflow_free.recipe.names import RECIPE_DTYPES, did_you_mean
from tensorflow_free.tensors.dtypes import word_of
from tensorflow_free.tracing.call_texts import TextsOfCalls, in_own_dtype, other_dtypes
from tensorflow_free.tracing.call_words import NotSaid, WordsOfCalls
from tensorflow_free.tracing.calls_of_run import BlockState, Taken, TracedCall
from tensorflow_free.tracing.leaves import leaves, memory_of, tensors_in
from tensorflow_free.tracing.op_of_function import UnnamedError, op_name, op_of_library
from tensorflow_free.tracing.origins import Origins
from tensorflow_free.tracing.own_functions import op_name_of
from tensorflow_free.tracing.refusals import refusal
from tensorflow_free.tracing.sizes import Sizes
from tensorflow_free.tracing.starting import facts_of, start_of
from tensorflow_free.tracing.unsaid import under_transform
from tensorflow_free.tracing.value_names import Names, wanted_name

Backward = str | bool
"""The name of the value to differentiate; True for the first output that can be; False for none."""

PUBLIC_ELSEWHERE: Final = {"torch.functional.": "", "torch._C._nn.": "nn.functional.", "torch._C._fft.": "fft."}
"""Where functions are defined that are public under another name."""


@dataclass(slots=True)
class MadeRecipe:
    """A recipe made of a run.

    Attributes:
        mapping: what its file says.
        files: the tensors that lie in a file beside it, by name.
        starts: the starting tensors, by name.
        steps: the call of each step, by name.
        outputs: the path of each tensor of what the callable gave, and the name of the value that it is.
        notes: what is worth knowing, and no failure.
    """

    mapping: dict[str, Any]
    files: dict[str, torch.Tensor] = field(default_factory=dict)
    starts: dict[str, torch.Tensor] = field(default_factory=dict)
    steps: dict[str, TracedCall] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def own_functions(self) -> list[type[torch.autograd.Function]]:
        """The functions of autograd's that users wrote, which its steps call."""
        return list(dict.fromkeys(call.own for call in self.steps.values() if call.own is not None))


def op_of(call: TracedCall) -> str:
    """What a recipe calls a call's function.

    Raises:
        RecipeError: it is no op.
    """
    if call.own is not None:
        return op_name_of(call.own, call.source)
    for prefix, public in PUBLIC_ELSEWHERE.items():
        if call.name.startswith(prefix):
            return public + call.name.removeprefix(prefix)
    if call.name in ("torch.Tensor.__getitem__", "torch.Tensor.__setitem__"):
        return call.name.rpartition(".")[2]
    try:
        return op_name(call.function, call.args, call.kwargs)
    except UnnamedError:
        raise refusal(f"'{call.name}' is not an op of a recipe's", call.source, _how_to_register(call)) from None


def _how_to_register(call: TracedCall) -> str:
    """What is to be done about a function that is no op."""
    library_op = op_of_library(call.function)
    if library_op is None:
        return "register it with `register_op`, and name the file by --ops"
    return f'register it in a file that --ops names: register_op("{library_op}", torch.ops.{library_op})'


def own_dtype(origins: Origins) -> torch.dtype:
    """The floating dtype of most of the numbers that a run starts from, which becomes the recipe's."""
    counts: Counter[torch.dtype] = Counter()
    for tensor in origins.tensors.values():
        if tensor.dtype.is_floating_point and word_of(tensor.dtype) in RECIPE_DTYPES:
            counts[tensor.dtype] += tensor.numel()
    return counts.most_common(1)[0][0] if counts else torch.get_default_dtype()


def own_device(origins: Origins) -> torch.device:
    """The device of most of the tensors that a run starts from."""
    counts = Counter(tensor.device for tensor in origins.tensors.values())
    return counts.most_common(1)[0][0] if counts else torch.device("cpu")


class RecipeWriter:
    """Makes a recipe of the calls of a run."""

    def __init__(
        self,
        taken: Taken,
        origins: Origins,
        snapshots: Mapping[int, torch.Tensor],
        description: str,
        draws: Mapping[int, dict[str, Any]],
        sizes: Sizes,
    ) -> None:
        self._sizes = sizes
        self._taken = taken
        self._origins = origins
        self._draws = draws
        """What draws starting tensors whose numbers are not written, by identity."""
        self._snapshots = snapshots
        """The starting tensors as they were before the run, by identity."""
        self._description = description
        self._names = Names()
        self._name_of: dict[int, str] = {}
        self._floating = own_dtype(origins)
        self._device = own_device(origins)
        self.made = MadeRecipe({})

    def recipe(self, backward: Backward) -> MadeRecipe:
        """The recipe.

        Args:
            backward: the name of the value to differentiate; True for the first output that can be; False for none.

        Raises:
            RecipeError: no recipe can say the run.
        """
        if next(tensors_in(self._taken.result), None) is None:
            given = f"the model gives a {type(self._taken.result).__name__}, in which there is no tensor"
            raise refusal(given, None, "return what is to be compared")
        calls = self._needed()
        self._name_starts(calls)
        mapping: dict[str, Any] = {"description": self._description}
        if self._floating != torch.float32:
            mapping["dtype"] = word_of(self._floating)
        if self._device.type != "cpu":
            mapping["device"] = str(self._device)
        if self._sizes.params:
            mapping["params"] = dict(self._sizes.params)
        mapping["tensors"] = dict(self._starts())
        mapping["steps"] = self._steps(calls)
        self.made.mapping = mapping
        self.made.outputs = {path: self._name(tensor) for path, tensor in leaves(self._taken.result)}
        self._tell()
        target = self._target(backward)
        if target is not None:
            mapping["backward"] = target
        return self.made

    # what is kept

    def _needed(self) -> list[TracedCall]:
        """The calls whose values lead to an output, or that change what does, or draw random numbers."""
        wanted = {id(tensor) for tensor in tensors_in(self._taken.result)}
        wanted |= {id(tensor) for tensor in self._origins.tensors.values()}
        shared = self._storages()
        numbers: set[int] = set()
        kept: list[TracedCall] = []
        for call in reversed(self._taken.calls):
            gives = {id(tensor) for tensor in tensors_in(call.result)}
            gives_number = isinstance(call.result, float) and id(call.result) in numbers
            changes = any(memory_of(one) in shared for one in call.changed)
            if not (gives & wanted or gives_number or changes or call.draws):
                continue
            kept.append(call)
            for one in call.tensors:
                wanted.add(id(one))
                shared.add(memory_of(one))
            numbers.update(id(value) for value in _floats(call))
        return kept[::-1]

    def _storages(self) -> set[int]:
        found = [*tensors_in(self._taken.result), *self._origins.tensors.values()]
        return {memory_of(one) for one in found}

    # names

    def _name_starts(self, calls: Sequence[TracedCall]) -> None:
        """Name what is read and was not made by a call."""
        made: set[int] = set()
        for call in calls:
            for tensor in call.tensors:
                if id(tensor) not in made:
                    self._name_start(tensor, call)
            made.update(id(tensor) for tensor in tensors_in(call.result))
        for tensor in tensors_in(self._taken.result):
            if id(tensor) not in made:
                self._name_start(tensor, None)

    def _name_start(self, tensor: torch.Tensor, call: TracedCall | None) -> None:
        if id(tensor) in self._name_of:
            return
        path = self._origins.paths.get(id(tensor))
        if path is None:
            raise self._stranger(call)
        self._name_of[id(tensor)] = self._names.free(path)
        self.made.starts[self._name_of[id(tensor)]] = tensor

    def _stranger(self, call: TracedCall | None) -> RecipeError:
        for source, transform in self._taken.under.items():
            return under_transform(transform, source)
        left = next(iter(self._taken.left.items()), None)
        why = "" if left is None else f" (it left PyTorch by `{left[1].rpartition('.')[2]}()` at {left[0]})"
        return refusal(
            f"a tensor comes from where PyTorch cannot be seen{why}",
            None if call is None else call.source,
            "make it an argument, or a buffer of a module",
        )

    def _name(self, tensor: torch.Tensor) -> str:
        return self._name_of[id(tensor)]

    # parts of the mapping

    def _starts(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, tensor in self.made.starts.items():
            before = self._snapshots[id(tensor)].requires_grad_(tensor.requires_grad)
            drawn = self._draws.get(id(tensor))
            facts = facts_of(before, self._floating, self._device)
            said = start_of(before, self._floating, self._device) if drawn is None else {**drawn, **facts}
            if said is None:
                self.made.files[name] = before.detach()
                said = {"init": "load", "path": "", "key": name, **facts}
            if set(said) == {"data"}:
                said = said["data"]
            yield name, said

    def _steps(self, calls: Sequence[TracedCall]) -> dict[str, Any]:
        """Each call as a step; what is changed in place goes by the name of the step that changed it last."""
        blocks = Blocks(self._names)
        texts = TextsOfCalls(WordsOfCalls(self._name, self._number, self._floating, self._device))
        values = set(self.made.starts)
        for call in calls:
            said = in_own_dtype(call, self._floating)
            op = op_of(said)
            name = self._names.free(wanted_name(call, op), parts=texts.parts(call))
            try:
                step = texts.step(name, op, said, values)
            except NotSaid as reason:
                raise refusal(
                    f"'{op}' is given {reason}, which no recipe can say",
                    call.source,
                    "give it tensors, numbers and words",
                ) from None
            blocks.add(name, step, call.state)
            values.add(name)
            self.made.steps[name] = call
            self._give(call, name)
        return blocks.steps

    def _give(self, call: TracedCall, name: str) -> None:
        if isinstance(call.result, float):
            self._name_of[id(call.result)] = name
        for path, tensor in leaves(call.result):
            self._name_of[id(tensor)] = f"{name}.{path}" if path else name

    def _number(self, value: float) -> str | None:
        """The name of the step that gave a number."""
        return self._name_of.get(id(value))

    def _target(self, backward: Backward) -> Any:
        """What is differentiated, with a gradient of ones where it is no scalar.

        Raises:
            RecipeError: the value that is named cannot be.
        """
        outputs = {self._name(one): one for one in tensors_in(self._taken.result) if one.requires_grad}
        if isinstance(backward, str) and backward not in outputs:
            near = did_you_mean(backward, outputs) or f"; outputs are {', '.join(outputs) or 'none'}"
            raise refusal(f"'{backward}' is no output that can be differentiated{near}", None, "name an output")
        name = backward if isinstance(backward, str) else next(iter(outputs), None)
        if backward is False or name is None:
            return None
        return name if outputs[name].numel() == 1 else {"target": name, "gradient": {"init": "ones"}}

    def _tell(self) -> None:
        self.made.notes += self._sizes.notes + self._taken.notes + list(other_dtypes(self.made.steps, self._floating))
        for source, name in self._taken.asked.items():
            self.made.notes.append(
                f"{source}: `{name.rpartition('.')[2]}` gives Python a number; what hangs on it was captured as it ran"
            )


class Blocks:
    """Steps in the `with` blocks that stood around them."""

    def __init__(self, names: Names) -> None:
        self.steps: dict[str, Any] = {}
        self._names = names
        self._open: list[tuple[Any, dict[str, Any]]] = []

    def add(self, name: str, step: Any, state: BlockState) -> None:
        """Add a step in the blocks of its state: those that are open already, as far as they are the same."""
        wanted = list(_contexts(state))
        same = 0
        while same < min(len(wanted), len(self._open)) and self._open[same][0] == wanted[same]:
            same += 1
        del self._open[same:]
        for context in wanted[same:]:
            inside: dict[str, Any] = {}
            self._here[self._names.free(context if isinstance(context, str) else next(iter(context)))] = {
                "with": context,
                "steps": inside,
            }
            self._open.append((context, inside))
        self._here[name] = step

    @property
    def _here(self) -> dict[str, Any]:
        return self._open[-1][1] if self._open else self.steps


def _contexts(state: BlockState) -> Iterator[Any]:
    """The blocks of a state, the outermost first."""
    if state.autocast is not None:
        _, dtype, keeps = state.autocast
        yield {"autocast": {"dtype": word_of(dtype), **({} if keeps else {"cache_enabled": False})}}
    if state.inference:
        yield "inference_mode"
    elif not state.grad:
        yield "no_grad"


def _floats(call: TracedCall) -> Iterator[float]:
    for value in [*call.args, *call.kwargs.values()]:
        if isinstance(value, float):
            yield value
