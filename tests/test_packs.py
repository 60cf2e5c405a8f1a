"""Packs: cells written to one file, and checked in where nothing else is."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tensorflow_free import cli, load_recipe, read_result, run_recipe
from tensorflow_free.errors import StorageError
from tensorflow_free.ops import additions
from tensorflow_free.packs import checking_in
from tensorflow_free.packs.model import is_name
from tensorflow_free.packs.zip_files import unpack
from tests.here import Here, HereChecked
from tests.test_readme import ROOT, blocks, commands, matches

RECIPE = """\
tensors:
  x: {init: randn, size: [4, 8], requires_grad: true}
  w: {init: randn, size: [8, 3], stride: [1, 8]}
steps:
  h: x @ w
  y: F.softmax(h, -1)
  s: (y * h).sum()
backward: s
"""


def typed(*words):
    return cli._guarded(cli.recipe_main, words)


def rows(folder):
    return [json.loads(line) for line in Path(folder, "cells.jsonl").read_text().splitlines()]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with a recipe; workers are this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tensorflow_free.sweep.pool.CellWorker", HereChecked)
    Path("r.yaml").write_text(RECIPE)
    return tmp_path


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A pack of two cells."""
    place = tmp_path_factory.mktemp("packed")
    (place / "r.yaml").write_text(RECIPE)
    assert typed("pack", str(place / "r.yaml"), "dtype=float32,bfloat16", "-o", str(place / "cells.zip"), "-q") == 0
    return place / "cells.zip"


def test_a_pack_is_checked_in_without_its_recipes_and_gives_a_table_and_ordinary_runs(packed, capsys):
    Path("r.yaml").unlink()
    assert typed("check-in", str(packed), "--jobs", "1", "-o", "back") == 0
    said = capsys.readouterr().out
    assert "compared with the pack's float64 of torch " in said
    assert "2 cells: 2 ok." in said
    assert {row["axes"]["dtype"]: row["outcome"] for row in rows("back")} == {"float32": "ok", "bfloat16": "ok"}
    drawn = run_recipe(load_recipe("back/0/recipe.yaml"))
    assert all(torch.equal(read_result("back/0")[name], drawn[name]) for name in drawn)


def test_the_cells_of_a_pack_start_from_the_numbers_of_the_machine_that_made_it(packed):
    typed("check-in", str(packed), "--jobs", "1", "-o", "back", "-q")
    recipe = load_recipe(packed.with_name("r.yaml"), ["dtype=bfloat16"])
    here, there = run_recipe(recipe), read_result("back/1")
    assert all(torch.equal(here[name], there[name]) for name in ("x", "w"))
    assert there.recipe.tensors["x"].values == "inputs/x.safetensors"


def test_a_wrong_kernel_is_found_by_the_packed_values_alone_and_named_as_a_sweep_names_it(packed, monkeypatch, capsys):
    softmax = torch.nn.functional.softmax
    typed("check-in", str(packed), "--jobs", "1", "-o", "ok", "-q")
    library = torch.library.Library("aten", "IMPL")
    try:
        with warnings.catch_warnings(action="ignore"):
            library.impl("_softmax", lambda x, dim, half: torch.exp(x - x.max()) * (1 + 1e-3), "CPU")
        assert typed("check-in", str(packed), "judge.k=3", "--jobs", "1", "-o", "bad") == 1
    finally:
        library._destroy()
    assert torch.equal(softmax(torch.zeros(2), -1), torch.full((2,), 0.5))
    assert [row["where"]["step"] for row in rows("bad")] == ["y", "y"]
    assert "MISMATCH at y (F.softmax, forward)" in capsys.readouterr().out


def test_results_of_two_machines_are_compared_cell_by_cell(packed, capsys):
    for name in ("here", "there"):
        typed("check-in", str(packed), *(["device=cpu:0"] if name == "there" else []), "--jobs", "1", "-o", name, "-q")
    assert typed("compare", "there", "here") == 0
    assert "2 cells: 2 ok." in capsys.readouterr().out
    assert typed("compare", "there/1", "here/0") == 0
    assert "cannot be found here" not in capsys.readouterr().out


