/**
 * A table of any length: only the rows in sight are elements.
 *
 * The scroll bar belongs to an empty box as high as all rows, or, where browsers allow no such
 * height, as high as they allow; a table sticks to its top and shows the rows that belong there.
 */

import { element } from "./dom.js";

const ROW = 28;
const HEAD = 30;
const HIGHEST = 15_000_000;
const MOVES = new Map([["ArrowDown", 1], ["ArrowUp", -1]]);

/**
 * @typedef {object} GridColumn
 * @property {string} name
 * @property {boolean} numeric
 * @property {number} width pixels
 */

/**
 * @typedef {object} GridOptions
 * @property {string} label
 * @property {(row: unknown[], column: number) => Node | string} show
 * @property {(index: number) => void} onOpen a click or Enter
 * @property {(column: string) => void} onSort
 * @property {(first: number, last: number) => void} onSight these rows are in sight now
 */

export class Grid {
  /** @param {GridOptions} options */
  constructor(options) {
    this.options = options;
    this.total = 0;
    this.active = 0;
    /** @type {(index: number) => unknown[] | undefined} */
    this.rowAt = () => undefined;
    /** @type {GridColumn[]} */
    this.columns = [];
    /** @type {HTMLTableRowElement[]} */
    this.rows = [];
    this.head = element("thead");
    this.body = element("tbody");
    this.widths = element("colgroup");
    this.table = element("table", { role: "grid", "aria-label": options.label }, this.widths, this.head, this.body);
    this.pane = element("div", { class: "grid-pane" }, this.table);
    this.sizer = element("div", { class: "grid-sizer" }, this.pane);
    this.node = element("div", { class: "grid", tabindex: -1 }, this.sizer);
    this.#listen();
  }

  #listen() {
    this.node.addEventListener("scroll", () => this.render());
    this.node.addEventListener("keydown", (event) => this.#onKey(event));
    this.body.addEventListener("click", (event) => {
      const row = /** @type {Element} */ (event.target).closest("tr");
      if (!row) return;
      this.#activate(Number(row.dataset.index));
      this.options.onOpen(this.active);
    });
    this.resizes = new ResizeObserver(() => this.render());
    this.resizes.observe(this.node);
  }

  close() {
    this.resizes?.disconnect();
  }

  /**
   * @param {GridColumn[]} columns
   * @param {string} sorted name of the column that the rows are sorted by, or empty
   * @param {boolean} descending
   */
  setColumns(columns, sorted, descending) {
    this.columns = columns;
    this.rows = [];
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.sort;
    this.body.replaceChildren();
    this.widths.replaceChildren(...columns.map(({ width }) => element("col", { style: `width:${width}px` })));
    this.table.style.width = `${columns.reduce((sum, { width }) => sum + width, 0)}px`;
    this.table.setAttribute("aria-colcount", String(columns.length));
    const cells = columns.map((column) => this.#headCell(column, column.name === sorted, descending));
    this.head.replaceChildren(element("tr", { "aria-rowindex": 1 }, ...cells));
    if (focused) [...this.head.querySelectorAll("button")].find((button) => button.dataset.sort === focused)?.focus();
  }

  /**
   * @param {GridColumn} column
   * @param {boolean} sorted
   * @param {boolean} descending
   */
  #headCell({ name, numeric }, sorted, descending) {
    const arrow = sorted ? (descending ? " ↓" : " ↑") : "";
    const onclick = () => this.options.onSort(name);
    const button = element("button", { type: "button", "data-sort": name, title: name, onclick }, `${name}${arrow}`);
    const order = sorted ? (descending ? "descending" : "ascending") : "none";
    return element("th", { scope: "col", "aria-sort": order, class: numeric ? "number" : "" }, button);
  }

