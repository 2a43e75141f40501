/** The tab Schema: what tasks hold, as the network has recorded it. */

import { element } from "./dom.js";
import { makeTable } from "./table.js";

const HEADS = [{ name: "Field" }, { name: "Column" }, { name: "Required" }, { name: "Default" }, { name: "Rules" }];
const SAID = new Set(["column", "default", "title"]);
const TITLES = new Map([
  ["xs", "xs: what goes in"],
  ["ys", "ys: what comes out"],
  ["xs_extra", "xs_extra: stored when a task is created"],
  ["ys_extra", "ys_extra: stored when it finishes"],
]);

/**
 * @param {import("./types.js").Context} context
 * @returns {import("./types.js").View}
 */
export function schemaView({ api }) {
  const node = element("div", { class: "board" }, element("p", { class: "dim" }, "Loading …"));
  let shown = "";
  return {
    node,
    async refresh() {
      const schemas = await api.schema();
      const text = JSON.stringify(schemas);
      if (text === shown) return;
      shown = text;
      node.replaceChildren(...Object.entries(schemas).map(([name, schema]) => model(name, schema)));
    },
    close() {},
  };
}

/**
 * @param {string} name
 * @param {any} schema
 */
function model(name, schema) {
  const fields = Object.entries(schema.properties ?? {});
  const order = schema.order ?? fields.map(([field]) => field);
  const rows = fields
    .sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
    .map(([field, said]) => asRow(field, said, (schema.required ?? []).includes(field)));
  const empty = schema.additionalProperties === false ? "No field." : "Free-form: any names and plain values.";
  const raw = element("pre", { tabindex: 0 }, JSON.stringify(schema, null, 2));
  return element(
    "section",
    { class: "card" },
    element("h2", {}, TITLES.get(name) ?? name),
    makeTable(name, HEADS, rows, empty),
    element("details", {}, element("summary", {}, "JSON Schema"), raw),
  );
}

/**
 * @param {string} field
 * @param {any} said
 * @param {boolean} required
 */
function asRow(field, said, required) {
  const rules = Object.entries(said).filter(([name]) => !SAID.has(name));
  const shown = rules.map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`);
  return [element("code", {}, field), said.column, required ? "yes" : "no", "default" in said ? JSON.stringify(said.default) : "", shown.join(", ")];
}
