"""A graph as an SVG picture for papers and slides: lines forward, gradients back beside them. Does not import torch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from tensorflow_free.picturing.graph_model import ChainEdge, ChainNode
from tensorflow_free.picturing.layered import LaidOut, Nesting
from tensorflow_free.picturing.stacked import TRACK, Box, Stacked, around, stacked
from tensorflow_free.text.characters import printable
from tensorflow_free.text.phrases import cut

FONT: Final = 13.0
WIDE: Final = 0.62
"""Pixels of a line's letters, and the width of a letter of even width for each of them."""

ROW: Final = 18.0
LEAST: Final = 90.0
MOST: Final = 300.0
"""Pixels of a line of a box, and how narrow and wide a box may be."""

STYLE: Final = (
    "text{font:13px ui-monospace,Menlo,Consolas,monospace;fill:#1b1f24}.n{font-weight:bold}"
    ".l{paint-order:stroke;stroke:#f6f8fa;stroke-width:5px}.q{fill:#57606a}"
    ".v{fill:#0a4fb0}.g{fill:#8a3800}.b{fill:#fff;stroke:#57606a}.t{fill:#f0f4f8;stroke:#57606a}"
    ".k{fill:#f6f8fa;stroke:#b4bcc4}.w{stroke-dasharray:2 3}.p{stroke-width:2.4}"
    ".f,.r{fill:none;stroke:#57606a;stroke-width:1.3}.r{stroke:#a04000;stroke-dasharray:6 3}"
    ".c{stroke-dasharray:9 4}.i{stroke-width:2.8}.a{fill:#57606a}.h{fill:#a04000}"
)

ASIDE: Final = 6.0
"""Pixels between a line forward and the gradient's."""


@dataclass(frozen=True, slots=True)
class NodeText:
    """What stands in a value's box below its name and op.

    Attributes:
        about: its dtype and shape, in words.
        value: the value in a few words; empty for nothing.
        gradient: its gradient in a few words; empty where it has none.
    """

    about: str = ""
    value: str = ""
    gradient: str = ""


def svg_of(
    layout: LaidOut, texts: Mapping[str, NodeText] | None = None, title: str = "", *, backward: bool = True
) -> str:
    """A graph as an SVG picture, on a light ground, with generic fonts and nothing from elsewhere.

    Args:
        layout: the graph in rows.
        texts: what stands in the boxes, by name; without it names and lines alone.
        title: what the picture is called, for those who do not see it.
        backward: whether the ways of gradients are drawn.
    """
    drawing = _Drawing(layout, texts or {}, backward=backward)
    width, height = drawing.at.width, drawing.at.height
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n<title>{_said(title or "a chain")}</title>'
    ground = f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", ground, *drawing.parts(), "</svg>", ""])


def _said(text: str) -> str:
    return escape(printable(text))


