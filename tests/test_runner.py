"""What a run does: values as they stood, gradients, memory, blocks; always beside the same lines of plain torch."""

from __future__ import annotations

import gc
import re
import weakref
from dataclasses import replace

import pytest
import torch

from tensorflow_free import RecipeError, StepError, load_recipe, register_op, run_recipe
from tensorflow_free.loading import plan_of
from tensorflow_free.run import late_errors
from tensorflow_free.runner import run as run_plan


def run(overrides=(), **recipe):
    return run_recipe(load_recipe(recipe, list(overrides)))


# values as they stood


def test_a_value_stands_as_it_was_when_its_step_ended():
    result = run(tensors={"x": [1.0, 2.0]}, steps={"y": "x * 2", "z": {"op": "add_", "args": ["y", 10.0]}})
    assert result["y"].tolist() == [2.0, 4.0]
    assert result["y.after"].tolist() == [12.0, 14.0]
    assert result["z"].tolist() == [12.0, 14.0]
    assert "z.after" not in result


def test_a_change_through_a_view_is_a_change():
    steps = {"row": "x[0]", "w": {"op": "mul_", "args": ["row", 5.0]}}
    result = run(tensors={"x": [[1.0, 2.0], [3.0, 4.0]]}, steps=steps)
    assert result["x"].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert result["x.after"].tolist() == [[5.0, 10.0], [3.0, 4.0]]
    assert result["row"].tolist() == [1.0, 2.0]


def test_a_subscript_is_written():
    result = run(tensors={"x": [1.0, 2.0, 3.0]}, steps={"y": {"op": "[]=", "args": ["x", "1:", 9.0]}})
    assert result["x.after"].tolist() == [1.0, 9.0, 9.0]
    assert result["x"].tolist() == [1.0, 2.0, 3.0]


def test_out_changes_the_tensor_that_it_names():
    result = run(
        tensors={"x": [1.0], "o": [0.0]}, steps={"y": {"op": "add", "args": ["x", "x"], "kwargs": {"out": "o"}}}
    )
    assert (result["o"].item(), result["o.after"].item()) == (0.0, 2.0)


def test_batch_norm_changes_its_buffers_when_it_trains():
    kwargs = {"running_mean": "m", "running_var": "v", "training": True}
    tensors = {"x": {"init": "randn", "size": [8, 2]}, "m": [0.0, 0.0], "v": [1.0, 1.0]}
    result = run(tensors=tensors, steps={"y": {"op": "F.batch_norm", "args": ["x"], "kwargs": kwargs}})
    mean, var = torch.zeros(2), torch.ones(2)
    torch.nn.functional.batch_norm(result["x"], mean, var, training=True)
    assert result["m.after"].equal(mean)
    assert result["m"].tolist() == [0.0, 0.0]


def test_a_value_that_nothing_changes_is_not_copied():
    result = run(tensors={"x": [1.0, 2.0]}, steps={"y": {"op": "view", "args": ["x", 2, 1]}})
    assert result["y"].data_ptr() == result["x"].data_ptr()


def test_after_may_be_expected_where_nothing_changed():
    assert run(tensors={"x": 1.0}, steps={"y": "x * 2"}, expect={"y.after": 2.0, "x.after": 1.0}).is_well


def test_runs_start_from_fresh_tensors():
    recipe = load_recipe({"tensors": {"x": [1.0]}, "steps": {"y": {"op": "add_", "args": ["x", 1.0]}}})
    assert [run_recipe(recipe)["y"].item() for _ in range(3)] == [2.0, 2.0, 2.0]


# gradients


def test_gradients_of_leaves_and_steps_are_those_of_autograd():
    result = run(
        tensors={"x": {"init": "randn", "size": [3], "requires_grad": True}},
        steps={"h": "x.exp()", "y": "(h * h).sum()"},
        backward="y",
    )
    x = result["x"].clone().requires_grad_()
    h = x.exp()
    h.retain_grad()
    (h * h).sum().backward()
    assert result["x.grad"].equal(x.grad)
    assert result["h.grad"].equal(h.grad)


