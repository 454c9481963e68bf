import { onLanguage, t } from "../i18n/i18n.js"

const BEFORE_TOLD_MS = 600 // a blink is not worth a word
const TOLD_FOR_MS = 3000

/** The line that says that the connection was lost, and that it was found again. */
export class ConnectionLine {
  #timer = 0
  #state = ""

  constructor(line, link) {
    this.line = line
    link.addEventListener("lost", () => this.#later(BEFORE_TOLD_MS, "lost"))
    link.addEventListener("found", () => this.#found())
    onLanguage(() => this.#render())
  }

  #found() {
    clearTimeout(this.#timer)
    if (!this.#state) return
    this.#show("found")
    this.#later(TOLD_FOR_MS, "")
  }

  #later(ms, state) {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#show(state), ms)
  }

  #show(state) {
    this.#state = state
    this.#render()
  }

  #render() {
    this.line.hidden = !this.#state
    this.line.dataset.state = this.#state
    this.line.textContent = this.#state && t(`link.${this.#state}`)
  }
}
