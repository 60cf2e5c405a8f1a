"""What a sparse tensor is made of: its indices are never changed in place, and a change of its values is one of it."""

from __future__ import annotations

import pytest
import torch

from tensorflow_free import RecipeError, StepError, load_recipe, register_op, run_recipe

TENSORS = {
    "e": [[1.0, 0.0], [0.0, 2.0]],
    "v": [1.0, 2.0],
    "i": [[0, 1], [1, 0]],
    "rows": [0, 1, 2],
    "cols": [1, 0],
}
COO, CSR, CSC = "e.to_sparse()", "e.to_sparse_csr()", "e.to_sparse_csc()"

pytestmark = pytest.mark.filterwarnings("ignore:Sparse CSR", "ignore:Sparse CSC", "ignore:Sparse invariant")


def run(steps, **recipe):
    return run_recipe(load_recipe({"tensors": TENSORS, "steps": steps, **recipe}))


def steps_of(sparse, handed, change="c.fill_(9)"):
    return {"s": sparse, "c": handed, "f": change, "y": "s @ v"}


HANDED = [
    (COO, "s.indices()"), (COO, "s.indices().detach()"), (COO, "s.indices().T"), (COO, "s.indices().data"), (COO, "s.coalesce().indices()"),
    (COO, "aten.indices.default(s)"), (COO, "aten._indices.default(s)"), (CSR, "s.crow_indices()"), (CSR, "s.col_indices()"),
    (CSR, "aten.col_indices.default(s)"), (CSC, "s.ccol_indices()"), (CSC, "s.row_indices()"), (CSR, "s.col_indices().view(2)"),
    (CSR, "s.col_indices().view(2).select(0, 0)"), (CSR, "s.transpose(0, 1).row_indices()"), (CSR, "s.detach().col_indices()"),
]  # fmt: skip


@pytest.mark.parametrize(("sparse", "handed"), HANDED)
def test_indices_that_are_changed_in_place_are_refused_before_anything_runs(sparse, handed):
    with pytest.raises(
        RecipeError, match=r"steps.f: 'fill_' changes 'c' in place, which holds the indices of"
    ) as refused:
        load_recipe({"tensors": TENSORS, "steps": steps_of(sparse, handed)})
    assert len(refused.value.problems) == 1


CHANGES = [
    "c.add_(9)", "c.zero_()", "torch.add(n, 9, out=c)", "c.copy_(n)", "aten.fill_.Scalar(c, 9)", "c.random_()",
    "torch.arange(2, out=c)", "c.index_fill_(0, n, 9)", {"op": "[]=", "args": ["c", 0, 9]}, "c.resize_(1)", "c.scatter_(0, n, 9)",
]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_every_kind_of_change_is_refused(change):
    with pytest.raises(RecipeError, match="in place, which holds the indices of 's'"):
        load_recipe({"tensors": {**TENSORS, "n": [0, 1]}, "steps": steps_of(CSR, "s.col_indices()", change)})


MAYBE = [
    "s.col_indices()[0]",
    "s.col_indices().reshape(2)",
    "s.col_indices().view_as(n)",
    "s.col_indices().contiguous()",
    "mine.same(s.col_indices())",
]


@pytest.mark.parametrize("handed", MAYBE)
def test_what_only_may_share_their_memory_is_a_step_error_where_it_does(handed):
    register_op("mine.same", lambda x: x, replace=True)
    with pytest.raises(StepError, match="what it changes in place holds the indices of a sparse tensor"):
        run(steps_of(CSR, handed), tensors={**TENSORS, "n": [0, 1]}, record=["y"])


@pytest.mark.parametrize(
    "handed", ["s.col_indices().clone()", "s.col_indices() + 1", "s.col_indices().to(torch.int32)", "s.values()"]
)
def test_a_copy_is_the_recipes_own(handed):
    expected = 9 if "values" in handed else 1
    assert run(steps_of(CSR, handed))["y"][0] == expected


KEPT = [
    ("sparse_coo_tensor(i, v)", "i.add_(9)"),
    ("sparse_coo_tensor(i, v, [2, 2])", "i.view(4).fill_(9)"),
    ("sparse_csr_tensor(rows, cols, v)", "cols.add_(9)"),
    ("sparse_csr_tensor(rows, cols, v)", "rows.fill_(9)"),
    ("sparse_compressed_tensor(rows, cols, v, layout=torch.sparse_csc)", "cols.fill_(9)"),
]


@pytest.mark.parametrize(("make", "change"), KEPT)
def test_what_a_sparse_tensor_was_made_of_is_not_changed_afterwards(make, change):
    with pytest.raises((RecipeError, StepError), match="holds the indices of"):
        run({"s": f"torch.{make}", "f": change, "y": "s.to_dense()"})


def test_what_a_sparse_tensor_is_made_of_may_be_changed_before():
    assert torch.equal(
        run({"f": "i.fill_(0)", "s": "torch.sparse_coo_tensor(i, v).to_dense()"})["s"], torch.tensor([[3.0]])
    )


