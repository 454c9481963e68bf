import { api } from "../net/api.js"
import { onLanguage } from "../i18n/i18n.js"
import { percent, problemSentence, titleOf } from "../i18n/words.js"
import { isOver } from "../model/status.js"
import { fillTime } from "../page/relative-times.js"
import { fillStatus } from "./status-badge.js"

const PAGE = 50

/** All tasks, newest first, as they change. */
export class TaskList {
  #items = new Map()
  #cursor = null
  #isLoaded = false
  #current = null
  #planned = false
  #mustShow = false

  constructor(aside, book) {
    Object.assign(this, { aside, book, list: aside.querySelector("ol"), template: document.querySelector("#task-item") })
    this.more = aside.querySelector(".tasks-more")
    this.error = aside.querySelector(".tasks-error")
    this.empty = aside.querySelector(".tasks-empty")
    this.more.addEventListener("click", () => this.#loadMore())
    for (const change of ["change", "remove"]) book.addEventListener(change, () => this.#plan())
    book.addEventListener("loaded", ({ detail }) => this.#loaded(detail))
    book.addEventListener("unloaded", ({ detail }) => this.#tell(detail))
    onLanguage(() => this.#plan())
  }

  /** Marks the task that is open. */
  mark(taskId) {
    this.#current = taskId
    this.#mustShow = true
    this.#plan()
  }

  #plan() {
    if (this.#planned) return
    this.#planned = true
    requestAnimationFrame(() => this.#render())
  }

  #render() {
    this.#planned = false
    const views = this.book.list()
    this.#dropAllBut(new Set(views.map((view) => view.id)))
    let place = this.list.firstElementChild
    for (const view of views) {
      const item = this.#item(view)
      if (item === place) place = place.nextElementSibling
      else this.list.insertBefore(item, place)
    }
    this.empty.hidden = !this.#isLoaded || views.length > 0
    this.#showCurrent()
  }

  #dropAllBut(ids) {
    for (const [id, item] of this.#items) {
      if (ids.has(id)) continue
      item.remove()
      this.#items.delete(id)
    }
  }

  /** Once, when a task was opened: afterwards the list stays where the reader has scrolled it. */
  #showCurrent() {
    const item = this.#items.get(this.#current)
    if (!item || !this.#mustShow || !this.#isLoaded) return
    this.#mustShow = false
    if (getComputedStyle(this.aside).position === "sticky") item.scrollIntoView({ block: "nearest" })
  }

  #item(view) {
    const known = this.#items.get(view.id)
    const item = known ?? this.template.content.firstElementChild.cloneNode(true)
    if (!known) this.#items.set(view.id, item)
    fill(item, view, view.id === this.#current)
    return item
  }

  #loaded(cursor) {
    this.#cursor = cursor
    this.#isLoaded = true
    this.#plan()
    this.more.hidden = cursor === null
    this.error.hidden = true
  }

  async #loadMore() {
    this.more.disabled = true
    try {
      const { tasks, next_cursor } = await api.get(`/api/tasks?limit=${PAGE}&cursor=${encodeURIComponent(this.#cursor)}`)
      for (const view of tasks) this.book.put(view)
      this.#loaded(next_cursor)
    } catch (problem) {
      this.#tell(problem)
    }
    this.more.disabled = false
  }

  #tell(problem) {
    if (!problem.status) return // the line about the connection says so already
    this.error.textContent = problemSentence(problem)
    this.error.hidden = false
  }
}

function fill(item, view, isCurrent) {
  const [link, progress] = [item.querySelector("a"), item.querySelector("progress")]
  link.setAttribute("href", `/t/${view.id}`)
  if (isCurrent) link.setAttribute("aria-current", "page")
  else link.removeAttribute("aria-current")
  item.querySelector(".task-item-title").textContent = titleOf(view)
  fillStatus(item.querySelector(".status"), view.status, item.querySelector(".status-word"))
  const underWay = view.status === "running" || view.status === "paused"
  item.querySelector(".task-item-number").textContent = underWay ? percent(view.progress.percentage) : ""
  progress.hidden = isOver(view.status)
  progress.value = view.progress.percentage
  fillTime(item.querySelector("time"), view.finished_at ?? view.created_at)
}
