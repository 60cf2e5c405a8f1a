// Two sides of one chain: actual beside expected beside their difference. One section is a pair of runs, or a case.

function drawPairPage(root, tools) {
  const select = drawSection(root, head, "", { tools });
  onGo(({ step }) => select(step));
}

/**
 * Draw a section: what was found, both chains, a row for each value, and below the selected one its pictures.
 * `prefix` is that of its parts; `cell` the name of the section in the address of a page that has several.
 * What it gives selects a value, or a step of the chain; with "" that at which it differs first, or that is worst.
 */
function drawSection(root, section, prefix, { tools = null, cell = "" } = {}) {
  const rows = drawRows(section, prefix, (name) => go(cell, name));
  const graphs = drawSides(section, prefix, (name) => go(cell, rowOfStep(section, name)?.name ?? name));
  const starts = section.first
    ? el("p", {}, `${section.starts} `, el("a", { href: addressOf(cell, section.first), text: section.first }), ".")
    : null;
  root.append(
    ...[starts, ...section.notes.map(drawNote), drawCommands(section.commands), graphs.drawn, rows.drawn].filter(Boolean),
  );
  if (tools && section.rows.length) {
    const items = section.rows.map((row) => ({ text: row.name, about: textOf(row.cells[1]) }));
    tools.append(searchBox(items, (at) => go(cell, section.rows[at].name), { label: "search values" }));
  }
  return (name) => {
    const wanted = name || section.first || (section.rows.some((one) => one.tone === "bad") ? worstOf(section.rows).name : "");
    const row = section.rows.find((one) => one.name === wanted) ?? rowOfStep(section, wanted);
    rows.select(row ?? null, { isAsked: name !== "" });
    graphs.select(row?.step ?? wanted);
  };
}

/** The row that a step of the chain stands for: its worst one. */
function rowOfStep(section, step) {
  const found = section.rows.filter((one) => one.step === step);
  return found.find((one) => one.tone === "bad") ?? found.find((one) => one.name === step) ?? found[0];
}

function worstOf(rows) {
  return [...rows].sort(worseFirst)[0];
}

function textOf(cell) {
  return typeof cell === "string" ? cell : cell[0];
}

function drawCell(cell) {
  return typeof cell === "string" ? cell : el("span", { class: cell[1], text: cell[0] });
}

function drawNote(note) {
  return folded(note.title, () => el("div", {}, lines(note.lines)), { open: true });
}

function drawCommands(commands) {
  if (!commands.length) return null;
  return el("dl", { class: "commands" }, commands.flatMap((one) => [el("dt", { text: one.about }), el("dd", {}, command(one.text))]));
}

// the rows

const ORDERS = { used: "by the error used", chain: "in the order of the chain" };

function drawRows(section, prefix, onPick) {
  const order = el("select", { "aria-label": "order of the values" }, Object.entries(ORDERS).map(([value, text]) => el("option", { value, text })));
  const only = el("input", { type: "checkbox", id: `only-${(drawRows.count = (drawRows.count ?? 0) + 1)}` });
  const count = section.rows.filter((row) => row.tone).length;
  const body = el("tbody");
  const made = el(
    "table",
    { class: "pair-values" },
    el("caption", { text: section.sides.length > 1 ? "each value, and what it is held against" : "each value" }),
    el("thead", {}, el("tr", {}, section.columns.map((text) => el("th", { scope: "col", text })))),
    body,
  );
  const more = el("button", { type: "button", class: "more" });
  let elements = new Map();
  let wanted = [];
  let shown = 0;
  let selected = null;
  const put = (row) => {
    if (!elements.has(row.name)) elements.set(row.name, drawRow(row, onPick));
    body.append(elements.get(row.name));
  };
  const add = () => {
    wanted.slice(shown, shown + 200).forEach(put);
    shown = Math.min(wanted.length, shown + 200);
    more.textContent = `${wanted.length - shown} more values`;
    more.hidden = shown >= wanted.length;
    mark();
  };
  const draw = () => {
    wanted = section.rows.filter((row) => row.tone || !only.checked);
    if (order.value === "used") wanted.sort(worseFirst);
    elements = new Map();
    shown = 0;
    body.replaceChildren();
    add();
  };
  const details = el("tr", { class: "pair-details" });
  const mark = () => {
    details.remove();
    for (const drawn of elements.values()) drawn.removeAttribute("aria-current");
    const drawn = elements.get(selected?.name);
    if (!drawn) return;
    drawn.setAttribute("aria-current", "true");
    drawn.after(details);
  };
  body.addEventListener("keydown", (event) => moveAmong(event));
  order.addEventListener("change", draw);
  only.addEventListener("change", draw);
  more.addEventListener("click", add);
  if (!section.rows.some((row) => row.used !== undefined)) order.value = "chain";
  draw();
  const choices = el(
    "div",
    { class: "choices" },
    section.rows.some((row) => row.used !== undefined) && order,
    count > 0 && count < section.rows.length && el("label", { for: only.id }, only, ` only the ${count} that differ`),
  );
  const drawn = el("section", { class: "rows" }, el("h2", { text: "Values" }), choices, el("div", { class: "table", tabindex: "0", role: "region", "aria-label": "values" }, made), more);
  return {
    drawn: section.rows.length ? drawn : null,
    async select(row, { isAsked = false } = {}) {
      if (row === selected) return;
      selected = row;
      // one that is far down stands below those that are shown
      if (row && !elements.has(row.name) && wanted.includes(row)) put(row);
      const shown = row ? await drawDetails(section, prefix, row) : [];
      if (row !== selected) return;
      details.replaceChildren(el("td", { colspan: section.columns.length }, shown));
      mark();
      if (isAsked) elements.get(row?.name)?.scrollIntoView({ block: "nearest" });
    },
  };
}

