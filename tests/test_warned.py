"""Warnings of a run are gathered with the step that raised them; nothing is printed of files of ours."""

from __future__ import annotations

import warnings

import pytest
import torch

from tensorflow_free import load_recipe, read_result, register_op, run_recipe
from tensorflow_free.cli import run_recipe_main
from tensorflow_free.report.result_report import page_of
from tensorflow_free.text.drawing import text_of

TENSORS = {"e": [[1.0, 0.0], [0.0, 2.0]], "z": {"data": 1.0, "dtype": "complex64"}}
CAST = "Casting complex values to real discards the imaginary part"


def run(steps, **recipe):
    return run_recipe(load_recipe({"tensors": TENSORS, "steps": steps, **recipe}))


def told(result):
    return [(one.step, one.message, one.count) for one in result.warnings]


@pytest.fixture(autouse=True)
def op():
    def warns(x: torch.Tensor, text: str = "mind this") -> torch.Tensor:
        warnings.warn(text, stacklevel=2)
        return x

    register_op("mine.warns", warns, replace=True)


def test_a_warning_is_kept_with_its_step_and_nothing_is_raised_or_printed(capsys, recwarn):
    result = run({"y": "z.to(torch.float32)"})
    assert told(result) == [("y", CAST, 1)]
    assert capsys.readouterr().err == ""
    assert not recwarn


def test_a_warning_that_torch_tells_once_a_process_is_in_every_result():
    counts = [told(run({"s": "e.to_sparse_csr()"})) for _ in range(2)]
    assert counts[0] == counts[1]
    assert counts[0][0][1].startswith("Sparse CSR tensor support is in beta state.")


def test_rounds_and_blocks_are_counted_under_the_step_within():
    block = {"repeat": 3, "steps": {"inner": {"with": "no_grad", "steps": {"y": "z.to(torch.float32)"}}}}
    assert told(run({"loop": block})) == [("y", CAST, 3)]


def test_what_a_pass_warns_of_is_of_the_pass():
    tensors = {"x": {"data": 2.0, "requires_grad": True}}
    result = run({"y": "x * x"}, tensors=tensors, backward={"target": "y", "create_graph": True})
    assert [one.step for one in result.warnings] == ["backward"]


def test_a_step_that_fails_keeps_what_was_told_before():
    result = run({"y": "z.to(torch.float32)", "f": "e @ z"}, expect={"error": {"step": "f"}})
    assert told(result) == [("y", CAST, 1)]


def test_a_warning_of_several_steps_is_told_once_below_the_table():
    text = text_of(page_of(run({"a": "z.to(torch.float32)", "b": "z.to(torch.float64)", "c": "e * 2"})))
    assert f"\nwarning of a, b: {CAST} (2 times)" in text
    assert text.count(CAST) == 1


def test_what_a_warning_says_is_shown_with_its_escapes_written_out():
    result = run({"y": {"op": "mine.warns", "args": ["e", {"str": "a\x1b[31m\nb"}]}})
    assert "warning of y: a\\x1b[31m b" in text_of(page_of(result))


def test_a_run_keeps_no_more_different_ones_than_it_shows():
    register_op(
        "mine.many", lambda x: [warnings.warn(f"number {one}", stacklevel=1) for one in range(300)] and x, replace=True
    )
    result = run({"y": {"op": "mine.many", "args": ["e"]}})
    assert len(result.warnings) == 101
    assert (result.warnings[-1].message, result.warnings[-1].count) == ("further warnings", 200)


def test_they_are_in_the_file(tmp_path):
    result = run({"y": "z.to(torch.float32)"})
    result.save(tmp_path)
    assert read_result(tmp_path).warnings == result.warnings


def test_the_process_warns_as_before_afterwards():
    before = torch.is_warn_always_enabled(), warnings.showwarning, list(warnings.filters)
    run({"y": "z.to(torch.float32)"})
    assert (torch.is_warn_always_enabled(), warnings.showwarning, list(warnings.filters)) == before


def test_quiet_says_nothing_of_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text("tensors: {z: {data: 1.0, dtype: complex64}}\nsteps: {y: z.to(torch.float32)}\n")
    assert run_recipe_main(["r.yaml", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
