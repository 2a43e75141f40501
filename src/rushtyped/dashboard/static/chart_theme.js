/** The page's colours and type, as Vega wants to be told them. */

/**
 * A colour of the style sheet as the browser works it out now.
 *
 * @param {string} name
 */
function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const worked = getComputedStyle(probe).color;
  probe.remove();
  return worked;
}

/** @returns {Record<string, any>} */
export function chartTheme() {
  const [text, dim, line, accent] = ["--text", "--dim", "--line", "--accent"].map(colour);
  const font = getComputedStyle(document.body).fontFamily;
  const quiet = { labelFont: font, titleFont: font, labelColor: dim, titleColor: dim, titleFontWeight: 500 };
  return {
    aria: false,
    background: "transparent",
    font,
    view: { stroke: null },
    axis: { ...quiet, gridColor: line, domainColor: line, tickColor: line, labelSeparation: 8, labelFontSize: 11, titleFontSize: 11 },
    legend: { ...quiet, orient: "top", labelFontSize: 11, titleFontSize: 11, symbolStrokeWidth: 0 },
    header: quiet,
    title: { color: text, font, fontSize: 12 },
    text: { color: text, fill: text, font },
    mark: { color: accent },
  };
}

/**
 * Let the second of two settings win, deep down.
 *
 * @param {any} below
 * @param {any} above
 * @returns {any}
 */
export function merged(below, above) {
  if (!isRecord(below) || !isRecord(above)) return above;
  const both = { ...below };
  for (const [name, value] of Object.entries(above)) both[name] = name in both ? merged(both[name], value) : value;
  return both;
}

/** @param {unknown} value */
function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
