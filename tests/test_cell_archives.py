"""Cells in archives: each whole or absent, found by the path of its folder, exported, and nothing believed."""

from __future__ import annotations

import io
import os
import shutil
import struct
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from tensorflow_free import RecipeError, StorageError, cli, load_recipe, read_result, run_recipe
from tensorflow_free.composition.override_texts import as_override
from tensorflow_free.files import archive_members
from tensorflow_free.files.archive_members import member_of
from tensorflow_free.files.archived_cells import cells_in
from tensorflow_free.files.cell_archives import CellArchive
from tensorflow_free.files.opening import is_folder, is_there, open_file, path_of, read_file
from tensorflow_free.sweep import cell_store, pool
from tensorflow_free.sweep.cells import Cell
from tensorflow_free.sweep.folder import SweepFolder
from tensorflow_free.sweep.preparation import resume_sweep, sweep_recipe
from tensorflow_free.sweep.trial import Trial
from tests.here import Here

LINEAR = "tensors: {x: 2.0, w: {init: tensor, data: 3.0, requires_grad: true}}\nsteps: {y: w * x}\nbackward: y\n"
FILES = {"result.json": b'{"a": 1}' * 40, "recipe.yaml": b"steps: {}", "inputs/x.npy": bytes(range(256))}
FIRST = "cells-0001.tar.gz"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The folder of a sweep, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweep.json").write_text("{}")
    return tmp_path


def archived(*cells, home="."):
    archive = CellArchive(Path(home))
    for cell in cells:
        archive.append(cell, FILES)
    archive.close()
    return Path(home, FIRST)


def kept(*overrides, recipe=LINEAR, cell="0"):
    """A cell run by a worker's trial, and kept in the working directory."""
    Path("r.yaml").write_text(recipe, encoding="utf-8")
    return Trial(Path()).row(Cell(0, "r.yaml", tuple(map(as_override, overrides)), folder=cell))


def typed(capsys, *words, main=cli.recipe_main):
    return cli._guarded(main, words), *capsys.readouterr()


# the format


def test_an_archive_unpacks_to_the_folders_of_its_cells_with_any_tar(home):
    with tarfile.open(archived("0", "a/ü=1", "n" * 200), "r:gz") as tar:
        tar.extractall(home / "out", filter="data")
    for cell in ("0", "a/ü=1", "n" * 200):
        assert {name: (home / "out" / cell / name).read_bytes() for name in FILES} == FILES
        assert {name: read_file(Path(cell, name)) for name in FILES} == FILES


def test_of_an_archive_that_is_cut_off_anywhere_each_cell_is_whole_or_absent():
    archive, lengths = CellArchive(Path()), []
    for cell in "01":
        archive.append(cell, FILES)
        lengths.append(Path(FIRST).stat().st_size)
    archive.close()
    whole, one = Path(FIRST).read_bytes(), lengths[0]
    assert lengths[1] == len(whole)
    for length in (0, 1, 11, 12, 30, one - 1, one, one + 1, one + 40, len(whole) - 1, len(whole)):
        Path(FIRST).write_bytes(whole[:length])
        assert [is_there(Path(cell)) for cell in "01"] == [length >= one, length == len(whole)]


def test_cells_are_read_while_others_are_added_and_the_last_of_a_name_counts():
    writing, other = CellArchive(Path()), CellArchive(Path())
    for number in range(3):
        writing.append(str(number), {"result.json": b"first"})
        assert [is_folder(Path(cell)) for cell in "0123"] == [cell <= number for cell in range(4)]
    other.append("1", {"result.json": b"second"})
    other.append("2", {})
    assert [read_file(Path(cell, "result.json")) for cell in "01"] == [b"first", b"second"]
    assert list(cells_in(Path())) == ["0", "1"]
    with pytest.raises(FileNotFoundError):
        read_file(Path("2/result.json"))


def test_a_cell_is_found_by_its_path_however_that_is_written():
    archived("./a//0")
    assert all(is_there(Path(path)) for path in ("a/0", "./a/0/recipe.yaml", "a/../a/0"))
    SweepFolder(Path()).forget(["a//0"])
    assert not is_there(Path("a/0"))


def test_a_folder_of_a_cells_own_counts_more_than_an_archive():
    archived("0")
    Path("0").mkdir()
    with pytest.raises(FileNotFoundError):
        read_file(Path("0/result.json"))


