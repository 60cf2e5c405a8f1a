"""Memory that nobody has written is no recipe's to read: it is filled, in every form of the op, whatever the cell."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import torch

from tensorflow_free import load_recipe, register_op, run_recipe
from tensorflow_free.ops.guards.filling import GROWING, LEAVING, MAKING
from tests.processes import succeeded

TENSORS = {"x": [[1.0, 2.0], [3.0, 4.0]], "n": [1, 2], "b": [True, False], "z": {"data": 1.0, "dtype": "complex64"}}
TARGETS = torch.tensor([[1, 2, 3], [1, 2, 3]])

MADE = [
    "torch.empty(3)", "torch.empty(2, 3)", "torch.empty([2, 3], requires_grad=True)", "x.new_empty(4)", "torch.empty_like(x)",
    "torch.empty_like(z)", "torch.empty_permuted([2, 3], [1, 0])", "torch.empty_strided([2], [5])", "x.new_empty_strided([2], [5])",
    "aten.empty.memory_format([3])", "aten.empty_like.default(x)", "aten.new_empty.default(x, [3])", "aten.empty_strided.default([2], [5])",
    "torch.empty(3, dtype=torch.bfloat16)", "torch.empty(3, dtype=torch.float8_e5m2)", "x.to_mkldnn().new_empty(3).to_dense()",
    "torch.empty_strided([2], [5]).as_strided([6], [1])", "x.clone().resize_(8)[4:]", "x.clone().resize_as_(torch.zeros(8))[4:]",
    "aten.resize.default(x, [8])[4:]", "aten.resize_.default(x.clone(), [8])[4:]", "torch.empty([3], out=torch.zeros(0))",
    "aten.empty_like.out(x, out=torch.zeros(0))", "F.mse_loss(x, x * 2).as_strided([3], [1], 1)", "F.smooth_l1_loss(x, x * 2).as_strided([3], [1], 1)",
    "F.fold(torch.ones(1, 4, 9), [4, 4], 2).as_strided([1], [1], 16)",
]  # fmt: skip


def value(text, name="y", **recipe):
    return run_recipe(load_recipe({"tensors": TENSORS, "steps": {"y": text}, **recipe}))[name]


@pytest.mark.parametrize("text", MADE)
def test_unwritten_floating_memory_is_nan(text):
    assert value(text).float().isnan().all()


@pytest.mark.parametrize("text", MADE[:12])
def test_it_is_filled_whatever_the_settings_say(text):
    settings = {"deterministic": True, "fill_uninitialized_memory": False}
    assert value(text, settings=settings).float().isnan().all()


@pytest.mark.parametrize("settings", [{}, {"deterministic": True, "fill_uninitialized_memory": False}], ids=str)
def test_what_a_compiled_resize_adds_is_filled_whatever_the_settings_say(settings):
    assert value("torch.ones(2).resize_(9)[2:]", settings=settings, backend="aot_eager").isnan().all()


@pytest.mark.parametrize("text", ["torch.empty_like(n)", "n.new_empty(3)", "n.clone().resize_(9)[2:]"])
def test_unwritten_integers_are_the_largest(text):
    assert (value(text) == torch.iinfo(torch.int64).max).all()


@pytest.mark.parametrize("text", ["torch.empty_like(b)", "torch.empty(3, dtype=torch.bool)"])
def test_unwritten_booleans_are_true(text):
    assert value(text).all()


QUANTISED = [
    "torch.empty_like(q)",
    "q.new_empty(4)",
    "aten.empty_quantized.default([3], q)",
    "q.clone().resize_(9)[4:]",
]


@pytest.mark.parametrize("text", QUANTISED)
@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_unwritten_quantised_memory_is_the_largest_integer(text):
    register_op("mine.q", lambda x: torch.quantize_per_tensor(x, 0.1, 0, torch.quint8), replace=True)
    made = value(None, steps={"q": {"op": "mine.q", "args": ["x"]}, "y": text})
    assert (made.int_repr() == 255).all()


@pytest.mark.parametrize(
    "text", ["torch.empty(4, 3, layout=torch.sparse_csr)", "x.new_empty([4, 3], layout=torch.sparse_csc)"]
)
@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_an_empty_compressed_tensor_holds_no_numbers(text):
    assert torch.equal(value(text).to_dense(), torch.zeros(4, 3))


def test_what_ctc_loss_leaves_of_its_table_is_filled():
    given = {"data": torch.randn(6, 2, 4).log_softmax(-1)}
    tensors = {"p": given, "t": {"data": TARGETS}}
    table = value("aten._ctc_loss.default(p, t, [6, 3], [3, 2])", "y.1", tensors=tensors)
    plain = torch.ops.aten._ctc_loss(given["data"], TARGETS, [6, 3], [3, 2])[1]
    assert torch.equal(table[0], plain[0])
    assert table[1].isnan().any()


def test_what_was_there_before_it_grew_stays():
    assert torch.equal(value("x.clone().resize_(2, 4)")[0], torch.tensor([1.0, 2.0, 3.0, 4.0]))


def test_an_empty_result_does_not_write_over_what_shares_its_memory():
    steps = {"part": "x[0]", "y": {"op": "empty", "args": [[2]], "kwargs": {"out": "part"}}}
    assert torch.equal(value(None, "x.after", steps=steps)[1], torch.tensor([3.0, 4.0]))


def test_each_round_of_a_block_is_filled_before_it_is_read():
    block = {"repeat": 3, "steps": {"room": "torch.empty(2)", "y": "room + 1"}, "trace": ["y"]}
    assert value(None, "loop.y", steps={"loop": block}).isnan().all()


@pytest.mark.parametrize("backend", ["aot_eager", pytest.param("inductor", marks=pytest.mark.full)])
@pytest.mark.parametrize(
    "text", ["torch.empty_like(x)", "x.new_empty(4)", "torch.empty(2, 3) * 2", "x.clone().resize_(8)[4:]"]
)
def test_a_compiled_cell_reads_no_unwritten_memory(text, backend):
    assert value(text, backend=backend).isnan().all()


def test_meta_tensors_have_nothing_to_fill():
    assert value("torch.empty([1000000, 1000000])", device="meta").is_meta


def test_the_process_is_left_as_it_was():
    value("torch.empty(3)")
    assert not torch.are_deterministic_algorithms_enabled()


# which ops these are, found by trying

TRIAL = """
import json, sys, warnings, zlib, torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

