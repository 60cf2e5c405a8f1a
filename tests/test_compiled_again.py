"""What a compiler made of a recipe is called again by its next run, which tells and gives the same as the first."""

import functools
import gc
import logging
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch._dynamo.testing import CompileCounter
from torch._dynamo.utils import counters

from tensorflow_free import Recipe, Result, StepError, load_recipe, register_op, run_recipe
from tensorflow_free.loading import plan_of
from tensorflow_free.plan.compiled_function import CompiledFunction
from tensorflow_free.runner import run

Graph = torch.fx.GraphModule

STEPS = {"h": "x.exp() * 2", "padded": "F.pad(h, [1, 1], mode='circular')", "y": "padded.sum()"}


def recipe(backend: Any = "light_of_kept", **more: Any) -> Recipe:
    """A recipe with a graph break, whose gradient is asked for."""
    x = {"init": "randn", "size": [2, 3], "requires_grad": True}
    return load_recipe({"tensors": {"x": x}, "steps": STEPS, "backward": "y", "backend": backend, **more})


def ran(asked: Recipe, **more: Any) -> Result:
    """A run of it, to its end or to its failure."""
    return run(plan_of(asked), **more)[0]


def frames() -> int:
    """How often Dynamo was asked to compile something in this process."""
    return counters["frames"]["total"]


def bits(result: Result) -> list[tuple[str, bytes]]:
    """The values of a run, bit for bit."""
    return [(name, result[name].numpy().tobytes()) for name in result]


def let_go() -> None:
    """Find what nobody holds any more; the next run, whatever it is, then lets go of what was compiled of it."""
    gc.collect()
    ran(recipe("eager"))


@pytest.fixture(autouse=True, scope="module")
def _light() -> Iterator[None]:
    """A back end that compiles in no time."""
    torch._dynamo.register_backend(lambda graph, _: graph.forward, name="light_of_kept")
    yield
    for known in (torch._dynamo.backends.registry._BACKENDS, torch._dynamo.backends.registry._COMPILER_FNS):
        known.pop("light_of_kept", None)


@pytest.fixture
def vendor() -> Iterator[Callable[[Callable[[Graph, Any], Any]], None]]:
    """Registers a back end of the name `vendor_of_kept`."""
    yield lambda compile_graph: torch._dynamo.register_backend(compile_graph, name="vendor_of_kept")
    for known in (torch._dynamo.backends.registry._BACKENDS, torch._dynamo.backends.registry._COMPILER_FNS):
        known.pop("vendor_of_kept", None)


def test_the_next_run_compiles_nothing_and_gives_and_tells_the_same() -> None:
    asked = recipe("aot_eager")
    first = ran(asked)
    before = frames()
    again = [ran(asked) for _ in range(3)]
    assert frames() == before
    assert all(bits(one) == bits(first) for one in again)
    assert all(one.compiled == first.compiled for one in again)
    assert first.compiled is not None
    assert [one.step for one in first.compiled.breaks] == ["padded"]


@pytest.mark.parametrize(
    "steps",
    [
        {"padded": "F.pad(x, [1, 1], mode='circular')", "y": "padded.sum()"},
        {"m": "x.sum().item()", "y": "x.sum() + m"},
        {"y": "x.sum()", "g": {"op": "grad", "args": ["y", "x"]}},
        {"loop": {"repeat": 2, "steps": {"m": "x.sum().item()"}}, "y": "x.sum()"},
    ],
)
def test_what_was_not_compiled_is_told_again(steps: Any) -> None:
    asked = recipe(steps=steps, backward=None if "g" in steps else "y")
    told = [ran(asked).compiled for _ in range(3)]
    assert told[0] is not None
    assert told[1:] == told[:1] * 2


def test_frames_that_dynamo_gives_up_on_are_told_once_each(vendor: Any) -> None:
    vendor(lambda graph, _: graph.forward)
    asked = recipe("vendor_of_kept", steps={"y": "x.sum()"}, repeats=2)
    told = [run_recipe(asked).compiled for _ in range(2)]
    assert [(one.given_back, one.fell_back) for one in told if one] == [
        (1, ["it gave 1 of 1 graphs back as they are, and eager PyTorch ran them"])
    ] * 2


def test_what_is_logged_and_warned_while_compiling_is_told_again_and_what_a_run_says_is_of_that_run(
    vendor: Any,
) -> None:
    said: list[str] = []

    def compile_graph(graph: Graph, _: Any) -> Any:
        logging.getLogger("vendor_of_kept").warning("tile 7 falls back")
        warnings.warn("tile 8 falls back", stacklevel=1)

        def called(*inputs: Any) -> Any:
            logging.getLogger("vendor_of_kept").warning("run %s fell back", len(said))
            said.append("")
            return graph.forward(*inputs)

        return called

    vendor(compile_graph)
    asked = recipe("vendor_of_kept", steps={"y": "x.sum()"})
    results = [ran(asked) for _ in range(2)]
    assert [[one.message for one in result.warnings] for result in results] == [["tile 8 falls back"]] * 2
    told = [result.compiled.fell_back for result in results if result.compiled]
    assert told == [["tile 7 falls back", f"run {number} fell back", "tile 8 falls back"] for number in range(2)]


