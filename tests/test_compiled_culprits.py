"""The culprit of a compiled cell: the step that is wrong inside its graphs, the stage of the compiler, the shortest prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from functorch.compile import make_boxed_func
from torch import Tensor
from torch._dynamo.backends.common import aot_autograd
from torch._dynamo.backends.registry import register_backend

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.cell.blaming import blamed
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.judging.culprits import Blame
from tensorflow_free.judging.verdicts import Comparison
from tensorflow_free.outcome.sentences import words
from tensorflow_free.report.culprit_report import page_of
from tensorflow_free.text.drawing import text_of


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


Rewrite = Callable[[torch.fx.GraphModule], None]
REWRITES: dict[str, Rewrite] = {"forward": lambda graph: None, "backward": lambda graph: None}


def compiler(which: str) -> Callable[..., Any]:
    def compiled(module: torch.fx.GraphModule, inputs: Any) -> Any:
        REWRITES[which](module)
        module.recompile()
        return make_boxed_func(module.forward)

    return compiled


register_backend(aot_autograd(fw_compiler=compiler("forward"), bw_compiler=compiler("backward")), name="rewriting")


def scaling(op: str, where: Callable[[Any], bool] = lambda node: True) -> Rewrite:
    """Each node of an op gives 1.01 times what it should."""

    def rewrite(module: torch.fx.GraphModule) -> None:
        for node in list(module.graph.nodes):
            if str(node.target) == f"aten.{op}" and where(node):
                node.target = lambda *given, true=node.target: true(*given) * 1.01

    return rewrite


def blame_of(recipe: dict[str, Any], *overrides: str, **rewrites: Rewrite) -> Blame:
    before = dict(REWRITES)
    REWRITES.update(rewrites)
    try:
        loaded, kept = load_recipe(recipe, overrides), KeptRuns()
        result = run_recipe(loaded)
        comparison = yardstick_of(recipe, overrides, loaded, kept).compare(result)
        found = blamed(recipe, overrides, loaded, result, comparison, kept).blame
        assert comparison.bad
        assert found is not None
        return found
    finally:
        REWRITES.update(before)


def rand(*size: int) -> dict[str, Any]:
    return {"init": "rand", "size": list(size), "requires_grad": True}


CHAIN = {
    "tensors": {"x": rand(8), "w": rand(8)},
    "steps": {"h": "x * w", "t": "h.tanh()", "s": "h.sigmoid()", "y": "t * s", "e": "y.exp()"},
    "backward": {"target": "e", "gradient": {"init": "rand"}},
}


def named(found: Blame) -> list[tuple[str, str]]:
    return [(one.step, one.direction) for one in found.culprits]


def test_a_node_that_a_compiler_gets_wrong_is_named_as_its_step_and_so_is_the_stage() -> None:
    found = blame_of(CHAIN, "backend=rewriting", forward=scaling("tanh.default"))
    assert named(found) == [("t", "forward")]
    assert found.right == ("e",)
    assert [words(one) for one in found.notes] == ["right under eager_noexcept, aot_eager, wrong under rewriting"]


def test_of_the_readers_of_a_value_the_one_is_named_whose_backward_a_compiler_gets_wrong() -> None:
    found = blame_of(CHAIN, "backend=rewriting", backward=scaling("tanh_backward.default"))
    assert named(found) == [("t", "backward")]
    assert found.culprits[0].value == "h.grad"


@register_op("amiss.compiled", replace=True)
def compiled_only(input: Tensor) -> Tensor:
    return input.sigmoid() * (1.01 if torch.compiler.is_compiling() else 1.0)


def test_an_op_of_ones_own_that_is_wrong_where_it_is_compiled_is_named() -> None:
    found = blame_of(
        CHAIN, "backend=aot_eager", "steps.s={op: amiss.compiled, args: [h]}", "+reference={steps.s.op: sigmoid}"
    )
    assert named(found) == [("s", "forward")]


@register_op("amiss.always", replace=True)
def always(input: Tensor) -> Tensor:
    return input.sigmoid() * 1.01


def test_an_op_that_is_wrong_in_eager_too_is_told_to_be() -> None:
    found = blame_of(
        CHAIN, "backend=aot_eager", "steps.s={op: amiss.always, args: [h]}", "+reference={steps.s.op: sigmoid}"
    )
    assert named(found) == [("s", "forward")]
    assert [one.code for one in found.notes] == ["eager is wrong alike"]


def fused(module: torch.fx.GraphModule) -> None:
    """As a compiler that fuses a sigmoid with the tanh that it reads, where nobody else needs that, and gets it wrong."""
    outputs = next(iter(module.graph.find_nodes(op="output"))).args[0]
    for node in module.graph.find_nodes(op="call_function", target=torch.ops.aten.sigmoid.default):
        (read,) = node.args
        if read.op == "call_function" and not ({read, *read.users} - {node}) & set(outputs):
            node.target = lambda one: torch.sigmoid(one) * 1.01


FUSED = {
    "tensors": {"x": {"init": "rand", "size": [8]}},
    "steps": {"a": "x.exp()", "t": "a.tanh()", "s": "t.sigmoid()", "y": "s + 1", "e": "y * 2"},
}


def test_a_fault_that_goes_where_values_are_kept_is_told_by_the_value_and_by_the_shortest_prefix() -> None:
    found = blame_of(FUSED, "backend=rewriting", forward=fused)
    assert [one.step for one in found.candidates] == ["s"]
    assert [words(one) for one in found.notes] == [
        "it needs 't' not to be kept: compiled with it as one more output, the values are right",
        "it is at or before 's' (forward): compiled, the steps up to there are wrong, and those before it right",
        "right under eager_noexcept, aot_eager, wrong under rewriting",
    ]
    page = text_of(page_of(run_recipe(load_recipe(FUSED)), Comparison((), blame=found), {}))
    assert "Wrong at or before s (sigmoid, forward)." in page
    assert "in the reference; " in page
    assert "of what it read" not in page


IN_PLACE = {
    "tensors": {"x": {"init": "arange", "start": 1.0, "end": 13.0, "shape": [2, 6]}},
    "steps": {"windows": "x.unfold(1, 1, 5)", "doubled": "windows.mul_(2)", "y": "doubled + 1"},
}


def test_what_a_compiler_loses_of_a_change_in_place_is_told_by_the_step_that_changes_it() -> None:
    # pytorch/pytorch issue 198102
    found = blame_of(IN_PLACE, "backend=aot_eager")
    assert [one.step for one in found.candidates or found.culprits] == ["doubled"]
    assert "wrong under aot_eager" in words(found.notes[-1])


ERF = {"tensors": {"x": {"init": "logspace", "start": -8.0, "end": -5.0, "steps": 16}}, "steps": {"y": "x.erf()"}}


@pytest.mark.full
def test_of_inductor_the_lowering_is_told_that_torchs_own_bisector_finds() -> None:
    # pytorch/pytorch issue 198183
    found = blame_of(ERF, "backend=inductor")
    assert named(found) == [("y", "forward")]
    assert words(found.notes[-1]).startswith(
        "right under eager_noexcept, aot_eager, aot_eager_decomp_partition, wrong under inductor"
    )
    assert words(found.notes[-1]).endswith("torch's CompilerBisector: lowerings, application 0 (erf)")


UNROUNDED = {
    "tensors": {"x": rand(64), "w": rand(64)},
    "steps": {"u": "x * w", "h": "1 + u * 0.1", "d": "h - 1", "e": "(d * 300).sin()", "y": "e * 1.01"},
    "backward": {"target": "y", "gradient": {"init": "rand"}},
}


@pytest.mark.full
def test_a_compiler_that_does_not_round_between_two_steps_is_not_to_blame_for_it() -> None:
    loaded, kept = load_recipe(UNROUNDED, words_of := ["backend=inductor", "dtype=bfloat16"]), KeptRuns()
    result = run_recipe(loaded)
    comparison = yardstick_of(UNROUNDED, words_of, loaded, kept).compare(result)
    found = blamed(UNROUNDED, words_of, loaded, result, comparison, kept).blame
    assert found is not None
    assert (found.culprits, found.judged > 10) == ((), True)
