"""Draws the pictures of the documentation: a recipe in a terminal, one as a graph, and what is allowed of one number.

Run it from the repository's root: python docs/draw.py
"""

from __future__ import annotations

import io
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import torch
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

from tensorflow_free import load_recipe, run_recipe
from tensorflow_free.cell.reference import yardstick_of
from tensorflow_free.cell.yardstick import KeptRuns
from tensorflow_free.judging.movement import MOST_RUNS
from tensorflow_free.judging.rounding_rule import k_of
from tensorflow_free.picturing.chain_graph import chain_graph
from tensorflow_free.picturing.layered import laid_out
from tensorflow_free.picturing.svg_drawing import svg_of
from tensorflow_free.report.graph_report import node_texts
from tensorflow_free.report.result_report import page_of, told_values
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


def graph(stem: str) -> str:
    """The chain of this recipe as SVG, after it ran."""
    result = run_recipe(load_recipe(ROOT / "recipes" / f"{stem}.yaml"))
    chain = chain_graph(result.recipe)
    return svg_of(laid_out(chain), node_texts(chain, told_values(result)), stem)


# what is allowed of one number: docs/judging.md

PRODUCT = ROOT / "docs" / "my_product.yaml"
AT = (12, 2)
LEFT, RIGHT, UNIT = 6.0, 15.0, 75.0


def allowed_of_one_number() -> str:
    """The worked example of docs/judging.md as SVG: nudged runs, what is allowed, and what three kernels gave."""
    runpy.run_path(str(ROOT / "docs" / "my_ops.py"))
    recipe = load_recipe(PRODUCT, ["dtype=bfloat16"])
    yardstick = yardstick_of(PRODUCT, ["dtype=bfloat16"], recipe, KeptRuns())
    reference = yardstick.reference["h"]
    runs = torch.stack([yardstick.movement.values(number)["h"].value for number in range(MOST_RUNS)])
    mean = float((runs - reference).abs().amax(0).mean())
    given = {op: _given(op) for op in ("matmul", "my.split_k", "my.short_k")}
    drawn = "\n".join(_drawn(float(reference[AT]), runs[:, *AT].tolist(), mean, given))
    style = "text{font:13px sans-serif;fill:#222}.s{fill:#888}.r{fill:#c22}.g{fill:#171}"
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 190" width="680" height="190">'
    return f'{head}\n<style>{style}</style>\n<rect width="680" height="190" fill="#fff"/>\n{drawn}\n</svg>\n'


def _given(op: str) -> float:
    return float(run_recipe(load_recipe(PRODUCT, ["dtype=bfloat16", f"steps.h.op={op}"]))["h"][AT])


def _drawn(its: float, runs: list[float], mean: float, given: dict[str, float]) -> Iterator[str]:
    spread = max(abs(one - its) for one in runs)
    allowed = k_of(torch.bfloat16) * (torch.finfo(torch.bfloat16).eps * abs(its) + max(spread, mean))
    wrong = given["my.short_k"]
    yield _band(its, allowed, 60, "#dff0df")
    yield _band(its, spread, 90, "#bcd9bc")
    yield f'<path d="M0 120H680" stroke="#888"/>{_line(its, 60, 128, "#222")}{_line(wrong, 60, 128, "#c22")}'
    for one in range(int(LEFT) + 1, int(RIGHT)):
        yield f"{_line(one, 118, 122, '#888')}{_text(one, 185, f'{one}', 's')}"
    yield "".join(f'<circle cx="{_x(one):.1f}" cy="105" r="3.5" fill="#565" fill-opacity=".6"/>' for one in runs)
    yield _text(its, 20, f"allowed: 3 · (ε·|r| + mean) = {allowed:.2f} to either side")
    yield _text(its, 40, f"{len(runs)} nudged runs: spread {spread:.2f}, mean of h {mean:.2f}", "g")
    yield _text(its, 143, f"r = {its:.4f} in float64")
    yield _text(its, 162, f"matmul {given['matmul']:g}, my.split_k {given['my.split_k']:g}", "g")
    yield _text(wrong, 143, f"my.short_k {wrong:.2f}", "r")
    yield _text(wrong, 40, f"{abs(wrong - its) / allowed:.1f} times what is allowed", "r")


def _x(number: float) -> float:
    return (number - LEFT) * UNIT


def _line(number: float, top: int, bottom: int, colour: str) -> str:
    return f'<path d="M{_x(number):.1f} {top}V{bottom}" stroke="{colour}"/>'


def _band(number: float, half: float, top: int, colour: str) -> str:
    where = f'x="{_x(number - half):.1f}" y="{top}" width="{2 * half * UNIT:.1f}" height="{120 - top}"'
    return f'<rect {where} fill="{colour}"/>'


def _text(number: float, top: int, text: str, kind: str = "") -> str:
    return f'<text x="{_x(number):.1f}" y="{top}" text-anchor="middle" class="{kind}">{text}</text>'


if __name__ == "__main__":
    (ROOT / "docs" / "linear_autograd.svg").write_text(picture("linear_autograd"), encoding="utf-8")
    (ROOT / "docs" / "micrograd.svg").write_text(graph("micrograd"), encoding="utf-8")
    (ROOT / "docs" / "judging.svg").write_text(allowed_of_one_number(), encoding="utf-8")
