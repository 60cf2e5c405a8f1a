"""The bench of right cells is one, and the judge calls none of them wrong but those that float64 bears out."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import load_recipe, run_recipe
from tests.wolf import chains, kernels, right_ops

KERNELS = [
    pytest.param(name, kernel, id=f"{name}-{position}")
    for name, several in kernels.KERNELS.items()
    for position, kernel in enumerate(several)
]


# the bench itself


def test_each_right_kernel_is_tried() -> None:
    assert {f"right.{name}" for name in kernels.KERNELS} == set(right_ops.NAMES)
    assert len(kernels.KERNELS) >= 50


@pytest.mark.parametrize(("name", "kernel"), KERNELS)
def test_a_right_kernel_is_pytorchs_op_in_float64(name: str, kernel: kernels.Kernel) -> None:
    source = kernels.recipe_of(name, kernel)
    mine = run_recipe(load_recipe(source, ["dtype=float64"]))
    its = run_recipe(load_recipe(source, ["dtype=float64", f"steps.y.op={kernel.op}"]))
    compared = ["y", *[f"{one}.grad" for one, spec in kernel.tensors.items() if spec.get("requires_grad")]]
    for one in compared:
        torch.testing.assert_close(mine[one], its[one], rtol=1e-9, atol=1e-11)


def test_chains_have_five_to_forty_steps_and_are_the_same_each_time() -> None:
    lengths = [len(chains.chain(number)["steps"]) for number in range(0, chains.COUNT, 10)]
    assert min(lengths) >= chains.SHORTEST
    assert max(lengths) <= chains.LONGEST + 1
    assert chains.chain(7) == chains.chain(7)
    assert chains.chain(7) != chains.chain(8)
