// The page of a sweep: what failed, cells by values, curves, cells that did not run, and a cell in full.

async function drawSweepPage(root, tools) {
  const failures = failureSection();
  const matrixPlace = el("section", { id: "matrix" }, el("h2", { text: "cells by values" }), el("p", { class: "aside", text: "reading the cells" }));
  const cellPlace = el("section", { id: "cell", tabindex: "-1" });
  const charts = el("section", { id: "charts" });
  root.append(failures, matrixPlace, cellPlace, charts, quietSection());
  await new Promise(requestAnimationFrame);
  const cells = await SweepCells.read();
  const filter = new SweepFilter(cells);
  const matrix = new SweepMatrix(cells, (row, column) => go(cells.rows.number[row], cells.columns[column]?.name ?? ""));
  const count = el("p", { class: "aside", role: "status" });
  const behind = el("div");
  const show = () => {
    const shown = filter.shown();
    matrix.show(shown, filter.group);
    count.textContent = countWords(cells, shown);
    behind.replaceChildren(folded("as a table", () => matrixTable(cells, shown)));
    drawCharts(charts, cells, shown);
  };
  matrixPlace.replaceChildren(el("h2", { text: "cells by values" }), filterBar(cells, filter, show), count, matrix.element, behind);
  tools.append(searchBox(cells.columns.map(({ name, op }) => ({ text: name, about: op })), (column) => showStep(cells, matrix, filter.shown(), column), { label: "find a value" }));
  show();
  onGo(({ cell, step }) => openCell(cellPlace, cells, matrix, cell, step));
}

function countWords(cells, shown) {
  const bad = shown.filter((row) => cells.rows.bad[row]).length;
  const left = cells.leftOut ? `; of ${cells.leftOut.toLocaleString("en")} the table has the cells alone, as they are too many` : "";
  return `${shown.length.toLocaleString("en")} of ${cells.count.toLocaleString("en")} cells, ${bad.toLocaleString("en")} of them bad${left}`;
}

/** Go to the worst cell that is out of bounds at a value, or to the first that has it. */
function showStep(cells, matrix, shown, column) {
  const row = shown.find((one) => cells.code(one, column) > LIMIT_CODE) ?? shown.find((one) => cells.code(one, column) >= 0);
  if (row === undefined) return;
  matrix.reveal(row, column);
  matrix.scroller.focus();
}

// what failed, and what did not run

const FAILURES_SHOWN = 4;

function failureSection() {
  const cards = head.failures.map(failureCard);
  const others = cards.splice(FAILURES_SHOWN);
  const left = head.more_failures ? el("p", { class: "bad", text: `and ${head.more_failures} kinds more` }) : "";
  const rest = others.length ? folded(others.length === 1 ? "1 other kind of failure" : `${others.length} other kinds of failure`, () => el("div", {}, others, left)) : "";
  return el("section", { id: "failures" }, cards, rest);
}

function failureCard(failure, position) {
  const link = el("a", { href: addressOf(failure.cell, failure.value), text: `show cell ${failure.cell}` });
  const others = failure.cells.filter((one) => one !== failure.cell).slice(0, 12);
  const like = failure.count > 1 && el("p", { class: "aside" }, `${(failure.count - 1).toLocaleString("en")} like it: `, others.flatMap((one) => [el("a", { href: addressOf(one, failure.value), text: String(one) }), " "]), failure.count - 1 > others.length && "…");
  const body = () => el("div", {}, lines(failure.lines.slice(1)), el("p", {}, link), like, command(failure.command));
  const made = folded(el("span", { class: failure.lines[0].style, text: failure.lines[0].text }), body, { open: position === 0 });
  made.className = "failure";
  return made;
}

function quietSection() {
  const told = [[false, "cells that did not run"], [true, "cells of other outcomes"]].map(([ran, title]) => {
    const found = head.quiet.filter((one) => one.ran === ran);
    return found.length ? [el("h2", { text: title }), ...found.map(quietCard)] : [];
  });
  return el("section", { id: "quiet" }, told.flat());
}

