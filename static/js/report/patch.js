/**
 * Makes `target` hold what `wanted` holds, and touches only what differs: the reader's selection, an image that is
 * loaded and the place on the screen stay as they are.
 */
export function patch(target, wanted) {
  const old = [...target.childNodes]
  const fresh = [...wanted.childNodes]
  let head = 0
  while (head < old.length && head < fresh.length && old[head].isEqualNode(fresh[head])) head++
  let tail = 0
  const most = Math.min(old.length, fresh.length) - head
  while (tail < most && old.at(-1 - tail).isEqualNode(fresh.at(-1 - tail))) tail++

  const after = old[old.length - tail] ?? null
  const leaving = old.slice(head, old.length - tail)
  for (const node of fresh.slice(head, fresh.length - tail)) {
    const standing = leaving.shift()
    if (standing && isAlike(standing, node)) merge(standing, node)
    else if (standing) standing.replaceWith(document.importNode(node, true))
    else target.insertBefore(document.importNode(node, true), after)
  }
  for (const node of leaving) node.remove()
}

function isAlike(standing, node) {
  return standing.nodeType === node.nodeType && standing.cloneNode(false).isEqualNode(withTextOf(node, standing))
}

/** For elements: name and attributes count. For text: any text can become any other. */
function withTextOf(node, standing) {
  const copy = node.cloneNode(false)
  if (copy.nodeType === Node.TEXT_NODE) copy.data = standing.data
  return copy
}

function merge(standing, node) {
  if (standing.nodeType === Node.TEXT_NODE) mergeText(standing, node.data)
  else patch(standing, node)
}

function mergeText(standing, wanted) {
  const kept = wanted.startsWith(standing.data) ? standing.length : sharedStart(standing.data, wanted)
  standing.replaceData(kept, standing.length - kept, wanted.slice(kept))
}

function sharedStart(one, other) {
  let length = 0
  while (length < one.length && one[length] === other[length]) length++
  return length
}
