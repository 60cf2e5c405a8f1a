"""`relations`: what must hold between a run and runs on other tensors, made of its own; each kind, right and wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tensorflow_free import RecipeError, assert_recipe, load_recipe, read_result, register_op, run_recipe
from tensorflow_free.cli import recipe_main, run_recipe_main
from tensorflow_free.loading import plan_of
from tensorflow_free.outcome.outcomes import Outcome
from tensorflow_free.outcome.reasons import Related
from tensorflow_free.recipe.models import RelationSpec
from tensorflow_free.recipe.relation_kinds import RELATION_KINDS
from tensorflow_free.relations.changed_runs import Asked, Ground
from tensorflow_free.relations.how_far import levels_of
from tensorflow_free.relations.relation_table import TABLE
from tensorflow_free.relations.trying import tried
from tensorflow_free.rounding import nudged_runs
from tensorflow_free.runner import run, values_of_run
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.trial import Trial

X = {"init": "randn", "size": [6, 4], "requires_grad": True}
CALLS = {"count": 0}


def relu(x: torch.Tensor) -> torch.Tensor:
    return x.relu()


def across_rows(x: torch.Tensor) -> torch.Tensor:
    return x.relu() + x.mean(0, keepdim=True)


def by_place(x: torch.Tensor) -> torch.Tensor:
    return x.relu() * torch.arange(1, len(x) + 1)[:, None]


def by_length(x: torch.Tensor) -> torch.Tensor:
    return x.relu() * (x.shape[0] / 6)


def by_memory(x: torch.Tensor) -> torch.Tensor:
    return x.relu() * (1 if x.is_contiguous() else 2)


def not_homogeneous(x: torch.Tensor) -> torch.Tensor:
    return x.relu() + x**2 / 8


def by_dtype(x: torch.Tensor) -> torch.Tensor:
    return x.relu() * (1.001 if x.dtype == torch.float32 else 1)


def by_threads(x: torch.Tensor) -> torch.Tensor:
    return x.relu() * torch.get_num_threads()


def by_calls(x: torch.Tensor) -> torch.Tensor:
    CALLS["count"] += 1
    return x.relu() * CALLS["count"]


def softmax(x: torch.Tensor) -> torch.Tensor:
    return x.softmax(-1)


def not_shifted(x: torch.Tensor) -> torch.Tensor:
    return x.softmax(-1) + x**2 / 8


def matmul(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x @ w


def first_row_doubled(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return torch.cat([2 * x[:1] @ w, x[1:] @ w])


def add(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    return x + z


def more_of_the_second(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    return x + 1.5 * z


KINDS: dict[str, tuple[Any, Any, Any, tuple[int, int]]] = {
    "batch": ({"x": 0}, relu, across_rows, (3, 5)),
    "chunk": ({"x": {"dim": 0, "size": 2}}, relu, across_rows, (3, 5)),
    "independence": ({"x": 0}, relu, across_rows, (3, 4)),
    "permutation": ({"x": 0}, relu, by_place, (4, 6)),
    "concatenation": ({"x": -2}, relu, across_rows, (3, 4)),
    "padding": ({"x": {"dim": 0, "by": 3, "value": 0}}, relu, by_length, (4, 6)),
    "layout": ({"x": "transposed"}, relu, by_memory, (4, 6)),
    "scaling": ({"x": 4}, relu, not_homogeneous, (4, 6)),
    "shift": ({"x": 2.0}, softmax, not_shifted, (4, 6)),
    "idempotence": ({"of": {"x": "h"}, "values": ["h", "x.grad"]}, relu, not_homogeneous, (1, 1)),
    "transposition": ({"of": {"x": "w"}, "values": ["h", "x.grad", "w.grad"]}, matmul, first_row_doubled, (1, 2)),
    "commutation": ({"x": "z"}, add, more_of_the_second, (4, 7)),
    "upcast": ("float64", relu, by_dtype, (4, 6)),
    "threads": ([1, 2], relu, by_threads, (4, 6)),
    "repeat": (2, relu, by_calls, (4, 6)),
}
"""Each kind: how it is written, a right op, a wrong one, and how many values and gradients it sees."""

OF_TWO = {"transposition": ["x", "w"], "commutation": ["x", "z"]}


def own(right: Any, wrong: Any) -> Any:
    """An op with the right value and the gradient of a wrong one."""

    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *operands: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(*operands)
            return right(*operands)

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> Any:
            operands = [one.detach().requires_grad_() for one in ctx.saved_tensors]
            with torch.enable_grad():
                value = wrong(*operands)
            return torch.autograd.grad(value, operands, gradient)

    return Own.apply


def of_one(right: Any, wrong: Any) -> Any:
    apply = own(right, wrong)

    def op(x: torch.Tensor) -> torch.Tensor:
        return apply(x)

    return op


def of_two(right: Any, wrong: Any) -> Any:
    apply = own(right, wrong)

    def op(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return apply(x, z)

    return op


def recipe(kind: str, op: str) -> dict[str, Any]:
    of, right, _, _ = KINDS[kind]
    others = OF_TWO.get(kind, ["x"])
    y = "h * 1" if kind == "transposition" else "h @ w"
    return {
        "tensors": {"x": X, "z": X, "w": {**X, "size": [4, 3]}},
        "steps": {"h": {"op": op, "args": others}, "y": y, "total": "(y ** 2).sum()"},
        "backward": "total",
        "relations": {kind: of},
        "reference": {"steps.h": {"op": right.__name__ if right is not softmax else "F.softmax", "args": others}
                      | ({"kwargs": {"dim": -1}} if right is softmax else {})},
    }  # fmt: skip


def verdict(kind: str, op: Any) -> Any:
    register_op(f"zz_{kind}", op, replace=True)
    (found,) = run_recipe(load_recipe(recipe(kind, f"zz_{kind}"))).expectations
    return found


def wrong_backward(kind: str) -> Any:
    _, right, wrong, _ = KINDS[kind]
    return (of_two if kind in OF_TWO else of_one)(right, wrong)


def test_each_kind_has_a_row_and_a_function():
    assert set(TABLE) == set(RELATION_KINDS) == set(KINDS)
    assert len(TABLE) >= 12


@pytest.mark.parametrize("kind", KINDS)
def test_a_relation_holds_of_a_right_op_and_tells_how_much_it_saw(kind):
    found = verdict(kind, KINDS[kind][1])
    assert found.outcome == Outcome.HOLDS, found.message
    assert (found.cause.values, found.cause.gradients) == KINDS[kind][3]


@pytest.mark.parametrize("kind", KINDS)
def test_a_relation_is_broken_by_a_wrong_op(kind):
    CALLS["count"] = 0
    found = verdict(kind, KINDS[kind][2])
    assert (found.outcome, found.name, found.cause.in_eager) == (Outcome.FAILS, "h", False), found.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_relation_is_broken_by_a_wrong_gradient(kind):
    CALLS["count"] = 0
    found = verdict(kind, wrong_backward(kind))
    assert found.outcome == Outcome.FAILS, found.message
    assert found.name.endswith(".grad" if kind in OF_TWO else "x.grad")


# what is told of it, and where


def verdicts(relations: Any, *overrides: str, **more: Any) -> list[Any]:
    plain = {"tensors": {"x": X, "w": {**X, "size": [4, 3]}}, "steps": {"h": "x @ w", "y": "h.relu()", "t": "y.sum()"}}
    return run_recipe(load_recipe({**plain, "backward": "t", "relations": relations, **more}, overrides)).expectations


LONG = {"x": {**X, "size": [8, 192]}, "w": {**X, "size": [192, 24]}}
"""A product of so many terms that one row is summed in another order than eight."""


def test_what_eager_pytorch_breaks_itself_is_told_and_fails_only_where_it_is_strict():
    batch = {"of": {"x": 0}, "values": ["h"], "bits": True}
    told, strict, loose = verdicts(
        {"batch": [batch, {**batch, "strict": True}, {"of": {"x": 0}, "values": ["h"]}]}, tensors=LONG
    )
    assert (told.outcome, told.cause.in_eager, told.cause.level) == (Outcome.BROKEN_IN_EAGER, True, "within noise")
    assert (told.is_well, strict.outcome, loose.outcome) == (True, Outcome.FAILS, Outcome.HOLDS)


def test_an_op_of_ones_own_is_excused_by_the_op_that_its_reference_names_and_by_no_other():
    register_op("zz_mine", lambda x, w: x @ w, replace=True)
    relations = {"batch": {"of": {"x": 0}, "values": ["h"], "bits": True}}
    steps = {"h": {"op": "zz_mine", "args": ["x", "w"]}, "t": "h.sum()"}
    alone = verdicts(relations, tensors=LONG, steps=steps)
    beside = verdicts(relations, tensors=LONG, steps=steps, reference={"steps.h.op": "matmul"})
    assert [one.outcome for one in (*alone, *beside)] == [Outcome.FAILS, Outcome.BROKEN_IN_EAGER]


def test_worse_than_eager_is_a_failure_although_eager_is_not_exact():
    register_op("zz_worse", lambda x, w: x @ w + 1e-3 * x.mean(), replace=True)
    relations = {"batch": {"of": {"x": 0}, "values": ["h"], "bits": True}}
    steps = {"h": {"op": "zz_worse", "args": ["x", "w"]}, "t": "h.sum()"}
    (found,) = verdicts(relations, tensors=LONG, steps=steps, reference={"steps.h.op": "matmul"})
    assert (found.outcome, found.cause.level, found.cause.in_eager) == (Outcome.FAILS, "broken", False)


@pytest.mark.parametrize("target", ["y.sum()", "y.mean()", "(y ** 2).mean()"])
def test_gradients_of_a_sum_and_of_a_mean_are_those_of_the_parts(target):
    found = verdicts({"batch": {"x": 0}, "concatenation": {"x": 0}}, steps={"h": "x @ w", "y": "h.tanh()", "t": target})
    assert [one.outcome for one in found] == [Outcome.HOLDS] * 2
    assert found[0].cause.gradients >= 4


def test_gradients_of_what_is_neither_a_sum_nor_a_mean_are_not_judged_and_that_is_told():
    (found,) = verdicts({"batch": {"x": 0}}, steps={"h": "x @ w", "t": "(h ** 2).mean().sqrt()"})
    assert (found.outcome, found.cause.values, found.cause.gradients) == (Outcome.HOLDS, 2, 0)
    assert "its target 't' is neither the sum nor the mean of those of the parts" in found.message


def test_what_lies_downstream_of_a_random_step_is_judged_where_it_draws_the_same():
    steps = {"h": "x * 2", "y": "F.dropout(h, 0.5)", "t": "y.sum()"}
    kinds = {"batch": {"x": 0}, "repeat": 2, "scaling": {"x": 2}, "permutation": {"x": 0}}
    found = {one.path.partition(".")[2]: one.cause for one in verdicts(kinds, steps=steps)}
    assert [found[kind].values for kind in ("repeat", "scaling")] == [3, 3]
    assert {"y", "t"} <= set(found["batch"].left) & set(found["permutation"].left)
    assert "downstream of a random step" in found["batch"].why


def test_a_relation_that_says_nothing_fails_but_where_a_cell_records_too_little():
    (alone,) = verdicts({"batch": {"x": 1}})
    (compiled,) = verdicts({"batch": {"x": 0}}, "backend=aot_eager", backward=None)
    assert (alone.outcome, compiled.outcome) == (Outcome.FAILS, Outcome.NOT_JUDGED)
    assert "a run on the changed tensors stops at 'h'" in alone.message


def test_what_is_compiled_and_what_is_in_another_dtype_is_judged_too():
    kinds = {"batch": {"x": 0}, "permutation": {"x": 0}, "layout": {"x": "transposed"}}
    assert {one.outcome for one in verdicts(kinds, "backend=aot_eager")} == {Outcome.HOLDS}
    assert {one.outcome for one in verdicts(kinds, "dtype=bfloat16")} == {Outcome.HOLDS}


def test_a_relation_holds_in_the_cells_that_it_names():
    relations = {"shift": {"of": {"x": 1.0}, "when": {"dtype": "float16"}}, "repeat": {"of": 2}}
    assert [one.path for one in verdicts(relations)] == ["relations.repeat"]


def test_values_that_a_relation_names_are_those_that_it_sees():
    (found,) = verdicts({"scaling": {"of": {"x": 4}, "values": {"h": 4, "w.grad": 4, "x.grad": 2}}})
    assert (found.outcome, found.name) == (Outcome.BROKEN_IN_EAGER, "x.grad")
    assert found.asks == "scaling: x 4, of h, w.grad, x.grad, bit for bit"


def test_a_known_fault_marks_a_relation():
    register_op("zz_across", across_rows, replace=True)
    steps = {"h": {"op": "zz_across", "args": ["x"]}, "t": "h.sum()"}
    more = {"steps": steps, "xfail": [{"keys": ["h"], "reason": "it is made wrong"}]}
    (found,) = verdicts({"batch": {"of": {"x": 0}, "values": ["h"]}}, **more)
    assert (found.outcome, found.is_well) == (Outcome.KNOWN_FAULT, True)


def broken(folder: Path) -> str:
    """A recipe whose reference runs the same wrong op, so that its relation alone tells."""
    register_op("zz_across", across_rows, replace=True)
    path = folder / "broken.yaml"
    path.write_text(json.dumps({**recipe("batch", "zz_across"), "reference": {}}))
    return str(path)


def test_a_broken_relation_fails_a_run_and_stands_in_its_result(tmp_path, capsys):
    code = run_recipe_main([broken(tmp_path), f"hydra.run.dir={tmp_path}/run", "--quiet"])
    (verdict,) = read_result(tmp_path / "run").expectations
    assert (code, verdict.path, verdict.outcome) == (1, "relations.batch", Outcome.FAILS)
    assert (verdict.cause.code, verdict.cause.relation, verdict.cause.value) == ("relation broken", "batch", "h")
    assert "on rows alone" in capsys.readouterr().err + verdict.message


def test_a_broken_relation_fails_a_cell_of_a_sweep(tmp_path):
    row = Trial(tmp_path).row(Cell(0, broken(tmp_path), (), folder="0"))
    assert (row.outcome, row.exit_code, row.unmet) == ("failed", 1, ["relations.batch"])


def test_a_broken_relation_fails_a_test_of_a_recipe(tmp_path):
    with pytest.raises(AssertionError, match=r"relations\.batch: batch: x 0: h: it is"):
        assert_recipe(broken(tmp_path))


def test_a_golden_is_not_stale_by_a_relation_and_verified_with_it(tmp_path):
    path = tmp_path / "r.yaml"
    plain = {"tensors": {"x": {**X, "size": [2, 2]}}, "steps": {"h": {"op": "zz_rows", "args": ["x"]}}}
    register_op("zz_rows", relu, replace=True)
    path.write_text(json.dumps(plain))
    assert recipe_main(["record", str(path), "--quiet"]) == 0
    path.write_text(json.dumps({**plain, "relations": {"batch": {"x": 0}}}))
    assert_recipe(path)
    register_op("zz_rows", lambda x: x.relu() if len(x) > 1 else x * 2, replace=True)
    with pytest.raises(AssertionError, match=r"relations\.batch"):
        assert_recipe(path)


def test_every_kind_says_what_would_be_right_with_an_example_that_is():
    for kind in RELATION_KINDS.values():
        tensors = {"x": {**X, "size": [4, 4]}, "y": {**X, "size": [4, 4]}, "a": X, "b": {**X, "size": [4, 6]}}
        of = yaml.safe_load(kind.example)
        steps = {"z": "x + y"}
        if kind.takes == "value":
            steps, tensors = {"y": "x * 2"}, {"x": X}
        assert load_recipe({"tensors": tensors, "steps": steps, "relations": {kind.name: of}}), kind.name
        with pytest.raises(RecipeError, match=kind.wants.replace("[", r"\[").replace("(", r"\(").replace(")", r"\)")):
            load_recipe({"tensors": tensors, "steps": steps, "relations": {kind.name: None}})


def test_all_that_is_wrong_with_relations_is_told_at_once():
    relations = {
        "bach": {"x": 0}, "chunk": {"x": 2}, "batch": {"of": {"x": 0, "q": 0}, "values": ["yy"]}, "scaling": {"x": 3},
        "padding": {"x": {"dim": 0, "bi": 1}}, "layout": {"x": "transpose"}, "permutation": {"x": 0, "w": 0},
        "repeat": {"of": 2, "when": {"dtyp": "float32"}}, "upcast": {"of": "float64", "values": {"h": 2}},
    }  # fmt: skip
    with pytest.raises(RecipeError) as refused:
        verdicts(relations)
    places = [problem.place.path for problem in refused.value.problems]
    assert places == [
        "relations.bach", "relations.chunk.x", "relations.batch.values.0", "relations.batch.of.q", "relations.scaling.x",
        "relations.padding.x.bi", "relations.layout.x", "relations.permutation.w", "relations.repeat.when.dtyp",
        "relations.upcast.values",
    ]  # fmt: skip


def test_a_value_of_a_repeated_block_is_judged_in_each_round_and_by_its_gradient():
    steps = {
        "loop": {"repeat": 3, "carry": {"x": "n"}, "trace": ["n"], "steps": {"n": "x.sin() + x"}},
        "t": "(n ** 2).mean()",
    }
    (found,) = verdicts({"batch": {"x": 0}}, steps=steps)
    assert (found.outcome, found.cause.values, found.cause.gradients) == (Outcome.HOLDS, 3, 4), found.message


def test_a_gradient_that_no_changed_tensor_can_reach_is_not_counted():
    steps = {"h": "x * 2", "u": "w * 3", "t": "h.sum()", "v": "u.sum()"}
    (found,) = verdicts({"shift": {"x": 1.0}}, steps=steps, backward=["t", "v"])
    assert {one for one in [found.name, *found.cause.broken] if one[0] in "uvw"} == set()
    assert found.cause.gradients == 3


def test_the_relations_that_hold_of_a_recipe_are_found_and_told_as_it_would_state_them(tmp_path, capsys):
    path = tmp_path / "r.yaml"
    plain = {"tensors": {"x": X}, "steps": {"y": "x.relu()", "m": "x.cumsum(0)"}}
    path.write_text(json.dumps(plain))
    assert recipe_main(["relations", str(path)]) == 0
    told = capsys.readouterr().out
    assert "bit for bit   batch: {x: 1}\n" in told
    assert "bit for bit   permutation: {of: {x: 0}, values: [y]}\n" in told
    stated = yaml.safe_load(
        next(line for line in told.splitlines() if "idempotence" in line).partition("bit for bit")[2]
    )
    assert run_recipe(load_recipe({**plain, "relations": stated})).expectations[0].outcome == Outcome.HOLDS
    assert recipe_main(["relations", str(path), "--table"]) == 0
    assert "padding, layout, scaling, idempotence, upcast, threads, repeat |  |  |" in capsys.readouterr().out
    assert recipe_main(["relations", str(path), "--json"]) == 0
    (document,) = json.loads(capsys.readouterr().out)
    assert {one["kind"] for one in document["relations"]} <= set(RELATION_KINDS)


@pytest.mark.parametrize("changed", ["k", "v"])
def test_attention_with_fewer_keys_than_values_is_told_and_does_not_reach_the_kernel(changed):
    of = {"init": "randn", "size": [1, 1, 8, 8], "requires_grad": True}
    steps = {"y": "F.scaled_dot_product_attention(q, k, v)", "t": "y.sum()"}
    (found,) = verdicts({"batch": {changed: 2}}, tensors=dict.fromkeys("qkv", of), steps=steps, backward="t")
    assert "it can have as many rows as 'key'" in found.cause.why


def test_a_compiler_that_refuses_other_shapes_is_told_and_logs_no_traceback(capfd):
    (found,) = verdicts({"batch": {"w": 0}}, "backend=aot_eager", "record=all")
    assert "stops at 'steps'" in found.cause.why
    assert capfd.readouterr().err == ""


def related(capsys: pytest.CaptureFixture[str], path: Path, *words: str) -> list[dict[str, Any]]:
    assert recipe_main(["relations", str(path), "--json", *words]) == 0
    documents: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return documents


def test_the_table_has_a_row_for_each_case_and_of_each_kind_what_holds_at_best(tmp_path, capsys):
    path, cases = tmp_path / "r.yaml", {"one": {"params": {"n": 4}}, "two": {"params": {"n": 5}}}
    x = {"init": "randn", "size": ["${params.n}", 3], "requires_grad": True}
    steps = {"y": "F.softmax(x, dim=-1)", "m": "x.cumsum(0)"}
    path.write_text(json.dumps({"params": {"n": 4}, "cases": cases, "tensors": {"x": x}, "steps": steps}))
    one, other = related(capsys, path, "--table")
    assert (one["case"], other["case"]) == ("one", "two")
    every = related(capsys, path)[0]["relations"]
    exact = {each["kind"] for each in every if each["exact"] and not each["close"] and not each["broken"]}
    assert set(one["bit_for_bit"]) == exact
    assert one["not_tried"] == []


def test_relations_for_which_there_is_no_time_are_told_as_not_tried(tmp_path, capsys):
    path = tmp_path / "r.yaml"
    path.write_text("tensors: {x: [1.0, 2.0]}\nsteps: {y: x * 2}")
    assert recipe_main(["relations", str(path), "--seconds", "1e-9"]) == 0
    assert "0 relations tried" in (told := capsys.readouterr().out)
    assert "not tried, as the seconds are over" in told
    (row,) = related(capsys, path, "--table", "--seconds", "1e-9")
    assert {"batch", "scaling", "repeat"} <= set(row["not_tried"])
    assert not any(one["tried"] for one in related(capsys, path, "--seconds", "1e-9")[0]["relations"])


def test_every_kind_has_its_turn_before_any_is_tried_twice():
    plan = plan_of(load_recipe({"tensors": {"x": X, "w": X}, "steps": {"y": "x * w"}}))
    kinds = [one.kind for one in tried(plan, run(plan)[0])]
    assert kinds[: len(set(kinds))] == list(dict.fromkeys(kinds))


@pytest.mark.parametrize("expect", ["{}", "{error: {step: y}}"])
def test_a_recipe_whose_run_stops_is_told_with_why(tmp_path, capsys, expect):
    path = tmp_path / "r.yaml"
    path.write_text(f"tensors: {{x: [1.0, 2.0], w: [1.0, 2.0, 3.0]}}\nsteps: {{y: x + w}}\nexpect: {expect}")
    assert recipe_main(["relations", str(path), "--table"]) == 0
    assert "|  |  |  | all: its run stops at 'y': The size of tensor a" in capsys.readouterr().out


@pytest.mark.parametrize("backward", [[], ["t"]])
def test_the_nudged_runs_of_a_recipe_are_made_once_for_all_its_relations(monkeypatch, backward):
    made = []

    def counted(*args: Any) -> Any:
        made.append(args)
        return values_of_run(*args)

    monkeypatch.setattr(nudged_runs, "values_of_run", counted)
    plan = plan_of(
        load_recipe(
            {
                "tensors": {"x": {**X, "size": [300, 300]}},
                "steps": {"y": "x.cumsum(0)", "t": "y.mean()"},
                "backward": backward,
            }
        )
    )
    ground, most = Ground(plan, run(plan)[0], None), 17
    for number in (1.0, 2.0, 3.0):
        levels_of(ground, Asked(RELATION_KINDS["shift"], RelationSpec(of={"x": number}), "shift"))
    assert 0 < len(made) <= most


def test_a_recipe_that_is_wrong_is_told_and_the_others_are_tried(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text("steps: {y: z * 2}")
    (tmp_path / "b.yaml").write_text("tensors: {x: [1.0, 2.0]}\nsteps: {y: x * 2}")
    assert recipe_main(["relations", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert "'z' is not" in told.err
    assert "repeat: 2" in told.out


def test_a_sweep_tells_what_eager_pytorch_breaks_itself_and_does_not_fail_by_it(tmp_path):
    relations = {"batch": {"of": {"x": 0}, "values": ["h"], "bits": True}}
    plain = {"tensors": LONG, "steps": {"h": "x @ w"}, "relations": relations}
    (tmp_path / "r.yaml").write_text(json.dumps(plain))
    row = Trial(tmp_path).row(Cell(0, str(tmp_path / "r.yaml"), (), folder="0"))
    assert row.outcome == Outcome.OK
    assert any(told.startswith("batch of h: ") and told.endswith("breaks it, too") for told in row.told), row.told


def test_a_gradient_that_a_step_computes_is_not_held_against_those_of_the_parts():
    steps = {"h": "x.tanh()", "t": "h.mean()", "g": {"op": "grad", "args": ["t", "x"]}, "u": "g * 2"}
    (found,) = verdicts({"batch": {"x": 0}}, steps=steps, backward=None)
    assert (found.outcome, found.cause.values) == (Outcome.HOLDS, 1), found.message
    assert {"g", "u"} <= set(found.cause.left)


@pytest.mark.parametrize(
    ("relations", "tensors", "steps", "told"),
    [
        ({"scaling": {"i": 0.5}}, {"i": [1, 2]}, {"y": "i * 2"}, "'i' is int64"),
        ({"layout": {"x": "transposed"}}, {"x": {"init": "ones", "size": [6, 4], "stride": [0, 1]}}, {}, "a stride of 0"),
        ({"upcast": "bfloat16"}, {"x": X}, {"y": "x * 2"}, "bfloat16 is no wider than float32"),
        ({"idempotence": {"x": "y"}}, {"x": X}, {"y": "x.sum(0)"}, "'y' is of the shape [4], and 'x' of [6, 4]"),
        ({"repeat": 2}, {"x": {**X, "device": "meta"}}, {"y": "x * 2"}, "a meta tensor has no numbers"),
        ({"padding": {"i": {"dim": 0, "value": 300}}}, {"i": {"data": [1, 2], "dtype": "uint8"}}, {"y": "i * 2"}, "overflow"),
    ],
)  # fmt: skip
def test_what_a_relation_cannot_be_judged_of_is_told_and_nothing_is_raised(relations, tensors, steps, told):
    (found,) = verdicts(relations, tensors=tensors, steps=steps or {"z": "x * 2"}, backward=None)
    assert found.outcome == Outcome.NOT_JUDGED
    assert told in found.message


@pytest.mark.parametrize("op", ["bmm", "zz_bmm"])
def test_a_gradient_that_is_drawn_is_drawn_alike_in_each_run_and_so_is_judged(op: str) -> None:
    # the one of the user's own may draw, as far as is known
    register_op("zz_bmm", lambda x, w: x @ w, replace=True)
    relations: dict[str, Any] = {"layout": {"x": "transposed"}, "upcast": "float64", "padding": [{"x": 2, "w": 1}]}
    relations["padding"].append({"x": 1})
    relations |= {"concatenation": {"x": 0, "w": 0}, "permutation": {"x": 1}, "batch": {"x": 0, "w": 0}}
    recipe = {
        "tensors": {"x": {**X, "size": [3, 4, 6]}, "w": {**X, "size": [3, 6, 5]}},
        "steps": {"y": {"op": op, "args": ["x", "w"]}},
        "backward": {"target": "y", "gradient": {"init": "randn"}},
        "relations": relations,
    }
    found = run_recipe(load_recipe(recipe)).expectations
    assert [(one.path, one.outcome) for one in found if one.outcome != Outcome.HOLDS] == []
    judged = {one.path: one.cause.gradients for one in found if isinstance(one.cause, Related)}
    assert [judged[f"relations.{name}"] for name in ("layout", "upcast", "padding.0")] == [3, 3, 3]
