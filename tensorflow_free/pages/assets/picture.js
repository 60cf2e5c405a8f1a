// Values as pictures: numbers where they are few, else a heat map and a histogram, with their numbers behind them.

const FEW = 6;
const MANY = 16;
const DECADES = 1000;
const LONGEST = 16;
const MARKS = { "-1": "NaN", "-2": "inf", "-3": "-inf" };

/** A picture of a value. `size`: "small" for a node of a graph, "medium" for several below each other, "large" for a pane; `numbers`: gives all of them. */
function drawPicture(picture, { size = "small", caption = "", numbers = null } = {}) {
  return size === "small" ? smallPicture(picture, caption) : largePicture(picture, caption, numbers, size === "medium" ? 224 : 448);
}

function smallPicture(picture, caption) {
  const words = picture.words;
  const isShort = picture.size <= FEW && words.length <= LONGEST;
  if (!picture.heat || picture.size === 1 || isShort) return el("span", { class: `number${isAlarming(words) ? " alarm" : ""}`, text: words });
  return heatMap(picture.heat, 96, 48, `${caption} ${words}`.trim());
}

function isAlarming(words) {
  return /\b(nan|inf)\b/.test(words);
}

function largePicture(picture, caption, numbers, side) {
  const isLarge = side > 224;
  const shape = picture.shape ? ` [${picture.shape.join(", ")}]` : "";
  const made = el("figure", { class: "picture" }, el("figcaption", { text: `${caption} ${picture.dtype}${shape}`.trim() }));
  made.append(el("p", { class: `number${isAlarming(picture.words) ? " alarm" : ""}`, text: picture.words }));
  if (picture.numbers && picture.size > 1 && (isLarge || picture.size <= MANY)) made.append(numberTable(picture.numbers, picture.shape, picture.heat, caption));
  else if (picture.heat && picture.size > 1) made.append(heatMapWithScale(picture.heat, picture.words, side));
  if (isLarge && picture.histogram && picture.size > MANY && picture.histogram.counts.length > 1) made.append(histogramOf(picture.histogram, caption));
  if (isLarge && picture.size > 1) made.append(statistics(picture));
  if (numbers) made.append(folded(`all ${picture.size} numbers`, async () => numberTable(await numbers(), picture.shape, null, caption)));
  return made;
}

function statistics(picture) {
  const kind = picture.is_complex ? "|z| " : "";
  const rows = [
    [`${kind}least`, picture.least],
    [`${kind}greatest`, picture.greatest],
    [`${kind}mean`, picture.mean],
    ["NaN", picture.nan],
    [picture.is_complex ? "infinite" : "inf", picture.inf],
    ["-inf", picture.below],
  ].filter(([, value]) => value !== undefined);
  return el("dl", { class: "statistics" }, rows.map(([name, value]) => [el("dt", { text: name }), el("dd", { class: "number", text: short(value) })]));
}

/** A number in four digits. */
function short(number) {
  if (Number.isInteger(number) && Math.abs(number) < 1e6) return String(number);
  return String(Number(number.toPrecision(4)));
}

/** Numbers as a table: a row for each place in the dimensions before the last. */
function numberTable(numbers, shape, heat, name) {
  const width = shape && shape.length > 0 ? shape[shape.length - 1] || 1 : numbers.length;
  const before = shape && shape.length > 1 ? shape.slice(0, -1) : [];
  const made = [];
  for (let start = 0; start < numbers.length; start += width)
    made.push([...(before.length ? [rowName(start / width, before)] : []), ...numbers.slice(start, start + width)]);
  const columns = [...(before.length ? ["row"] : []), ...Array.from({ length: width }, (_, at) => ({ text: String(at), class: "number" }))];
  const drawn = table(columns, made, { caption: `numbers of ${name || "the value"}` });
  if (heat && heat.rows * heat.columns === numbers.length) shadeCells(drawn, heat, before.length ? 1 : 0);
  return drawn;
}

