// Many cases: a row for each, the worst first, and below them the values of the one that is chosen, side by side.

function drawCasesPage(root, tools) {
  const list = drawCaseList((number) => go(String(number)));
  const place = el("section", { class: "case", "aria-live": "polite" });
  root.append(list.drawn, place);
  tools.append(searchBox(head.rows.map(textOfCase), (number) => go(String(number)), { label: "search cases" }));
  let shown = null;
  let select = null;
  let wanted = "";
  onGo(async ({ cell, step }) => {
    const number = cell === "" ? list.first : Number(cell);
    wanted = step;
    if (head.rows[number] === undefined) return;
    list.select(number, cell !== "");
    if (number !== shown) {
      shown = number;
      select = null;
      const drawn = await drawCase(place, number, () => number === shown);
      if (number !== shown) return;
      select = drawn;
    }
    select?.(wanted);
  });
}

function textOfCase(row) {
  const texts = row.cells.map(textOf).filter(Boolean);
  return { text: texts[1] ?? texts[0] ?? "", about: texts.join(" ") };
}

/** Draw the values of a case: a promise of what selects one of them. */
async function drawCase(place, number, isWanted) {
  const row = head.rows[number];
  if (!row.part) {
    const why = el("p", { class: "aside", text: "its values are not in this page" });
    place.replaceChildren(...[why, row.command && command(row.command)].filter(Boolean));
    return null;
  }
  const section = await part(`case-${number}/section`);
  if (!isWanted()) return null;
  place.replaceChildren(el("h2", { text: section.title }), ...lines(section.lines));
  return drawSection(place, section, `case-${number}/`, { cell: String(number) });
}

const CASE_ORDERS = { worst: "the worst first", given: "as they came" };

function drawCaseList(onPick) {
  const numbers = head.rows.map((_, number) => number);
  const bad = head.rows.filter((row) => row.tone === "bad").length;
  const order = el("select", { "aria-label": "order of the cases" }, Object.entries(CASE_ORDERS).map(([value, text]) => el("option", { value, text })));
  const only = el("input", { type: "checkbox", id: "only-bad" });
  const body = el("tbody");
  const heads = el("thead", {}, el("tr", {}, head.columns.map((text) => el("th", { scope: "col", text }))));
  const more = el("button", { type: "button", class: "more" });
  const drawnRows = new Map();
  let wanted = [];
  let shown = 0;
  let chosen = null;
  const put = (number) => {
    if (!drawnRows.has(number)) drawnRows.set(number, drawCaseRow(number, onPick));
    body.append(drawnRows.get(number));
  };
  const add = () => {
    wanted.slice(shown, shown + 200).forEach(put);
    shown = Math.min(wanted.length, shown + 200);
    more.textContent = `${wanted.length - shown} more cases`;
    more.hidden = shown >= wanted.length;
    mark();
  };
  const mark = () => drawnRows.forEach((drawn, number) => (number === chosen ? drawn.setAttribute("aria-current", "true") : drawn.removeAttribute("aria-current")));
  const draw = () => {
    wanted = numbers.filter((number) => !only.checked || head.rows[number].tone === "bad");
    if (order.value === "worst") wanted.sort((one, other) => worseFirst(head.rows[one], head.rows[other]));
    drawnRows.clear();
    shown = 0;
    body.replaceChildren();
    add();
  };
  order.addEventListener("change", draw);
  only.addEventListener("change", draw);
  more.addEventListener("click", add);
  body.addEventListener("keydown", moveAmong);
  draw();
  const filter = bad > 0 && bad < numbers.length && el("label", { for: only.id }, only, ` only the ${bad} that fail`);
  const made = el("table", { class: "case-rows" }, el("caption", { text: head.caption }), heads, body);
  return {
    first: wanted[0] ?? 0,
    drawn: el(
      "section",
      {},
      numbers.length > 1 && el("div", { class: "choices" }, order, filter),
      el("div", { class: "table case-rows", tabindex: "0", role: "region", "aria-label": "cases" }, made, more),
    ),
    select(number, isAsked) {
      chosen = number;
      if (!drawnRows.has(number) && wanted.includes(number)) put(number);
      mark();
      if (isAsked) drawnRows.get(number)?.scrollIntoView({ block: "nearest" });
    },
  };
}

function drawCaseRow(number, onPick) {
  const row = head.rows[number];
  return el(
    "tr",
    {
      class: row.tone || null,
      tabindex: "0",
      "data-case": String(number),
      on: { click: () => onPick(number), keydown: (event) => event.key === "Enter" && onPick(number) },
    },
    row.cells.map((cell) => el("td", {}, drawCell(cell))),
  );
}
