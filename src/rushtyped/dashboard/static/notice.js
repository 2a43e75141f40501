/** What is wrong right now, told once at the top, and what is new, told to screen readers. */

import { byId, setText } from "./dom.js";

const WORDS = {
  connecting: ["connecting", ""],
  live: ["live", ""],
  lost: ["lost", "Connection lost: the server of this page does not answer. Trying again."],
  away: ["away", "The Redis server cannot be reached. What you see is the last that was read."],
  gone: ["gone", "This network does not exist (any more): it was reset, has expired, or the name is wrong."],
  refused: ["refused", "Access refused: open the address with its token again, as the dashboard printed it."],
};

/**
 * Show how the connection is; null shows nothing.
 *
 * @param {import("./live.js").Status | null} status
 */
export function showStatus(status) {
  const [word, sentence] = status ? WORDS[status] : ["", ""];
  const link = byId("link");
  link.className = `link ${word}`;
  setText(link, word);
  showNotice(sentence);
}

/** @param {string} sentence empty: nothing is wrong */
export function showNotice(sentence) {
  const notice = byId("notice");
  setText(notice, sentence);
  notice.hidden = !sentence;
}

const QUIET = 15000;
let next = "";
let told = -Infinity;
let timer = 0;

/**
 * Tell a screen reader, but seldom: of many sentences only the newest is told.
 *
 * @param {string} sentence
 */
export function announce(sentence) {
  next = sentence;
  timer ||= window.setTimeout(tell, Math.max(0, told + QUIET - performance.now()));
}

function tell() {
  timer = 0;
  told = performance.now();
  setText(byId("announcement"), next);
}
