/** The server's events about one network, and whether they come. */

/**
 * @typedef {"live" | "connecting" | "lost" | "away" | "gone" | "refused"} Status
 * live: events come; lost: this page's server does not answer; away: Redis does not answer it;
 * gone: there is no such network; refused: this page may not ask (any more)
 */

const AGAIN = 2000;
const BY_REPLY = new Map([[404, "gone"], [503, "away"], [401, "refused"], [403, "refused"]]);

/**
 * Follow a network until closed; every loss heals by itself once the cause has gone.
 *
 * @param {string} id
 * @param {(event: {progress: import("./types.js").Progress, rate: number}) => void} onProgress
 * @param {(status: Status) => void} onStatus
 * @param {() => Promise<unknown>} probe asks for something; its ApiError says why no events come
 * @returns {() => void} ends it
 */
export function follow(id, onProgress, onStatus, probe) {
  /** @type {EventSource} */
  let source;
  let timer = 0;
  let closed = false;

  /** @param {Status} status */
  const tell = (status) => {
    if (!closed) onStatus(status);
  };

  function open() {
    source = new EventSource(`/events/${encodeURIComponent(id)}`);
    source.addEventListener("progress", (event) => {
      tell("live");
      onProgress(JSON.parse(event.data));
    });
    source.addEventListener("away", () => tell("away"));
    source.addEventListener("gone", () => tell("gone"));
    source.addEventListener("error", () => again());
  }

  // A browser gives up for good after some errors and says of none what it was: ask, then reopen.
  async function again() {
    source.close();
    tell(await reason());
    if (!closed) timer = window.setTimeout(open, AGAIN);
  }

  /** @returns {Promise<Status>} */
  async function reason() {
    try {
      await probe();
      return "connecting";
    } catch (error) {
      return /** @type {Status} */ (BY_REPLY.get(/** @type {any} */ (error).status) ?? "lost");
    }
  }

  open();
  return () => {
    closed = true;
    clearTimeout(timer);
    source.close();
  };
}
