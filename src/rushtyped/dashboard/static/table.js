/** Small tables; the windowed one for many rows is in grid.js. */

import { cell } from "./format.js";
import { element } from "./dom.js";

/**
 * @typedef {object} Head
 * @property {string} name
 * @property {boolean} [numeric]
 */

/**
 * @param {string} label
 * @param {Head[]} heads
 * @param {(Node | unknown)[][]} rows
 * @param {string} [empty] what to say when there is no row
 * @returns {HTMLElement}
 */
export function makeTable(label, heads, rows, empty = "None") {
  if (!rows.length) return element("p", { class: "dim" }, empty);
  const top = element("tr", {}, ...heads.map((head) => element("th", { scope: "col", class: aligned(head) }, head.name)));
  const body = rows.map((row) => element("tr", {}, ...row.map((value, i) => makeCell(value, heads[i]))));
  const table = element("table", { "aria-label": label }, element("thead", {}, top), element("tbody", {}, ...body));
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": label }, table);
}

/**
 * @param {unknown} value
 * @param {Head} head
 */
function makeCell(value, head) {
  if (value instanceof Node) return element("td", { class: aligned(head) }, value);
  const text = cell(value);
  return element("td", { class: aligned(head), title: text.length > 24 ? text : null }, text);
}

/** @param {Head} head */
function aligned(head) {
  return head.numeric ? "number" : "";
}

/** @param {string} state */
export function stateBadge(state) {
  return element("span", { class: `state ${/^[a-z]+$/.test(state) ? state : ""}` }, state);
}