warnings.simplefilter("ignore")
torch.set_num_threads(1)
calls = []

def held(value):
    # the numbers, and all that the storage behind them holds
    if value.layout != torch.strided or value.is_nested or value.is_meta or value._is_zerotensor():
        return None
    numbers = torch.empty(value.numel(), dtype=value.dtype).copy_(value.detach().flatten())
    whole = (torch.empty(0, dtype=torch.uint8).set_(one.untyped_storage()) for one in (numbers, value))
    return [zlib.crc32(one.numpy().tobytes()) for one in whole]

class Recorded(TorchDispatchMode):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        with torch._C._DisableTorchDispatch():
            given = [held(one) for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
        out = function(*args, **(kwargs or {}))
        with torch._C._DisableTorchDispatch():
            made = [held(one) for one in tree_leaves(out) if isinstance(one, torch.Tensor)]
        calls.append([function._schema.name.removeprefix("aten::"), given, made])
        return out

for entry in op_db[:: int(sys.argv[1])]:
    if entry.name.startswith("jiterator") or torch.float32 not in entry.dtypes:
        continue
    torch.manual_seed(0)
    for number, sample in enumerate(entry.sample_inputs("cpu", torch.float32, requires_grad=entry.supports_autograd)):
        if number == int(sys.argv[2]):
            break
        torch.manual_seed(0)
        with Recorded():
            out = entry(sample.input, *sample.args, **sample.kwargs)
            ends = [one for one in tree_leaves(out) if isinstance(one, torch.Tensor) and one.requires_grad]
            if ends and all(one.layout == torch.strided for one in ends):
                sum(one.abs().sum() for one in ends).backward()
json.dump(calls, sys.stdout)
"""


def calls_with_memory_of(byte: int, every: int, samples: int) -> list:
    """Every call of aten that the operator database leads to, in a process whose fresh memory holds this byte."""
    environment = {**os.environ, "MALLOC_PERTURB_": str(byte), "MALLOC_MMAP_THRESHOLD_": str(10**9)}
    command = [sys.executable, "-c", TRIAL, str(every), str(samples)]
    done = succeeded(*command, env=environment, timeout=600, cwd=Path(__file__).parent.parent)
    return json.loads(done.stdout)


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="only glibc's allocator fills memory as it is asked to")
@pytest.mark.timeout(1300)
def test_no_other_op_hands_out_memory_that_nobody_has_written():
    runs = [calls_with_memory_of(byte, every=1, samples=12) for byte in (17, 170)]
    both = list(zip(*runs, strict=True))
    assert len(both) > 10_000
    # autograd may take its nodes in another order
    unlike = {one[0] for one, other in both if one[:2] == other[:2] and one[2] != other[2]}
    # a view of such memory, or what is written into it in part, is not what hands it out
    made = MAKING | GROWING | LEAVING
    assert {"empty_like", "new_empty"} <= unlike
    assert unlike <= made
