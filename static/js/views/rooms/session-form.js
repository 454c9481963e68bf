import { t } from "../../i18n/i18n.js"

/** The first batch of a session: pages by their addresses, one on each line. */
export class SessionForm {
  /** @param onStart(wanted)  the members of a start */
  constructor(form, onStart) {
    Object.assign(this, { form, onStart })
    this.field = form.querySelector("textarea")
    this.error = form.querySelector(".field-error")
    form.addEventListener("submit", (event) => {
      event.preventDefault()
      this.#submit()
    })
  }

  show(shown) {
    this.form.hidden = !shown
    if (!shown) this.form.reset()
    this.#tell("")
  }

  get isShown() {
    return !this.form.hidden
  }

  /** Tells of a fault of one of the addresses. False where it is another fault. */
  blame({ errors }) {
    const [, line] = /^tasks\.(\d+)/.exec(errors[0]?.path) ?? []
    if (line && this.isShown) this.#tell(t("session.badPage", { line: this.#lines[line] }))
    return Boolean(line && this.isShown)
  }

  get #lines() {
    return this.field.value.split("\n").map((line) => line.trim()).filter(Boolean)
  }

  #submit() {
    const lines = this.#lines
    this.#tell(lines.length ? "" : t("session.noPages"))
    if (lines.length) this.onStart({ tasks: lines.map((line) => ({ url: addressed(line), captures: ["text", "screenshot"] })) })
  }

  #tell(words) {
    this.error.hidden = !words
    this.error.textContent = words
    this.field.ariaInvalid = words ? "true" : null
    if (words) this.field.focus()
  }
}

/** An address without a scheme is one of the web. */
const addressed = (line) => (line.includes("://") ? line : `https://${line}`)
