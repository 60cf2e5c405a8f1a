"""`capture`: a callable's run as a recipe, proven before it is given."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save

from tensorflow_free.composition.writer import dump_yaml
from tensorflow_free.errors import RecipeError
from tensorflow_free.files.whole_files import write_whole
from tensorflow_free.registry import load_ops_file
from tensorflow_free.tracing.below_autograd import CaptureLevel, put_at_level
from tensorflow_free.tracing.calls_of_run import Taken, TracedCall
from tensorflow_free.tracing.drawing_starts import MovingShapes, draws_for, patterns_of, put_into
from tensorflow_free.tracing.frozen_draws import freeze
from tensorflow_free.tracing.graph_run import plain_subject, run_under
from tensorflow_free.tracing.leaves import mapped
from tensorflow_free.tracing.model_file import ModelFile, Subject
from tensorflow_free.tracing.origins import Origins, origins_of
from tensorflow_free.tracing.other_sizes import proofs_at_others
from tensorflow_free.tracing.own_functions import ops_text
from tensorflow_free.tracing.proving import OwnRun, Proof, own_run, proof_of
from tensorflow_free.tracing.python_state import PythonState, process_kept, seed_all
from tensorflow_free.tracing.refusals import refusal
from tensorflow_free.tracing.seen_run import Tracing, stance
from tensorflow_free.tracing.sizes import Sizes, parametrized
from tensorflow_free.tracing.submodules import submodule_of
from tensorflow_free.tracing.written_recipe import Backward, MadeRecipe, RecipeWriter, own_dtype

SEED: Final = 0
"""The seed of a captured recipe; the callable is seeded alike."""


@dataclass(slots=True, repr=False)
class CapturedRecipe:
    """A recipe that was captured.

    Attributes:
        text: what its file says.
        stem: what its files are called: `block` of `block.yaml`, `block.safetensors` and `block_ops.py`.
        made: what it was made of.
        proof: how it compares with what it was captured from.

    Example:
        >>> import torch
        >>> from tensorflow_free import capture
        >>> capture(torch.nn.ReLU(), torch.tensor([-1.0, 2.0])).proof.holds
        True
    """

    text: str
    stem: str
    made: MadeRecipe
    proof: Proof = field(default_factory=Proof)

    def __repr__(self) -> str:
        return f"<CapturedRecipe {self.stem}: {self.proof.words()}>"

    @property
    def numbers(self) -> int:
        """How many numbers of tensors its files hold, but for those that a pattern says."""
        written = [name for name, said in self.made.mapping["tensors"].items() if _holds_numbers(said)]
        return sum(self.made.starts[name].numel() for name in written)

    @property
    def notes(self) -> list[str]:
        """What is worth knowing, and no failure."""
        return self.made.notes

    def write(self, folder: Path) -> list[Path]:
        """Write the recipe, and what lies beside it.

        Returns:
            The files, the recipe first.

        Raises:
            OSError: one cannot be written.
        """
        recipe = folder / f"{self.stem}.yaml"
        written = [recipe]
        if self.made.files:
            written.append(recipe.with_suffix(".safetensors"))
            tensors = {name: tensor.cpu().contiguous().clone() for name, tensor in self.made.files.items()}
            write_whole(written[-1], save(tensors))
        if self.made.own_functions:
            written.append(folder / f"{self.stem}_ops.py")
            write_whole(written[-1], ops_text(self.made.own_functions, recipe.name, folder.resolve()).encode())
        write_whole(recipe, self.text.encode())
        return written


def capture(
    function: Callable[..., Any], *args: Any, options: CaptureOptions | None = None, **kwargs: Any
) -> CapturedRecipe:
    """Run a callable on real tensors, and give its calls of PyTorch's as a recipe, proven.

    Args:
        function: a module or a function; it is run twice, and what it changes is put back.
        args: its arguments.
        options: what is asked of the capture: its level, what is differentiated, the name of its files.
        kwargs: those given by name.

    Returns:
        The recipe; its `proof` says whether it gives the same bits.

    Raises:
        RecipeError: no recipe can say what it does; the message has the line.

    Example:
        >>> import torch
        >>> from tensorflow_free import capture
        >>> found = capture(torch.nn.Linear(4, 2), torch.ones(3, 4))
        >>> found.proof.words()
        '1 step; output and 2 of 2 gradients equal, bit for bit'
        >>> print(found.text.split("steps:")[1].split("backward")[0].strip())
        linear: F.linear(input, weight, bias)
    """
    return captured(Subject(function, args, kwargs), options or CaptureOptions())


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """What is asked of a capture.

    Attributes:
        stem: what its files are called.
        description: what the recipe says of itself; the callable's name by default.
        backward: the name of the value to differentiate; True for the first output that can be; False for none.
        module: the path of a submodule that is captured alone.
        init: whether seeded draws stand in place of numbers.
        freeze_random: whether the random numbers that it draws are kept as starting tensors.
        level: whose calls are steps: PyTorch's public functions (`public`), or the ops of aten below autograd (`aten`).

    Example:
        >>> import torch
        >>> from tensorflow_free import CaptureOptions, capture
        >>> found = capture(torch.nn.ReLU(), torch.tensor([-1.0, 2.0]), options=CaptureOptions(level="aten"))
        >>> found.made.mapping["steps"]
        {'relu': 'aten.relu.default(input)'}
    """

    stem: str = "captured"
    description: str = ""
    backward: Backward = True
    module: str | None = None
    init: bool = False
    level: CaptureLevel = "public"
    freeze_random: bool = False


def captured_from(file: ModelFile, wanted: CaptureOptions) -> CapturedRecipe:
    """As `capture`, of what a function of a file gives; its sizes become parameters of the recipe."""
    return captured(file.made(), wanted, file)


def captured(made: Subject, wanted: CaptureOptions, file: ModelFile | None = None) -> CapturedRecipe:
    """Capture a callable, and prove the recipe."""
    with process_kept(), stance():
        subject = _subject(made, wanted.module)
        origins = origins_of(subject.function, subject.args, subject.kwargs)
        _refuse_odd_starts(origins)
        sizes = Sizes({} if file is None else file.sizes)
        others = {} if file is None else _with_other_sizes(file, sizes, wanted)
        shapes = MovingShapes(origins, {size: found for size, (_, found) in others.items()})
        draws = draws_for(origins.tensors, own_dtype(origins), shapes.moving) if wanted.init else {}
        if draws:
            put_into(origins.tensors, draws, own_dtype(origins))
        snapshots = {key: copied(tensor) for key, tensor in origins.tensors.items()}
        held = PythonState(origins.holders)
        taken = taken_of(subject, origins, wanted.level)
        parametrized(taken.calls, _calls_of_others(others, sizes, wanted.level), sizes)
        if wanted.freeze_random:
            snapshots |= freeze(taken, origins)
        draws = shapes.moved({**patterns_of(origins.tensors, own_dtype(origins), shapes.moving), **draws}, sizes)
        description = wanted.description or f"Captured from {_called(subject.function)}."
        recipe = RecipeWriter(taken, origins, snapshots, description, draws, sizes).recipe(wanted.backward)
        restore(origins, snapshots, held)
        seed_all(SEED)
        own = own_run(subject.call, recipe)
        restore(origins, snapshots, held)
        kept = {} if not wanted.init else {size: one for size, one in others.items() if size not in sizes.without}
        return proven(recipe, own, wanted.stem, lambda path: proofs_at_others(path, recipe, origins, kept, sizes))


def proven(
    recipe: MadeRecipe, own: OwnRun, stem: str, further: Callable[[Path], Iterable[str]] = lambda _: ()
) -> CapturedRecipe:
    """The recipe as its files say it, read back, run, and held against the callable's own run.

    Args:
        recipe: what its files say.
        own: the callable's own run.
        stem: what its files are called.
        further: what else is worth knowing of its file, once it is proven.
    """
    found = CapturedRecipe(_text(recipe, stem), stem, recipe)
    with tempfile.TemporaryDirectory() as folder:
        found.write(Path(folder))
        if recipe.own_functions:
            load_ops_file(Path(folder, f"{stem}_ops.py"))
        found.proof = proof_of(Path(folder, f"{stem}.yaml"), recipe, own)
        if found.proof.holds:
            recipe.notes += further(Path(folder, f"{stem}.yaml"))
    return found


def _subject(made: Subject, module: str | None) -> Subject:
    """What is captured: the callable, or a submodule with the inputs that it has in the run."""
    made = plain_subject(made)
    args, kwargs = mapped((tuple(made.args), dict(made.kwargs)), _as_leaf)
    whole = Subject(made.function, args, kwargs)
    return whole if module is None else submodule_of(whole, module)


def _refuse_odd_starts(origins: Origins) -> None:
    """Refuse starting tensors whose numbers no recipe can write down: those that have none, or are not dense."""
    for key, tensor in origins.tensors.items():
        if type(tensor).__torch_dispatch__ is not torch.Tensor.__torch_dispatch__ and not _is_fake(tensor):
            what = f"'{origins.paths[key]}' is a {type(tensor).__name__}, which runs code of its own in each call"
            raise refusal(what, None, "give what it is made of, and make it in what is captured")
        if tensor.layout != torch.strided or tensor.is_nested or tensor.is_quantized:
            kind = "quantized" if tensor.is_quantized else "nested" if tensor.is_nested else f"of {tensor.layout}"
            what = f"'{origins.paths[key]}' is {kind}, and a recipe starts from dense tensors"
            raise refusal(what, None, "give what it is made of, and make it in what is captured: `x.to_sparse()`")
        if tensor.is_meta or _is_fake(tensor):
            what = f"'{origins.paths[key]}' has a shape and no numbers"
            raise refusal(
                what, None, "give real tensors; a backend of torch.compile's is given them, its later stages not"
            )


def _is_fake(tensor: torch.Tensor) -> bool:
    return type(tensor).__name__ == "FakeTensor"


def _with_other_sizes(file: ModelFile, sizes: Sizes, wanted: CaptureOptions) -> dict[str, tuple[Subject, Origins]]:
    """The model with each of its sizes greater by 1, and what it starts from."""
    found = {}
    for size, value in sizes.base.items():
        try:
            subject = _subject(file.made(**{size: value + 1}), wanted.module)
            found[size] = subject, origins_of(subject.function, subject.args, subject.kwargs)
        except RecipeError as error:
            sizes.fixed(size, error.problems[0].message.partition("; ")[0])
    return found


def _calls_of_others(
    others: Mapping[str, tuple[Subject, Origins]], sizes: Sizes, level: CaptureLevel
) -> dict[str, list[TracedCall]]:
    """The calls of the model with each of its sizes greater by 1."""
    found = {}
    for size, (subject, origins) in others.items():
        held = PythonState(origins.holders)
        try:
            found[size] = taken_of(subject, origins, level).calls
        except RecipeError as error:
            sizes.fixed(size, error.problems[0].message.partition("; ")[0])
        held.restore()
    return found


def taken_of(subject: Subject, origins: Origins, level: CaptureLevel) -> Taken:
    """The calls that a callable makes."""
    watching = Tracing(dict(origins.modules), level)
    seed_all(SEED)
    with watching.watched():
        result = run_under(watching, subject)
    watching.taken.result = result
    put_at_level(watching.taken, level)
    return watching.taken


def _text(made: MadeRecipe, stem: str) -> str:
    for name in made.files:
        made.mapping["tensors"][name]["path"] = f"{stem}.safetensors"
    return dump_yaml(made.mapping)


def _holds_numbers(said: Any) -> bool:
    return not isinstance(said, Mapping) or "data" in said or said.get("init") == "load"


def _as_leaf(tensor: torch.Tensor) -> torch.Tensor:
    """An input as a leaf: what it was computed from is not part of the run."""
    return tensor if tensor.is_leaf else tensor.detach().requires_grad_(tensor.requires_grad)


def copied(tensor: torch.Tensor) -> torch.Tensor:
    """A copy with the same strides."""
    return tensor.detach().clone()


def restore(origins: Origins, snapshots: Mapping[int, torch.Tensor], held: PythonState) -> None:
    """Put all that the run may have changed back as it was: starting tensors, and what objects hold."""
    held.restore()
    with torch.no_grad():
        for key, tensor in origins.tensors.items():
            if tensor.layout == torch.strided and not torch.equal(tensor, snapshots[key]):
                tensor.copy_(snapshots[key])


def _called(function: Callable[..., Any]) -> str:
    return (
        type(function).__name__
        if isinstance(function, torch.nn.Module)
        else getattr(function, "__qualname__", "a function")
    )
