"""The samples of the operator database as recipes that are judged: the op of each alone, forward and backward."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import torch

from tensorflow_free.recipe.names import RECIPE_DTYPES
from tensorflow_free.support.database import OpInfo, database, dtypes_of, samples_at, staying
from tensorflow_free.support.eager_runs import run_eagerly
from tensorflow_free.support.sample_calls import SampleCall, cases
from tensorflow_free.support.translation import UntranslatableError, recipe_of
from tensorflow_free.tensors.dtypes import TORCH_DTYPES, word_of
from tensorflow_free.tracing.op_of_function import UnnamedError

OF_COMPLEX: Final = {"complex128": "float64", "complex64": "float32", "complex32": "float16"}
"""The recipe's dtype that makes its complex tensors of these."""

LOOKED_AT: Final = 40
"""So many more samples of an entry than are asked for are looked at, for those that have elements and gradients."""

SMALLER: Final = 40
"""Samples of an entry that are looked at for a smaller one that fails."""


@dataclass(frozen=True)
class SampleRecipe:
    """A sample as a recipe.

    Attributes:
        entry: the entry's full name.
        dtype: the dtype that was asked of the database.
        mapping: the recipe; its tensors hold torch tensors as `data`.
    """

    entry: str
    dtype: str
    mapping: Mapping[str, Any]

    @property
    def tensors(self) -> Mapping[str, torch.Tensor]:
        """Its starting tensors by name, and the gradients from which backward passes begin."""
        return {name: spec["data"] for name, spec in self.mapping["tensors"].items()}

    @property
    def elements(self) -> int:
        """How many elements the tensors hold that the op is given."""
        return sum(one.numel() for name, one in self.tensors.items() if name.startswith("t"))

    @property
    def has_gradient(self) -> bool:
        """Whether it has a backward pass."""
        return bool(self.mapping.get("backward"))

    def forward(self) -> SampleRecipe:
        """The same without backward passes."""
        kept = {key: value for key, value in self.mapping.items() if key != "backward"}
        return replace(self, mapping={**kept, "tensors": _inputs(self.mapping)})

    def of(self, tensors: Mapping[str, torch.Tensor]) -> SampleRecipe:
        """The same with other numbers."""
        specs = {name: {**spec, "data": tensors[name]} for name, spec in self.mapping["tensors"].items()}
        return replace(self, mapping={**self.mapping, "tensors": specs})


