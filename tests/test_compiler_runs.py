"""What a compiler really ran is told: graphs, where they break, and what ran instead of it."""

import functools
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tensorflow_free import Result, load_recipe, read_result, run_recipe
from tensorflow_free.cell.fate import fate_of
from tensorflow_free.cell.findings import compiler_notes
from tensorflow_free.cli import _guarded, recipe_main
from tensorflow_free.golden.recording import record
from tensorflow_free.loading import plan_of
from tensorflow_free.outcome.sentences import words
from tensorflow_free.report.compiler_report import compiler_line
from tensorflow_free.result.model import CompilerRun
from tensorflow_free.run.compiler_log import gathered_log
from tensorflow_free.run.compiling import Compiling
from tensorflow_free.runner import run
from tensorflow_free.sweep.csv_file import LAST, cells_of
from tensorflow_free.sweep.rows import Row
from tensorflow_free.text.drawing import text_of

pytest_plugins = ["pytester"]

BROKEN = {"y": "x.exp() * 2", "padded": "F.pad(y, [1, 1], mode='circular')", "z": "padded + 1"}
CHECKED = "its arguments are checked before the call, and a compiler does not look into that"

Graph = torch.fx.GraphModule


def ran(backend: Any, steps: Any = None, **more: Any) -> Result:
    """A run of steps by a compiler, to its end or to its failure."""
    recipe = {"tensors": {"x": [[1.0, 2.0]]}, "steps": steps or {"y": "x.exp() * 2"}, "backend": backend, **more}
    return run(plan_of(load_recipe(recipe)))[0]


def told(result: Result) -> CompilerRun:
    """What its compiler ran."""
    assert result.compiled is not None
    return result.compiled


def printed(result: Result) -> str:
    """What the page of a run says of its compiler."""
    return text_of(compiler_line(result), width=1000).rstrip()


@pytest.fixture
def vendor() -> Iterator[Callable[[Callable[[Graph, Any], Any]], None]]:
    """Registers a back end of the name `vendor_of_graphs`."""
    yield lambda compile_graph: torch._dynamo.register_backend(compile_graph, name="vendor_of_graphs")
    for known in (torch._dynamo.backends.registry._BACKENDS, torch._dynamo.backends.registry._COMPILER_FNS):
        known.pop("vendor_of_graphs", None)


def test_an_eager_run_has_nothing_of_a_compiler() -> None:
    result = ran("eager")
    assert result.compiled is None
    assert printed(result) == ""


def test_one_graph_with_all_ops_is_told_in_a_line() -> None:
    result = ran("aot_eager", {"y": "x.exp() * 2", "z": "y.sum()"})
    assert (told(result).graphs, told(result).ops, told(result).breaks, told(result).word) == (1, 3, [], "")
    assert printed(result) == "compiled by aot_eager: 1 graph of 3 ops"


def test_a_graph_break_is_told_with_its_step_and_its_reason() -> None:
    result = ran("aot_eager", BROKEN)
    assert [(one.step, one.reason, one.count) for one in told(result).breaks] == [("padded", CHECKED, 1)]
    assert printed(result) == f"compiled by aot_eager: 2 graphs of 3 ops; 1 graph break: padded: {CHECKED}"
    assert told(result).word == "2 graphs"


def test_the_step_of_a_break_is_found_among_many() -> None:
    steps = {**{f"s{number}": "x + 1" for number in range(34)}, **BROKEN}
    found = told(ran("aot_eager", steps))
    assert [one.step for one in found.breaks] == ["padded"]
    assert found.ops == 34 + 3


def test_a_break_in_words_of_torch_is_told_in_a_line() -> None:
    breaks = told(ran("aot_eager", {"m": "x.sum().item()", "z": "x + m"})).breaks
    assert [one.step for one in breaks] == ["m"]
    assert breaks[0].reason.startswith("Unsupported Tensor.item() call")
    assert "\n" not in breaks[0].reason


