/** Tabs as the ARIA practices describe them: arrow keys move, Home and End jump. */

import { element } from "./dom.js";

/**
 * @typedef {object} Tabs
 * @property {HTMLElement} list
 * @property {Map<string, HTMLElement>} panels
 * @property {(name: string) => void} select shows a tab without telling
 */

/**
 * @param {string[]} names
 * @param {string} label
 * @param {(name: string) => void} onChoose
 * @returns {Tabs}
 */
export function makeTabs(names, label, onChoose) {
  const buttons = names.map((name) =>
    element(
      "button",
      { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}`, onclick: () => onChoose(name) },
      name[0].toUpperCase() + name.slice(1),
    ),
  );
  const list = element("div", { class: "tabs", role: "tablist", "aria-label": label }, ...buttons);
  const panels = new Map(names.map((name) => [name, makePanel(name)]));
  list.addEventListener("keydown", (event) => {
    const next = target(event.key, buttons.indexOf(/** @type {any} */ (document.activeElement)), buttons.length);
    if (next === null) return;
    event.preventDefault();
    buttons[next].focus();
    onChoose(names[next]);
  });

  /** @param {string} name */
  function select(name) {
    names.forEach((each, i) => {
      const chosen = each === name;
      buttons[i].setAttribute("aria-selected", String(chosen));
      buttons[i].tabIndex = chosen ? 0 : -1;
      if (chosen) buttons[i].scrollIntoView({ block: "nearest", inline: "nearest" });
      /** @type {HTMLElement} */ (panels.get(each)).hidden = !chosen;
    });
  }
  return { list, panels, select };
}

/** @param {string} name */
function makePanel(name) {
  return element("section", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, class: `panel panel-${name}` });
}

/**
 * @param {string} key
 * @param {number} at
 * @param {number} n
 * @returns {number | null}
 */
function target(key, at, n) {
  if (key === "ArrowRight") return (at + 1) % n;
  if (key === "ArrowLeft") return (at - 1 + n) % n;
  if (key === "Home") return 0;
  return key === "End" ? n - 1 : null;
}
