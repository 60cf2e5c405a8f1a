"""The closed table of ops: PyTorch's, Python's operators, `backward` and `grad`, and those that the user adds.

A name is looked up in tables made from PyTorch's public lists, never in torch itself: nothing else can be named.
An op's parameters are determined when it is first looked up.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from types import FunctionType
from typing import Any, Final

from tensorflow_free.ops import additions, aten, backward, callables, handwritten, namespaces, operators, schemas
from tensorflow_free.ops.additions import load_entry_points, load_ops_file, register_op, registered
from tensorflow_free.ops.aten import aten_names
from tensorflow_free.ops.op_names import OpNames, suggestion
from tensorflow_free.ops.signatures import CallForm, Op, Parameter, Signature
from tensorflow_free.tensors.memory import data_of

__all__ = [
    "aten_names",
    "find",
    "is_module",
    "load_entry_points",
    "load_ops_file",
    "names",
    "register_op",
    "registered",
    "suggest",
    "torch_names",
]

DOCUMENTATION: Final = "https://docs.pytorch.org/docs/stable/"

CHECKED: Final = frozenset(f"sparse_{layout}_tensor" for layout in handwritten.SPARSE_LAYOUTS)
"""Ops that make a sparse tensor out of its parts."""

VIEWING_ATTRIBUTES: Final = frozenset({"T", "H", "mT", "mH", "real", "imag", "data"})
"""Attributes that share the tensor's memory."""

_TENSOR: Final = Parameter("input", frozenset({"Tensor"}), aliases=("self",))

_found: Final[dict[str, Op]] = {}


def find(name: str) -> Op | None:
    """The op of this name, or None. `F.relu`, `torch.nn.functional.relu` and `nn.functional.relu` are one.

    Raises:
        RecipeError: A package that offers ops cannot be loaded.
    """
    found = _found.get(name)
    if found is not None:
        return found
    found = additions.find(name) or _built(name)
    if found is None:
        load_entry_points()
        found = additions.find(name)
    elif additions.find(name) is None:
        _found[name] = found
    return found


def names() -> tuple[str, ...]:
    """The name of every op, the user's too, but not those of aten, which `aten_names` lists; sorted."""
    return _names_with(tuple(registered()))


@functools.lru_cache(maxsize=1)
def _names_with(users: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*torch_names().all, *users}))


def is_module(word: str) -> bool:
    """Whether ops lie in a module of this name, as in `linalg` and `nn.functional`."""
    return any(name.startswith(f"{word}.") for name in names())


def suggest(name: str) -> str:
    """`; did you mean 'matmul'?` where an op has a name like this one, else nothing."""
    return suggestion(name, names, aten_names)


@functools.cache
def torch_names() -> OpNames:
    """The names of PyTorch's ops, but those of aten."""
    functions, members = namespaces.functions(), {*namespaces.methods(), *namespaces.attributes()}
    return OpNames({*functions, *members, *operators.SYMBOLS, *backward.OPS}, functions, members)


def _built(name: str) -> Op | None:
    canonical = torch_names().canonical(name)
    if canonical is None:
        return _aten(name.removeprefix("torch.ops."))
    if canonical != name:
        found = find(canonical)
        # every spelling gives the same Op, but a method's own name leaves out the function of another parameter order
        return _method_alone(found) if found is not None and name.endswith(f"Tensor.{canonical}") else found
    if canonical in backward.OPS:
        return backward.OPS[canonical]
    return operators.op(canonical) or _torchs(canonical)


def _method_alone(op: Op) -> Op:
    """The op without its functions: `Tensor.where(x, condition, y)` is `x.where(condition, y)`."""
    methods = tuple(one for one in op.signatures if one.form != "function")
    if len(methods) == len(op.signatures):
        return op
    page = _documentation(op.name, None, namespaces.methods().get(op.name))
    return dataclasses.replace(op, name=f"Tensor.{op.name}", signatures=methods, documentation=page)


def _aten(name: str) -> Op | None:
    schema = aten.schema(name)
    if schema is None:
        return None
    base = name.split(".")[1]
    found = aten.signature(name, schema)
    return Op(name, (found,), documentation=None, factory=_is_factory(found), random=schemas.draws(base))