function rowName(index, lengths) {
  const places = [];
  for (const length of [...lengths].reverse()) {
    places.unshift(index % length);
    index = Math.floor(index / length);
  }
  return `[${places.join(", ")}]`;
}

/** A bar under each number of a table that says where in the range it lies, in the colour of the heat map. */
function shadeCells(drawn, heat, skip) {
  [...drawn.querySelectorAll("tbody tr")].forEach((row, line) => {
    [...row.children].slice(skip).forEach((cell, at) => {
      const level = heat.shades[line * heat.columns + at];
      cell.classList.add(level < 0 ? "alarm" : "shaded");
      if (level >= 0) cell.style.setProperty("--shade", shade(level / 255));
    });
  });
}

// heat maps

const MARKED = "#c4006a";

/** A heat map on a canvas of about this size; what is not finite has a mark of its own. */
function heatMap(heat, width, height, label) {
  const [cellWidth, cellHeight] = cellSize(heat, width, height);
  const ratio = Math.min(3, Math.ceil(window.devicePixelRatio || 1));
  const made = el("canvas", { role: "img", "aria-label": label, title: label, class: "heat" });
  made.width = heat.columns * cellWidth * ratio;
  made.height = heat.rows * cellHeight * ratio;
  made.style.setProperty("width", `${heat.columns * cellWidth}px`);
  made.style.setProperty("height", `${heat.rows * cellHeight}px`);
  const pen = made.getContext("2d");
  pen.scale(ratio, ratio);
  heat.shades.forEach((level, at) => {
    const [x, y] = [(at % heat.columns) * cellWidth, Math.floor(at / heat.columns) * cellHeight];
    pen.fillStyle = level < 0 ? MARKED : shade(level / 255);
    pen.fillRect(x, y, cellWidth, cellHeight);
    if (level < 0) markCell(pen, level, x, y, Math.min(cellWidth, cellHeight));
  });
  return made;
}

/** The width and height of a cell: alike, but in a line, which would be too thin to be seen. */
function cellSize(heat, width, height) {
  const fits = (room, count) => Math.max(2, Math.min(14, Math.floor(room / count)));
  if (heat.rows === 1) return [fits(width, heat.columns), Math.min(14, height)];
  if (heat.columns === 1) return [Math.min(14, width), fits(height, heat.rows)];
  const side = Math.min(fits(width, heat.columns), fits(height, heat.rows));
  return [side, side];
}

/** A cross for NaN, a triangle that points up or down for an infinity. */
function markCell(pen, level, x, y, cell) {
  const [left, right, top, bottom, middle] = [x + cell * 0.2, x + cell * 0.8, y + cell * 0.2, y + cell * 0.8, x + cell / 2];
  pen.strokeStyle = pen.fillStyle = "#ffffff";
  pen.lineWidth = Math.max(1, cell / 8);
  pen.beginPath();
  if (level === -1) {
    pen.moveTo(left, top);
    pen.lineTo(right, bottom);
    pen.moveTo(right, top);
    pen.lineTo(left, bottom);
    pen.stroke();
    return;
  }
  const [base, tip] = level === -2 ? [bottom, top] : [top, bottom];
  pen.moveTo(left, base);
  pen.lineTo(right, base);
  pen.lineTo(middle, tip);
  pen.fill();
}

function heatMapWithScale(heat, label, side) {
  const [rows, columns] = heat.block;
  const of = rows * columns > 1 ? `each cell is the mean of up to ${rows} × ${columns} numbers` : "each cell is a number";
  const marks = [...new Set(heat.shades.filter((level) => level < 0))].map((level) => MARKS[level]);
  const told = marks.length ? `; a mark where there is ${marks.join(", ")}` : "";
  return el(
    "div",
    { class: "scaled" },
    heatMap(heat, side, side, `heat map: ${label}`),
    heat.least !== undefined && heat.least !== null && scale(heat.least, heat.greatest),
    el("p", { class: "aside", text: of + told }),
  );
}

