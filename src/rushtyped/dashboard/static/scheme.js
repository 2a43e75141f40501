/** Light or dark: as the system says, unless the switch says otherwise. */

import { byId } from "./dom.js";

const NAMES = ["auto", "light", "dark"];
const KEY = "rushtyped.scheme";
const SYSTEM = matchMedia("(prefers-color-scheme: dark)");

/** Tells that colours have changed: charts draw theirs themselves. */
export const schemeChanges = new EventTarget();

/** @returns {boolean} */
export function isDark() {
  const chosen = document.documentElement.dataset.scheme;
  return chosen === "dark" || (chosen !== "light" && SYSTEM.matches);
}

/** @returns {string} */
function remembered() {
  try {
    return localStorage.getItem(KEY) ?? "auto";
  } catch {
    return "auto";
  }
}

/** @param {string} name */
function remember(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}

/** @param {string} name */
function choose(name) {
  const known = NAMES.includes(name) ? name : "auto";
  document.documentElement.dataset.scheme = known;
  const button = byId("scheme");
  button.textContent = { auto: "Auto", light: "Light", dark: "Dark" }[known] ?? "";
  button.setAttribute("aria-label", `Colour scheme: ${known}`);
  schemeChanges.dispatchEvent(new Event("change"));
}

/** Set up the switch. */
export function startScheme() {
  choose(remembered());
  byId("scheme").addEventListener("click", () => {
    const now = document.documentElement.dataset.scheme ?? "auto";
    const next = NAMES[(NAMES.indexOf(now) + 1) % NAMES.length];
    remember(next);
    choose(next);
  });
  SYSTEM.addEventListener("change", () => schemeChanges.dispatchEvent(new Event("change")));
}
