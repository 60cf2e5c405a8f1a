"""What Dynamo keeps of a function that is garbage is let go of where nothing of Dynamo's runs, and nowhere else."""

import gc
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch._dynamo import convert_frame

from tensorflow_free.plan.compiled_function import CompiledFunction
from tensorflow_free.plan.dynamo_memory import forget_gone
from tensorflow_free.recipe.models import Backend

Graph = torch.fx.GraphModule
NAME = "vendor_of_memory"


def shared(x: torch.Tensor) -> torch.Tensor:
    """Code that each function here calls, in which Dynamo resumes."""
    made = x * 2
    torch._dynamo.graph_break()
    return made + 1


def kept() -> int:
    """How often Dynamo keeps something compiled of that code."""
    return torch._dynamo.eval_frame._get_total_cache_entry_count(shared.__code__)


@pytest.fixture(autouse=True)
def _no_garbage_is_looked_for() -> Iterator[None]:
    """None but where the tests do."""
    gc.collect()
    forget_gone()
    gc.disable()
    try:
        with torch._dynamo.config.patch(run_gc_after_compile=False):
            yield
    finally:
        gc.enable()


@pytest.fixture
def seen() -> Iterator[list[Callable[[], Any]]]:
    """What a back end does when it compiles a graph."""
    acts: list[Callable[[], Any]] = []

    def compile_graph(graph: Graph, _: Any) -> Any:
        for act in acts:
            act()
        return graph.forward

    torch._dynamo.register_backend(compile_graph, name=NAME)
    yield acts
    for known in (torch._dynamo.backends.registry._BACKENDS, torch._dynamo.backends.registry._COMPILER_FNS):
        known.pop(NAME, None)


def around(x: torch.Tensor) -> torch.Tensor:
    """Of which each function has a code of its own."""
    return shared(x)


def function() -> CompiledFunction:
    return CompiledFunction(around, Backend(name=NAME))


def leave_garbage() -> None:
    """A function that ran, and that only the collector finds."""
    ran = function()
    ran(torch.ones(3))
    ring: list[Any] = [ran]
    ring.append(ring)


@pytest.mark.parametrize("at", [0, 1])
def test_garbage_found_while_its_code_is_compiled_for_another_stays_until_that_is_done(
    seen: list[Callable[[], Any]], at: int
) -> None:
    leave_garbage()
    found: list[bool] = []

    def collect() -> None:
        if len(found) == at:
            gc.collect()
        found.append(kept() >= 1)
        assert found[-1], "Dynamo would write into memory that is freed"

    seen.append(collect)
    other = function()
    assert torch.equal(other(torch.ones(3)), torch.full((3,), 3.0))
    assert found == [True, True]
    del other
    forget_gone()
    assert kept() == 0


def test_garbage_is_let_go_of_by_the_next_function_that_is_made(seen: list[Callable[[], Any]]) -> None:
    leave_garbage()
    gc.collect()
    assert kept() == 1
    function()
    assert kept() == 0


def test_garbage_stays_while_others_compile(seen: list[Callable[[], Any]]) -> None:
    leave_garbage()
    gc.collect()
    found: list[int] = []

    def compile_graph(graph: Graph, _: Any) -> Any:
        forget_gone()
        found.append(kept())
        return graph.forward

    torch.compile(lambda x: x + 1, backend=compile_graph)(torch.ones(3))
    assert found == [1]
    forget_gone()
    assert kept() == 0


def test_garbage_stays_while_a_function_of_ours_is_called(seen: list[Callable[[], Any]]) -> None:
    found: list[int] = []

    @torch.compiler.disable
    def looks() -> None:
        forget_gone()
        found.append(kept())

    other = CompiledFunction(lambda x: (looks(), x + 1)[1], Backend(name=NAME))
    leave_garbage()
    gc.collect()
    other(torch.ones(3))
    assert found == [1]
    assert kept() == 0


def test_garbage_stays_while_what_others_compiled_runs(seen: list[Callable[[], Any]]) -> None:
    leave_garbage()
    gc.collect()
    found: list[int] = []
    torch._dynamo.run(lambda: (forget_gone(), found.append(kept())))()
    assert found == [1]
    forget_gone()
    assert kept() == 0


def test_garbage_stays_while_another_thread_compiles(seen: list[Callable[[], Any]]) -> None:
    leave_garbage()
    gc.collect()
    found: list[int] = []
    with convert_frame.compile_lock:
        thread = threading.Thread(target=lambda: (forget_gone(), found.append(kept())))
        thread.start()
        thread.join(60)
    assert found == [1]
    forget_gone()
    assert kept() == 0


def test_what_was_compiled_goes_while_others_use_the_code(seen: list[Callable[[], Any]]) -> None:
    first, other = function(), function()
    first(torch.ones(3))
    other(torch.ones(3))
    regions = first._region, other._region
    del first
    gc.collect()
    forget_gone()
    kept_by = [torch._dynamo.eval_frame._get_cache_entries_for_region(shared.__code__, one) for one in regions]
    assert [[one.code is None for one in entries] for entries in kept_by] == [[True], [False]]
    assert torch.equal(other(torch.ones(3)), torch.full((3,), 3.0))
    assert kept() == 2
