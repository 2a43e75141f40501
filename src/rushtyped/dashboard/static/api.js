/** The server's JSON; see /api/openapi.json. */

/** @typedef {Record<string, string | number | boolean | null | undefined>} Parameters */

/** A reply that is an error, or none at all (status 0). */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * @param {string} path
 * @param {Parameters} [parameters] null and undefined are left out
 */
function address(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null || value === undefined) continue;
    query.set(name, typeof value === "boolean" ? String(Number(value)) : String(value));
  }
  return query.size ? `${path}?${query}` : path;
}

/**
 * @param {string} url
 * @param {RequestInit} [options]
 * @returns {Promise<string>}
 */
async function text(url, options = {}) {
  let reply;
  try {
    reply = await fetch(url, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "This page's server does not answer.");
  }
  const body = await reply.text();
  if (!reply.ok) throw new ApiError(reply.status, said(body) ?? `The server replied with ${reply.status}.`);
  return body;
}

/** @param {string} body */
function said(body) {
  try {
    const { error } = JSON.parse(body);
    return typeof error === "string" ? error : null;
  } catch {
    return null;
  }
}

/** @returns {Promise<{networks: any[], server: string}>} */
export async function networks() {
  return JSON.parse(await text("/api/networks.json"));
}

/** Everything about one network. */
export class NetworkApi {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    this.root = `/api/networks/${encodeURIComponent(id)}`;
  }

  /** @returns {Promise<import("./types.js").Summary>} */
  async summary() {
    return JSON.parse(await text(`${this.root}/summary.json`));
  }

  /**
   * A Vega-Lite spec as text, so that the same one is known by its text.
   *
   * @param {string} name
   * @param {Parameters} parameters
   */
  chart(name, parameters) {
    return text(address(`${this.root}/charts/${name}.json`, parameters));
  }

  /**
   * @param {Parameters} parameters
   * @param {AbortSignal} [signal]
   * @returns {Promise<import("./types.js").TaskPage>}
   */
  async tasks(parameters, signal) {
    return JSON.parse(await text(address(`${this.root}/tasks.json`, parameters), { signal }));
  }

  /**
   * @param {string} key
   * @returns {Promise<import("./types.js").Task>}
   */
  async task(key) {
    return JSON.parse(await text(`${this.root}/tasks/${encodeURIComponent(key)}.json`));
  }

  /** @returns {Promise<{workers: any[]}>} */
  async workers() {
    return JSON.parse(await text(`${this.root}/workers.json`));
  }

  /**
   * @param {Parameters} parameters
   * @returns {Promise<{records: any[]}>}
   */
  async log(parameters) {
    return JSON.parse(await text(address(`${this.root}/log.json`, parameters)));
  }

  /** @returns {Promise<Record<string, any>>} */
  async schema() {
    return JSON.parse(await text(`${this.root}/schema.json`));
  }

  /** @param {"terminate" | "kill"} how */
  stop(how) {
    return this.#order("stop", { how });
  }

  /** @param {string[] | null} keys null: all failed ones */
  retry(keys) {
    return this.#order("retry", { keys });
  }

  /**
   * @param {string} verb
   * @param {object} body
   */
  #order(verb, body) {
    const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": token };
    return text(`${this.root}/${verb}`, { method: "POST", headers, body: JSON.stringify(body) });
  }
}
