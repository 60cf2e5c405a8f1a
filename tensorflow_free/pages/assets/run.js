// A run: its graph, what is told of each value, and a table of all. A cell of a sweep or one of two runs is drawn alike.

async function drawRunPage(root, tools) {
  const whole = el("div");
  root.append(whole);
  const drawn = await drawRun(whole, "", { tools, onPick: (step) => go("", step) });
  onGo(({ step }) => drawn.select(step));
  if (hasPart("lesson")) await offerLesson(root, tools, whole, drawn);
}

/** A button that puts the teaching view in the place of the run, from the start where that was asked for. */
async function offerLesson(root, tools, whole, drawn) {
  const space = el("div", { hidden: true });
  root.append(space);
  let lesson = null;
  const open = async (isOpen) => {
    const states = await part("lesson");
    [whole.hidden, space.hidden, teach.hidden] = [isOpen, !isOpen, isOpen];
    document.body.classList.toggle("taught", isOpen);
    lesson ??= drawLesson(space, drawn.run, states, () => open(false));
    if (isOpen) lesson.show();
    else lesson.hide();
  };
  const teach = el("button", { type: "button", text: "teaching view", on: { click: () => open(true) } });
  tools.append(teach);
  if (head.teaching) await open(true);
}

/**
 * Draw a run under `root`: a promise of `{run, select(step), update(), destroy()}`.
 * `prefix`: what the names of its parts begin with. `options.tools`: where the search box goes; `options.onPick(step)`: a
 * step was picked by hand; `options.against(name)`: `{tone, share, lines, elements}`, what a comparison says of a value.
 */
async function drawRun(root, prefix, options = {}) {
  const run = runOf(await part(`${prefix}run`), prefix);
  // a graph leaves room for pictures if it sees some
  if (run.values.size) await readPicture(run, 0);
  const pane = el("aside", { class: "details", tabindex: "-1", "aria-label": "details", "aria-live": "polite" });
  const space = el("div", { class: "graph", "aria-label": "graph" });
  if (run.outcomes.length) root.append(outcomesOf(run.outcomes));
  root.append(el("div", { class: "run" }, space, pane), el("h2", { text: "all values" }), valueTable(run, options));
  const pick = (id) => {
    show(id);
    options.onPick?.(id);
  };
  const show = (id) => showDetails(pane, run, id, options, pick);
  const content = (id) => nodeContent(run, id, options, () => graph.update());
  const graph = drawGraph(space, run.graph, { content, onSelect: pick, backward: true });
  options.tools?.append(stepSearch(run, pick));
  const first = run.failed || run.graph.backward[0]?.id || run.graph.nodes[0]?.id;
  if (first) {
    graph.select(first);
    show(first);
  }
  return {
    run,
    select(name) {
      // a value's name leads to the step that it is of
      const id = run.nodes.has(name) || !run.values.has(name) ? name : ownerOf(run.values.get(name), run.nodes);
      if (!run.nodes.has(id)) return;
      graph.select(id);
      show(id);
    },
    update: () => graph.update(),
    destroy: () => graph.destroy(),
  };
}

/** What was expected, warned of and what failed; folded where it is long and all is well. */
function outcomesOf(found) {
  const isBad = found.some((one) => one.style === "bad");
  const drawn = () => el("div", { class: "outcomes" }, lines(found));
  return found.length > MOST_OUTCOMES && !isBad ? folded(found.find((one) => /hold\b/.test(one.text))?.text ?? "outcomes", drawn) : drawn();
}

// what is known of a run

const PICTURES_TOGETHER = 64;
const MOST_OUTCOMES = 8;

/** The run with its values by the step that they are of: `value`, `gradient`, `fields`, `after`, `traces`. */
function runOf(run, prefix) {
  const nodes = new Map(run.graph.nodes.map((one) => [one.id, one]));
  const values = new Map(run.values.map((one, at) => [one.name, { ...one, at }]));
  const owned = new Map();
  for (const one of values.values()) {
    const id = ownerOf(one, nodes);
    if (!owned.has(id)) owned.set(id, []);
    owned.get(id).push(one);
  }
  return { ...run, prefix, nodes, values, owned, pictures: new Map() };
}

