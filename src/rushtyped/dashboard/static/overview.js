/** The tab Overview: charts of how it goes, the best results, the newest errors. */

import { Chart } from "./chart.js";
import { element } from "./dom.js";
import { renew } from "./renew.js";
import { makeTable } from "./table.js";

const HEIGHT = 200;

/**
 * @param {import("./types.js").Context} context
 * @returns {import("./types.js").View}
 */
export function overviewView(context) {
  const { api } = context;
  const charts = [
    ["Tasks by state", "states"],
    ["Throughput", "throughput"],
    ["Utilisation", "utilisation"],
  ].map(([title, name]) => new Chart(title, () => api.chart(name, {}), { height: HEIGHT, legend: false }));
  const best = element("div");
  const errors = element("div");
  const bestTitle = element("h2", {}, "Best results");
  const cards = [
    element("section", { class: "card wide" }, bestTitle, best),
    element("section", { class: "card wide" }, element("h2", {}, "Newest errors"), errors),
  ];
  charts[0].node.classList.add("wide");
  const node = element("div", { class: "board" }, ...charts.map((chart) => chart.node), ...cards);

  function fill() {
    const { summary } = context;
    const y = firstNumber(summary);
    bestTitle.textContent = y ? `Best results by ${y}` : "Best results";
    renew(best, bestTable(context));
    renew(errors, errorTable(context));
  }

  fill();
  return {
    node,
    async refresh() {
      await Promise.all([context.summarise(), ...charts.map((chart) => chart.refresh())]);
      fill();
    },
    close: () => charts.forEach((chart) => chart.close()),
  };
}

/** @param {import("./types.js").Summary} summary */
function firstNumber({ columns, ys }) {
  return ys.find((y) => columns.some(({ name, numeric }) => name === y && numeric));
}

/** @param {import("./types.js").Context} context */
function bestTable({ summary, open }) {
  const { best, xs, ys, columns } = summary;
  const known = [...ys, ...xs].filter((name) => best.some((row) => name in row));
  const numeric = new Map(columns.map((column) => [column.name, column.numeric]));
  const heads = [{ name: "Task" }, ...known.map((name) => ({ name, numeric: numeric.get(name) }))];
  const rows = best.map((row) => [opener(String(row.key), open), ...known.map((name) => row[name])]);
  return makeTable("Best results", heads, rows, "Nothing has finished yet.");
}

/** @param {import("./types.js").Context} context */
function errorTable({ summary, open }) {
  const heads = [{ name: "Task" }, { name: "Type" }, { name: "Message" }, { name: "Worker" }];
  const rows = summary.errors.map(({ key, type, message, worker_id: worker }) => [opener(key, open), type, message, worker]);
  return makeTable("Newest errors", heads, rows, "Nothing has failed.");
}

/**
 * @param {string} key
 * @param {(key: string) => void} open
 */
function opener(key, open) {
  return element("button", { type: "button", class: "text", title: key, "aria-label": `Open task ${key}`, onclick: () => open(key) }, key.slice(0, 8));
}