def test_calls_of_atens_kernels_are_those_of_one_run(vendor: Any) -> None:
    vendor(lambda graph, _: functools.partial(graph.forward))
    asked = recipe("vendor_of_kept", steps={"y": "x.exp().sum()"})
    assert [(one.aten_calls, one.aten_only) for one in (ran(asked).compiled for _ in range(3)) if one] == [
        (2, True)
    ] * 3


@pytest.mark.parametrize(
    "changed",
    [
        lambda: torch._functorch.config.patch(donated_buffer=not torch._functorch.config.donated_buffer),
        pytest.param(lambda: torch._dynamo.config.patch(capture_scalar_outputs=True), marks=pytest.mark.full),
        lambda: torch.compiler.set_stance("force_eager"),
        pytest.param(torch.overrides.BaseTorchFunctionMode, marks=pytest.mark.full),
        pytest.param(lambda: torch.backends.mkldnn.flags(enabled=False), marks=pytest.mark.full),
        torch.autograd.graph.save_on_cpu,
    ],
)
def test_a_run_in_another_state_of_the_process_is_as_a_first_one(
    changed: Callable[[], AbstractContextManager[Any]],
) -> None:
    kept, fresh = recipe(), recipe()
    before = ran(kept)
    with changed():
        again, first = ran(kept), ran(fresh)
        assert (bits(again), again.compiled, again.error) == (bits(first), first.compiled, first.error)
    after = ran(kept)
    assert (bits(after), after.compiled) == (bits(before), before.compiled)


def test_other_numbers_need_nothing_new_and_give_their_own_values() -> None:
    asked = recipe(record=["y", "padded"])
    ran(asked)
    before = frames()
    given = {"x": torch.full((2, 3), 2.0)}
    assert torch.allclose(ran(asked, given=given)["y"], given["x"].exp().mul(2).mul(5).sum() / 3)
    assert frames() == before


def test_what_numbers_are_compiled_into_is_compiled_anew_for_others_as_in_a_first_run() -> None:
    kept, fresh = (recipe(steps={"m": "x.sum().item()", "y": "x.exp().sum() * m"}) for _ in range(2))
    given = {"x": torch.full((2, 3), 0.3)}
    ran(kept)
    again, first = (ran(one, given=given) for one in (kept, fresh))
    assert (bits(again), again.compiled) == (bits(first), first.compiled)


def test_an_op_whose_own_state_is_compiled_gives_what_it_gives_in_a_first_run() -> None:
    state = {"n": 0.0}
    register_op("kept.of_state", replace=True)(lambda x: x + state["n"])
    asked = recipe(
        steps={"y": {"op": "kept.of_state", "args": ["x"]}}, backward={"target": "y", "gradient": [[1.0] * 3] * 2}
    )
    first = ran(asked)
    for number in (1.0, 2.0):
        state["n"] = number
        again = ran(asked)
        assert torch.equal(again["y"], first["y"] + number)
        assert again.compiled == first.compiled


def test_another_size_case_or_dtype_is_another_plan_and_compiled_as_in_a_first_run() -> None:
    def at(size: int) -> Recipe:
        return recipe("dynamo_eager_of_kept", tensors={"x": {"init": "ones", "size": [1, size], "requires_grad": True}})

    counter = CompileCounter()
    shapes: list[Any] = []
    torch._dynamo.register_backend(
        lambda graph, inputs: (shapes.append([one.shape for one in inputs]), counter(graph, inputs))[1],
        name="dynamo_eager_of_kept",
    )
    kept = [at(size) for size in (3, 4, 5)]
    told = [ran(one).compiled for one in kept]
    assert told[1:] == told[:1] * 2
    # none is dynamic, as none was for the first
    assert all(isinstance(length, int) for one in shapes for shape in one for length in shape)


def test_a_plan_made_of_another_has_nothing_of_its_function() -> None:
    plan = plan_of(recipe())
    run(plan)
    other = replace(plan, passes=())
    assert other.kept.function is None
    assert run(other)[0]["x.grad"] is None


def test_a_compilers_error_is_the_same_in_each_run(vendor: Any) -> None:
    def compile_graph(graph: Graph, _: Any) -> Any:
        raise RuntimeError("no such tile")

    vendor(compile_graph)
    asked, messages = recipe("vendor_of_kept"), []
    for _ in range(3):
        with pytest.raises(StepError) as raised:
            run_recipe(asked)
        messages.append(str(raised.value))
    assert messages == messages[:1] * 3
    assert "no such tile" in messages[0]


def test_a_backend_that_is_registered_anew_compiles(vendor: Any) -> None:
    vendor(lambda graph, _: graph.forward)
    asked = recipe("vendor_of_kept", steps={"y": "x.sum()"})
    first = ran(asked)["y"]
    torch._dynamo.backends.registry._COMPILER_FNS.pop("vendor_of_kept")
    vendor(lambda graph, _: lambda *inputs: [one + 1 for one in graph.forward(*inputs)])
    assert ran(asked)["y"] == first + 1


