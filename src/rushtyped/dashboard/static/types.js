/**
 * What the server sends, as far as the page reads it.
 *
 * @typedef {object} Progress
 * @property {number} queued
 * @property {number} running
 * @property {number} finished
 * @property {number} failed
 * @property {number} running_workers
 * @property {number | null} max_tasks
 * @property {number | null} seconds_left
 * @property {boolean} spent
 *
 * @typedef {object} Column
 * @property {string} name
 * @property {"xs" | "ys" | "xs_extra" | "ys_extra" | "times" | "worker"} group
 * @property {string} dtype
 * @property {boolean} numeric
 *
 * @typedef {object} FailedTask
 * @property {string} key
 * @property {string | null} worker_id
 * @property {string | null} type
 * @property {string | null} message
 *
 * @typedef {object} Summary
 * @property {string} id
 * @property {Progress} progress
 * @property {number} rate tasks finished a second
 * @property {Column[]} columns
 * @property {string[]} xs
 * @property {string[]} ys
 * @property {boolean} allow_control
 * @property {Record<string, unknown>[]} best
 * @property {FailedTask[]} errors
 *
 * @typedef {object} TaskPage
 * @property {string[]} columns
 * @property {unknown[][]} rows
 * @property {number} total
 *
 * @typedef {object} Condition
 * @property {string} type
 * @property {string} message
 * @property {string | null} traceback
 *
 * @typedef {object} Task
 * @property {string} key
 * @property {string} state
 * @property {Record<string, unknown>} xs
 * @property {Record<string, unknown> | null} ys
 * @property {Record<string, unknown> | null} xs_extra
 * @property {Record<string, unknown> | null} ys_extra
 * @property {string | null} worker_id
 * @property {Condition | null} condition
 * @property {string | null} created_at
 * @property {string | null} started_at
 * @property {string | null} finished_at
 * @property {number | null} attempt
 *
 * @typedef {object} View one tab of a network
 * @property {HTMLElement} node
 * @property {() => Promise<void>} refresh reads again what is shown
 * @property {() => void} close
 * @property {(query: URLSearchParams) => void} [apply] takes over what the address says
 *
 * @typedef {object} Context what a tab is given
 * @property {import("./api.js").NetworkApi} api
 * @property {Summary} summary the newest one
 * @property {() => Promise<Summary>} summarise reads it anew
 * @property {(key: string) => void} open shows one task whole
 */

export {};
