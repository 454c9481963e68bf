import { api } from "../net/api.js"
import { SteadyStream } from "../net/steady-stream.js"

const PAGE = 50

/** Keeps the book in step with the server: its list once per connection, then what changes. Rests while nobody looks. */
export class TaskFeed {
  constructor(book, link) {
    Object.assign(this, { book, link })
    this.stream = new SteadyStream(() => "/api/events", ["task", "ready"], {
      onEvent: (type, view) => this.#told(type, view),
      onOpen: () => {},
      onLost: () => link.lost(this),
      isOver: async () => false,
    })
  }

  start() {
    // A browser gives six connections to one host, for all its tabs together.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.stream.open()))
    if (!document.hidden) this.stream.open()
  }

  #told(type, view) {
    // What changes from `ready` on is told, so a list asked for after it misses nothing.
    if (type === "ready") this.#load()
    else if (view.removed) this.book.remove(view.id)
    else this.book.put(view)
  }

  #rest() {
    this.stream.close()
    this.link.found(this)
  }

  async #load() {
    try {
      const { tasks, next_cursor } = await api.get(`/api/tasks?limit=${PAGE}`)
      this.book.putNewest(tasks, next_cursor !== null)
      this.book.dispatchEvent(new CustomEvent("loaded", { detail: next_cursor }))
      this.link.found(this)
    } catch (problem) {
      if (!this.stream.opened) return
      this.stream.again()
      this.link.lost(this)
      this.book.dispatchEvent(new CustomEvent("unloaded", { detail: problem }))
    }
  }
}