def _torchs(name: str) -> Op:
    function = namespaces.functions().get(name)
    method = namespaces.methods().get(name)
    found: tuple[Signature, ...] = ()
    if function is not None:
        found += _function_signatures(name, function)
    if method is not None:
        found += _method_signatures(name, method)
    if name in namespaces.attributes():
        found += (_attribute(name),)
    builtins = {part.__name__ for part in (function, method) if part is not None}
    # `signal.windows.exponential` is Python's, and shares no more than the name with what aten draws
    own = {part.__name__ for part in (function, method) if part is not None and not isinstance(part, FunctionType)}
    return Op(
        name,
        tuple(_with_memory(name, signature) for signature in found),
        documentation=_documentation(name, function, method),
        factory=any(_is_factory(signature) for signature in found),
        random=name in handwritten.RANDOM or any(schemas.draws(builtin) for builtin in own),
        numbers=any(schemas.takes_numbers(builtin) for builtin in builtins),
    )


def _function_signatures(name: str, function: Callable[..., Any]) -> tuple[Signature, ...]:
    if name in CHECKED:
        # unchecked, PyTorch's default, indices out of range would read and write memory that is not the tensor's
        function = functools.partial(function, check_invariants=True)
    if name in handwritten.FUNCTIONS:
        lines = handwritten.FUNCTIONS[name]
        return tuple(callables.written(name, line, function, "function") for line in lines)
    if isinstance(function, FunctionType):
        # max_pool2d only passes on what it gets, by return_indices; its twin tells the parameters
        twin = namespaces.functions().get(f"{name}_with_indices")
        found = callables.signature(name, twin or function, "function")
        return (dataclasses.replace(found, function=function, returns=None) if twin else found,)
    return schemas.function_signatures(name, function)


def _form(name: str) -> CallForm:
    special = name.startswith("__i") and name not in {"__index__", "__int__", "__invert__"}
    changes = special or name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
    return "in-place" if changes else "method"


def _method_signatures(name: str, method: Callable[..., Any]) -> tuple[Signature, ...]:
    form = _form(name)
    if lines := handwritten.METHODS.get(namespaces.told_as(name)):
        return tuple(callables.written(name, line, method, form) for line in lines)
    if isinstance(method, FunctionType):
        return (callables.signature(name, method, form),)
    return schemas.method_signatures(name, method, form)


def _attribute(name: str) -> Signature:
    shares = ("input",) if name in VIEWING_ATTRIBUTES else ()
    read = data_of if name == "data" else _reading(name)
    return Signature(read, "attribute", (_TENSOR,), returns=(), shares=shares, views=bool(shares))


def _reading(name: str) -> Callable[[Any], Any]:
    """A function that reads an attribute; compilers look into it, as they do not into `operator.attrgetter`."""

    def read(tensor: Any) -> Any:
        return getattr(tensor, name)

    return read


def _with_memory(name: str, signature: Signature) -> Signature:
    """The signature with what our tables know of the memory that it changes and shares."""
    known = {parameter.name for parameter in signature.parameters}
    when = handwritten.CHANGES.get(name, ()) if signature.form == "function" else ()
    changes = [*signature.changes, *(changed for changed, _ in when)]
    if "out" in known:
        changes.append("out")
    if signature.form == "in-place":
        changes.append("input")
    shares = [
        *(signature.shares or ()),
        *handwritten.SHARES.get(namespaces.told_as(name), ()),
        *(set(changes) & {"out", "input"}),
    ]
    return dataclasses.replace(
        signature,
        changes=tuple(dict.fromkeys(changes)),
        shares=tuple(name for name in dict.fromkeys(shares) if name in known),
        changes_when=signature.changes_when + when,
        shares_sparse=tuple(word for word in handwritten.SHARES_SPARSE.get(name, ()) if word in known),
    )


def _is_factory(signature: Signature) -> bool:
    takes = [parameter for parameter in signature.parameters if parameter.name != "out"]
    from_tensor = any({"Tensor", "Tensor[]"} & parameter.types for parameter in takes)
    return any(parameter.name == "device" for parameter in takes) and not from_tensor


def _documentation(name: str, function: Callable[..., Any] | None, method: Callable[..., Any] | None) -> str | None:
    namespace, _, last = name.rpartition(".")
    if function is not None:
        if not function.__doc__ or name.endswith("_with_indices") or name in handwritten.UNDOCUMENTED:
            return None
        pages = {"special": f"special.html#torch.{name}", "masked": "masked.html"}
        return DOCUMENTATION + pages.get(namespace, f"generated/torch.{name}.html")
    if method is None:
        return f"{DOCUMENTATION}tensors.html"
    return f"{DOCUMENTATION}generated/torch.Tensor.{last}.html" if method.__doc__ and last[0] != "_" else None
