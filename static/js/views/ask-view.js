import { fieldSentence, problemSentence } from "../i18n/words.js"
import { onLanguage, t } from "../i18n/i18n.js"
import { Examples } from "./examples.js"

const DRAFT = "holdfast.draft"
const IME_KEY = 229 // what Safari reports while an input method is composing

/** The question, its options folded away, and what the server says is wrong with them. */
export class AskView {
  constructor(section, { onAsk, onAsked }) {
    Object.assign(this, { section, onAsk, onAsked, form: section.querySelector("form") })
    this.query = this.form.elements.query
    this.query.value = sessionStorage.getItem(DRAFT) ?? ""
    this.query.addEventListener("input", () => sessionStorage.setItem(DRAFT, this.query.value))
    this.query.addEventListener("keydown", (event) => this.#enter(event))
    this.form.addEventListener("submit", (event) => this.#submit(event))
    this.form.addEventListener("input", ({ target }) => this.#clear(target))
    new Examples(section.querySelector(".examples"), (question) => this.#take(question))
    onLanguage(() => this.#title())
  }

  open() {
    this.#clearAll()
    this.#title()
    this.query.focus({ preventScroll: true })
  }

  #title() {
    if (!this.section.hidden) document.title = "Holdfast"
  }

  #enter(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === IME_KEY) return
    event.preventDefault()
    this.form.requestSubmit()
  }

  #take(question) {
    this.query.value = question
    this.form.requestSubmit()
  }

  async #submit(event) {
    event.preventDefault()
    if (this.form.ariaBusy === "true") return
    this.#clearAll()
    if (!this.query.value.trim()) return this.#tell({ path: "query", code: "string_too_short" })
    this.#busy(true)
    try {
      const view = await this.onAsk(this.#request())
      this.query.value = ""
      sessionStorage.removeItem(DRAFT)
      this.onAsked(view)
    } catch (problem) {
      this.#refused(problem)
    } finally {
      this.#busy(false)
    }
  }

  /** Only what differs from the defaults, so that the same question is the same task however it was asked. */
  #request() {
    const { language, style, urls } = this.form.elements
    const pages = urls.value.split(/\s+/).filter(Boolean)
    return {
      kind: "research",
      query: this.query.value,
      ...(language.value !== "auto" && { language: language.value }),
      ...(style.value !== "standard" && { report: { style: style.value } }),
      ...(pages.length && { sources: { urls: pages } }),
    }
  }

  #refused(problem) {
    const untold = problem.errors?.filter((error) => !this.#tell(error)) ?? []
    if (problem.errors?.length && !untold.length) return
    const line = this.form.querySelector(".form-error")
    line.textContent = untold.map((error) => `${error.path}: ${error.message}`).join(" ") || problemSentence(problem)
    line.hidden = false
  }

  /** Shows an error at its field; false when there is no such field. */
  #tell(error) {
    const field = [...this.form.querySelectorAll("[data-path]")].find(
      ({ dataset }) => error.path === dataset.path || error.path.startsWith(`${dataset.path}.`),
    )
    const line = field && this.form.querySelector(`[data-error-of="${field.dataset.path}"]`)
    if (!line) return false
    line.id ||= `${field.id}-error`
    line.textContent = fieldSentence({ ...error, path: field.dataset.path })
    line.hidden = false
    field.setAttribute("aria-invalid", "true")
    field.setAttribute("aria-describedby", line.id)
    field.closest("details")?.setAttribute("open", "")
    field.focus()
    return true
  }

  #clearAll() {
    for (const field of this.form.querySelectorAll("[data-path]")) this.#clear(field)
    this.form.querySelector(".form-error").hidden = true
  }

  #clear(field) {
    const line = this.form.querySelector(`[data-error-of="${field.dataset.path}"]`)
    field.removeAttribute("aria-invalid")
    field.removeAttribute("aria-describedby")
    if (line) line.hidden = true
  }

  #busy(busy) {
    this.form.ariaBusy = String(busy)
    const button = this.form.querySelector("[type=submit]")
    button.disabled = busy
    button.querySelector("span").textContent = t(busy ? "ask.asking" : "ask.submit")
  }
}
