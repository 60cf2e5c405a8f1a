"""What is done to a valid recipe: most of it leaves the recipe valid, and much of that makes a step fail."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

from fuzz.calls import INTEGERS, NUMBERS, step
from fuzz.tensors import FLOATING, ODD_DTYPES, conversion, tensor

Mapping = dict[str, Any]
Mutation = Callable[[Mapping, Random], None]

ODD: Final[tuple[Any, ...]] = (
    None, True, -1, 2**63, 10**400, 1e308, float("nan"), "", ".", "x.", "x.grad", "x.0", "nan", "${params.n}", "${", "x[", "((((", "1 +",
    "\0", "\x1b[2J", "é", "\u202e", [], [[]], [None], [[1], 2], {}, {"": 0}, {"op": 1}, {"ref": []}, {"finfo": {}}, {"init": "ones", "size": {}},
)  # fmt: skip
"""Values that are likely to be taken for something else."""


EXPECTED: Final[tuple[Mapping, ...]] = (
    {"value": [1.0, 2.0]}, {"equal": 1}, {"shape": [2, 3]}, {"dtype": "floating"}, {"stride": [1]}, {"contiguous": True},
    {"value": 1.0, "ulp": 2}, {"value": None},
)  # fmt: skip

SETTINGS: Final[dict[str, tuple[Any, ...]]] = {
    "dtype": FLOATING,
    "device": ("cpu", "meta"),
    "record": ("all", "outputs"),
    "seed": (1, 2**40),
    "input_precision": FLOATING,
    "settings": ({"deterministic": True}, {"num_threads": 1}, {"flush_denormal": True}),
}


ODD_SHARE: Final = 0.08
"""How often something in a recipe is replaced by what hardly fits there."""


def values_of(recipe: Mapping) -> list[str]:
    """The names of the tensors and steps."""
    return [*recipe.get("tensors", {}), *recipe.get("steps", {})] or ["x"]


def _add_tensor(recipe: Mapping, random: Random) -> None:
    recipe.setdefault("tensors", {})[f"n{random.randrange(9)}"] = tensor(random)


def _add_step(recipe: Mapping, random: Random) -> None:
    recipe.setdefault("steps", {})[_new(recipe)] = step(values_of(recipe), random)


def _convert(recipe: Mapping, random: Random) -> None:
    """Another kind of tensor of a value, and something done with it."""
    steps = recipe.setdefault("steps", {})
    first = _new(recipe)
    steps[first] = conversion(random.choice(values_of(recipe)), random)
    steps[_new(recipe)] = step([first, first, *values_of(recipe)], random)


def _new(recipe: Mapping) -> str:
    return f"a{len(recipe.get('steps', {}))}"


def _other_operand(recipe: Mapping, random: Random) -> None:
    for steps in _steps(recipe, random):
        if steps.get("args") and isinstance(steps["args"], list):
            steps["args"][random.randrange(len(steps["args"]))] = random.choice(
                (random.choice(values_of(recipe)), *INTEGERS, *NUMBERS)
            )
            return


def _other_op(recipe: Mapping, random: Random) -> None:
    for one in _steps(recipe, random):
        one["op"] = step(values_of(recipe), random)["op"]
        return


def _other_kind(recipe: Mapping, random: Random) -> None:
    if recipe.get("tensors"):
        recipe["tensors"][random.choice(list(recipe["tensors"]))] = tensor(random)


def _steps(recipe: Mapping, random: Random) -> Iterator[Mapping]:
    found = [one for one in recipe.get("steps", {}).values() if isinstance(one, dict) and "op" in one]
    random.shuffle(found)
    yield from found


def _in_block(recipe: Mapping, random: Random) -> None:
    steps = recipe.get("steps", {})
    if not steps:
        return
    last = list(steps)[-1]
    kinds: tuple[Mapping, ...] = (
        {"with": "no_grad"},
        {"with": "inference_mode"},
        {"with": {"autocast": {"dtype": "bfloat16"}}},
        {"repeat": random.choice((0, 1, 2))},
        {"repeat": 2, "trace": [last]},
        {"repeat": 2, "carry": {random.choice(values_of(recipe)): last}},
    )
    steps["block"] = {**random.choice(kinds), "steps": {last: steps.pop(last)}}


def _differentiate(recipe: Mapping, random: Random) -> None:
    value = random.choice(values_of(recipe))
    gradient = random.choice((None, 1.0, {"init": "ones"}, {"init": "randn"}, random.choice(values_of(recipe)), [1.0]))
    if random.random() < 0.6:
        recipe["backward"] = value if gradient is None else {"target": value, "gradient": gradient}
    else:
        recipe.setdefault("steps", {})[_new(recipe)] = random.choice(
            (
                {"op": "backward", "args": [value, gradient]},
                {"op": "grad", "args": [value, [random.choice(values_of(recipe))]]},
            )
        )


def _expect(recipe: Mapping, random: Random) -> None:
    value, other = (random.choice(values_of(recipe)) for _ in range(2))
    wanted = random.choice(
        (*EXPECTED, {"value": random.choice(NUMBERS)}, {"close": other}, {"equal": other}, {"shares_memory": other})
    )
    ending = random.choice(("", "", ".grad", ".after", ".0", ".values"))
    recipe.setdefault("expect", {})["error" if random.random() < 0.2 else value + ending] = wanted


def _check(recipe: Mapping, random: Random) -> None:
    recipe.setdefault("checks", {})["k"] = step(values_of(recipe), random)


def _setting(recipe: Mapping, random: Random) -> None:
    key = random.choice(list(SETTINGS))
    recipe[key] = random.choice(
        (*SETTINGS[key], [random.choice(values_of(recipe))]) if key == "record" else SETTINGS[key]
    )


def _pin(recipe: Mapping, random: Random) -> None:
    if recipe.get("tensors"):
        name = random.choice(list(recipe["tensors"]))
        if isinstance(recipe["tensors"][name], dict):
            recipe["tensors"][name]["dtype"] = random.choice((*FLOATING, *ODD_DTYPES))


def _anything(recipe: Mapping, random: Random) -> None:
    """An odd value in any place."""
    node: Any = recipe
    while node:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = random.choice(keys)
        if not isinstance(node[key], (dict, list)) or random.random() < 0.2:
            node[key] = random.choice(ODD)
            return
        node = node[key]


MUTATIONS: Final[tuple[Mutation, ...]] = (
    *([_add_step] * 4), *([_convert] * 4), *([_differentiate] * 2), *([_expect] * 3), *([_other_kind] * 2),
    _other_operand, _other_op, _add_tensor, _in_block, _check, _setting, _pin,
)  # fmt: skip


def mutated(recipe: Mapping, random: Random) -> Mapping:
    """A copy of the recipe with a few things changed."""
    result = copy.copy(recipe)
    result["tensors"] = {
        name: dict(spec) if isinstance(spec, dict) else spec for name, spec in recipe.get("tensors", {}).items()
    }
    result["steps"] = copy.deepcopy(recipe.get("steps", {}))
    for key in ("expect", "checks", "cases", "params"):
        if key in recipe:
            result[key] = copy.deepcopy(recipe[key])
    for _ in range(random.choice((0, 1, 1, 2, 2, 3))):
        random.choice(MUTATIONS)(result, random)
    if random.random() < ODD_SHARE:
        _anything(result, random)
    return result
