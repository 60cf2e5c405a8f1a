"""Machine-made chains: some steps of common ops, views, changes in place, reductions and products, and a backward pass.

Each step is tried in float64 as it is made, so that all values are finite and of moderate size: a chain is right
everywhere, and no more ill-conditioned than what people write.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

import torch

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.errors import StepError
from tests.wolf.cells import DTYPES, Cell

COUNT: Final = 300
MOST_TRIED: Final = 50
SHORTEST, LONGEST = 5, 40
SMALL, LARGE = 1e-4, 1e4
"""Within which the largest number of each value stays."""

Step = dict[str, Any] | str
Shape = tuple[int, ...]


def cells(part: str, every: int, overrides: Sequence[str] = (), dtypes: Sequence[str] = DTYPES) -> Iterator[Cell]:
    """Every so many-th chain."""
    for number in range(0, COUNT, every):
        source = chain(number)
        for dtype in dtypes:
            yield Cell(part, f"chain {number}", dtype, source, tuple(overrides))


def chain(number: int) -> dict[str, Any]:
    """The recipe of a number, the same each time."""
    random = Random(number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is tried may be odd, such as the deviation of one number
        for _ in range(MOST_TRIED):
            made = _Making(random).recipe()
            if made is not None:
                return made
    raise AssertionError(f"chain {number} cannot be made")


@dataclass
class _Making:
    """A chain being made, with the value of each name in float64."""

    random: Random
    values: dict[str, torch.Tensor] = field(default_factory=dict)
    tensors: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)

    def recipe(self) -> dict[str, Any] | None:
        """The whole recipe; None where what came out cannot be differentiated."""
        self._start()
        length = self.random.randint(SHORTEST, LONGEST)
        for _ in range(20 * length):
            if len(self.steps) >= length:
                break
            self._step()
        last = self._floating()[-1]
        self.steps["total"] = self.random.choice((f"{last}.sum()", f"{last}.mean()", f"({last} * {last}).mean()"))
        made = {"tensors": self.tensors, "steps": self.steps, "backward": "total"}
        return made if _runs(made) else None

    def _start(self) -> None:
        rows, columns, depth = (self.random.choice((2, 3, 5, 8, 16, 33, 64)) for _ in range(3))
        seed = self.random.randrange(2**16)
        sizes: dict[str, Shape] = {"x": (rows, columns), "w": (columns, depth), "b": (columns,)}
        if self.random.random() < 0.4:
            sizes["z"] = (self.random.choice((2, 3)), rows, columns)
        for position, (name, size) in enumerate(sizes.items()):
            init = self.random.choice(("randn", "randn", "rand"))
            spec = {"init": init, "size": list(size), "seed": seed + position}
            self.tensors[name] = {**spec, "requires_grad": True} if self.random.random() < 0.7 or name == "x" else spec
            generator = torch.Generator().manual_seed(seed + position)
            self.values[name] = getattr(torch, init)(size, generator=generator).double()

    def _floating(self) -> list[str]:
        return [name for name, value in self.values.items() if value.is_floating_point()]

    def _step(self) -> None:
        """Add a step, if what it gives is of moderate size."""
        make = self.random.choice(MAKERS)
        step = make(self)
        if step is None:
            return
        text, value = step
        name = f"s{len(self.steps)}"
        if not _is_moderate(value):
            return
        self.steps[name] = text
        self.values[name] = value

    def one(self) -> str:
        """A value, a late one mostly: so chains are deep."""
        names = self._floating()
        return self.random.choice(names[-4:] if self.random.random() < 0.75 else names)

    def like(self, shape: Shape) -> str | None:
        """A second value that has this shape, or the last part of it."""
        fits = [n for n in self._floating() if 0 < self.values[n].dim() <= len(shape) and _ends(shape, self.values[n])]
        return self.random.choice(fits) if fits else None


def _ends(shape: Shape, value: torch.Tensor) -> bool:
    return tuple(value.shape) == shape[len(shape) - value.dim() :]


def _is_moderate(value: torch.Tensor) -> bool:
    if not value.is_floating_point():
        return value.numel() > 0
    if not value.numel() or value.numel() > 2**16 or not bool(value.isfinite().all()):
        return False
    peak = float(value.abs().max())
    return peak == 0 or SMALL < peak < LARGE


def _runs(mapping: dict[str, Any]) -> bool:
    """Whether it runs, and all its values and gradients are of moderate size."""
    try:
        result = run_recipe(load_recipe(mapping, ["dtype=float64"]))
    except StepError:
        return False  # autograd refuses what was changed after it was saved
    found = [result[name] for name in result]
    if result["x.grad"] is None:
        return False
    return all(not isinstance(one, torch.Tensor) or _is_moderate(one) for one in found)


# what makes a step: its text, and its value in float64; None where nothing fits

Made = tuple[Step, torch.Tensor] | None


POINTWISE: Final = (
    *("{a}.tanh()", "{a}.sigmoid()", "{a}.sin()", "{a}.cos()", "{a}.relu()", "-{a}", "{a}.abs()", "{a} * 0.5"),
    *("{a} ** 2", "{a} ** 3", "({a}.abs() + 0.1).sqrt()", "({a}.abs() + 0.5).log()", "{a}.abs().log1p()", "{a}.exp()"),
    *("F.gelu({a})", "F.silu({a})", "F.softplus({a})", "{a}.erf()", "1 / ({a}.abs() + 1)", "({a} ** 2 + 1).rsqrt()"),
    *("{a}.clamp(-1, 1)", "{a} + 1", "1 - {a}", "F.elu({a})", "F.leaky_relu({a}, 0.1)", "{a}.expm1()", "{a}.atan()"),
    *("F.logsigmoid({a})", "{a}.sinh()", "{a} / 3", "torch.where({a} > 0, {a}, {a} * 0.25)", "F.hardswish({a})"),
    *("{a}.sign() * {a}.abs().sqrt()", "F.mish({a})", "{a}.floor()", "{a} % 1.5", "{a}.round()"),
)
SHAPES: Final = (
    *("{a}.mT", "{a}.flatten()", "{a}[::2]", "{a}[1:]", "{a}[:, :2]", "{a}[-1]", "{a}.unsqueeze(0)", "{a}.flip(0)"),
    *("{a}.roll(1, 0)", "torch.cat([{a}, {a}], 0)", "torch.stack([{a}, {a} * 2])", "{a}.t()", "{a}.T.contiguous()"),
    *("{a}.repeat(2, 1)", "{a}.tril()", "{a}.triu(1)", "{a}.reshape(-1, 2)", "{a}.expand(2, -1, -1)", "{a}.clone()"),
    *("{a}.diagonal()", "{a}.unfold(-1, 2, 1)", "{a}.squeeze()", "{a}.movedim(0, -1)", "{a}.narrow(0, 0, 2)"),
)
REDUCTIONS: Final = (
    *("{a}.sum(0)", "{a}.sum(-1)", "{a}.mean(-1)", "{a}.mean(0, True)", "{a}.amax(-1)", "{a}.std(-1)", "{a}.var(0)"),
    *("{a}.logsumexp(-1)", "{a}.norm(dim=-1)", "{a}.cumsum(-1)", "{a}.softmax(-1)", "{a}.log_softmax(-1)", "{a}.sum()"),
    *("{a}.mean()", "{a}.cumsum(0)", "{a}.max(0).values", "{a}.sort(-1).values", "{a}.softmax(0)", "{a}.norm()"),
    *("{a} - {a}.mean(-1, True)", "{a} / ({a}.norm(dim=-1, keepdim=True) + 0.1)", "F.normalize({a}, dim=-1)"),
    *("{a}.logcumsumexp(-1)", "{a}.cumprod(-1)", "{a}.median(-1).values", "{a}.topk(2).values", "{a}.amin(0)"),
    *("({a} - {a}.mean(-1, True)) / ({a}.var(-1, keepdim=True) + 1e-5).sqrt()", "{a}.argmax(-1)", "({a} > 0).sum(-1)"),
)
PAIRS: Final = (
    *(
        "{a} + {b}",
        "{a} - {b}",
        "{a} * {b}",
        "{a} / ({b}.abs() + 0.5)",
        "torch.maximum({a}, {b})",
        "torch.lerp({a}, {b}, 0.3)",
    ),
    *("torch.where({a} > {b}, {a}, {b} * 0.5)", "torch.hypot({a}, {b} + 2)", "torch.atan2({a}, {b}.abs() + 1)"),
    *(
        "torch.addcmul({a}, {a}, {b}, value=0.5)",
        "F.mse_loss({a}, {b} + {a} * 0)",
        "{a} * {b} + {a}",
        "{a} * {b}.sigmoid()",
    ),
)
PRODUCTS: Final = (
    *("{a} @ w", "{a} @ w @ w.T", "F.linear({a}, w.T)", "{a} @ {a}.mT", "({a} @ {a}.mT).softmax(-1) @ {a}", "{a} @ b"),
    *("F.layer_norm({a}, [{n}])", "F.layer_norm({a}, [{n}], b + 1, b)", "F.rms_norm({a}, [{n}])", "torch.outer(b, b)"),
    *("F.glu(torch.cat([{a}, {a}], -1))", "F.scaled_dot_product_attention({a}, {a}, {a})", "F.linear({a}, w.T).relu()"),
    *(
        "{a}.mT @ {a} / {n}",
        "torch.einsum('...ij,...kj->...ik', {a}, {a})",
        "F.avg_pool1d({a}, 2)",
        "F.cosine_similarity({a}, {a} + 1, -1)",
    ),
    *("F.max_pool1d({a}, 2)", "{a}[[0, 1, 0]]", "torch.addmm({a}, {a}, {a}.mT @ {a})"),
)
IN_PLACE: Final = (
    *(
        "{a}.add_(1)",
        "{a}.mul_(0.5)",
        "{a}.relu_()",
        "{a}.tanh_()",
        "{a}.sigmoid_()",
        "{a}.clamp_(-2, 2)",
        "{a}.sub_({a})",
    ),
    *("{a}.neg_()", "{a}.div_(2)", "{a}[0].mul_(2)", "{a}[:1].zero_()", "{a}.exp_()", "{a}[..., 0].add_(1)"),
)


def _filled(texts: Sequence[str], making: _Making) -> Made:
    a = making.one()
    value = making.values[a]
    b = making.like(tuple(value.shape))
    text = making.random.choice(texts)
    if b is None and "{b}" in text:
        return None
    text = text.format(a=a, b=b, n=value.shape[-1] if value.dim() else 1)
    return _worked_out(text, making)


def _worked_out(text: str, making: _Making) -> Made:
    copies = {name: value.clone() for name, value in making.values.items()}
    try:
        value = eval(text, {"torch": torch, "F": torch.nn.functional, **copies})
    except (RuntimeError, IndexError, ValueError):
        return None
    return text, value


def _in_place(making: _Making) -> Made:
    """A change of a step's value in place; of a clone of it, where it may have been read."""
    steps = [name for name in making.steps if making.values[name].is_floating_point()]
    if not steps:
        return None
    a = making.random.choice(steps[-3:])
    text = making.random.choice(IN_PLACE).format(a=a)
    shared = {name: making.values[name].clone() for name in making.values}
    try:
        given = eval(text, {**shared, a: making.values[a]})
    except (RuntimeError, IndexError):
        making.values.update(shared)
        return None
    if not all(map(_is_moderate, making.values.values())):
        making.values.update(shared)
        return None
    return text, given.clone()


MAKERS: Final = (
    *[partial(_filled, POINTWISE)] * 5, *[partial(_filled, SHAPES)] * 2, *[partial(_filled, REDUCTIONS)] * 3,
    *[partial(_filled, PAIRS)] * 4, *[partial(_filled, PRODUCTS)] * 3, *[_in_place] * 2,
)  # fmt: skip
