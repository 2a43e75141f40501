/** Showing something anew without taking away what has not changed: clicks, focus and scrolling go on. */

/**
 * Make what a place shows like the next one.
 *
 * An element that equals its successor stays, with its listeners: what they do has to follow from
 * its attributes and text.
 *
 * @param {Element} place
 * @param {Element} next
 */
export function renew(place, next) {
  const focused = place.contains(document.activeElement) ? nameOf(document.activeElement) : null;
  const old = place.firstElementChild;
  if (old && place.childNodes.length === 1) change(old, next);
  else place.replaceChildren(next);
  if (focused && !place.contains(document.activeElement)) refocus(place, focused);
}

/**
 * @param {Node} old
 * @param {Node} next
 */
function change(old, next) {
  if (old.isEqualNode(next)) return;
  if (!(old instanceof Element && next instanceof Element && isSameKind(old, next))) {
    old.parentNode?.replaceChild(next, old);
    return;
  }
  const before = [...old.childNodes];
  const after = [...next.childNodes];
  before.forEach((child, i) => (after[i] ? change(child, after[i]) : child.remove()));
  old.append(...after.slice(before.length));
}

/**
 * @param {Element} old
 * @param {Element} next
 */
function isSameKind(old, next) {
  return old.cloneNode(false).isEqualNode(next.cloneNode(false));
}

/** @param {Element | null} found */
function nameOf(found) {
  return found?.getAttribute("href") ?? found?.getAttribute("aria-label") ?? null;
}

/**
 * @param {Element} place
 * @param {string} name
 */
function refocus(place, name) {
  const same = [...place.querySelectorAll("a, button, [tabindex]")].find((each) => nameOf(each) === name);
  if (same instanceof HTMLElement) same.focus();
}
