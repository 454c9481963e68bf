import { api } from "../net/api.js"
import { need, t } from "../i18n/i18n.js"
import { fieldSentence, problemSentence } from "../i18n/words.js"
import { plain, wordsOf } from "../form/schema.js"
import { make } from "../page/make.js"

const EMBEDDED = "embedded"

/** What a running task can be told, as its kind has it: a box for each text, a button for each yes. */
export class SteerForm {
  #built = ""

  constructor(form, onView) {
    Object.assign(this, { form, onView })
  }

  render(view, kind, language) {
    const schema = hears(view, kind) && kind.steering
    this.form.hidden = !schema || view.status !== "running"
    const wanted = `${view.id} ${language}`
    if (!schema || this.#built === wanted) return
    this.#built = wanted
    this.id = view.id
    this.said = make("p", { className: "hint", role: "status" })
    const parts = Object.entries(schema.properties).map(([name, each]) => this.#part(name, plain(each, schema)))
    this.form.replaceChildren(...parts.filter(Boolean), this.said)
  }

  #part(name, schema) {
    const { title, description } = wordsOf(name, schema)
    const button = make("button", { type: "submit", className: "button small", textContent: schema.type === "boolean" ? title : t("steer.send") })
    if (schema.type === "boolean") {
      button.title = description
      return this.#form(button, () => this.#tell({ [name]: true }))
    }
    if (schema.type !== "string") return null
    const input = make("input", { maxLength: schema.maxLength ?? -1, placeholder: t("steer.placeholder", { title }), ariaLabel: `${title}: ${description}` })
    return this.#form(make("span", { className: "steer-text" }, input, button), async () => {
      if (input.value.trim() && (await this.#tell({ [name]: input.value }))) input.value = ""
    })
  }

  #form(content, send) {
    const form = make("form", {}, content)
    form.addEventListener("submit", (event) => {
      event.preventDefault()
      send()
    })
    return form
  }

  async #tell(said) {
    try {
      this.onView(await api.post(`/api/tasks/${this.id}/steer`, said))
      this.said.textContent = t("steer.heard")
      return true
    } catch (problem) {
      await need("field-")
      const [wrong] = problem.errors ?? []
      this.said.textContent = wrong ? fieldSentence(wrong) : problemSentence(problem)
      return false
    }
  }
}

/** Only a model can heed what it is told. */
function hears({ params }, kind) {
  return kind?.model && params.engine !== EMBEDDED
}
