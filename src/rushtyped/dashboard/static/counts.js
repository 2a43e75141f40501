/** The numbers at the top of a network's page: tasks by state, workers, rate, budget. */

import { element, setText } from "./dom.js";
import { count, rate, span } from "./format.js";
import { announce } from "./notice.js";
import { linkTo } from "./route.js";

const STATES = /** @type {const} */ (["queued", "running", "finished", "failed"]);

/** @typedef {(progress: import("./types.js").Progress, rate: number) => void} Show */

/**
 * @param {string} id
 * @returns {{node: HTMLElement, show: Show}}
 */
export function makeCounts(id) {
  const states = STATES.map((state) => tile(state, state, linkTo(id, "tasks", { state })));
  const workers = tile("workers", "", linkTo(id, "workers"));
  const speed = tile("rate", "", null);
  const budget = makeBudget();
  const tiles = element("div", { class: "tiles" }, ...states.map(({ node }) => node), workers.node, speed.node);

  /** @type {Show} */
  function show(progress, tasksPerSecond) {
    STATES.forEach((state, i) => setText(states[i].number, count(progress[state])));
    setText(workers.number, count(progress.running_workers));
    setText(speed.number, rate(tasksPerSecond));
    budget.show(progress, tasksPerSecond);
    announce(STATES.map((state) => `${progress[state]} ${state}`).join(", "));
  }
  return { node: element("div", { class: "counts" }, tiles, budget.node), show };
}

/**
 * @param {string} name
 * @param {string} state
 * @param {string | null} href
 */
function tile(name, state, href) {
  const number = element("span", { class: "figure", "data-count": name }, "–");
  const label = element("span", { class: `label ${state}` }, name);
  return { number, node: href ? element("a", { class: "tile", href }, number, label) : element("div", { class: "tile" }, number, label) };
}

/** @returns {{node: HTMLElement, show: Show}} */
function makeBudget() {
  const finished = element("span", { class: "finished" });
  const running = element("span", { class: "running" });
  const bar = element("div", { class: "meter", role: "progressbar", "aria-label": "Budget used" }, finished, running);
  const words = element("span", { class: "dim" });
  const node = element("div", { class: "budget" }, bar, words);

  /** @type {Show} */
  function show(progress, tasksPerSecond) {
    const { finished: done, running: now, queued } = progress;
    const most = progress.max_tasks ?? (done + now + queued + progress.failed || 1);
    finished.style.width = `${Math.min(100, (100 * done) / most)}%`;
    running.style.width = `${Math.min(100 - Math.min(100, (100 * done) / most), (100 * now) / most)}%`;
    bar.setAttribute("aria-valuenow", String(Math.floor(Math.min(100, (100 * done) / most))));
    setText(words, describe(progress, tasksPerSecond));
  }
  return { node, show };
}

/**
 * @param {import("./types.js").Progress} progress
 * @param {number} tasksPerSecond
 */
function describe({ finished, max_tasks: most, seconds_left: left, spent }, tasksPerSecond) {
  const parts = [];
  if (most !== null) parts.push(`${count(finished)} of ${count(most)} tasks (${Math.floor((100 * finished) / most)} %)`);
  if (left !== null && !spent) parts.push(`${span(Math.ceil(Math.max(0, left)))} of the budget left`);
  if (spent) parts.push("budget spent");
  else if (most !== null && tasksPerSecond > 0) parts.push(`about ${span(Math.ceil((most - finished) / tasksPerSecond))} to go`);
  return parts.join(" · ") || "no budget: it runs until it is stopped";
}
