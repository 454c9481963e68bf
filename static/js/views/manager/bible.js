import { onLanguage, t } from "../../i18n/i18n.js"
import { api } from "../../net/api.js"
import { make } from "../../page/make.js"

/** What is known of a novel, above its tasks: asked for when a task about it is there, and again when one gets on. */
export class Bible {
  #seen = ""
  #asking = false
  #novel = null
  #findings = []

  constructor(element) {
    this.element = element
    onLanguage(() => this.#render())
  }

  /** @param rows  the tasks of this project; @param project  "" where there is none */
  async show(project, rows) {
    const about = project ? rows.filter(({ kind }) => kind === "novel") : []
    const seen = about.map(({ id, generation, status, progress }) => [project, id, generation, status, progress.percentage | 0]).join()
    if (seen === this.#seen || this.#asking) return
    if (this.project !== project) this.#take(null, [])
    Object.assign(this, { project })
    this.#seen = seen
    if (!about.length) return
    this.#asking = true
    const last = about.find(({ status }) => status === "completed")
    try {
      const [novel, result] = await Promise.all([api.get(`/api/novels/${encodeURIComponent(project)}`), last && api.get(`/api/tasks/${last.id}/result`)])
      if (this.project === project) this.#take(novel, result?.findings ?? [])
    } catch {
      this.#seen = "" // it has no bible yet, or the server is away: the next change asks again
    } finally {
      this.#asking = false
    }
  }

  #take(novel, findings) {
    this.#novel = novel
    this.#findings = findings
    this.#render()
  }

  #render() {
    const novel = this.#novel
    this.element.hidden = !novel
    if (!novel) return
    const open = new Set([...this.element.querySelectorAll("[open]")].map(({ dataset }) => dataset.part))
    const texts = new Map(novel.texts.map(({ number }) => [number, novel.words[number] ?? 0]))
    const parts = {
      volumes: novel.volumes.map(({ number, title, summary, first, last }) => [number, title || summary, `${first}–${last}`]),
      chapters: chapters(novel).map(({ number, title, summary, words }) => [number, title || summary, texts.has(number) ? t("bible.words", { n: texts.get(number).toLocaleString() }) : t("bible.planned", { n: (words ?? 0).toLocaleString() })]),
      characters: novel.characters.map(({ name, role, state }) => ["", name, [role, state].filter(Boolean).join(" · ")]),
      foreshadowing: novel.foreshadowing.map(({ title, status, planted, paid }) => ["", title, [t(`bible.${status}`), [planted, paid].filter(Boolean).join(" → ")].filter(Boolean).join(" · ")]),
      findings: this.#findings.map(({ severity, message }) => ["", message, t(`bible.${severity}`)]),
    }
    const folds = Object.entries(parts).filter(([, lines]) => lines.length)
    this.element.replaceChildren(...folds.map(([part, lines]) => fold(part, lines, open.has(part))))
  }
}

/** Those that are planned, and those that only have a text. */
function chapters({ chapters: planned, texts }) {
  const known = new Set(planned.map(({ number }) => number))
  return [...planned, ...texts.filter(({ number }) => !known.has(number))].sort((a, b) => a.number - b.number)
}

function fold(part, lines, isOpen) {
  const summary = make("summary", {}, make("span", { textContent: t(`bible.${part}`) }), make("span", { className: "count", textContent: lines.length.toLocaleString() }))
  const items = lines.map(([number, title, more]) => make("li", {}, make("span", { textContent: number }), make("span", { textContent: title || "—" }), make("small", { textContent: more })))
  const list = make("ol", { className: "bible-lines", role: "list", tabIndex: 0, ariaLabel: t(`bible.${part}`) }, ...items)
  const made = make("details", { className: "fold", open: isOpen }, summary, list)
  made.dataset.part = part
  return made
}
