// The matrix of a sweep: cells from top to bottom, values from left to right, each in the shade of what it used.
// One canvas as large as what is seen of it; a space behind it scrolls.

const MATRIX_ROW = 20, MATRIX_GAP = 14, MATRIX_FONT = "12px system-ui, sans-serif", NAME_ANGLE = 1.2;
const LEAST_SHADE = -3, MOST_SHADE = 2; // powers of ten of what is allowed, between which shades differ

/** The share of the scale of shades at which a code lies. */
function shadeOf(code) {
  return shadeOfUsed(usedOf(code));
}

function shadeOfUsed(used) {
  const share = used === Infinity ? 1 : used > 0 ? (Math.log10(used) - LEAST_SHADE) / (MOST_SHADE - LEAST_SHADE) : 0;
  return Math.max(0, Math.min(1, share));
}

class SweepMatrix {
  /** `onPick(row, column)` is told where a reader clicks or presses Enter; a column of -1 is the cell itself. */
  constructor(cells, onPick) {
    this.cells = cells;
    this.onPick = onPick;
    this.items = [];
    this.columns = [];
    this.at = { item: 0, column: -1 };
    this.shades = Array.from({ length: 65 }, (_, at) => shade(at / 64));
    this.canvas = el("canvas", { class: "matrix-canvas", "aria-hidden": "true" });
    this.space = el("div", { class: "matrix-space" }, this.canvas);
    this.scroller = el(
      "div",
      { class: "matrix", tabindex: "0", role: "application", "aria-label": "cells by values; arrow keys move, Enter opens a cell" },
      this.space,
    );
    this.says = el("p", { class: "matrix-says", "aria-live": "polite" });
    this.element = el("div", {}, matrixLegend(), this.scroller, this.says);
    this.listen();
  }

