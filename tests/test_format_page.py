"""Every example of the format's page runs as it stands, and every refusal is worded as the page shows."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tensorflow_free import RecipeError, Result, load_recipe, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "recipe-format.md"
FENCE = re.compile(r"^```(?P<language>\w+)(?P<words>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"# (?P<name>\w+\.yaml)\n")


@dataclass(frozen=True)
class Block:
    """A fenced block of the page: the line that it begins on, its language, the words after that, and its text."""

    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def file(self) -> str:
        """The name to save it under: the one that its first line gives, or `try.yaml`."""
        named = FILE_NAME.match(self.text)
        return named["name"] if named else "try.yaml"


def blocks() -> list[Block]:
    """All blocks of the page, in order."""
    page = PAGE.read_text(encoding="utf-8")
    return [
        Block(page.count("\n", 0, found.start()) + 1, found["language"], tuple(found["words"].split()), found["text"])
        for found in FENCE.finditer(page)
    ]


BLOCKS = blocks()
EXAMPLES = [block for block in BLOCKS if block.language == "yaml" and block.words != ("refused",)]
REFUSALS = [(block, told) for block, told in pairwise(BLOCKS) if block.words == ("refused",)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the files that examples of the page read."""
    for name in ("matrix.npy", "pair.npz"):
        shutil.copy(ROOT / "recipes" / "basics" / name, tmp_path)
    weights = {"w": torch.tensor([1.0, 2.0])}
    save_file(weights, tmp_path / "weights.safetensors")
    torch.save(weights, tmp_path / "weights.pt")
    for block in EXAMPLES:
        if block.file != "try.yaml":
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def line(block: Block) -> str:
    """A test's name: where its block begins."""
    return f"line {block.line}"


def run(block: Block, folder: Path) -> Result:
    """Save the block and run it, with the overrides that stand beside its language."""
    (folder / block.file).write_text(block.text, encoding="utf-8")
    return run_recipe(load_recipe(block.file, [word for word in block.words if word != "refused"]))


def assert_holds(result: Result, block: Block) -> None:
    """What the block expects was judged, and holds; one of the page's examples expects nothing."""
    assert any(verdict.outcome != "not judged" for verdict in result.expectations) or "expect:" not in block.text
    assert [verdict for verdict in result.expectations if not verdict.is_well] == []
    assert result.is_well


def test_the_page_has_its_examples() -> None:
    assert len(EXAMPLES) > 60
    assert len(REFUSALS) >= 10
    assert all(told.language == "text" for _, told in REFUSALS)


# torch warns of the cycle that create_graph makes; the page shows it as PyTorch has it
@pytest.mark.filterwarnings("ignore:Using backward:UserWarning")
@pytest.mark.parametrize("block", EXAMPLES, ids=line)
def test_example_gives_what_it_expects(block: Block, folder: Path) -> None:
    assert_holds(run(block, folder), block)


@pytest.mark.parametrize(("block", "told"), REFUSALS, ids=line)
def test_refusal_is_worded_as_the_page_shows(block: Block, told: Block, folder: Path) -> None:
    with pytest.raises(RecipeError) as refused:
        run(block, folder)
    assert str(refused.value) == told.text.rstrip("\n")


def test_a_wrong_example_is_seen(folder: Path) -> None:
    block = Block(1, "yaml", (), EXAMPLES[0].text.replace("y: 5.0", "y: 6.0"))
    with pytest.raises(AssertionError):
        assert_holds(run(block, folder), block)


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    page = PAGE.read_text(encoding="utf-8")
    headings = {slug(heading) for heading in re.findall(r"^#+ (.*)$", FENCE.sub("", page), re.MULTILINE)}
    links = set(re.findall(r"\]\(#([\w-]+)\)", page))
    assert len(links) > 20
    assert links <= headings


def slug(heading: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\s-]", "", heading).lower().replace(" ", "-")


COMPARED = [block for block in EXAMPLES if "\nreference:" in f"\n{block.text}"]


@pytest.mark.parametrize("block", COMPARED, ids=line)
def test_the_reference_of_an_example_can_be_run_and_the_example_is_well_beside_it(block: Block, folder: Path) -> None:
    (folder / block.file).write_text(block.text, encoding="utf-8")
    recipe = load_recipe(block.file)
    comparison = yardstick_of(block.file, [], recipe, KeptRuns()).compare(run_recipe(recipe))
    assert comparison.is_well
    assert len(COMPARED) == 2
