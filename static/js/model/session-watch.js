import { api } from "../net/api.js"
import { Backoff } from "../net/backoff.js"
import { SteadyStream } from "../net/steady-stream.js"
import { withItem, withProgress } from "./batch.js"
import { isOver } from "./status.js"
import { place } from "./task-book.js"

const TYPES = ["reset", "status", "progress", "item", "done"]
const LISTING_MS = 1000 // while the server looks through its tasks, a session may seem to have none

/**
 * The batch of a session, kept as it is by the events of its task. Tells "change", and "refused" (detail: the problem).
 *
 * It is asked for once and followed from there; again when its task begins or ends a run, since what an unfinished
 * step told is taken back then, or when another task of the session is the newest. While nobody looks the stream rests.
 */
export class SessionWatch extends EventTarget {
  #session = null
  #timer = 0
  #asking = null
  #backoff = new Backoff()
  batch = null

  constructor({ book, link }) {
    super()
    Object.assign(this, { book, link })
    const address = (lastId) => `${this.batch.events_url}?after=${encodeURIComponent(lastId)}`
    this.stream = new SteadyStream(address, TYPES, {
      onEvent: (type, data, id) => this.#take(type, data, Number(id.slice(id.lastIndexOf("-") + 1))),
      onOpen: () => link.found(this.stream),
      onLost: () => link.lost(this.stream),
      isOver: async () => {
        await this.load()
        return false // it was opened anew if there is more, and closed if not
      },
    })
    book.addEventListener("change", ({ detail }) => this.#hear(book.get(detail)))
    book.addEventListener("remove", ({ detail }) => detail === this.batch?.task?.id && this.#plan(0))
    book.addEventListener("loaded", () => this.stream.opened || this.#plan(0))
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.#plan(0)))
  }

  open(session) {
    this.#session = session
    this.batch = null
    this.load()
  }

  close() {
    this.#session = this.batch = null
    this.#asking?.abort()
    clearTimeout(this.#timer)
    this.#rest()
    this.link.found(this)
  }

  /** Asks for the batch as it is now. */
  async load() {
    clearTimeout(this.#timer)
    this.#asking?.abort()
    if (!this.#session || document.hidden) return
    const { signal } = (this.#asking = new AbortController())
    try {
      this.batch = await api.get(`/api/sessions/${encodeURIComponent(this.#session)}`, { signal })
      this.#backoff.reset()
      this.link.found(this)
    } catch (problem) {
      if (signal.aborted) return
      if (problem.fatal) return this.dispatchEvent(new CustomEvent("refused", { detail: problem }))
      this.link.lost(this)
      return this.#plan(this.#backoff.next())
    }
    const { task, status, after, complete } = this.batch
    if (task && !isOver(status)) this.stream.open(after)
    else this.#rest()
    if (!task && !complete) this.#plan(LISTING_MS)
    this.dispatchEvent(new Event("change"))
  }

  #plan(ms) {
    if (!this.#session) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.load(), ms)
  }

  #rest() {
    this.stream.close()
    this.link.found(this.stream)
  }

  /** The feed of all tasks tells of a task that may be the newest one now, or that goes on. */
  #hear(view) {
    if (view.session !== this.#session || !this.#session) return
    const task = this.batch?.task
    const same = task?.id === view.id && task.generation === view.generation
    if (!task || (same ? !this.stream.opened && view.status !== task.status : place(view) >= place(task))) this.#plan(0)
  }

  #take(type, data, seq) {
    if (type === "reset" || type === "done") return this.#plan(0)
    if (type === "item") this.batch = withItem(this.batch, data)
    else if (seq <= this.batch.task.seq) return
    else if (type === "progress") this.batch = withProgress(this.batch, data, seq)
    else return this.#plan(0)
    this.dispatchEvent(new Event("change"))
  }
}