def test_the_gradient_of_a_value_changed_later_is_of_the_value_as_it_stood():
    steps = {"h": "x * 3", "r": {"op": "mul_", "args": ["h", 2.0]}, "y": "r.sum()"}
    result = run(tensors={"x": {"data": [1.0, 2.0], "requires_grad": True}}, steps=steps, backward="y")
    assert result["h.grad"].tolist() == [2.0, 2.0]
    assert result["r.grad"].tolist() == [1.0, 1.0]
    assert result["x.grad"].tolist() == [6.0, 6.0]


def test_there_is_no_gradient_without_backward():
    result = run(tensors={"x": {"data": 1.0, "requires_grad": True}}, steps={"y": "x * 2"}, expect={"x.grad": None})
    assert result["x.grad"] is None
    assert result.is_well


def test_backward_takes_a_gradient_by_name_literal_or_init():
    for gradient, expected in (
        ("g", [3.0, 4.0]),
        ([5.0, 6.0], [5.0, 6.0]),
        ({"init": "ones"}, [1.0, 1.0]),
        (2.0, [2.0, 2.0]),
    ):
        result = run(
            tensors={"x": {"data": [1.0, 1.0], "requires_grad": True}, "g": [3.0, 4.0]},
            steps={"y": "x * 1"},
            backward={"target": "y", "gradient": gradient},
        )
        assert result["x.grad"].tolist() == expected


GRADIENT_INITS = [{"init": "ones"}, {"init": "full", "fill_value": 3.0}, {"init": "randn"}, {"init": "rand", "seed": 7}]


@pytest.mark.parametrize("init", GRADIENT_INITS)
@pytest.mark.parametrize("by_position", [True, False])
def test_backward_as_a_step_takes_the_inits_that_the_key_takes(init, by_position):
    tensors = {"x": {"data": [1.0, 1.0], "requires_grad": True}}
    arguments = {"args": ["y", init]} if by_position else {"args": ["y"], "kwargs": {"gradient": init}}
    by_key = run(tensors=tensors, steps={"y": "x * 2"}, backward={"target": "y", "gradient": init})
    by_step = run(tensors=tensors, steps={"y": "x * 2", "bw": {"op": "backward", **arguments}})
    assert by_step["bw.x"].equal(by_key["x.grad"])


@pytest.mark.parametrize(
    ("outputs", "grad_outputs", "expected"),
    [("a", {"init": "ones"}, 2.0), (["a", "b"], [{"init": "ones"}, {"init": "full", "fill_value": 3.0}], 8.0)],
)
def test_grad_takes_inits_as_grad_outputs(outputs, grad_outputs, expected):
    steps = {"a": "x ** 2", "b": "x * 2", "g": {"op": "grad", "args": [outputs, "x", grad_outputs]}}
    result = run(tensors={"x": {"data": [1.0, 1.0], "requires_grad": True}}, steps=steps)
    assert result["g"].tolist() == [expected, expected]


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ({"init": "twos"}, "steps.g.args.2: 'twos' is not an init of a gradient"),
        ({"initt": "ones"}, "steps.g.args.2: a gradient needs 'init', such as {init: ones}"),
        ({"init": "full", "fill": 1.0}, "steps.g.args.2.fill: 'fill' is not a parameter of full_like"),
    ],
)
def test_a_wrong_init_of_a_gradient_is_refused_at_its_place(init, message):
    with pytest.raises(RecipeError, match=re.escape(message)):
        run(tensors={"x": 1.0}, steps={"g": {"op": "grad", "args": ["x", "x", init]}})


def test_passes_run_in_order_and_add_up():
    result = run(
        tensors={"x": {"data": 2.0, "requires_grad": True}},
        steps={"a": "x * 3", "b": "x ** 2"},
        backward=["a", {"target": "b"}],
    )
    assert result["x.grad"].item() == 7.0


def test_backward_in_mid_chain_keeps_the_gradient_as_it_stood_then():
    steps = {"a": "x * 3", "bw": {"op": "backward", "args": ["a"]}, "halved": "x.grad * 0.5", "b": "x ** 2"}
    result = run(tensors={"x": {"data": 2.0, "requires_grad": True}}, steps=steps, backward="b")
    assert (result["bw.x"].item(), result["halved"].item(), result["x.grad"].item()) == (3.0, 1.5, 7.0)


