// Curves of a sweep: how errors grow along the chain, and with a size. What is allowed is a line; the table is behind.

const CHART = { width: 720, height: 260, left: 60, right: 12, top: 12, bottom: 64 };
const MOST_CURVES = 8;
const CURVE_DASHES = ["", "7 3", "2 3", "10 3 2 3", "4 4", "12 4", "1 4", "6 2 2 2"];
const CURVE_MARKS = ["circle", "square", "triangle", "diamond", "cross", "plus", "circle", "square"];

/**
 * A chart of curves over the same places, on a logarithmic scale of shares of what is allowed.
 * `places` are `{at, text}`; `curves` are `{text, points: [share or null], dashed}` with a point for each place.
 */
function curveChart({ title, places, curves, isLog = false, across = "" }) {
  const shown = curves.slice(0, MOST_CURVES);
  const scale = shareScale(shown.flatMap((one) => one.points));
  const along = placeScale(places, isLog);
  const drawing = svg("svg", { class: "chart", viewBox: `0 0 ${CHART.width} ${CHART.height}`, role: "img", "aria-label": title });
  drawing.append(...chartFrame(scale, places, along, across));
  shown.forEach((one, at) => drawing.append(...curve(one, at, places, scale, along)));
  const legend = el("p", { class: "legend" }, shown.map((one, at) => el("span", {}, curveKey(one, at), ` ${one.text} `)));
  const left = curves.length > shown.length && el("p", { class: "aside", text: `and ${curves.length - shown.length} more, in the table` });
  const rows = () => table(["", ...curves.map((one) => one.text)], places.map((place, at) => [place.text, ...curves.map((one) => shareWords(one.points[at] ?? NaN))]));
  return el("figure", {}, el("figcaption", { text: title }), drawing, legend, left, folded("as a table", rows));
}

/** From shares to heights: powers of ten from the least to the greatest, 1 among them; infinite ones lie above. */
function shareScale(shares) {
  const finite = shares.filter((one) => one !== null && one > 0 && one < Infinity).map(Math.log10);
  const least = Math.max(LEAST_SHADE, Math.floor(Math.min(-1, ...finite)));
  const most = Math.min(12, Math.ceil(Math.max(0.5, ...finite)));
  const isOver = shares.some((one) => one === Infinity);
  const above = isOver ? 22 : 4;
  const height = CHART.height - CHART.top - CHART.bottom - above;
  const y = (share) => {
    if (share === Infinity) return CHART.top + 6;
    const power = share > 0 ? Math.log10(share) : least;
    return CHART.top + above + height * (1 - (Math.max(least, Math.min(most, power)) - least) / (most - least));
  };
  return { least, most, isOver, y };
}

function placeScale(places, isLog) {
  const numbers = places.map((one, at) => (one.at === undefined ? at : isLog ? Math.log10(one.at) : one.at));
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const width = CHART.width - CHART.left - CHART.right - 20;
  return (at) => CHART.left + 10 + (most > least ? ((numbers[at] - least) / (most - least)) * width : width / 2);
}

function chartFrame(scale, places, along, across) {
  const found = [];
  const right = CHART.width - CHART.right;
  const every = Math.ceil((scale.most - scale.least) / 8);
  for (let power = scale.least; power <= scale.most; power += 1) {
    if (power !== 0 && (power - scale.least) % every) continue;
    const y = scale.y(10 ** power);
    found.push(svg("line", { x1: CHART.left, x2: right, y1: y, y2: y, class: power === 0 ? "limit" : "rule" }));
    const text = power === 0 ? "allowed" : power === LEAST_SHADE ? `≤${powerWords(power)}` : powerWords(power);
    found.push(svg("text", { x: CHART.left - 4, y: y + 4, class: "y", text }));
  }
  if (scale.isOver) found.push(svg("text", { x: CHART.left - 4, y: scale.y(Infinity) + 4, class: "y", text: "inf" }));
  const skip = Math.ceil(places.length / 40);
  places.forEach((place, at) => {
    const [x, y] = [along(at), CHART.height - CHART.bottom + 12];
    if (at % skip === 0) found.push(svg("text", { x, y, class: "x", transform: `rotate(-45 ${x} ${y})`, text: shortened(place.text, 12) }));
    if (place.begins) found.push(svg("line", { x1: x - 6, x2: x - 6, y1: CHART.top, y2: CHART.height - CHART.bottom, class: "part" }));
  });
  if (across) found.push(svg("text", { x: right, y: CHART.height - 3, class: "y", text: across }));
  return found;
}

function powerWords(power) {
  return Math.abs(power) > 3 ? `1e${power}x` : `${10 ** power}x`.replace(/^1000x/, "1,000x");
}

