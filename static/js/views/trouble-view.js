import { onLanguage, t } from "../i18n/i18n.js"
import { problemSentence } from "../i18n/words.js"

const NOT_FOUND = 404

/** Said in the place of a task that can't be shown. */
export class TroubleView {
  #problem = null

  constructor(section) {
    this.section = section
    onLanguage(() => this.#render())
  }

  show(problem) {
    this.#problem = problem
    this.#render()
    requestAnimationFrame(() => this.section.querySelector("h1").focus({ preventScroll: true }))
  }

  #render() {
    if (!this.#problem) return
    const gone = this.#problem.status === NOT_FOUND
    const title = t(gone ? "trouble.gone.title" : "trouble.refused.title")
    this.section.querySelector("h1").textContent = title
    this.section.querySelector("p").textContent = gone ? t("trouble.gone.body") : problemSentence(this.#problem)
    if (!this.section.hidden) document.title = `${title} · Holdfast`
  }
}