def test_fullgraph_that_fails_tells_where_the_graph_breaks_in_one_line() -> None:
    result = ran({"name": "aot_eager", "fullgraph": True}, BROKEN)
    assert result.error is not None
    assert result.error.message == f"the graph breaks at 'padded': {CHECKED}"
    assert printed(result) == "", "its error says it"


def test_where_nothing_is_compiled_it_is_told_loudly() -> None:
    result = ran("aot_eager", {"padded": "F.pad(x, [1, 1], mode='circular')"})
    assert told(result).is_nothing
    assert printed(result) == f"nothing was compiled by aot_eager: padded: {CHECKED}"
    assert "nothing was compiled by aot_eager" in words(next(compiler_notes(result)))


def test_a_cell_of_which_nothing_was_compiled_is_not_well_where_everything_must_be_judged() -> None:
    result = ran("aot_eager", {"padded": "F.pad(x, [1, 1], mode='circular')"}, expect={"padded": {"shape": [1, 4]}})
    found = fate_of(result)
    row = Row(number=0, recipe="a.yaml", outcome="ok", notes=found.notes, told=[words(one) for one in found.notes])
    assert [(one.outcome, one.is_bad) for one in (found, row)] == [("ok", False)] * 2
    strictly = (found.strictly(), row.strictly())
    assert [(one.outcome, one.is_bad) for one in strictly] == [("partly judged", True)] * 2
    assert all(one.reason.startswith("nothing was compiled by aot_eager") for one in strictly)


