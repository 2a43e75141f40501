/** The tab Timeline: which worker ran what, and when. */

import { Chart } from "./chart.js";

const FEW = 10;
const ROWS = [44, 28];
const HIGHEST = 2000;

/**
 * @param {import("./types.js").Context} context
 * @returns {import("./types.js").View}
 */
export function timelineView({ api }) {
  const chart = new Chart("Tasks by worker over time", () => api.chart("timeline", {}), { height, renderer: "canvas", legend: false });
  return {
    node: chart.node,
    refresh: () => chart.refresh(),
    close: () => chart.close(),
  };
}

/** @param {Record<string, any>} spec its bars have a field "worker" */
function height(spec) {
  const bars = Object.values(spec.datasets ?? {}).flat();
  const workers = new Set(bars.map((bar) => bar.worker)).size;
  return Math.min(HIGHEST, workers * ROWS[workers > FEW ? 1 : 0]);
}
