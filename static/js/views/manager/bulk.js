import { api } from "../../net/api.js"
import { t } from "../../i18n/i18n.js"
import { problemSentence } from "../../i18n/words.js"
import { OFFERED } from "../task-actions.js"

const AT_ONCE = 4

/** What can be done with some tasks together. Each button says for how many of the selected it is. */
export class Bulk {
  /** Ids of those at which it is. */
  busy = new Set()

  constructor(bar, { roster, confirm, announcer, error, onChange }) {
    Object.assign(this, { bar, roster, confirm, announcer, error, onChange })
    this.buttons = [...bar.querySelectorAll("[data-action]")]
    for (const button of this.buttons) {
      button.addEventListener("click", () => this.carryOut(button.dataset.action, [...this.selected]))
    }
  }

  /** @param hidden  how many of the selected the list does not show */
  render(selected, hidden) {
    this.selected = selected
    this.bar.hidden = !selected.size
    const figures = { n: selected.size.toLocaleString(), hidden: hidden.toLocaleString() }
    this.bar.querySelector(".bulk-count").textContent = t(hidden ? "bulk.hidden" : "bulk.selected", figures)
    for (const button of this.buttons) {
      const { length } = this.#fitting(button.dataset.action, [...selected])
      button.hidden = !length
      button.textContent = `${t(`action.${button.dataset.action}`)} ${length.toLocaleString()}`
    }
  }

  /** Does this with those of the tasks whose status allows it. Deleting is asked about first. */
  async carryOut(action, ids) {
    const fitting = this.#fitting(action, ids)
    const n = fitting.length
    if (!n) return
    if (action === "delete") {
      const words = { title: t("bulk.delete", { n }), body: t("delete.body"), yes: t("action.delete") }
      if (!(await this.confirm.ask(words))) return
    }
    const problems = []
    fitting.forEach((id) => this.busy.add(id))
    this.error.hidden = true
    this.onChange()
    const work = async () => {
      for (let id = fitting.shift(); id; id = fitting.shift()) {
        await this.#one(action, id).catch((problem) => problems.push(problem))
        this.busy.delete(id)
        this.onChange()
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    this.announcer.textContent = t("bulk.done", { action: t(`action.${action}`), n: n - problems.length })
    this.error.hidden = !problems.length
    if (problems.length) {
      this.error.textContent = t("bulk.problems", { n: problems.length, reason: problemSentence(problems[0]) })
    }
  }

  async #one(action, id) {
    const { book } = this.roster
    if (action !== "delete") return book.put(await api.post(`/api/tasks/${id}/${action}`))
    await api.delete(`/api/tasks/${id}`)
    book.remove(id)
  }

  #fitting(action, ids) {
    return ids.filter((id) => OFFERED[this.roster.get(id)?.status]?.includes(action) && !this.busy.has(id))
  }
}
