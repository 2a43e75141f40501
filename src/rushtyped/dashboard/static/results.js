/** The tab Results: best so far, any column against any other, all xs at once. */

import { Chart } from "./chart.js";
import { element } from "./dom.js";

const NESTED = /^(List|Array|Struct|Binary|Object)/;
const HEIGHT = 250;
const DIRECTIONS = [["0", "smaller is better"], ["1", "larger is better"]];

/**
 * @param {import("./types.js").Context} context
 * @returns {import("./types.js").View}
 */
export function resultsView({ api, summary }) {
  const plain = summary.columns.filter(({ dtype }) => !NESTED.test(dtype)).map(({ name }) => name);
  const numbers = summary.columns.filter(({ numeric }) => numeric).map(({ name }) => name);
  const ys = summary.ys.filter((name) => numbers.includes(name));
  const xs = summary.xs.filter((name) => plain.includes(name));
  if (!ys.length) return { node: element("p", { class: "card dim" }, "No column of ys is a number."), refresh: async () => {}, close() {} };

  const best = part("Best so far", [choice("y", ys), pick("Direction", DIRECTIONS)], ([column, maximise]) => api.chart("progress", { column, maximise }));
  const against = part(
    "One column against another",
    [choice("x", plain, xs[0]), choice("y", plain, ys[0]), choice("Colour", ["", ...plain])],
    ([x, y, colour]) => api.chart("scatter", { x, y, colour: colour || null }),
  );
  const parallel = part("All xs", [choice("Colour", ys)], ([colour]) => api.chart("parallel", { colour }));
  const parts = [best, against, parallel];
  parallel.node.classList.add("across");
  return {
    node: element("div", { class: "board" }, ...parts.map(({ node }) => node)),
    refresh: async () => void (await Promise.all(parts.map(({ chart }) => chart.refresh()))),
    close: () => parts.forEach(({ chart }) => chart.close()),
  };
}

/**
 * A chart below the choices that it is made from.
 *
 * @param {string} title
 * @param {{label: HTMLElement, select: HTMLSelectElement}[]} choices
 * @param {(values: string[]) => Promise<string>} read
 */
function part(title, choices, read) {
  const values = () => choices.map(({ select }) => select.value);
  const chart = new Chart(title, () => read(values()), { height: HEIGHT, renderer: "canvas" });
  const bar = element("div", { class: "bar" }, ...choices.map(({ label }) => label));
  bar.addEventListener("change", () => void chart.refresh());
  chart.node.firstElementChild?.after(bar);
  return { chart, node: chart.node };
}

/**
 * @param {string} name
 * @param {string[]} values
 * @param {string} [chosen]
 */
function choice(name, values, chosen) {
  return pick(name, values.map((value) => [value, value || "none"]), chosen);
}

/**
 * @param {string} name
 * @param {string[][]} options value and what is shown
 * @param {string} [chosen]
 */
function pick(name, options, chosen) {
  const select = element("select", {}, ...options.map(([value, shown]) => element("option", { value }, shown)));
  if (chosen !== undefined) select.value = chosen;
  return { select, label: element("label", {}, element("span", { class: "dim" }, name), select) };
}
