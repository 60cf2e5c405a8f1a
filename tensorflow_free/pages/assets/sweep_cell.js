// A cell of a sweep: its graph with errors, actual beside expected beside difference, its curves, what shows it alone.

let cellOpened = 0;

async function openCell(place, cells, matrix, number, step) {
  const mine = (cellOpened += 1);
  const row = cells.rowOf.get(Number(number));
  if (number === "" || row === undefined) {
    place.replaceChildren(...(number === "" ? [] : [el("p", { class: "notice", text: `there is no cell ${number} here` })]));
    return;
  }
  const column = cells.columns.findIndex((one) => one.name === step);
  matrix.reveal(row, column);
  if (place.dataset.cell !== number) {
    const drawn = await (hasPart(`cell-${number}/cell`) ? cellInFull(cells, row) : cellInNumbers(cells, row));
    if (mine !== cellOpened) return;
    place.dataset.cell = number;
    place.replaceChildren(drawn.element);
    place.show = drawn.show;
    place.scrollIntoView({ block: "nearest" });
  }
  place.show?.(step);
}

/** A cell that is not here in full: its row, what each value used, and the commands that show more. */
function cellInNumbers(cells, row) {
  const { forward, backward } = cells.columnsOf([row]);
  const values = [...forward, ...backward].map((column) => [cells.columns[column].name, cells.columns[column].op, shareWords(usedOf(cells.code(row, column)))]);
  const element = el(
    "div",
    {},
    el("h2", { text: `cell ${cells.rows.number[row]}: ${cells.words(row)}` }),
    el("p", { class: cells.rows.bad[row] ? "bad" : "", text: cells.text("outcome", row) }),
    el("p", { text: cells.text("why", row) }),
    cells.text("error", row) && el("p", { text: `largest error ${cells.text("error", row)}` }),
    el("p", { class: "aside", text: "it is here in numbers alone; these show it in full:" }),
    [cells.text("command", row), cells.rows.shown[row]].filter(Boolean).map(command),
    values.length ? table(["value", "op", { text: "used", class: "number" }], values, { caption: "what each value used of what is allowed" }) : "",
  );
  return { element };
}

async function cellInFull(cells, row) {
  const number = cells.rows.number[row];
  const cell = await part(`cell-${number}/cell`);
  const expected = hasPart(`cell-${number}/expected`) ? await part(`cell-${number}/expected`) : null;
  const known = new Map(cell.values.map((one) => [one.name, one]));
  const graph = el("div");
  const value = el("div", { "aria-live": "polite" });
  const element = el(
    "div",
    {},
    el("h2", {}, `cell ${number}: ${cell.axes.map(([key, one]) => `${key}=${one}`).join(", ")} `, el("span", { class: cell.outcome.style, text: cell.outcome.text })),
    el("div", { class: "lines" }, lines(cell.lines), cell.reference && el("p", { class: "aside", text: `compared with ${cell.reference}` })),
    cell.commands.map(command),
    value,
    await chainChart(cells, row, cell),
    graph,
    cell.values.length ? folded("each value as a table", () => verdictTable(cell, number)) : "",
  );
  const options = { against: (step) => againstOf(cell, step), cell: String(number), onPick: (step) => go(number, step) };
  const run = hasPart(`cell-${number}/run`) ? await drawRun(graph, `cell-${number}/`, options) : null;
  const show = (asked) => {
    const step = stepOf(asked || cell.culprits[0] || cell.start || worstValue(cell));
    const found = valuesOf(cell, step).sort((one, other) => (other.name === asked) - (one.name === asked) || isWorse(other, one));
    const [first, ...others] = found.map((one) => () => valueAgainst(one, expected, number));
    const more = others.slice(0, 4).map((draw, at) => folded(found[at + 1].name, draw));
    value.replaceChildren(...(first ? [first(), ...more] : []));
    if (step) run?.select(step);
  };
  return { element, show };
}

/** The value that used most of what is allowed; empty where none was judged. */
function worstValue(cell) {
  const judged = cell.values.filter((one) => one.used !== null);
  const share = (one) => (one.used === "inf" ? Infinity : one.used);
  return judged.reduce((worst, one) => (worst && share(worst) >= share(one) ? worst : one), null)?.name ?? "";
}

function stepOf(name) {
  return name.split(".")[0];
}

/** The verdicts on a step's value, its fields and their gradients. */
function valuesOf(cell, step) {
  return cell.values.filter((one) => stepOf(one.name) === step);
}

function isWorse(one, other) {
  return (one.tone === "bad") - (other.tone === "bad");
}

