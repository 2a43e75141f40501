/** Work that is asked for often, done seldom, and never while nobody looks. */

/** @typedef {{request: () => void, close: () => void}} Pace */

/**
 * @param {() => Promise<unknown>} work never runs twice at once; has to catch its errors
 * @param {number} [period] least milliseconds from one run's end to the next one's start
 * @returns {Pace}
 */
export function paced(work, period = 2000) {
  let wanted = false;
  let running = false;
  let closed = false;
  let ended = -Infinity;
  let timer = 0;

  function schedule() {
    if (!wanted || running || timer || closed || document.hidden) return;
    timer = window.setTimeout(run, Math.max(0, ended + period - performance.now()));
  }

  async function run() {
    timer = 0;
    if (closed || document.hidden) return;
    wanted = false;
    running = true;
    try {
      await work();
    } finally {
      running = false;
      ended = performance.now();
      schedule();
    }
  }

  document.addEventListener("visibilitychange", schedule);
  return {
    request() {
      wanted = true;
      schedule();
    },
    close() {
      closed = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", schedule);
    },
  };
}
