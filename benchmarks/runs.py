"""`run_recipe` of a loaded recipe, from the call to the result, against a script that makes the same tensors itself."""

from __future__ import annotations

from collections.abc import Callable
from time import thread_time
from typing import Any, Final

import torch
from torch import fx
from torch.utils._debug_mode import DebugMode
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.blocks import Gpt2Block, gpt2_block
from benchmarks.chains import chain, compiled_source, graph_of, python_source
from benchmarks.figures import Effort, Figure, Side, ratio
from benchmarks.judging import HEADS, LENGTH, WIDTH, one_thread
from tensorflow_free import load_recipe, run_recipe

SHORT: Final = 10
LONG: Final = 1000
LONGEST: Final = 10_000
"""Ops of chains."""

BATCH: Final = 8
SLOW_OPS: Final = 200
SLOW_NUMBERS: Final = 2**18
"""A chain each of whose ops takes at least a tenth of a millisecond, and the numbers in each of its tensors."""

PAIRS: Final = 400
SHORT_PAIRS: Final = 2000
LONGEST_PAIRS: Final = 21
BLOCK_PAIRS: Final = 9

LEAVES: Final[dict[str, Any]] = {"x": 0.5, "w": {"data": 0.75, "requires_grad": True}}

Act = Callable[[], Any]


def all_recorded(effort: Effort) -> Figure:
    """All values recorded, against Python that keeps each in a variable."""
    length = effort.size_of(LONG, 8)
    return _against(_run(chain(length, "all")), _python(length, keep=True), effort.pairs_of(PAIRS))


def outputs_recorded(effort: Effort) -> Figure:
    """Only the last value recorded, against Python that lets go of each at its last use."""
    length = effort.size_of(LONG, 8)
    return _against(_run(chain(length, "outputs")), _python(length, keep=False), effort.pairs_of(PAIRS))


def short(effort: Effort) -> Figure:
    """Ten steps, all values recorded."""
    return _against(_run(chain(SHORT, "all")), _python(SHORT, keep=True), effort.pairs_of(SHORT_PAIRS))


