// A chain as a graph that is looked at: boxes and lines, of which only those in view are in the document.

const NODE = { width: 196, wide: 224, head: 24, line: 17, values: 24, pictures: 58, most: 3 };
const ZOOM = { least: 0.1, most: 2.5, step: 1.25 };
const FIRST_LOOK = { least: 0.65, most: 1 };
const EDGE_TEXT = { letter: 7.3, line: 13, aside: 8 };
const MARGIN = 300;
const BUCKET = 500;

/**
 * Draw a graph under `root`: `{select(id), update(), fold(group, isFolded), fit(), show(view), destroy()}`.
 *
 * `graph`: as `LaidOut.to_plain` gives it. `options.content(id)`: `{lines, value, gradient, tone, share}` of a node;
 * `options.onSelect(id)`: one was picked; `options.backward`: whether gradients' ways are drawn; `options.edgeText(edge)`:
 * a text at a line, or nothing; `options.onView({left, top, scale})`: another part of it is looked at.
 */
function drawGraph(root, graph, options) {
  const view = graphView(root, graph);
  const state = { index: graphIndex(graph), folded: new Set(), scale: 1, selected: null, shape: { lines: 0, values: false, pictures: false }, contents: new Map(), drawn: new Map(), quiet: false };
  const drawing = { root, graph, options, view, state };
  probe(drawing);
  layOut(drawing);
  listen(drawing);
  fitGraph(drawing, FIRST_LOOK);
  return {
    select: (id) => {
      unfoldAround(drawing, id);
      selectNode(drawing, id, true);
    },
    update: () => refreshSoon(drawing),
    fold: (id, isFolded) => foldGroup(drawing, id, isFolded),
    fit: () => fitGraph(drawing),
    show: (other) => showView(drawing, other),
    destroy: () => {
      view.watch.disconnect();
      view.frame.remove();
    },
  };
}

/** The elements of a drawing. */
function graphView(root, graph) {
  const about = `graph of ${graph.nodes.length} values; arrows follow its lines, Enter selects, F folds a block, plus and minus zoom, 0 fits`;
  const curves = svg("svg", { class: "curves", "aria-hidden": "true" });
  const boxes = el("div", { class: "boxes" });
  const blocks = el("div", { class: "boxes" });
  const canvas = el("div", { class: "canvas" }, blocks, curves, boxes);
  const scroller = el("div", { class: "scroller", tabindex: "0", role: "group", "aria-label": about }, canvas);
  const button = (text, label) => el("button", { type: "button", text, "aria-label": label, title: label });
  const zoom = { out: button("−", "zoom out"), in: button("+", "zoom in"), fit: button("fit", "fit to the width"), fold: button("fold all", "fold or unfold all blocks") };
  const key = graphKey(graph);
  const bar = el("div", { class: "graph-tools" }, zoom.out, zoom.in, zoom.fit, graph.groups.length ? zoom.fold : null, key);
  const frame = el("div", { class: "chain-graph" }, bar, scroller);
  root.append(frame);
  return { frame, scroller, canvas, blocks, curves, boxes, zoom, watch: new ResizeObserver(() => {}) };
}

/** What the kinds of lines mean; those that there are. */
function graphKey(graph) {
  const has = (kind) => graph.edges.some((one) => one.kind === kind);
  const kinds = [
    ["forward", "forward", true],
    ["backward", "gradient back", graph.edges.some((one) => one.backward)],
    ["view", "view", has("view")],
    ["in_place", "in place", has("in_place")],
    ["carry", "next round", has("carry")],
  ];
  const sample = (kind) => svg("svg", { width: 26, height: 10, class: "curves", "aria-hidden": "true" }, svg("path", { class: `curve ${kind}`, d: "M1 5H25" }));
  return el("span", { class: "key" }, kinds.filter(([, , is]) => is).map(([kind, text]) => el("span", {}, sample(kind), ` ${text}`)));
}

// sizes: all nodes of a graph are alike, as high as the first of them need

function keptContent(drawing, id) {
  const { contents } = drawing.state;
  if (!contents.has(id)) contents.set(id, drawing.options.content?.(id) ?? { lines: [], value: null, gradient: null, tone: "", share: null });
  return contents.get(id);
}

function probe(drawing) {
  drawing.graph.nodes.slice(0, 24).forEach((one) => noteShape(drawing, keptContent(drawing, one.id)));
}

