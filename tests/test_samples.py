"""Results and goldens on disk that an earlier version wrote: they are read, bit for bit, and written to the same bytes."""

from __future__ import annotations

import json
import math
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from opdb.bits import same_bits

from tensorflow_free import Recipe, Result, read_result
from tensorflow_free.codec.values import Opaque
from tensorflow_free.golden.cases import StoredCase, StoredValue
from tensorflow_free.golden.model import Made, RecordedNoise
from tensorflow_free.golden.places import read_golden
from tensorflow_free.golden.reading import read_case
from tensorflow_free.golden.writing import write_golden
from tensorflow_free.outcome.reasons import StepFailed
from tensorflow_free.result.model import Environment, Timings, Verdict, Warned
from tensorflow_free.result.run_value import Record

SAMPLES = Path(__file__).parent / "samples"

DTYPES = (
    *("float64", "float32", "float16", "bfloat16", "complex128", "complex64", "complex32", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"),
)
SPECIAL = [0.1, -0.0, math.nan, math.inf, -math.inf, 1e-310]


def of_bytes(word, *shape):
    """A tensor of the bytes 0, 37, 74 and so on: NaN payloads and subnormals are among them."""
    dtype = getattr(torch, word)
    raw = (torch.arange(math.prod(shape) * dtype.itemsize) * 37 % 256).to(torch.uint8)
    return (raw % 2 if word == "bool" else raw).view(dtype).reshape(shape)


def layouts():
    dense = torch.tensor([[0, 1.5, 0, 2], [0, 0, 0, 0], [3, 0, math.nan, 0], [-0.0, 0, 0, math.inf]])
    yield "coo", dense.to_sparse()
    yield "uncoalesced", torch.sparse_coo_tensor([[1, 1]], [1.0, 2.0], (3,), dtype=torch.complex128)
    yield from ((word, dense.to_sparse(layout=getattr(torch, f"sparse_{word}"))) for word in ("csr", "csc"))
    for word in ("bsr", "bsc"):
        yield word, dense.to_sparse(layout=getattr(torch, f"sparse_{word}"), blocksize=(2, 2))
    yield "big_coo", torch.arange(1.0, 82.0).reshape(9, 9).to_sparse()
    yield "nested", torch.nested.nested_tensor([torch.ones(2, 2), torch.zeros(1, 3)])
    yield "jagged", torch.nested.nested_tensor([torch.ones(2, 2), torch.zeros(3, 2)], layout=torch.jagged)
    yield "quantised", torch.quantize_per_tensor(torch.tensor([0.1, 0.7]), 0.1, 3, torch.quint8)
    scales, points = torch.tensor([0.1, 0.2]), torch.tensor([0, 1])
    yield "by_channel", torch.quantize_per_channel(torch.ones(2, 3), scales, points, 0, torch.qint8)


def tensors():
    """A tensor of every kind."""
    for word in DTYPES:
        yield word, of_bytes(word, 2, 3)
        yield f"big_{word}", of_bytes(word, 5, 13)
    yield "special", torch.tensor(SPECIAL, dtype=torch.float64)
    yield "complex", torch.tensor([complex(1, math.nan), complex(-0.0, math.inf)])
    yield "scalar", torch.tensor(0.1)
    yield "nothing", torch.zeros(0, 3)
    yield "turned", torch.arange(6.0).reshape(2, 3).T
    yield "bits8", torch.arange(4, dtype=torch.uint8).view(torch.bits8)
    yield "meta", torch.empty(3, 2, dtype=torch.float16, device="meta")
    yield from layouts()


def others():
    """A value of every kind that is no tensor."""
    numbers = {"whole": 3, "large": 2**70, "tenth": 0.1, "minus": -0.0, "nan": math.nan, "inf": -math.inf}
    words = {"imaginary": complex(-0.0, math.inf), "yes": True, "word": "a·b\n", "none": None, "text_nan": "nan"}
    torchs = {
        "dtype": torch.int8,
        "device": torch.device("cuda:1"),
        "layout": torch.sparse_csr,
        "size": torch.Size([2]),
    }
    lists = {"list": [1, 2.5, True, math.inf, [0.5, -math.inf]], "tuple": (1, math.nan), "empty": []}
    return numbers | words | torchs | lists | {"format": torch.channels_last, "opaque": Opaque("MulBackward0")}


with warnings.catch_warnings():
    # torch warns of layouts that it calls young or old
    warnings.simplefilter("ignore")
    VALUES = dict(tensors()) | others()


ENVIRONMENT = Environment(
    tensorflow_free="1.0",
    torch="2.13.0",
    torch_git=None,
    python="3.11.0",
    platform="Linux",
    cpu="a cpu",
    cpu_capability="AVX2",
    num_threads=1,
    cuda=None,
    cuda_available=False,
    devices=[],
)


def run():
    """A result with a value of every kind, and all that may stand beside them."""
    records = {name: Record(name, "step", value, "op") for name, value in VALUES.items()}
    records["x"] = Record("x", "tensor", torch.ones(2, 3), None, (1, 2), requires_grad=True, grad_fn="MulBackward0")
    records["x.grad"] = Record("x.grad", "gradient", torch.zeros(2, 3))
    records["lost"] = Record("lost", "step", torch.empty(3, device="meta"), "op", (1,), unstored="no room")
    place = {"file": "r.yaml", "line": 3, "column": 5, "path": "steps.z"}
    verdicts = [
        Verdict(name=word, path=f"expect.{word}", asks="0.5", outcome=word, message="it is 0.25")
        for word in ("holds", "fails", "not judged", "known fault", "fixed")
    ]
    error = StepFailed(step="z", op="mm", type="RuntimeError", message="m", operands=["[2] float32"], **place)
    told = [Warned(step="y", type="UserWarning", message="w", count=2)]
    return Result(Recipe(), records, verdicts, error, ENVIRONMENT, Timings(steps_s=0.5), told, "sample")


def recorded():
    """A case of a golden with a value of every kind."""
    noise = {
        "float32": RecordedNoise(rmse=1e-8, max_abs=math.inf, nonfinite=2, nan=1),
        "float16": RecordedNoise(dtype="int8", shape=[2]),
    }
    values = [StoredValue(name, "step", value, "op") for name, value in VALUES.items()]
    values.append(StoredValue("noisy", "gradient", torch.tensor(0.1), None, noise, "dtype-dependent"))
    made = Made(tensorflow_free="1.0", torch="2.13.0", cpu="a cpu", capability="AVX2", num_threads=1, settings={"a": 1})
    starts = {"x": torch.tensor([0.1, 2.0])}
    return StoredCase("d" * 64, made, starts, values, {"float16": 'no "mm"'}, {"bfloat16": ["expect.y"]})


def is_same(found, wanted):
    if not isinstance(wanted, torch.Tensor):
        return (type(found), repr(found)) == (type(wanted), repr(wanted))
    if (found.dtype, found.layout, found.is_nested) != (wanted.dtype, wanted.layout, wanted.is_nested):
        return False
    if wanted.is_nested:
        return all(is_same(one, other) for one, other in zip(found.unbind(), wanted.unbind(), strict=True))
    if wanted.is_meta or wanted.is_quantized:
        return found.shape == wanted.shape and (wanted.is_meta or found.equal(wanted))
    return found.shape == wanted.shape and same_bits(found, wanted)


@pytest.mark.filterwarnings("ignore")
def test_every_value_of_an_older_result_is_read_bit_for_bit():
    read = read_result(SAMPLES / "result")
    assert list(read) == list(run())
    assert [name for name, value in VALUES.items() if not is_same(read.records[name].value, value)] == []


def test_all_that_stands_beside_the_values_of_an_older_result_is_read():
    read, wanted = read_result(SAMPLES / "result"), run()
    assert (read.error, read.expectations, read.warnings) == (wanted.error, wanted.expectations, wanted.warnings)
    assert (read.name, read.timings, read.environment) == (wanted.name, wanted.timings, wanted.environment)
    besides = [(one.kind, one.op, one.requires_grad, one.grad_fn, one.unstored) for one in read.records.values()]
    assert besides == [
        (one.kind, one.op, one.requires_grad, one.grad_fn, one.unstored) for one in run().records.values()
    ]


@pytest.mark.filterwarnings("ignore")
def test_the_values_of_a_result_are_written_as_an_older_one_has_them(tmp_path):
    run().save(tmp_path / "result")
    ours, theirs = (json.loads((folder / "result" / "result.json").read_text()) for folder in (tmp_path, SAMPLES))
    assert json.dumps(ours["values"]) == json.dumps(theirs["values"])
    for name in ("tensors.safetensors", "recipe.yaml"):
        assert (tmp_path / "result" / name).read_bytes() == (SAMPLES / "result" / name).read_bytes()


@pytest.mark.filterwarnings("ignore")
def test_every_value_of_an_older_golden_is_read_bit_for_bit():
    case, wanted = read_case(read_golden(SAMPLES / "golden.yaml"), ""), recorded()
    assert [one.name for one in case.values] == [one.name for one in wanted.values]
    assert [one.name for one in wanted.values if not is_same(case[one.name].value, one.value)] == []
    assert (case.made, case.unsupported, case.unmet) == (wanted.made, wanted.unsupported, wanted.unmet)
    assert case["noisy"].noise == wanted["noisy"].noise


@pytest.mark.filterwarnings("ignore")
def test_a_golden_is_written_to_the_bytes_of_an_older_one(tmp_path):
    write_golden(tmp_path / "golden.yaml", "", recorded())
    names = ["golden.golden.json", "golden.golden.safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.name in names) == names
    assert all((tmp_path / name).read_bytes() == (SAMPLES / name).read_bytes() for name in names)


@pytest.mark.filterwarnings("ignore")
def test_a_golden_read_from_an_older_one_is_written_as_it_was(tmp_path):
    for name in ("golden.golden.json", "golden.golden.safetensors"):
        shutil.copy(SAMPLES / name, tmp_path)
    case = read_case(read_golden(tmp_path / "golden.yaml"), "")
    assert write_golden(tmp_path / "golden.yaml", "", case) is None
