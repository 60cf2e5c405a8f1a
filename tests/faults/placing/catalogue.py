"""All cells of the bench, made from hosts, steps, dtypes and manners; the same ones each time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

from tests.faults.bench.aten import result
from tests.faults.bench.compilers import NAME as REWRITING
from tests.faults.bench.fault import Wrong
from tests.faults.bench.manners import (
    ALL,
    FLOATING,
    Manner,
    chosen,
    hash_of,
    one_element,
    scaled,
    shifted,
    without_the_last_row,
)
from tests.faults.bench.own_ops import gradient, gradient_to_the_other, value
from tests.faults.placing import wrongs
from tests.faults.placing.of_bench import faults_of_the_bench
from tests.faults.placing.plant import Cell, Direction, Host, Plant, Rounds, Spot, hosts_of, spots_of
from tests.faults.placing.right import right_cells

PAIRS: Final = frozenset("add sub mul div matmul mm bmm dot outer atan2".split())
"""Ops of two operands whose gradients can go to each other."""

SHARES: Final = {
    "eager": 30,
    "readers": 70,
    "repeat": 40,
    "in_place": 60,
    "unsaid": 80,
    "mid_chain": 40,
    "blocks": 70,
    "amplifiers": 60,
    "compiled": 2,
    "nodes": 50,
    "two": 6,
    "own ops": 8,
}
"""How many in a hundred of all that can be made are in the bench; a hash of its name decides, so that a new host or
manner leaves the others as they are."""

NODES: Final[Mapping[str, str]] = {
    "mlp": "mse_loss:loss mse_loss_backward:loss",
    "chain": "sin:s exp:e tanh:t log1p:l sqrt:r tanh_backward:t",
    "conv": "convolution:c native_group_norm:n silu:a avg_pool2d:p silu_backward:a convolution_backward:c",
    "rms": "rsqrt:inv silu:act silu_backward:act",
    "attention": "_softmax:p native_layer_norm:n native_layer_norm_backward:n _softmax_backward_data:p",
}
"""The nodes of hosts' compiled graphs that are rewritten, and the step that each is of."""

FIELDS: Final = {"convolution_backward": 1}
"""Which of a node's results is wrong, where that is not the first."""


def cells() -> list[Cell]:
    """Every cell of the bench, part by part, the right ones last."""
    return [*faults(), *right_cells(paths()), *_right_own_ops()]


def faults() -> Iterator[Cell]:
    """Every cell in which something is wrong."""
    for part, plants in _PLANTS.items():
        for path in hosts_of(part):
            for dtype in ALL:
                host = Host(path, dtype)
                yield from _some(part, (Cell(part, host, (one,)) for one in plants(host)))
    yield from _hidden()
    yield from _unrecorded()
    yield from _some("two", _of_two())
    yield from _compiled()
    yield from faults_of_the_bench()


def _some(part: str, made: Iterator[Cell]) -> Iterator[Cell]:
    return (one for one in made if hash_of(one.name) % 100 < SHARES[part])


# one culprit


def _values(host: Host, spot: Spot) -> Iterator[Plant]:
    """The step's value is wrong."""
    for one in chosen(FLOATING, host.dtype, f"{host} {spot.path}", 1):
        yield Plant(spot, "forward", one.name, wrongs.fresh(value(one.manner)))
    if wrongs.is_in_place(spot):
        yield Plant(spot, "operand", "is not written", wrongs.lost_write)
        yield Plant(spot, "operand", "is written in half", wrongs.half_written)
    if spot.op in VIEWS:
        yield Plant(spot, "forward", "is a copy", wrongs.copied)
    if spot.op == "clone":
        yield Plant(spot, "forward", "is no copy", wrongs.not_copied)


VIEWS: Final = frozenset("transpose narrow view flatten reshape".split())
"""Ops that give the memory of their operand."""


GRADIENTS: Final[Mapping[str, Manner]] = {
    "dropped": scaled(0.0),
    "scaled by 1.15": scaled(1.15),
    "twice": scaled(2.0),
    "rolled": shifted,
    "negated": scaled(-1.0),
    "without its last row": without_the_last_row,
}
"""What becomes of the gradient of one operand."""