  /** @returns {{first: number, last: number, shift: number}} rows in sight; shift: pixels of the first one that are not */
  sight() {
    const room = this.#room();
    const hidden = Math.max(0, this.total * ROW - room);
    const way = Math.max(1, this.#height() - HEAD - room);
    const top = Math.min(hidden, this.node.scrollTop * (hidden / way));
    const first = Math.floor(top / ROW);
    return { first, last: Math.min(this.total - 1, Math.ceil((top + room) / ROW) - 1), shift: top - first * ROW };
  }

  /** Pixels that rows have: never more than the window shows. */
  #room() {
    return Math.max(ROW, Math.min(this.node.clientHeight, innerHeight) - HEAD);
  }

  #height() {
    return Math.min(HIGHEST, this.total * ROW + HEAD);
  }

  /** Show the rows in sight as they are now. */
  render() {
    this.sizer.style.height = `${this.#height()}px`;
    this.pane.style.height = `${Math.min(this.node.clientHeight, this.#height())}px`;
    this.table.setAttribute("aria-rowcount", String(this.total + 1));
    this.active = Math.max(0, Math.min(this.active, this.total - 1));
    const { first, last, shift } = this.sight();
    const focused = this.body.contains(document.activeElement) || document.activeElement === this.node;
    this.#fit(last - first + 1);
    this.rows.forEach((row, i) => this.#fill(row, first + i));
    this.body.style.transform = `translateY(${-shift}px)`;
    if (focused) this.#focus();
    this.options.onSight(first, last);
  }

  /** @param {number} n */
  #fit(n) {
    while (this.rows.length > n) this.rows.pop()?.remove();
    while (this.rows.length < n) {
      const row = element("tr", {}, ...this.columns.map(({ numeric }) => element("td", { class: numeric ? "number" : "" })));
      this.rows.push(row);
      this.body.append(row);
    }
  }

  /**
   * @param {HTMLTableRowElement} row
   * @param {number} index
   */
  #fill(row, index) {
    row.dataset.index = String(index);
    row.setAttribute("aria-rowindex", String(index + 2));
    row.tabIndex = index === this.active ? 0 : -1;
    const values = this.rowAt(index);
    row.classList.toggle("unread", !values);
    this.columns.forEach((_, i) => {
      const shown = values ? this.options.show(values, i) : "";
      const cell = row.cells[i];
      if (typeof shown !== "string") cell.replaceChildren(shown);
      else if (cell.textContent !== shown || cell.firstElementChild) cell.textContent = shown;
      cell.title = cell.textContent.length > 12 ? cell.textContent : "";
    });
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (/** @type {Element} */ (event.target).closest("thead")) return;
    const page = Math.max(1, Math.floor(this.#room() / ROW) - 1);
    const steps = new Map([...MOVES, ["PageDown", page], ["PageUp", -page], ["Home", -this.total], ["End", this.total]]);
    const step = steps.get(event.key);
    if (step !== undefined) this.#activate(this.active + step);
    else if (event.key === "Enter") this.options.onOpen(this.active);
    else return;
    event.preventDefault();
  }

  /** @param {number} index */
  #activate(index) {
    this.active = Math.max(0, Math.min(index, this.total - 1));
    this.#reveal();
    this.render();
    this.#focus();
  }

  // A row that is out of sight is no element: the box holds the focus for it.
  #focus() {
    const row = this.rows.find((each) => Number(each.dataset.index) === this.active);
    (row ?? this.node).focus({ preventScroll: true });
  }

  #reveal() {
    const room = this.#room();
    const hidden = Math.max(1, this.total * ROW - room);
    const scale = Math.max(0, this.#height() - HEAD - room) / hidden;
    const { first, shift } = this.sight();
    const top = first * ROW + shift;
    if (this.active * ROW < top) this.node.scrollTop = this.active * ROW * scale;
    else if ((this.active + 1) * ROW > top + room) this.node.scrollTop = ((this.active + 1) * ROW - room) * scale;
  }

  /** Go back to the first row, as when the rows are sorted otherwise. */
  toTop() {
    this.active = 0;
    this.node.scrollTop = 0;
  }
}
