"""A value whose numbers cannot be had, as no memory holds them: it costs no other value, and is told as what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tensorflow_free import Result, cli, compare_results, load_recipe, read_result, run_recipe
from tensorflow_free.golden.recording import record
from tensorflow_free.report.result_report import page_of
from tensorflow_free.tensors.memory import check_room
from tensorflow_free.text.drawing import text_of

TOO_MUCH = "1,490,116.1 GiB are more than this machine has"
TEXT = """
tensors: {x: [1.0]}
steps: {y: {op: expand, args: [x, [400000000000000]]}, z: x + 1}
expect: {z: 2.0}
"""


@pytest.fixture
def result(tmp_path: Path) -> Result:
    """A run whose `y` has more elements than any machine holds, in the memory of one."""
    (tmp_path / "giant.yaml").write_text(TEXT, encoding="utf-8")
    return run_recipe(load_recipe(tmp_path / "giant.yaml"))


def test_its_row_says_why_no_numbers_stand_there(result: Result) -> None:
    assert f"not shown: {TOO_MUCH}" in text_of(page_of(result))


def test_the_other_values_are_stored_beside_the_reason(result: Result, tmp_path: Path) -> None:
    kept = read_result(result.save(tmp_path / "kept"))
    assert kept["z"].tolist() == [2.0]
    assert (kept["y"].is_meta, list(kept["y"].shape)) == (True, [400_000_000_000_000])
    assert kept.records["y"].unstored == TOO_MUCH
    assert f"not stored: {TOO_MUCH}" in text_of(page_of(kept))


def test_nothing_is_agreed_on_where_nothing_was_compared(result: Result, tmp_path: Path) -> None:
    for other in (result, read_result(result.save(tmp_path / "kept"))):
        verdicts = {one.name: one for one in compare_results(other, result).values}
        assert verdicts["y"].outcome == "not comparable"
        assert TOO_MUCH in verdicts["y"].reason
        assert verdicts["z"].outcome == "ok"


def test_what_is_expected_of_it_is_told_to_be_out_of_reach(tmp_path: Path) -> None:
    (tmp_path / "giant.yaml").write_text(TEXT.replace("z: 2.0", "y: {value: 1.0, shape: [400000000000000]}"))
    verdicts = run_recipe(load_recipe(tmp_path / "giant.yaml")).expectations
    assert [(one.outcome, one.message) for one in verdicts] == [
        ("fails", f"it cannot be judged: {TOO_MUCH}"),
        ("holds", ""),
    ]


def test_no_golden_is_recorded_of_it(result: Result, tmp_path: Path) -> None:
    del result
    [one] = record(tmp_path / "giant.yaml")
    assert (one.did, one.reason) == (
        "refused",
        "its value 'y' cannot be stored: 2,980,232.2 GiB are more than this machine has",
    )


def test_a_tensor_whose_resize_failed_is_not_read_past_its_storage(tmp_path: Path) -> None:
    steps = {"y": {"op": "resize_", "args": ["x", [400_000_000_000_000]]}}
    recipe = load_recipe({"tensors": {"x": [1.0]}, "steps": steps, "expect": {"error": {"step": "y"}}})
    kept = read_result(run_recipe(recipe).save(tmp_path))
    assert kept["x"].tolist() == [1.0]


def test_storage_that_does_not_hold_a_tensor_is_seen() -> None:
    values = torch.ones(1000)
    values.untyped_storage().resize_(8)
    with pytest.raises(MemoryError, match="its storage holds 8 of its 4000 bytes"):
        check_room(values)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory\nat c10")])
def test_a_lack_of_memory_outside_of_steps_is_told_without_a_traceback(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def main(_: object) -> int:
        raise error

    assert cli._guarded(main, []) == 3
    said = capsys.readouterr().err
    assert said.splitlines() == [f"out of memory: {str(error).partition(chr(10))[0] or 'MemoryError'}"]


def test_a_length_that_a_failed_out_left_negative_is_saved_and_read_back(tmp_path):
    mapping = {
        "tensors": {"x": {"init": "arange", "end": 6}},
        "steps": {"y": {"op": "aten.full.out", "args": [[64, 5, 0, -1], 1], "kwargs": {"out": "x"}}},
        "expect": {"error": {"step": "y"}},
    }
    result = run_recipe(load_recipe(mapping))
    assert list(read_result(result.save(tmp_path / "out")).records) == list(result.records)