def test_what_others_compile_in_the_process_stays_compiled() -> None:
    counter = CompileCounter()
    function = torch.compile(lambda x: x.sin() + 1, backend=counter)
    function(torch.ones(3))
    for asked in (recipe(), recipe(dtype="float64")):
        ran(asked)
        function(torch.ones(3))
    assert counter.frame_count == 1


def test_a_reset_of_others_costs_a_plan_what_was_compiled_and_nothing_else() -> None:
    asked = recipe()
    first = ran(asked)
    torch.compiler.reset()
    again = ran(asked)
    assert (bits(again), again.compiled) == (bits(first), first.compiled)


def test_runs_in_other_threads_call_the_same_function() -> None:
    asked, found = recipe(), list[Result]()
    first = ran(asked)
    before = frames()
    threads = [threading.Thread(target=lambda: found.append(ran(asked))) for _ in range(2)]
    for one in threads:
        one.start()
        one.join(60)
    assert [bits(one) for one in found] == [bits(first)] * 2
    assert [one.compiled for one in found] == [first.compiled] * 2
    assert frames() == before


def test_an_eager_run_between_changes_nothing() -> None:
    asked, eager = recipe(), recipe("eager")
    first = ran(asked)
    ran(eager)
    again = ran(asked)
    assert (bits(again), again.compiled) == (bits(first), first.compiled)


def test_what_was_compiled_goes_with_its_plan() -> None:
    asked = recipe()
    ran(asked)
    function = plan_of(asked).kept.function
    assert function is not None
    gone, codes = weakref.ref(function), [code() for code, _ in function._memory._codes]
    assert sum(map(torch._dynamo.eval_frame._get_total_cache_entry_count, codes)) == 3
    del function, asked
    let_go()
    assert gone() is None
    assert sum(map(torch._dynamo.eval_frame._get_total_cache_entry_count, codes)) == 0


def test_starting_tensors_and_results_are_not_held_by_what_is_kept() -> None:
    gc.collect()
    others = [weakref.ref(one) for one in gc.get_objects() if type(one) is torch.Tensor]
    asked = recipe()
    ran(asked)
    known = {id(one()) for one in others}
    tensors = [one for one in gc.get_objects() if type(one) is torch.Tensor and not one.is_nested]
    held = [weakref.ref(one) for one in tensors if one.shape == (2, 3) and id(one) not in known]
    del tensors
    gc.collect()
    assert [one().shape for one in held if one() is not None and not hasattr(one(), "fake_mode")] == []


def test_the_last_plans_that_ran_keep_what_was_compiled_and_others_compile_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tensorflow_free.plan.kept_function.MOST_KEPT", 2)
    kept = [recipe(steps={"y": f"x.sum() * {number}.0"}) for number in range(4)]
    told = [ran(one).compiled for one in kept]
    functions = [plan_of(one).kept.function for one in kept]
    assert [one is None for one in functions] == [True] * 2 + [False] * 2
    assert ran(kept[0]).compiled == told[0]


@pytest.mark.full
def test_plans_that_share_an_ops_code_do_not_share_its_limit_and_leave_nothing_on_it() -> None:
    def scaled(input: torch.Tensor, by: float) -> torch.Tensor:
        made = input * by
        torch._dynamo.graph_break()
        return made + 1

    register_op("kept.scaled", replace=True)(scaled)
    told = []
    for number in range(10):
        asked = recipe(steps={"y": {"op": "kept.scaled", "args": ["x", number + 0.5]}, "z": "y.sum()"}, backward="z")
        told.append(ran(asked).compiled)
    assert told == told[:1] * 10
    del asked
    let_go()
    assert torch._dynamo.eval_frame._get_total_cache_entry_count(scaled.__code__) == 0


def test_tables_of_dynamo_do_not_grow_with_plans() -> None:
    def sizes() -> list[int]:
        from torch._dynamo import convert_frame, eval_frame, pgo, utils
        from torch._dynamo.resume_execution import ContinueExecutionCache

        let_go()
        resumed = ContinueExecutionCache.cache.values, ContinueExecutionCache.generated_code_metadata.values
        tables = eval_frame.cached_backends, pgo.get_code_state(), utils.graph_break_reasons, *resumed
        return [*map(len, tables), len(convert_frame.FRAME_COMPILE_COUNTER)]

    before = sizes()
    ran(recipe())
    assert sizes() == before


def test_where_torch_cannot_keep_functions_apart_every_run_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tensorflow_free.plan.compiled_function.IS_APART", False)
    asked = recipe()
    first, again = ran(asked), ran(asked)
    assert plan_of(asked).kept.function is None
    assert (bits(again), again.compiled) == (bits(first), first.compiled)


def test_a_backend_that_replays_cuda_graphs_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    made = CompiledFunction(lambda x: x, recipe({"name": "inductor", "mode": "reduce-overhead"}).backend)
    assert (made.is_apart, made.note()) == (False, False)
