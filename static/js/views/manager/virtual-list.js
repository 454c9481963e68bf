const BEYOND = 4 // rows that are drawn above and below those that are seen

/** A list of rows of one height (`--row`, in rem), of which only those near the window are drawn; the window scrolls. */
export class VirtualList {
  #items = []
  #drawn = new Map()
  #planned = false

  /** @param make() → element, fill(element, item); items have ids */
  constructor(list, make, fill) {
    Object.assign(this, { list, make, fill })
    for (const event of ["scroll", "resize"]) window.addEventListener(event, () => this.#plan(), { passive: true })
  }

  show(items) {
    this.#items = items
    this.#draw()
  }

  /** Scrolls no further than is needed, and gives the row's link the focus. `top`: px that something covers. */
  focus(index, top) {
    const { height, above } = this.#measure()
    const at = index * height - above
    if (at < top) scrollBy(0, at - top)
    else if (at > innerHeight - 2 * height) scrollBy(0, at - innerHeight + 2 * height)
    this.#draw()
    this.#drawn.get(this.#items[index].id).querySelector("a").focus({ preventScroll: true })
  }

  #plan() {
    if (this.#planned) return
    this.#planned = true
    requestAnimationFrame(() => {
      this.#planned = false
      if (this.list.checkVisibility()) this.#draw()
    })
  }

  #measure() {
    const height = 16 * parseFloat(getComputedStyle(this.list).getPropertyValue("--row"))
    return { height, above: -this.list.getBoundingClientRect().top }
  }

  #draw() {
    this.list.style.height = `calc(${this.#items.length} * var(--row))`
    const { height, above } = this.#measure()
    const first = Math.max(0, Math.floor(above / height) - BEYOND)
    const seen = this.#items.slice(first, Math.max(0, Math.ceil((above + innerHeight) / height) + BEYOND))
    const spare = this.#free(new Set(seen.map(({ id }) => id)))
    let next = this.list.firstElementChild
    for (const [offset, item] of seen.entries()) {
      const element = this.#drawn.get(item.id) ?? spare.pop() ?? this.make()
      this.#drawn.set(item.id, element)
      if (element === next) next = next.nextElementSibling
      else this.list.insertBefore(element, next)
      element.style.top = `calc(${first + offset} * var(--row))`
      element.ariaPosInSet = first + offset + 1
      element.ariaSetSize = this.#items.length
      this.fill(element, item)
    }
    for (const element of spare) element.remove()
  }

  /** The elements that may be another row's. One that has the focus is kept as long as its row is there. */
  #free(wanted) {
    const spare = []
    for (const [id, element] of this.#drawn) {
      const focused = element.contains(document.activeElement)
      if (wanted.has(id) || (focused && this.#items.some((item) => item.id === id))) continue
      this.#drawn.delete(id)
      if (focused) element.remove()
      else spare.push(element)
    }
    return spare
  }
}
