/** The tab Log: the newest records of all workers. */

import { element } from "./dom.js";
import { time } from "./format.js";

const LEVELS = ["", "DEBUG", "INFO", "WARNING", "ERROR"];
const MOST = 500;
const NEAR = 24;

/**
 * @param {import("./types.js").Context} context
 * @returns {import("./types.js").View}
 */
export function logView({ api }) {
  const level = element("select", { onchange: () => void refresh() }, ...LEVELS.map((name) => element("option", { value: name }, name || "all levels")));
  const follow = element("button", { type: "button", class: "quiet", hidden: true, onclick: toEnd }, "Follow the end ↓");
  const list = element("div", { class: "records", role: "log", "aria-live": "off", "aria-label": "Log", tabindex: 0 });
  const bar = element("div", { class: "bar" }, element("label", {}, element("span", { class: "dim" }, "From level"), level), follow);
  /** @type {string[]} */
  let shown = [];

  const atEnd = () => list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
  list.addEventListener("scroll", () => {
    follow.hidden = atEnd();
  });

  function toEnd() {
    list.scrollTop = list.scrollHeight;
  }

  async function refresh() {
    const asked = level.value;
    const { records } = await api.log({ limit: MOST, level: asked || null });
    if (asked !== level.value) return;
    const following = atEnd();
    const next = records.map((record) => JSON.stringify(record));
    const kept = overlap(shown, next);
    if (!shown.length) list.replaceChildren();
    for (let i = kept; i < shown.length; i += 1) list.firstElementChild?.remove();
    list.append(...records.slice(kept).map(asRecord));
    if (!records.length) list.replaceChildren(element("p", { class: "dim" }, "No record. Workers keep warnings and errors, unless log_levels= says otherwise."));
    shown = next;
    if (following) toEnd();
  }

  return { node: element("div", { class: "fill" }, bar, list), refresh, close() {} };
}

/**
 * Count how many of the last old records are the first new ones: those stay as they are.
 *
 * @param {string[]} old
 * @param {string[]} next
 */
function overlap(old, next) {
  for (let from = Math.max(0, old.length - next.length); from < old.length; from += 1) {
    if (old.slice(from).every((record, i) => record === next[i])) return old.length - from;
  }
  return 0;
}

/** @param {any} record */
function asRecord({ worker_id: worker, level, timestamp, logger, message, exception }) {
  const known = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"].includes(level) ? level.toLowerCase() : "";
  const head = [
    element("time", { class: "dim", datetime: timestamp }, time(timestamp)),
    element("span", { class: `level ${known}` }, level),
    element("code", { class: "dim", title: worker }, worker),
    element("span", { class: "message" }, message, logger ? element("span", { class: "dim" }, ` ${logger}`) : null),
  ];
  const more = exception ? element("details", {}, element("summary", {}, "exception"), element("pre", {}, exception)) : null;
  return element("div", { class: "record" }, ...head, more);
}
