// Where the boxes of a graph stand: rows stacked from the ranks and orders that the page holds, so that blocks fold.

const GAP = { x: 18, y: 34, lane: 14, pad: 14, title: 24 };
const SWEEPS = 6;
// a long chain is held near its middle, from which small steps would lead it far away
const LONG = { rows: 30, pull: 0.08 };

/** A graph that is asked about: what stands in what, by name. A block is named by its id, the whole by null. */
function graphIndex(graph) {
  const container = new Map();
  for (const one of graph.groups) container.set(one.id, one.parent ?? null);
  for (const one of graph.nodes) container.set(one.id, one.group ?? null);
  const rows = new Map();
  const add = (block, rank, order, entry) => {
    if (!rows.has(block)) rows.set(block, []);
    const of = rows.get(block);
    (of[rank] ??= [])[order] = entry;
  };
  for (const one of [...graph.groups, ...graph.nodes]) add(container.get(one.id), one.rank, one.order, one.id);
  graph.lanes.forEach(([, block, rank, order], at) => add(block, rank, order, at));
  const way = (id) => {
    const found = [];
    for (let at = id; at !== null && at !== undefined; at = container.get(at)) found.unshift(at);
    return found;
  };
  return {
    graph,
    container,
    rows,
    way,
    groups: new Map(graph.groups.map((one) => [one.id, one])),
    nodes: new Map(graph.nodes.map((one) => [one.id, one])),
    /** What an id stands in, directly in a block: itself or a smaller block; undefined where it is elsewhere. */
    itemIn: (id, block) => way(id).find((one) => container.get(one) === block),
  };
}

/** What can be seen of a graph whose blocks are folded: boxes, and lines between them and lanes. */
function seenGraph(index, folded) {
  const { graph } = index;
  const isOpen = new Map([[null, true]]);
  for (const one of graph.groups) isOpen.set(one.id, isOpen.get(one.parent ?? null) && !folded.has(one.id));
  const box = new Map();
  const boxOf = (id) => {
    if (!box.has(id)) box.set(id, index.way(id).find((one) => folded.has(one)) ?? id);
    return box.get(id);
  };
  const laneSeen = (at) => {
    while (at !== undefined && at !== null && !isOpen.get(graph.lanes[at][1])) at = graph.lanes[at][4];
    return at ?? null;
  };
  const lines = [];
  const known = new Map();
  graph.edges.forEach((edge, number) => {
    const from = boxOf(edge.from);
    const to = boxOf(edge.to);
    if (from === to && edge.kind !== "carry") return;
    if (folded.has(to) && from === to) return;
    const lane = edge.far ? null : laneSeen(edge.lane);
    const key = [from, to, edge.kind === "carry" || edge.kind === "after" ? edge.kind : edge.far ? "far" : lane, folded.has(to) ? "" : edge.label].join("\n");
    const same = known.get(key);
    if (same) {
      same.backward ||= Boolean(edge.backward);
      same.edges.push(number);
      return;
    }
    const line = { from, to, lane, kind: edge.kind, far: Boolean(edge.far), backward: Boolean(edge.backward), edges: [number] };
    known.set(key, line);
    lines.push(line);
  });
  return { isOpen, boxOf, laneSeen, lines };
}

/** Boxes and lanes with their places in pixels: `{boxes: Map(id, {x, y, w, h, ...}), lanes, width, height}`. */
function placedGraph(index, seen, size) {
  const joined = neighbours(index, seen);
  const boxes = new Map();
  const lanes = new Map();
  const measured = (block) => {
    const rows = (index.rows.get(block) ?? []).filter(Boolean).map((row) => row.filter((one) => one !== undefined));
    const extents = new Map();
    for (const one of rows.flat()) extents.set(one, typeof one === "number" ? { w: GAP.lane, h: 0 } : boxed(one));
    const xs = columnsOf(rows, extents, joined);
    const heights = rows.map((row) => Math.max(0, ...row.map((one) => extents.get(one).h)));
    return { rows, extents, xs, heights, ...bounds(rows, extents, xs, heights) };
  };
  const boxed = (id) => {
    if (!index.groups.has(id) || !seen.isOpen.get(id)) return size(id);
    const inner = measured(id);
    const pad = GAP.pad + 8 * carriesIn(index, seen, id);
    return { w: inner.w + GAP.pad + pad, h: inner.h + GAP.title + GAP.pad, inner };
  };
  const put = (inner, left, top, block) => {
    let y = top;
    inner.rows.forEach((row, at) => {
      for (const one of row) {
        const { w, h, inner: within } = inner.extents.get(one);
        const x = left + inner.xs.get(one) - inner.least - w / 2;
        if (typeof one === "number") lanes.set(one, { x: x + w / 2, top: y, bottom: y + inner.heights[at] });
        else boxes.set(one, { id: one, x, y: y + (inner.heights[at] - h) / 2, w, h, block, open: Boolean(within) });
        if (within) put(within, x + GAP.pad, y + (inner.heights[at] - h) / 2 + GAP.title, one);
      }
      y += inner.heights[at] + GAP.y;
    });
  };
  const whole = measured(null);
  put(whole, GAP.pad, GAP.pad, null);
  return { boxes, lanes, width: whole.w + 2 * GAP.pad, height: whole.h + 2 * GAP.pad };
}