def _inputs(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {name: spec for name, spec in mapping["tensors"].items() if name.startswith("t")}


class NoSample(Exception):
    """There is no sample that a recipe can say; its words say why."""


def chosen_samples(name: str, dtype: str, device: str, count: int | None) -> list[SampleRecipe]:
    """Some samples of an entry as recipes: the first that have elements and, where the entry has them, gradients.

    Args:
        name: the entry's full name.
        dtype: that of the samples.
        device: the kind of device that they are for; the tensors are on the CPU.
        count: how many; None for all that there are.

    Raises:
        NoSample: there is none.
    """
    told: dict[str, None] = {}
    looked = sample_recipes(name, dtype, device, None if count is None else count + LOOKED_AT, told)
    found: list[SampleRecipe] = []
    good = 0
    for one in looked:
        found.append(one)
        good += _is_good(one)
        if count is not None and good == count:
            break
    if not found:
        raise NoSample(next(iter(told), "the database has no sample of this dtype"))
    return sorted(found, key=lambda one: not _is_good(one))[:count]


def _is_good(one: SampleRecipe) -> bool:
    has_elements = one.elements > 0 or not _inputs(one.mapping)
    return has_elements and (one.has_gradient or not _wants_gradient(one))


def _wants_gradient(one: SampleRecipe) -> bool:
    return any(spec.get("requires_grad") for spec in one.mapping["tensors"].values())


def smaller_samples(than: SampleRecipe, device: str) -> list[SampleRecipe]:
    """Other samples of the entry with fewer elements, the fewest first; one of each size."""
    looked = sample_recipes(than.entry, than.dtype, device, SMALLER, {})
    by_size = {one.elements: one for one in looked if 0 < one.elements < than.elements}
    return [by_size[size] for size in sorted(by_size)]


def sample_recipes(
    name: str, dtype: str, device: str, most: int | None, told: dict[str, None]
) -> Iterator[SampleRecipe]:
    """The first samples of an entry as recipes; why others are none comes into `told`."""
    entry, kind = database()[name], TORCH_DTYPES[dtype]
    positions = None if most is None else range(most)
    on_cpu = [] if device == "cpu" else staying(entry, kind, most)
    try:
        for sample, stay in itertools.zip_longest(samples_at(entry, kind, positions, device), on_cpu):
            if sample is None:
                break
            try:
                mapping = recipe_of_sample(next(cases(entry, sample)), kind)
            except (UnnamedError, UntranslatableError) as reason:
                told[f"a recipe cannot say it: {reason}"] = None
                continue
            if mapping is None:
                told["eager PyTorch on the CPU refuses the sample"] = None
            else:
                yield SampleRecipe(name, dtype, _pinned(mapping, stay or ()))
    except Exception as error:  # noqa: BLE001 - the database's own functions may not know a dtype that the CPU lacks
        told[f"the database cannot make its samples: {str(error).partition(chr(10))[0]}"] = None


def _pinned(mapping: Mapping[str, Any], stay: Collection[int]) -> Mapping[str, Any]:
    """The recipe with those of its inputs pinned to the CPU that stay there."""
    pinned = {f"t{place}" for place in stay}
    specs = {name: {**spec, "device": "cpu"} if name in pinned else spec for name, spec in mapping["tensors"].items()}
    return {**mapping, "tensors": specs}


def is_in_pytorch(entry: OpInfo, dtype: str, device: str) -> bool:
    """Whether PyTorch says that an entry supports a dtype on a kind of device."""
    return TORCH_DTYPES[dtype] in dtypes_of(entry, device)


def recipe_of_sample(call: SampleCall, kind: torch.dtype) -> dict[str, Any] | None:
    """The recipe of one sample, with a backward pass from each part of its value; None where torch refuses it.

    Args:
        call: the sample, in one of its forms.
        kind: the dtype that was asked of the database.

    Raises:
        UnnamedError: no recipe can name one of the calls.
        UntranslatableError: no recipe can write one of the arguments.
    """
    passes = _passes(call, kind)
    if passes is None:
        return None
    word = word_of(kind)
    recipe = recipe_of(call, passes)
    if word not in (*RECIPE_DTYPES, *OF_COMPLEX):
        return recipe
    return {"dtype": OF_COMPLEX.get(word, word), **unpinned(recipe, kind)}


def _passes(call: SampleCall, kind: torch.dtype) -> dict[str, torch.Tensor] | None:
    """The gradients that backward passes begin from, by the parts of the value; None where torch refuses the call."""
    made = run_eagerly(call.call, call.args, call.kwargs, call.inputs)
    if made.error is None:
        return made.passes
    if kind not in WIDER:
        return None
    # the CPU may have no kernel for what another device has
    made = run_eagerly(call.call, _widened(call.args, kind), _widened(call.kwargs, kind), ())
    if made.error is not None:
        return None
    wide = WIDER[kind]
    return {name: one.to(kind) if one.dtype == wide else one for name, one in made.passes.items()}


WIDER: Final = {
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
    torch.complex32: torch.complex64,
}
"""The dtypes that the CPU has kernels for where it has none of these."""


def _widened(value: Any, kind: torch.dtype) -> Any:
    """Arguments with each tensor of a dtype in the wider one."""
    if isinstance(value, torch.Tensor):
        return value.detach().to(WIDER[kind]).requires_grad_(value.requires_grad) if value.dtype == kind else value
    if isinstance(value, Mapping):
        return {key: _widened(part, kind) for key, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_widened(part, kind) for part in value)
    return value


def unpinned(mapping: Mapping[str, Any], kind: torch.dtype) -> dict[str, Any]:
    """The recipe with the starts of this dtype left to the recipe's own, so that its reference has them in float64."""
    word = word_of(kind)
    tensors = {
        name: {key: value for key, value in spec.items() if key != "dtype" or value != word}
        for name, spec in mapping["tensors"].items()
    }
    return {**mapping, "tensors": tensors}
