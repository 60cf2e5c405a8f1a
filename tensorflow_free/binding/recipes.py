"""The binding of a whole recipe to a `Plan`, with all of its problems."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any, Final

import torch

from tensorflow_free.binding.aliasing import Aliases
from tensorflow_free.binding.assembly import assemble, follow_all
from tensorflow_free.binding.expected import bind_expectations, bind_records
from tensorflow_free.binding.forward_only import left_out_of, without
from tensorflow_free.binding.given_starts import COMMAND_LINE_ONLY, GivenStarts
from tensorflow_free.binding.gradients import gradient_start
from tensorflow_free.binding.keeping import BoundParts, PassRows
from tensorflow_free.binding.kinds import has_gradients, without_gradient
from tensorflow_free.binding.operands import reference
from tensorflow_free.binding.related import bind_relations
from tensorflow_free.binding.required import bind_required
from tensorflow_free.binding.scope import Places, Scope
from tensorflow_free.binding.starts import Starts
from tensorflow_free.binding.steps import Steps, all_step_names
from tensorflow_free.errors import Place, RecipeError, UnavailableError
from tensorflow_free.files.opening import FileRead
from tensorflow_free.ops.guards.handouts import HANDING, base_of
from tensorflow_free.plan import backend_options, backends, settings
from tensorflow_free.plan.call_rows import CallRow
from tensorflow_free.plan.calls import Site
from tensorflow_free.plan.plan import Plan
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.keys import DEFAULTS, INPUTS, NAMED
from tensorflow_free.recipe.models import Backend, BackwardPass, Recipe, written_keys
from tensorflow_free.recipe.names import RECIPE_DTYPES, did_you_mean, name_problem
from tensorflow_free.registry import find
from tensorflow_free.tensors import devices
from tensorflow_free.tensors.literals import literal
from tensorflow_free.tensors.mismatch import Mismatch
from tensorflow_free.tensors.saved_starts import SavedStarts
from tensorflow_free.tensors.starting_tensors import Start
from tensorflow_free.text.phrases import shown

OF_COMPILERS: Final = tuple(key for key in written_keys(Backend) if key != "name")
"""Keys of `backend` that say nothing to eager PyTorch."""


def bind(recipe: Recipe, place: Places | None = None, folder: FilePath | None = None) -> Plan:
    """Bind a recipe.

    Args:
        recipe: composed, with its one-line steps expanded.
        place: where a key stands in its file; without it, problems are placed by dotted path alone.
        folder: the folder below which the recipe reads its files.

    Raises:
        RecipeError: names, ops, arguments or references are wrong; all problems are inside.
        UnavailableError: nothing is wrong, but a device that it asks for is not here.
    """
    binding = Binding(recipe, place or _dotted, folder)
    if recipe.starts is not None:
        binding.scope.wrong(("starts",), COMMAND_LINE_ONLY)
    if binding.scope.problems:
        raise RecipeError(binding.scope.problems)
    if binding.scope.absent:
        raise UnavailableError(binding.scope.absent)
    return binding.plan()


def _dotted(path: Sequence[str | int]) -> Place:
    return Place(".".join(str(part) for part in path))


class Binding:
    """One reading of a recipe, from top to bottom; its problems are in `scope`."""

    def __init__(
        self,
        recipe: Recipe,
        place: Places,
        folder: FilePath | None,
        broken: Collection[KeyPath] = (),
        saved: SavedStarts | None = None,
    ) -> None:
        self.recipe = recipe
        self._saved = saved
        self.scope = Scope(recipe, place, broken)
        self._folder = folder
        self.steps = Steps(self.scope)
        self.starts: list[Start] = []
        self.files: list[FileRead] = []
        self.shapes: dict[str, list[int] | None] = {}
        self.rows: list[CallRow] = []
        self.checks: list[CallRow] = []
        self.passes: list[PassRows] = []
        self.standing: dict[str, int] = {}
        self._bind_cell()
        self._collect_names()
        self._bind_tensors()
        self.steps.bind(recipe.steps, ("steps",), self.rows)
        self.read_by_steps = set(self.scope.read)
        self._bind_passes()
        self._bind_checks()
        self.aliases = Aliases()
        follow_all(self.aliases, self.starts, self.scope, self.rows)
        self._refuse_changed_indices()
        bind_expectations(self.scope)
        bind_records(self.scope)
        bind_relations(self.scope, self.shapes)
        bind_required(self.scope)

    # what is read

    def _bind_cell(self) -> None:
        """The device, the settings, the backend, and the user's own ops."""
        recipe, scope = self.recipe, self.scope
        if problem := devices.form_problem(recipe.device, scope.named_devices):
            scope.wrong(("device",), problem)
        elif absence := devices.absence(recipe.device):
            scope.missing(("device",), absence)
        for name, message in settings.problems(recipe.settings):
            scope.wrong(("settings", name), message)
        self._bind_backend()
        for position, name in enumerate(recipe.ops):
            if find(name) is None:
                scope.wrong(
                    ("ops", position),
                    f"'{name}' is an op of the user's own, and is not registered here; "
                    "give the file that registers it with --ops, or call register_op",
                )
        if recipe.case is not None and recipe.cases and recipe.case not in recipe.cases:
            scope.wrong(("case",), f"'{recipe.case}' is not a case{did_you_mean(recipe.case, recipe.cases)}")
        self._check_reference(recipe.reference)
        for name, case in recipe.cases.items():
            # the chosen case is merged already, and its keys are judged with all others
            if name != recipe.case:
                self._check_keys(case, ("cases", name))

    def _bind_backend(self) -> None:
        backend, given = self.recipe.backend, self.recipe.backend.model_fields_set
        problem = backends.problem(backend)
        if problem is not None:
            self.scope.wrong(("backend",), problem)
        for key in OF_COMPILERS:
            if backend.name == "eager" and key in given:
                why = "the backend 'eager' compiles nothing; name another, or leave the key out"
                self.scope.wrong(("backend", key), f"'{key}' is for compilers, and {why}")
        if problem is None and backend.name != "eager":
            for path, message in backend_options.problems(backend, self.recipe.trusted):
                self.scope.wrong(("backend", *path), message)

    def _check_reference(self, reference: Mapping[str, Any]) -> None:
        """Refuse what is no override, but for `inputs`, which says whose numbers the reference starts from."""
        if "starts" in reference:
            self.scope.wrong(("reference", "starts"), "a reference starts from the cell's own numbers; leave it out")
        inputs = reference.get("inputs", INPUTS[0])
        if inputs not in INPUTS:
            near = did_you_mean(inputs, INPUTS) or f"; it is {' or '.join(INPUTS)}"
            self.scope.wrong(("reference", "inputs"), f"'{shown(inputs)}' is not whose inputs a reference has{near}")
        self._check_keys({key: value for key, value in reference.items() if key != "inputs"}, ("reference",))
        dtype = reference.get("dtype", RECIPE_DTYPES[0])
        if dtype not in RECIPE_DTYPES:
            near = did_you_mean(dtype, RECIPE_DTYPES) or f"; it is one of {', '.join(RECIPE_DTYPES)}"
            self.scope.wrong(("reference", "dtype"), f"'{shown(dtype)}' is not a dtype of a recipe{near}")

    def _check_keys(self, overrides: Mapping[str, Any], path: KeyPath) -> None:
        """Refuse a key of a case, or of the reference, that no recipe has."""
        for key in overrides:
            name = key.partition(".")[0]
            if name not in DEFAULTS:
                below = next((one for one in NAMED if name in getattr(self.recipe, one)), "")
                named = f"; write {below}.{key}" if below else ""
                near = named or did_you_mean(key, DEFAULTS) or f"; it is one of {', '.join(DEFAULTS)}"
                self.scope.wrong((*path, key), f"'{key}' is not a key of a recipe{near}")

    def _collect_names(self) -> None:
        first: dict[str, KeyPath] = {}
        names: list[tuple[str, KeyPath]] = [(name, ("tensors", name)) for name in self.recipe.tensors]
        names += all_step_names(self.recipe.steps, ("steps",))
        names += all_step_names(self.recipe.checks, ("checks",))
        for name, path in names:
            if problem := name_problem(name):
                self.scope.wrong(path, problem)
            elif name in first:
                other = ".".join(str(part) for part in first[name])
                self.scope.wrong(path, f"'{name}' is given twice; it is already the name of {other}")
            first.setdefault(name, path)
            self.scope.later[name] = str(path[0])

    def _bind_tensors(self) -> None:
        recipe, scope = self.recipe, self.scope
        device = recipe.device if devices.is_device(recipe.device) else "cpu"
        scope.uses(device)
        starts = Starts(recipe.dtype, device, recipe.input_precision, self._folder, self._wrong_start)
        starts.named_devices = scope.named_devices
        for name, spec in recipe.tensors.items():
            path: KeyPath = ("tensors", name)
            start = None
            if scope.is_broken(path):
                starts.skip(name)
            else:
                start = starts.bind(name, spec, path)
            identity = scope.give(name, "tensor")
            expanded = start is not None and start.stride is not None and 0 in start.stride
            scope.leaves[name] = scope.new() if expanded else identity
            scope.gradients[name] = scope.new()
            if start is not None:
                scope.uses(start.device)
                self.starts.append(start)
                if start.dtype is not None and not has_gradients(start.dtype):
                    scope.undifferentiable[name] = start.dtype
        self.files = starts.files
        self.shapes = {name: shape for name, (_, _, shape) in starts.made.items()}
        if self._saved is not None:
            self._begin_from(self._saved)

    def _begin_from(self, saved: SavedStarts) -> None:
        """Put the numbers of a saved run into the starting tensors."""
        if not isinstance(self.recipe.backend.calls, int):
            why = "'calls' names cases, which differ in their tensors, and a run has those of one; give a number"
            self.scope.wrong(("backend", "calls"), why)
        given = GivenStarts(saved, lambda message: self.scope.wrong(("starts",), message))
        self.starts = [given.into(one, self.shapes.get(one.name)) for one in self.starts]
        given.refuse_others(list(self.recipe.tensors))

    def _wrong_start(self, path: Sequence[str | int], message: str) -> None:
        (self.scope.missing if isinstance(message, devices.Absence) else self.scope.wrong)(path, message)

    def _bind_passes(self) -> None:
        written_as_list = isinstance(self.recipe.written.get("backward"), list)
        for position, spec in enumerate(self.recipe.backward):
            path: KeyPath = ("backward", position) if written_as_list else ("backward",)
            rows: list[CallRow] = []
            target = self._value(spec.target, (*path, "target"), rows)
            self._check_differentiable(spec.target, (*path, "target"))
            inputs = None
            if spec.inputs is not None:
                for index, name in enumerate(spec.inputs):
                    self._check_differentiable(name, (*path, "inputs", index))
                inputs = [self._leaf(name, (*path, "inputs", index), rows) for index, name in enumerate(spec.inputs)]
            number, identity, start = self._gradient(spec, path, rows)
            if target is not None:
                kept = None if inputs is None else [one for one in inputs if one is not None]
                self.passes.append(PassRows(spec, path, rows, target, number, identity, start, kept))

    def _check_differentiable(self, word: str, path: KeyPath) -> None:
        dtype = self.scope.undifferentiable.get(word)
        if dtype is not None:
            self.scope.wrong(path, without_gradient(word, dtype))

    def _value(self, word: str, path: KeyPath, rows: list[CallRow]) -> int | None:
        try:
            ref = reference(word, self.scope.known())
        except Mismatch as mismatch:
            self.scope.wrong(path, mismatch.message)
            return None
        return self.steps.read(ref, Site(word, "read", path), rows)

    def _leaf(self, word: str, path: KeyPath, rows: list[CallRow]) -> int | None:
        identity = self._value(word, path, rows)
        return self.scope.leaves.get(word, identity)

    def _gradient(self, spec: BackwardPass, path: KeyPath, rows: list[CallRow]) -> tuple[Any, int | None, Start | None]:
        """The gradient of a pass: a literal, the id of a value, or an init that is made for the target's shape."""
        written = spec.gradient
        if isinstance(written, str):
            return None, self._value(written, (*path, "gradient"), rows), None
        if not isinstance(written, dict):
            return written, None, None
        try:
            if len(written) == 1 and set(written) <= {"finfo", "complex"}:
                return literal(written, self.recipe.dtype), None, None
            return None, None, gradient_start(written, self.recipe.dtype)
        except Mismatch as mismatch:
            self.scope.wrong((*path, "gradient", *mismatch.below), mismatch.message)
            return None, None, None

    def _bind_checks(self) -> None:
        scope = self.scope
        scope.live = dict(scope.names)
        # inside checks `y` is y as it stood, and `y.after` the live value
        self.standing = {name: scope.new() for name, kind in scope.kinds.items() if kind in ("tensor", "step")}
        scope.names.update(self.standing)
        self.steps.bind(self.recipe.checks, ("checks",), self.checks)
        for row in self.checks:
            self._check_looks_only(row)
        for name in self.recipe.checks:
            scope.kinds[name] = "check"

    def _check_looks_only(self, row: CallRow) -> None:
        """A check is made on the results; one that changed them would falsify what it is compared with."""
        if row.changes:
            why = "and a check only looks at the result; make it a step, or take an op that gives a new value"
            self.scope.wrong(row.site.path, f"'{row.site.op}' changes what it is given, {why}")
        for inner in row.block.rows if row.block is not None else ():
            self._check_looks_only(inner)

    def _refuse_changed_indices(self) -> None:
        """Refuse a change in place of what surely holds a sparse tensor's indices."""
        names = {identity: name for name, identity in self.scope.live.items()}
        for row, value, origin in self.aliases.guards.refused.values():
            name = names.get(value, row.site.name)
            of = next((word for word in origin.operands if base_of(origin.op) in HANDING), origin.name)
            self.scope.wrong(
                row.site.path,
                f"'{row.site.op}' changes '{name}' in place, which holds the indices of '{of}'; "
                f"PyTorch trusts them, so change a copy, such as {name}.clone()",
            )

    # what is made of it

    def plan(self) -> Plan:
        """The plan; only for a recipe without problems."""
        return self._forward_plan() if self.recipe.forward else self._whole_plan()

    def _forward_plan(self) -> Plan:
        """The plan without what needs gradients, whose recipe is what is left."""
        left = left_out_of(self)
        binding = Binding(without(self.recipe, left), self.scope.place, self._folder, saved=self._saved)
        # what the marks of known faults name may be left out, and no problem is in what remains
        plan = binding._whole_plan()
        ops, files = tuple(self.steps.users_ops), tuple(self.files)
        plan = replace(plan, ops=ops, files=files, left_out=left, around=torch.no_grad)
        plan.recipe.keep(plan)
        return plan

    def _whole_plan(self) -> Plan:
        scope = self.scope
        parts = BoundParts(
            recipe=self.recipe,
            place=scope.place,
            starts=self.starts,
            rows=self.rows,
            passes=self.passes,
            checks=self.checks,
            standing=self.standing,
            live=scope.live,
            kinds=scope.kinds,
            ops=scope.ops,
            leaves=scope.leaves,
            gradients=scope.gradients,
            read=self.read_by_steps,
            asked=scope.asked,
            traces=scope.traces,
            new=scope.new,
            aliases=self.aliases,
            paths=dict(all_step_names(self.recipe.steps, ("steps",))),
            devices=tuple(scope.devices),
        )
        return replace(assemble(parts, tuple(self.files), tuple(self.steps.users_ops)), saved=self._saved)