function scale(least, greatest) {
  const bar = el("canvas", { role: "img", "aria-label": `from ${short(least)}, dark, to ${short(greatest)}, light`, class: "heat" });
  [bar.width, bar.height] = [160, 10];
  const pen = bar.getContext("2d");
  for (let x = 0; x < 160; x += 1) {
    pen.fillStyle = shade(x / 159);
    pen.fillRect(x, 0, 1, 10);
  }
  return el("div", { class: "scale" }, el("span", { class: "number", text: short(least) }), bar, el("span", { class: "number", text: short(greatest) }));
}

// histograms and curves

function histogramOf({ counts, least, greatest }, name) {
  const [width, height, most] = [288, 72, Math.max(...counts)];
  const step = width / counts.length;
  const bars = counts.map((count, at) => {
    const tall = most ? (count / most) * height : 0;
    return svg("rect", { x: at * step, y: height - tall, width: Math.max(1, step - 1), height: tall, class: "bar" });
  });
  const label = `histogram from ${short(least)} to ${short(greatest)}, at most ${most} in a bar`;
  const drawn = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, class: "histogram" }, bars);
  const ends = el("div", { class: "ends" }, el("span", { class: "number", text: short(least) }), el("span", { class: "number", text: short(greatest) }));
  const part = (greatest - least) / counts.length;
  const rows = () => counts.map((count, at) => [short(least + part * at), short(least + part * (at + 1)), String(count)]);
  return el("div", { class: "spread" }, drawn, ends, folded("counts", () => table(["from", "to", "numbers"], rows(), { caption: `histogram of ${name || "the value"}` })));
}

/** A value of every round as a curve, with a band from the least to the greatest number where there are several. */
function drawCurve(curve, name) {
  const [width, height] = [416, 144];
  const known = [...curve.least, ...curve.greatest].filter((one) => one !== null);
  if (known.length === 0) return el("p", { class: "alarm", text: `${name}: nothing finite in any round` });
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const last = curve.rounds[curve.rounds.length - 1];
  const x = (round) => (last > 1 ? ((round - 1) / (last - 1)) * (width - 8) + 4 : width / 2);
  const isLogarithmic = low > 0 && high / low > DECADES;
  const up = isLogarithmic ? Math.log10 : (value) => value;
  const y = (value) => (high > low ? height - 4 - ((up(value) - up(low)) / (up(high) - up(low))) * (height - 8) : height / 2);
  const points = (values) => curve.rounds.map((round, at) => [round, values[at]]).filter(([, value]) => value !== null);
  const path = (values) => values.map(([round, value], at) => `${at ? "L" : "M"}${x(round).toFixed(1)},${y(value).toFixed(1)}`).join("");
  const band = [...points(curve.greatest), ...points(curve.least).reverse()];
  const label = `${name} over ${last} rounds, from ${short(low)} to ${short(high)}`;
  const drawn = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, class: "curve" },
    !curve.is_single && svg("path", { d: `${path(band)}Z`, class: "band" }),
    svg("path", { d: path(points(curve.means)), class: "line" }),
    curve.rounds.length <= 64 && points(curve.means).map(([round, value]) => svg("circle", { cx: x(round), cy: y(value), r: 2, class: "dot" })),
  );
  const rows = () => curve.rounds.map((round, at) => [String(round), ...(curve.is_single ? [curve.means] : [curve.means, curve.least, curve.greatest]).map((values) => (values[at] === null ? "not finite" : short(values[at])))]);
  const columns = curve.is_single ? ["round", "value"] : ["round", "mean", "least", "greatest"];
  return el(
    "figure",
    { class: "picture" },
    el("figcaption", { text: name }),
    el("div", { class: "curve-frame" }, el("div", { class: "axis number" }, el("span", { text: short(high) }), el("span", { text: short(low) })), drawn),
    el("p", { class: "aside", text: `round 1 to ${last}${isLogarithmic ? ", on a logarithmic scale" : ""}${curve.is_single ? "" : "; the line is the mean, the band from the least to the greatest"}` }),
    folded("numbers of the curve", () => table(columns, rows(), { caption: name })),
  );
}
