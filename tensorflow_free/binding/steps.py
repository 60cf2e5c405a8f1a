"""Binds steps: each op is looked up, its arguments are matched with a signature, and it becomes rows of calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any, Final

import torch

from tensorflow_free.binding.arguments import Bound
from tensorflow_free.binding.kinds import without_gradient
from tensorflow_free.binding.operands import Ref, references, without_value
from tensorflow_free.binding.parameters import TensorLiteral
from tensorflow_free.binding.scope import Scope
from tensorflow_free.binding.step_forms import Forms, Hole, NumberHole, StepForm
from tensorflow_free.errors import Message
from tensorflow_free.ops.backward import BACKWARD, GRAD
from tensorflow_free.ops.seeding import seeded
from tensorflow_free.ops.signatures import Op
from tensorflow_free.plan.autograd import run_backward
from tensorflow_free.plan.call_rows import Block, CallRow, Value
from tensorflow_free.plan.calls import Site, read_field
from tensorflow_free.plan.contexts import context_of
from tensorflow_free.recipe.dotted import KeyPath
from tensorflow_free.recipe.expressions import Slice
from tensorflow_free.recipe.keys import BLOCKS, STEP_KEYS
from tensorflow_free.recipe.models import Step
from tensorflow_free.recipe.names import did_you_mean
from tensorflow_free.recipe.no_ops import instead_of
from tensorflow_free.registry import VIEWING_ATTRIBUTES, find, is_module, registered, suggest
from tensorflow_free.tensors.devices import absence, form_problem, is_device, kinds
from tensorflow_free.text.phrases import shown


class Steps:
    """Binds steps in order into rows, in a scope that it adds to."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._forms = Forms(scope)
        self.users_ops: dict[str, None] = {}

    def bind(self, steps: Mapping[str, Step], path: KeyPath, rows: list[CallRow]) -> None:
        """Append each step's rows; problems go to the scope."""
        for name, step in steps.items():
            where = (*path, name)
            if self._scope.is_broken(where):
                self._broken(name, step, where, rows)
            elif step.is_block:
                self._block(name, step, where, rows)
            else:
                self._step(name, step, where, rows)

    def _broken(self, name: str, step: Step, path: KeyPath, rows: list[CallRow]) -> None:
        """Read what can be read of a step whose form is wrong: its op, and the steps in it."""
        if step.op is not None:
            self._op(step, path)
        if step.steps:
            self.bind(step.steps, (*path, "steps"), rows)
            self._scope.traces[name] = tuple(step.trace)
        self._scope.give(name, "block" if step.steps else "step")

    # one step

    def _step(self, name: str, step: Step, path: KeyPath, rows: list[CallRow]) -> None:
        op = self._op(step, path)
        for key in _foreign(step, "op"):
            self._scope.wrong(
                (*path, key), f"'{key}' is a key of a block, and this step has an `op`; take one of them out"
            )
        found = None if op is None else self._fit(op, step, path)
        identity = self._scope.new()
        if op is not None and step.seed is not None:
            self._check_seed(op, path)
        if op is not None and found is not None:
            form, given = found
            if form.names_devices:
                self._note_devices(op, form.bound, path)
            site = Site(name, str(step.op), path, form.operand_names(given))
            if op is BACKWARD:
                self._lower_backward(form.bound, identity, site, rows)
            else:
                rows.append(self._lowered_call(form, given, identity, site, rows))
            if step.seed is not None and rows[-1].function is not None:
                rows[-1].function = partial(seeded, step.seed, tuple(self._scope.devices), rows[-1].function)
        self._scope.give(name, "step", None if op is None else op.name, identity)
        if step.retain_grad:
            self._scope.asked.add(name)

    def _note_devices(self, op: Op, bound: Bound, path: KeyPath) -> None:
        """Note the devices that a step names, as in `x.to("cuda:1")` and `x.cuda()`."""
        if op.name in kinds():
            index = bound.by_parameter.get("device")
            numbered = f"{op.name}:{index}" if isinstance(index, int) else op.name
            if is_device(numbered):
                self._scope.uses(numbered)
        for parameter in bound.signature.parameters:
            word = bound.by_parameter.get(parameter.name)
            # `to` takes the text 'cuda:1' in place of a dtype, too
            if not isinstance(word, str) or not {"device", "dtype"} & parameter.types:
                continue
            if is_device(word):
                self._scope.uses(word)
            elif form_problem(word, self._scope.named_devices) is None and (missing := absence(word)) is not None:
                self._scope.missing(path, missing)

    def _op(self, step: Step, path: KeyPath) -> Op | None:
        written = step.op or ""
        op = find(written)
        if op is None:
            self._scope.wrong((*path, "op"), self._no_op(written))
        elif op.name in registered():
            self.users_ops[op.name] = None
        return op

    def _no_op(self, written: str) -> Message:
        """Why a word is no op: most like another; or the method of a value that there is not, in a one-line step."""
        if instead := instead_of(written):
            return f"'{shown(written)}' is not an op{instead}"
        root, _, method = written.rpartition(".")
        given = len(self._scope.names)
        if root.isidentifier() and not is_module(root) and find(method) is not None:
            return partial(self._no_value, root, written, given)
        return lambda: f"'{shown(written)}' is not an op{suggest(written) or '; `recipe ops` lists them all'}"

    def _no_value(self, root: str, written: str, given: int) -> str:
        """That a word is no value, where the first names of the scope were given."""
        near = did_you_mean(root, islice(self._scope.names, given)) or f", nor a module of ops{suggest(written)}"
        return f"'{shown(root)}' is not a value of this recipe{near}"

    def _check_seed(self, op: Op, path: KeyPath) -> None:
        """Refuse a seed of a step that draws nothing, or that a compiler runs."""
        backend = self._scope.recipe.backend.name
        if not op.random and all(one.form != "user" for one in op.signatures):
            self._scope.wrong((*path, "seed"), f"'seed' is for random steps, and '{op.name}' draws no random numbers")
        elif backend != "eager" and path[0] == "steps":
            why = f"and '{backend}' compiles this one; take backend: eager, or leave the seed out"
            self._scope.wrong((*path, "seed"), f"'seed' is for steps that run one by one, {why}")

    def _fit(self, op: Op, step: Step, path: KeyPath) -> tuple[StepForm, list[Any]] | None:
        found = self._forms.of(op, step, str(path[-1]))
        if isinstance(found, tuple):
            return found if self._differentiable(op, found[0].bound, path) else None
        for finding in found:
            self._scope.wrong((*path, *finding.path), finding.message)
        return None

    def _differentiable(self, op: Op, bound: Bound, path: KeyPath) -> bool:
        """Whether nothing that the step differentiates is known to have no gradient; what is so known is a problem."""
        if op is not BACKWARD and op is not GRAD:
            return True
        before = len(self._scope.problems)
        for position, parameter in enumerate(bound.signature.parameters):
            below = ("args", position) if position < len(bound.args) else ("kwargs", parameter.name)
            asked = bound.by_parameter.get(parameter.name) if parameter.name in _DIFFERENTIATED else None
            for ref in references(asked):
                if not ref.fields and (dtype := self._scope.undifferentiable.get(ref.name)) is not None:
                    self._scope.wrong((*path, *below), without_gradient(ref.name, dtype))
        return len(self._scope.problems) == before

    def _lowered_call(self, form: StepForm, given: list[Any], out: int, site: Site, rows: list[CallRow]) -> CallRow:
        """The row of a step's call; rows that read fields come before it."""
        names, read = self._scope.names, self._scope.read
        args: list[Any] = []
        for one in form.args:
            # most arguments are whole values
            if type(one) is Hole and not one.fields:
                name = given[one.at]
                read.add(name)
                args.append(Value(names[name]))
            else:
                args.append(self._lowered(one, given, site, rows))
        kwargs = {key: self._lowered(one, given, site, rows) for key, one in form.kwargs.items()}
        row, effects = CallRow(form.function, tuple(args), kwargs, out, site), form.effects
        if effects.touches:
            row.changes = self._memory_of(effects.changes, given)
            row.shares = self._memory_of(effects.shares, given)
            row.shares_sparse = self._memory_of(effects.shares_sparse, given)
            row.holds = (out,) if effects.hands_out else self._memory_of(effects.holds, given)
            row.views, row.sparse = effects.views, effects.sparse
        return row

    def _memory_of(self, operands: tuple[Hole, ...], given: list[Any]) -> tuple[int, ...]:
        """The ids of the values in whose memory these operands lie."""
        scope = self._scope
        return tuple([
            (scope.gradients if one.fields[:1] == ("grad",) and given[one.at] in scope.gradients else scope.names)[
                given[one.at]
            ]
            for one in operands
        ])  # fmt: skip

    def _lower_backward(self, bound: Bound, out: int, site: Site, rows: list[CallRow]) -> None:
        scope = self._scope
        written = bound.by_parameter
        operands = [self._lowered(written.get(key), (), site, rows) for key in _OPERANDS]
        names = tuple(scope.leaves)
        site = replace(site, operands=(*(_label(key, written.get(key)) for key in _OPERANDS), *names))
        flags = ("retain_graph", "create_graph")
        options: dict[str, bool | None] = {key: written[key] for key in flags if key in written}
        if self._scope.keeps_graphs:
            options.setdefault("retain_graph", True)
        function = partial(run_backward, names, options)
        leaves = [Value(scope.leaves[name]) for name in names]
        args = (*operands, *leaves)
        rows.append(CallRow(function, args, {}, out, site, changes=tuple(scope.gradients.values())))

    # arguments

    def _lowered(self, value: Any, given: Sequence[Any], site: Site, rows: list[CallRow]) -> Any:
        """An argument with ids for references; reading a field, or making a tensor, is a row of its own."""
        kind = type(value)
        if kind is Hole:
            if not value.fields:
                return Value(self._named(given[value.at]))
            return Value(self.read(Ref(given[value.at], value.fields), site, rows))
        if kind is NumberHole:
            return -given[value.at] if value.negative else given[value.at]
        if kind not in _COMPOUND:
            return value
        if kind is Ref:
            return Value(self.read(value, site, rows))
        if kind is TensorLiteral:
            out = self._scope.new()
            keywords = {"device": self._scope.recipe.device}
            rows.append(CallRow(torch.tensor, (value.data,), keywords, out, site))
            return Value(out)
        if kind is Slice:
            parts = [self._lowered(part, given, site, rows) for part in (value.start, value.stop, value.step)]
            return Slice(*parts) if any(isinstance(part, Value) for part in parts) else slice(*parts)
        return kind([self._lowered(part, given, site, rows) for part in value])

    def _named(self, name: str) -> int:
        """The id of the value that a name is read for."""
        self._scope.read.add(name)
        return self._scope.names[name]

    def read(self, ref: Ref, site: Site, rows: list[CallRow]) -> int:
        """The id of what a reference reads; each field is read by a row of its own."""
        scope = self._scope
        identity, fields = self._named(ref.name), ref.fields
        if fields[:1] in (("grad",), ("after",)):
            identity = scope.live.get(ref.name, identity)
        if fields[:1] == ("after",):
            fields = fields[1:]
        elif fields[:1] == ("grad",):
            identity = scope.leaves.get(ref.name, identity)
            scope.asked.add(ref.name)
        elif fields and fields[0] in scope.traces.get(ref.name, ()):
            # a trace that is wrong has no name, and is a problem already
            identity, fields = scope.names.get(f"{ref.name}.{fields[0]}", identity), fields[1:]
        whole = len(ref.fields) - len(fields)
        for position, field in enumerate(fields, whole):
            out = scope.new()
            shared = scope.gradients.get(ref.name, identity) if field == "grad" else identity
            surely = field in VIEWING_ATTRIBUTES
            there = replace(site, op=_dotted(ref, position + 1), operands=(_dotted(ref, position),))
            function = partial(read_field, field=field)
            rows.append(CallRow(function, (Value(identity),), {}, out, there, shares=(shared,), views=surely))
            identity = out
        return identity

    # blocks

    def _block(self, name: str, step: Step, path: KeyPath, rows: list[CallRow]) -> None:
        kind = self._block_kind(step, path)
        site = Site(name, kind or "block", path)
        block = Block([])
        if kind == "with":
            context = context_of(step.context, self._scope.recipe.device)
            if isinstance(context, str):
                self._scope.wrong((*path, "with"), context)
            else:
                block.context = context
        elif kind == "repeat" and step.repeat is not None:
            block.rounds = step.repeat
        elif kind == "repeat":
            self._scope.wrong(
                (*path, "repeat"), "'null' is not a number of rounds; `repeat` is an integer of at least 0"
            )
        restored = self._enter(step, path, block)
        self.bind(step.steps or {}, (*path, "steps"), block.rows)
        self._leave(name, step, path, block)
        self._scope.names.update(restored)
        self._scope.give(name, "block", kind)
        rows.append(CallRow(None, (), {}, 2, site, block=block))

    def _block_kind(self, step: Step, path: KeyPath) -> str | None:
        kinds = [kind for kind in BLOCKS if kind in step.given]
        if len(kinds) != 1:
            wanted = "an `op`, or is a block of `steps` with one of `with` and `repeat`"
            self._scope.wrong(path, f"a step has {wanted}; this one has {' and '.join(kinds) or 'none of them'}")
            return None
        for key in _foreign(step, kinds[0]):
            self._scope.wrong((*path, key), f"'{key}' is not a key of a `{kinds[0]}` block")
        if not step.steps:
            self._scope.wrong(path, f"a `{kinds[0]}` block needs 'steps', with at least one step in it")
        return kinds[0]

    def _enter(self, step: Step, path: KeyPath, block: Block) -> dict[str, int]:
        """Give the carried names ids of the block's own; returns what they name outside."""
        outside: dict[str, int] = {}
        for name in step.carry:
            if name not in self._scope.names:
                near = did_you_mean(name, self._scope.names) or f"; those are {', '.join(self._scope.names)}"
                if step.carry[name] in self._scope.names and name in (step.steps or {}):
                    near = f"; did you mean '{step.carry[name]}: {name}', as '{name}' is what a round hands on?"
                self._scope.wrong((*path, "carry", name), f"'{name}' is not a value given before the block{near}")
                continue
            outside[name] = self._scope.names[name]
            self._scope.read.add(name)
            inside = self._scope.new()
            block.enters.append((inside, outside[name]))
            self._scope.names[name] = inside
        return outside

    def _leave(self, name: str, step: Step, path: KeyPath, block: Block) -> None:
        inner = dict(_names_of(step.steps or {}))
        for carried, source in step.carry.items():
            if source in inner and inner[source].is_block:
                self._scope.wrong((*path, "carry", carried), without_value(source))
            elif source not in inner and source not in step.carry:
                near = did_you_mean(source, inner) or "; a round hands on a value of its own steps, or one handed to it"
                self._scope.wrong((*path, "carry", carried), f"'{source}' is not a step of the block{near}")
            elif carried in self._scope.names:
                self._scope.read.add(source)
                block.carry.append((self._scope.names[carried], self._scope.names[source]))
        self._scope.traces[name] = tuple(step.trace)
        for position, traced in enumerate(step.trace):
            if traced in inner and inner[traced].is_block:
                self._scope.wrong((*path, "trace", position), without_value(traced))
                continue
            if traced not in inner:
                near = did_you_mean(traced, inner) or f"; its steps are {', '.join(inner)}"
                self._scope.wrong((*path, "trace", position), f"'{traced}' is not a step of the block{near}")
                continue
            out = self._scope.new()
            self._scope.names[f"{name}.{traced}"] = out
            block.traces.append((self._scope.names[traced], out, "copied"))