class _Drawing:
    def __init__(self, layout: LaidOut, texts: Mapping[str, NodeText], *, backward: bool) -> None:
        self._layout, self._backward = layout, backward
        self._nodes = {one.name: one for one in layout.graph.nodes}
        self._rows = {name: list(self._written(one, texts.get(name, NodeText()))) for name, one in self._nodes.items()}
        self.at: Stacked = stacked(layout, self._size)

    def parts(self) -> Iterator[str]:
        """Blocks below, lines on them, boxes on top."""
        for group in self._layout.graph.groups:
            box = self.at.boxes[group.name]
            yield _rectangle(box, "k", 6)
        yield from self._lanes()
        yield from self._edges()
        for group in self._layout.graph.groups:
            box = self.at.boxes[group.name]
            yield _text(box.x + 8, box.y + 16, f"{group.name} {group.title}", "q l")
        for name, node in self._nodes.items():
            yield from self._node(self.at.boxes[name], node, self._rows[name])

    # boxes

    def _written(self, node: ChainNode, text: NodeText) -> Iterator[tuple[tuple[str, str], ...]]:
        """The lines of a box: the parts of each, with their styles."""
        marks = [word for word, holds in (("in place", node.in_place), ("view", node.view)) if holds]
        yield (node.name, "n"), ("" if node.kind == "tensor" else node.op, "v"), (", ".join(marks), "q")
        if about := text.about or (node.line if node.line != node.op and not text.value else ""):
            yield ((about, "q"),)
        if text.value:
            yield ((text.value, "v"),)
        if text.gradient and self._backward:
            yield ((f"grad {text.gradient}", "g"),)

    def _size(self, name: str) -> tuple[float, float]:
        longest = max(sum(len(part) + 1 for part, _ in row if part) for row in self._rows[name])
        return min(MOST, max(LEAST, (longest + 2) * FONT * WIDE)), len(self._rows[name]) * ROW + 8

    def _node(self, box: Box, node: ChainNode, rows: list[tuple[tuple[str, str], ...]]) -> Iterator[str]:
        kind = f"{'t' if node.kind == 'tensor' else 'b'}{' w' if node.view else ''}{' p' if node.in_place else ''}"
        yield _rectangle(box, kind, 12 if node.kind == "tensor" else 4)
        most = int(box.width / FONT / WIDE) - 2
        for at, row in enumerate(rows):
            x = box.x + 8
            for part, style in row:
                if part:
                    shown = cut(printable(part), max(8, most))
                    yield _text(x, box.y + ROW * (at + 1) - 2, shown, style)
                    x += (len(shown) + 1) * FONT * WIDE

    # lines

    def _lanes(self) -> Iterator[str]:
        used: dict[int, bool] = {}
        ends = zip(self._layout.graph.edges, self._layout.ends, strict=True)
        for edge, end in ends:
            if end is not None:
                used[end] = used.get(end, False) or edge.backward
        for number in reversed(range(len(self._layout.lanes))):
            above = self._layout.lanes[number].above
            if above is not None and number in used:
                used[above] = used.get(above, False) or used[number]
        for number, is_back in used.items():
            lane, (x, top, bottom) = self._layout.lanes[number], self.at.lanes[number]
            yield from self._curve(self._start(lane.source, lane.above), (x, top), bottom, "", is_back=is_back)

    def _start(self, source: str, lane: int | None) -> tuple[float, float, bool]:
        """Where a line begins, and whether it is at the box of the value."""
        if lane is not None:
            x, _, bottom = self.at.lanes[lane]
            return x, bottom, False
        box = self.at.boxes[source]
        return box.middle, box.y + box.height, True

    def _edges(self) -> Iterator[str]:
        entering = defaultdict[str, list[tuple[tuple[float, float, bool], ChainEdge]]](list)
        far = defaultdict[str, dict[str, None]](dict)
        for number, edge in enumerate(self._layout.graph.edges):
            if number not in self._layout.far:
                entering[edge.to].append((self._start(edge.source, self._layout.ends[number]), edge))
            elif edge.kind not in ("carry", "after"):
                far[edge.to][edge.source] = None
        for name, found in entering.items():
            box = self.at.boxes[name]
            for at, (start, edge) in enumerate(sorted(found, key=lambda pair: pair[0][0]), start=1):
                x = box.x + box.width * at / (len(found) + 1)
                kind = {"view": " w", "in_place": " i"}.get(edge.kind, "")
                yield from self._curve(start, (x, box.y), box.y, kind, is_back=edge.backward)
                yield _arrow(x, box.y, -1, "a")
        for name, sources in far.items():
            box = self.at.boxes[name]
            yield f'<path class="f" d="M{box.x + 8:.1f} {box.y - 12:.1f}v12"/>'
            yield _text(box.x + 12, box.y - 3, f"↑ {cut(', '.join(sources), 24)}", "q")
        yield from self._carries()

    def _curve(
        self, start: tuple[float, float, bool], to: tuple[float, float], end: float, kind: str, *, is_back: bool
    ) -> Iterator[str]:
        (x, y, at_box), (x1, y1) = start, to
        bend = max(10.0, (y1 - y) / 2)

        def path(aside: float) -> str:
            down = f"V{end:.1f}" if end > y1 else ""
            middle = f"C{x + aside:.1f} {y + bend:.1f} {x1 + aside:.1f} {y1 - bend:.1f} {x1 + aside:.1f} {y1:.1f}"
            return f"M{x + aside:.1f} {y:.1f}{middle}{down}"

        yield f'<path class="f{kind}" d="{path(0)}"/>'
        if is_back and self._backward:
            yield f'<path class="r" d="{path(ASIDE)}"/>'
            if at_box:
                yield _arrow(x + ASIDE, y, 1, "h")

    def _carries(self) -> Iterator[str]:
        """What a round hands to the next: out on the right, up along its block, and back in."""
        nesting, tracks = Nesting(self._layout.graph), defaultdict[str | None, int](int)
        for edge in self._layout.graph.edges:
            if edge.kind != "carry":
                continue
            block = around(nesting, edge.source, edge.to)
            outer, one, other = (self.at.boxes.get(name or "") for name in (block, edge.source, edge.to))
            if outer is None or one is None or other is None:
                continue
            tracks[block] += 1
            right = outer.x + outer.width - TRACK * tracks[block]
            lift = 8.0 if edge.source == edge.to else 0.0
            (x, y), (x1, y1) = ((box.x + box.width, box.y + box.height / 2) for box in (one, other))
            yield f'<path class="f c" d="M{x:.1f} {y + lift:.1f}H{right:.1f}V{y1 - lift:.1f}H{x1:.1f}"/>'
            yield f'<path class="a" d="M{x1:.1f} {y1 - lift:.1f}l7 -3.5v7z"/>'


def _rectangle(box: Box, kind: str, round_by: int) -> str:
    where = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
    return f'<rect class="{kind}" {where} rx="{round_by}"/>'


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{_said(text)}</text>'


def _arrow(x: float, y: float, way: int, kind: str) -> str:
    """A point that a line ends in: down at -1, up at 1."""
    return f'<path class="{kind}" d="M{x:.1f} {y:.1f}l-3.5 {7 * way}h7z"/>'
