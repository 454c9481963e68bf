import { language, need, onLanguage, t } from "../../i18n/i18n.js"
import { problemSentence } from "../../i18n/words.js"
import { MOST_ROWS, Roster } from "../../model/roster.js"
import { style } from "../../page/style.js"
import { Bible } from "./bible.js"
import { Bulk } from "./bulk.js"
import { Filters } from "./filters.js"
import { Keys } from "./keys.js"
import { fillRow, makeRow } from "./task-row.js"
import { VirtualList } from "./virtual-list.js"

await Promise.all([style("/static/css/manager.css"), need("rooms-")]) // the height of a row is read from it

const ACTIONS = { s: "stop", r: "retry", d: "delete" }

/** All tasks, or those of a project: live, to be found, and to be dealt with one by one or many together. */
export class ManagerView {
  #shown = []
  #selected = new Set()
  #last = null // the row that was selected last: a range begins there
  #at = -1 // where the focus is in the list, or was
  #planned = false

  constructor(section, { book, kinds, confirm, announcer }) {
    this.section = section
    this.roster = new Roster(book)
    const kindName = (kind) => kinds.nameOf(kind, language())
    this.filters = new Filters(section, () => this.#plan(), kindName)
    const onChange = () => this.#plan()
    const above = this.#find(".bible")
    this.bible = new Bible(above, { confirm, announcer, error: this.#find(".room-error") })
    new ResizeObserver(onChange).observe(above) // it moves the rows
    const error = (this.error = this.#find(".room-error"))
    this.bulk = new Bulk(this.#find(".bulk"), { roster: this.roster, confirm, announcer, error, onChange })
    const rows = this.#find(".task-rows")
    this.list = new VirtualList(rows, makeRow, (element, row) =>
      fillRow(element, row, kindName(row.kind), this.#selected.has(row.id), this.bulk.busy.has(row.id)),
    )
    this.help = document.querySelector("#keys")
    new Keys(this.help, () => !section.hidden, (key) => this.#key(key))
    this.all = this.#find(".select-all input")
    this.roster.addEventListener("change", onChange)
    rows.addEventListener("click", (event) => this.#click(event))
    this.all.addEventListener("change", () => this.#select(this.all.checked ? this.#shown : []))
    this.#find(".bulk-clear").addEventListener("click", () => this.#select([]))
    this.#find(".keys-help").addEventListener("click", () => this.help.showModal())
    onLanguage(onChange)
    kinds.load().then(onChange, () => {})
  }

  open(project) {
    this.project = project
    this.#find(".kicker").hidden = !project
    this.#selected.clear()
    this.#at = -1
    this.filters.open(project)
    this.roster.open(project)
  }

  leave() {
    this.roster.close()
  }

  #find(selector) {
    return this.section.querySelector(selector)
  }

  #plan() {
    if (this.#planned) return
    this.#planned = true
    requestAnimationFrame(() => {
      this.#planned = false
      if (!this.section.hidden) this.#render()
    })
  }

  #render() {
    const { rows, loading, problem, cut } = this.roster
    for (const id of this.#selected) if (!this.roster.get(id)) this.#selected.delete(id)
    this.#shown = this.filters.apply(rows)
    this.list.show(this.#shown)
    this.bible.show(this.project, rows)
    const title = this.project || t("manager.title")
    this.#find("h1").textContent = title
    document.title = `${title} · Holdfast`
    const marked = this.#shown.filter(({ id }) => this.#selected.has(id)).length
    this.all.checked = this.#shown.length > 0 && marked === this.#shown.length
    this.all.indeterminate = !this.all.checked && this.#selected.size > 0
    this.bulk.render(this.#selected, this.#selected.size - marked)
    const n = this.#shown.length.toLocaleString()
    const words = t(this.filters.any ? "manager.found" : "manager.count", { n })
    this.#find(".manager-count").textContent =
      words + (loading ? ` ${t("manager.loading")}` : cut ? ` ${t("manager.cut", { n: MOST_ROWS.toLocaleString() })}` : "")
    const empty = this.#find(".room-empty")
    empty.hidden = this.#shown.length > 0 || loading
    empty.firstElementChild.textContent = problem ? problemSentence(problem) : t(this.filters.any ? "manager.nothing" : "tasks.empty")
  }

  #click({ target, shiftKey }) {
    const { id } = target.closest(".row").dataset
    const button = target.closest("button")
    if (button) this.bulk.carryOut(button.dataset.action, [id])
    else if (target.matches("input")) this.#toggle(id, shiftKey)
  }

  #toggle(id, range) {
    const [from, to] = [this.#last, id].map((each) => this.#shown.findIndex((row) => row.id === each))
    const some = range && from >= 0 ? this.#shown.slice(Math.min(from, to), Math.max(from, to) + 1) : [{ id }]
    const change = this.#selected.has(id) ? "delete" : "add"
    for (const row of some) this.#selected[change](row.id)
    this.#last = id
    this.#plan()
  }

  #select(rows) {
    this.#selected = new Set(rows.map(({ id }) => id))
    this.error.hidden ||= !rows.length
    this.#plan()
  }

  #key(key) {
    const id = document.activeElement.closest(".row")?.dataset.id
    const index = this.#shown.findIndex((row) => row.id === id)
    if (index >= 0) this.#at = index
    if (key === "?") return this.help.showModal()
    if (key === "/") return this.#find("[name=q]").focus()
    if (key === "j") return this.#go(index < 0 ? this.#at : index + 1)
    if (key === "k") return this.#go(index < 0 ? this.#at : index - 1)
    if (key === "a") return this.#select(this.#shown)
    if (key === "Escape") return document.activeElement.name === "q" ? document.activeElement.blur() : this.#select([])
    if (key === "x") return id ? this.#toggle(id) : false
    const ids = this.#selected.size ? [...this.#selected] : [id]
    const pauses = ids.some((each) => this.roster.get(each)?.status === "running")
    this.bulk.carryOut(ACTIONS[key] ?? (pauses ? "pause" : "resume"), ids)
  }

  #go(wanted) {
    if (!this.#shown.length) return
    this.#at = Math.min(Math.max(wanted, 0), this.#shown.length - 1)
    this.list.focus(this.#at, this.#find(".manager-bar").getBoundingClientRect().bottom)
  }
}