def test_a_check_in_is_compared_with_the_sweep_of_the_same_cells(packed, monkeypatch, capsys):
    monkeypatch.setattr("tensorflow_free.sweep.pool.CellWorker", Here)
    words = ["-m", str(packed.with_name("r.yaml")), "dtype=float32,bfloat16", "hydra.sweep.dir=swept", "-q"]
    assert cli._guarded(cli.run_recipe_main, words) == 0
    monkeypatch.setattr("tensorflow_free.sweep.pool.CellWorker", HereChecked)
    typed("check-in", str(packed), "--jobs", "1", "-o", "back", "-q")
    assert typed("compare", "back", "swept") == 0
    assert "2 cells: 2 ok." in capsys.readouterr().out


def test_the_same_cells_give_the_same_bytes(packed):
    shutil.copy(packed.with_name("r.yaml"), "r.yaml")
    assert typed("pack", "r.yaml", "dtype=float32,bfloat16", "-q") == 0
    assert Path("cells.zip").read_bytes() == packed.read_bytes()
    names = zipfile.ZipFile(packed).namelist()
    assert all(is_name(name) for name in names)
    assert not any(name.endswith((".pt", ".pkl")) for name in names)


def test_a_pack_begins_from_the_tensors_of_a_saved_run():
    run_recipe(load_recipe("r.yaml", ["seed=5"])).save("before")
    assert typed("pack", "r.yaml", "--starts", "before", "-q") == 0
    assert typed("check-in", "cells.zip", "--jobs", "1", "-o", "back", "-q") == 0
    assert torch.equal(read_result("back/0")["x"], read_result("before")["x"])
    assert b"before" not in Path("cells.zip").read_bytes()


def test_a_reference_of_other_ops_is_what_is_packed(capsys):
    Path("r.yaml").write_text(RECIPE + "reference: {steps.y.op: F.softmin}\n")
    assert typed("pack", "r.yaml", "-q") == 0
    assert typed("check-in", "cells.zip", "--jobs", "1", "-o", "back") == 1
    said = capsys.readouterr().out
    assert "steps.y.op=F.softmin" in said.replace("'", "")
    assert "MISMATCH at y" in said


def test_what_cannot_be_packed_is_told_and_the_rest_is_packed(capsys):
    Path("s.yaml").write_text("tensors: {x: [1.0]}\nsteps: {y: x.cholesky()}\n")
    assert typed("pack", "r.yaml", "s.yaml") == 3
    told = capsys.readouterr()
    assert "s.yaml: it cannot be packed:" in told.err
    assert "1 cell packed, 1 left out" in told.out
    assert typed("pack", "s.yaml", "-o", "none.zip") == 3
    assert not Path("none.zip").exists()
    assert typed("pack", "r.yaml", "dtype=float33", "-o", "none.zip") == 2


def test_tensors_that_lie_anyhow_are_packed_and_what_a_cell_expects_need_not_hold_where_it_is_packed():
    strided = "{data: [[1.0, 2.0], [3.0, 4.0]], stride: [1, 2], storage_offset: 3}"
    picture = "{init: randn, size: [1, 2, 3, 3], memory_format: channels_last}"
    tensors = f"tensors: {{x: {strided}, X: 2.0, p: {picture}}}\n"
    Path("r.yaml").write_text(tensors + "steps: {y: x * 2}\nexpect: {y: 5.0}\n")
    assert typed("pack", "r.yaml", "-q") == 0
    assert typed("check-in", "cells.zip", "--jobs", "1", "-o", "back", "-q") == 1
    assert [row["unmet"] for row in rows("back")] == [["expect.y"]]
    assert read_result("back/0").records["x"].stride == (1, 2)


def test_what_a_pack_leaves_to_its_check_in_and_the_reverse_is_refused(packed, capsys):
    assert typed("pack", "r.yaml", "device=cuda", "-o", "x.zip") == 2
    assert "give --device to recipe check-in" in capsys.readouterr().err
    assert typed("pack", "r.yaml", "-o", "x.tar") == 2
    assert "a pack is a zip file" in capsys.readouterr().err
    assert typed("check-in", str(packed), "dtype=float64", "steps.y.op=exp") == 2
    assert capsys.readouterr().err.count("it would make other cells than those of the pack") == 2


def test_ops_that_a_pack_needs_are_named(monkeypatch, capsys):
    Path("ops.py").write_text(
        "import torch\nfrom tensorflow_free import register_op\n\n\n"
        "def packed_twice(x: torch.Tensor) -> torch.Tensor:\n    return x * 2\n\n\n"
        "register_op('packed.twice', packed_twice, replace=True)\n"
    )
    Path("r.yaml").write_text("tensors: {x: [1.0]}\nsteps: {y: packed.twice(x)}\n")
    assert typed("pack", "r.yaml", "--ops", "ops.py", "-q") == 0
    monkeypatch.delitem(additions._ops, "packed.twice")
    assert typed("check-in", "cells.zip", "-o", "back") == 2
    assert "cells.zip: it needs 'packed.twice'; name their files with --ops" in capsys.readouterr().err
    assert not Path("back").exists()
    assert typed("check-in", "cells.zip", "-o", "back", "--ops", "ops.py", "--jobs", "1") == 0


