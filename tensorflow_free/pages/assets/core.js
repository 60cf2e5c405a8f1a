"use strict";
// What every page is made of. Text from files is only ever set as text, never as markup.

const head = JSON.parse(document.getElementById("head").textContent);

/** An element. Properties: `class`, `text`, `on: {click: f}`, `css: {width: "3px"}`; all others are attributes. */
function el(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

/** An element of a drawing, as `el`. */
function svg(tag, properties = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function filled(made, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") made.textContent = value;
    else if (key === "on") for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    else if (key === "css") for (const [name, one] of Object.entries(value)) made.style.setProperty(name, one);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

// parts of the data, each inflated when it is first asked for

const MOST_PARTS = 48;
const partsRead = new Map();

function hasPart(name) {
  return holderOf(name) !== undefined;
}

/** The data of a part: a promise. The last few stay. */
function part(name) {
  const known = partsRead.get(name) ?? inflated(name);
  partsRead.delete(name);
  partsRead.set(name, known);
  if (partsRead.size > MOST_PARTS) partsRead.delete(partsRead.keys().next().value);
  return known;
}

let holders = null;

function holderOf(name) {
  holders ??= new Map([...document.querySelectorAll("script[data-part]")].map((one) => [one.dataset.part, one]));
  return holders.get(name);
}

async function inflated(name) {
  const holder = holderOf(name);
  if (holder === undefined) throw new Error(`this page has no part '${name}'`);
  const bytes = Uint8Array.from(atob(holder.textContent), (one) => one.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

// places: #3/attn_q is step attn_q of cell 3, #attn_q is a step of the page's only run, #3 is cell 3

const followers = [];

/** The cell and the step that the address names; empty where it names none. */
function place() {
  const words = location.hash.slice(1).split("/").map(decoded);
  const hasCells = !["run", "pair"].includes(head.kind);
  return hasCells ? { cell: words[0] ?? "", step: words[1] ?? "" } : { cell: "", step: words[0] ?? "" };
}

function decoded(word) {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}

/** The address of a cell or step of this page. */
function addressOf(cell, step = "") {
  const words = [cell, step].filter((one) => one !== "" && one !== null && one !== undefined);
  return `#${words.map((one) => encodeURIComponent(one)).join("/")}`;
}

/** Go to a cell and a step: all who follow are told. */
function go(cell, step = "") {
  const address = addressOf(cell, step);
  if (location.hash === address) followers.forEach((one) => one(place()));
  else location.hash = address;
}

/** Call `act` with the place, now and whenever it changes. */
function onGo(act) {
  followers.push(act);
  act(place());
}

window.addEventListener("hashchange", () => followers.forEach((one) => one(place())));

// pieces of a page

/** A command with a button that copies it. */
function command(text) {
  return el("span", { class: "command" }, el("code", { text, tabindex: "0" }), copyButton(text));
}

function copyButton(text) {
  const button = el("button", { type: "button", class: "copy", text: "copy", "aria-label": `copy: ${text}` });
  button.addEventListener("click", async () => {
    button.textContent = (await copied(text)) ? "copied" : "not copied";
    setTimeout(() => (button.textContent = "copy"), 1500);
  });
  return button;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const held = el("textarea", { class: "unseen" });
    held.value = text;
    document.body.append(held);
    held.select();
    const done = document.execCommand("copy");
    held.remove();
    return done;
  }
}

/** Something that unfolds; what is in it is made when it is first open. `open`: it is open from the start. */
function folded(summary, makeBody, { open = false } = {}) {
  const made = el("details", {}, el("summary", {}, summary));
  let isMade = false;
  const make = async () => {
    if (isMade || !made.open) return;
    isMade = true;
    made.append(await makeBody());
  };
  made.addEventListener("toggle", make);
  if (open) {
    made.open = true;
    make();
  }
  return made;
}

/** A table: columns are `{text, class}` or texts, rows are lists of texts or elements; long ones go on when asked. */
function table(columns, rows, { caption = "", most = 200 } = {}) {
  const heads = columns.map((one) => (typeof one === "string" ? { text: one } : one));
  const body = el("tbody");
  const made = el(
    "table",
    {},
    caption && el("caption", { text: caption }),
    el("thead", {}, el("tr", {}, heads.map((one) => el("th", { scope: "col", text: one.text, class: one.class })))),
    body,
  );
  const wrapped = el("div", { class: "table", tabindex: "0", role: "region", "aria-label": caption || "table" }, made);
  let shown = 0;
  const more = el("button", { type: "button", class: "more" });
  const add = () => {
    const next = rows.slice(shown, shown + most);
    body.append(...next.map((row) => el("tr", {}, row.map((cell, at) => el("td", { class: heads[at]?.class }, cell ?? "")))));
    shown += next.length;
    more.textContent = `${rows.length - shown} more rows`;
    more.hidden = shown >= rows.length;
  };
  more.addEventListener("click", add);
  add();
  if (rows.length > shown) wrapped.append(more);
  return wrapped;
}

let searchBoxes = 0;

/** A search box over names: `items` are texts, or `{text, about}`; `onPick` gets the index of the one that is taken. */
function searchBox(items, onPick, { label = "search", most = 20 } = {}) {
  const texts = items.map((one) => (typeof one === "string" ? { text: one, about: "" } : one));
  const lowered = texts.map((one) => `${one.text} ${one.about}`.toLowerCase());
  const id = `found-${(searchBoxes += 1)}`;
  const input = el("input", {
    type: "search", placeholder: label, autocomplete: "off",
    role: "combobox", "aria-label": label, "aria-controls": id, "aria-expanded": "false", "aria-autocomplete": "list",
  });
  const list = el("ul", { id, class: "found", role: "listbox", "aria-label": `${label}: found` });
  const unfold = (isOpen) => {
    list.hidden = !isOpen;
    input.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) input.removeAttribute("aria-activedescendant");
  };
  list.hidden = true;
  let found = [];
  let at = 0;
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = [];
    for (let index = 0; words.length && index < lowered.length && found.length < most; index += 1)
      if (words.every((word) => lowered[index].includes(word))) found.push(index);
    list.replaceChildren(
      ...found.map((index, position) =>
        el(
          "li",
          { id: `${id}-${position}`, role: "option", on: { mousedown: () => take(position) } },
          el("b", { text: texts[index].text }),
          texts[index].about && el("span", { class: "aside", text: ` ${texts[index].about}` }),
        ),
      ),
    );
    unfold(found.length > 0);
    mark(0);
  };
  const take = (position) => {
    unfold(false);
    if (found[position] !== undefined) onPick(found[position]);
  };
  const mark = (next) => {
    at = Math.max(0, Math.min(found.length - 1, next));
    [...list.children].forEach((one, position) => one.setAttribute("aria-selected", String(position === at)));
    if (found.length) input.setAttribute("aria-activedescendant", `${id}-${at}`);
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  input.addEventListener("input", show);
  input.addEventListener("blur", () => unfold(false));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") mark(at + 1);
    else if (event.key === "ArrowUp") mark(at - 1);
    else if (event.key === "Enter") take(at);
    else if (event.key === "Escape") unfold(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return el("div", { class: "search" }, input, list);
}

/** Lines in the styles of `text/page.py`: `{text, style, indent}`, or texts. */
function lines(found) {
  return found.map((one) => (typeof one === "string" ? el("p", { text: one }) : lineOfPage(one)));
}

function lineOfPage({ text, style, indent }) {
  return el("p", { class: style || null, text, css: indent ? { "padding-left": `${indent}ch` } : {} });
}

// colours: cividis, which reads alike for all kinds of colour vision (Nunez, Anderton, Renslow 2018)

const CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"];

/** The colour of a share from 0 to 1. */
function shade(share) {
  const at = Math.max(0, Math.min(1, share)) * (CIVIDIS.length - 1);
  const below = Math.min(CIVIDIS.length - 2, Math.floor(at));
  const [one, other] = [CIVIDIS[below], CIVIDIS[below + 1]].map(channels);
  const mixed = one.map((channel, index) => Math.round(channel + (other[index] - channel) * (at - below)));
  return `rgb(${mixed.join(",")})`;
}

function channels(colour) {
  return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
}
