"""Small values are saved and read many at once: to the same entries and bits as one by one."""

from __future__ import annotations

import gc
import json

import pytest
import torch
from safetensors.torch import _TYPES, load_file, save

from tensorflow_free import load_recipe, read_result, run_recipe
from tensorflow_free.codec import arrays
from tensorflow_free.codec.arrays import DTYPES, bytes_of, read_arrays, write_arrays
from tensorflow_free.codec.documents import _parsed
from tensorflow_free.codec.parts import HELD
from tensorflow_free.process.garbage import uncollected
from tensorflow_free.result import entries
from tensorflow_free.result.entries import entries_of, entry_of
from tensorflow_free.result.run_value import Record, recorded

VALUES = [
    *(torch.tensor(value) for value in (1.5, float("nan"), float("-inf"), -0.0, 2, True)),
    *(torch.arange(6).reshape(2, 3).to(dtype) for dtype in sorted(entries._TOGETHER, key=str)),
    torch.tensor([[1.0, float("inf")], [float("nan"), float("nan")]]),
    torch.tensor([[0.1, 0.2], [0.3, 0.4]]),
    torch.arange(6.0).reshape(2, 3).T,
    torch.ones(3).expand(2, 3),
    torch.imag(torch.tensor([1 + 2j]).conj()),
    torch.nn.Parameter(torch.ones(2)),
    torch.tensor([1 + 2j]),
    torch.ones(2).to_sparse(),
    torch.empty(0),
    torch.zeros(3, dtype=torch.float8_e5m2),
    torch.arange(100.0),
    torch.ones(2, device="meta"),
    7,
]


def test_entries_and_arrays_are_those_of_one_value_after_another():
    records = [one for place, value in enumerate(VALUES) for one in recorded(f"v{place}", "step", value, "op")]
    records.append(Record("lost", "step", torch.ones(2), unstored="lost with its device", device="cuda:0"))
    alone: dict[str, torch.Tensor] = {}
    wanted = [entry_of(one, alone) for one in records]
    found, together = entries_of(records)
    assert found == wanted
    assert bytes_of(together) == bytes_of(alone)
    assert sum(map(entries._is_small, records)) == 21


def test_a_file_of_arrays_is_that_which_safetensors_writes_and_reads(tmp_path):
    kept = {str(dtype): torch.tensor([0, 1, 1, 0]).to(dtype).reshape(2, 2) for dtype in DTYPES.values()}
    kept["none"] = torch.empty(0, 3)
    assert bytes_of(kept) == save(kept)
    write_arrays(kept, tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == save(kept)
    found, wanted = read_arrays(tmp_path / "a.safetensors"), load_file(tmp_path / "a.safetensors")
    assert found.keys() == wanted.keys()
    assert bytes_of(found) == bytes_of(wanted)


def test_the_table_of_dtypes_is_that_of_safetensors():
    # one that it reads from files is not in its table for bytes
    assert {word: dtype for word, dtype in DTYPES.items() if word != "F8_E8M0"}.items() <= _TYPES.items()
    assert frozenset(DTYPES.values()) == HELD


def test_a_large_file_is_mapped_and_a_small_one_read(tmp_path, monkeypatch):
    write_arrays({"x": torch.arange(3.0)}, tmp_path / "a")
    small = read_arrays(tmp_path / "a")
    monkeypatch.setattr(arrays, "SMALL", 8)
    large = read_arrays(tmp_path / "a")
    assert small["x"].tolist() == large["x"].tolist() == [0, 1, 2]
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes().ljust(8, b"\0"))
    small["x"].add_(1)
    assert small["x"].tolist() == [1, 2, 3]


def test_many_values_come_back_bit_for_bit_and_share_no_memory(tmp_path):
    steps = {f"y{index}": f"{f'y{index - 1}' if index else 'x'} * 1.25" for index in range(100)}
    run = run_recipe(load_recipe({"tensors": {"x": 0.1}, "steps": steps}))
    read = read_result(run.save(tmp_path / "kept"))
    assert all(torch.equal(read[name], run[name]) for name in run)
    assert len({read[name].untyped_storage().data_ptr() for name in read}) == len(read)
    assert (
        read.save(tmp_path / "again").joinpath("result.json").read_bytes()
        == (tmp_path / "kept/result.json").read_bytes()
    )


@pytest.mark.parametrize("text", ["[1e400, -0.0, 1E5]", '"\\ud800"', "[" * 300 + "]" * 300, '{"a": 1, "a": 2}'])
def test_documents_are_read_as_pythons_own_reader_reads_them(text):
    assert repr(_parsed(text.encode())) == repr(json.loads(text))


@pytest.mark.parametrize("collects", [True, False])
def test_garbage_is_looked_for_again_as_before(collects):
    try:
        (gc.enable if collects else gc.disable)()
        with uncollected():
            assert not gc.isenabled()
        assert gc.isenabled() == collects
        with pytest.raises(ZeroDivisionError), uncollected():
            raise ZeroDivisionError
        assert gc.isenabled() == collects
    finally:
        gc.enable()