/** The step, tensor or check that a value is of: `qr` of `qr.Q`, `w` of `w.grad`, `loss` of the trace `train.loss`. */
function ownerOf(value, nodes) {
  const words = value.name.split(".");
  return value.kind === "trace" && nodes.has(words[1]) ? words[1] : words[0];
}

/** The picture of a value where it is known; else it is read, and `then` is called. */
function pictureOf(run, value, then) {
  const known = run.pictures.get(value.at);
  if (known !== undefined) return known;
  readPicture(run, value.at).then(then);
  return null;
}

async function readPicture(run, at) {
  const chunk = Math.floor(at / PICTURES_TOGETHER);
  const found = await part(`${run.prefix}pictures-${chunk}`);
  found.forEach((picture, position) => run.pictures.set(chunk * PICTURES_TOGETHER + position, picture));
  return run.pictures.get(at);
}

/** All numbers of a value, where the page has them. */
function numbersOf(run, value) {
  const name = `${run.prefix}numbers-${value.at}`;
  return hasPart(name) ? () => part(name) : null;
}

// the graph

/** What stands in a node of the graph. */
function nodeContent(run, id, options, then) {
  const node = run.nodes.get(id);
  const value = run.values.get(id) ?? (run.owned.get(id) ?? []).find((one) => one.kind !== "gradient");
  const gradient = run.values.get(`${id}.grad`);
  const judged = options.against?.(id) ?? {};
  const failed = run.failed === id;
  const missing = value === undefined && !failed && node.kind !== "check";
  return {
    lines: [
      [node.kind === "tensor" && node.op, value?.type, value?.shape].filter(Boolean).join(" "),
      ...(failed ? ["failed here"] : []),
      ...(missing && run.failed ? ["did not run"] : missing ? ["not recorded"] : []),
      ...(judged.lines ?? []),
    ],
    value: value && small(run, value, "value", then),
    gradient: gradient && small(run, gradient, "gradient", then),
    tone: failed ? "bad" : (judged.tone ?? ""),
    share: judged.share ?? null,
  };
}

function small(run, value, caption, then) {
  const picture = pictureOf(run, value, then);
  return picture === null ? el("span", { class: "number", text: value.words }) : drawPicture(picture, { size: "small", caption });
}

// the details of a step

async function showDetails(pane, run, id, options, pick) {
  const node = run.nodes.get(id);
  if (!node) return;
  pane.dataset.step = id;
  const owned = run.owned.get(id) ?? [];
  const figures = await Promise.all(owned.map((one) => figuresOf(run, one)));
  if (pane.dataset.step !== id) return;
  const judged = options.against?.(id) ?? {};
  pane.replaceChildren(
    el("h2", {}, el("a", { href: addressOf(options.cell ?? "", id), text: id }), " ", el("span", { class: "aside", text: kindOf(node) })),
    ...(run.failed === id ? [el("div", { class: "bad" }, run.failure.map((text) => el("p", { text })))] : []),
    ...(judged.elements ?? []),
    ...lineOf(run, node, pick),
    ...opLines(run, node, owned),
    ...readings(run, id, pick),
    ...figures.flat(),
  );
}

function kindOf(node) {
  const told = [node.kind === "tensor" ? "starting tensor" : node.kind, node.view && "view", node.in_place && "in place"];
  return told.filter(Boolean).join(", ");
}

/** The recipe's line, in which each name of a value leads to it. */
function lineOf(run, node, pick) {
  if (!node.line) return [];
  const words = node.line.split(/([A-Za-z_][\w]*)/);
  const shown = words.map((word, at) => (run.nodes.has(word) && !/[.\w]$/.test(words[at - 1] ?? "") ? stepLink(word, word, pick) : word));
  return [el("p", {}, el("code", { class: "line" }, `${node.id} = `, shown))];
}

function stepLink(id, text, pick) {
  const act = (event) => {
    event.preventDefault();
    pick(id);
  };
  return el("a", { href: `#${encodeURIComponent(id)}`, text, on: { click: act } });
}

