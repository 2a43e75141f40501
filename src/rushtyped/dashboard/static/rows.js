/** Rows of a long list, read from the server in pages as they come into sight. */

const PAGE = 100;
const MOST_PAGES = 20;

/**
 * @typedef {object} Page
 * @property {unknown[][]} rows
 * @property {number} total
 */

export class Rows {
  /**
   * @param {(offset: number, limit: number, signal: AbortSignal) => Promise<Page>} read
   * @param {() => void} onChange rows or their number have changed
   */
  constructor(read, onChange) {
    this.read = read;
    this.onChange = onChange;
    this.total = 0;
    /** @type {Map<number, unknown[][]>} pages by number, the one used last at the end */
    this.pages = new Map();
    this.abort = new AbortController();
    /** @type {Set<number>} */
    this.awaited = new Set();
  }

  /**
   * @param {number} index
   * @returns {unknown[] | undefined} undefined: not read yet
   */
  at(index) {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /**
   * See to it that some rows are read.
   *
   * @param {number} first
   * @param {number} last
   * @param {boolean} [anew] also those that are there, for they may have changed
   */
  async need(first, last, anew = false) {
    const wanted = pagesOf(first, last).filter((page) => anew || !this.pages.has(page));
    if (wanted.every((page) => this.awaited.has(page)) && !anew) return;
    this.abort.abort();
    this.abort = new AbortController();
    this.awaited = new Set(wanted);
    await this.#load(wanted, this.abort.signal);
  }

  /**
   * @param {number[]} wanted
   * @param {AbortSignal} signal
   */
  async #load(wanted, signal) {
    try {
      for (const page of wanted) {
        const { rows, total } = await this.read(page * PAGE, PAGE, signal);
        if (signal.aborted) return;
        this.awaited.delete(page);
        this.#keep(page, rows, total);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.awaited.clear();
      throw error;
    }
  }

  /** Forget all, as when they are sorted otherwise. */
  clear() {
    this.abort.abort();
    this.awaited.clear();
    this.pages.clear();
  }

  /**
   * Forget all but what is in sight: the rest may have changed.
   *
   * @param {number} first
   * @param {number} last
   */
  keepOnly(first, last) {
    const kept = pagesOf(first, last);
    for (const page of this.pages.keys()) if (!kept.includes(page)) this.pages.delete(page);
  }

  /**
   * @param {number} page
   * @param {unknown[][]} rows
   * @param {number} total
   */
  #keep(page, rows, total) {
    this.pages.delete(page);
    this.pages.set(page, rows);
    this.total = total;
    if (this.pages.size > MOST_PAGES) this.pages.delete(/** @type {number} */ (this.pages.keys().next().value));
    this.onChange();
  }
}

/**
 * @param {number} first
 * @param {number} last
 */
function pagesOf(first, last) {
  const from = Math.floor(first / PAGE);
  return Array.from({ length: Math.floor(last / PAGE) - from + 1 }, (_, i) => from + i);
}
