"""A recipe as a script of plain PyTorch: what a maintainer would write, with nothing of ours in it."""

from __future__ import annotations

import keyword
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch

from tensorflow_free.binding.keeping import PassRows
from tensorflow_free.binding.recipes import Binding
from tensorflow_free.errors import Place
from tensorflow_free.plan.call_rows import CallRow, Value, read_ids
from tensorflow_free.recipe.models import Recipe
from tensorflow_free.replay.visits import draws
from tensorflow_free.reproduction.absent_devices import absent_in, plan_anywhere
from tensorflow_free.reproduction.own_sources import OwnSources
from tensorflow_free.reproduction.python_words import NotWritten, call_of, python_of
from tensorflow_free.reproduction.start_lines import StartLines, loading
from tensorflow_free.reproduction.step_lines import INDENT, StepLines
from tensorflow_free.tensors.dtypes import TORCH_DTYPES
from tensorflow_free.tensors.starting_tensors import Start

IMPORTED: Final = frozenset(
    {"torch", "F", "Path", "math", "tensors", "steps", "compiled", "print", "float", "range", "slice"}
)
"""Names that the script has for itself."""


@dataclass(slots=True)
class ScriptParts:
    """A script.

    Attributes:
        head: lines before all others: what is imported, PyTorch's settings, the file beside.
        starts: the lines of its starting tensors.
        steps: those of its steps: at the top, or of a function.
        backward: those of its backward passes.
        files: tensors in the file beside it, by name.
        tail: what it prints.
        absent: the devices that it runs on and that are not here.
    """

    head: list[str] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    backward: list[str] = field(default_factory=list)
    files: dict[str, torch.Tensor] = field(default_factory=dict)
    tail: list[str] = field(default_factory=list)
    absent: Sequence[str] = ()

    @property
    def text(self) -> str:
        """The whole script."""
        parts = [self.head, self.starts, self.steps, self.backward, self.tail]
        found = ""
        for part in filter(None, parts):
            gap = "" if not found else "\n\n" if part[0].startswith("def ") else "\n"
            found += gap + "\n".join(part) + "\n"
        return found


def script_of(recipe: Recipe, folder: Path | None = None, file: str = "tensors.pt") -> ScriptParts:
    """The script of a recipe: its tensors, its steps, its backward passes; it prints nothing.

    Args:
        recipe: loaded.
        folder: the folder below which the recipe reads its files.
        file: what the file beside the script is called, where it needs one.

    Raises:
        NotWritten: it says something that a script cannot.
    """
    writing = Writing(recipe, folder, file)
    made = writing.begun()
    if writing.is_compiled:
        returned = writing.returned()
        made.steps = [*writing.function(returned), "", "", *writing.called(returned)]
    else:
        made.steps = writing.straight()
    made.backward = [line for one in writing.passes for line in writing.one_pass(one)]
    made.tail = writing.printing()
    writing.finish(made)
    return made