def _foreign(step: Step, kind: str) -> tuple[str, ...]:
    """The keys of a step that are not for one of its kind; `op: null` says that it has none."""
    if step.model_fields_set <= _OF_OPS and kind == "op":
        return ()
    given = step.given - {"op"}
    return tuple(key for key, kinds in STEP_KEYS.items() if key in given and kind not in kinds)


_OF_OPS: Final = frozenset(key for key, kinds in STEP_KEYS.items() if "op" in kinds)


def _names_of(steps: Mapping[str, Step]) -> Iterator[tuple[str, Step]]:
    for name, step in steps.items():
        yield name, step
        if step.steps:
            yield from _names_of(step.steps)


def all_step_names(steps: Mapping[str, Step], path: KeyPath) -> Iterator[tuple[str, KeyPath]]:
    """Every step's name with its path, those inside blocks too."""
    for name, step in steps.items():
        yield name, (*path, name)
        if step.steps:
            yield from all_step_names(step.steps, (*path, name, "steps"))


_COMPOUND: Final = frozenset({Ref, TensorLiteral, Slice, list, tuple})
"""The types of arguments that are, or hold, more than constants."""

_DIFFERENTIATED: Final = ("target", "outputs", "inputs")
"""The parameters of `backward` and `grad` that need a gradient."""

_OPERANDS: Final = ("target", "gradient", "inputs")
"""The arguments of a `backward` step that are values."""


def _label(key: str, value: Any) -> str:
    return _dotted(value) if isinstance(value, Ref) else key


def _dotted(ref: Ref, fields: int | None = None) -> str:
    """A reference as it is written, with its first `fields` fields or with all."""
    return ".".join((ref.name, *ref.fields[:fields]))