/** What its op does, and how its gradient is made. */
function opLines(run, node, owned) {
  const told = node.kind === "tensor" ? {} : (run.ops[node.op] ?? {});
  const found = [];
  if (node.op) {
    const name = node.kind === "tensor" ? `init ${node.op}` : `${node.op}${told.call ?? ""}`;
    found.push(el("p", {}, el("code", { text: name })));
  }
  if (told.about) found.push(el("p", {}, told.about, " ", told.documentation && el("a", { href: told.documentation, rel: "noreferrer", text: "documentation" })));
  const value = owned.find((one) => one.grad_fn);
  if (value) {
    found.push(el("p", {}, el("span", { class: "aside", text: "grad_fn " }), el("code", { text: value.grad_fn })));
    const formulas = run.backward_words[value.grad_fn] ?? [];
    if (formulas.length)
      found.push(el("p", { class: "aside", text: "its gradients, by PyTorch's table:" }), ...formulas.map((text) => el("p", {}, el("code", { text }))));
  }
  return found;
}

/** What it reads, and what reads it. */
function readings(run, id, pick) {
  const list = (title, edges, end) =>
    edges.length === 0
      ? []
      : [
          el("p", { class: "aside", text: title }),
          el(
            "ul",
            { class: "readings" },
            edges.slice(0, 40).map((one) => el("li", {}, stepLink(one[end], one.reads || one[end], pick), el("span", { class: "aside", text: ` ${edgeWords(one)}` }))),
            edges.length > 40 && el("li", { text: `${edges.length - 40} more` }),
          ),
        ];
  return [
    ...list("reads", run.graph.edges.filter((one) => one.to === id), "from"),
    ...list("is read by", run.graph.edges.filter((one) => one.from === id), "to"),
  ];
}

const EDGE_WORDS = { view: "it is a view of it", in_place: "changed in place", carry: "of the round before", after: "changed this memory before" };

function edgeWords(edge) {
  const as = /^\d/.test(edge.label) ? `argument ${edge.label}` : edge.label;
  return [as, EDGE_WORDS[edge.kind]].filter(Boolean).join(", ");
}

/** A value in large, and of a trace its curve. */
async function figuresOf(run, value) {
  const picture = await readPicture(run, value.at);
  const found = picture.curve ? [drawCurve(picture.curve, value.name)] : [];
  const about = [value.stride?.length && `stride [${value.stride.join(", ")}]`, value.device && value.device !== "cpu" && value.device].filter(Boolean).join(", ");
  const drawn = drawPicture(picture, { size: "large", caption: value.name, numbers: numbersOf(run, value) });
  drawn.classList.add(value.kind === "gradient" ? "of-gradient" : "of-value");
  if (about) drawn.append(el("p", { class: "aside", text: about }));
  if (value.command) drawn.append(command(value.command));
  return [...found, drawn];
}

// all values

function valueTable(run, options) {
  return folded(`${run.values.size} values and gradients`, () => {
    const shown = [...run.values.values()].filter((one) => one.kind !== "gradient" || !run.values.has(one.name.replace(/\.grad$/, "")));
    const rows = shown.map((one) => {
      const gradient = run.values.get(`${one.name}.grad`);
      const owner = ownerOf(one, run.nodes);
      const name = run.nodes.has(owner) ? el("a", { href: addressOf(options.cell ?? "", owner), text: one.name }) : one.name;
      const alarming = (text) => (text && isAlarming(text) ? el("span", { class: "alarm", text }) : text);
      return [name, one.op ?? one.kind, one.type, one.shape, alarming(one.words), alarming(gradient?.words), one.grad_fn];
    });
    const columns = ["name", "op", "dtype", "shape", { text: "value", class: "number" }, { text: "gradient", class: "number" }, "grad_fn"];
    return table(columns, rows, { caption: "values and gradients" });
  });
}

function stepSearch(run, pick) {
  const nodes = [...run.nodes.values()];
  const items = nodes.map((one) => ({ text: one.id, about: one.line || one.op }));
  return searchBox(items, (at) => pick(nodes[at].id), { label: "search steps" });
}