def _gradients(host: Host, spot: Spot) -> Iterator[Plant]:
    """The gradient of one operand is wrong."""
    if not spot.followed:
        return
    key = f"{host} {spot.path} gradient"
    for place in spot.operands:
        name = list(GRADIENTS)[hash_of(f"{key} {place}") % len(GRADIENTS)]
        make = wrongs.gradient_in_place if wrongs.is_in_place(spot) else wrongs.gradient_of
        yield Plant(spot, "backward", f"gradient {place} {name}", make(place, GRADIENTS[name]))
    if wrongs.is_in_place(spot):
        return
    for place in spot.operands:
        yield Plant(spot, "backward", f"gradient {place} cut", wrongs.cut(place))
    if spot.op in PAIRS and len(spot.operands) == 2:
        yield Plant(spot, "backward", "gradients exchanged", wrongs.fresh(gradient_to_the_other))
    (one,) = chosen(FLOATING, host.dtype, key, 1)
    yield Plant(spot, "backward", f"gradient of the result {one.name}", wrongs.fresh(gradient(one.manner)))


def _either(host: Host) -> Iterator[Plant]:
    for spot in spots_of(host):
        yield from _values(host, spot)
        yield from _gradients(host, spot)


def _backward(host: Host) -> Iterator[Plant]:
    for spot in spots_of(host):
        yield from _gradients(host, spot)


def _by_rounds(host: Host) -> Iterator[Plant]:
    """Wrong in every round, and in one of them."""
    for plant in _either(host):
        yield plant
        spot = plant.spot
        if spot.repeats:
            rounds = tuple(1 + hash_of(f"{host} {plant} {depth}") % count for depth, count in enumerate(spot.repeats))
            if spot.name not in ALIKE:
                yield _in_one(plant, "", wrongs.in_round, rounds)
            if plant.direction == "forward":
                yield _in_one(plant, " by count", wrongs.counting, rounds)


ALIKE: Final = frozenset({"zx"})
"""Steps that read the same numbers in each round."""


def _in_one(plant: Plant, words: str, when: Callable[[Wrong, Rounds, Sequence[int]], Wrong], rounds: Rounds) -> Plant:
    wrong = when(plant.wrong, rounds, plant.spot.repeats)
    return Plant(plant.spot, plant.direction, plant.manner + words, wrong, rounds)


def _unsaid(host: Host) -> Iterator[Plant]:
    """An operand is overwritten."""
    for spot in spots_of(host):
        for place in spot.operands:
            for one in chosen(FLOATING, host.dtype, f"{host} {spot.path} {place}", 1):
                yield Plant(spot, "operand", f"operand {place} {one.name}", wrongs.writes(place, one.manner))


def _slight(host: Host) -> Iterator[Plant]:
    """The value is slightly wrong: by as many epsilons as are told from rounding."""
    for spot in spots_of(host):
        for words, make in wrongs.MANNERS_OF_EPSILONS.items():
            count = 84.0 if host.dtype == "float32" else 20.0
            yield Plant(spot, "forward", f"{count:.0f} epsilons, {words}", value(make(count)))


_PLANTS: Final[Mapping[str, Callable[[Host], Iterator[Plant]]]] = {
    "eager": _either,
    "readers": _backward,
    "repeat": _by_rounds,
    "in_place": _either,
    "unsaid": _unsaid,
    "mid_chain": _either,
    "blocks": _either,
    "amplifiers": _slight,
}


def _unrecorded() -> Iterator[Cell]:
    """Amplifiers where only what no later step reads is recorded."""
    for path in hosts_of("amplifiers"):
        for dtype in ALL:
            host = Host(path, dtype, record="outputs")
            yield from _some("amplifiers", (Cell("amplifiers", host, (one,)) for one in _slight(host)))


# what noise hides

EPSILONS: Final = (24.0, 32.0, 48.0)
"""How many epsilons what is hidden is off: a correct step is off by one at most, and by half of one where it rounds once."""

HIDDEN: Final[Mapping[str, str]] = {
    "shifted": "y d z",
    "large_exponent": "y d s",
    "logistic": "y d q",
    "gradient": "m t s",
}
"""The steps behind which what is wrong is hidden, of hosts by name."""


def _hidden() -> Iterator[Cell]:
    for path in hosts_of("hidden"):
        for dtype in ALL:
            host = Host(path, dtype)
            for spot in spots_of(host):
                if spot.name in HIDDEN[path.stem].split():
                    yield from (Cell("hidden", host, (one,)) for one in _hidden_in(host, spot))


def _hidden_in(host: Host, spot: Spot) -> Iterator[Plant]:
    backward = host.name == "gradient"
    direction: Direction = "backward" if backward else "forward"
    for words, make in wrongs.MANNERS_OF_EPSILONS.items():
        for count in EPSILONS:
            wrong = wrongs.gradient_of(0, make(count)) if backward else value(make(count))
            yield Plant(spot, direction, f"{count:.0f} epsilons, {words}", wrong)


