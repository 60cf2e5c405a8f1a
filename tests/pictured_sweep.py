"""The picture of a sweep's page, docs/sweep-page.png: the sweep of docs/own-kernel.md, drawn by Chromium.

Run it from the repository's root: python -m tests.pictured_sweep
"""

from __future__ import annotations

import io
import re
import shlex
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.browser import chromium
from tests.processes import finished

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "sweep-page.png"
WINDOW = {"width": 1200, "height": 1120}
FILE = re.compile(r"^```\w+\n(# (\S+\.(?:py|yaml))\n.*?)^```$", re.MULTILINE | re.DOTALL)
SWEEP = re.compile(r"^\$ (run-recipe -m .*)$", re.MULTILINE)


class Drawn(NamedTuple):
    """A picture, and the words in it."""

    png: bytes
    words: str


def write_page(folder: Path, run=finished) -> Path:
    """The page of the first sweep of docs/own-kernel.md, with the files as they stand there before it."""
    page = (ROOT / "docs" / "own-kernel.md").read_text(encoding="utf-8")
    line = SWEEP.search(page)
    for body, name in FILE.findall(page[: line.start()]):
        (folder / name).write_text(body, encoding="utf-8")
    words = shlex.split(line[1])
    [ops] = [value for flag, value in pairwise(words) if flag == "--ops"]
    run(*words, cwd=folder)
    run("recipe", "page", "multirun/norm", "--ops", ops, "-o", "page.html", cwd=folder)
    return folder / "page.html"


def drawn(browser, path: Path) -> Drawn:
    """What a window shows of a page, and its words."""
    page = browser.new_page(viewport=WINDOW)
    page.goto(path.as_uri())
    page.wait_for_selector("h2")
    picture = Drawn(page.screenshot(), page.locator("body").inner_text())
    page.close()
    return picture


def kept() -> Drawn:
    """The picture in docs/, with the words that it was drawn with."""
    with Image.open(PICTURE) as image:
        assert image.size == tuple(WINDOW.values())
        return Drawn(PICTURE.read_bytes(), image.text["shows"])


def keep(picture: Drawn) -> None:
    """Write the picture to docs/."""
    words = PngInfo()
    words.add_itxt("shows", picture.words)
    with Image.open(io.BytesIO(picture.png)) as image:
        image.convert("RGB").quantize(128).save(PICTURE, pnginfo=words, optimize=True)


if __name__ == "__main__":
    with TemporaryDirectory() as to, chromium() as started:
        keep(drawn(started, write_page(Path(to))))
