const FOLLOW_THRESHOLD = 100 // px between the report's end and the window's, within which it is followed
const MARGIN = 48

/**
 * Keeps the end of a report that grows in view, while its reader is there. It lets go when they scroll up, and takes
 * hold again when they come back to the end or ask for it.
 */
export class ScrollFollower {
  #last = scrollY
  #height = 0
  #follows = false

  constructor(article, button) {
    Object.assign(this, { article, button, isGrowing: false })
    addEventListener("scroll", () => this.#scrolled(), { passive: true })
    button.addEventListener("click", () => {
      this.#follows = true
      this.keep()
    })
  }

  start(isGrowing) {
    this.isGrowing = isGrowing
    this.#render()
  }

  /** After the report has grown. */
  keep() {
    if (this.isGrowing && this.#follows && this.#beyond > 0) scrollBy({ top: this.#beyond + MARGIN, behavior: "instant" })
    this.#last = scrollY
    this.#height = document.documentElement.scrollHeight
    this.#render()
  }

  forget() {
    this.#follows = this.isGrowing = false
    this.#render()
  }

  /** How far the report's end is below the window's. */
  get #beyond() {
    return this.article.getBoundingClientRect().bottom - innerHeight
  }

  #scrolled() {
    const shrunk = document.documentElement.scrollHeight < this.#height
    if (scrollY < this.#last - 1 && !shrunk) this.#follows = false
    else if (scrollY > this.#last && Math.abs(this.#beyond) < FOLLOW_THRESHOLD) this.#follows = true
    this.#last = scrollY
    this.#render()
  }

  #render() {
    this.button.hidden = !this.isGrowing || this.#follows || this.#beyond < FOLLOW_THRESHOLD
  }
}