# two culprits


TWO_FIT: Final = [one for part in ("eager", "repeat", "in_place") for one in hosts_of(part) if one.stem != "descent"]
"""The hosts in which it is clear which of two comes first: those that do not differentiate in mid-chain."""


def _of_two() -> Iterator[Cell]:
    for path in TWO_FIT:
        for dtype in ALL:
            host = Host(path, dtype)
            for first, second in combinations(spots_of(host), 2):
                yield from (Cell("two", host, pair) for pair in _pairs(host, first, second))


def _pairs(host: Host, first: Spot, second: Spot) -> Iterator[tuple[Plant, Plant]]:
    """Both forward, the first of them first; one backward, which is second; both backward, the later step first."""
    ahead, behind = (_seen(host, one, "forward") for one in (first, second))
    yield ahead, behind
    if first.followed and not wrongs.is_in_place(first):
        yield behind, _seen(host, first, "backward")
        if second.followed and not wrongs.is_in_place(second):
            yield _seen(host, second, "backward"), _seen(host, first, "backward")


SEEN: Final[Mapping[str, Manner]] = {
    "scaled by 1.15": scaled(1.15),
    "sign": scaled(-1.0),
    "one element, by 0.5": one_element(0.5),
}
"""Manners that are seen wherever they are, and hide nothing that comes after them."""


def _seen(host: Host, spot: Spot, direction: Direction) -> Plant:
    """The step's value, or its gradient, is wrong in a way that is seen."""
    name = list(SEEN)[hash_of(f"{host} {spot.path} {direction}") % len(SEEN)]
    wrong = value(SEEN[name]) if direction == "forward" else gradient(SEEN[name])
    return Plant(spot, direction, name, wrongs.fresh(wrong))


# compiled


def _compiled() -> Iterator[Cell]:
    for path in (*hosts_of("eager"), *hosts_of("readers"), *hosts_of("blocks")):
        for dtype in ALL:
            host = Host(path, dtype, "aot_eager")
            yield from _some("compiled", (Cell("compiled", host, (one,)) for one in _own_compiled(host)))
            rewritten = Host(path, dtype, REWRITING)
            yield from _some("nodes", (Cell("compiled", rewritten, (one,)) for one in _nodes(host)))
    for path in hosts_of("eager"):
        if path.stem in ("chain", "rms"):
            yield from _by_inductor(Host(path, "float32", "inductor"))


def _own_compiled(host: Host) -> Iterator[Plant]:
    """An op of the user's own that is wrong always, or under the compiler alone."""
    for plant in _either(host):
        yield plant
        only = wrongs.when_compiled(plant.wrong)
        yield Plant(plant.spot, plant.direction, f"{plant.manner} where compiled", only)


def _by_inductor(host: Host) -> Iterator[Cell]:
    found = [*_own_compiled(host)]
    few = sorted(found, key=lambda one: hash_of(f"{host} {one}"))[:3]
    return (Cell("compiled", host, (one,)) for one in few)


def _nodes(host: Host) -> Iterator[Plant]:
    """A compiler that rewrites one node."""
    steps = {one.name: one for one in spots_of(host)}
    for written in NODES.get(host.name, "").split():
        node, _, step = written.partition(":")
        direction: Direction = "backward" if "backward" in node else "forward"
        for one in chosen(FLOATING, host.dtype, f"{host} {written}", 1):
            yield Plant(
                steps[step], direction, one.name, result(one.manner, FIELDS.get(node, 0)), node=f"{node}.default"
            )


def _right_own_ops() -> Iterator[Cell]:
    """A step by an op of the user's own that is right."""
    for path in paths():
        for dtype in ALL:
            host = Host(path, dtype)
            plants = (Plant(spot, "forward", "right", None) for spot in spots_of(host))
            yield from _some("own ops", (Cell("right", host, (one,), f"own ops, {path.parent.name}") for one in plants))


def sampled(all_of_them: Sequence[Cell], count: int) -> list[Cell]:
    """Some of them, of compiled ones one, none by inductor; always the same, in their order."""
    ordered = sorted(all_of_them, key=lambda one: hash_of(f"sample {one.name}"))
    few = [one for one in ordered if one.host.backend == "eager"][:count]
    few += [one for one in ordered if one.host.backend not in ("eager", "inductor")][:1]
    names = {one.name for one in few}
    return [one for one in all_of_them if one.name in names]


def paths() -> list[Path]:
    """All hosts."""
    return [path for part in (*_PLANTS, "hidden") for path in hosts_of(part)]
