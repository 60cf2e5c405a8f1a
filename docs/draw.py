"""Draws the pictures of the documentation: what a recipe looks like in a terminal. Run it from the repository's root.

python docs/draw.py
"""

from __future__ import annotations

import io
import re
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.report.result_report import page_of
from tensorflow_free.text.drawing import draw

ROOT = Path(__file__).parent.parent
WIDTH = 72


def picture(stem: str) -> str:
    """A terminal as SVG, after the recipe of this name ran."""
    result = run_recipe(load_recipe(ROOT / "recipes" / f"{stem}.yaml"))
    result.name = stem
    if result.environment is not None:
        version = result.environment.torch.partition("+")[0]
        result.environment = result.environment.model_copy(update={"torch": version})
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(f"[dim]$[/dim] run-recipe recipes/{stem}.yaml", highlight=False)
    draw(page_of(result, f"outputs/{stem}/2026-01-31_12-00-00-000000-c0ffee/result.json"), console)
    svg = console.export_svg(title="run-recipe", theme=SVG_EXPORT_THEME, unique_id=stem)
    # a picture loads nothing from elsewhere: any font of even width does
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    (ROOT / "docs" / "linear_autograd.svg").write_text(picture("linear_autograd"), encoding="utf-8")
