"""Disks that take nothing more: full, without inodes, read-only. One line says what and where; nothing is half there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tensorflow_free import cli, load_recipe, run_recipe
from tensorflow_free.errors import StorageError
from tensorflow_free.sweep import pool
from tests.here import Here
from tests.processes import finished, succeeded

BIG = "tensors: {x: {init: randn, size: [300, 300]}}\nsteps: {y: x * 2}\n"
SAID = {
    "size=64k": "No space left on device",
    "nr_inodes=3": "No space left on device",
    "remount,ro": "Read-only file system",
}


@pytest.fixture(params=SAID)
def disk(tmp_path, monkeypatch, request):
    """A small disk, and what it says when it takes nothing more; skipped where nobody may mount one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pool, "CellWorker", Here)
    place = tmp_path / "disk"
    place.mkdir()
    Path("r.yaml").write_text(BIG)
    option = "size=1m" if request.param == "remount,ro" else request.param
    if shutil.which("mount") is None or finished("mount", "-t", "tmpfs", "-o", option, "tmpfs", place).returncode:
        pytest.skip("a disk cannot be mounted here, which needs root")
    try:
        (place / "r.yaml").write_text(BIG)
        if request.param == "remount,ro":
            succeeded("mount", "-o", "remount,ro", place)
        yield place, SAID[request.param]
    finally:
        succeeded("umount", "-l", place)


@pytest.fixture
def typed(capsys):
    def type_in(main, *words):
        code = cli._guarded(main, words)
        return code, *capsys.readouterr()

    return type_in


def parts(place):
    return [path.name for path in place.rglob("*") if path.name.startswith((".tensorflow_free-", ".tmp"))]


def test_a_result_is_not_there_at_all(disk):
    place, said = disk
    with pytest.raises(StorageError, match=f"^{place}.*: the result cannot be written: {said}$"):
        run_recipe(load_recipe("r.yaml")).save(place / "kept")
    assert [path.name for path in place.iterdir()] == ["r.yaml"]


def test_a_run_shows_its_result_and_exits_with_4(disk, typed):
    place, said = disk
    code, _, err = typed(cli.run_recipe_main, "r.yaml", f"hydra.run.dir={place}/kept")
    assert code == 4
    assert err.startswith(f"{place}/kept")
    assert err.endswith(f": {said}\n")
    assert err.count("\n") == 1
    assert not (place / "kept/result.json").exists()
    assert parts(place) == []


def test_a_sweep_keeps_what_it_has_and_exits_with_4(disk, typed):
    place, said = disk
    words = ["r.yaml", "seed=1,2", f"hydra.sweep.dir={place}/kept", "hydra.launcher.n_jobs=1"]
    code, _, err = typed(cli.run_recipe_main, "-m", *words)
    assert code == 4
    assert err.startswith(f"{place}/kept")
    assert err.endswith(f"cannot be written: {said}\n")
    assert err.count("\n") == 1
    assert parts(place) == []


def test_a_golden_is_not_there_at_all_and_recording_exits_with_4(disk, typed):
    place, said = disk
    code, out, _ = typed(cli.recipe_main, "record", f"{place}/r.yaml")
    assert code == 4
    assert f"{place}/r.golden.json: the golden cannot be written: {said}" in out
    assert [path.name for path in place.iterdir()] == ["r.yaml"]


def test_a_review_that_cannot_write_exits_with_4(disk, typed):
    place, said = disk
    code, out, _ = typed(cli.recipe_main, "review", f"{place}/r.yaml", "--accept-all")
    assert code == 4
    assert f"{place}/r.golden.json: the golden cannot be written: {said}" in out
    assert [path.name for path in place.iterdir()] == ["r.yaml"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is unwritable to root")
@pytest.mark.parametrize("words", [["record", "shut/r.yaml"], ["review", "shut/r.yaml", "--accept-all"]])
def test_a_folder_that_is_shut_is_told(tmp_path, monkeypatch, typed, words):
    monkeypatch.chdir(tmp_path)
    Path("shut").mkdir()
    Path("shut/r.yaml").write_text(BIG)
    Path("shut").chmod(0o500)
    code, out, _ = typed(cli.recipe_main, *words)
    assert code == 4
    assert "the golden cannot be written: Permission denied" in out
