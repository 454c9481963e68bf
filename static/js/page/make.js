/** An element with these properties and children; names with a dash, `for` and `list` are set as attributes. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (value == null || value === false) continue
    if (name.includes("-") || name === "for" || name === "role") element.setAttribute(name, value)
    else element[name] = value
  }
  element.append(...children.filter((child) => child != null && child !== false))
  return element
}

/** A sign of the page's own. */
export function sign(name) {
  const svg = document.querySelector(".sprite").cloneNode(false)
  svg.setAttribute("class", "icon")
  const use = document.createElementNS(svg.namespaceURI, "use")
  use.setAttribute("href", `#i-${name}`)
  svg.append(use)
  return svg
}
