"""Files of numbers: what `from_numpy` and `load` read, what they refuse, and how much a file may hold unpacked."""

from __future__ import annotations

import json
import os
import pickle
import socket
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tensorflow_free import RecipeError, StorageError, cli, load_recipe, read_result, run_recipe
from tensorflow_free.files.opening import MAX_FILE_VARIABLE, UnfitFileError, open_file, read_file
from tensorflow_free.golden.places import read_golden
from tensorflow_free.golden.recording import record
from tensorflow_free.loading import read_form
from tensorflow_free.sweep.folder import SweepFolder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(MAX_FILE_VARIABLE, "4")
    return tmp_path


def loaded(file: str, more: str = "", init: str = "load") -> torch.Tensor:
    """The tensor that a recipe starts from."""
    Path("r.yaml").write_text(f"tensors: {{x: {{init: {init}, path: {file}{more}}}}}\n")
    return run_recipe(load_recipe("r.yaml"))["x"]


def refusal(file: str, more: str = "") -> str:
    with pytest.raises(RecipeError) as caught:
        loaded(file, more)
    return str(caught.value)


# what is read

NUMPY = ["f8", "f4", "f2", "c16", "c8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]
DTYPES = {
    "f8": "float32", "f4": "float32", "f2": "float32", "c16": "complex64", "c8": "complex64", "i1": "int8", "i2": "int16",
    "i4": "int32", "i8": "int64", "u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64", "?": "bool",
}  # fmt: skip
"""NumPy's kinds of numbers, and the dtypes of a float32 recipe."""


@pytest.mark.parametrize("init", ["from_numpy", "load"])
@pytest.mark.parametrize("kind", DTYPES)
def test_every_number_of_numpys_is_read_in_either_order_of_bytes_and_of_axes(kind, init):
    numbers = np.array([[0, 1, 2], [3, 4, 5]])
    for name, array in {
        "a": numbers.astype(f"<{kind}"), "b": numbers.astype(f">{kind}"), "c": np.asfortranarray(numbers.astype(kind)),
        "d": numbers.astype(kind)[1, 2], "e": numbers.astype(kind)[:, :0],
    }.items():  # fmt: skip
        np.save(f"{name}.npy", array)
        np.savez_compressed(f"{name}.npz", **{name: array})
        native = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("=")).reshape(array.shape)
        wanted = torch.from_numpy(native).to(getattr(torch, DTYPES[kind]))
        for file in (f"{name}.npy", f"{name}.npz"):
            assert torch.equal(loaded(file, init=init), wanted)


SAFE = [
    "float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "complex64", "int8",
    "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool",
]  # fmt: skip


@pytest.mark.parametrize("init", ["from_numpy", "load"])
@pytest.mark.parametrize("dtype", SAFE)
def test_every_dtype_of_safetensors_and_of_torch_is_read(dtype, init):
    value = torch.tensor([1.0, 2.0]).to(getattr(torch, dtype))
    save_file({"a": value, "b": value[:1].clone()}, "s.safetensors")
    torch.save(value, "s.pt")
    for file, more in (("s.safetensors", f", key: a, dtype: {dtype}"), ("s.pt", f", dtype: {dtype}")):
        assert torch.equal(loaded(file, more, init).view(torch.uint8), value.view(torch.uint8))


@pytest.mark.parametrize("spaces", range(8))
def test_numbers_of_safetensors_are_read_from_any_address(spaces):
    value = torch.randn(15, dtype=torch.complex64)
    header = json.dumps({"a": {"dtype": "C64", "shape": [15], "data_offsets": [0, 120]}}) + " " * spaces
    Path("s.safetensors").write_bytes(struct.pack("<Q", len(header)) + header.encode() + bytes(value.view(torch.uint8)))
    assert torch.equal(loaded("s.safetensors", ", dtype: complex64"), value)


TORCHS = {
    "parameter": torch.nn.Parameter(torch.ones(2)),
    "one in a mapping": {"a": torch.ones(2)},
    "one under a number": {0: torch.ones(2)},
    "conjugated": torch.tensor([1 + 2j, 3j]).conj(),
    "negative": torch._neg_view(torch.ones(2)),
    "strided": torch.arange(6.0).reshape(2, 3).t(),
    "a part of memory": torch.arange(6.0)[2:4],
    "expanded": torch.ones(1).expand(3),
    "sparse": torch.eye(2).to_sparse(),
    "compressed": torch.eye(2).to_sparse_csr(),
    "half complex": torch.ones(2, dtype=torch.complex32),
    "a number": torch.tensor(3.0),
    "empty": torch.empty(0, 3),
}