function shortened(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function curve(one, at, places, scale, along) {
  const runs = [[]];
  one.points.forEach((share, place) => {
    if (share === null || Number.isNaN(share) || places[place].begins) runs.push([]);
    if (share !== null && !Number.isNaN(share)) runs.at(-1).push([along(place), scale.y(share), place]);
  });
  const found = [];
  for (const run of runs.filter((points) => points.length)) {
    const points = run.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    found.push(svg("polyline", { points, ...curveLook(at) }));
    if (places.length > 400) continue;
    for (const [x, y, place] of run) {
      const says = `${one.text}, ${places[place].text}: ${shareWords(one.points[place])}`;
      const mark = curveMark(at, x, y, one.hollow);
      mark.append(svg("title", { text: says }));
      found.push(mark);
    }
  }
  return found;
}

function curveLook(at) {
  return { class: `curve curve-${at % MOST_CURVES}`, "stroke-dasharray": CURVE_DASHES[at % MOST_CURVES] };
}

function curveMark(at, x, y, isHollow = false) {
  const shapes = {
    circle: `M${x - 4},${y}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0`,
    square: `M${x - 3.5},${y - 3.5}h7v7h-7z`,
    triangle: `M${x},${y - 4.5}l4.5,8h-9z`,
    diamond: `M${x},${y - 5}l5,5l-5,5l-5,-5z`,
    cross: `M${x - 4},${y - 4}l8,8m0,-8l-8,8`,
    plus: `M${x - 5},${y}h10m-5,-5v10`,
  };
  return svg("path", { d: shapes[CURVE_MARKS[at % MOST_CURVES]], class: `mark curve-${at % MOST_CURVES}${isHollow ? " hollow" : ""}` });
}

function curveKey(one, at) {
  const key = svg("svg", { class: "key", width: 34, height: 12, "aria-hidden": "true" });
  key.append(svg("line", { x1: 1, x2: 33, y1: 6, y2: 6, ...curveLook(at) }), curveMark(at, 17, 6, one.hollow));
  return key;
}

// what is drawn of a sweep

/** Of some cells, what each value used at most, a curve for each value of an axis; along the chain, then back. */
function growthChart(cells, all, axis) {
  const shown = ofOneRecipe(cells, all);
  const of = shown.length < all.length ? `, of ${cells.valueOf(cells.axis("recipe"), shown[0])}` : "";
  const { forward, backward } = cells.columnsOf(shown);
  const columns = [...forward, ...backward];
  if (!columns.length) return null;
  const curves = new Map();
  for (const row of shown) {
    const text = axis < 0 ? "all cells" : `${head.axes[axis].key}=${cells.valueOf(axis, row)}`;
    if (!curves.has(text)) curves.set(text, columns.map(() => null));
    const points = curves.get(text);
    columns.forEach((column, at) => (points[at] = greaterOf(points[at], usedOrNull(cells.code(row, column)))));
  }
  const title = "how the error grows along the chain, forward and then backward: the most that a cell used of what is allowed";
  const worst = [...curves].map(([text, points]) => ({ text, points })).sort((one, other) => greatestOf(other) - greatestOf(one));
  return curveChart({ title: title + of, places: chainPlaces(cells, forward, backward), curves: worst });
}

/** The cells of the recipe of the first: chains of different recipes have no places in common. */
function ofOneRecipe(cells, shown) {
  const axis = cells.axis("recipe");
  return axis < 0 ? shown : shown.filter((row) => cells.valueOf(axis, row) === cells.valueOf(axis, shown[0]));
}

function chainPlaces(cells, forward, backward) {
  return [...forward, ...backward].map((column, at) => ({ text: cells.columns[column].name, begins: at > 0 && at === forward.length }));
}

function usedOrNull(code) {
  return code <= UNJUDGED ? null : usedOf(code);
}

function greaterOf(one, other) {
  return one === null || (other !== null && other > one) ? other : one;
}

function greatestOf(one) {
  return Math.max(-1, ...one.points.filter((share) => share !== null));
}

/** The axes of numbers that are sizes: those of `params` first. */
function sizeAxes() {
  const numbers = head.axes.filter(({ key, values }) => key !== "seed" && values.length > 1 && values.every((one) => one.trim() !== "" && Number.isFinite(Number(one))));
  return numbers.sort((one, other) => other.key.startsWith("params.") - one.key.startsWith("params."));
}

/** What cells used against a size, a curve for each value of another axis. */
function sizeChart(cells, shown, size, axis) {
  const at = cells.axis(size.key);
  const order = size.values.map((_, place) => place).sort((one, other) => Number(size.values[one]) - Number(size.values[other]));
  const curves = new Map();
  for (const row of shown) {
    const place = order.indexOf(cells.rows.axes[at][row]);
    if (place < 0) continue;
    const text = axis < 0 || axis === at ? "all cells" : `${head.axes[axis].key}=${cells.valueOf(axis, row)}`;
    if (!curves.has(text)) curves.set(text, order.map(() => null));
    const points = curves.get(text);
    points[place] = greaterOf(points[place], cells.used(row));
  }
  const numbers = order.map((place) => Number(size.values[place]));
  const isLog = numbers[0] > 0 && numbers.at(-1) >= 8 * numbers[0];
  const places = order.map((place, position) => ({ at: numbers[position], text: size.values[place] }));
  const found = [...curves].map(([text, points]) => ({ text, points })).sort((one, other) => greatestOf(other) - greatestOf(one));
  return curveChart({ title: `what the worst value used of what is allowed, by ${size.key}`, places, curves: found, isLog, across: size.key });
}
