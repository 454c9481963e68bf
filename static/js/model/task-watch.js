import { api } from "../net/api.js"
import { Backoff } from "../net/backoff.js"
import { SteadyStream } from "../net/steady-stream.js"
import { applyEvent } from "./apply-event.js"
import { isOver } from "./status.js"

const TYPES = ["task", "reset", "stalled", "status", "progress", "output", "rollback", "failure", "result", "done", "item", "artifact", "reasoning"]
const WRITES = new Set(["output", "rollback"])

/**
 * Follows one task while it is active and keeps its view in the book.
 *
 * Tells "written" when the report has changed, "moved" when anything has happened, "reset" when it starts over, "ended" after its last event, and "gone"
 * (detail: the problem) when there is no such task. A task that has ended is not streamed: its report is all there is,
 * and is told of by "ended" if the task was seen before that.
 * While nobody looks the stream rests, since a browser gives six connections to one host, for all its tabs together.
 */
export class TaskWatch extends EventTarget {
  #timer = 0
  #closed = false
  #wasActive = false // since it was last told that it has ended
  #backoff = new Backoff()
  #onChange = ({ detail }) => detail === this.id && this.#follow()
  #onVisibility = () => (document.hidden ? this.#rest() : this.#wake())
  #onRemove = ({ detail }) => detail === this.id && this.#gone({ status: 404 })

  constructor(id, book, link) {
    super()
    Object.assign(this, { id, book, link, generation: null })
    const last = (id) => (id ? `?after=${encodeURIComponent(id)}` : "")
    this.stream = new SteadyStream((lastId) => `/api/tasks/${this.id}/events${last(lastId)}`, TYPES, {
      onEvent: (type, data, id) => this.#take(type, data, id),
      onOpen: () => this.#found(),
      onLost: () => this.link.lost(this),
      isOver: () => this.#isOver(),
    })
  }

  async open() {
    this.book.addEventListener("change", this.#onChange)
    this.book.addEventListener("remove", this.#onRemove)
    document.addEventListener("visibilitychange", this.#onVisibility)
    this.#wasActive = Boolean(this.view && !isOver(this.view.status))
    await this.#load()
  }

  close() {
    this.#closed = true
    clearTimeout(this.#timer)
    this.stream.close()
    this.link.found(this)
    this.book.removeEventListener("change", this.#onChange)
    this.book.removeEventListener("remove", this.#onRemove)
    document.removeEventListener("visibilitychange", this.#onVisibility)
  }

  #rest() {
    this.stream.close()
    this.link.found(this)
  }

  /** What has happened meanwhile is looked at, and followed from there. */
  #wake() {
    if (!this.view) return
    for (const what of ["written", "moved"]) this.dispatchEvent(new Event(what))
    this.#load()
    this.#follow()
  }

  get view() {
    return this.book.get(this.id)
  }

  async #load() {
    try {
      const view = await api.get(`/api/tasks/${encodeURIComponent(this.id)}`)
      if (this.#closed) return
      this.book.put(view)
      this.link.found(this)
    } catch (problem) {
      if (this.#closed) return
      if (problem.fatal) return this.#gone(problem)
      this.link.lost(this)
      this.#timer = setTimeout(() => this.#load(), this.#backoff.next())
    }
  }

  /** The book has another view of this task: a new life starts over, an active one is streamed from where the view is. */
  #follow() {
    const { generation, seq, status } = this.view
    const another = generation !== this.generation
    if (another && this.generation !== null) this.dispatchEvent(new Event("reset"))
    this.generation = generation
    if (!isOver(status)) this.#wasActive = true
    else if (this.#wasActive && !this.stream.opened) this.#end()
    if (document.hidden || isOver(status) || (this.stream.opened && !another)) return
    this.stream.open(seq ? `${generation}-${String(seq).padStart(12, "0")}` : "")
  }

  #take(type, data, id) {
    if (type === "task") return this.book.put(data)
    if (type === "reset") return this.dispatchEvent(new Event("reset"))
    if (type === "stalled") return this.book.put({ ...this.view, stalled: data.code ? data : null })
    this.dispatchEvent(new Event("moved"))
    const seq = Number(id.slice(id.lastIndexOf("-") + 1))
    if (WRITES.has(type)) this.dispatchEvent(new Event("written"))
    // What the view counts already comes again after a reset.
    if (seq > this.view.seq) this.book.put(applyEvent(this.view, type, data, seq))
    if (type === "done") this.#end()
  }

  #end() {
    this.#wasActive = false
    this.stream.close()
    this.dispatchEvent(new Event("ended"))
  }

  #found() {
    this.#backoff.reset()
    this.link.found(this)
  }

  /** After an answer that was no stream: 204 for a task that has ended, or an error that the task's address explains. */
  async #isOver() {
    await this.#load()
    const over = this.#closed || (this.view && isOver(this.view.status))
    if (over && !this.#closed) this.#end()
    return over
  }

  #gone(problem) {
    this.close()
    this.dispatchEvent(new CustomEvent("gone", { detail: problem }))
  }
}