/** Whether a content needs more room than was known. */
function noteShape(drawing, content) {
  const { shape } = drawing.state;
  const before = JSON.stringify(shape);
  shape.lines = Math.min(NODE.most, Math.max(shape.lines, content.lines.length));
  for (const one of [content.value, content.gradient]) {
    shape.values ||= Boolean(one);
    shape.pictures ||= Boolean(one && (one.matches("canvas, svg, img, figure") || one.querySelector("canvas, svg, img")));
  }
  return JSON.stringify(shape) !== before;
}

function nodeSize(drawing, id) {
  const { shape, index } = drawing.state;
  if (index.groups.has(id)) return { w: NODE.width, h: NODE.head + 2 * NODE.line };
  const values = shape.pictures ? NODE.pictures : shape.values ? NODE.values : 0;
  return { w: shape.pictures ? NODE.wide : NODE.width, h: NODE.head + NODE.line * shape.lines + values + 6 };
}

function layOut(drawing) {
  const { state, view } = drawing;
  const seen = seenGraph(state.index, state.folded);
  const placed = placedGraph(state.index, seen, (id) => nodeSize(drawing, id));
  const curves = curvesOf(state.index, seen, placed);
  Object.assign(state, { seen, placed, curves, byRow: buckets([...placed.boxes.values()].filter((one) => !one.open), (one) => [one.y, one.y + one.h]), open: [...placed.boxes.values()].filter((one) => one.open), curvesByRow: buckets(curves, (one) => [one.top, one.bottom]) });
  view.boxes.replaceChildren();
  view.blocks.replaceChildren();
  state.drawn.clear();
  scaled(drawing);
}

/** Things by the stretches of the height that they are in. */
function buckets(things, extent) {
  const found = new Map();
  for (const one of things) {
    const [top, bottom] = extent(one);
    for (let at = Math.floor(top / BUCKET); at <= Math.floor(bottom / BUCKET); at += 1) {
      if (!found.has(at)) found.set(at, []);
      found.get(at).push(one);
    }
  }
  return found;
}

function within(found, top, bottom) {
  const all = new Set();
  for (let at = Math.floor(top / BUCKET); at <= Math.floor(bottom / BUCKET); at += 1) (found.get(at) ?? []).forEach((one) => all.add(one));
  return all;
}

function scaled(drawing) {
  const { state, view } = drawing;
  const { width, height } = state.placed;
  view.canvas.style.setProperty("width", `${width * state.scale}px`);
  view.canvas.style.setProperty("height", `${height * state.scale}px`);
  for (const one of [view.boxes, view.blocks]) one.style.setProperty("transform", `scale(${state.scale})`);
  render(drawing);
}

// what is in view

function render(drawing) {
  const { state, view } = drawing;
  const { scrollTop, scrollLeft, clientHeight, clientWidth } = view.scroller;
  const [top, bottom] = [(scrollTop - MARGIN) / state.scale, (scrollTop + clientHeight + MARGIN) / state.scale];
  const [left, right] = [(scrollLeft - MARGIN) / state.scale, (scrollLeft + clientWidth + MARGIN) / state.scale];
  const isIn = (one) => one.x < right && one.x + one.w > left && one.y < bottom && one.y + one.h > top;
  const wanted = new Map();
  for (const one of state.open) if (isIn(one)) wanted.set(one.id, one);
  for (const one of within(state.byRow, top, bottom)) if (isIn(one)) wanted.set(one.id, one);
  for (const [id, element] of state.drawn)
    if (!wanted.has(id) && !element.contains(document.activeElement)) {
      element.remove();
      state.drawn.delete(id);
    }
  let grown = false;
  for (const [id, box] of wanted) {
    if (state.drawn.has(id)) continue;
    const made = state.index.groups.has(id) ? groupElement(drawing, box) : nodeElement(drawing, box);
    grown ||= !state.index.groups.has(id) && noteShape(drawing, keptContent(drawing, id));
    state.drawn.set(id, made);
    (box.open ? view.blocks : view.boxes).append(made);
  }
  if (grown) {
    layOut(drawing);
    return;
  }
  renderCurves(drawing, top, bottom, left, right);
}