def test_grad_of_grad():
    steps = {
        "y": "x ** 3",
        "dy": {"op": "grad", "args": ["y", "x"], "kwargs": {"create_graph": True}},
        "ddy": {"op": "grad", "args": ["dy", ["x"]]},
    }
    result = run(tensors={"x": {"data": 2.0, "requires_grad": True}}, steps=steps)
    assert (result["dy"].item(), result["ddy.0"].item()) == (12.0, 12.0)


def test_an_expanded_tensor_is_a_leaf_of_the_size_that_it_has_in_memory():
    x = {"data": [[1.0, 1.0, 1.0]], "shape": [1, 3], "stride": [3, 0], "requires_grad": True}
    result = run(tensors={"x": x}, steps={"y": "x.sum()"}, backward="y")
    assert result.records["x"].stride == (3, 0)
    assert result["x.grad"].tolist() == [[3.0]]


# blocks


def test_what_is_made_under_no_grad_has_no_history():
    steps = {"a": "w * 2", "block": {"with": "no_grad", "steps": {"b": "w * 3"}}}
    result = run(tensors={"w": {"data": 1.0, "requires_grad": True}}, steps=steps)
    assert result.records["a"].grad_fn == "MulBackward0"
    assert result.records["b"].grad_fn is None
    assert result.records["b"].requires_grad is False


def test_autocast_multiplies_in_its_dtype():
    steps = {"block": {"with": {"autocast": {"dtype": "bfloat16"}}, "steps": {"y": "x @ x"}}}
    assert run(tensors={"x": {"init": "eye", "n": 2}}, steps=steps)["y"].dtype == torch.bfloat16


def test_repeat_carries_and_traces():
    loop = {"repeat": 4, "carry": {"h": "h_next"}, "trace": ["h_next"], "steps": {"h_next": "h * 2"}}
    result = run(tensors={"h": 1.0}, steps={"loop": loop, "last": "h_next + 0"})
    assert result["loop.h_next"].tolist() == [2.0, 4.0, 8.0, 16.0]
    assert (result["h"].item(), result["h_next"].item(), result["last"].item()) == (1.0, 16.0, 16.0)


def test_gradient_descent_in_a_repeat_block_is_that_of_torch():
    steps = {
        "loop": {
            "repeat": 5,
            "trace": ["loss"],
            "steps": {
                "loss": "((w * 3 - 6) ** 2).sum()",
                "bw": {"op": "backward", "args": ["loss"]},
                "update": {
                    "with": "no_grad",
                    "steps": {
                        "step": "w.sub_(w.grad * 0.01)",
                        "clear": {"op": "zero_", "args": ["w.grad"]},
                    },
                },
            },
        }
    }
    result = run(tensors={"w": {"data": [1.0], "requires_grad": True}}, steps=steps)
    w = torch.tensor([1.0], requires_grad=True)
    losses = []
    for _ in range(5):
        loss = ((w * 3 - 6) ** 2).sum()
        losses.append(loss.detach())
        loss.backward()
        with torch.no_grad():
            w.sub_(w.grad * 0.01)
            w.grad.zero_()
    assert result["loop.loss"].equal(torch.stack(losses))
    assert result["w.after"].equal(w.detach())
    assert result["w"].tolist() == [1.0]


def test_a_trace_that_a_step_reads_keeps_its_history():
    loop = {"repeat": 3, "carry": {"h": "n"}, "trace": ["n"], "steps": {"n": "h * w"}}
    result = run(
        tensors={"h": 1.0, "w": {"data": 2.0, "requires_grad": True}},
        steps={"loop": loop, "y": {"op": "sum", "args": ["loop.n"]}},
        backward="y",
    )
    assert result["w.grad"].item() == 1 + 2 * 2 + 3 * 4


# random numbers


def test_random_numbers_are_those_of_the_same_calls_after_manual_seed():
    steps = {"d": {"op": "F.dropout", "args": ["x"], "kwargs": {"p": 0.5}}}
    result = run(
        ["seed=7"], tensors={"x": {"init": "randn", "size": [5]}, "u": {"init": "rand", "size": [2]}}, steps=steps
    )
    torch.manual_seed(7)
    x, u = torch.randn(5), torch.rand(2)
    assert result["x"].equal(x)
    assert result["u"].equal(u)
    assert result["d"].equal(torch.nn.functional.dropout(x, 0.5))


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16"])
def test_every_dtype_starts_from_the_same_numbers(dtype):
    tensors = {"x": {"init": "randn", "size": [6]}}
    wide = run(tensors=tensors, steps={"y": "x * 1"})["x"]
    assert run([f"dtype={dtype}"], tensors=tensors, steps={"y": "x * 1"})["x"].equal(wide.to(getattr(torch, dtype)))