def backward(effort: Effort) -> Figure:
    """A backward pass, and the gradient of every step kept."""
    return _with_gradients(effort.size_of(LONG, 8), effort.pairs_of(PAIRS // 4))


def long_backward(effort: Effort) -> Figure:
    """The same, ten times as long."""
    return _with_gradients(effort.size_of(LONGEST, 8), effort.pairs_of(LONGEST_PAIRS))


def carried(effort: Effort) -> Figure:
    """A repeat of two steps whose rounds hand a value on, against a loop in Python."""
    rounds = effort.size_of(LONG, 4)
    return _against(_run(_repeat(rounds)), lambda: _loop(rounds), effort.pairs_of(PAIRS))


def traced(effort: Effort) -> Figure:
    """The same, with a value of each round gathered."""
    rounds = effort.size_of(LONG, 4)
    return _against(_run(_repeat(rounds, trace=["z"])), lambda: _traced_loop(rounds), effort.pairs_of(PAIRS))


def slow(effort: Effort) -> Figure:
    """Ops that take a tenth of a millisecond or more."""
    length, size = effort.size_of(SLOW_OPS, 8), effort.size_of(SLOW_NUMBERS, 16)
    tensors = {"x": {"init": "full", "size": [size], "fill_value": 0.5}, "w": 0.75}
    run = compiled_source(python_source(length, keep=False))

    def script() -> torch.Tensor:
        made: torch.Tensor = run(torch.full((size,), 0.5), torch.tensor(0.75))
        return made

    return _against(_run(chain(length, "outputs", tensors)), script, effort.pairs_of(PAIRS // 4))


def block(effort: Effort) -> Figure:
    """A GPT-2 block, forward and backward, every value and gradient recorded, against the module."""
    return _block(effort, "all")


def block_outputs(effort: Effort) -> Figure:
    """The same, its output and the leaves' gradients recorded."""
    return _block(effort, "outputs")


def compiled(effort: Effort) -> Figure:
    """The block compiled and called again and again, against the compiled module; small ones need no inductor."""
    return _block(effort, "outputs", "inductor" if effort.sizes == 1 else "aot_eager")


def against_fx(effort: Effort) -> Figure:
    """The chain, all values recorded, against `torch.fx.Interpreter` that keeps each."""
    length = effort.size_of(LONG, 8)
    graph = graph_of(length)
    return _against_peer(length, lambda: _Keeping(graph).run(*_starts()), effort)


def against_dispatch_mode(effort: Effort) -> Figure:
    """The same against a `TorchDispatchMode` that keeps what each op gives."""
    length = effort.size_of(LONG, 8)
    python = _python(length, keep=False)

    def script() -> list[Any]:
        with _Noting() as noting:  # type: ignore[no-untyped-call]
            python()
        return noting.kept

    return _against_peer(length, script, effort)


def against_debug_mode(effort: Effort) -> Figure:
    """The same against torch's `DebugMode`, which notes each op."""
    length = effort.size_of(LONG, 8)
    python = _python(length, keep=True)

    def script() -> Any:
        with DebugMode() as noting:  # type: ignore[no-untyped-call]
            return python(), noting

    return _against_peer(length, script, effort)


def _run(source: dict[str, Any]) -> Act:
    recipe = load_recipe(source)
    return lambda: run_recipe(recipe)


def _against(ours: Act, theirs: Act, pairs: int) -> Figure:
    with one_thread():
        return ratio(*(Side(lambda _, act=act: act(), clock=thread_time) for act in (ours, theirs)), pairs)


def _against_peer(length: int, theirs: Act, effort: Effort) -> Figure:
    return _against(_run(chain(length, "all")), theirs, effort.pairs_of(PAIRS // 4))


def _starts() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(0.5), torch.tensor(0.75)


def _python(length: int, *, keep: bool) -> Act:
    run = compiled_source(python_source(length, keep=keep))
    return lambda: run(*_starts())


def _with_gradients(length: int, pairs: int) -> Figure:
    run = compiled_source(python_source(length, keep=True))

    def script() -> Any:
        w = torch.tensor(0.75, requires_grad=True)
        kept = run(torch.tensor(0.5), w)
        for value in kept:
            value.retain_grad()
        kept[-1].backward()
        return kept, [value.grad for value in kept], w.grad

    return _against(_run({**chain(length, "all", LEAVES), "backward": f"s{length - 1}"}), script, pairs)


def _repeat(rounds: int, **more: Any) -> dict[str, Any]:
    loop = {"repeat": rounds, "carry": {"x": "z"}, "steps": {"y": "mul(x, w)", "z": "add(y, w)"}, **more}
    return {"tensors": {"x": 0.5, "w": 0.75}, "steps": {"loop": loop}}


def _loop(rounds: int) -> torch.Tensor:
    x, w = _starts()
    for _ in range(rounds):
        y = torch.mul(x, w)
        x = torch.add(y, w)
    return x


def _traced_loop(rounds: int) -> torch.Tensor:
    x, w = _starts()
    trace = []
    for _ in range(rounds):
        y = torch.mul(x, w)
        x = torch.add(y, w)
        trace.append(x)
    return torch.stack(trace)


def _block(effort: Effort, record: str, backend: str = "eager") -> Figure:
    """The block on a batch: the script draws its weights, its input and the gradient as the recipe does."""
    width = max(HEADS, effort.size_of(WIDTH) // HEADS * HEADS)
    length, batch = effort.size_of(LENGTH, 8), effort.size_of(BATCH, 2)
    module = Gpt2Block(width, HEADS)
    called: Any = module if backend == "eager" else torch.compile(module, backend=backend)

    def script() -> Any:
        torch.manual_seed(0)
        module.draw()
        x = torch.randn(batch, length, width, requires_grad=True)
        y = called(x)
        y.backward(torch.randn(batch, length, width))
        return y, x.grad

    source = gpt2_block(length, width, HEADS, batch=batch, record=record, backend=backend)
    return _against(_run(source), script, effort.pairs_of(BLOCK_PAIRS))


class _Keeping(fx.Interpreter):
    """Keeps what each node gives."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module, garbage_collect_values=False)

    def run(self, *starts: torch.Tensor) -> dict[fx.Node, Any]:  # type: ignore[override]
        """All values, by their nodes."""
        super().run(*starts)  # type: ignore[no-untyped-call]
        return self.env


class _Noting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps what each op of ATen's gives."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: list[Any] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call the op, and keep what it gives."""
        del types
        made = func(*args, **(kwargs or {}))
        self.kept.append(made)
        return made
