/** Where the page is, kept in the address behind `#`. */

export const TABS = ["overview", "timeline", "results", "tasks", "workers", "log", "schema"];

/**
 * @typedef {object} Route
 * @property {string | null} id null: the list of networks
 * @property {string} tab
 * @property {URLSearchParams} query
 */

/** @returns {Route} */
export function readRoute() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?", 2);
  const [, kind, id, tab] = path.split("/");
  if (kind !== "networks" || !id) return { id: null, tab: TABS[0], query: new URLSearchParams() };
  const known = TABS.includes(tab) ? tab : TABS[0];
  return { id: decoded(id), tab: known, query: new URLSearchParams(query) };
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * @param {string} id
 * @param {string} [tab]
 * @param {Record<string, string>} [query]
 */
export function linkTo(id, tab = TABS[0], query = {}) {
  const said = new URLSearchParams(query);
  return `#/networks/${encodeURIComponent(id)}/${tab}${said.size ? `?${said}` : ""}`;
}
