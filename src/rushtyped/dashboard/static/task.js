/** One task, whole, in a dialog. */

import { ApiError } from "./api.js";
import { retryButton } from "./control.js";
import { showDialog } from "./dialog.js";
import { element } from "./dom.js";
import { span, time, whole } from "./format.js";
import { stateBadge } from "./table.js";

const GROUPS = /** @type {const} */ (["xs", "ys", "xs_extra", "ys_extra"]);

/**
 * @param {import("./api.js").NetworkApi} api
 * @param {string} key
 * @param {{control: boolean, onClose?: () => void}} options
 */
export async function showTask(api, key, { control, onClose }) {
  try {
    const task = await api.task(key);
    const content = [facts(task), ...GROUPS.map((name) => group(name, task[name])), condition(task.condition)].filter((part) => part !== null);
    const dialog = showDialog("Task", content, { wide: true, onClose });
    if (!control || task.state !== "failed") return;
    dialog.firstElementChild?.append(element("footer", {}, retryButton(api, [key], () => dialog.close())));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showDialog("This task cannot be read", [element("p", {}, error.message)], { onClose });
  }
}

/** @param {import("./types.js").Task} task */
function facts(task) {
  const rows = [
    ["Key", element("code", {}, task.key)],
    ["State", stateBadge(task.state)],
    ["Worker", task.worker_id ?? "–"],
    ["Attempt", String(task.attempt ?? "–")],
    ["Created", time(task.created_at, { full: true })],
    ["Started", time(task.started_at, { full: true })],
    ["Finished", time(task.finished_at, { full: true })],
    ["Took", took(task)],
  ];
  return definitions(rows, "facts");
}

/** @param {import("./types.js").Task} task */
function took({ started_at: from, finished_at: to }) {
  return from && to ? span((Date.parse(to) - Date.parse(from)) / 1000) : "–";
}

/**
 * @param {string} name
 * @param {Record<string, unknown> | null} values
 */
function group(name, values) {
  if (!values || !Object.keys(values).length) return null;
  const rows = Object.entries(values).map(([field, value]) => [field, element("span", { class: "value" }, whole(value))]);
  return element("section", {}, element("h3", {}, name), definitions(rows, "values"));
}

/**
 * @param {(string | Node)[][]} rows
 * @param {string} kind
 */
function definitions(rows, kind) {
  return element("dl", { class: kind }, ...rows.flatMap(([term, value]) => [element("dt", {}, term), element("dd", {}, value)]));
}

/** @param {import("./types.js").Condition | null} said */
function condition(said) {
  if (!said) return null;
  const message = element("p", { class: "error" }, element("b", {}, said.type), said.message ? `: ${said.message}` : "");
  const traceback = said.traceback ? element("pre", { tabindex: 0, "aria-label": "Traceback" }, said.traceback) : null;
  return element("section", {}, element("h3", {}, "condition"), message, traceback);
}
