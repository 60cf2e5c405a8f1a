"""Every bad recipe of `refusals/` is refused with just the words that stand in it.

A file begins with what must be said of it, a comment a line: `# error:` is a line of the message as it stands, `# pattern:`
one that a regular expression matches (for words of torch's or Python's, and what a machine is), `{file}` and `{folder}` are
where the file lies. `# raises:` names the exception where it is not RecipeError, `# override:` is an override that is given.
What can hold no comment has all this beside it, in `NAME.expected`; what is too large to keep is made here.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import tensorflow_free
from tensorflow_free import RecipeError, StepError, TensorflowFreeError, load_recipe, run_recipe, sweep_recipe

FOLDER = Path(__file__).parent / "refusals"
LINE = re.compile(r"# (?P<kind>error|pattern|raises|override): (?P<text>.*)")

GENERATED: dict[str, Callable[[], bytes]] = {
    "ten-thousand-levels-of-brackets": lambda: b"params: {x: " + b"[" * 10_000 + b"]" * 10_000 + b"}\n",
    "ten-thousand-levels-of-indentation": lambda: b"".join(b" " * level + b"a:\n" for level in range(10_000)),
    "a-million-brackets": lambda: b"[" * 1_000_000,
    "an-integer-of-five-thousand-digits": lambda: b"seed: " + b"9" * 5_000 + b"\n",
    "a-word-of-two-million-letters": lambda: b"description: " + b"a" * 2_000_000 + b"\n",
    "a-file-of-sixty-five-mebibytes": lambda: b"description: " + b"a" * (65 * 2**20) + b"\n",
    "a-bomb-of-references": lambda: (
        b"params:\n  a0: [x]\n"
        + b"".join(
            b'  a%d: ["${params.a%d}", "${params.a%d}"]\n' % (level, level - 1, level - 1) for level in range(1, 40)
        )
    ),
    "a-chain-of-references": lambda: (
        b"params:\n  a0: x\n" + b"".join(b'  a%d: "${params.a%d}"\n' % (level, level - 1) for level in range(1, 52))
    ),
}
"""Texts that are too large to keep, by the names of the files that say what must be said of them."""


@dataclass(frozen=True)
class Refusal:
    """A bad recipe's file, and the file in which stands what must be said of it."""

    name: str
    said: Path

    def lines(self, kind: str) -> list[str]:
        """The texts of this kind, in order."""
        return [text for found, text in self._read() if found == kind]

    def pattern(self, file: Path) -> re.Pattern[str]:
        """What the whole message must match."""
        parts = [
            text if kind == "pattern" else re.escape(text)
            for kind, text in self._read()
            if kind in ("error", "pattern")
        ]
        text = "\n".join(parts).replace(r"\{file\}", "{file}").replace(r"\{folder\}", "{folder}")
        return re.compile(text.replace("{file}", re.escape(str(file))).replace("{folder}", re.escape(str(file.parent))))

    def _read(self) -> Iterator[tuple[str, str]]:
        for line in self.said.read_text(encoding="utf-8").splitlines():
            found = LINE.fullmatch(line)
            if found is None:
                return
            yield found["kind"], found["text"]


def refusals() -> list[Refusal]:
    """All bad recipes: those with comments, and those with a file beside them."""
    beside = {file.stem: file for file in FOLDER.glob("*.expected")}
    files = {file.stem: file for file in FOLDER.glob("*.yaml")} | beside
    return [Refusal(name, files[name]) for name in sorted(files)]


REFUSALS = refusals()


def names(refusal: Refusal) -> str:
    """The name of a test."""
    return refusal.name


def written(refusal: Refusal, folder: Path) -> Path:
    """The file of a bad recipe; one that is made here is written into `folder` first."""
    if refusal.name not in GENERATED:
        return FOLDER / f"{refusal.name}.yaml"
    file = folder / f"{refusal.name}.yaml"
    file.write_bytes(GENERATED[refusal.name]())
    return file


def refused(file: Path, overrides: list[str]) -> TensorflowFreeError:
    """What loading and running the file raises."""
    with pytest.raises(TensorflowFreeError) as error:
        run_recipe(load_recipe(str(file), overrides))
    return error.value


def test_all_refusals_are_seen() -> None:
    assert len(REFUSALS) >= 450
    assert sum("StepError" in refusal.lines("raises") for refusal in REFUSALS) >= 35
    assert {refusal.name for refusal in REFUSALS} >= set(GENERATED)


