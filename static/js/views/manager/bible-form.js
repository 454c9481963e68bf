import { t } from "../../i18n/i18n.js"
import { problemSentence } from "../../i18n/words.js"
import { api } from "../../net/api.js"
import { make } from "../../page/make.js"

const FIELDS = {
  volumes: ["title", "summary"],
  chapters: ["title", "summary", "text"],
  characters: ["name", "role", "goal", "arc", "description", "state"],
  world: ["name", "kind", "description"],
  timeline: ["title", "day", "description"],
  foreshadowing: ["title", "description", "status"],
}
const LONG = new Set(["summary", "goal", "arc", "description", "state", "text"])
const STATUSES = ["open", "planted", "paid", "dropped"]
const FREE = /^(?:name|status)$/ // these are never empty

/** A person's edit of one entity of a novel: nothing is written over that has changed since the form was opened. */
export class BibleForm {
  constructor(onSaved) {
    this.onSaved = onSaved
  }

  /** @param novel  the bible that was seen; @param name  the id or number of the entity in the list `part` */
  async open(project, novel, part, name) {
    Object.assign(this, { project, part, name, revision: novel.revision })
    try {
      this.was = await this.#now(novel)
    } catch (problem) {
      this.was = { text: "" }
      return this.#build(problemSentence(problem))
    }
    this.#build("")
  }

  /** The entity as it is; a chapter with its text, which is asked for. */
  async #now(novel) {
    const found = novel[this.part].find((one) => String(one.number ?? one.id) === this.name)
    if (this.part !== "chapters") return found
    const { revision, plan, text } = await api.get(`/api/novels/${encodeURIComponent(this.project)}/chapters/${this.name}`)
    this.revision = revision
    this.written = text
    return { ...(plan ?? { number: Number(this.name), title: "", summary: "" }), text: (text?.text ?? "").replaceAll("\r\n", "\n") }
  }

  #build(problem) {
    const title = this.was.name || this.was.title || this.name
    this.inputs = Object.fromEntries(FIELDS[this.part].map((field) => [field, control(field, this.was[field])]))
    this.notes = Object.fromEntries(FIELDS[this.part].map((field) => [field, make("p", { className: "hint", hidden: true })]))
    const rows = Object.entries(this.inputs).map(([field, input]) => make("div", { className: "field" }, make("label", {}, t(`bible.field.${field}`), input), this.notes[field]))
    this.error = make("p", { className: "notice bad", role: "alert", textContent: problem, hidden: !problem })
    const cancel = make("button", { type: "button", className: "button", textContent: t("confirm.cancel") })
    this.save = make("button", { className: "button", textContent: t("bible.save") })
    const form = make("form", { method: "dialog" }, make("h2", { id: "bible-form-title", textContent: title }), ...rows, this.error, make("div", { className: "confirm-buttons" }, cancel, this.save))
    this.dialog = make("dialog", { className: "confirm bible-form", "aria-labelledby": "bible-form-title" }, form)
    cancel.addEventListener("click", () => this.dialog.close())
    this.dialog.addEventListener("close", () => this.dialog.remove())
    form.addEventListener("submit", (event) => {
      event.preventDefault()
      this.#send()
    })
    document.body.append(this.dialog)
    this.dialog.showModal()
  }

  async #send() {
    this.save.disabled = true
    this.error.hidden = true
    try {
      const bible = this.#changes()
      if (bible) await api.post("/api/tasks", { kind: "novel", params: { novel: { id: this.project }, task_type: "import", base_revision: this.revision, bible } })
      this.dialog.close()
      if (bible) this.onSaved(this.revision)
    } catch (problem) {
      this.error.textContent = problem.code === "revision_conflict" ? await this.#seeNewest() : (problem.errors?.[0]?.message ?? problemSentence(problem))
      this.error.hidden = false
    } finally {
      this.save.disabled = false
    }
  }

  /** What an import takes; null where nothing has changed. */
  #changes() {
    const { text, ...entity } = { ...this.was, ...this.#values() }
    const { text: old, ...before } = this.was
    const bible = {}
    if (JSON.stringify(entity) !== JSON.stringify(before)) bible[this.part] = [entity]
    if (text !== old) Object.assign(bible, text ? { texts: [{ ...(this.written ?? { number: entity.number }), text }] } : { drop: [`text:${entity.number}`] })
    return Object.keys(bible).length ? bible : null
  }

  #values() {
    const read = (field, { value }) => (field === "day" ? (value === "" ? null : Number(value)) : FREE.test(field) ? value.trim() || this.was[field] : value)
    return Object.fromEntries(Object.entries(this.inputs).map(([field, input]) => [field, read(field, input)]))
  }

  /** Beside each field that somebody else has changed stands what it is now; saving again is done in that knowledge. */
  async #seeNewest() {
    const mine = this.#values()
    const novel = await api.get(`/api/novels/${encodeURIComponent(this.project)}`)
    this.revision = novel.revision
    const [before, now] = [this.was, (await this.#now(novel).catch(() => null)) ?? this.was]
    for (const [field, note] of Object.entries(this.notes)) {
      const [theirs, old] = [now[field] ?? "", before[field] ?? ""]
      const touched = (mine[field] ?? "") !== old
      note.hidden = theirs === old || theirs === (mine[field] ?? "") || !touched
      note.textContent = t("bible.now", { text: field === "status" ? t(`bible.${theirs}`) : String(theirs) })
      if (!touched) this.inputs[field].value = theirs
    }
    this.was = now
    return t("bible.conflict")
  }
}

function control(field, value) {
  if (field === "status") return make("select", {}, ...STATUSES.map((one) => make("option", { value: one, textContent: t(`bible.${one}`), selected: one === value })))
  const made = make(LONG.has(field) ? "textarea" : "input", { ...(LONG.has(field) ? { rows: field === "text" ? 14 : 3 } : field === "day" && { type: "number", step: 1 }) })
  made.value = value ?? ""
  return made
}
