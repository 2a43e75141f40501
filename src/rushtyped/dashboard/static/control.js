/** What changes a network: only where the server allows it, and only after a question. */

import { ApiError } from "./api.js";
import { ask, showDialog } from "./dialog.js";
import { element } from "./dom.js";

/**
 * @param {import("./api.js").NetworkApi} api
 * @returns {HTMLButtonElement}
 */
export function stopButton(api) {
  return element("button", { type: "button", class: "danger", onclick: () => stop(api) }, "Stop workers …");
}

/** @param {import("./api.js").NetworkApi} api */
async function stop(api) {
  const terminate = way("terminate", "Let each end after its current task", true);
  const kill = way("kill", "End the processes now; their running tasks fail", false);
  const text = element("p", {}, "All workers of ", element("b", {}, api.id), " are told to stop.");
  const form = element("fieldset", {}, element("legend", { class: "unseen" }, "How"), terminate.label, kill.label);
  const value = () => (kill.input.checked ? "kill" : "terminate");
  const how = await ask("Stop the workers?", [text, form], [{ label: "Stop workers", value }]);
  if (how) await obey(() => api.stop(/** @type {"terminate" | "kill"} */ (how)));
}

/**
 * @param {string} name
 * @param {string} meaning
 * @param {boolean} checked
 */
function way(name, meaning, checked) {
  const input = element("input", { type: "radio", name: "how", value: name, checked });
  const words = element("span", {}, element("b", {}, name[0].toUpperCase() + name.slice(1)), ` – ${meaning}`);
  return { input, label: element("label", { class: "way" }, input, words) };
}

/**
 * @param {import("./api.js").NetworkApi} api
 * @param {string[] | null} keys null: all failed tasks
 * @param {() => void} [done]
 * @returns {HTMLButtonElement}
 */
export function retryButton(api, keys, done = () => {}) {
  return element("button", { type: "button", onclick: () => retry(api, keys, done) }, keys ? "Retry" : "Retry failed …");
}

/**
 * @param {import("./api.js").NetworkApi} api
 * @param {string[] | null} keys
 * @param {() => void} done
 */
async function retry(api, keys, done) {
  const which = keys ? "This failed task goes" : "All failed tasks go";
  const text = element("p", {}, `${which} back into the queue, for any worker to run again.`);
  const yes = await ask("Retry?", [text], [{ label: "Retry", value: () => "yes" }]);
  if (yes && (await obey(() => api.retry(keys)))) done();
}

/**
 * @param {() => Promise<unknown>} order
 * @returns {Promise<boolean>} whether the server did as told
 */
async function obey(order) {
  try {
    await order();
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    showDialog("That did not work", [element("p", {}, error.message)]);
    return false;
  }
}
