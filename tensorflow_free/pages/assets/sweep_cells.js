// A sweep's cells in the page: rows, what each value used, and which of them are shown in which order.

const UNJUDGED = 0, NOTHING = 1, INFINITE = 65535, FIRST_CODE = 2, LEAST_POWER = -12, CODES_PER_DECADE = 2400;
const LIMIT_CODE = FIRST_CODE - LEAST_POWER * CODES_PER_DECADE;

/** The share of what is allowed that a code stands for; NaN where it was not judged. */
function usedOf(code) {
  if (code === UNJUDGED) return NaN;
  if (code === NOTHING) return 0;
  return code === INFINITE ? Infinity : 10 ** ((code - FIRST_CODE) / CODES_PER_DECADE + LEAST_POWER);
}

/** A share in words, as tables have it: `0.4x`, `1,200x`, `inf`; a dash where it was not judged. */
function shareWords(used) {
  if (used === null || Number.isNaN(used)) return "–";
  if (used === Infinity || used === "inf") return "inf";
  if (!used) return "0";
  if (used >= 1e6) return `${used.toExponential(0).replace("e+", "e+")}x`;
  return used >= 100 ? `${Math.round(used).toLocaleString("en")}x` : `${Number(used.toPrecision(2))}x`;
}

/** Rows and matrix together: cells are numbered by their place here, the worst first. */
class SweepCells {
  static async read() {
    const [rows, matrix] = await Promise.all([part("rows"), part("matrix")]);
    return new SweepCells(rows, matrix);
  }

  constructor(rows, matrix) {
    this.rows = rows;
    this.count = rows.number.length;
    this.columns = matrix.columns.map(([name, op, isGradient]) => ({ name, op, isGradient }));
    this.leftOut = matrix.left_out;
    this.layouts = matrix.layouts.map((layout) => {
      const places = new Int32Array(this.columns.length).fill(-1);
      layout.forEach((column, at) => (places[column] = at));
      return { places, columns: layout };
    });
    const bytes = bytesOf(matrix.codes);
    this.codes = new Uint16Array(bytes.length / 2);
    for (let at = 0; at < this.codes.length; at += 1) this.codes[at] = bytes[2 * at] | (bytes[2 * at + 1] << 8);
    this.layoutOf = matrix.rows;
    this.begins = new Uint32Array(this.count + 1);
    for (let row = 0; row < this.count; row += 1)
      this.begins[row + 1] = this.begins[row] + this.layouts[this.layoutOf[row]].columns.length;
    this.rowOf = new Map(rows.number.map((number, row) => [number, row]));
  }

  text(key, row) {
    return this.rows.texts[this.rows[key][row]];
  }

  axis(key) {
    return head.axes.findIndex((one) => one.key === key);
  }

  /** The value of an axis; empty of a cell that is not on it. */
  valueOf(axis, row) {
    return head.axes[axis]?.values[this.rows.axes[axis][row]] ?? "";
  }

  /** What varies, of one cell: `dtype=float16, params.n=8`. */
  words(row) {
    return head.axes.map(({ key }, axis) => [key, this.valueOf(axis, row)]).filter(([, value]) => value !== "")
      .map(([key, value]) => `${key}=${value}`).join(", ");
  }

  values(row) {
    return head.axes.map((_, axis) => this.valueOf(axis, row)).filter(Boolean).join("  ");
  }

  hasValues(row) {
    return this.begins[row + 1] > this.begins[row];
  }

  /** The code of a cell's value; -1 where the cell has no such value. */
  code(row, column) {
    const at = this.layouts[this.layoutOf[row]].places[column];
    return at < 0 ? -1 : this.codes[this.begins[row] + at];
  }

  /** The columns that some of these cells have: forward in the order of steps, backward in that of gradients. */
  columnsOf(shown) {
    const layouts = new Set(shown.map((row) => this.layoutOf[row]));
    const there = new Set([...layouts].flatMap((layout) => this.layouts[layout].columns));
    const all = [...there].sort((one, other) => one - other);
    const forward = all.filter((column) => !this.columns[column].isGradient);
    const backward = all.filter((column) => this.columns[column].isGradient).reverse();
    return { forward, backward };
  }

  used(row) {
    const used = this.rows.used[row];
    return used === "inf" ? Infinity : used;
  }
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

// which are shown

/** The cells that a reader asks for, in the order that is asked for. */
class SweepFilter {
  constructor(cells) {
    this.cells = cells;
    this.axes = head.axes.map(() => "");
    this.outcome = "";
    this.columns = null; // those of which one must be out of bounds
    this.text = "";
    this.order = "worst";
    this.group = cells.axis("recipe") < 0 ? "" : "recipe";
  }

  shown() {
    const { cells } = this;
    const words = this.text.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    for (let row = 0; row < cells.count; row += 1) if (this.passes(row, words)) found.push(row);
    if (this.order === "number") found.sort((one, other) => cells.rows.number[one] - cells.rows.number[other]);
    else if (this.order !== "worst") this.byAxis(found, cells.axis(this.order));
    if (this.group) this.byAxis(found, cells.axis(this.group), this.order === "worst");
    return found;
  }

  /** By the values of an axis, as they were typed; or those first that come first now. */
  byAxis(found, axis, asFound = false) {
    const places = this.cells.rows.axes[axis];
    const seen = new Map();
    for (const row of found) if (!seen.has(places[row])) seen.set(places[row], seen.size);
    const rank = (row) => (asFound ? seen.get(places[row]) : places[row]);
    found.sort((one, other) => rank(one) - rank(other));
  }

  passes(row, words) {
    const { cells } = this;
    if (this.axes.some((value, axis) => value !== "" && cells.valueOf(axis, row) !== value)) return false;
    if (this.outcome !== "" && cells.text("outcome", row) !== this.outcome) return false;
    const { outlined } = cells.rows;
    if (this.columns?.every((column) => cells.code(row, column) <= LIMIT_CODE && !outlined[row].includes(column))) return false;
    if (!words.length) return true;
    const told = ["outcome", "place", "why"].map((key) => cells.text(key, row));
    const text = [cells.rows.number[row], cells.words(row), ...told].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  }
}
