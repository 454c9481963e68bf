import { fieldSentence } from "../i18n/words.js"
import { t } from "../i18n/i18n.js"
import { jsonField } from "./fields.js"
import { fieldsOf, fillAll, readAll } from "./group.js"

/**
 * The fields of one kind, made from the schema of its parameters: those that are needed in `needed`, the others in
 * `optional`. What is left out, or as it is by default, is not sent, so that the same request is the same task.
 */
export class SchemaForm {
  #json = null

  constructor(needed, optional, { schema }, main) {
    Object.assign(this, { needed, optional })
    this.fields = fieldsOf(schema, schema, { except: [main?.name] })
    if (main) this.fields.unshift(main)
    const own = this.fields.filter((field) => field !== main)
    const isFirst = ({ isNeeded, name }) => isNeeded || name === "upload"
    needed.replaceChildren(...own.filter(isFirst).map(({ element }) => element))
    const rest = own.filter((field) => !isFirst(field))
    optional.replaceChildren(...[...rest.filter((one) => !one.isFolded), ...rest.filter((one) => one.isFolded)].map(({ element }) => element))
  }

  get isJson() {
    return this.#json !== null
  }

  /** What stands in the fields, as parameters. */
  values() {
    return (this.isJson ? this.#json.read() : readAll(this.fields)) ?? {}
  }

  fill(values) {
    fillAll(this.fields, values)
    this.#json?.fill(values)
  }

  /** All parameters as one JSON text instead of fields, or back. */
  switchToJson() {
    const values = this.values()
    if (this.#json) {
      this.#json.element.remove()
      this.#json = null
      this.fill(values)
    } else {
      this.#json = jsonField("", { title: t("form.json"), description: t("form.json.hint") }, { rows: 14 })
      this.optional.before(this.#json.element)
      this.#json.fill(values)
      this.#json.control.focus()
    }
    for (const { element } of this.fields) element.classList.toggle("as-json", this.isJson)
  }

  /** What can be seen to be wrong before anybody is asked: numbers and JSON that are none, files under way. */
  faults() {
    const places = this.isJson ? [this.#json] : [...flat(this.fields)]
    return places.filter((field) => field.isWrong()).map(({ path, control }) => ({ path, code: control.type === "file" ? "upload_busy" : control.type === "number" ? "no_number" : "no_json" }))
  }

  /** Shows an error at the field that is nearest to its path; false when there is none. */
  tell(error) {
    const places = this.isJson ? [] : [...flat(this.fields)].filter(({ path }) => error.path === path || error.path.startsWith(`${path}.`))
    const field = this.isJson ? this.#json : places.sort((a, b) => b.path.length - a.path.length)[0]
    const line = field?.element.querySelector(":scope > .field-error, :scope > * > .field-error")
    if (!line) return false
    const within = error.path.slice(field.path.length).replace(/^\./, "")
    const said = fieldSentence({ ...error, path: field.path, limits: within ? {} : field.schema })
    line.textContent = within ? `${/^\d+$/.test(within) ? `#${Number(within) + 1}` : within}: ${said}` : said
    line.hidden = false
    for (let fold = line.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true
    if (field.control) {
      field.control.setAttribute("aria-invalid", "true")
      field.control.setAttribute("aria-errormessage", line.id)
      field.control.focus()
    } else line.scrollIntoView({ block: "center" })
    return true
  }

  clear(within = null) {
    for (const field of [...flat(this.fields), ...(this.#json ? [this.#json] : [])]) {
      if (within && !(field.control === within || (!field.control && field.element.contains(within)))) continue
      field.control?.removeAttribute("aria-invalid")
      field.control?.removeAttribute("aria-errormessage")
      const line = field.element.querySelector(":scope > .field-error, :scope > * > .field-error")
      if (line) line.hidden = true
    }
  }
}

function* flat(fields) {
  for (const field of fields) {
    yield field
    if (field.inner) yield* flat(field.inner)
  }
}
