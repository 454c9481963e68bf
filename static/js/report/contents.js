import { make } from "../page/make.js"

const BELOW_TOP = 120 // px: a heading that has passed this line is the one being read

/** The headings of a report, kept in step with it; the one being read is marked. */
export class Contents {
  #planned = false
  #told = ""

  constructor(article, details) {
    Object.assign(this, { article, details, list: details.querySelector("ol") })
    addEventListener("scroll", () => this.#plan(), { passive: true })
  }

  render() {
    this.headings = [...this.article.querySelectorAll(":scope > h2, :scope > h3")]
    this.details.hidden = this.headings.length < 2
    const told = this.headings.map(({ id, tagName, textContent }) => `${tagName}${id}${textContent}`).join("\n")
    if (told !== this.#told) this.list.replaceChildren(...this.headings.map(entry))
    this.#told = told
    this.#plan()
  }

  #plan() {
    if (this.#planned || this.details.hidden) return
    this.#planned = true
    requestAnimationFrame(() => this.#mark())
  }

  #mark() {
    this.#planned = false
    const read = this.headings?.findLast((heading) => heading.getBoundingClientRect().top < BELOW_TOP)
    for (const link of this.list.querySelectorAll("a")) {
      if (read && link.hash === `#${read.id}`) link.setAttribute("aria-current", "true")
      else link.removeAttribute("aria-current")
    }
  }
}

function entry({ id, tagName, textContent }) {
  return make("li", { className: tagName.toLowerCase() }, make("a", { href: `#${id}`, textContent }))
}