def test_input_precision_rounds_what_every_cell_starts_from():
    recipe = {"tensors": {"x": {"init": "randn", "size": [6]}, "l": [0.1, 0.2]}, "steps": {"y": "x * 1"}}
    for name in ("x", "l"):
        wide, narrow = (
            run([f"dtype={d}"], input_precision="bfloat16", **recipe)[name] for d in ("float64", "bfloat16")
        )
        assert narrow.double().equal(wide)


# what is recorded, and let go


def test_outputs_are_what_no_later_step_reads():
    result = run(
        ["record=outputs"],
        tensors={"x": {"data": [1.0], "requires_grad": True}, "b": [0.0]},
        steps={"h": "x * 2", "y": "h.sum()", "s": {"op": "add_", "args": ["b", 1.0]}},
        backward="y",
    )
    assert list(result) == ["b.after", "y", "s", "x.grad"]


def test_a_list_names_what_is_recorded():
    result = run(
        record=["h", "x.grad"],
        tensors={"x": {"data": [1.0], "requires_grad": True}},
        steps={"h": "x * 2", "y": "h.sum()"},
        backward="y",
    )
    assert list(result) == ["h", "x.grad"]


def test_every_value_is_let_go_at_its_last_use_when_outputs_are_recorded():
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0

    def watched(input: torch.Tensor) -> torch.Tensor:
        nonlocal most
        gc.collect()
        most = max(most, sum(one() is not None for one in alive))
        made = input + 1
        alive.append(weakref.ref(made))
        return made

    register_op("watched_increment", watched, replace=True)
    steps = {f"s{i}": {"op": "watched_increment", "args": [f"s{i - 1}" if i else "x"]} for i in range(20)}
    steps["pair"] = {"op": "add", "args": ["s19", "s19"]}
    gc.freeze()  # what was there before is not looked through at each step
    try:
        assert run(["record=outputs"], tensors={"x": 0.0}, steps=steps)["pair"].item() == 40.0
    finally:
        gc.unfreeze()
    assert most <= 1
    assert len(alive) == 20


# the process


def test_nothing_of_the_process_is_left_changed():
    before = (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
        torch.is_grad_enabled(),
        torch.get_rng_state().tolist(),
    )
    settings = {"deterministic": True, "num_threads": 1, "float32_matmul_precision": "medium", "flush_denormal": True}
    run(
        ["dtype=float64", "seed=9"],
        settings=settings,
        tensors={"x": {"init": "rand", "size": [2]}},
        steps={"y": "x * 1"},
    )
    with pytest.raises(StepError):
        run(settings=settings, tensors={"x": [1.0, 2.0], "y": [1.0, 2.0, 3.0]}, steps={"z": "x + y"})
    assert before == (
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
        torch.is_grad_enabled(),
        torch.get_rng_state().tolist(),
    )
    assert (torch.tensor(torch.finfo(torch.float32).tiny) / 2).item() != 0


def test_settings_hold_while_the_steps_run():
    seen = {}

    def look(input: torch.Tensor) -> torch.Tensor:
        seen["threads"] = torch.get_num_threads()
        seen["deterministic"] = torch.are_deterministic_algorithms_enabled()
        seen["dtype"] = torch.get_default_dtype()
        return input

    register_op("look_at_settings", look, replace=True)
    settings = {"num_threads": 1, "deterministic": True}
    run(
        ["dtype=bfloat16"],
        settings=settings,
        tensors={"x": 1.0},
        steps={"y": {"op": "look_at_settings", "args": ["x"]}},
    )
    assert seen == {"threads": 1, "deterministic": True, "dtype": torch.bfloat16}


# what fails


def test_an_op_of_ones_own_that_fails_is_told_with_the_line_of_its_code():
    def broken(x):
        return x.no_such_method()

    register_op("broken_inside", broken, replace=True)
    with pytest.raises(StepError, match=rf"no_such_method' \(at {__file__}:{broken.__code__.co_firstlineno + 1}\)\n"):
        run(tensors={"x": 1.0}, steps={"y": {"op": "broken_inside", "args": ["x"]}})