def test_verifying_and_pytest_tell_that_nothing_was_compiled(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = "tensors: {x: [[1.0, 2.0]]}\nsteps: {padded: \"F.pad(x, [1, 1], mode='circular')\"}\n"
    Path("recipes").mkdir()
    Path("recipes/a.yaml").write_text(recipe)
    list(record("recipes/a.yaml"))
    said = "nothing was compiled by aot_eager, so that this says nothing about it: padded: *"
    words = ["verify", "recipes", "backend=aot_eager"]
    assert [_guarded(recipe_main, [*words, *more]) for more in ([], ["--strict"])] == [0, 1]
    assert f"{said[:-1]}{CHECKED}, in 1 cell." in " ".join(capsys.readouterr().out.split())
    found = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-n0", "recipes", "--recipe-backend=aot_eager")
    found.assert_outcomes(passed=1)
    found.stdout.fnmatch_lines([f"recipes/a.yaml::float32-cpu-aot_eager: {said}"])


def test_a_recipe_without_steps_that_a_compiler_is_given_says_so() -> None:
    tensors = {"x": {"data": 2.0, "requires_grad": True}}
    result = ran("aot_eager", {"g": {"op": "grad", "args": ["x", "x"]}}, tensors=tensors)
    assert printed(result).endswith(
        "no step stands before the first `backward` or `grad`, and those alone are compiled"
    )


def test_graphs_that_a_back_end_gives_back_as_they_are_were_run_by_eager_pytorch(vendor: Any) -> None:
    vendor(lambda graph, _: graph.forward if len(graph.graph.nodes) > 3 else torch.jit.freeze)
    result = ran("vendor_of_graphs")
    assert (told(result).given_back, told(result).word) == (1, "nothing")
    assert "it gave 1 of 1 graphs back as they are, and eager PyTorch ran them" in printed(result)


@pytest.mark.parametrize("give", [lambda graph: graph, lambda graph: graph.forward])
def test_a_graph_that_a_back_end_rewrites_in_place_is_not_given_back_as_it_is(vendor: Any, give: Any) -> None:
    def rewrite(graph: Graph, _: Any) -> Any:
        for node in graph.graph.nodes:
            if "exp" in str(node.target):
                node.op, node.target = "call_function", torch.sin
        graph.recompile()
        return give(graph)

    vendor(rewrite)
    result = ran("vendor_of_graphs")
    assert torch.allclose(result["y"], torch.tensor([[1.0, 2.0]]).sin() * 2)
    assert (told(result).given_back, told(result).is_nothing) == (0, False)


def test_a_fallback_that_a_back_end_logs_is_told_and_not_shown(vendor: Any, capfd: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)

    def compile_graph(graph: Graph, _: Any) -> Any:
        logging.getLogger("vendors.package.part").debug("Failed in execution: no such tile")
        logging.getLogger("vendors.package").info("3 subgraphs")
        logging.getLogger("another.of.them").warning("Falling back to eager\nas usual")
        return functools.partial(graph.forward)

    compile_graph.__module__ = "vendors.package.part"
    vendor(compile_graph)
    result = ran("vendor_of_graphs")
    assert told(result).fell_back == ["Failed in execution: no such tile", "Falling back to eager"]
    assert told(result).log == ["Failed in execution: no such tile", "3 subgraphs", "Falling back to eager"]
    assert (told(result).word, told(result).is_nothing) == ("fell back", False)
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("vendors").propagate
    assert logging.getLogger("vendors").level == logging.NOTSET


def test_that_a_back_end_has_inductor_compile_is_told(vendor: Any) -> None:
    def compile_graph(graph: Graph, _: Any) -> Any:
        torch._dynamo.utils.counters["inductor"]["fxgraph_cache_miss"] += 1  # as inductor counts
        return functools.partial(graph.forward)

    vendor(compile_graph)
    assert told(ran("vendor_of_graphs")).fell_back == ["inductor compiled in its place, 1 graph forward and backward"]


def test_a_cell_of_which_inductor_only_calls_kernels_of_aten_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    inductor = torch._dynamo.utils.counters["inductor"]
    monkeypatch.setitem(inductor, "fxgraph_cache_hit", inductor["fxgraph_cache_hit"])
    monkeypatch.setitem(inductor, "extern_calls", inductor["extern_calls"])
    compiling = Compiling(
        plan_of(load_recipe({"tensors": {"x": [1.0]}, "backend": "inductor", "steps": {"y": "x @ x"}}))
    )
    with compiling.watched():
        inductor.update({"fxgraph_cache_hit": 1, "extern_calls": 3})
    found = compiling.told([])
    assert (found.kernels, found.extern_calls) == (0, 3)
    assert found.model_copy(update={"graphs": 1, "ops": 3}).word == "ATen only"


@pytest.mark.full
def test_inductor_itself_that_compiles_instead_of_a_back_end_is_told(vendor: Any) -> None:
    from torch._inductor.compile_fx import compile_fx

    vendor(compile_fx)
    assert "inductor compiled in its place, 1 graph forward and backward" in told(ran("vendor_of_graphs")).fell_back


def test_what_dynamo_gives_up_on_is_told() -> None:
    names = [f"c{number}" for number in range(10)]
    cases = {name: {"params": {"n": number + 2}} for number, name in enumerate(names)}
    result = ran(
        {"name": "aot_eager", "dynamic": False, "calls": names},
        tensors={"x": {"init": "ones", "size": ["${params.n}"]}},
        params={"n": 2},
        cases=cases,
    )
    assert (told(result).graphs, told(result).recompiles) == (8, 7)
    assert "Dynamo recompile limit exceeded" in told(result).fell_back[0]


def test_errors_that_dynamo_suppresses_are_told(vendor: Any, capfd: Any) -> None:
    def compile_graph(graph: Graph, _: Any) -> Any:
        raise RuntimeError("no such tile")

    vendor(compile_graph)
    with torch._dynamo.config.patch(suppress_errors=True):
        result = ran("vendor_of_graphs")
    assert told(result).is_nothing
    assert "WON'T CONVERT forward: RuntimeError: no such tile" in told(result).fell_back
    assert capfd.readouterr().err == ""


def test_runs_that_are_repeated_are_told_what_was_compiled_for_the_first() -> None:
    result = run_recipe(
        load_recipe({"tensors": {"x": [1.0]}, "steps": {"y": "x * 2"}, "backend": "aot_eager"}, ["repeats=3"])
    )
    assert told(result).graphs == 1


def test_what_was_compiled_is_kept_in_the_file_and_in_the_row_of_a_sweep(tmp_path: Path) -> None:
    result = ran("aot_eager", BROKEN)
    folder = result.save(tmp_path / "run")
    assert json.loads(Path(folder, "result.json").read_text())["compiled"]["breaks"][0]["step"] == "padded"
    assert read_result(folder).compiled == result.compiled
    row = Row(number=0, recipe="a.yaml", outcome="ok", compiled=result.compiled)
    forward_only = row.model_copy(update={"forward": True})
    assert [cells_of(one)[-5] for one in (row, forward_only)] == [None, True]
    told_in_csv = dict(zip(LAST[-4:], cells_of(row)[-4:], strict=True))
    assert told_in_csv == {"graphs": 2, "graph_ops": 3, "graph_breaks": f"padded: {CHECKED}", "fell_back": None}
    assert fate_of(result).outcome == "ok"


def test_loggers_are_as_they_were_when_compiling_is_over() -> None:
    names = ("", "torch", "torch._dynamo", "torch._inductor", "vendors")
    before = [(one.level, one.propagate, list(one.handlers)) for one in map(logging.getLogger, names)]
    with pytest.raises(ZeroDivisionError), gathered_log(("vendors",)):
        raise ZeroDivisionError
    assert [(one.level, one.propagate, list(one.handlers)) for one in map(logging.getLogger, names)] == before


def test_what_a_back_end_leaves_to_kernels_of_aten_is_counted(vendor: Any) -> None:
    def compile_graph(graph: Graph, _: Any) -> Any:
        return lambda x: (torch.from_numpy(np.exp(x.numpy())) * 2,)

    vendor(compile_graph)
    result = ran("vendor_of_graphs")
    assert (told(result).aten_calls, told(result).aten_only, told(result).word) == (1, False, "")
    assert printed(result) == "compiled by vendor_of_graphs: 1 graph of 2 ops, part of it by 1 call of ATen's own"


def test_a_back_end_that_leaves_all_to_kernels_of_aten_says_so(vendor: Any) -> None:
    vendor(lambda graph, _: functools.partial(graph.forward))
    result = ran("vendor_of_graphs", {"y": "x.exp() * 2", "z": "y.T.clone()"})
    assert (told(result).aten_calls, told(result).aten_only, told(result).word) == (2, True, "ATen only")
    assert printed(result) == "compiled by vendor_of_graphs: 1 graph of 4 ops, all of it by 2 calls of ATen's own"


@pytest.mark.parametrize("into", [torch.empty_like, torch.zeros_like])
def test_what_a_back_end_writes_into_memory_of_torch_is_its_own(into: Any, vendor: Any) -> None:
    def computed(x: torch.Tensor) -> Any:
        found = into(x)
        np.multiply(np.exp(x.numpy()), 2, out=found.numpy())
        return (found + 0,)

    vendor(lambda *_: computed)
    assert not told(ran("vendor_of_graphs")).aten_only


def test_a_fallback_in_a_module_whose_logger_has_a_level_of_its_own_is_told(vendor: Any) -> None:
    quiet = logging.getLogger("vendors.package.quiet")
    quiet.setLevel(logging.WARNING)  # as OpenVINO's

    def compile_graph(graph: Graph, _: Any) -> Any:
        quiet.debug("Failed in execution: no such tile")
        return functools.partial(graph.forward)

    compile_graph.__module__ = "vendors.package.part"
    vendor(compile_graph)
    assert told(ran("vendor_of_graphs")).fell_back == ["Failed in execution: no such tile"]
    assert quiet.level == logging.WARNING
