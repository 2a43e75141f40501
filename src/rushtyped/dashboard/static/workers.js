/** The tab Workers: who is there, and what each does. */

import { element } from "./dom.js";
import { time } from "./format.js";
import { renew } from "./renew.js";
import { linkTo } from "./route.js";
import { makeTable, stateBadge } from "./table.js";

const HEADS = [
  { name: "Worker" }, { name: "State" }, { name: "Lease" }, { name: "Runs", numeric: true }, { name: "Host" },
  { name: "Pid", numeric: true }, { name: "Version" }, { name: "Started (UTC)" }, { name: "Ended (UTC)" }, { name: "Reason" },
];

/**
 * @param {import("./types.js").Context} context
 * @returns {import("./types.js").View}
 */
export function workersView({ api }) {
  const body = element("div", {}, element("p", { class: "dim" }, "Loading …"));
  return {
    node: element("section", { class: "card" }, body),
    async refresh() {
      const { workers } = await api.workers();
      const rows = workers.map((worker) => asRow(api.id, worker));
      renew(body, makeTable("Workers", HEADS, rows, "No worker has registered yet."));
    },
    close() {},
  };
}

/**
 * @param {string} id
 * @param {any} worker
 */
function asRow(id, worker) {
  const running = worker.state === "running";
  const filter = { state: "running", filter: `worker_id=${worker.worker_id}` };
  const runs = worker.n_running ? element("a", { href: linkTo(id, "tasks", filter), "aria-label": `Tasks that ${worker.worker_id} runs` }, worker.n_running) : 0;
  return [
    element("code", {}, worker.worker_id),
    stateBadge(worker.state),
    running ? lease(worker.heartbeat) : "",
    runs, worker.hostname, worker.pid, worker.version, time(worker.started_at), time(worker.ended_at), worker.reason,
  ];
}

/** @param {boolean} held */
function lease(held) {
  return held ? "held" : element("span", { class: "error" }, "lapsed");
}
