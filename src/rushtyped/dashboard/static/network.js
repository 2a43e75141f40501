/** One network: its numbers at the top, its tabs below. */

import { ApiError, NetworkApi } from "./api.js";
import { stopButton } from "./control.js";
import { makeCounts } from "./counts.js";
import { element } from "./dom.js";
import { follow } from "./live.js";
import { logView } from "./log.js";
import { showNotice, showStatus } from "./notice.js";
import { overviewView } from "./overview.js";
import { paced } from "./pace.js";
import { resultsView } from "./results.js";
import { linkTo, TABS } from "./route.js";
import { schemaView } from "./schema.js";
import { makeTabs } from "./tabs.js";
import { showTask } from "./task.js";
import { tasksView } from "./tasks.js";
import { timelineView } from "./timeline.js";
import { workersView } from "./workers.js";

/** @type {Record<string, (context: import("./types.js").Context) => import("./types.js").View>} */
const VIEWS = {
  overview: overviewView,
  timeline: timelineView,
  results: resultsView,
  tasks: tasksView,
  workers: workersView,
  log: logView,
  schema: schemaView,
};

/** A network's page, from its first route to the last. */
export class NetworkPage {
  /**
   * @param {HTMLElement} main
   * @param {string} id
   */
  constructor(main, id) {
    this.main = main;
    this.api = new NetworkApi(id);
    this.closed = false;
    this.tab = TABS[0];
    this.query = new URLSearchParams();
    /** @type {import("./types.js").Context | null} */
    this.context = null;
    /** @type {Map<string, import("./types.js").View>} */
    this.views = new Map();
    /** @type {Promise<void> | null} the first reading of a tab */
    this.opening = null;
    this.counts = makeCounts(id);
    this.tabs = makeTabs(TABS, "Parts of the network", (name) => {
      location.hash = linkTo(id, name);
    });
    this.head = element("div", { class: "title" }, element("h1", {}, id));
    this.pace = paced(() => this.#refresh());
    main.replaceChildren(this.head, this.counts.node, this.tabs.list, ...this.tabs.panels.values());
    this.unfollow = follow(
      id,
      (event) => this.#onProgress(event),
      (status) => this.#onStatus(status),
      () => this.api.summary(),
    );
  }

  /**
   * @param {string} tab
   * @param {URLSearchParams} query
   */
  show(tab, query) {
    this.tab = tab;
    this.query = query;
    this.tabs.select(tab);
    void this.#begin();
  }

  close() {
    this.closed = true;
    this.pace.close();
    this.unfollow();
    for (const view of this.views.values()) view.close();
  }

  /** @param {{progress: import("./types.js").Progress, rate: number}} event */
  #onProgress({ progress, rate }) {
    this.counts.show(progress, rate);
    const share = progress.max_tasks ? `${Math.floor((100 * progress.finished) / progress.max_tasks)} % · ` : "";
    document.title = `${share}${this.api.id} · rushtyped`;
    this.pace.request();
  }

  /** @param {import("./live.js").Status} status */
  #onStatus(status) {
    showStatus(status);
    this.counts.node.classList.toggle("stale", status !== "live");
  }

  // Columns and rights come with the summary; until it is there, no tab can be made.
  /** @returns {Promise<import("./types.js").Context>} */
  async #prepare() {
    if (this.context) return this.context;
    const summary = await this.api.summary();
    /** @type {import("./types.js").Context} */
    const context = {
      api: this.api,
      summary,
      summarise: async () => (context.summary = await this.api.summary()),
      open: (key) => void showTask(this.api, key, { control: summary.allow_control }),
    };
    if (summary.allow_control && !this.context) this.head.append(stopButton(this.api));
    this.context ??= context;
    return this.context;
  }

  async #begin() {
    const opening = this.#open();
    this.opening = opening;
    await opening;
    if (this.opening === opening) this.opening = null;
  }

  #open() {
    return this.#guarded(async () => {
      const context = await this.#prepare();
      if (this.closed) return;
      const view = this.views.get(this.tab) ?? this.#make(this.tab, context);
      if (this.query.size) view.apply?.(this.query);
      // A chart that was hidden while the window changed its size fits itself again.
      window.dispatchEvent(new Event("resize"));
      await view.refresh();
    });
  }

  /**
   * @param {string} tab
   * @param {import("./types.js").Context} context
   */
  #make(tab, context) {
    const view = VIEWS[tab](context);
    this.views.set(tab, view);
    this.tabs.panels.get(tab)?.append(view.node);
    return view;
  }

  async #refresh() {
    if (this.opening) {
      await this.opening;
      this.pace.request();
      return;
    }
    const view = this.views.get(this.tab);
    if (!view) await this.#begin();
    else await this.#guarded(() => view.refresh());
  }

  // What cannot be read while a server is away is read again after the next event.
  /** @param {() => Promise<void>} work */
  async #guarded(work) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (![0, 401, 404, 503].includes(error.status) && !this.closed) showNotice(error.message);
    }
  }
}