def test_a_round_that_changes_what_the_one_before_was_made_of_is_refused():
    block = {"repeat": 2, "steps": {"f": "i.add_(1)", "s": "torch.sparse_coo_tensor(i, v, [9, 9])"}}
    with pytest.raises(RecipeError, match=r"steps.loop.steps.f: 'add_' changes 'i' in place"):
        run({"loop": block})


SPOILT = [
    {"s": "w.to_sparse()", "d": "s.detach()", "f": "s.t_()"},
    {"s": "w.to_sparse()", "d": "s.data", "f": "s.transpose_(0, 1)"},
    {"s": CSR, "d": "s.transpose(0, 1)", "o": "w.to_sparse_csr()", "f": "s.resize_as_sparse_(o)"},
]


@pytest.mark.parametrize("steps", SPOILT, ids=lambda steps: steps["f"])
def test_a_change_that_spoils_another_sparse_tensor_stops_the_run(steps):
    wide = torch.zeros(2, 9)
    wide[0, 4] = wide[1, 8] = 1
    with pytest.raises(StepError, match="they no longer fit its size") as stopped:
        run(steps, tensors={**TENSORS, "w": {"data": wide}})
    assert stopped.value.step == "f"


@pytest.mark.parametrize("change", ["s.t_()", "s.mul_(2.0)", "s.zero_()", "s.add_(s)"])
def test_a_change_that_spoils_nothing_goes_on(change):
    plain = torch.tensor(TENSORS["e"]).to_sparse()
    expected = eval(change, {"s": plain}).to_dense()
    assert torch.equal(run({"s": COO, "f": change, "y": "f.to_dense()"})["y"], expected)


# what the plan knows of values

SHARING = {
    "s.values()": COO, "s.detach().values()": COO, "aten._values.default(s)": COO, "s.coalesce().values()": COO, "s.to_sparse().values()": COO,
    "s.to_sparse_csr().values()": COO, "s.transpose(0, 1).values()": CSR, "s.to_sparse_coo().values()": CSR, "s.sparse_mask(s).values()": CSR,
    "s.select(0, 1).values()": CSR,
}  # fmt: skip


@pytest.mark.parametrize(("values", "sparse"), [*SHARING.items(), ("s.to_sparse_csr().values()", COO)])
def test_a_change_of_the_values_is_a_change_of_the_sparse_tensor(values, sparse):
    plain = eval(sparse, {"e": torch.tensor(TENSORS["e"])})
    before = plain.to_dense()
    eval(values, {"s": plain, "aten": torch.ops.aten}).mul_(3)
    result = run({"s": sparse, "c": values, "f": "c.mul_(3)"})
    assert torch.equal(result["s"].to_dense(), before)
    assert torch.equal(result["s.after"].to_dense(), plain.to_dense())
    assert not torch.equal(before, plain.to_dense())


def test_values_that_a_sparse_tensor_was_made_of_are_its_own():
    result = run({"s": "torch.sparse_coo_tensor(i, v)", "f": "v.mul_(3)"})
    assert torch.equal(result["s"].to_dense(), torch.tensor([[0.0, 1.0], [2.0, 0.0]]))
    assert torch.equal(result["s.after"].to_dense(), torch.tensor([[0.0, 3.0], [6.0, 0.0]]))


# other tensors that are made of several


def nested(x):
    return torch.nested.nested_tensor([x, x])


@pytest.mark.parametrize("part", ["size", "strides", "storage_offsets"])
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested")
def test_the_sizes_of_a_nested_tensor_are_not_changed_in_place(part):
    register_op("mine.nested", nested, replace=True)
    with pytest.raises(RecipeError, match="'fill_' changes 'c' in place"):
        run(steps_of({"op": "mine.nested", "args": ["v"]}, f"aten._nested_tensor_{part}.default(s)"))


@pytest.mark.filterwarnings("ignore:torch.quantize_per_channel")
def test_the_scales_that_a_quantised_tensor_hands_out_are_a_copy():
    register_op(
        "mine.q", lambda x: torch.quantize_per_channel(x, torch.ones(2), torch.zeros(2), 0, torch.qint8), replace=True
    )
    result = run(
        {
            "q": {"op": "mine.q", "args": ["e"]},
            "c": "q.q_per_channel_scales()",
            "f": "c.fill_(9)",
            "y": "q.dequantize()",
        }
    )
    assert torch.equal(result["y"], torch.tensor(TENSORS["e"]))


@pytest.mark.parametrize("op", ["mv", "aten.mv.out"])
def test_the_product_of_a_compressed_matrix_is_not_written_beside_its_out(op):
    matrix = torch.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]).to_sparse_csr()
    steps = {"y": {"op": op, "args": ["m", "v"], "kwargs": {"out": "o"}}}
    with pytest.raises(StepError, match=r"'out' is of shape \[0\]; it must be \[2\]"):
        run_recipe(load_recipe({"tensors": {"m": {"data": matrix}, "v": [1.0, 2.0, 3.0], "o": []}, "steps": steps}))
