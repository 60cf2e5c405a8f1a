"""Tables of torch's ops that are kept: they tell what the registry tells, and nothing in the file does harm."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from tensorflow_free import cli, registry
from tensorflow_free.files import user_cache
from tensorflow_free.ops.installed_torch import fingerprint
from tensorflow_free.report import kept_ops
from tensorflow_free.report.kept_ops import keep_table, kept_table
from tensorflow_free.report.op_entry import OpEntry
from tensorflow_free.report.op_pages import page_of, records_of
from tensorflow_free.report.op_report import REGISTRY, entries_of_aten, entries_of_torch, entry
from tensorflow_free.text.drawing import text_of
from tests.processes import succeeded

PATTERNS = [
    "linalg.*",
    "soft",
    "cross entropy",
    "*",
    "[]",
    "sofmax",
    "nothing like it at all",
    "Tensor.where",
    "x y",
    None,
]


@pytest.fixture(scope="module")
def entries():
    return {"ops": entries_of_torch(), "aten": entries_of_aten()}


@pytest.fixture(scope="module")
def few():
    return {"ops": {name: entry(name) for name in ("add", "mul", "softmax")}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of what is kept, with no package that offers ops."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kept_ops, "offers", lambda group: False)
    return tmp_path / "tensorflow_free"


def keep(entries, pattern="add"):
    keep_table(pattern, lambda: entries["ops"], lambda: entries.get("aten"))


def told(pattern, table):
    page, found = page_of(pattern, table)
    return text_of(page), found, records_of(pattern, table)


def torchs():
    """The registry, without the ops that other tests have registered."""
    mine = registry.registered()
    names = tuple(name for name in registry.names() if name not in mine)
    return type(REGISTRY)(
        lambda: names, REGISTRY.aten_names, lambda name: None if name in mine else REGISTRY.find(name)
    )


def test_every_op_is_told_as_by_the_registry(folder, entries):
    keep(entries)
    table, live = kept_table("add"), torchs()
    assert table.names() == live.names()
    assert all(table.find(name) == entries["ops"][name] for name in live.names())
    for name in live.names()[::9]:
        for spelt in (f"torch.{name}", f"Tensor.{name}", f"torch.Tensor.{name}", f"F.{name}"):
            assert table.find(spelt) == live.find(spelt), spelt
    assert [told(pattern, table) for pattern in PATTERNS] == [told(pattern, live) for pattern in PATTERNS]


def test_every_op_of_aten_is_told_as_by_the_registry(folder, entries):
    keep(entries, "aten.add.*")
    table = kept_table("aten.add.*")
    assert table.aten_names() == registry.aten_names()
    for name in registry.aten_names()[::7]:
        assert table.find(name) == table.find(f"torch.ops.{name}") == REGISTRY.find(name)
    for pattern in (
        "aten.add.*",
        "aten.ad",
        "aten.add",
        "torch.ops.aten.add.Tensro",
        "ops.aten.add.Tensor",
        "aten.no.such",
    ):
        assert told(pattern, table) == told(pattern, REGISTRY)


def test_looking_up_from_what_is_kept_loads_no_torch(folder, entries):
    keep(entries)
    code = "import sys; from tensorflow_free.cli import recipe_main; recipe_main(['ops', 'softmax']); print('torch' in sys.modules)"
    printed = succeeded(sys.executable, "-c", code, env=dict(os.environ)).stdout
    assert printed == f"{told('softmax', torchs())[0]}\nFalse\n"


def spoilt_by(change):
    """Change what is kept, its checksum made right."""
    key = fingerprint()
    content = change(user_cache.kept("ops", key))
    user_cache.keep("ops", key, lambda: content)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-9],
        lambda content: b"[" * 100_000,
        lambda content: b"{}}",
        lambda content: b'{"add": {"name": "add"}}',
        lambda content: content.replace(b'"brief":"', b'"brief":7,"x":"', 1),
        lambda content: b"\xff\xfe",
    ],
)
def test_what_is_no_table_is_as_good_as_none(folder, few, change):
    keep(few)
    spoilt_by(change)
    assert kept_table("add") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda file, text: file.write_bytes(text[:-1]),
        lambda file, text: file.write_bytes(text.replace(b"softmax", b"sofmtax")),
        lambda file, text: file.write_bytes(b""),
        lambda file, text: (file.unlink(), file.mkdir()),
        lambda file, text: (file.unlink(), os.mkfifo(file)),
        lambda file, text: (
            file.rename(file.parent.parent / "elsewhere"),
            file.symlink_to(file.parent.parent / "elsewhere"),
        ),
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_as_good_as_none(folder, few, change):
    keep(few)
    (file,) = folder.iterdir()
    change(file, file.read_bytes())
    assert kept_table("add") is None


def test_a_table_of_another_torch_is_none(folder, few, monkeypatch):
    keep(few)
    monkeypatch.setattr(kept_ops, "fingerprint", lambda: f"{fingerprint()} and another")
    assert kept_table("add") is None


def test_what_a_forged_table_says_reaches_no_terminal_as_it_is(folder, few):
    text = "\x1b[31mred\x1b]0;title\x07"
    forged = OpEntry(name=text, brief=text, about=text, page=f"  {text}\r\n{text}", record="{}")
    keep({"ops": {"add": forged, text: forged}})
    for pattern in ("add", None, "ad"):
        page, _ = page_of(pattern, kept_table(pattern))
        assert "\x1b" not in text_of(page)
        assert "\x07" not in text_of(page)


def test_a_forged_record_is_not_printed(folder, few, monkeypatch, capsys):
    keep({"ops": few["ops"] | {"add": few["ops"]["add"].model_copy(update={"record": "{" * 9})}})
    monkeypatch.setattr("tensorflow_free.commands.lookup._is_untouched", lambda flags: True)
    monkeypatch.setattr("tensorflow_free.commands.lookup.keep_table", lambda *given: None)
    assert cli.recipe_main(["ops", "add", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == records_of("add", REGISTRY)


def test_no_folder_to_keep_a_table_in_is_no_error(folder, tmp_path, monkeypatch):
    for home in (tmp_path / "file" / "below", Path("relative")):
        (tmp_path / "file").write_text("", encoding="utf-8")
        monkeypatch.setenv("XDG_CACHE_HOME", str(home))
        keep_table("add", pytest.fail, pytest.fail)
        assert kept_table("add") is None
    assert not Path("relative").exists()


def test_a_package_that_offers_ops_is_asked_where_torch_has_none_of_the_name(folder, few, monkeypatch):
    keep(few)
    monkeypatch.setattr(kept_ops, "offers", lambda group: True)
    assert kept_table("add") is not None
    assert kept_table("vendor.add") is kept_table(None) is None


@pytest.mark.parametrize("pattern", [None, "linalg.*", "add"])
def test_a_table_is_kept_whatever_is_looked_up(folder, few, monkeypatch, capsys, pattern):
    monkeypatch.setattr("tensorflow_free.commands.lookup._is_untouched", lambda flags: True)
    monkeypatch.setattr("tensorflow_free.report.op_report.entries_of_torch", lambda: few["ops"])
    assert cli.recipe_main(["ops", *([] if pattern is None else [pattern])]) == 0
    assert kept_table("add").names() == tuple(few["ops"])


def test_no_table_is_kept_once_packages_have_been_loaded(folder, monkeypatch):
    registry.load_entry_points()
    monkeypatch.setattr(kept_ops, "offers", lambda group: True)
    keep_table("add", pytest.fail, pytest.fail)
    assert not folder.exists()


def test_the_oldest_tables_are_dropped(folder):
    for number in range(user_cache.MOST_KEPT + 3):
        user_cache.keep("ops", str(number), lambda: b"x")
        os.utime(max(folder.iterdir(), key=lambda file: file.stat().st_mtime_ns), (number, number))
    assert len(list(folder.iterdir())) == user_cache.MOST_KEPT
    assert user_cache.kept("ops", "0") is None
    assert user_cache.kept("ops", str(number)) == b"x"