def test_the_commands_of_the_page_print_what_it_shows(folder, capsys):
    (folder / "recipes").symlink_to(ROOT / "recipes")
    page = (ROOT / "docs" / "two-machines.md").read_text(encoding="utf-8")
    for command in commands(next(iter(blocks("console", page)))):
        typed(*command.line.split()[1:])
        printed = capsys.readouterr().out
        assert matches(command.shown, printed), f"{command.line}\n{printed}"


def test_what_a_recipe_says_by_its_device_and_dtype_follows_those_of_the_check_in():
    steps = "steps: {y: 'x.to(\"${device}\")', z: {op: to, args: [y, '${dtype}']}}\n"
    Path("r.yaml").write_text("tensors: {x: {init: randn, size: [3], device: '${device}'}}\n" + steps)
    assert typed("pack", "r.yaml", "dtype=bfloat16", "-q") == 0
    text = zipfile.ZipFile("cells.zip").read("0/r.yaml").decode()
    assert text.count("${device}") == 2
    assert text.count("${dtype}") == 1
    assert "dtype: bfloat16" in text
    assert typed("check-in", "cells.zip", "--jobs", "1", "-o", "back", "-q") == 0


def negated(numbers):
    return [negated(one) if isinstance(one, list) else -one for one in numbers]


def test_vectors_of_other_signs_than_the_packed_ones_are_compared_with_float64_made_here(capsys):
    Path("r.yaml").write_text("tensors: {a: {init: randn, size: [3, 3]}}\nsteps: {d: torch.linalg.svd(a)}\n")
    assert typed("pack", "r.yaml", "-q") == 0
    golden = json.loads(zipfile.ZipFile("cells.zip").read("0/r.golden.json"))
    for value in golden["cases"][""]["values"]:
        if value["name"] in ("d.U", "d.Vh"):
            value["value"] = negated(value["value"])
    crafted(Path("cells.zip"), "0/r.golden.json", json.dumps(golden).encode())
    assert typed("check-in", "evil.zip", "--jobs", "1", "-o", "back") == 0
    assert "free, so that it was compared with float64 made here" in " ".join(capsys.readouterr().out.split())


# hostile packs


def rewritten(packed, to, change):
    """A pack with its files changed: name and content in, names and contents out."""
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(to, "w") as new:
        for info in old.infolist():
            for name, content in change(info, old.read(info)):
                new.writestr(name, content)
    return to


def crafted(packed, name, content):
    """`evil.zip`: a pack with another file in it, of which its document tells."""
    document = json.loads(zipfile.ZipFile(packed).read("pack.json"))
    document["files"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    new = {name: content, "pack.json": json.dumps(document).encode()}
    rewritten(packed, Path("evil.zip"), lambda info, old: [(info, new.get(info.filename, old))])


def link(name):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


HOSTILE = {
    "a name that leads out": ("../evil.yaml", "is not the name of a file that packs have"),
    "an absolute name": ("/tmp/evil.yaml", "is not the name of a file that packs have"),
    "a name with a drive": ("0/C:evil.yaml", "is not the name of a file that packs have"),
    "a backslash": ("0\\..\\evil.yaml", "is not the name of a file that packs have"),
    "a file of another kind": ("0/evil.py", "is not the name of a file that packs have"),
    "a pickle": ("0/inputs/evil.pt", "is not the name of a file that packs have"),
    "a folder": ("0/evil/", "is no regular file"),
    "a link": (link("0/inputs/evil.safetensors"), "is no regular file"),
    "a file that it does not name": ("0/inputs/evil.safetensors", "is not named in pack.json"),
    "a file twice": ("0/r.yaml", "is in it 2 times"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("name", "told"), HOSTILE.values(), ids=HOSTILE)
def test_a_file_that_no_pack_has_is_refused_and_nothing_is_written(packed, tmp_path, name, told):
    def more(info, content):
        yield info, content
        if info.filename == "pack.json":
            yield name, b"evil"

    with pytest.raises(StorageError, match=told):
        unpack(rewritten(packed, Path("evil.zip"), more), Path("back/pack"))
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["evil.zip", "r.yaml"]


def test_a_changed_file_is_refused_and_so_is_one_that_unpacks_to_more_than_it_says(packed, monkeypatch):
    def changed(info, content):
        yield info, content.replace(b"randn", b"randp") if info.filename == "0/r.yaml" else content

    with pytest.raises(StorageError, match=r"'0/r.yaml' does not hold what was packed"):
        unpack(rewritten(packed, Path("evil.zip"), changed), Path("back"))
    monkeypatch.setenv("TENSORFLOW_FREE_MAX_FILE_GIB", str(1000 / 2**30))
    with pytest.raises(StorageError, match=r"at most .* are read; --max-file"):
        unpack(packed, Path("back"))
    assert not Path("back").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "is no JSON"),
        (b"[]", "is broken"),
        (b'{"schema_version": 99}', "is a pack of version 99; this tensorflow_free reads up to 1"),
        (b"[" * 100_000, "is no JSON"),
        (b'{"schema_version": 1, "tensorflow_free": "\\u001b[31m"}', "is broken"),
    ],
)
def test_a_pack_whose_document_is_none_is_told_so(packed, content, told):
    def changed(info, old):
        yield info, content if info.filename == "pack.json" else old

    with pytest.raises(StorageError, match=told) as error:
        unpack(rewritten(packed, Path("evil.zip"), changed), Path("back"))
    assert "\x1b" not in str(error.value)


