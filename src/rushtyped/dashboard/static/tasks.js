/** The tab Tasks: all of them, sorted and filtered by the server. */

import { ApiError } from "./api.js";
import { retryButton } from "./control.js";
import { element, setText } from "./dom.js";
import { cell, count } from "./format.js";
import { Grid } from "./grid.js";
import { linkTo } from "./route.js";
import { Rows } from "./rows.js";
import { stateBadge } from "./table.js";

const STATES = ["all", "queued", "running", "finished", "failed"];
const TYPING = 300;
const WIDTHS = new Map([["key", 110], ["state", 96], ["attempt", 84], ["worker_id", 130], ["condition", 260]]);

/**
 * @param {import("./types.js").Context} context
 * @returns {import("./types.js").View}
 */
export function tasksView(context) {
  return new TasksView(context);
}

class TasksView {
  /** @param {import("./types.js").Context} context */
  constructor(context) {
    this.context = context;
    this.sort = "";
    this.descending = false;
    /** @type {string[]} */
    this.columns = [];
    this.state = element("select", { "aria-label": "State", onchange: () => this.#choose() }, ...STATES.map((state) => element("option", {}, state)));
    this.filter = element("input", { type: "search", placeholder: "Filter: text, or column>=value", "aria-label": "Filter", "aria-describedby": "filter-note", oninput: () => this.#typed() });
    this.note = element("span", { id: "filter-note", class: "dim", role: "status" });
    this.grid = new Grid({
      label: "Tasks",
      show: (row, i) => (this.columns[i] === "state" ? stateBadge(String(row[i])) : cell(row[i])),
      onOpen: (index) => this.#open(index),
      onSort: (column) => this.#sortBy(column),
      onSight: (first, last) => void this.#need(first, last, false),
    });
    this.rows = new Rows((offset, limit, signal) => this.#read(offset, limit, signal), () => this.#changed());
    this.grid.rowAt = (index) => this.rows.at(index);
    this.node = element("div", { class: "fill" }, this.#bar(), this.grid.node);
    this.typing = 0;
  }

  #bar() {
    const { api, summary } = this.context;
    const retry = summary.allow_control ? retryButton(api, null, () => void this.refresh()) : null;
    return element("div", { class: "bar" }, this.state, this.filter, this.note, retry);
  }

  /** @param {URLSearchParams} query */
  apply(query) {
    this.state.value = STATES.includes(query.get("state") ?? "") ? String(query.get("state")) : "all";
    this.filter.value = query.get("filter") ?? "";
    this.#again();
  }

  async refresh() {
    const { first, last } = this.grid.sight();
    this.rows.keepOnly(first, last);
    await this.#need(first, last, true);
  }

  close() {
    clearTimeout(this.typing);
    this.rows.clear();
    this.grid.close();
  }

  /**
   * @param {number} first
   * @param {number} last
   * @param {boolean} anew
   */
  async #need(first, last, anew) {
    try {
      await this.rows.need(first, Math.max(first, last), anew);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.filter.setAttribute("aria-invalid", String(error.status === 400));
      setText(this.note, error.message);
    }
  }

  /**
   * @param {number} offset
   * @param {number} limit
   * @param {AbortSignal} signal
   */
  async #read(offset, limit, signal) {
    const { sort, descending, context } = this;
    const chosen = { state: this.state.value, sort: sort || null, descending, filter: this.filter.value || null };
    const page = await context.api.tasks({ ...chosen, offset, limit }, signal);
    this.#setColumns(page.columns);
    return page;
  }

  /** @param {string[]} columns */
  #setColumns(columns) {
    if (columns.join("\n") === this.columns.join("\n")) return;
    this.columns = columns;
    this.#drawColumns();
  }

  #drawColumns() {
    const known = new Map(this.context.summary.columns.map((column) => [column.name, column]));
    const columns = this.columns.map((name) => {
      const numeric = known.get(name)?.numeric ?? name === "attempt";
      return { name, numeric, width: WIDTHS.get(name) ?? (name.endsWith("_at") ? 150 : Math.max(numeric ? 108 : 150, name.length * 8 + 24)) };
    });
    this.grid.setColumns(columns, this.sort, this.descending);
  }

  #changed() {
    this.filter.removeAttribute("aria-invalid");
    this.grid.total = this.rows.total;
    setText(this.note, `${count(this.rows.total)} ${this.rows.total === 1 ? "task" : "tasks"}`);
    this.grid.render();
  }

  #again() {
    this.rows.clear();
    this.grid.toTop();
    void this.#need(0, 0, true);
  }

  // The address says what is shown, so that it can be passed on.
  #choose() {
    const chosen = { ...(this.state.value !== "all" && { state: this.state.value }), ...(this.filter.value && { filter: this.filter.value }) };
    history.replaceState(null, "", linkTo(this.context.api.id, "tasks", chosen));
    this.#again();
  }

  #typed() {
    clearTimeout(this.typing);
    this.typing = window.setTimeout(() => this.#choose(), TYPING);
  }

  /** @param {string} column */
  #sortBy(column) {
    // Ascending, descending, then in the order of creation again.
    if (this.sort !== column) [this.sort, this.descending] = [column, false];
    else if (!this.descending) this.descending = true;
    else [this.sort, this.descending] = ["", false];
    this.#drawColumns();
    this.#again();
  }

  /** @param {number} index */
  #open(index) {
    const key = this.rows.at(index)?.[this.columns.indexOf("key")];
    if (typeof key === "string") this.context.open(key);
  }
}