/** What the graph and the details of a run show of a step: the worst of its value and gradient, and what is wrong alone. */
function againstOf(cell, step) {
  const found = valuesOf(cell, step).filter((one) => one.share || one.tone);
  if (!found.length) return null;
  const shares = found.map((one) => (one.used === "inf" ? Infinity : (one.used ?? 0)));
  const isCulprit = cell.steps.includes(step);
  const words = found.filter((one) => one.share).map((one) => `${one.name.endsWith(".grad") ? "gradient used" : "used"} ${one.share}`);
  const told = found.flatMap((one) => [el("p", { class: one.tone, text: `${one.name}: ${valueWords(one)}` }), ...one.alone.map((each) => el("p", { class: each.tone, text: aloneWords(each) }))]);
  return {
    tone: isCulprit || found.some((one) => one.tone === "bad") ? "bad" : "",
    share: shadeOfUsed(Math.max(...shares)),
    lines: [...(isCulprit ? ["culprit"] : []), ...words],
    elements: told,
  };
}

// a value beside what was expected

function valueAgainst(value, expected, number) {
  const pictures = expected?.values && Object.hasOwn(expected.values, value.name) ? expected.values[value.name] : [];
  return el(
    "section",
    {},
    el("h3", {}, `${value.name}${value.op && value.op !== value.name ? ` (${value.op})` : ""} `, el("a", { href: addressOf(number, value.name), text: "#", "aria-label": `link to ${value.name}` })),
    el("p", { class: value.tone, text: valueWords(value) }),
    value.why && el("p", { text: value.why }),
    value.allowed && el("p", { class: "aside", text: `allowed: ${value.allowed}` }),
    value.worst && el("p", { text: `the worst element ${value.worst.at}: ${value.worst.found}, and ${value.worst.wanted} expected` }),
    value.alone.map((one) => el("p", { class: one.tone, text: aloneWords(one) })),
    pictures.length ? el("div", { class: "beside" }, pictures.map(({ picture, caption }) => drawPicture(picture, { size: "large", caption }))) : "",
    expected?.why && el("p", { class: "aside", text: expected.why }),
    expected?.command && command(expected.command),
  );
}

function valueWords(value) {
  return value.share ? `used ${value.share} of what is allowed${value.error && `; largest error ${value.error}`}` : value.outcome;
}

function aloneWords(one) {
  const what = one.direction === "backward" ? `the backward of ${one.step}` : one.step;
  return `alone, ${what}${one.share ? `: ${one.share} of what is allowed` : ""}${one.why && `: ${one.why}`}`;
}

function verdictTable(cell, number) {
  const rows = cell.values.map((one) => [
    el("a", { href: addressOf(number, one.name), text: one.name }), one.op, el("span", { class: one.tone, text: one.outcome }), one.share,
    one.alone.map((each) => each.share).join(", "), one.error, one.worst ? `${one.worst.at} ${one.worst.found} / ${one.worst.wanted}` : "", one.rule, one.why,
  ]);
  const number_ = (text) => ({ text, class: "number" });
  return table(["value", "op", "outcome", number_("used"), number_("alone"), "largest error", "worst: actual / expected", "rule", "why"], rows, { caption: "each value, in the chain and its step alone" });
}

// how its error grows

/** This cell's values in the chain and its steps alone, and those of the cells that differ in dtype alone. */
async function chainChart(cells, row, cell) {
  const { forward, backward } = cells.columnsOf([row]);
  const columns = [...forward, ...backward];
  if (!columns.length) return null;
  const names = columns.map((column) => cells.columns[column].name);
  const dtype = cells.axis("dtype");
  const curves = [{ text: dtype < 0 ? "in the chain" : `${cells.valueOf(dtype, row)}, in the chain`, points: columns.map((column) => usedOrNull(cells.code(row, column))) }];
  curves.push(...aloneCurve(cell, names, dtype < 0 ? "" : `${cells.valueOf(dtype, row)}, `));
  for (const other of siblings(cells, row, dtype).slice(0, 5)) {
    const word = `${cells.valueOf(dtype, other)}, `;
    curves.push({ text: `${word}in the chain`, points: columns.map((column) => usedOrNull(cells.code(other, column))) });
    const name = `cell-${cells.rows.number[other]}/cell`;
    if (hasPart(name)) curves.push(...aloneCurve(await part(name), names, word));
  }
  return curveChart({ title: "how the error grows along the chain of this cell, forward and then backward", places: chainPlaces(cells, forward, backward), curves });
}

/** What the steps of a cell used alone, if they were judged so: a curve, or none. */
function aloneCurve(cell, names, word) {
  const alone = alonePoints(cell);
  return alone.size ? [{ text: `${word}each step alone`, points: names.map((name) => alone.get(name) ?? null), hollow: true }] : [];
}

function alonePoints(cell) {
  const found = new Map();
  for (const value of cell.values) {
    const used = value.alone.filter((one) => one.used !== null).map((one) => (one.used === "inf" ? Infinity : one.used));
    if (used.length) found.set(value.name, Math.max(...used));
  }
  return found;
}

/** The cells that differ from one in an axis alone. */
function siblings(cells, row, axis) {
  if (axis < 0) return [];
  const { axes } = cells.rows;
  const found = [];
  for (let other = 0; other < cells.count; other += 1)
    if (other !== row && axes.every((places, at) => at === axis || places[other] === places[row])) found.push(other);
  return found;
}