CRAFTED = {
    "a golden that is none": ("0/r.golden.json", b"{}", "this is not a golden"),
    "arrays that are none": ("0/inputs/x.safetensors", b"garbage", "tensors.x.values: 'x.safetensors' cannot be read"),
    "a file elsewhere": (
        "0/r.yaml",
        b"tensors: {x: {init: load, path: ../../../../../../../../etc/passwd}}\nsteps: {h: x + 1}\n",
        "lies outside the recipe's folder",
    ),
    "a run elsewhere": (
        "0/r.yaml",
        b"starts: /\ntensors: {x: [1.0]}\nsteps: {h: x + 1}\n",
        "on the command line alone",
    ),
    "other numbers": (
        "0/r.yaml",
        b"seed: 9\ntensors: {x: {init: randn, size: [4, 8]}, w: {init: randn, size: [8, 3]}}\nsteps: {h: x @ w}\n",
        "the recipe does not start from the packed numbers of 'x'",
    ),
}


@pytest.mark.parametrize(("name", "content", "told"), CRAFTED.values(), ids=CRAFTED)
def test_a_pack_that_is_whole_and_holds_something_else_costs_its_cell_and_is_told(packed, capsys, name, content, told):
    crafted(packed, name, content)
    assert typed("check-in", "evil.zip", "--jobs", "1", "-o", "back", "-q") in (1, 2)
    assert told in " ".join(capsys.readouterr().err.split())
    assert [row["outcome"] for row in rows("back")][1] == "ok"


def test_what_is_no_zip_file_is_told_so(capsys):
    assert typed("check-in", "r.yaml") == 2
    assert "r.yaml: is not a pack, or a broken one" in capsys.readouterr().err
    assert typed("check-in", "nowhere.zip") == 2
    assert "nowhere.zip: cannot be read" in capsys.readouterr().err


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_pack_that_was_tampered_with_is_refused_or_unpacked_whole_and_nothing_is_written_elsewhere(
    packed, tmp_path, data
):
    content = bytearray(packed.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        # most of the structure lies at the end
        at = len(content) - 1 - data.draw(st.one_of(st.integers(0, 2000), st.integers(0, len(content) - 1)))
        content[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.sampled_from([0, 0, 0, 1, 100]))
    Path("evil.zip").write_bytes(content[: len(content) - cut])
    try:
        pack = unpack(Path("evil.zip"), Path("back"))
    except StorageError as error:
        assert str(error).startswith("evil.zip: ")  # noqa: PT017 - most are refused, and some are whole
    else:
        there = {path.relative_to("back").as_posix() for path in Path("back").rglob("*") if path.is_file()}
        assert there == {"pack.json", *pack.files}
    finally:
        shutil.rmtree("back", ignore_errors=True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["evil.zip", "r.yaml"]


def test_the_workers_of_a_check_in_are_named_where_they_are():
    module, _, function = checking_in.MAIN.partition(":")
    assert callable(getattr(__import__(module, fromlist=[function]), function))