/** The order of rows: what fails stands above all else, and then what used more of what it is allowed. */
function worseFirst(one, other) {
  return (other.tone === "bad") - (one.tone === "bad") || shareOfRow(other) - shareOfRow(one);
}

function shareOfRow(row) {
  return row.used === undefined ? -1 : row.used === "inf" ? Number.MAX_VALUE : Number(row.used);
}

function drawRow(row, onPick) {
  return el(
    "tr",
    {
      class: row.tone || null,
      tabindex: "0",
      "data-name": row.name,
      on: {
        click: () => onPick(row.name),
        keydown: (event) => event.key === "Enter" && onPick(row.name),
      },
    },
    row.cells.map((cell) => el("td", {}, drawCell(cell))),
  );
}

/** Arrows move among the rows of a table. */
function moveAmong(event) {
  const next = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  let to = next && event.target.closest("tr")?.[next];
  if (to?.className === "pair-details") to = to[next];
  if (!to) return;
  event.preventDefault();
  to.focus();
}

// both chains

function drawSides(section, prefix, onPick) {
  if (!section.graphs.length) return { drawn: null, select: () => {} };
  const boxes = section.graphs.map((title) => el("figure", { class: "pair-side" }, el("figcaption", { text: title })));
  const drawn = el("section", { class: "pair-sides" }, boxes);
  const controllers = [];
  const known = [];
  let selected = null;
  const selectIn = (at) => known[at]?.has(selected) && controllers[at]?.select(selected);
  section.graphs.forEach(async (_, at) => {
    const graph = await part(`${prefix}graph-${at}`);
    known[at] = new Set(graph.nodes.map((one) => one.id));
    const box = el("div", { class: "pair-chain" });
    boxes[at].append(box);
    controllers[at] = drawGraph(box, graph, {
      content: (id) => pairContent(section, id, at),
      onSelect: onPick,
      backward: true,
      onView: (view) => controllers.forEach((one, other) => other !== at && one?.show(view)),
    });
    selectIn(at);
  });
  return {
    drawn,
    select(id) {
      selected = id;
      controllers.forEach((_, at) => selectIn(at));
    },
  };
}

/** What a node of a chain says: its value and its gradient on this side, and how it is marked. */
function pairContent(section, id, side) {
  const [tone, told] = Object.hasOwn(section.marks, id) ? section.marks[id] : ["", ""];
  const column = section.columns.length - section.sides.length + side;
  const textIn = (row) => (row && column in row.cells ? textOf(row.cells[column]) : "");
  const wordsOf = (name, row) => (Object.hasOwn(section.node_words, name) ? section.node_words[name][side] : textIn(row));
  const shown = (text) => (text ? el("span", { class: "number", text }) : null);
  const value = section.rows.find((one) => one.name === id) ?? section.rows.find((one) => one.step === id && one.name !== `${id}.grad`);
  const gradient = section.rows.find((one) => one.name === `${id}.grad`);
  return { lines: told ? [told] : [], value: shown(wordsOf(id, value)), gradient: shown(wordsOf(`${id}.grad`, gradient)), tone, share: null };
}

// the selected value

async function drawDetails(section, prefix, row) {
  if (row.part === null) return [el("p", { class: "aside", text: "its pictures are not in this page, as it has many values" })];
  const details = (await part(`${prefix}values-${row.part}`))[row.name];
  const name = `${prefix}numbers-${section.rows.indexOf(row)}`;
  const numbersOfSide = (one) => one.has_numbers && (async () => (await part(name))[one.caption]);
  const pictures = details.pictures.map((one) => drawPicture(one.picture, { size: "large", caption: one.caption, numbers: numbersOfSide(one) }));
  return [...lines(details.lines), el("div", { class: "pictures" }, pictures)];
}
