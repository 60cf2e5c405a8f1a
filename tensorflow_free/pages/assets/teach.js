// The teaching view: one state after another, forward and then backward, with the numbers written out.

const NEXT_KEYS = ["ArrowRight", "ArrowDown", "PageDown", " "];
const PREVIOUS_KEYS = ["ArrowLeft", "ArrowUp", "PageUp"];

/** Values of a graph up to which the teaching view shows it whole; of a larger one it shows what is near. */
const MOST_IN_VIEW = 14;

/**
 * Draw a lesson under `root`: `{show(), hide()}`. `run`: as of `runOf`; `lesson`: its states; `onLeave()`: it was left.
 */
function drawLesson(root, run, lesson, onLeave) {
  const { states, count } = lesson;
  const card = el("section", { class: "card", "aria-live": "polite" });
  const space = el("div", { class: "graph" });
  const where = el("span", { class: "number" });
  const slider = el("input", { type: "range", min: 1, max: states.length, value: 1, "aria-label": "state" });
  const all = el("div", { class: "all-states", "aria-hidden": "true" });
  const left = count > states.length ? `; the first ${states.length} of ${count} states` : "";
  let at = 0;
  const show = (next) => {
    at = Math.max(0, Math.min(states.length - 1, next));
    slider.value = at + 1;
    where.textContent = `${at + 1} of ${states.length}${left}`;
    card.replaceChildren(...stateCard(states[at], run));
    graph.update();
    graph.select(states[at].step);
  };
  const bar = el("div", { class: "lesson-bar" });
  // a graph is laid out where it is seen
  root.append(el("div", { class: "lesson" }, bar, el("div", { class: "lesson-body" }, card, space), all));
  const known = knownUpTo(states);
  const graph = drawGraph(space, run.graph, {
    content: (id) => lessonContent(run, known(at), states[at], id, () => graph.update()),
    edgeText: (edge) => known(at).handed.get(`${edge.from} ${edge.to}`) ?? "",
    onSelect: (id) => show(nextOf(states, id, at)),
    backward: true,
  });
  const button = (text, label, act) => el("button", { type: "button", text, "aria-label": label, title: label, on: { click: act } });
  bar.append(
    button("←", "the state before (left arrow)", () => show(at - 1)),
    button("→", "the next state (right arrow)", () => show(at + 1)),
    slider,
    where,
    button("print", "print all states", () => window.print()),
    button("leave", "back to the run (Escape)", () => onLeave()),
  );
  slider.addEventListener("input", () => show(Number(slider.value) - 1));
  const press = (event) => {
    if (event.target.closest("input, select, textarea, details, .table") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (NEXT_KEYS.includes(event.key) && !(event.key === " " && event.target.closest("button"))) show(at + 1);
    else if (PREVIOUS_KEYS.includes(event.key)) show(at - 1);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(states.length - 1);
    else if (event.key === "Escape") onLeave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const fill = () => all.replaceChildren(...states.map((one, index) => el("section", { class: "card" }, el("p", { class: "aside", text: `${index + 1} of ${states.length}${left}` }), stateCard(one, run))));
  return {
    show: () => {
      document.addEventListener("keydown", press, true);
      window.addEventListener("beforeprint", fill);
      graph.fit();
      if (run.graph.nodes.length > MOST_IN_VIEW) graph.show({ left: 0, top: 0, scale: 0.9 });
      show(at);
    },
    hide: () => {
      document.removeEventListener("keydown", press, true);
      window.removeEventListener("beforeprint", fill);
    },
  };
}

/** The next state of a step after this one, or else its first. */
function nextOf(states, id, at) {
  const later = states.findIndex((one, index) => index > at && one.step === id);
  const first = states.findIndex((one) => one.step === id);
  return later >= 0 ? later : first >= 0 ? first : at;
}

// what is known after each state

/** What is known of values and gradients up to a state; a walk back starts anew. */
function knownUpTo(states) {
  let [done, known] = [-1, null];
  return (at) => {
    if (known === null || at < done) [done, known] = [-1, { values: new Map(), gradients: new Map(), handed: new Map() }];
    for (; done < at; done += 1) learn(known, states[done + 1]);
    return known;
  };
}

function learn(known, state) {
  if (state.kind === "forward") {
    state.made.forEach((one) => known.values.set(one.name.split(".")[0], one));
    return;
  }
  state.incoming.forEach((one) => known.gradients.set(one.name.replace(/\.grad$/, "").split(".")[0], one));
  for (const one of state.handed) {
    const id = one.operand.split(".")[0];
    known.gradients.set(id, one.sum ? { ...one, words: one.sum.words, picture: one.sum.picture } : one);
    known.handed.set(`${id} ${state.step}`, one.kind === "number" ? `${bracketed(one.local[0])} · ${bracketed(one.incoming[0])}` : (one.handed.length && one.words.length <= LONGEST ? one.words : `[${one.shapes[1].join(", ")}]`));
  }
}

function lessonContent(run, known, state, id, then) {
  const node = run.nodes.get(id);
  const start = node.kind === "tensor" ? run.values.get(id) : undefined;
  const value = known.values.get(id);
  const gradient = known.gradients.get(id);
  const drawn = (one, caption) => one && drawPicture(one.picture, { caption });
  return {
    lines: node.line ? [node.line] : [],
    value: drawn(value, "value") ?? (start && small(run, start, "value", then)),
    gradient: drawn(gradient, "gradient"),
    tone: state.step === id ? "now" : "",
    share: null,
  };
}

// a state as a card

function stateCard(state, run) {
  return state.kind === "forward" ? forwardCard(state) : backwardCard(state, run);
}

function cardHead(state, words) {
  const rounds = state.rounds.length ? `, round ${state.rounds.join(" of ")}` : "";
  return el("h2", {}, el("span", { class: state.kind === "forward" ? "value" : "gradient", text: words }), ` ${state.step}${rounds}`);
}

function forwardCard(state) {
  const [first] = state.made;
  const isWritten = state.made.length === 1 && state.numbers && first.picture.size <= FEW;
  return [
    cardHead(state, "forward"),
    equation(`${state.step} = ${state.line}`),
    ...(isWritten ? [equation(`= ${state.numbers}`), equation(`= ${first.words}`, "value")] : state.made.map((one) => drawPicture(one.picture, { size: "medium", caption: one.name }))),
  ];
}

function equation(text, tone = "") {
  return el("p", { class: `equation ${tone}`.trim(), text });
}

function backwardCard(state, run) {
  const isWritten = state.handed.every((one) => one.kind !== "not written out");
  const formulas = isWritten ? [] : (run.backward_words[run.values.get(state.step)?.grad_fn] ?? []);
  const came = state.incoming.map((one) =>
    one.picture.size <= FEW ? equation(`${one.name} = ${one.words}`, "gradient") : drawPicture(one.picture, { size: "medium", caption: one.name }),
  );
  return [
    cardHead(state, "backward"),
    equation(`${state.step} = ${state.line}`),
    el("p", { class: "aside", text: "comes in" }),
    ...came,
    ...(state.handed.length ? [el("p", { class: "aside", text: "local derivative × what comes in = what is handed on" })] : [el("p", { text: "nothing is handed on from here" })]),
    ...(formulas.length ? [el("p", { class: "aside", text: "by PyTorch's table, where grad is what comes in:" }), ...formulas.map((text) => el("p", {}, el("code", { text })))] : []),
    ...state.handed.flatMap(handedOn),
  ];
}

function handedOn(one) {
  const local = `∂${one.result}/∂${one.operand}`;
  const came = `${one.result}.grad`;
  const written = {
    number: () => [equation(`${local} · ${came}`), el("p", { class: "equation" }, `= ${bracketed(one.local[0])} · ${bracketed(one.incoming[0])} = `, el("span", { class: "gradient", text: one.handed[0] }))],
    each: () => [equation(`${local} · ${came}, each by itself`), table([local, `· ${came}`, "= handed on"].map(asNumber), one.local.map((each, at) => [each, one.incoming[at], one.handed[at]]), { caption: `to ${one.operand}` })],
    matrix: () => [equation(`${came} · ${local}`), jacobianTable(one, local, came)],
    again: () => [equation(`∂(${came.replace(/\.grad$/, "")})/∂${one.operand} · ${came}`), el("p", { class: "aside", text: "an earlier pass handed this gradient on; it is differentiated in its turn" }), one.handed.length === 1 ? equation(`= ${one.words}`, "gradient") : drawPicture(one.picture, { size: "medium", caption: `to ${one.operand}` })],
    "not written out": () => [equation(`${local}, from [${one.shapes[0].join(", ")}] to [${one.shapes[1].join(", ")}]`), drawPicture(one.picture, { size: "medium", caption: `to ${one.operand}` })],
  };
  return [el("h3", { text: `to ${one.operand}` }), ...written[one.kind](), ...sumLines(one)];
}

function asNumber(text) {
  return { text, class: "number" };
}

function bracketed(number) {
  return number.startsWith("-") ? `(${number})` : number;
}

/** The local derivative as a matrix: a row for each number of the result, beside what comes in for it. */
function jacobianTable(one, local, came) {
  const width = one.handed.length || one.local.length / (one.incoming.length || 1);
  const rows = one.incoming.map((each, at) => [each, "×", ...one.local.slice(at * width, (at + 1) * width)]);
  const columns = [came, "", ...Array.from({ length: width }, (_, at) => `∂/∂${one.operand}${width > 1 ? `[${at}]` : ""}`)].map(asNumber);
  return table(columns, [...rows, ["sum", "=", ...one.handed.map((each) => el("b", { text: each }))]], { caption: `${local}, row by row, each times what comes in for it` });
}

function sumLines(one) {
  if (!one.sum) return [];
  const { parts, of, words } = one.sum;
  const done = parts.length === of ? `all ${of} uses` : `${parts.length} of ${of} uses so far`;
  return [el("p", { class: "aside", text: `${one.operand} is used ${of} times; ${done}` }), equation(`${one.operand}.grad = ${parts.map(bracketed).join(" + ")}`), ...(parts.length > 1 ? [equation(`= ${words}`, "gradient")] : [])];
}
