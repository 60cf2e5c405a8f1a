"""Singular vectors and eigenvectors are right in any sign, complex ones in any phase; all else of them is judged."""

import pytest
import torch

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns

RANDOM = {"init": "randn", "size": [5, 4]}
COMPLEX = "torch.complex(x, y)"
GIVING = {
    "svd of a softmax": {"p": "F.softmax(x @ w, -1)", "s": "torch.linalg.svd(p)"},
    "svd": {"s": "torch.linalg.svd(x)"},
    "svd of a wide matrix": {"s": "torch.linalg.svd(x.T)"},
    "old svd": {"s": "x.svd()"},
    "old svd of all columns": {"s": "torch.svd(x, some=False)"},
    "aten": {"s": {"op": "aten._linalg_svd.default", "args": ["x"]}},
    "eigh": {"s": "torch.linalg.eigh(x.T @ x)"},
    "eig": {"s": "torch.linalg.eig(w)"},
    "eig and its values alone": {"s": "torch.linalg.eig(y.T @ x)", "v": "torch.linalg.eigvals(y.T @ x)"},
    "complex eig": {"z": COMPLEX, "s": "torch.linalg.eig(z.mH @ z)"},
    "complex svd": {"s": f"torch.linalg.svd({COMPLEX})"},
    "complex wide": {"s": f"torch.linalg.svd({COMPLEX}.T)"},
    "complex old svd": {"s": f"torch.svd({COMPLEX})"},
    "complex eigh": {"z": COMPLEX, "s": "torch.linalg.eigh(z.mH @ z)"},
    "what one vector gives": {"u": "torch.linalg.svd(x).U[:, 0].exp()"},
    "a block": {
        "first": "x * 1",
        "loop": {
            "repeat": 2,
            "carry": {"first": "h"},
            "steps": {"s": "torch.linalg.svd(first, full_matrices=False)", "h": "s.U * 2 + x"},
        },
    },
}
LOW_RANK = {"svd_lowrank": {"s": "torch.svd_lowrank(x, q=3)"}, "pca_lowrank": {"s": "torch.pca_lowrank(x, q=3)"}}


def judged(steps, *overrides, **more):
    tensors = {"x": RANDOM, "y": RANDOM, "w": {"init": "randn", "size": [4, 4]}, **more.pop("tensors", {})}
    recipe = {"tensors": tensors, "steps": steps, **more}
    loaded = load_recipe(recipe, overrides)
    return yardstick_of(recipe, overrides, loaded, KeptRuns()).compare(run_recipe(loaded))


def bad(steps, seeds, *overrides, **more):
    """What is called wrong, by seed."""
    found = {seed: judged(steps, f"seed={seed}", *overrides, **more).bad for seed in seeds}
    return {seed: [one.name for one in bad] for seed, bad in found.items() if bad}


@pytest.mark.parametrize("name", GIVING)
def test_vectors_of_another_sign_are_no_alarm(name):
    assert bad(GIVING[name], range(20)) == {}


@pytest.mark.parametrize("name", LOW_RANK)
def test_vectors_of_a_random_projection_are_no_alarm(name):
    assert bad(LOW_RANK[name], range(3)) == {}


@pytest.mark.full
@pytest.mark.parametrize("name", LOW_RANK)
def test_vectors_of_more_random_projections_are_no_alarm(name):
    assert bad(LOW_RANK[name], range(20)) == {}


@pytest.mark.parametrize("name", ["svd of a softmax", "eigh"])
def test_compiled_steps_may_have_vectors_of_another_sign(name):
    assert bad(GIVING[name], range(2), "backend=aot_eager") == {}


@pytest.mark.full
@pytest.mark.parametrize("name", GIVING)
def test_all_compiled_steps_may_have_vectors_of_another_sign(name):
    assert bad(GIVING[name], range(20), "backend=aot_eager") == {}


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_what_hangs_on_a_sign_is_judged_with_that_of_the_cell(backend):
    steps = {
        "s": "torch.linalg.svd(x, full_matrices=False)",
        "loss": "(s.U[:, 0] * s.S[0]).sum() + s.Vh[1].exp().sum()",
    }
    tensors = {"x": {**RANDOM, "requires_grad": True}}
    assert (
        bad(steps, range(20 if backend == "eager" else 3), f"backend={backend}", tensors=tensors, backward="loss") == {}
    )


@pytest.mark.parametrize(
    ("size", "step", "seeds"),
    [
        ([3, 2, 5, 4], "torch.linalg.svd(x)", (3, 12, 25)),
        ([9, 4], "torch.linalg.svd(x)", range(8)),
        ([4, 4], "torch.linalg.eigh(torch.eye(4, dtype=x.dtype) * 2 + (x + x.T) * 1e-6)", (3, 27)),
    ],
)
def test_the_error_of_vectors_is_small_beside_the_norm_of_their_matrix(size, step, seeds):
    assert bad({"s": step}, seeds, tensors={"x": {"init": "randn", "size": size}}) == {}


@pytest.mark.parametrize("made", ["ones", "zeros"])
@pytest.mark.parametrize("op", ["torch.linalg.svd", "torch.linalg.eigh", "torch.linalg.eig"])
def test_vectors_of_equal_values_are_free_in_their_subspace(op, made):
    assert bad({"s": f"{op}(x)"}, [0], tensors={"x": {"init": made, "size": [4, 4]}}) == {}


def flipped(both):
    def svd(x):
        found = torch.linalg.svd(x, full_matrices=False)
        signs = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=x.dtype)
        return type(found)((found.U * signs, found.S, signs[:, None] * found.Vh if both else found.Vh))

    return svd


def negated(x):
    found = torch.linalg.svd(x, full_matrices=False)
    signs = torch.tensor([1.0, -1.0, 1.0, 1.0], dtype=x.dtype)
    return type(found)((found.U * signs, found.S * signs, found.Vh))


def permuted(x):
    found = torch.linalg.svd(x, full_matrices=False)
    order = [1, 0, 2, 3]
    return type(found)((found.U[:, order], found.S, found.Vh[order]))


def of_own(function, seed):
    register_op("mine.svd", function, replace=True)
    steps = {"s": {"op": "mine.svd", "args": ["x"]}, "u": "s.U[:, 0]", "again": "s.U @ torch.diag(s.S) @ s.Vh"}
    reference = {"steps.s": "torch.linalg.svd(x, full_matrices=False)"}
    return {one.name for one in judged(steps, f"seed={seed}", reference=reference).bad}


@pytest.mark.parametrize("seed", range(4))
def test_an_op_of_ones_own_is_right_in_any_signs_and_wrong_in_the_rest(seed):
    assert of_own(flipped(both=True), seed) == set()
    assert of_own(flipped(both=False), seed) == {"s.Vh", "again"}
    assert {"s.S", "s.Vh"} <= of_own(negated, seed)
    assert {"s.U", "s.Vh", "again"} <= of_own(permuted, seed)
