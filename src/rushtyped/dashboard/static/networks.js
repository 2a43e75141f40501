/** The list of networks. */

import { ApiError, networks } from "./api.js";
import { element, setText } from "./dom.js";
import { count } from "./format.js";
import { showNotice } from "./notice.js";
import { paced } from "./pace.js";
import { renew } from "./renew.js";
import { linkTo } from "./route.js";
import { makeTable } from "./table.js";

const PERIOD = 5000;
const HEADS = [
  { name: "Network" },
  ...["Queued", "Running", "Finished", "Failed", "Workers"].map((name) => ({ name, numeric: true })),
  { name: "Budget" },
];

/**
 * @param {HTMLElement} main
 * @returns {() => void} ends it
 */
export function showNetworks(main) {
  const body = element("div", { class: "card" }, element("p", { class: "dim" }, "Loading …"));
  const server = element("span", { class: "dim" });
  main.replaceChildren(element("div", { class: "title" }, element("h1", {}, "Networks"), server), body);
  document.title = "rushtyped";
  const pace = paced(async () => {
    await fill(body, server);
    pace.request();
  }, PERIOD);
  pace.request();
  return pace.close;
}

/**
 * @param {HTMLElement} body
 * @param {HTMLElement} server
 */
async function fill(body, server) {
  try {
    const list = await networks();
    setText(server, list.server);
    renew(body, makeTable("Networks", HEADS, list.networks.map(asRow), "This server has no network yet."));
    showNotice("");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showNotice(error.message);
  }
}

/** @param {any} network */
function asRow(network) {
  const { id, queued, running, finished, failed, running_workers: workers, max_tasks: most, spent } = network;
  const numbers = [queued, running, finished, failed, workers].map(count);
  return [element("a", { href: linkTo(id) }, id), ...numbers, budget(finished, most, spent)];
}

/**
 * @param {number} finished
 * @param {number | null} most
 * @param {boolean} spent
 */
function budget(finished, most, spent) {
  if (!most) return spent ? "spent" : "none";
  return element("span", {}, element("progress", { max: most, value: finished, "aria-label": "Budget used" }), ` ${count(most)}${spent ? ", spent" : ""}`);
}
