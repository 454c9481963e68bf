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

  /** Takes a file that was dropped beside the fields; false when no field is for one. */
  take(file) {
    const field = this.isJson ? null : this.fields.find((one) => one.take)
    field?.take(file)
    return Boolean(field)
  }

  /** All that stands here, whether it says something or not: for another form of the same kind. */
  standing() {
    const broken = this.#places().filter((field) => field.isWrong() && field.control.type === "textarea")
    return { values: this.values(), isJson: this.isJson, typed: broken.map(({ path, control }) => [path, control.value]) }
  }

  restore({ values, isJson, typed }) {
    this.fill(values)
    if (isJson !== this.isJson) this.switchToJson()
    for (const [path, text] of typed) {
      const field = this.#places().find((one) => one.path === path)
      if (field) field.control.value = text
    }
  }

  /** Takes away what stands beside the fields, before another form takes their place. */
  close() {
    if (this.isJson) this.switchToJson()
  }

  #places() {
    return this.isJson ? [this.#json] : [...flat(this.fields)]
  }

  /** What can be seen to be wrong before anybody is asked: numbers and JSON that are none, files that are not there. */
  faults() {
    return this.#places().filter((field) => field.isWrong()).map((field) => ({ path: field.path, ...(field.fault?.() ?? { code: field.control.type === "number" ? "no_number" : "no_json" }) }))
  }

  /** Shows these errors, and leads to the first of them; returns those that have no place here. */
  tellAll(errors) {
    return errors.toReversed().filter((error) => !this.tell(error)).toReversed()
  }

  /** Shows an error at the field that is nearest to its path; false when there is none. */
  tell(error) {
    const places = this.isJson ? [this.#json] : this.#places().filter((field) => lineOf(field) && isWithin(error.path, field.path))
    const field = places.sort((a, b) => b.path.length - a.path.length)[0]
    if (!field) return false
    const line = lineOf(field)
    const within = error.path.slice(field.path.length).replace(/^\./, "")
    const said = error.isWorded ? error.message : fieldSentence({ ...error, path: field.path, limits: within ? {} : field.schema })
    line.textContent = within ? `${/^\d+$/.test(within) ? `#${Number(within) + 1}` : within}: ${said}` : said
    line.hidden = false
    for (let fold = line.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true
    if (field.control) {
      field.control.setAttribute("aria-invalid", "true")
      field.control.setAttribute("aria-errormessage", line.id)
      field.control.focus()
    } else {
      const row = field.inner.find(({ path }) => isWithin(error.path, path))
      ;(row ?? field).element.querySelector("input, textarea, select, button.small")?.focus({ preventScroll: true })
      line.scrollIntoView({ block: "center" })
    }
    return true
  }

  clear(within = null) {
    for (const field of [...flat(this.fields), ...(this.#json ? [this.#json] : [])]) {
      if (within && !(field.control === within || (!field.control && field.element.contains(within)))) continue
      field.control?.removeAttribute("aria-invalid")
      field.control?.removeAttribute("aria-errormessage")
      const line = lineOf(field)
      if (line) line.hidden = true
    }
  }
}

/** Where it is said what is wrong with a field; a row of a list has no such place. */
function lineOf({ element }) {
  return element.querySelector(":scope > .field-error, :scope > * > .field-error")
}

function isWithin(path, outer) {
  return path === outer || path.startsWith(`${outer}.`)
}

function* flat(fields) {
  for (const field of fields) {
    yield field
    if (field.inner) yield* flat(field.inner)
  }
}