class Writing:
    """A script being written.

    Args:
        recipe: what it does.
        folder: the folder below which the recipe reads its files.
        file: what the file beside the script is called.
        kept: the steps whose gradients are kept.

    Raises:
        NotWritten: the recipe says something that a script cannot.
    """

    def __init__(self, recipe: Recipe, folder: Path | None, file: str, kept: Collection[str] = ()) -> None:
        self._recipe = recipe
        self._file = file
        self._plan = plan_anywhere(recipe, folder)
        # a recipe that runs forward only is what is left of it
        recipe = self._recipe = self._plan.recipe
        _refuse_names(recipe)
        saved = self._plan.saved
        if saved is not None and draws(recipe):
            raise NotWritten("random steps behind another run's numbers")
        self._binding = Binding(recipe, lambda path: Place(".".join(map(str, path))), folder, saved=saved)
        self._lines = self._new_lines(kept)

    def _new_lines(self, kept: Collection[str]) -> StepLines:
        scope = self._binding.scope
        names = {identity: name for name, identity in scope.live.items()}
        names |= {identity: name for name, identity in scope.leaves.items() if identity not in names}
        names |= _written_into(self._binding.rows, names)
        retained = frozenset(scope.live[name] for name in kept if scope.kinds.get(name) == "step")
        sources = OwnSources(frozenset({*self._recipe.tensors, *_step_names(self._recipe.steps)}))
        return StepLines(self._recipe, names, scope.leaves, retained, sources)

    @property
    def is_compiled(self) -> bool:
        """Whether a compiler runs the steps."""
        return self._plan.compiled

    @property
    def starts(self) -> Sequence[Start]:
        """Its starting tensors."""
        return self._plan.starts

    @property
    def passes(self) -> Sequence[PassRows]:
        """Its backward passes."""
        return self._binding.passes

    def begun(self) -> ScriptParts:
        """A script with its starting tensors."""
        starts = StartLines(self._plan, self._file)
        return ScriptParts(starts=starts.lines(), files=starts.files, absent=absent_in(self._plan))

    def straight(self) -> list[str]:
        """The steps at the top."""
        return list(self._lines.lines(self._binding.rows))

    def returned(self, *wanted: str) -> list[str]:
        """What the steps give as a function: of a compiled one just what the plan returns, in its order.

        That decides what a compiler fuses. Of another, what is `wanted` and what is differentiated.
        """
        plan = self._plan
        if not plan.compiled:
            names = [*wanted, *(self._lines.names[one.target] for one in self.passes)]
            made = {name for name, kind in self._binding.scope.kinds.items() if kind in ("step", "trace")}
            return list(dict.fromkeys(name for name in names if name in made)) or [
                next(reversed(list(self._recipe.steps)))
            ]
        names_of = {one.slot: one.name for one in plan.recordings} | {one.slot: one.target for one in plan.passes}
        names_of |= dict(zip(plan.start_slots, (start.name for start in plan.starts), strict=True))
        if not set(plan.returned) <= names_of.keys():
            raise NotWritten("a compiled function that hands on what has no name")
        live = self._binding.scope.live
        return [self._lines.names[live[names_of[slot]]] for slot in plan.returned]

    def function(self, returned: Sequence[str]) -> list[str]:
        """The steps, up to the first that differentiates where they are compiled, as a function."""
        inside = [*self._lines.lines(self._inner_rows()), f"return {_tuple(returned)}"]
        return [f"def steps({', '.join(start.name for start in self.starts)}):", *(INDENT + one for one in inside)]

    def _inner_rows(self) -> Sequence[CallRow]:
        rows = self._binding.rows
        if not self._plan.compiled:
            return rows
        return rows[: next((at for at, row in enumerate(rows) if row.site.op in ("backward", "grad")), len(rows))]

    def called(self, returned: Sequence[str]) -> list[str]:
        """The call of the function, compiled where the recipe says so; and what runs after a compiled one."""
        given = ", ".join(start.name for start in self.starts)
        if not self._plan.compiled:
            return [f"{_tuple(returned)} = steps({given})"]
        backend = self._recipe.backend
        if not isinstance(backend.calls, int):
            raise NotWritten("`backend.calls` of several cases")
        words = ("mode", "dynamic", "fullgraph")
        options = {key: python_of(value, str) for key in words if (value := getattr(backend, key)) not in (None, False)}
        options |= {"options": repr(dict(backend.options))} if backend.options else {}
        lines = [call_of("compiled = torch.compile", ["steps"], {"backend": f'"{backend.name}"', **options})]
        lines += [f"compiled({given})"] * (backend.calls - 1)
        lines.append(f"{_tuple(returned)} = compiled({given})")
        return [*lines, *self._lines.lines(self._binding.rows[len(self._inner_rows()) :])]

    def share_sources(self, other: Writing) -> None:
        """Call ops of the user's own by the sources that another script has."""
        self._lines.sources = other._lines.sources

    def rename(self, behind: str) -> None:
        """Have every value called by its name and this behind it."""
        self._lines.names = {identity: name + behind for identity, name in self._new_lines(()).names.items()}

    def one_pass(self, one: PassRows) -> Iterator[str]:
        """The lines of a backward pass."""
        yield from self._lines.lines(one.rows)
        target, spec = self._lines.names[one.target], one.spec
        kwargs: dict[str, str] = {}
        if one.gradient_id is not None:
            kwargs["gradient"] = self._lines.names[one.gradient_id]
        elif one.gradient_start is not None:
            kwargs["gradient"] = _gradient_of(one.gradient_start, target)
        elif one.gradient is not None:
            like = f"dtype={target}.dtype, device={target}.device"
            kwargs["gradient"] = f"torch.tensor({python_of(one.gradient, str)}, {like})"
        if one.inputs is not None:
            kwargs["inputs"] = f"[{', '.join(self._lines.names[identity] for identity in one.inputs)}]"
        keeps = spec.retain_graph
        if keeps is None and self._plan.compiled and one is not self.passes[-1]:
            keeps = True
        kwargs |= {} if keeps is None else {"retain_graph": repr(keeps)}
        kwargs |= {"create_graph": "True"} if spec.create_graph else {}
        yield call_of(f"{target}.backward", [], kwargs)

    def printing(self) -> list[str]:
        """Lines that print what no later step reads, and the gradients of leaves."""
        live, read = self._binding.scope.live, self._read()
        top = [name for name, step in self._recipe.steps.items() if not step.is_block]
        if self._plan.compiled:
            top = [name for name in self.returned() if name in top]
        last = {name: self._lines.names[live[name]] for name in top if live[name] not in read}
        lines = [f'print("{name} =", {variable})' for name, variable in last.items()]
        leaves = [start.name for start in self.starts if start.requires_grad] if self.passes else []
        return [*lines, *(f'print("{name}.grad =", {self._leaf(name)}.grad)' for name in leaves)]

    def _read(self) -> set[int]:
        return {identity for row in self._binding.rows for identity in read_ids(row)}

    def _leaf(self, name: str) -> str:
        start = next(one for one in self.starts if one.name == name)
        return f"{name}_leaf" if start.stride is not None and 0 in start.stride else name

    def finish(self, made: ScriptParts) -> None:
        """What stands before and around all other lines."""
        if self._recipe.dtype != "float32":
            # starting tensors are drawn and written in float32 before
            made.starts.append(f"torch.set_default_dtype({TORCH_DTYPES[self._recipe.dtype]})")
        for context in self._around():
            made.steps = [f"with {context}:", *(INDENT + one if one else one for one in [*made.steps, *made.backward])]
            made.backward = []
        sources = self._lines.sources.lines()
        text = "\n".join([*made.starts, *made.steps, *made.backward, *sources])
        head = ["from pathlib import Path", ""] if made.files else []
        head += [*self._lines.sources.imports.values()]
        head += ["import torch", *(["import torch.nn.functional as F"] if "F." in text else [])]
        settings = list(self._settings())
        head += ["", *settings] if settings else []
        for source in sources:
            head += ["", "", source] if "\n" in source else ["", source]
        head += [""] if sources else []
        made.head = [*head, *loading(made.files, self._file)]

    def _settings(self) -> Iterator[str]:
        recipe = self._recipe
        for name, value in recipe.settings.items():
            if name in _SETTINGS:
                yield _SETTINGS[name].format(repr(value))
            elif name not in _NO_LINE:
                raise NotWritten(f"the setting '{name}'")

    def _around(self) -> Iterator[str]:
        if self._plan.left_out is not None:
            yield "torch.no_grad()"
        backends = self._recipe.settings.get("sdp_backend")
        if backends is not None:
            listed = backends if isinstance(backends, list) else [backends]
            kinds = ", ".join(f"torch.nn.attention.SDPBackend.{_SDP[one]}" for one in listed)
            yield f"torch.nn.attention.sdpa_kernel([{kinds}])"


