const TEXTS = ["q", "kind", "project", "session"]
const NAMES = ["status", ...TEXTS]
const SELECTS = ["kind", "project", "session"]
const MOST_CHOICES = 200

/** What the list is narrowed to. It stands in the address, so that a reload, a link and the way back keep it. */
export class Filters {
  #wanted = {}

  constructor(section, onChange, kindName) {
    Object.assign(this, { onChange, kindName, form: section.querySelector("form"), tallies: section.querySelector(".tallies") })
    this.form.addEventListener("input", ({ target }) => this.#set({ [target.name]: target.value }))
    this.form.addEventListener("submit", (event) => event.preventDefault())
    this.form.addEventListener("reset", () => this.#set(Object.fromEntries(NAMES.map((name) => [name, ""]))))
    this.tallies.addEventListener("click", ({ target }) => {
      const { status } = target.closest("button")?.dataset ?? {}
      if (status !== undefined) this.#set({ status: status === this.#wanted.status ? "" : status })
    })
  }

  /** @param project  that of the page, which can't be chosen there; "" on the page of all tasks */
  open(project) {
    this.project = project
    const given = new URLSearchParams(location.search)
    this.#wanted = Object.fromEntries(NAMES.map((name) => [name, given.get(name) ?? ""]))
    this.form.elements.q.value = this.#wanted.q
    for (const name of SELECTS) this.form.elements[name].dataset.choices = ""
  }

  get any() {
    return NAMES.some((name) => this.#wanted[name])
  }

  #set(changes) {
    Object.assign(this.#wanted, changes)
    const said = Object.entries(this.#wanted).filter(([, value]) => value)
    history.replaceState(null, "", said.length ? `?${new URLSearchParams(said)}` : location.pathname)
    this.onChange()
  }

  /** The rows that belong to the list. The tallies count those of each status, whichever of them is chosen. */
  apply(rows) {
    const { q, status } = this.#wanted
    const looked = q.toLowerCase().split(/\s+/).filter(Boolean)
    const start = looked.join(" ") // of an id
    const isLookedFor = ({ id, folded }) => id.startsWith(start) || looked.every((word) => folded.includes(word))
    const exact = SELECTS.filter((name) => this.#wanted[name])
    const counts = { "": 0 }
    const fitting = rows.filter((row) => {
      if (!isLookedFor(row)) return false
      if (!exact.every((name) => row[name] === this.#wanted[name])) return false
      counts[""]++
      counts[row.status] = (counts[row.status] ?? 0) + 1
      return !status || row.status === status
    })
    for (const button of this.tallies.children) {
      button.ariaPressed = String(button.dataset.status === status)
      button.firstChild.textContent = (counts[button.dataset.status] ?? 0).toLocaleString()
    }
    this.form.elements[this.form.elements.length - 1].hidden = !this.any
    for (const name of SELECTS) this.#choices(this.form.elements[name], name, rows)
    return fitting
  }

  #choices(select, name, rows) {
    const wanted = this.#wanted[name]
    const found = new Set(wanted && [wanted])
    for (const row of rows) if (row[name] && found.size < MOST_CHOICES) found.add(row[name])
    const choices = [...found].sort()
    select.hidden = !choices.length || (name === "project" && this.project !== "")
    const named = choices.map((each) => (name === "kind" ? this.kindName(each) : each))
    if (select.dataset.choices === (select.dataset.choices = [...choices, ...named].join("\n"))) return
    select.replaceChildren(select.options[0], ...choices.map((each, index) => new Option(named[index], each)))
    select.value = wanted
  }
}
