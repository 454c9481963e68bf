const SVG = "http://www.w3.org/2000/svg"
const WIDTH = 240, HEIGHT = 48

/** Columns on one another. `series`: name → numbers, all of one length; the style sheet colours them by name. */
export function columns(svg, series) {
  const lists = Object.entries(series)
  const sums = lists[0][1].map((_, index) => lists.reduce((sum, [, each]) => sum + each[index], 0))
  const [step, scale] = [WIDTH / sums.length, HEIGHT / Math.max(1, ...sums)]
  const tops = sums.map(() => HEIGHT)
  const bars = lists.flatMap(([name, numbers]) =>
    numbers.map((n, x) => n && shape("rect", { class: name, x: x * step, y: (tops[x] -= n * scale), width: step * 0.8, height: n * scale })),
  )
  draw(svg, bars.filter(Boolean))
}

/** A line of what was seen in the last `span` ms, the newest at the right. `seen`: `{at, n}` each, `at` in ms. */
export function line(svg, seen, span, most = 1) {
  if (!seen.length) return draw(svg, [])
  const now = seen.at(-1).at
  const scale = (HEIGHT - 3) / Math.max(most, ...seen.map(({ n }) => n))
  const across = ({ at }) => WIDTH * (1 - (now - at) / span)
  const points = seen.map((each) => `${across(each)},${HEIGHT - 1 - each.n * scale}`).join(" ")
  draw(svg, [
    shape("polygon", { points: `${across(seen[0])},${HEIGHT} ${points} ${WIDTH},${HEIGHT}` }),
    shape("polyline", { points }),
  ])
}

/** How much of a whole. */
export function share(svg, part) {
  const bar = { y: HEIGHT / 3, height: HEIGHT / 3 }
  draw(svg, [shape("rect", { class: "whole", width: WIDTH, ...bar }), shape("rect", { width: WIDTH * part, ...bar })])
}

function draw(svg, shapes) {
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`)
  svg.setAttribute("preserveAspectRatio", "none")
  svg.replaceChildren(...shapes)
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}