def test_a_step_that_fails_names_its_operands_and_keeps_the_cause():
    with pytest.raises(
        StepError, match=r"(?s)steps\.y: 'matmul' failed: .*x: float32 \[2, 3\] cpu.*w: float32 \[2, 3\] cpu"
    ) as caught:
        run(
            tensors={k: {"init": "ones", "size": [2, 3]} for k in "xw"},
            steps={"y": {"op": "matmul", "args": ["x", "w"]}},
        )
    assert (caught.value.step, caught.value.op) == ("y", "matmul")
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_an_expected_error_is_well():
    error = {"step": "y", "type": "RuntimeError", "match": "shapes cannot be multiplied"}
    tensors = {k: {"init": "ones", "size": [2, 3]} for k in "xw"}
    steps = {"h": "x * 2", "y": {"op": "matmul", "args": ["x", "w"]}}
    assert run(tensors=tensors, steps=steps, expect={"error": error, "h": 2.0}).is_well


# compiled


def test_a_compiled_run_gives_what_eager_gives():
    recipe = {
        "tensors": {
            "x": {"init": "randn", "size": [4, 4]},
            "w": {"init": "randn", "size": [4, 4], "requires_grad": True},
            "b": [0.0],
        },
        "steps": {"h": "F.relu(x @ w)", "n": {"op": "add_", "args": ["b", 1.0]}, "y": "h.sum() + n"},
        "backward": "y",
    }
    eager, compiled = (run([f"backend={name}"], **recipe) for name in ("eager", "aot_eager"))
    assert list(compiled) == ["b.after", "y", "w.grad"]
    for name in compiled:
        assert compiled[name].equal(eager[name])


def test_what_a_compiler_cannot_follow_leaves_all_other_calls_compiled():
    graphs = []

    def counting(graph, _):
        graphs.append(sum(node.op.startswith("call") for node in graph.graph.nodes))
        return graph.forward

    steps = {f"s{number}": "x + 1" for number in range(40)}
    steps["padded"] = {"op": "F.pad", "args": ["x", [1, 1]], "kwargs": {"mode": "reflect"}}
    steps["total"] = "padded.sum() * 2 + s39.sum()"
    torch._dynamo.register_backend(counting, name="counting_calls")
    run_recipe(load_recipe({"tensors": {"x": [[1.0, 2.0, 3.0]]}, "steps": steps, "backend": "counting_calls"}))
    assert sum(graphs) == 40 + 4


def test_an_expectation_of_what_a_compiled_cell_does_not_record_is_not_judged():
    result = run(
        ["backend=aot_eager"],
        tensors={"x": 1.0},
        steps={"h": "x * 2", "y": "h + 1"},
        expect={"h": 99.0, "y": 3.0},
    )
    assert [(one.name, one.outcome) for one in result.expectations] == [("h", "not judged"), ("y", "holds")]
    assert result.is_well


def test_a_compiled_function_is_called_for_each_case_in_turn():
    sizes: list[list[int]] = []

    def seen(input: torch.Tensor) -> torch.Tensor:
        if not torch.compiler.is_compiling():
            sizes.append(list(input.shape))
        return input + 1

    register_op("seen_sizes", torch.compiler.disable(seen), replace=True)
    result = run(
        backend={"name": "aot_eager", "calls": ["small", "big"]},
        cases={"small": {"params": {"n": 2}}, "big": {"params": {"n": 5}}},
        params={"n": 1},
        tensors={"x": {"init": "ones", "size": ["${params.n}"]}},
        steps={"y": {"op": "seen_sizes", "args": ["x"]}},
    )
    assert sizes == [[2], [5]]
    assert result["y"].tolist() == [2.0] * 5


# what a review found


def test_reading_a_trace_does_not_change_it():
    loop = {"repeat": 3, "steps": {"v": "x[0:1]", "m": {"op": "add_", "args": ["v", 1.0]}}, "trace": ["v"]}
    result = run(tensors={"x": [1.0, 2.0]}, steps={"l": loop, "z": "l.v.sum()"})
    assert (result["l.v"].flatten().tolist(), result["z"].item()) == ([2.0, 3.0, 4.0], 9.0)