  listen() {
    const { scroller } = this;
    scroller.addEventListener("scroll", () => this.soon(), { passive: true });
    scroller.addEventListener("keydown", (event) => this.key(event));
    scroller.addEventListener("focus", () => this.soon());
    scroller.addEventListener("blur", () => this.soon());
    scroller.addEventListener("mousemove", (event) => this.hover(event));
    scroller.addEventListener("mouseleave", () => this.tell());
    scroller.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.lay()).observe(scroller);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.soon());
  }

  /** Show these cells; `group` is the axis by which they stand in groups, and empty for none. */
  show(rows, group) {
    const axis = group ? this.cells.axis(group) : -1;
    const { forward, backward } = this.cells.columnsOf(rows);
    this.columns = [...forward, ...backward];
    this.forward = forward.length;
    this.items = [];
    let before = null;
    for (const row of rows) {
      const value = axis < 0 ? null : this.cells.valueOf(axis, row);
      if (value !== before) this.items.push({ row: -1, text: `${group}=${value}` });
      before = value;
      this.items.push({ row });
    }
    this.at = { item: this.items.findIndex((one) => one.row >= 0), column: -1 };
    this.scroller.scrollTop = 0;
    this.lay();
    this.tell();
  }

  /** Go to a cell, if it is shown. */
  reveal(row, column) {
    const item = this.items.findIndex((one) => one.row === row);
    if (item < 0) return;
    this.at = { item, column: this.columns.indexOf(column) };
    this.intoView();
    this.soon();
    this.tell();
  }

  // where things lie

  lay() {
    const width = this.scroller.clientWidth;
    const drawn = this.canvas.getContext("2d");
    drawn.font = MATRIX_FONT;
    const texts = this.items.slice(0, 400).map((one) => (one.row < 0 ? "" : this.label(one.row)));
    const names = this.columns.map((column) => drawn.measureText(this.cells.columns[column].name).width);
    this.left = Math.min(Math.max(90, ...texts.map((one) => drawn.measureText(one).width + 16)), width * 0.4);
    this.top = Math.min(150, Math.max(40, ...names) * Math.sin(NAME_ANGLE) + 30);
    const room = width - this.left - MATRIX_GAP - this.top * 0.4;
    this.step = Math.max(14, Math.min(34, room / Math.max(1, this.columns.length)));
    this.width = this.left + this.columns.length * this.step + MATRIX_GAP + this.top * 0.4;
    this.height = this.top + this.items.length * MATRIX_ROW + 4;
    this.space.style.setProperty("width", `${Math.max(this.width, width)}px`);
    this.space.style.setProperty("height", `${this.height}px`);
    const height = Math.min(this.height, this.scroller.clientHeight || this.height);
    const ratio = window.devicePixelRatio || 1;
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    this.canvas.style.setProperty("width", `${width}px`);
    this.canvas.style.setProperty("height", `${height}px`);
    this.seen = { width, height, ratio };
    this.soon();
  }

  label(row) {
    const { cells } = this;
    const ran = cells.hasValues(row) || cells.used(row) !== null;
    const mark = cells.rows.bad[row] ? "✗" : ran ? "✓" : "–";
    return `${mark} ${cells.rows.number[row]}  ${cells.values(row)}`;
  }

  x(column) {
    return this.left + column * this.step + (column >= this.forward ? MATRIX_GAP : 0) - this.scroller.scrollLeft;
  }

  y(item) {
    return this.top + item * MATRIX_ROW - this.scroller.scrollTop;
  }

  under(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const item = Math.floor((y - this.top + this.scroller.scrollTop) / MATRIX_ROW);
    if (y < this.top || !this.items[item] || this.items[item].row < 0) return null;
    const along = x - this.left + this.scroller.scrollLeft;
    const begun = Math.floor(along / this.step);
    const column = begun < this.forward ? begun : Math.floor((along - MATRIX_GAP) / this.step);
    const hits = x >= this.left && column >= 0 && column < this.columns.length && (begun < this.forward || column >= this.forward);
    return { item, column: hits ? column : -1 };
  }

  // drawing

  soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const drawn = this.canvas.getContext("2d");
    const { width, height, ratio } = this.seen;
    const style = getComputedStyle(this.scroller);
    this.ink = Object.fromEntries(["paper", "ink", "quiet", "line", "raised", "bad", "accent"].map((one) => [one, style.getPropertyValue(`--${one}`).trim()]));
    drawn.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawn.fillStyle = this.ink.paper;
    drawn.fillRect(0, 0, width, height);
    drawn.font = MATRIX_FONT;
    drawn.textBaseline = "middle";
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / MATRIX_ROW));
    const last = Math.min(this.items.length, first + Math.ceil(height / MATRIX_ROW) + 1);
    const columns = this.columns.map((_, at) => at).filter((at) => this.x(at) > this.left - this.step && this.x(at) < width);
    this.clipped(drawn, this.left, this.top, () => {
      for (let item = first; item < last; item += 1) this.drawRow(drawn, item, columns);
      this.drawCursor(drawn);
    });
    this.clipped(drawn, 0, this.top, () => this.drawLabels(drawn, first, last));
    this.clipped(drawn, this.left, 0, () => this.drawNames(drawn, columns));
  }

  clipped(drawn, left, top, draw) {
    const { width, height } = this.seen;
    drawn.save();
    drawn.beginPath();
    drawn.rect(left, top, left ? width - left : this.left, top ? height - top : this.top);
    drawn.clip();
    draw();
    drawn.restore();
  }

  drawRow(drawn, item, columns) {
    const { row } = this.items[item];
    if (row < 0) return;
    const y = this.y(item);
    if (!this.cells.hasValues(row)) {
      drawn.fillStyle = this.ink.quiet;
      const why = `${this.cells.text("outcome", row)}: ${this.cells.text("why", row)}`.split("\n")[0];
      drawn.fillText(why.slice(0, 160), this.left + 4, y + MATRIX_ROW / 2);
      return;
    }
    for (const column of columns) this.drawCell(drawn, this.x(column), y, this.cells.code(row, this.columns[column]));
    for (const outlined of this.cells.rows.outlined[row]) this.outline(drawn, this.columns.indexOf(outlined), y);
  }

  drawCell(drawn, x, y, code) {
    if (code < 0) return;
    const [width, height] = [this.step - 1, MATRIX_ROW - 1];
    drawn.fillStyle = code === UNJUDGED ? this.ink.raised : this.shades[Math.round(64 * shadeOf(code))];
    drawn.fillRect(x, y, width, height);
    if (code === UNJUDGED) {
      drawn.fillStyle = this.ink.quiet;
      drawn.fillText("?", x + width / 2 - 3, y + height / 2 + 1);
    } else if (code > LIMIT_CODE) markOut(drawn, x, y, width, height, code === INFINITE);
  }

  /** The culprit, or where it is out of bounds first: a double line around it. */
  outline(drawn, column, y) {
    if (column < 0) return;
    const x = this.x(column);
    drawn.lineWidth = 4;
    drawn.strokeStyle = this.ink.paper;
    drawn.strokeRect(x + 0.5, y + 0.5, this.step - 2, MATRIX_ROW - 2);
    drawn.lineWidth = 2.5;
    drawn.strokeStyle = this.ink.bad;
    drawn.strokeRect(x, y, this.step - 1, MATRIX_ROW - 1);
  }

  drawCursor(drawn) {
    if (document.activeElement !== this.scroller || this.at.item < 0) return;
    const isRow = this.at.column < 0;
    const x = isRow ? this.left + 1 : this.x(this.at.column);
    drawn.lineWidth = 2;
    drawn.setLineDash([4, 2]);
    drawn.strokeStyle = this.ink.accent;
    drawn.strokeRect(x - 1, this.y(this.at.item) - 1, isRow ? this.width : this.step + 1, MATRIX_ROW + 1);
    drawn.setLineDash([]);
  }

  drawLabels(drawn, first, last) {
    for (let item = first; item < last; item += 1) {
      const { row, text } = this.items[item];
      const y = this.y(item) + MATRIX_ROW / 2;
      drawn.font = row < 0 ? `600 ${MATRIX_FONT}` : MATRIX_FONT;
      drawn.fillStyle = row >= 0 && this.cells.rows.bad[row] ? this.ink.bad : this.ink.ink;
      drawn.fillText(row < 0 ? text : this.label(row), 4, y, this.left - 8);
    }
  }

  drawNames(drawn, columns) {
    drawn.fillStyle = this.ink.quiet;
    const halves = [[0, this.forward, "forward →"], [this.forward, this.columns.length, "backward →"]];
    for (const [begin, end, text] of halves) if (end > begin) drawn.fillText(text, Math.max(this.left, this.x(begin)), 9);
    drawn.fillStyle = this.ink.ink;
    for (const column of columns) {
      drawn.save();
      drawn.translate(this.x(column) + this.step / 2, this.top - 5);
      drawn.rotate(-NAME_ANGLE);
      drawn.fillText(this.cells.columns[this.columns[column]].name, 0, 0, this.top * 1.1);
      drawn.restore();
    }
  }

  // reading and moving

  hover(event) {
    const found = this.under(event);
    this.scroller.style.setProperty("cursor", found ? "pointer" : "default");
    if (found) this.tell(found, false);
  }

  click(event) {
    const found = this.under(event);
    if (!found) return;
    this.at = found;
    this.soon();
    this.tell();
    this.pick();
  }

  pick() {
    if (this.at.item >= 0) this.onPick(this.items[this.at.item].row, this.columns[this.at.column] ?? -1);
  }

  key(event) {
    if (!this.items.length) return;
    const page = Math.floor(this.seen.height / MATRIX_ROW) - 2;
    const moves = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1], PageDown: [page, 0], PageUp: [-page, 0], Home: [-Infinity, 0], End: [Infinity, 0] };
    if (event.key === "Enter") this.pick();
    else if (moves[event.key]) this.move(...moves[event.key]);
    else return;
    event.preventDefault();
  }

  move(down, right) {
    const within = (number, least, most) => Math.max(least, Math.min(most, number));
    let item = within(this.at.item + down, 0, this.items.length - 1);
    if (this.items[item]?.row < 0) item += down < 0 && item > 0 ? -1 : 1;
    this.at = { item, column: within(this.at.column + right, -1, this.columns.length - 1) };
    this.intoView();
    this.soon();
    this.tell();
  }

  intoView() {
    const { scroller } = this;
    const y = this.at.item * MATRIX_ROW;
    const room = this.seen.height - this.top - MATRIX_ROW;
    scroller.scrollTop = Math.max(y - room, Math.min(scroller.scrollTop, y));
    if (this.at.column < 0) return;
    const x = this.at.column * this.step;
    scroller.scrollLeft = Math.max(x - (this.seen.width - this.left - 3 * this.step), Math.min(scroller.scrollLeft, x));
  }

  /** The words below the matrix: of where the cursor is, or the mouse. */
  tell(at = this.at, aloud = true) {
    this.says.setAttribute("aria-live", aloud ? "polite" : "off");
    const row = this.items[at.item]?.row ?? -1;
    this.says.textContent = row < 0 ? "no cell" : this.wordsOf(row, this.columns[at.column] ?? -1);
  }

  wordsOf(row, column) {
    const { cells } = this;
    const cell = `cell ${cells.rows.number[row]} (${cells.words(row) || "alone"})`;
    if (column < 0) return `${cell}: ${cells.text("outcome", row)}${cells.text("place", row) && ` at ${cells.text("place", row)}`}`;
    const { name, op } = cells.columns[column];
    const code = cells.code(row, column);
    const found = code < 0 ? "no such value" : code === UNJUDGED ? "not judged" : `${shareWords(usedOf(code))} of what is allowed${code > LIMIT_CODE ? ": out of bounds" : ""}`;
    const marked = cells.rows.outlined[row].includes(column) ? "; outlined" : "";
    return `${cell}, ${name}${op && op !== name ? ` (${op})` : ""}: ${found}${marked}`;
  }
}

