/** Start of the page: from the address to what is shown. */

import { byId, element } from "./dom.js";
import { NetworkPage } from "./network.js";
import { showNetworks } from "./networks.js";
import { showStatus } from "./notice.js";
import { readRoute } from "./route.js";
import { startScheme } from "./scheme.js";

/** @type {{id: string | null, close: () => void, page: NetworkPage | null} | null} */
let shown = null;

function route() {
  const { id, tab, query } = readRoute();
  if (!shown || shown.id !== id) {
    shown?.close();
    showStatus(null);
    shown = id === null ? openList() : openNetwork(id);
    byId("trail").replaceChildren(...(id === null ? [] : [element("a", { href: "#/" }, "Networks")]));
  }
  shown.page?.show(tab, query);
}

function openList() {
  return { id: null, page: null, close: showNetworks(byId("main")) };
}

/** @param {string} id */
function openNetwork(id) {
  const page = new NetworkPage(byId("main"), id);
  return { id, page, close: () => page.close() };
}

startScheme();
window.addEventListener("hashchange", route);
route();