def test_a_disk_that_takes_half_a_cell_has_none_of_it_and_goes_on_in_another_archive(monkeypatch):
    archive, write = CellArchive(Path()), os.write
    archive.append("0", FILES)
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda to, content: write(to, content[:20]) if len(content) > 400 else 1 / 0)
        full.setattr(os, "truncate", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            archive.append("1", FILES)
    # as where a process was killed: what is behind is never hidden
    after = CellArchive(Path())
    after.append("2", FILES)
    assert [is_there(Path(cell)) for cell in "012"] == [True, False, True]


def test_a_full_disk_is_told_and_what_was_half_written_is_cut_off(monkeypatch):
    archive, write = CellArchive(Path()), os.write
    archive.append("0", FILES)
    size = Path(FIRST).stat().st_size

    def full(to, content):
        if len(content) < size:
            raise OSError(28, "No space left on device")
        return write(to, content[:20])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        archive.append("1", FILES)
    assert Path(FIRST).stat().st_size == size


def test_a_file_of_a_cell_is_open_as_others_are():
    archived("0")
    with open_file(Path("0/inputs/x.npy"), within=Path("0")) as file, path_of(file) as path:
        assert Path(path).read_bytes() == file.read() == FILES["inputs/x.npy"]
    with pytest.raises(OSError, match="it is a folder"):
        open_file(Path("0"))


# what is not believed


def member(cell, tar, length=None):
    name, packed = cell.encode(), zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = packed.compress(tar) + packed.flush()
    size = 24 + len(name) + len(deflated) + 8
    head = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff", 12 + len(name), b"TF", 8 + len(name), length or size
    tail = struct.pack("<II", zlib.crc32(tar), len(tar))
    return struct.pack("<10sH2sHQ", *head) + name + deflated + tail


def tar_of(*infos, content=b"1234"):
    """A tar of these names or entries."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for one in infos:
            info = one if isinstance(one, tarfile.TarInfo) else tarfile.TarInfo(one)
            info.size = len(content) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue().rstrip(b"\0").ljust(512 * 2, b"\0")


def entry(kind, name="0/result.json"):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


LIES = {
    "above": (tar_of("0/../../x"), "it holds '0/../../x', which is no file of its cell"),
    "absolute": (tar_of("/etc/x"), "it holds '/etc/x', which is no file of its cell"),
    "of another": (tar_of("1/result.json"), "it holds '1/result.json', which is no file of its cell"),
    "twice": (tar_of("0/a") + tar_of("0/a"), "it holds '0/a', which is no file of its cell"),
    "symlink": (tar_of(entry(tarfile.SYMTYPE)), "'0/result.json' is no regular file"),
    "link": (tar_of(entry(tarfile.LNKTYPE)), "'0/result.json' is no regular file"),
    "device": (tar_of(entry(tarfile.CHRTYPE)), "'0/result.json' is no regular file"),
    "pax": (tar_of(entry(tarfile.XHDTYPE)), "'0/result.json' is no regular file"),
    "sparse": (tar_of(entry(tarfile.GNUTYPE_SPARSE)), "is no regular file"),
    "long": (tar_of("0/a")[:512], "'0/a' says that it is 4 bytes long"),
    "no tar": (b"x" * 1024, "invalid header"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_no_cell_holds_is_told_with_its_archive_and_nothing_is_written(lie, home, capsys):
    tar, words = LIES[lie]
    Path(FIRST).write_bytes(member_of("9", FILES) + member("0", tar))
    before = sorted(home.rglob("*"))
    with pytest.raises(
        StorageError, match=rf"^0/result\.json: cannot be read: {FIRST} is broken at byte \d+: .*"
    ) as told:
        read_result("0")
    assert words in str(told.value)
    assert typed(capsys, "export", "0")[0] == 2
    assert sorted(home.rglob("*")) == before


def test_sizes_are_not_believed(monkeypatch):
    monkeypatch.setattr(archive_members, "LARGEST_MEMBER", 2**16)
    Path(FIRST).write_bytes(member("0", tar_of("0/a", content=b"x" * 2**20)))
    with pytest.raises(OSError, match="its cell holds more than"):
        read_file(Path("0/a"))
    Path(FIRST).write_bytes(member("0", tar_of("0/a"), length=2**62))
    assert not is_there(Path("0"))


def test_a_cell_whose_bits_are_not_what_they_were_is_told():
    raw = bytearray(archived("0").read_bytes())
    raw[len(raw) // 2] ^= 1
    Path(FIRST).write_bytes(raw)
    with pytest.raises(StorageError, match=rf"{FIRST} is broken at byte 0"):
        read_result("0")


@pytest.mark.parametrize("what", ["garbage", "link", "pipe"])
def test_what_is_no_archive_hides_no_cell_of_another_and_is_told(what):
    archived("0")
    bad = Path("cells-0002.tar.gz")
    make = {"garbage": lambda: bad.write_bytes(b"x" * 99), "link": lambda: bad.symlink_to("sweep.json"), "pipe": lambda: os.mkfifo(bad)}  # fmt: skip
    make[what]()
    assert read_file(Path("0/recipe.yaml")) == FILES["recipe.yaml"]
    with pytest.raises(StorageError, match=r"cells-0002\.tar\.gz is broken at byte 0"):
        read_result("7")


# cells


def test_a_small_cell_lies_in_an_archive_and_reads_as_its_run(home):
    assert kept("dtype=float64").folder == "0"
    assert sorted(one.name for one in home.iterdir()) == [FIRST, "r.yaml", "sweep.json"]
    run, read = run_recipe(load_recipe("r.yaml", ["dtype=float64"])), read_result("0")
    assert list(read) == list(run)
    assert all(torch.equal(read[name], run[name]) for name in run)
    assert read_result("0/result.json").name == "r"


def test_a_large_cell_has_a_folder_of_its_own(monkeypatch, home):
    monkeypatch.setattr(cell_store, "SMALL", 8)
    assert kept().outcome == "ok"
    assert sorted(path.name for path in (home / "0").iterdir()) == [
        "comparison.json",
        "recipe.yaml",
        "result.json",
        "tensors.safetensors",
    ]


def test_a_cell_that_reads_files_is_run_again_from_its_archive_bit_for_bit(capsys):
    np.save("n.npy", np.arange(3.0) / 7)
    kept(recipe="tensors: {x: {init: load, path: n.npy}}\nsteps: {y: x * 2}\n")
    Path("n.npy").unlink()
    assert torch.equal(run_recipe(load_recipe("0/recipe.yaml"))["y"], read_result("0")["y"])
    read_result("0").save("again")
    assert np.load("again/inputs/n.npy").tolist() == (np.arange(3.0) / 7).tolist()
    assert typed(capsys, "blame", "0", "-q") == (0, "", "")


def test_the_path_of_an_archived_cell_is_good_for_every_command(capsys):
    kept()
    code, out, err = typed(capsys, "show", "0")
    assert (code, "y" in out, err) == (0, True, "")
    assert typed(capsys, "compare", "0", "0", "-q") == (0, "", "")
    assert typed(capsys, "check", "0", "-q")[0] == 0
    assert torch.equal(run_recipe(load_recipe("r.yaml", ["starts='0'"]))["y"], read_result("0")["y"])
    assert typed(capsys, "0/recipe.yaml", "--no-save", "-q", main=cli.run_recipe_main) == (0, "", "")


def test_a_cell_that_is_to_run_again_is_gone_and_one_that_has_its_row_is_not():
    archived("0", "1")
    SweepFolder(Path()).forget(["1", "2"])
    assert [is_there(Path(cell)) for cell in "012"] == [True, False, False]
    CellArchive(Path()).append("1", FILES)
    assert is_there(Path("1"))


def test_a_sweep_whose_worker_was_killed_while_it_kept_a_cell_is_resumed_to_the_same_cells(monkeypatch):
    monkeypatch.setattr(pool, "CellWorker", Here)
    Path("r.yaml").write_text(LINEAR)
    sweep_recipe("r.yaml", ["seed=1,2,3"], folder="kept", n_jobs=1).run()
    whole = [read_file(Path("kept", cell, "tensors.safetensors")) for cell in "012"]
    for path in (Path("kept", FIRST), Path("kept/cells.jsonl")):
        path.write_bytes(path.read_bytes()[:-9])
    assert not is_there(Path("kept/2"))
    assert [row.number for row in resume_sweep("kept").run().rows] == [0, 1, 2]
    assert [read_file(Path("kept", cell, "tensors.safetensors")) for cell in "012"] == whole
    assert sorted(cells_in(Path("kept"))) == ["0", "1", "2"]


# exported


def test_an_exported_cell_is_the_folder_of_a_run(capsys):
    kept(cell="0")
    archive = Path(FIRST).read_bytes()
    assert typed(capsys, "export", "0", "-o", "out") == (0, "out/0\n1 cell exported\n", "")
    Path(FIRST).unlink()
    assert torch.equal(read_result("out/0")["y"], torch.tensor(6.0))
    Path(FIRST).write_bytes(archive)
    assert typed(capsys, "export", "0")[0] == 0
    assert {p.name: p.read_bytes() for p in Path("0").iterdir()} == {
        p.name: p.read_bytes() for p in Path("out/0").iterdir()
    }


def test_all_cells_of_a_sweep_are_exported_those_with_folders_too(capsys):
    archived("0", "a/1")
    shutil.copytree(run_recipe(load_recipe(yaml_of())).save("elsewhere"), "2")
    shutil.rmtree("elsewhere")
    assert typed(capsys, "export", ".", "-o", "../out", "-q") == (0, "", "")
    assert sorted(p.parent.relative_to("../out").as_posix() for p in Path("../out").rglob("result.json")) == [
        "0",
        "2",
        "a/1",
    ]
    assert typed(capsys, "export", ".")[1] == "0\na/1\n2 cells exported\n"
    assert typed(capsys, "export", ".")[1] == "0 cells exported\n"


def yaml_of():
    Path("r.yaml").write_text(LINEAR)
    return "r.yaml"


def test_what_cannot_be_exported_is_told_all_at_once(capsys):
    archived("0")
    Path("out/0").mkdir(parents=True)
    Path("out/0/x").touch()
    code, _, err = typed(capsys, "export", "7", "0", "-o", "out")
    assert (code, "7: is not a cell" in err, "the folder 'out/0' holds something already" in err) == (2, True, True)
    with pytest.raises(RecipeError, match="no cell is named"):
        cli.recipe_main(["export"])
