/** How values look: numbers, times, spans of time, cells of a table. */

const WHOLE = new Intl.NumberFormat("en-GB");
const SHORT = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 });
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/;

/** @param {number | null | undefined} n */
export function count(n) {
  return n === null || n === undefined ? "–" : WHOLE.format(n);
}

/** @param {number | null | undefined} tasksPerSecond */
export function rate(tasksPerSecond) {
  if (!tasksPerSecond) return "0/s";
  return tasksPerSecond < 0.1 ? `${SHORT.format(tasksPerSecond * 60)}/min` : `${SHORT.format(tasksPerSecond)}/s`;
}

/** @param {number} seconds */
export function span(seconds) {
  if (seconds < 10) return `${SHORT.format(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/**
 * A time in UTC, as the charts have it: of the day if it is today, else with its date.
 *
 * @param {string | null | undefined} iso
 * @param {{full?: boolean}} [options] with date, milliseconds and zone
 */
export function time(iso, { full = false } = {}) {
  if (!iso) return "–";
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const [day, clock] = at.toISOString().split("T");
  if (full) return `${day} ${clock.replace("Z", " UTC")}`;
  const today = new Date().toISOString().startsWith(day);
  return today ? clock.slice(0, 8) : `${day} ${clock.slice(0, 8)}`;
}

/**
 * A value as one line of a table; the whole of it is in the task's dialog.
 *
 * @param {unknown} value
 */
export function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return number(value);
  if (typeof value === "string") return TIME.test(value) ? time(value) : value;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** @param {number} value */
function number(value) {
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e-4 && size < 1e7 ? String(Number(value.toPrecision(6))) : value.toExponential(3);
}

/**
 * A value whole, as in a task's dialog.
 *
 * @param {unknown} value
 */
export function whole(value) {
  if (value === null || value === undefined) return "null";
  return typeof value === "object" ? JSON.stringify(value, null, 2) : String(value);
}
