import { t } from "../../i18n/i18n.js"
import { isOver } from "../../model/status.js"

/** Which pages the next start of a batch does, and how: as the last one did, until somebody chooses otherwise. */
export class SessionChoice {
  #of = "" // the run whose end it is for
  #chosen = new Set()

  constructor(section, onChange) {
    this.options = section.querySelector(".session-options")
    this.boxes = [...this.options.querySelectorAll("input")]
    section.querySelector("ol").addEventListener("change", ({ target }) => {
      this.#chosen[target.checked ? "add" : "delete"](Number(target.value))
      onChange()
    })
    this.options.addEventListener("change", onChange)
  }

  /** Shows what can be chosen, which is nothing while the batch has not ended. */
  render(batch, items) {
    this.batch = batch
    const over = isOver(batch.status)
    const run = `${batch.task.id} ${batch.task.attempt}`
    if (this.#of !== run) {
      this.#of = run
      this.#chosen = new Set(asked(batch))
      for (const box of this.boxes) box.checked = batch.asked[box.name]
    }
    this.options.hidden = !over
    for (const { index, title, url, key } of batch.pages) {
      const choice = items[index].querySelector(".batch-choice")
      choice.hidden = !over
      Object.assign(choice.firstElementChild, { value: index, checked: this.#chosen.has(index), ariaLabel: t("manager.select", { title: title || url || key }) })
    }
  }

  get count() {
    return this.#chosen.size
  }

  get isAll() {
    return this.count === this.batch.pages.length
  }

  /** Whether the same is wanted as the last time, which goes on where that ended. */
  get isSame() {
    const before = asked(this.batch)
    const same = before.length === this.count && before.every((index) => this.#chosen.has(index))
    return same && this.boxes.every((box) => box.checked === this.batch.asked[box.name])
  }

  /** The members of a start. */
  get wanted() {
    const { task_indices: before, ...options } = this.batch.asked
    if (this.isSame) return { ...options, ...(before && { task_indices: before }) }
    const chosen = Object.fromEntries(this.boxes.map((box) => [box.name, box.checked]))
    return { ...chosen, ...(!this.isAll && { task_indices: [...this.#chosen].sort((a, b) => a - b) }) }
  }
}

const asked = ({ asked: { task_indices: chosen }, pages }) => chosen ?? pages.map(({ index }) => index)