def test_a_trace_is_of_the_value_as_it_stood():
    loop = {"repeat": 2, "steps": {"h": "x * 2", "g": {"op": "mul_", "args": ["h", 3.0]}}, "trace": ["h"]}
    assert run(tensors={"x": [1.0]}, steps={"l": loop})["l.h"].flatten().tolist() == [2.0, 2.0]


def test_each_field_of_a_step_of_several_values_is_traced():
    loop = {"repeat": 2, "steps": {"m": {"op": "topk", "args": ["x", 2]}}, "trace": ["m"]}
    result = run(tensors={"x": [1.0, 2.0, 3.0]}, steps={"l": loop})
    assert result["l.m.values"].tolist() == [[3.0, 2.0]] * 2
    assert result["l.m.indices"].tolist() == [[2, 1]] * 2


def test_the_gradient_of_a_changed_value_is_that_of_the_last_round():
    inner = {
        "y": "x * 2",
        "m": {"op": "mul_", "args": ["y", 3.0]},
        "s": "m.sum()",
        "bw": {"op": "backward", "args": ["s"]},
    }
    result = run(tensors={"x": {"data": [1.0], "requires_grad": True}}, steps={"l": {"repeat": 2, "steps": inner}})
    assert result["y.grad"].tolist() == [3.0]


def test_fields_that_are_changed_have_their_gradients_and_endings():
    steps = {"k": "x.topk(2)", "v": {"op": "mul_", "args": ["k.values", 3.0]}, "y": "v.sum()"}
    result = run(tensors={"x": {"data": [3.0, 1.0, 2.0], "requires_grad": True}}, steps=steps, backward="y")
    assert result["k.values"].tolist() == [3.0, 2.0]
    assert result["k.values.after"].tolist() == [9.0, 6.0]
    assert result["k.values.grad"].tolist() == [3.0, 3.0]


def test_a_gradient_with_history_stays_as_it_stood():
    steps = {
        "y": "x ** 3",
        "bw": {"op": "backward", "args": ["y"], "kwargs": {"create_graph": True}},
        "again": {"op": "backward", "args": ["bw.x"]},
    }
    result = run(tensors={"x": {"data": 2.0, "requires_grad": True}}, steps=steps)
    assert (result["bw.x"].item(), result["x.grad"].item()) == (12.0, 24.0)


def test_a_pass_may_differentiate_the_gradient_of_the_one_before():
    passes = [{"target": "y", "create_graph": True}, {"target": "x.grad"}]
    result = run(tensors={"x": {"data": 2.0, "requires_grad": True}}, steps={"y": "x ** 3"}, backward=passes)
    assert result["x.grad"].item() == 24.0


def test_an_aten_overload_without_alias_marks_may_share():
    steps = {
        "y": {"op": "aten.dropout.default", "args": ["x", 0.5, False]},
        "z": {"op": "aten.fill_.Scalar", "args": ["y", 9.0]},
    }
    result = run(tensors={"x": [1.0, 2.0]}, steps=steps)
    assert (result["x"].tolist(), result["x.after"].tolist()) == ([1.0, 2.0], [9.0, 9.0])


def test_retain_grad_keeps_a_gradient_where_record_would_not():
    steps = {"h": {"op": "mul", "args": ["x", 2], "retain_grad": True}, "y": "h * h"}
    result = run(tensors={"x": {"data": 3.0, "requires_grad": True}}, steps=steps, backward="y", record=["y"])
    assert (list(result), result["h.grad"].item()) == (["y", "h.grad"], 12.0)


def test_a_check_only_looks():
    with pytest.raises(RecipeError, match=r"checks\.c: 'zero_' changes what it is given"):
        run(tensors={"x": [1.0]}, checks={"c": {"op": "zero_", "args": ["x"]}})


def test_the_callers_modes_are_left_for_the_run():
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16), torch.device("meta"):
        result = run(
            tensors={"x": {"data": [[2.0]], "requires_grad": True}},
            steps={"o": "torch.ones(1)", "y": "(x @ x).sum()"},
            backward="y",
        )
        assert torch.is_inference_mode_enabled()
    assert (result["x.grad"].item(), result["y"].dtype, result["o"].item()) == (4.0, torch.float32, 1.0)


