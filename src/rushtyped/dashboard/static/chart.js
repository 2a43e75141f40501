/** One chart: its spec comes from the server, and it is drawn anew when that has changed. */

import { ApiError } from "./api.js";
import { chartTheme, merged } from "./chart_theme.js";
import { element, setText } from "./dom.js";
import { isDark, schemeChanges } from "./scheme.js";
import { hideTooltip, showTooltip } from "./tooltip.js";

// A label may reach beyond the end of its axis.
const PADDING = { left: 4, top: 4, right: 20, bottom: 4 };

/** @type {Promise<any> | null} */
let vega = null;

/** Load Vega with the first chart; a page without charts does without. */
function loadVega() {
  vega ??= import("./vega.js").then(
    () => /** @type {any} */ (window).vegaEmbed,
    () => {
      vega = null;
      throw new ApiError(0, "The chart library cannot be loaded.");
    },
  );
  return vega;
}

/**
 * @typedef {object} ChartOptions
 * @property {number | ((spec: Record<string, any>) => number)} height pixels
 * @property {"svg" | "canvas"} [renderer] canvas where there are thousands of marks
 * @property {boolean} [legend] false where the page tells what colours mean
 */

export class Chart {
  /**
   * @param {string} title
   * @param {() => Promise<string>} read the spec as text
   * @param {ChartOptions} options
   */
  constructor(title, read, { height, renderer = "svg", legend = true }) {
    this.title = title;
    this.read = read;
    this.height = height;
    this.renderer = renderer;
    this.legend = legend;
    this.drawn = "";
    this.wanted = false;
    /** @type {Promise<void> | null} */
    this.work = null;
    /** @type {{finalize: () => void} | null} */
    this.result = null;
    this.notes = element("p", { class: "dim chart-notes", hidden: true });
    this.message = element("p", { class: "dim chart-message" }, "Loading …");
    this.canvas = element("div", { class: "chart-canvas", role: "img", "aria-label": title });
    if (typeof height === "number") this.canvas.style.minHeight = `${height}px`;
    this.node = element("figure", { class: "card chart" }, element("figcaption", {}, title), this.notes, this.message, this.canvas);
    this.onScheme = () => void this.refresh();
    schemeChanges.addEventListener("change", this.onScheme);
  }

  /** Read the spec, and draw it if it or the colours are new; one at a time. */
  async refresh() {
    this.wanted = true;
    this.work ??= this.#serve();
    await this.work;
  }

  async #serve() {
    try {
      while (this.wanted && this.node.offsetParent) {
        this.wanted = false;
        await this.#update();
      }
    } finally {
      this.work = null;
    }
  }

  async #update() {
    try {
      const text = await this.read();
      const drawing = `${isDark()}${text}`;
      if (drawing === this.drawn || this.wanted) return;
      const spec = JSON.parse(text);
      if (isEmpty(spec)) return this.#empty("Nothing to draw yet.");
      await this.#draw(spec);
      this.drawn = drawing;
      say(this.message, "");
    } catch (error) {
      this.#fail(error);
    }
  }

  close() {
    schemeChanges.removeEventListener("change", this.onScheme);
    this.result?.finalize();
  }

  // The new drawing takes the place of the old one when it is ready, so that nothing flickers.
  /** @param {Record<string, any>} spec */
  async #draw(spec) {
    const embed = await loadVega();
    const next = element("div", { class: "chart-next" });
    this.canvas.append(next);
    try {
      const options = { ast: true, actions: false, logLevel: 1, renderer: this.renderer, tooltip: showTooltip };
      const result = await embed(next, this.#fitted(spec), options);
      this.result?.finalize();
      this.result = result;
    } catch (error) {
      next.remove();
      throw error;
    }
    hideTooltip();
    next.classList.remove("chart-next");
    this.canvas.replaceChildren(next);
    say(this.notes, [spec.title?.subtitle ?? []].flat().join(" · "));
  }

  /** @param {Record<string, any>} spec */
  #fitted(spec) {
    const { title: _, ...rest } = spec;
    const height = typeof this.height === "number" ? this.height : this.height(spec);
    const config = merged(merged(spec.config ?? {}, chartTheme()), { legend: { disable: !this.legend } });
    const autosize = { type: "fit-x", contains: "padding" };
    return { ...rest, width: "container", height, padding: PADDING, autosize, config };
  }

  /** @param {unknown} error */
  #fail(error) {
    if (!(error instanceof ApiError)) {
      console.error(error);
      this.#empty("This chart cannot be drawn.");
    } else if (error.status === 400 || !this.drawn) {
      // Else what was drawn stays: a server is away, and the notice at the top says so.
      this.#empty(error.message);
    }
  }

  /** @param {string} reason */
  #empty(reason) {
    this.result?.finalize();
    this.result = null;
    this.drawn = "";
    this.canvas.replaceChildren();
    say(this.notes, "");
    say(this.message, reason);
  }
}

/**
 * Whether a chart has no data at all.
 *
 * @param {Record<string, any>} spec
 */
function isEmpty(spec) {
  const sets = Object.values(spec.datasets ?? {});
  return sets.length > 0 && sets.every((rows) => rows.length === 0);
}

/**
 * @param {HTMLElement} line
 * @param {string} sentence empty: the line is not shown
 */
function say(line, sentence) {
  setText(line, sentence);
  line.hidden = !sentence;
}