function placedAt(box, properties, ...children) {
  const { x, y, w, h } = box;
  return el("div", { ...properties, css: { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px`, ...properties.css } }, ...children);
}

function nodeElement(drawing, box) {
  const { state, graph } = drawing;
  const node = state.index.nodes.get(box.id);
  const { lines: told, value, gradient, tone, share } = keptContent(drawing, box.id);
  const marks = [node.kind === "check" && "check", node.in_place && "in place", node.view && "view", node.requires_grad && "requires grad", graph.backward.some((one) => one.id === node.id) && "backward"].filter(Boolean);
  const words = [node.id, node.op, ...marks, ...told, value?.textContent, gradient?.textContent && `gradient ${gradient.textContent}`].filter(Boolean).join(", ");
  const selected = state.selected === node.id;
  return placedAt(
    box,
    {
      class: ["node", node.kind, tone, node.in_place && "in-place", node.view && "view", selected && "selected"].filter(Boolean).join(" "),
      role: "button",
      tabindex: selected ? "0" : "-1",
      "data-id": node.id,
      "aria-label": words,
      "aria-current": selected ? "true" : null,
      css: share === null || share === undefined ? {} : { "--shade": shade(share) },
    },
    el("div", { class: "node-head" }, el("b", { text: node.id }), el("span", { class: "op", text: node.kind === "tensor" ? "" : node.op }), marks.filter((one) => one !== "backward").map((one) => el("i", { text: one }))),
    told.slice(0, NODE.most).map((text) => el("div", { class: "node-line", text, title: text })),
    value || gradient ? el("div", { class: "node-values" }, el("div", { class: "of-value" }, value), el("div", { class: "of-gradient" }, gradient)) : null,
  );
}

function groupElement(drawing, box) {
  const { state } = drawing;
  const group = state.index.groups.get(box.id);
  const inside = drawing.graph.nodes.filter((one) => state.index.way(one.id).includes(group.id)).length;
  const isFolded = state.folded.has(group.id);
  const selected = state.selected === group.id;
  const button = el(
    "button",
    { type: "button", class: "fold", "aria-expanded": String(!isFolded), "data-fold": group.id, tabindex: isFolded && selected ? "0" : "-1" },
    `${isFolded ? "▸" : "▾"} `,
    el("b", { text: group.id }),
    ` ${group.title}`,
  );
  return placedAt(box, { class: `block ${isFolded ? "folded" : "open"}${selected ? " selected" : ""}`, "data-block": group.id }, button, isFolded ? el("div", { class: "node-line", text: `${inside} ${inside === 1 ? "step" : "steps"}` }) : null);
}

function renderCurves(drawing, top, bottom, left, right) {
  const { state, view, options } = drawing;
  const isIn = (one) => Math.max(one.from.x, one.to.x) + 40 > left && Math.min(one.from.x, one.to.x) - 40 < right && one.bottom > top && one.top < bottom;
  const lit = litCurves(drawing);
  const drawn = [];
  const texts = [];
  for (const one of within(state.curvesByRow, top, bottom)) {
    const isLit = lit.has(one);
    if (!isIn(one) || (one.kind === "after" && !isLit)) continue;
    drawn.push(svg("path", { class: `curve forward ${one.kind}${isLit ? " lit" : ""}`, d: pathOf(one) }, titleOf(drawing, one)));
    if (one.arrives) drawn.push(arrow(one.to.x, one.end, one.kind === "carry" ? "left" : "down", `forward ${one.kind}${isLit ? " lit" : ""}`));
    if (one.backward && options.backward && one.kind !== "far") drawn.push(...backwardOf(one, isLit));
    if (one.kind === "far") drawn.push(farLabel(one));
    const text = one.edges.length === 1 && options.edgeText?.(drawing.graph.edges[one.edges[0]]);
    if (text) texts.push({ text, x: (one.from.x + one.to.x) / 2, y: (one.from.y + one.end) / 2, isLit });
  }
  // no larger than what is in view: a browser keeps a picture of all of it
  const [x, y] = [Math.max(0, left * state.scale), Math.max(0, top * state.scale)];
  view.curves.style.setProperty("left", `${x}px`);
  view.curves.style.setProperty("top", `${y}px`);
  view.curves.setAttribute("width", Math.max(0, Math.min(state.placed.width, right) * state.scale - x));
  view.curves.setAttribute("height", Math.max(0, Math.min(state.placed.height, bottom) * state.scale - y));
  view.curves.replaceChildren(svg("g", { transform: `translate(${-x} ${-y}) scale(${state.scale})` }, drawn, placedTexts(texts)));
}

/** Texts beside the middles of lines, those of what is selected first; what would lie on another is left out. */
function placedTexts(texts) {
  const placed = [];
  const isFree = (one) => placed.every((other) => one.x + one.w <= other.x || other.x + other.w <= one.x || Math.abs(one.y - other.y) >= EDGE_TEXT.line);
  for (const { text, x, y, isLit } of [...texts].sort((one, other) => other.isLit - one.isLit)) {
    const w = text.length * EDGE_TEXT.letter + 4;
    const places = [x + EDGE_TEXT.aside, x - w - EDGE_TEXT.aside].map((left) => ({ x: left, y, w, text }));
    const found = places.find(isFree) ?? (isLit ? places[0] : null);
    if (found) placed.push(found);
  }
  return placed.reverse().flatMap(({ x, y, w, text }) => [
    svg("rect", { class: "edge-back", x, y: y - EDGE_TEXT.line + 2, width: w, height: EDGE_TEXT.line }),
    svg("text", { class: "edge-text", x: x + 2, y, text }),
  ]);
}

function backwardOf(curve, isLit) {
  const aside = curve.d ? 0 : 6;
  const kind = `backward${isLit ? " lit" : ""}`;
  const path = svg("path", { class: `curve ${kind}`, d: pathOf(curve, aside) });
  return curve.from.ofBox && !curve.d ? [path, arrow(curve.from.x + aside, curve.from.y, "up", kind)] : [path];
}

function arrow(x, y, way, kind) {
  const shapes = { down: [-3.5, -7, 7, 0, -3.5, 7], up: [-3.5, 7, 7, 0, -3.5, -7], left: [7, -3.5, 0, 7, -7, -3.5] };
  const [a, b, c, d, e, f] = shapes[way];
  return svg("path", { class: `arrow ${kind}`, d: `M${x} ${y}l${a} ${b}l${c} ${d}l${e} ${f}z` });
}

function farLabel(curve) {
  const more = curve.names.length > 2 ? ` and ${curve.names.length - 2} more` : "";
  return svg("text", { class: "far", x: curve.from.x + 4, y: curve.from.y + 7, "data-go": curve.names[0], text: `↑ ${curve.names.slice(0, 2).join(", ")}${more}` });
}

function titleOf(drawing, curve) {
  const edges = curve.edges.slice(0, 4).map((at) => drawing.graph.edges[at]);
  return edges.length ? svg("title", { text: edges.map((one) => `${one.to} reads ${one.reads || one.from} (${one.label})`).join("\n") }) : null;
}

/** The lines of what is selected, with the lanes that they leave. */
function litCurves(drawing) {
  const { state, graph } = drawing;
  if (state.lit?.id === state.selected && state.lit?.curves === state.curves) return state.lit.found;
  const found = new Set();
  const lanes = new Set();
  const id = state.selected === null ? null : state.seen.boxOf(state.selected);
  const touches = (at) => [graph.edges[at].from, graph.edges[at].to].some((one) => state.seen.boxOf(one) === id);
  for (const one of id === null ? [] : state.curves) {
    if (!one.edges.some(touches)) continue;
    found.add(one);
    for (let at = one.kind === "far" ? null : one.lane; at !== null; at = state.seen.laneSeen(graph.lanes[at][4])) lanes.add(at);
  }
  for (const one of state.curves) if (!one.arrives && lanes.has(one.lane)) found.add(one);
  state.lit = { id: state.selected, curves: state.curves, found };
  return found;
}

// what a person does

function listen(drawing) {
  const { view, state } = drawing;
  let waiting = false;
  view.scroller.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      render(drawing);
      tellView(drawing);
    });
  }, { passive: true });
  view.scroller.addEventListener("click", (event) => clicked(drawing, event));
  view.scroller.addEventListener("keydown", (event) => keyed(drawing, event));
  view.zoom.in.addEventListener("click", () => zoomed(drawing, ZOOM.step));
  view.zoom.out.addEventListener("click", () => zoomed(drawing, 1 / ZOOM.step));
  view.zoom.fit.addEventListener("click", () => fitGraph(drawing));
  view.zoom.fold.addEventListener("click", () => foldAll(drawing, state.folded.size === 0));
  let width = view.scroller.clientWidth;
  view.watch = new ResizeObserver(() => {
    if (view.scroller.clientWidth === width && width) return render(drawing);
    if (!width) fitGraph(drawing, FIRST_LOOK);
    width = view.scroller.clientWidth;
    return render(drawing);
  });
  view.watch.observe(view.scroller);
}

function clicked(drawing, event) {
  const fold = event.target.closest?.("[data-fold]");
  const node = event.target.closest?.("[data-id]");
  const far = event.target.closest?.("[data-go]");
  if (fold) {
    drawing.state.selected = fold.dataset.fold;
    foldGroup(drawing, fold.dataset.fold, !drawing.state.folded.has(fold.dataset.fold));
  } else if (node) pickNode(drawing, node.dataset.id);
  else if (far) pickNode(drawing, far.dataset.go, true);
}

function pickNode(drawing, id, moves = false) {
  selectNode(drawing, id, moves);
  focusBox(drawing, id);
  if (!drawing.state.index.groups.has(id)) drawing.options.onSelect?.(id);
}

const GRAPH_KEYS = {
  ArrowDown: (drawing) => follow(drawing, "below"),
  ArrowUp: (drawing) => follow(drawing, "above"),
  ArrowLeft: (drawing) => besides(drawing, -1),
  ArrowRight: (drawing) => besides(drawing, 1),
  Enter: (drawing) => drawing.state.selected !== null && pickNode(drawing, drawing.state.selected, true),
  "+": (drawing) => zoomed(drawing, ZOOM.step),
  "=": (drawing) => zoomed(drawing, ZOOM.step),
  "-": (drawing) => zoomed(drawing, 1 / ZOOM.step),
  0: (drawing) => fitGraph(drawing),
  f: (drawing) => foldSelected(drawing),
};

function keyed(drawing, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" && event.target.matches?.("button")) return;
  const act = GRAPH_KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act(drawing);
}

/** Go along a line: to the nearest of what reads this, or of what this reads. */
function follow(drawing, way) {
  const { state, graph } = drawing;
  const [end, other] = way === "below" ? ["from", "to"] : ["to", "from"];
  const at = state.selected === null ? null : state.seen.boxOf(state.selected);
  const ends = state.seen.lines.filter((one) => one[end] === at && one.kind !== "after").map((one) => one[other]).filter((one) => one !== at);
  if (at === null || !state.placed.boxes.has(at)) {
    if (graph.nodes.length) moveTo(drawing, state.seen.boxOf(graph.nodes[0].id));
    return;
  }
  const here = state.placed.boxes.get(at);
  const far = (id) => {
    const box = state.placed.boxes.get(id);
    return Math.abs(box.y - here.y) * 4 + Math.abs(box.x + box.w / 2 - here.x - here.w / 2);
  };
  if (ends.length) moveTo(drawing, ends.reduce((best, one) => (far(one) < far(best) ? one : best)));
}

/** Go to what stands beside, in the same row of the same block. */
function besides(drawing, step) {
  const { state } = drawing;
  const here = state.selected === null ? undefined : state.placed.boxes.get(state.seen.boxOf(state.selected));
  if (!here) return;
  const row = [...state.placed.boxes.values()].filter((one) => !one.open && one.block === here.block && one.y < here.y + here.h && one.y + one.h > here.y).sort((one, other) => one.x - other.x);
  const next = row[row.indexOf(here) + step];
  if (next) moveTo(drawing, next.id);
}

function moveTo(drawing, id) {
  selectNode(drawing, id, true);
  focusBox(drawing, id);
}

function focusBox(drawing, id) {
  const box = drawing.state.drawn.get(drawing.state.seen.boxOf(id));
  (box?.querySelector(".fold") ?? box)?.focus({ preventScroll: true });
}

/** Mark a node or block as selected, and bring it into view; `onSelect` is not called. */
function selectNode(drawing, id, moves) {
  const { state } = drawing;
  if (!state.index.container.has(id)) return;
  const before = state.selected;
  const had = drawing.view.scroller.contains(document.activeElement) && document.activeElement !== drawing.view.scroller;
  state.selected = id;
  for (const one of [before, id]) {
    const seen = one === null ? null : state.seen.boxOf(one);
    state.drawn.get(seen)?.remove();
    state.drawn.delete(seen);
  }
  if (moves) bringIntoView(drawing, state.seen.boxOf(id));
  render(drawing);
  if (had) focusBox(drawing, id);
}

function bringIntoView(drawing, id) {
  const { scroller } = drawing.view;
  const { scale, placed } = drawing.state;
  const box = placed.boxes.get(id);
  const along = (start, length, scrolled, room) => {
    if (start * scale >= scrolled + 20 && (start + length) * scale <= scrolled + room - 20) return scrolled;
    return (start + length / 2) * scale - room / 2;
  };
  scroller.scrollTo(along(box.x, box.w, scroller.scrollLeft, scroller.clientWidth), along(box.y, Math.min(box.h, 100), scroller.scrollTop, scroller.clientHeight));
}

function foldGroup(drawing, id, isFolded) {
  const { state } = drawing;
  if (!state.index.groups.has(id)) return;
  if (isFolded) state.folded.add(id);
  else state.folded.delete(id);
  layOut(drawing);
  bringIntoView(drawing, state.seen.boxOf(id));
  focusBox(drawing, id);
}

/** Unfold the blocks that hide a node. */
function unfoldAround(drawing, id) {
  const { state } = drawing;
  const hiding = state.index.way(id).filter((one) => one !== id && state.folded.delete(one));
  if (hiding.length) layOut(drawing);
}

function foldAll(drawing, isFolded) {
  drawing.state.folded = new Set(isFolded ? drawing.graph.groups.map((one) => one.id) : []);
  layOut(drawing);
}

/** Fold the block around what is selected, or unfold the one that is. */
function foldSelected(drawing) {
  const { state } = drawing;
  if (state.selected === null) return;
  const seen = state.seen.boxOf(state.selected);
  const block = state.index.groups.has(seen) ? seen : state.index.container.get(seen);
  if (block === null || block === undefined) return;
  state.selected = state.folded.has(block) ? state.selected : block;
  foldGroup(drawing, block, !state.folded.has(block));
}

function zoomed(drawing, factor) {
  const { state, view } = drawing;
  const { scroller } = view;
  const before = state.scale;
  const middle = [(scroller.scrollLeft + scroller.clientWidth / 2) / before, (scroller.scrollTop + scroller.clientHeight / 2) / before];
  state.scale = Math.max(ZOOM.least, Math.min(ZOOM.most, before * factor));
  scaled(drawing);
  scroller.scrollTo(middle[0] * state.scale - scroller.clientWidth / 2, middle[1] * state.scale - scroller.clientHeight / 2);
  tellView(drawing);
}

/** As large as the width allows. */
function fitGraph(drawing, { least = 0.3, most = 1.5 } = {}) {
  const { state, view } = drawing;
  const room = view.scroller.clientWidth;
  if (!room) return;
  state.scale = Math.max(least, Math.min(most, (room - 4) / state.placed.width));
  scaled(drawing);
  // of what is wider than there is room for, the middle of what stands on top
  const first = [...state.placed.boxes.values()].reduce((best, one) => (best && best.y <= one.y ? best : one), null);
  if (first) view.scroller.scrollTo((first.x + first.w / 2) * state.scale - room / 2, view.scroller.scrollTop);
}

function tellView(drawing) {
  const { state, view, options } = drawing;
  if (state.quiet) {
    state.quiet = false;
    return;
  }
  options.onView?.({ left: view.scroller.scrollLeft, top: view.scroller.scrollTop, scale: state.scale });
}

/** Look at the same part as another drawing does. */
function showView(drawing, { left, top, scale }) {
  const { state, view } = drawing;
  if (scale !== state.scale) {
    state.scale = scale;
    scaled(drawing);
  }
  if (Math.abs(view.scroller.scrollLeft - left) < 1 && Math.abs(view.scroller.scrollTop - top) < 1) return;
  state.quiet = true;
  view.scroller.scrollTo(left, top);
}

/** The contents have changed: however often that is told, those in view are drawn anew once in a frame. */
function refreshSoon(drawing) {
  if (drawing.state.waiting) return;
  drawing.state.waiting = true;
  requestAnimationFrame(() => {
    drawing.state.waiting = false;
    if (drawing.view.frame.isConnected) refresh(drawing);
  });
}

function refresh(drawing) {
  const { state } = drawing;
  const had = state.drawn.get(state.selected)?.contains(document.activeElement);
  state.contents.clear();
  for (const [id, element] of state.drawn)
    if (state.index.nodes.has(id)) {
      element.remove();
      state.drawn.delete(id);
    }
  render(drawing);
  if (had) focusBox(drawing, state.selected);
}