@pytest.mark.parametrize("name", TORCHS)
def test_what_torch_saves_of_one_tensor_is_read(name):
    value = TORCHS[name]
    torch.save(value, "t.pt")
    value = next(iter(value.values())) if isinstance(value, dict) else value.detach()
    read = loaded("t.pt")
    assert read.layout == value.layout
    assert torch.equal(read.to_dense(), value.to(read.dtype).resolve_conj().resolve_neg().to_dense())
    if value.layout == torch.strided:
        assert read.stride() == value.stride()


OBJECTS = {
    "numbers as keys": (
        {0: torch.ones(1), 1: torch.ones(2)},
        "holds 0, 1: keys of type 'int', which `key` cannot name",
    ),
    "a pair as a key": ({("a", 1): torch.ones(1), "w": torch.ones(1)}, "holds ('a', 1), w: keys of type 'tuple'"),
    "mappings": ({"m": {"w": torch.ones(2)}}, "holds mappings in a mapping"),
    "nothing": ({}, "holds nothing"),
    "a list": ([torch.ones(2)], "holds an object of type 'list', not a tensor"),
    "no numbers": (torch.ones(2, device="meta"), "a tensor of the device 'meta', which has a shape and no numbers"),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_what_torch_saves_and_is_not_one_tensor_is_told_as_it_is(name):
    torch.save(OBJECTS[name][0], "t.pt")
    assert OBJECTS[name][1] in refusal("t.pt")


def test_a_file_of_torch_before_its_archives_is_to_be_saved_again():
    torch.save(torch.ones(2), "t.pt", _use_new_zipfile_serialization=False)
    assert "it is of the kind that torch before 1.6 wrote; save it again, with torch.save" in refusal("t.pt")


@pytest.mark.parametrize(
    ("dtype", "words"),
    [
        ([("a", "f4"), ("é", "i4")], "structured elements, with the fields a, é"),
        ("S3", "elements of NumPy's type |S3"),
        ("M8[s]", "elements of NumPy's type datetime64[s]"),
        ("longdouble", "elements of NumPy's type float"),
        ("V2", "a dtype that NumPy has not is kept by .safetensors"),
    ],
)
def test_elements_that_torch_has_not_are_told(dtype, words):
    np.save("a.npy", np.zeros(2, dtype=np.dtype(dtype)))
    shown = refusal("a.npy")
    assert words in shown or "of .npy version 3.0, which only structured arrays need" in shown


# what lies


def npy(header: str, values: bytes = b"") -> bytes:
    """An .npy file with any header."""
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + values


HEADERS = {
    "a shape that is not there": (
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999,)}",
        "GiB of numbers, and 16 bytes follow it",
    ),
    "a shape of one more": (
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}",
        "says 24 bytes of numbers, and 16",
    ),
    "a negative shape": ("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", "says the shape [-1]"),
    "objects": ("{'descr': '|O', 'fortran_order': False, 'shape': (2,)}", "it holds pickled Python objects"),
    "a call": ("__import__('os').system('x')", "the header of 'h.npy' is broken"),
    "no header": ("{}", "the header of 'h.npy' is broken"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_that_lies_is_refused_before_memory_is_taken(name):
    header, words = HEADERS[name]
    Path("h.npy").write_bytes(npy(header, bytes(16)))
    assert words in refusal("h.npy")
    with zipfile.ZipFile("h.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", npy(header, bytes(16)))
    refusal("h.npz")


class Claims:
    """A tensor that says that its memory holds more than the file, for torch to read past its end."""

    def __init__(self, value: torch.Tensor, **changed: object) -> None:
        self.value, self.changed = value, changed

    def __reduce__(self):
        function, arguments = self.value.__reduce_ex__(2)[:2]
        return function, tuple(self.changed.get(f"n{at}", one) for at, one in enumerate(arguments))


@pytest.mark.parametrize("changed", [{"n2": (4000,)}, {"n1": 4000}, {"n3": (4000,)}, {"n2": (2**62,)}, {"n1": -1}])
def test_a_tensor_past_the_end_of_its_memory_is_refused(changed):
    torch.save(Claims(torch.ones(4), **changed), "t.pt")
    assert "cannot be read" in refusal("t.pt")


def test_memory_that_is_larger_than_the_file_is_refused():
    torch.save(torch.ones(4), "t.pt")
    with zipfile.ZipFile("t.pt") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile("u.pt", "w") as archive:
        for name, held in members.items():
            claimed = b"J" + struct.pack("<i", 100_000) + b"tq"
            content = held.replace(b"K\x04tq", claimed) if name.endswith("data.pkl") else held
            archive.writestr(name, content)
    assert loaded("t.pt").tolist() == [1.0] * 4
    assert "cannot be read" in refusal("u.pt")


@pytest.mark.parametrize(
    "arguments",
    [
        ("coo", torch.tensor([[5]]), torch.ones(1), (2,)),
        ("coo", torch.tensor([[-1]]), torch.ones(1), (2,)),
        ("csr", torch.tensor([0, 100, 200]), torch.tensor([1, 1]), torch.ones(2), (2, 2)),
        ("csr", torch.tensor([0, 1, 2]), torch.tensor([1, 77]), torch.ones(2), (2, 2)),
    ],
)
def test_a_sparse_tensor_whose_indices_lead_out_of_it_is_refused(arguments):
    kind, *parts = arguments
    torch.save(getattr(torch.ops.aten, f"_sparse_{kind}_tensor_unsafe")(*parts), "t.pt")
    assert "cannot be read" in refusal("t.pt")


# how much


def bomb(file: str, member: str, size: int) -> None:
    """An archive of a few kilobytes that unpacks to many."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size},)}}"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, npy(header, bytes(size)))


@pytest.mark.parametrize(("file", "member"), [("b.npz", "a.npy"), ("b.pt", "b/data/0")])
def test_an_archive_that_unpacks_to_more_than_the_limit_is_refused_with_the_flag(monkeypatch, file, member):
    monkeypatch.setenv(MAX_FILE_VARIABLE, str(1 / 1024))
    bomb(file, member, 2**21)
    assert Path(file).stat().st_size < 2**14
    assert "it holds 2.0 MiB unpacked, and at most 1.0 MiB are read; --max-file 1 allows it" in refusal(file)


def test_files_that_are_not_packed_have_the_same_limit(monkeypatch):
    np.save("a.npy", np.zeros(2**18))
    save_file({"a": torch.zeros(2**18)}, "a.safetensors")
    assert loaded("a.npy").numel() == loaded("a.safetensors").numel() == 2**18
    monkeypatch.setenv(MAX_FILE_VARIABLE, str(1 / 2048))
    for file in ("a.npy", "a.safetensors"):
        assert "--max-file 1 allows it" in refusal(file)


def test_a_member_that_holds_more_than_it_says_is_cut_there_and_refused():
    bomb("b.npz", "a.npy", 2**16)
    raw = Path("b.npz").read_bytes()
    size = struct.pack("<L", 2**16 + 129)
    assert raw.count(size) == 2
    Path("b.npz").write_bytes(raw.replace(size, struct.pack("<L", 512)))
    assert "'b.npz' cannot be read" in refusal("b.npz") or "the header of 'a'" in refusal("b.npz")


def test_an_archive_of_too_many_members_is_refused():
    with zipfile.ZipFile("b.npz", "w") as archive:
        archive.writestr("a.npy", npy("{}"))
    raw = Path("b.npz").read_bytes()
    at = raw.rindex(b"PK\5\6")
    lying = raw[:at] + bytes(10) + raw[at : at + 12] + struct.pack("<L", 2**30) + raw[at + 16 :]
    Path("b.npz").write_bytes(bytes(30 * 2**20) + lying)
    assert "at most 100,000 members are read" in refusal("b.npz")


def test_the_limit_is_set_on_the_command_line(monkeypatch, capsys):
    np.save("a.npy", np.zeros(2**18))
    Path("r.yaml").write_text("tensors: {x: {init: load, path: a.npy}}\n")
    assert cli.run_recipe_main(["r.yaml", "--max-file", "0.01", "--no-save"]) == 0
    with pytest.raises(RecipeError, match="--max-file 1 allows it"):
        cli.run_recipe_main(["r.yaml", "--max-file=0.0001"])
    for wrong in ("0", "-1", "inf", "much"):
        with pytest.raises(RecipeError, match="is not a number of gibibytes above 0"):
            cli.run_recipe_main(["r.yaml", "--max-file", wrong])


# special files in place of files


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def a_folder(path: Path) -> None:
    path.mkdir()


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_link_out(path: Path) -> None:
    outside = path.resolve().parent.parent / f"outside-{path.name}"
    outside.write_bytes(b"{}")
    path.symlink_to(outside)


SPECIAL = [a_pipe, a_socket, a_folder, a_device, a_link_out]
KIND = r"it is a (pipe|socket|folder|device), not a regular file|it is a link that leads out of its folder"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A recipe with a golden whose arrays lie apart, and its result."""
    top = tmp_path_factory.mktemp("made")
    (top / "g.yaml").write_text("tensors: {x: {init: randn, size: [3000]}}\nsteps: {y: x * 2}\n")
    list(record(top / "g.yaml"))
    run_recipe(load_recipe(top / "g.yaml")).save(top / "run")
    assert {"g.golden.json", "g.golden.safetensors"} <= {one.name for one in top.iterdir()}
    return top


@pytest.mark.parametrize("special", SPECIAL)
def test_a_special_file_in_place_of_any_that_is_read_is_refused_at_once(special, made, tmp_path, monkeypatch):
    seen = 0
    readers = {
        "run/result.json": lambda folder: read_result(folder / "run"),
        "run/tensors.safetensors": lambda folder: read_result(folder / "run"),
        "run/recipe.yaml": lambda folder: read_result(folder / "run"),
        "g.golden.json": lambda folder: read_golden(folder / "g.yaml"),
        "swept/sweep.json": lambda folder: SweepFolder(folder / "swept").document(),
        "swept/cells.jsonl": lambda folder: list(SweepFolder(folder / "swept").rows()),
    }
    for number, (name, read) in enumerate(readers.items()):
        folder = tmp_path / str(number) / "in"
        put(made, folder, name)
        special(folder / name)
        with pytest.raises(StorageError, match=KIND):
            read(folder)
        seen += 1
    assert seen == len(readers)


def put(made: Path, folder: Path, without: str) -> None:
    """What was made, in another folder, without a file."""
    for path in made.rglob("*"):
        if path.is_file() and str(path.relative_to(made)) != without:
            copy = folder / path.relative_to(made)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (folder / without).parent.mkdir(parents=True, exist_ok=True)


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".safetensors", ".pt"])
def test_a_special_file_in_place_of_numbers_is_refused_at_once(special, suffix, tmp_path):
    Path("in").mkdir()
    special(tmp_path / "in" / f"d{suffix}")
    Path("in/r.yaml").write_text(f"tensors: {{x: {{init: load, path: d{suffix}}}}}\n")
    with pytest.raises(RecipeError, match=r"it is a|lies outside the recipe's folder|is a folder"):
        load_recipe("in/r.yaml")