def _tuple(names: Sequence[str]) -> str:
    return f"{', '.join(names)}{',' if len(names) == 1 else ''}"


def _written_into(rows: Iterable[CallRow], names: Mapping[int, str]) -> dict[int, str]:
    """What steps that write a subscript go by: the variable that they write into, as an assignment has no value."""
    found: dict[int, str] = {}
    for row in rows:
        if row.block is not None:
            found |= _written_into(row.block.rows, {**names, **found})
        elif row.site.op == "[]=" and isinstance(row.args[0], Value):
            known = {**names, **found}
            found[row.out] = known.get(row.args[0].id, row.site.name)
    return found


def _gradient_of(start: Any, target: str) -> str:
    if start.init in ("ones_like", "zeros_like"):
        return f"torch.{start.init}({target})"
    if start.init == "full_like":
        return f"torch.full_like({target}, {python_of(start.arguments['fill_value'], str)})"
    if start.init in ("rand_like", "randn_like", "rand", "randn"):
        drawn = start.init.removesuffix("_like")
        return f"torch.{drawn}({target}.shape, dtype={start.made_in}).to({target})"
    raise NotWritten(f"a gradient that is drawn ({start.init})")


_SETTINGS: Final[Mapping[str, str]] = {
    "deterministic": "torch.use_deterministic_algorithms({})",
    "float32_matmul_precision": "torch.set_float32_matmul_precision({})",
    "num_threads": "torch.set_num_threads({})",
    "flush_denormal": "torch.set_flush_denormal({})",
    "detect_anomaly": "torch.autograd.set_detect_anomaly({})",
    "fill_uninitialized_memory": "torch.utils.deterministic.fill_uninitialized_memory = {}",
    "attention_fastpath": "torch.backends.mha.set_fastpath_enabled({})",
    "mkldnn": "torch.backends.mkldnn.enabled = {}",
    "allow_tf32": "torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = {}",
    "allow_fp16_reduced_precision_reduction": "torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = {}",
    "allow_bf16_reduced_precision_reduction": "torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = {}",
    "cudnn_enabled": "torch.backends.cudnn.enabled = {}",
    "cudnn_benchmark": "torch.backends.cudnn.benchmark = {}",
    "cudnn_deterministic": "torch.backends.cudnn.deterministic = {}",
}
_NO_LINE: Final = ("sdp_backend", "cpu_capability")
_SDP: Final = {
    "math": "MATH",
    "flash": "FLASH_ATTENTION",
    "efficient": "EFFICIENT_ATTENTION",
    "cudnn": "CUDNN_ATTENTION",
}


def _refuse_names(recipe: Recipe) -> None:
    for name in (*recipe.tensors, *_step_names(recipe.steps)):
        if name in IMPORTED or keyword.iskeyword(name):
            raise NotWritten(f"the name '{name}', which the script needs for itself")


def _step_names(steps: Mapping[str, Any]) -> Iterable[str]:
    for name, step in steps.items():
        yield name
        yield from _step_names(step.steps or {})
