import { problemSentence } from "../i18n/words.js"
import { knows, language, need, onLanguage, t } from "../i18n/i18n.js"
import { mainProperty } from "../form/schema.js"
import { SchemaForm } from "../form/schema-form.js"
import { asks } from "../page/early-ask.js"
import { make } from "../page/make.js"
import { Abilities } from "./abilities.js"
import { Examples } from "./examples.js"

const DRAFT = "holdfast.draft"
const FIRST = "research"

await Promise.all(["form-", "field-", "verb-"].map(need))

/** What is asked: one box, the kinds of work, the fields of each, and what the server says is wrong with them. */
export class AskView {
  #kind = null
  #form = null
  #told = null // the language that all this is in: more words of the same one leave it as it is

  constructor(section, { kinds, onAsk, onAsked }) {
    Object.assign(this, { section, kinds, onAsk, onAsked, form: section.querySelector("form") })
    const find = (selector) => section.querySelector(selector)
    this.box = find(".ask-main")
    this.query = find("#query")
    this.query.value ||= sessionStorage.getItem(DRAFT) ?? ""
    this.query.addEventListener("input", () => sessionStorage.setItem(DRAFT, this.query.value))
    this.query.addEventListener("keydown", (event) => this.#enter(event))
    this.form.addEventListener("submit", (event) => this.#submit(event))
    this.form.addEventListener("input", ({ target }) => this.#form?.clear(target))
    find(".as-json-switch").addEventListener("click", () => this.#switchToJson())
    find(".kinds").addEventListener("change", ({ target }) => this.#choose(target.value))
    this.examples = new Examples(find(".examples"), { onQuestion: (question) => this.#take(question), onSample: (params) => this.#fill(params) })
    this.abilities = new Abilities(find(".abilities"), kinds)
    onLanguage(() => this.#told !== language() && this.#render())
    kinds.load().then(() => this.#render(), (problem) => this.#refused(problem))
  }

  open() {
    this.#clearAll()
    this.#title()
    this.abilities.refresh()
    this.query.focus({ preventScroll: true })
  }

  /** The form of this kind, filled in: for asking something again in another way. */
  edit({ kind, params }) {
    this.#choose(kind)
    this.#form?.fill(params)
  }

  #title() {
    if (!this.section.hidden) document.title = "Holdfast"
  }

  /** In the language of the page; what was filled in stays. */
  #render() {
    this.#title()
    this.#told = language()
    const { list } = this.kinds
    if (!list.length) return
    const chosen = this.#kind?.kind ?? list.find(({ kind }) => kind === FIRST)?.kind ?? list[0].kind
    const group = this.section.querySelector(".kinds")
    group.hidden = list.length < 2
    group.replaceChildren(make("legend", { className: "visually-hidden", textContent: t("ask.kinds") }), ...list.map(({ kind, label }) =>
      make("label", {}, make("input", { type: "radio", name: "kind", value: kind, checked: kind === chosen }), make("span", { textContent: label[language()] ?? kind }))))
    const values = this.#form?.values()
    this.#choose(chosen)
    if (values) this.#form.fill(values)
  }

  #choose(name) {
    const kind = this.kinds.get(name)
    if (!kind) return
    this.#clearAll()
    this.#kind = kind
    const find = (selector) => this.section.querySelector(selector)
    const main = mainProperty(kind)
    this.box.hidden = !main
    const schema = main && kind.schema.properties[main]
    const own = (key, otherwise) => (knows(`${key}.${name}`) ? t(`${key}.${name}`) : otherwise)
    const words = main && { ...schema, ...(language() === "zh" && schema.zh) }
    find("#ask-title").textContent = own("ask.title", kind.label[language()] ?? name)
    find("[for=query]").textContent = own("ask.label", words?.title ?? "")
    this.query.placeholder = own("ask.placeholder", words?.description ?? "")
    this.query.setAttribute("aria-label", find("[for=query]").textContent)
    this.#form = new SchemaForm(find(".ask-fields"), find(".options > .options-grid"), kind, main && this.#mainField(main, schema))
    find(".ask-fields").hidden = !find(".ask-fields").hasChildNodes()
    this.#nameSwitch()
    this.examples.render(kind)
  }

  #mainField(name, schema) {
    return {
      name, path: name, schema, isNeeded: true, control: this.query, element: this.box, isWrong: () => false,
      read: () => this.query.value || undefined,
      fill: (value) => (this.query.value = value ?? ""),
    }
  }

  #switchToJson() {
    if (this.#form?.faults().length) return this.#form.faults().forEach((fault) => this.#form.tell(fault))
    this.#form?.switchToJson()
    this.#nameSwitch()
  }

  #nameSwitch() {
    this.section.querySelector(".as-json-switch").textContent = t(this.#form?.isJson ? "form.asFields" : "form.asJson")
  }

  #enter(event) {
    if (!asks(event)) return
    event.preventDefault()
    this.form.requestSubmit()
  }

  #take(question) {
    this.query.value = question
    this.form.requestSubmit()
  }

  /** An example, to be looked at before it is asked. */
  #fill(params) {
    this.#clearAll()
    this.#form.fill(params)
    this.section.querySelector(".options").open = true
    for (const { element, read } of this.#form.fields) if (element.localName === "details") element.open = read() !== undefined
    this.form.querySelector("[type=submit]").focus()
  }

  async #submit(event) {
    event.preventDefault()
    if (this.form.ariaBusy === "true") return
    this.#clearAll()
    const faults = this.#form?.faults() ?? []
    if (faults.length) return faults.forEach((fault) => this.#form.tell(fault))
    const params = this.#form?.values() ?? { query: this.query.value }
    this.#busy(true)
    try {
      const view = await this.onAsk({ kind: this.#kind?.kind ?? FIRST, params })
      this.#form?.fill({})
      this.query.value = ""
      sessionStorage.removeItem(DRAFT)
      this.onAsked(view)
    } catch (problem) {
      this.#refused(problem)
    } finally {
      this.#busy(false)
    }
  }

  #refused(problem) {
    const untold = (problem.errors ?? []).toReversed().filter((error) => !this.#form?.tell({ ...error, path: error.path ?? "" }))
    if (problem.errors?.length && !untold.length) return
    const line = this.form.querySelector(".form-error")
    line.textContent = untold.map((error) => [error.path, error.message].filter(Boolean).join(": ")).join(" ") || problemSentence(problem)
    line.hidden = false
  }

  #clearAll() {
    this.#form?.clear()
    this.form.querySelector(".form-error").hidden = true
  }

  #busy(busy) {
    this.form.ariaBusy = String(busy)
    const button = this.form.querySelector("[type=submit]")
    button.disabled = busy
    button.querySelector("span").textContent = t(busy ? "ask.asking" : "ask.submit")
  }
}