@pytest.mark.parametrize("special", [a_pipe, a_socket, a_folder, a_device])
def test_a_special_file_in_place_of_a_recipe_is_refused_at_once(special, tmp_path):
    special(tmp_path / "r.yaml")
    for read in (read_form, load_recipe):
        with pytest.raises(RecipeError, match=r"this is not a regular file|this is a folder"):
            read(tmp_path / "r.yaml")


def test_what_is_opened_is_what_is_judged(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    assert read_file(tmp_path / "a", within=tmp_path) == b"12345"
    with pytest.raises(UnfitFileError, match="5 bytes; at most 4 are read"):
        read_file(tmp_path / "a", most=4)
    with pytest.raises(FileNotFoundError):
        open_file(tmp_path / "b")


def test_rows_are_not_appended_through_a_link_or_to_a_pipe(tmp_path):
    (tmp_path / "mine").write_text("mine\n")
    (tmp_path / "swept").mkdir()
    (tmp_path / "swept" / "cells.jsonl").symlink_to(tmp_path / "mine")
    with pytest.raises(StorageError, match="the sweep cannot be written"):
        SweepFolder(tmp_path / "swept").open()
    assert (tmp_path / "mine").read_text() == "mine\n"


def test_a_result_that_is_saved_again_takes_no_file_from_outside_its_folder(made, tmp_path):
    put(made, tmp_path / "in", "nothing")
    secret = tmp_path / "secret.npy"
    np.save(secret, np.ones(1))
    (tmp_path / "in" / "run" / "recipe.yaml").write_text("tensors: {x: {init: load, path: ../../secret.npy}}\n")
    read_result(tmp_path / "in" / "run").save(tmp_path / "again")
    assert not list((tmp_path / "again").rglob("secret*"))


def test_pickles_are_still_refused():
    Path("p.npy").write_bytes(pickle.dumps([1]))
    assert "is not an .npy file" in refusal("p.npy")