function quietCard(one) {
  const title = `${one.outcome}: ${one.count.toLocaleString("en")} of ${head.cells.toLocaleString("en")} cells`;
  const numbers = one.numbers.flatMap((number) => [el("a", { href: addressOf(number), text: String(number) }), " "]);
  const left = one.count > one.numbers.length ? "…" : "";
  const body = () => el("div", {}, el("p", { text: one.why }), el("p", { class: "aside" }, "cells ", numbers, left), command(one.command));
  const made = folded(title, body, { open: !one.ran });
  made.className = "failure quiet";
  return made;
}

// filters

const MOST_CHOICES = 100;

function filterBar(cells, filter, show) {
  const changed = (set) => (event) => {
    set(event.target.value);
    show();
  };
  const axes = head.axes.map(({ key, values }, axis) => values.length <= MOST_CHOICES && choice(key, ["", ...values], "all", changed((value) => (filter.axes[axis] = value))));
  const outcomes = choice("outcome", ["", ...head.outcomes.map((one) => one.text)], "all", changed((value) => (filter.outcome = value)));
  const steps = stepChoice(cells, filter, changed);
  const keys = head.axes.map((one) => one.key);
  const order = choice("order", ["worst", "number", ...keys], "", changed((value) => (filter.order = value)), (key) => ({ worst: "worst first", number: "by number" })[key] ?? `by ${key}`);
  const group = choice("group", ["", ...keys], "none", changed((value) => (filter.group = value)), (key) => `by ${key}`, filter.group);
  const text = el("input", { type: "search", "aria-label": "words of a cell", placeholder: "words", on: { input: changed((value) => (filter.text = value)) } });
  return el("div", { class: "filters", role: "search", "aria-label": "which cells are shown" }, axes, outcomes, steps, text, order, group);
}

/** At which value a cell must be out of bounds: one of few, or all whose names have what is typed. */
function stepChoice(cells, filter, changed) {
  const names = cells.columns.map((one) => one.name);
  const label = "out of bounds at";
  if (names.length <= MOST_CHOICES)
    return choice(label, ["", ...names.keys()], "any", changed((value) => (filter.columns = value === "" ? null : [Number(value)])), (at) => names[at]);
  const named = (text) => names.flatMap((name, column) => (name.includes(text) ? [column] : []));
  const act = changed((text) => (filter.columns = text === "" ? null : named(text)));
  return el("label", {}, `${label} `, el("input", { type: "search", "aria-label": label, on: { change: act } }));
}

function choice(label, values, none, act, name = (value) => value, chosen = "") {
  const options = values.map((value) => el("option", { value: String(value), selected: value !== "" && value === chosen, text: value === "" ? none : name(value) }));
  return el("label", {}, `${label} `, el("select", { "aria-label": label, on: { change: act } }, options));
}

/** The cells as a table, made as far as it is read. */
function matrixTable(cells, shown) {
  const { forward, backward } = cells.columnsOf(shown);
  const columns = [...forward, ...backward].slice(0, 60);
  const row = (at) => [
    el("a", { href: addressOf(cells.rows.number[at]), text: String(cells.rows.number[at]) }),
    cells.words(at), cells.text("outcome", at), cells.text("place", at), shareWords(cells.used(at)), cells.text("error", at),
    ...columns.map((column) => (cells.code(at, column) < 0 ? "" : shareWords(usedOf(cells.code(at, column))))),
  ];
  const rows = { length: shown.length, slice: (begin, end) => shown.slice(begin, end).map(row) };
  const names = columns.map((column) => ({ text: cells.columns[column].name, class: "number" }));
  return table(["cell", "axes", "outcome", "starts at", { text: "used", class: "number" }, "largest error", ...names], rows, { caption: "cells, and what each value used of what is allowed", most: 100 });
}

// curves

function drawCharts(place, cells, shown) {
  const known = place.querySelector("select")?.value;
  const usual = ["dtype", "backend", "device"].find((key) => cells.axis(key) >= 0) ?? "";
  const key = known ?? usual;
  const axis = cells.axis(key);
  const each = choice("a curve for each", ["", ...head.axes.map((one) => one.key)], "none", () => drawCharts(place, cells, shown));
  each.querySelector("select").value = key;
  const growth = growthChart(cells, shown, axis);
  const sizes = sizeAxes().slice(0, 3).map((size) => sizeChart(cells, shown, size, axis));
  if (!growth) place.replaceChildren();
  else place.replaceChildren(el("h2", { text: "how errors grow" }), head.axes.length ? each : "", el("div", { class: "charts" }, growth, sizes));
}
