/** Dialogs: the browser keeps the focus inside and closes them on Escape. */

import { element } from "./dom.js";

/**
 * Show a dialog; it is taken away when it closes.
 *
 * @param {string} title
 * @param {Node[]} content
 * @param {{onClose?: (returned: string) => void, wide?: boolean}} [options]
 * @returns {HTMLDialogElement}
 */
export function showDialog(title, content, { onClose, wide = false } = {}) {
  const heading = element("h2", { id: "dialog-title" }, title);
  const close = element("button", { type: "button", class: "quiet", "aria-label": "Close", onclick: () => dialog.close("") }, "✕");
  const head = element("header", {}, heading, close);
  const dialog = element("dialog", { "aria-labelledby": "dialog-title", class: wide ? "wide" : "" }, element("div", {}, head, ...content));
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose?.(dialog.returnValue);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close("");
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Ask before something is done.
 *
 * @param {string} title
 * @param {Node[]} content
 * @param {{label: string, value: () => string}[]} choices the last one is the gravest
 * @returns {Promise<string>} the value chosen, empty for none
 */
export function ask(title, content, choices) {
  return new Promise((resolve) => {
    const buttons = choices.map(({ label, value }) =>
      element("button", { type: "button", class: "danger", onclick: () => dialog.close(value()) }, label),
    );
    const cancel = element("button", { type: "button", onclick: () => dialog.close("") }, "Cancel");
    const dialog = showDialog(title, [...content, element("footer", {}, cancel, ...buttons)], { onClose: resolve });
    cancel.focus();
  });
}
