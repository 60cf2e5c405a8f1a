"""One name, one thing: no two files and no two types of the package share a name, unless they mean the same."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "tensorflow_free"

FILES = {
    "model": "the pydantic models of what its room keeps on disk",
    "reading": "from the files of its room to what they hold",
    "writing": "from what is held to the files of its room",
}
"""Names of several files, and what each of them is."""

TYPES: dict[str, str] = {}
"""Names of several types, and what each of them is."""


def files_of(package):
    return [path for path in sorted(package.rglob("*.py")) if path.name != "__init__.py"]


def shared(names):
    return {name for name, count in Counter(names).items() if count > 1}


def types_of(tree):
    """The public classes and type aliases that a module defines at its top; type variables are no types."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and is_alias(target.id, node.value):
            yield target.id


def is_alias(name, value):
    is_variable = isinstance(value, ast.Call) and ast.unparse(value.func).endswith("TypeVar")
    return name[0].isupper() and not name.isupper() and "_" not in name and not is_variable


def test_no_two_files_share_a_name():
    files = files_of(PACKAGE)
    assert len(files) > 150
    assert shared(path.stem for path in files) <= set(FILES)


def test_no_two_types_share_a_name():
    found = [name for path in files_of(PACKAGE) for name in types_of(ast.parse(path.read_text(encoding="utf-8")))]
    assert len(found) > 250
    assert shared(found) <= set(TYPES)


def test_these_tests_can_fail(tmp_path):
    texts = {"one/a.py": "class Row: ...", "two/a.py": "Row = tuple[str, ...]\nT = TypeVar('T')\nMOST = 3\n_Row = str"}
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert shared(path.stem for path in files_of(tmp_path)) == {"a"}
    assert shared(name for path in files_of(tmp_path) for name in types_of(ast.parse(path.read_text()))) == {"Row"}
