/** A chart's tooltip as text: Vega's own one writes markup. */

import { element } from "./dom.js";
import { cell } from "./format.js";

const box = element("div", { class: "tooltip", hidden: true, role: "presentation" });

/** Take the tooltip away, as when its chart is drawn anew. */
export function hideTooltip() {
  box.hidden = true;
}

/**
 * A handler as `vegaEmbed` takes it.
 *
 * @param {unknown} _handler
 * @param {MouseEvent} event
 * @param {unknown} _item
 * @param {unknown} value
 */
export function showTooltip(_handler, event, _item, value) {
  if (value === null || value === undefined || value === "") return hideTooltip();
  box.replaceChildren(...(typeof value === "object" ? lines(value) : [String(value)]));
  if (!box.isConnected) document.body.append(box);
  box.hidden = false;
  place(event);
}

/** @param {object} value */
function lines(value) {
  return Object.entries(value).map(([name, each]) =>
    element("div", {}, element("span", { class: "dim" }, name), element("span", {}, cell(each))),
  );
}

/** @param {MouseEvent} event */
function place(event) {
  const gap = 12;
  const { width, height } = box.getBoundingClientRect();
  const left = event.clientX + gap + width > innerWidth ? event.clientX - gap - width : event.clientX + gap;
  const top = event.clientY + gap + height > innerHeight ? event.clientY - gap - height : event.clientY + gap;
  box.style.left = `${Math.max(4, left)}px`;
  box.style.top = `${Math.max(4, top)}px`;
}
