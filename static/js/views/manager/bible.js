import { onLanguage, t } from "../../i18n/i18n.js"
import { problemSentence } from "../../i18n/words.js"
import { api } from "../../net/api.js"
import { make } from "../../page/make.js"
import { BibleForm } from "./bible-form.js"

const CHECKS_ALL = ["review", "import"] // task types after which the whole novel was looked through
const LISTED = 100

/** What is known of a novel, above its tasks: asked for when a task about it is there, and again when one gets on. */
export class Bible {
  #seen = ""
  #asking = false
  #novel = null
  #checked = null // the result of the newest task that looked through all

  constructor(element, { confirm, announcer, error }) {
    Object.assign(this, { element, confirm, announcer, error })
    this.form = new BibleForm((revision) => (this.announcer.textContent = t("bible.saved", { n: revision })))
    onLanguage(() => this.#render())
    element.addEventListener("click", ({ target }) => {
      const { act, part, name } = target.closest("button")?.dataset ?? {}
      if (act === "edit") this.form.open(this.project, this.#novel, part, name)
      else if (act) this.#carryOut(act)
    })
  }

  /** @param rows  the tasks of this project; @param project  "" where there is none */
  async show(project, rows) {
    const about = project ? rows.filter(({ kind }) => kind === "novel") : []
    const seen = about.map(({ id, generation, status, progress }) => [project, id, generation, status, progress.percentage | 0]).join()
    if (this.project !== project) this.#take(null, null)
    this.project = project
    this.wanted = seen
    if (this.#asking) return // whoever is at it looks again in the end
    this.#asking = true
    while (this.wanted !== this.#seen) {
      this.#seen = this.wanted
      await this.#ask(this.project)
    }
    this.#asking = false
  }

  async #ask(project) {
    if (!this.#seen) return this.#take(null, null)
    const at = `/api/novels/${encodeURIComponent(project)}`
    try {
      const [novel, { tasks }] = await Promise.all([api.get(at), api.get(`${at}/tasks?status=completed&limit=${LISTED}`)])
      const ends = tasks.filter(({ task_type }) => CHECKS_ALL.includes(task_type)).sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at))
      const checked = ends.length ? await api.get(`/api/tasks/${ends[0].id}/result`) : null
      if (this.project === project) this.#take(novel, checked)
    } catch (problem) {
      if (this.project === project && problem.status === 404) this.#take(null, null) // it has no bible yet, or no more
    }
  }

  #take(novel, checked) {
    this.#novel = novel
    this.#checked = checked
    this.#render()
  }

  async #carryOut(act) {
    const { project } = this
    const at = `/api/novels/${encodeURIComponent(project)}`
    const about = { novel: { id: project }, task_type: act }
    this.error.hidden = true
    try {
      if (act !== "delete") return void (await api.post("/api/tasks", { kind: "novel", params: about, fresh: `${act} ${this.#novel.revision}` }))
      const words = { title: t("bible.delete.title", { title: this.#novel.book?.title ?? project }), body: t("bible.delete.body"), yes: t("bible.delete") }
      if (!(await this.confirm.ask(words))) return
      await api.delete(at)
      this.announcer.textContent = t("bible.deleted")
      if (this.project === project) this.#take(null, null)
    } catch (problem) {
      this.error.textContent = problemSentence(problem)
      this.error.hidden = false
    }
  }

  #render() {
    const novel = this.#novel
    this.element.hidden = !novel
    if (!novel) return this.element.replaceChildren()
    const open = new Set([...this.element.querySelectorAll("[open]")].map(({ dataset }) => dataset.part))
    const focused = this.element.contains(document.activeElement) ? { ...document.activeElement.dataset } : null
    const parts = { ...partsOf(novel), findings: (this.#checked?.findings ?? []).map(({ severity, message }) => ["", message, t(`bible.${severity}`)]) }
    const folds = Object.entries(parts).filter(([, lines]) => lines.length)
    this.element.replaceChildren(this.#head(), ...folds.map(([part, lines]) => fold(part, lines, open.has(part))))
    if (focused?.act) this.element.querySelector(`[data-act="${focused.act}"]${focused.name ? `[data-part="${focused.part}"][data-name="${CSS.escape(focused.name)}"]` : ""}`)?.focus()
  }

  #head() {
    const { book, revision } = this.#novel
    const at = this.#checked?.revision
    const state = at == null ? t("bible.unchecked") : at < revision ? t("bible.checkedBefore", { n: at, now: revision }) : t("bible.checked", { n: at })
    const buttons = ["review", "export", "delete"].map((act) => button(act, t(act === "delete" ? "bible.delete" : `bible.${act}`)))
    return make("div", { className: "bible-head" }, make("h2", { textContent: book?.title ?? this.project }), make("small", { textContent: state }), ...buttons)
  }
}

/** Lines of number, title and more; the last says by what each is edited. */
function partsOf(novel) {
  const day = ({ day, until }) => (day == null ? "" : t("bible.day", { n: until == null || until === day ? day : `${day}–${until}` }))
  return {
    volumes: novel.volumes.map(({ number, title, summary, first, last }) => [number, title || summary, `${first}–${last}`, number]),
    chapters: chapters(novel).map(({ number, title, summary, words }) => {
      const written = novel.words[number]
      return [number, title || summary, t(written == null ? "bible.planned" : "bible.words", { n: (written ?? words ?? 0).toLocaleString() }), number]
    }),
    characters: novel.characters.map(({ id, name, role, state }) => ["", name, dotted(role, state), id]),
    world: novel.world.map(({ id, name, kind, description }) => ["", name, dotted(kind, description.slice(0, 80)), id]),
    timeline: novel.timeline.map((event) => ["", event.title || event.id, dotted(day(event), event.chapter && t("bible.chapter", { n: event.chapter })), event.id]),
    foreshadowing: novel.foreshadowing.map(({ id, title, status, planted, paid }) => ["", title, dotted(t(`bible.${status}`), [planted, paid].filter(Boolean).join(" → ")), id]),
  }
}

const dotted = (...some) => some.filter(Boolean).join(" · ")

/** Those that are planned, and those that only have a text. */
function chapters({ chapters: planned, texts }) {
  const known = new Set(planned.map(({ number }) => number))
  return [...planned, ...texts.filter(({ number }) => !known.has(number))].sort((a, b) => a.number - b.number)
}

function button(act, textContent, more = {}) {
  const made = make("button", { type: "button", className: "button small", textContent })
  Object.assign(made.dataset, { act, ...more })
  return made
}

function fold(part, lines, isOpen) {
  const summary = make("summary", {}, make("span", { textContent: t(`bible.${part}`) }), make("span", { className: "count", textContent: lines.length.toLocaleString() }))
  const items = lines.map(([number, title, more, name]) => {
    const edit = name != null && button("edit", t("bible.edit"), { part, name })
    if (edit) edit.ariaLabel = t("bible.editOne", { title: title || number })
    return make("li", {}, make("span", { textContent: number }), make("span", { textContent: title || "—" }), make("small", { textContent: more }), edit)
  })
  const list = make("ol", { className: "bible-lines", role: "list", tabIndex: 0, ariaLabel: t(`bible.${part}`) }, ...items)
  const made = make("details", { className: "fold", open: isOpen }, summary, list)
  made.dataset.part = part
  return made
}