/** What is out of bounds has a stroke across, besides its shade; what is not finite has two. */
function markOut(drawn, x, y, width, height, isInfinite) {
  const inset = 4;
  drawn.lineWidth = 1.6;
  drawn.strokeStyle = "#000000";
  drawn.beginPath();
  drawn.moveTo(x + inset, y + height - inset);
  drawn.lineTo(x + width - inset, y + inset);
  if (isInfinite) {
    drawn.moveTo(x + inset, y + inset);
    drawn.lineTo(x + width - inset, y + height - inset);
  }
  drawn.stroke();
}

/** What the shades and marks say. */
function matrixLegend() {
  const canvas = el("canvas", { width: 300, height: 14, role: "img", "aria-label": "shades from dark, where little of what is allowed was used, to light" });
  const drawn = canvas.getContext("2d");
  for (let x = 0; x < 300; x += 1) {
    drawn.fillStyle = shade(x / 300);
    drawn.fillRect(x, 0, 1, 14);
  }
  drawn.fillStyle = "#000000";
  drawn.fillRect((-LEAST_SHADE / (MOST_SHADE - LEAST_SHADE)) * 300 - 1, 0, 2, 14);
  const marks = [[false, "out of bounds"], [true, "NaN, infinite, or of another form"]].map(([isInfinite, text]) => {
    const mark = el("canvas", { width: 18, height: 14, "aria-hidden": "true" });
    const on = mark.getContext("2d");
    on.fillStyle = shade(isInfinite ? 1 : 0.8);
    on.fillRect(0, 0, 18, 14);
    markOut(on, 0, 0, 18, 14, isInfinite);
    return el("span", {}, mark, ` ${text}`);
  });
  return el(
    "div",
    { class: "matrix-legend" },
    el("span", {}, "used of what is allowed: 0.001x ", canvas, " 100x, the line at 1x"),
    ...marks,
    el("span", {}, el("span", { class: "outlined", "aria-hidden": "true" }), " the culprit, else where it starts"),
    el("span", {}, "? not judged"),
  );
}
