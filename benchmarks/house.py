"""`python -m benchmarks.house [CHECKOUT]`: the figures of the house: lines, functions, circles, late imports, walks.

Lines and imports are read from the source, so that any checkout can be measured, an old one too; walks are run in a
process of its own with that checkout first on the path. A walk is how many functions of the package, in how many files
of how many rooms, are entered between two ends.
"""

from __future__ import annotations

import ast
import io
import statistics
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PACKAGE: Final = "tensorflow_free"
COMPLEX: Final = 10
"""Above this many ways through it, a function wants a reason."""

WALKS: Final = """
import contextlib, io, sys, tempfile
from pathlib import Path
from tensorflow_free import cli, compare_results, load_recipe, run_recipe

root = str(Path(cli.__file__).parent)
recipe = sys.argv[1]

def walk(words, act):
    seen = set()
    def enter(frame, event, _):
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(root) and not frame.f_code.co_name.startswith("<"):
            seen.add((name, frame.f_code.co_qualname))
    sys.setprofile(enter)
    try:
        found = act()
    finally:
        sys.setprofile(None)
    files = {name for name, _ in seen}
    rooms = {Path(name).relative_to(root).parts[0] for name in files}
    print(f"{words}: {len(seen)} functions in {len(files)} files of {len(rooms)} rooms", file=sys.stderr)
    return found

def run(*words):
    return run_recipe(load_recipe(recipe, words))

exact = run("dtype=float64")
walk("`dtype=float64` to the verdict", lambda: compare_results(run("dtype=float64"), exact))
one, other = (str(Path(tempfile.mkdtemp()) / name) for name in ("one", "other"))
walk("a value to result.json", lambda: exact.save(one))
run("seed=1", "tensors.x.data=[7.0]").save(other)
with contextlib.redirect_stdout(io.StringIO()):
    walk("a mismatch to the table", lambda: cli.recipe_main(["compare", other, one]))
"""


@dataclass
class House:
    """What the source of a package says of itself."""

    files: list[int] = field(default_factory=list)
    docstrings: int = 0
    imports: int = 0
    functions: list[int] = field(default_factory=list)
    branching: list[str] = field(default_factory=list)
    late: int = 0
    edges: dict[str, set[str]] = field(default_factory=dict)

    def read(self, path: Path, module: str, modules: frozenset[str]) -> None:
        """Take a module in."""
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        docs = _docstring_lines(tree)
        self.docstrings += len(docs)
        self.imports += sum(
            (node.end_lineno or node.lineno) - node.lineno + 1
            for node in ast.walk(tree)
            if isinstance(node, (ast.Import, ast.ImportFrom))
        )
        self.files.append(len(_lines_of_code(text) - docs))
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                self.functions.append(len(_lines_within(node, text) - docs))
                if (ways := _ways(node)) > COMPLEX:
                    self.branching.append(f"{module}.{node.name}: {ways}")
        top = {id(node) for node in tree.body}
        found = [(node, name) for node, name in _imported(tree, modules) if name != module]
        self.edges[module] = {name for _, name in found}
        self.late += len({id(node) for node, _ in found if id(node) not in top})

    def circles(self) -> list[list[str]]:
        """Modules that import one another, by whatever way, late imports among them."""
        reached = {name: _reached(name, self.edges) for name in self.edges}
        groups = {tuple(sorted(o for o in reached[n] if n in reached[o])) for n in self.edges if n in reached[n]}
        return [list(group) for group in sorted(groups)]


def _reached(first: str, edges: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    left = [first]
    while left:
        new = edges.get(left.pop(), set()) - seen
        seen |= new
        left.extend(new)
    return seen


def _lines_of_code(text: str) -> set[int]:
    """The numbers of the lines that hold more than a comment."""
    beside = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {line for one in tokens if one.type not in beside for line in range(one.start[0], one.end[0] + 1)}


def _lines_within(node: ast.FunctionDef | ast.AsyncFunctionDef, text: str) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1)) & _lines_of_code(text)


def _docstring_lines(tree: ast.AST) -> set[int]:
    """The numbers of the lines of texts that stand alone: docstrings, and those below a constant."""
    texts = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]
    return {line for node in texts for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def _ways(function: ast.AST) -> int:
    """McCabe's complexity, as ruff's C901 counts it."""
    forks = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.comprehension, ast.match_case)
    return 1 + sum(isinstance(node, forks) for node in ast.walk(function))


def _imported(tree: ast.AST, modules: frozenset[str]) -> Iterator[tuple[ast.AST, str]]:
    """Each import of a module of the package, but those for types alone."""
    types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in types:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                name = whole if whole in modules else node.module
                if name in modules:
                    yield node, name


def house_of(checkout: Path) -> House:
    """The figures of the package in a checkout."""
    paths = {
        ".".join(path.relative_to(checkout).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((checkout / PACKAGE).rglob("*.py"))
    }
    house = House()
    for module, path in paths.items():
        house.read(path, module, frozenset(paths))
    return house


def _told(house: House) -> Iterator[str]:
    lengths = sorted(house.functions)
    yield f"lines of code: {sum(house.files)}, {house.imports} of them imports; of docstrings: {house.docstrings}"
    yield f"files: {len(house.files)}, longest {max(house.files)}, above 300 lines: {sum(n > 300 for n in house.files)}"
    yield (
        f"functions: {len(lengths)}, median {statistics.median(lengths):.0f} lines, 90 % at most "
        f"{lengths[len(lengths) * 9 // 10]}, longest {lengths[-1]}"
    )
    yield f"complexity above {COMPLEX}: {len(house.branching)} {' '.join(house.branching)}".rstrip()
    yield f"late imports: {house.late}"
    yield f"circles: {len(house.circles())} {house.circles() or ''}".rstrip()


def main(checkout: Path) -> None:
    """Print the figures of a checkout."""
    print(*_told(house_of(checkout)), sep="\n", flush=True)
    recipe = checkout / "recipes" / "linear_autograd.yaml"
    subprocess.run([sys.executable, "-c", WALKS, str(recipe)], cwd=checkout, check=True)


if __name__ == "__main__":
    main(Path(*sys.argv[1:]).resolve())
