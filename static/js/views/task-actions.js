import { api } from "../net/api.js"
import { t } from "../i18n/i18n.js"
import { problemSentence } from "../i18n/words.js"

export const OFFERED = {
  pending: ["stop"],
  running: ["pause", "stop"],
  paused: ["resume", "stop"],
  completed: ["rerun", "delete"],
  failed: ["retry", "rerun", "delete"],
  stopped: ["retry", "rerun", "delete"],
}
const MAIN = new Set(["resume", "retry"])

/** The buttons for what a task's status allows. */
export class TaskActions {
  #busy = false

  constructor(group, error, { confirm, onView, onDeleted }) {
    Object.assign(this, { group, error, confirm, onView, onDeleted })
  }

  render(view) {
    this.view = view
    const offered = OFFERED[view.status].filter((action) => action !== "retry" || view.error?.code !== "corrupt")
    const standing = [...this.group.children].map((button) => button.dataset.action)
    if (standing.join() !== offered.join()) this.#replace(offered)
    for (const button of this.group.children) {
      button.textContent = t(`action.${button.dataset.action}`)
      button.ariaDisabled = String(this.#busy) // and not `disabled`, which would take the focus away
    }
  }

  forget() {
    this.error.hidden = true
    this.group.replaceChildren()
  }

  #replace(offered) {
    const hadFocus = this.group.contains(document.activeElement)
    this.group.replaceChildren(...offered.map((action) => this.#button(action)))
    if (hadFocus) this.group.firstElementChild?.focus()
  }

  #button(action) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button small" })
    button.dataset.action = action
    button.classList.toggle("primary", MAIN.has(action))
    button.addEventListener("click", () => this.#carryOut(action, this.view.id))
    return button
  }

  async #carryOut(action, id) {
    if (this.#busy) return
    if (action === "delete" && !(await this.#isMeant())) return
    this.#setBusy(true)
    this.error.hidden = true
    try {
      if (action === "delete") {
        await api.delete(`/api/tasks/${id}`)
        this.onDeleted(id)
      } else {
        this.onView(await api.post(`/api/tasks/${id}/${action}`))
      }
    } catch (problem) {
      this.error.textContent = problemSentence(problem)
      this.error.hidden = false
    }
    this.#setBusy(false)
  }

  #isMeant() {
    return this.confirm.ask({ title: t("delete.title"), body: t("delete.body"), yes: t("action.delete") })
  }

  #setBusy(busy) {
    this.#busy = busy
    if (this.group.children.length) this.render(this.view)
  }
}