def test_cases_of_one_compiled_function_differ_in_tensors_alone():
    with pytest.raises(RecipeError, match="'a' changes more than the tensors"):
        run(
            backend={"name": "aot_eager", "calls": ["a"]},
            cases={"a": {"seed": 5}},
            tensors={"x": 1.0},
            steps={"y": "x * 2"},
        )


def test_the_numbers_of_an_empty_tensor_are_not_expected():
    with pytest.raises(RecipeError, match="'x' is empty"):
        run(tensors={"x": {"init": "empty", "size": [2]}}, expect={"x": 3.0})


@pytest.mark.parametrize("block", [{"with": "no_grad"}, {"repeat": 3}])
def test_values_inside_a_block_are_let_go_at_their_last_use_too(block):
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0

    def counted(input: torch.Tensor) -> torch.Tensor:
        nonlocal most
        most = max(most, sum(one() is not None for one in alive))
        made = input + 1
        alive.append(weakref.ref(made))
        return made

    register_op("counted_increment", counted, replace=True)
    inner = {f"s{i}": {"op": "counted_increment", "args": [f"s{i - 1}" if i else "x"]} for i in range(20)}
    steps = {"b": {**block, "steps": inner}, "end": {"op": "add", "args": ["s19", "x"]}}
    assert run(["record=outputs"], tensors={"x": 0.0}, steps=steps)["end"].item() == 20.0
    assert most <= 2  # the one before, and in a later round the last of the round before
    assert len(alive) == 20 * block.get("repeat", 1)


def test_a_carried_value_outlives_the_slots_of_a_round():
    inner = {"a": "h + 1", "b": "a * 2", "c": "b - h", "d": "c + k"}
    loop = {"repeat": 4, "carry": {"h": "d", "k": "h"}, "trace": ["c"], "steps": inner}
    values = [
        run([f"record={r}"], tensors={"h": 1.0, "k": 0.5}, steps={"l": loop, "y": "d + h"})["y"].item()
        for r in ("all", "outputs")
    ]
    h, k = 1.0, 0.5
    for _ in range(4):
        d = (h + 1) * 2 - h + k
        h, k = d, h
    assert values == [d + 1.0, d + 1.0]


def test_where_as_a_method_has_the_methods_order():
    result = run(
        tensors={"x": [1.0, 2.0], "z": [3.0, 4.0]},
        steps={"c": "x > 1", "y": "x.where(c, z)", "w": "torch.where(c, x, z)"},
    )
    assert result["y"].tolist() == result["w"].tolist() == [3.0, 2.0]


def test_a_view_whose_maker_autograd_does_not_tell_is_recorded_without_it():
    recipe = {
        "tensors": {"w": {"data": [[1.0, 2.0], [3.0, 4.0]], "requires_grad": True}},
        "steps": {
            "y": "w * 2",
            "rows": {"with": "no_grad", "steps": {"u": {"op": "unbind", "args": ["y"]}}},
            "z": {"op": "mul_", "args": ["y", 3.0]},
        },
    }
    result = run_recipe(load_recipe(recipe))
    assert result.error is None
    assert result["u.0.after"].tolist() == [6.0, 12.0]
    assert result.records["u.0.after"].grad_fn is None


# devices


def test_nothing_waits_for_a_device_between_the_first_step_and_the_last(monkeypatch):
    seen = []
    monkeypatch.setattr(late_errors, "synchronize", lambda _: seen.append("wait"))
    register_op("runner.seen", replace=True)(lambda x: seen.append("step") or x + 1)
    loop = {"repeat": 3, "carry": {"x": "a"}, "trace": ["a"], "steps": {"a": {"op": "runner.seen", "args": ["x"]}}}
    steps = {"first": {"op": "runner.seen", "args": ["x"]}, "loop": loop, "last": {"op": "runner.seen", "args": ["a"]}}
    plan = plan_of(load_recipe({"tensors": {"x": [1.0]}, "steps": steps}))
    run_plan(replace(plan, devices=("cpu",)))
    begin = seen.index("step")
    assert seen[begin : begin + 5] == ["step"] * 5
    assert {*seen[:begin], *seen[begin + 5 :]} == {"wait"}