@pytest.mark.parametrize("refusal", REFUSALS, ids=names)
def test_refusal_says_just_what_is_wrong(refusal: Refusal, tmp_path: Path) -> None:
    file = written(refusal, tmp_path)
    error = refused(file, refusal.lines("override"))
    assert [type(error).__name__] == (refusal.lines("raises") or ["RecipeError"])
    assert refusal.pattern(file).fullmatch(str(error)), str(error)
    problems = error.problems if isinstance(error, RecipeError) else (error.problem,)  # type: ignore[attr-defined]
    assert all(problem.place.file for problem in problems)
    assert len(set(problems)) == len(problems)


def test_a_message_that_says_something_else_is_seen() -> None:
    refusal = next(one for one in REFUSALS if one.name == "op-misspelt")
    message = str(refused(FOLDER / "op-misspelt.yaml", []))
    pattern = refusal.pattern(FOLDER / "op-misspelt.yaml")
    assert pattern.fullmatch(message)
    assert not pattern.fullmatch(message.replace("matmul'?", "mul'?"))
    assert not pattern.fullmatch(f"{message}\n{message}")


def test_step_error_keeps_the_error_of_torch_as_its_cause() -> None:
    error = refused(FOLDER / "step-shapes-do-not-match.yaml", [])
    assert isinstance(error, StepError)
    assert isinstance(error.__cause__, RuntimeError)
    assert (error.step, error.op) == ("y", "matmul")
    assert error.operands == ("x: float32 [2, 3] cpu", "w: float32 [4, 5] cpu")


@pytest.mark.parametrize("text", [b"params: [" + b"010, " * 200 + b"]\n", b"? " * 1_000_000], ids=["values", "keys"])
def test_reading_stops_after_a_hundred_problems(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "many.yaml").write_bytes(text)
    *problems, last = str(refused(tmp_path / "many.yaml", [])).split("\n")
    assert len(problems) == 100
    assert last == f"{tmp_path / 'many.yaml'}: reading stops after 100 problems"


def test_file_that_is_not_there_is_refused_with_the_nearest_name() -> None:
    file = FOLDER / "op-mispelt.yaml"
    assert str(refused(file, [])) == f"{file}: there is no such file; did you mean 'op-misspelt.yaml'?"


def test_folder_is_refused() -> None:
    assert str(refused(FOLDER, [])) == f"{FOLDER}: this is a folder; a recipe is a .yaml file"


def test_device_file_is_refused() -> None:
    assert str(refused(Path("/dev/zero"), [])) == "/dev/zero: this is not a regular file; a recipe is a .yaml file"


def test_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert "this is not a regular file" in str(refused(tmp_path / "pipe.yaml", []))


def test_path_with_a_null_character_is_refused() -> None:
    assert "is not the path of a file" in str(refused(Path("a\0b.yaml"), []))


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="everything is open to the superuser")
def test_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "closed.yaml").touch(mode=0)
    assert "the file cannot be read: Permission denied" in str(refused(tmp_path / "closed.yaml", []))


def test_refusals_have_no_traceback_of_ours() -> None:
    package = str(Path(tensorflow_free.__file__).parent)
    error = refused(FOLDER / "many-problems.yaml", [])
    assert len(error.problems) >= 8  # type: ignore[attr-defined]
    assert package not in str(error)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda recipe: run_recipe("x.yaml"), "'x.yaml' is not a recipe; run_recipe(load_recipe(…)) reads one from"),
        (lambda recipe: run_recipe({"steps": {}}), "a dict is not a recipe; run_recipe(load_recipe(…)) reads one from"),
        (load_recipe, "a Recipe cannot be read as a recipe; give a file's path, or a mapping"),
        (sweep_recipe, "a sweep runs in processes of its own, which read recipes from files; "),
        (
            lambda recipe: sweep_recipe([recipe]),
            "a sweep runs in processes of its own, which read recipes from files; ",
        ),
    ],
)
def test_what_is_no_recipe_is_told_as_such(call: Callable[[object], object], said: str) -> None:
    recipe = load_recipe({"tensors": {"x": 1.0}, "steps": {"y": "x * 2"}})
    with pytest.raises(RecipeError) as caught:
        call(recipe)
    assert str(caught.value).startswith(said)