function bounds(rows, extents, xs, heights) {
  let least = Infinity;
  let greatest = -Infinity;
  for (const row of rows)
    for (const one of row) {
      least = Math.min(least, xs.get(one) - extents.get(one).w / 2);
      greatest = Math.max(greatest, xs.get(one) + extents.get(one).w / 2);
    }
  const h = heights.reduce((sum, one) => sum + one, 0) + GAP.y * Math.max(0, heights.length - 1);
  return { least: rows.length ? least : 0, w: rows.length ? greatest - least : 0, h };
}

/** How many lines go back up inside a block, on its right. */
function carriesIn(index, seen, block) {
  return seen.lines.filter((one) => one.kind === "carry" && blockOfCarry(index, one) === block).length;
}

/** The innermost block that both ends of a line stand in. */
function blockOfCarry(index, line) {
  const one = index.way(line.from).slice(0, -1);
  const other = new Set(index.way(line.to).slice(0, -1));
  return one.filter((block) => other.has(block)).pop() ?? null;
}

/** What each entry of a row is joined to in the rows above and below, in the same block. */
function neighbours(index, seen) {
  const above = new Map();
  const below = new Map();
  const join = (one, other) => {
    if (one === undefined || other === undefined || one === other) return;
    if (!below.has(one)) below.set(one, []);
    if (!above.has(other)) above.set(other, []);
    below.get(one).push(other);
    above.get(other).push(one);
  };
  const { lanes } = index.graph;
  lanes.forEach(([source, block, , , over], at) => {
    if (!seen.isOpen.get(block)) return;
    if (over !== null && lanes[over][1] === block) join(over, at);
    else join(index.itemIn(source, block), at);
  });
  for (const line of seen.lines) {
    if (line.far) continue;
    if (line.lane !== null) join(line.lane, index.itemIn(line.to, lanes[line.lane][1]));
    else {
      const block = blockOfCarry(index, line);
      join(index.itemIn(line.from, block), index.itemIn(line.to, block));
    }
  }
  return { above, below };
}

/** The middle of each entry from the left: rows in their order, each entry near the mean of what it is joined to. */
function columnsOf(rows, extents, { above, below }) {
  const xs = new Map();
  const apart = (one, other) => (extents.get(one).w + extents.get(other).w) / 2 + (typeof one === "number" && typeof other === "number" ? 2 : GAP.x);
  for (const row of rows) {
    let x = 0;
    row.forEach((one, at) => {
      x += at ? apart(row[at - 1], one) : 0;
      xs.set(one, x);
    });
    row.forEach((one) => xs.set(one, xs.get(one) - x / 2));
  }
  const held = rows.length > LONG.rows ? 1 - LONG.pull : 1;
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const down = sweep % 2 === 0;
    const both = sweep === SWEEPS - 1;
    for (const row of down ? rows : [...rows].reverse()) {
      const wanted = row.map((one) => {
        const near = [...(down || both ? above.get(one) ?? [] : []), ...(!down || both ? below.get(one) ?? [] : [])];
        return near.length ? (held * near.reduce((sum, other) => sum + xs.get(other), 0)) / near.length : xs.get(one);
      });
      spaced(row, wanted, apart).forEach((x, at) => xs.set(row[at], x));
    }
  }
  return xs;
}

/** Places in order and apart, as near as can be to where each is wanted: pools of neighbours that would overlap. */
function spaced(row, wanted, apart) {
  const offsets = [0];
  for (let at = 1; at < row.length; at += 1) offsets.push(offsets[at - 1] + apart(row[at - 1], row[at]));
  const pools = [];
  wanted.forEach((x, at) => {
    let pool = { sum: x - offsets[at], count: 1 };
    while (pools.length && pools.at(-1).sum / pools.at(-1).count >= pool.sum / pool.count) {
      const last = pools.pop();
      pool = { sum: pool.sum + last.sum, count: pool.count + last.count };
    }
    pools.push(pool);
  });
  return pools.flatMap((pool) => Array(pool.count).fill(pool.sum / pool.count)).map((x, at) => x + offsets[at]);
}

