"""The inits of tensors: what each is called, takes, and how it is made. Knows torch, and neither steps nor files.

Random values are drawn on the CPU in float32 (or the pinned dtype) from torch's default generator, which the runner has
seeded; only then are they rounded, converted, moved and laid out. So every cell of a sweep starts from equal numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import torch

from tensorflow_free.recipe.names import INTEGERS
from tensorflow_free.tensors.dtypes import COMPLEX_OF, TORCH_DTYPES
from tensorflow_free.tensors.memory import copied, in_storage, unwritten

DtypeSource = Literal["floating", "integer", "boolean", "data", "fill", "range"]
"""What decides the dtype where none is pinned: the recipe, the kind itself, the data, the fill value, the bounds."""

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Init:
    """One init: its parameters, and how its values are made.

    `make` takes the arguments, the dtype to make the values in, and a generator (None: torch's default one). It gives a
    tensor on the CPU. `draws` says that the values are random, `complex` that torch draws complex ones, too.
    """

    name: str
    make: Callable[[Arguments, torch.dtype | None, torch.Generator | None], torch.Tensor]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    kind: DtypeSource = "floating"
    draws: bool = False
    complex: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """All the init's own parameters."""
        return self.required + self.optional


def size_of(size: Any) -> list[int]:
    """A size as a list: `size: 3` is `size: [3]`."""
    return [size] if isinstance(size, int) else list(size)


def _plain(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def make(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
        del generator
        return function(size_of(arguments["size"]), dtype=dtype)

    return make


def _drawn(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def make(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
        return function(size_of(arguments["size"]), dtype=dtype, generator=generator)

    return make


def _method(name: str) -> Callable[..., torch.Tensor]:
    """A Tensor method that fills in place (`uniform_`), its arguments under names of ours."""

    def make(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
        renamed = {_METHOD_NAMES.get(key, key): value for key, value in arguments.items() if key != "size"}
        filled = torch.empty(size_of(arguments["size"]), dtype=dtype)
        return getattr(filled, name)(**renamed, generator=generator)  # type: ignore[no-any-return]

    return make


_METHOD_NAMES: Final = {"low": "from", "high": "to"}


def _nn_init(name: str, *, random: bool = True) -> Callable[..., torch.Tensor]:
    """A function of torch.nn.init, on an empty tensor of the size."""
    function = getattr(torch.nn.init, name)

    def make(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
        rest = {key: value for key, value in arguments.items() if key != "size"}
        if random:
            rest["generator"] = generator
        return function(torch.empty(size_of(arguments["size"]), dtype=dtype), **rest)  # type: ignore[no-any-return]

    return make


def _sparse(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    # torch.nn.init.sparse_ chooses the rows that are 0 from the default generator, whatever generator it is given
    state = torch.default_generator.get_state()
    if generator is not None:
        torch.default_generator.set_state(generator.get_state())
    try:
        return _nn_init("sparse_", random=False)(arguments, dtype, None)
    finally:
        if generator is not None:
            torch.default_generator.set_state(state)


def _window(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """A window; torch takes `alpha` and `beta` only beside `periodic`."""

    def make(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
        del generator
        return function(**{"periodic": True, **arguments}, dtype=dtype)

    return make


def _ranged(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    def make(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
        del generator
        return function(**arguments, dtype=dtype)

    return make


def _arange(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    del generator
    start, step = arguments.get("start", 0), arguments.get("step", 1)
    return torch.arange(start, arguments["end"], step, dtype=dtype)


def _full(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    del generator
    return torch.full(size_of(arguments["size"]), arguments["fill_value"], dtype=dtype)


def _randint(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    size, low = size_of(arguments["size"]), arguments.get("low", 0)
    return torch.randint(low, arguments["high"], size, dtype=dtype, generator=generator)


def _randperm(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    return torch.randperm(arguments["n"], dtype=dtype, generator=generator)


def _normal(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    mean, std = arguments.get("mean", 0.0), arguments.get("std", 1.0)
    return torch.normal(float(mean), float(std), size_of(arguments["size"]), dtype=dtype, generator=generator)


def _bernoulli(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    chance = torch.full(size_of(arguments["size"]), float(arguments.get("p", 0.5)), dtype=torch.float32)
    return torch.bernoulli(chance, generator=generator).to(dtype or torch.bool)


def _tensor(arguments: Arguments, dtype: torch.dtype | None, generator: torch.Generator | None) -> torch.Tensor:
    del generator
    values = arguments["data"]
    if isinstance(values, torch.Tensor):
        return values.detach() if dtype is None else values.detach().to(dtype)
    return torch.tensor(values, dtype=dtype)


_WINDOWS: Final[dict[str, tuple[str, ...]]] = {
    "bartlett_window": ("periodic",),
    "blackman_window": ("periodic",),
    "hamming_window": ("periodic", "alpha", "beta"),
    "hann_window": ("periodic",),
    "kaiser_window": ("periodic", "beta"),
}
_KAIMING: Final = ("a", "mode", "nonlinearity")

INITS: Final[dict[str, Init]] = {
    init.name: init
    for init in (
        Init("tensor", _tensor, ("data",), kind="data"),
        Init("from_numpy", _tensor, ("path",), ("key",), kind="data"),
        Init("load", _tensor, ("path",), ("key",), kind="data"),
        Init("zeros", _plain(torch.zeros), ("size",)),
        Init("ones", _plain(torch.ones), ("size",)),
        Init("empty", _plain(torch.empty), ("size",)),
        Init("full", _full, ("size", "fill_value"), kind="fill"),
        Init("rand", _drawn(torch.rand), ("size",), draws=True, complex=True),
        Init("randn", _drawn(torch.randn), ("size",), draws=True, complex=True),
        Init("randint", _randint, ("high", "size"), ("low",), kind="integer", draws=True),
        Init("randperm", _randperm, ("n",), kind="integer", draws=True),
        Init("normal", _normal, ("size",), ("mean", "std"), draws=True, complex=True),
        Init("uniform", _method("uniform_"), ("size",), ("low", "high"), draws=True, complex=True),
        Init("exponential", _method("exponential_"), ("size",), ("lambd",), draws=True),
        Init("cauchy", _method("cauchy_"), ("size",), ("median", "sigma"), draws=True),
        Init("log_normal", _method("log_normal_"), ("size",), ("mean", "std"), draws=True),
        Init("geometric", _method("geometric_"), ("size", "p"), draws=True),
        Init("bernoulli", _bernoulli, ("size",), ("p",), kind="boolean", draws=True),
        Init("arange", _arange, ("end",), ("start", "step"), kind="range"),
        Init("linspace", _ranged(torch.linspace), ("start", "end", "steps")),
        Init("logspace", _ranged(torch.logspace), ("start", "end", "steps"), ("base",)),
        Init("eye", _ranged(torch.eye), ("n",), ("m",)),
        Init("tril_indices", _ranged(torch.tril_indices), ("row", "col"), ("offset",), kind="integer"),
        Init("triu_indices", _ranged(torch.triu_indices), ("row", "col"), ("offset",), kind="integer"),
        *(
            Init(name, _window(getattr(torch, name)), ("window_length",), optional)
            for name, optional in _WINDOWS.items()
        ),
        Init("xavier_uniform", _nn_init("xavier_uniform_"), ("size",), ("gain",), draws=True, complex=True),
        Init("xavier_normal", _nn_init("xavier_normal_"), ("size",), ("gain",), draws=True, complex=True),
        Init("kaiming_uniform", _nn_init("kaiming_uniform_"), ("size",), _KAIMING, draws=True, complex=True),
        Init("kaiming_normal", _nn_init("kaiming_normal_"), ("size",), _KAIMING, draws=True, complex=True),
        Init("trunc_normal", _nn_init("trunc_normal_"), ("size",), ("mean", "std", "a", "b"), draws=True),
        Init("orthogonal", _nn_init("orthogonal_"), ("size",), ("gain",), draws=True),
        Init("sparse", _sparse, ("size", "sparsity"), ("std",), draws=True),
        Init("dirac", _nn_init("dirac_", random=False), ("size",), ("groups",)),
    )
}
"""Inits whose values come from their own parameters."""

LIKE: Final = {f"{name}_like": INITS[name] for name in ("zeros", "ones", "empty", "full", "rand", "randn", "randint")}
"""Inits that take size, dtype and device from the tensor `input`, and are else like the plain one."""

VIEWS: Final = ("clone", "as_strided")
"""Inits that take their numbers from the tensor `input`."""

NAMES: Final = (*INITS, *LIKE, *VIEWS)


def parameters_of(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The required and the optional parameters of the init `name`."""
    if name in INITS:
        return INITS[name].required, INITS[name].optional
    if name in LIKE:
        plain = LIKE[name]
        return ("input", *(key for key in plain.required if key != "size")), plain.optional
    return (("input", "size", "stride"), ("storage_offset",)) if name == "as_strided" else (("input",), ())


def own_dtype(init: Init, arguments: Arguments, recipe_dtype: str) -> torch.dtype:
    """The dtype of the init's values where none is pinned."""
    if init.kind in ("integer", "boolean"):
        return torch.int64 if init.kind == "integer" else torch.bool
    if init.kind == "floating":
        return TORCH_DTYPES[recipe_dtype]
    if init.kind == "range":
        numbers: Any = [arguments.get(key, 0) for key in ("start", "end", "step")]
    else:
        numbers = arguments["fill_value" if init.kind == "fill" else "data"]
    return data_dtype(numbers, recipe_dtype)


def data_dtype(data: Any, recipe_dtype: str) -> torch.dtype:
    """The dtype that literal data take: torch's, with floating and complex data at the recipe's width."""
    if isinstance(data, torch.Tensor):
        found = data.dtype
    else:
        kinds = {type(number) for number in flat(data)}
        found = next((_OF_TYPE[kind] for kind in (complex, float, int, bool) if kind in kinds), torch.float32)
    if found.is_floating_point and found.itemsize > 1:
        return TORCH_DTYPES[recipe_dtype]
    return TORCH_DTYPES[COMPLEX_OF[recipe_dtype]] if found.is_complex else found


_OF_TYPE: Final = {complex: torch.complex64, float: torch.float32, int: torch.int64, bool: torch.bool}


def flat(data: Any) -> list[Any]:
    """The numbers of nested lists, in order."""
    if not isinstance(data, (list, tuple)):
        return [data]
    return [number for part in data for number in flat(part)]


@dataclass(frozen=True, slots=True)
class Start:
    """A tensor that the run starts from, bound: everything that making it needs.

    `dtype` is the pinned or the recipe's one; `made_in` the one that its values are made in; `rounded_to` the input
    precision or None. `input` names the earlier tensor of a `_like`, `clone` or `as_strided`.
    """

    name: str
    init: str
    arguments: Arguments
    dtype: torch.dtype | None
    made_in: torch.dtype | None
    device: str
    rounded_to: torch.dtype | None = None
    requires_grad: bool = False
    input: str | None = None
    shape: Sequence[int] | None = None
    seed: int | None = None
    memory_format: torch.memory_format | None = None
    stride: Sequence[int] | None = None
    storage_offset: int = 0


def make(start: Start, earlier: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Make a starting tensor.

    Args:
        start: what to make.
        earlier: the tensors made before it, by name.

    Returns:
        The tensor, and the leaf that holds its gradient: itself, but for a stride of 0 the tensor that it expands.
    """
    if start.init == "as_strided" and start.input is not None:
        view = torch.as_strided(earlier[start.input], **{key: start.arguments[key] for key in start.arguments})
        return (view.requires_grad_() if start.requires_grad and view.is_leaf else view), view
    # on meta nothing is drawn: a size that no memory holds is as good as any
    with torch.device("meta" if start.device == "meta" else "cpu"):
        values = _values(start, earlier)
    if start.shape is not None:
        values = values.reshape(list(start.shape))
    if start.rounded_to is not None:
        values = _rounded(values, start.rounded_to)
    return _laid_out(start, values.to(device=start.device, dtype=start.dtype))


def made_of(
    numbers: torch.Tensor, start: Start, earlier: Mapping[str, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Make a starting tensor of numbers that are given, which are drawn, reshaped and rounded already; as `make`."""
    if start.init == "as_strided":
        return make(start, earlier)
    same = start.dtype in (None, numbers.dtype) or not (numbers.is_floating_point() or numbers.is_complex())
    values = copied(numbers) if same else numbers.to(dtype=start.dtype)
    values = values.to(device=start.device)
    plain = values.layout == torch.strided and start.stride is None and not same
    return _laid_out(start, values.contiguous() if plain else values)


def _rounded(values: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The values on the grid of a floating dtype; of complex ones, both parts."""
    if not values.is_complex():
        return values.to(dtype)
    parts = torch.view_as_real(values)
    return torch.view_as_complex(parts.to(dtype).to(parts.dtype))


def _values(start: Start, earlier: Mapping[str, torch.Tensor]) -> torch.Tensor:
    if start.init == "clone" and start.input is not None:
        return copied(earlier[start.input].detach())
    generator = None
    if start.seed is not None:
        generator = torch.Generator().manual_seed(start.seed)
    arguments = start.arguments
    if start.init in LIKE and start.input is not None:
        arguments = {**arguments, "size": list(earlier[start.input].shape)}
    init = LIKE.get(start.init) or INITS[start.init]
    if start.device == "meta" and "data" not in arguments:
        # a meta tensor has no values: none are made, so that its size is not bounded by memory
        with torch.device("meta"):
            return init.make(arguments, start.made_in, None)
    values = init.make(arguments, start.made_in, generator)
    if init.name == "empty":
        values.fill_(unwritten(values.dtype))
    return copied(values) if isinstance(arguments.get("data"), torch.Tensor) else values


def _laid_out(start: Start, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The values in the memory that the recipe asks for, and the leaf."""
    if start.memory_format is not None:
        values = values.contiguous(memory_format=start.memory_format)
    if start.stride is None:
        leaf = values.requires_grad_() if start.requires_grad else values
        return leaf, leaf
    size = list(values.shape)
    kept = [1 if step == 0 else length for length, step in zip(size, start.stride, strict=True)]
    leaf = in_storage(values, kept, start.stride, start.storage_offset)
    if start.requires_grad:
        leaf.requires_grad_()
    return (leaf if kept == size else leaf.expand(size)), leaf


def made_in(init: Init, pinned: torch.dtype | None, target: torch.dtype, rounded: torch.dtype | None) -> torch.dtype:
    """The dtype that values are made in before they are converted to `target`.

    Drawn values: float32 (complex64, int64), or the pinned dtype where torch draws it. Others: the target itself where
    torch makes it, but float64 where they are rounded to an input precision first, so that every cell rounds the same
    numbers.
    """
    if init.draws:
        return _drawn_in(init, pinned, target)
    if rounded is not None and (target.is_floating_point or target.is_complex):
        target = torch.complex128 if target.is_complex else torch.float64
    return _counted_in(init, target) if init.name in _COUNTED else target


_COUNTED: Final = frozenset(
    {"arange", "linspace", "logspace", "eye", "dirac", "tril_indices", "triu_indices", *_WINDOWS},
)
"""Inits that neither draw nor copy: torch has no kernel of theirs for the rarer dtypes."""

_HALVES: Final = frozenset({torch.float16, torch.bfloat16})
_RARE: Final = frozenset({torch.bool, torch.uint16, torch.uint32, torch.uint64})


def _drawn_in(init: Init, pinned: torch.dtype | None, target: torch.dtype) -> torch.dtype:
    """The dtype that random values are drawn in."""
    if init.kind == "boolean":
        return torch.bool
    if init.kind == "integer":
        # in the pinned dtype, so that torch refuses a number that it cannot hold
        in_own = target in _INTEGERS and not (init.name == "randperm" and target in _RARE)
        return target if in_own else torch.int64
    if target.is_complex and init.complex:
        return pinned if pinned is not None else torch.complex64
    if pinned is not None and pinned.is_floating_point and pinned.itemsize > 1:
        return torch.float32 if init.name == "orthogonal" and pinned in _HALVES else pinned
    return torch.float32


def _counted_in(init: Init, target: torch.dtype) -> torch.dtype:
    """The target, or the nearest dtype that torch has a kernel for."""
    if init.kind == "integer":
        return target if target in (torch.int32, torch.int64) else torch.int64
    if target in _RARE:
        return torch.int64
    if target.is_complex:
        # torch counts in real numbers alone, and has no half of a complex one
        whole = torch.float64 if target == torch.complex128 else torch.float32
        return whole if init.name in ("arange", "dirac", *_WINDOWS) else _wide(target)
    return torch.float32 if target.is_floating_point and target.itemsize == 1 else target


def _wide(target: torch.dtype) -> torch.dtype:
    return torch.complex64 if target == torch.complex32 else target


_INTEGERS: Final = frozenset(TORCH_DTYPES[word] for word in INTEGERS if word in TORCH_DTYPES)

__all__ = ["INITS", "LIKE", "NAMES", "VIEWS", "Init", "Start", "made_in", "make", "own_dtype"]