/** The lines as curves: `{d, from, to, top, bottom, kind, backward, edges, ...}`, for boxes and lanes with places. */
function curvesOf(index, seen, placed) {
  const { lanes } = index.graph;
  const curves = [];
  // a lane is used where a line leaves it, or a lane that is; each comes after the one above it
  const used = new Map();
  const use = (at, backward) => at !== null && used.set(at, (used.get(at) ?? false) || backward);
  for (const line of seen.lines) if (!line.far) use(line.lane, line.backward);
  for (let at = lanes.length - 1; at >= 0; at -= 1) if (used.has(at)) use(seen.laneSeen(lanes[at][4]), used.get(at));
  const start = (id, lane) => {
    if (lane !== null) return { x: placed.lanes.get(lane).x, y: placed.lanes.get(lane).bottom, ofBox: false };
    const box = placed.boxes.get(id);
    return { x: box.x + box.w / 2, y: box.y + box.h, ofBox: true };
  };
  for (const [at, backward] of used) {
    const from = start(seen.boxOf(lanes[at][0]), seen.laneSeen(lanes[at][4]));
    const to = placed.lanes.get(at);
    curves.push({ lane: at, of: lanes[at][0], backward, from, to: { x: to.x, y: to.top }, end: to.bottom, kind: "operand", arrives: false, edges: [] });
  }
  const entries = new Map();
  for (const line of seen.lines) {
    if (line.kind === "carry" || line.kind === "after") continue;
    if (!entries.has(line.to)) entries.set(line.to, []);
    entries.get(line.to).push({ line, from: line.far ? null : start(line.from, line.lane) });
  }
  for (const [id, found] of entries) {
    const box = placed.boxes.get(id);
    const near = found.filter((one) => one.from).sort((one, other) => one.from.x - other.from.x);
    near.forEach(({ line, from }, at) => {
      const x = box.x + (box.w * (at + 1)) / (near.length + 1);
      curves.push({ ...line, from, to: { x, y: box.y }, end: box.y, arrives: true });
    });
    const far = found.filter((one) => !one.from).map((one) => one.line);
    if (far.length) curves.push(stub(far, box));
  }
  const tracks = new Map();
  for (const line of seen.lines) if (line.kind === "carry") curves.push(carried(index, line, placed, tracks));
  for (const line of seen.lines) if (line.kind === "after") curves.push(following(line, placed));
  for (const one of curves) {
    one.top = Math.min(one.from.y, one.to.y) - 20;
    one.bottom = Math.max(one.from.y, one.to.y, one.end) + 20;
  }
  return curves;
}

/** What is read from far above: a short line with the names. */
function stub(lines, box) {
  const names = [...new Set(lines.map((one) => one.from))];
  const x = box.x + 10;
  return {
    kind: "far",
    names,
    edges: lines.flatMap((one) => one.edges),
    backward: lines.some((one) => one.backward),
    from: { x, y: box.y - 12, ofBox: false },
    to: { x, y: box.y },
    end: box.y,
    arrives: true,
  };
}

/** What a round hands to the next: out on the right, up along its block, and back in. */
function carried(index, line, placed, tracks) {
  const block = blockOfCarry(index, line);
  const around = placed.boxes.get(block);
  const [one, other] = [placed.boxes.get(line.from), placed.boxes.get(line.to)];
  const track = tracks.get(block) ?? 0;
  tracks.set(block, track + 1);
  const right = around ? around.x + around.w - 8 - 8 * track : Math.max(one.x + one.w, other.x + other.w) + 12 + 8 * track;
  const [from, to] = [one, other].map((box) => ({ x: box.x + box.w, y: box.y + box.h / 2, ofBox: true }));
  const lift = line.from === line.to ? 12 : 0;
  const d = `M${from.x} ${from.y + lift}H${right}V${to.y - lift}H${to.x}`;
  return { ...line, from: { ...from, y: from.y + lift }, to: { ...to, y: to.y - lift }, end: to.y, d, arrives: true };
}

/** What only comes after another step, as it changes memory that is read. */
function following(line, placed) {
  const [one, other] = [placed.boxes.get(line.from), placed.boxes.get(line.to)];
  return {
    ...line,
    from: { x: one.x + one.w * 0.85, y: one.y + one.h, ofBox: true },
    to: { x: other.x + other.w * 0.85, y: other.y },
    end: other.y,
    arrives: true,
  };
}

/** The path of a curve, `aside` pixels to the right. */
function pathOf(curve, aside = 0) {
  if (curve.d) return curve.d;
  const { from, to, end } = curve;
  const bend = Math.max(10, (to.y - from.y) / 2);
  const [x0, x1] = [from.x + aside, to.x + aside];
  const down = end > to.y ? `V${end}` : "";
  return `M${x0} ${from.y}C${x0} ${from.y + bend} ${x1} ${to.y - bend} ${x1} ${to.y}${down}`;
}
