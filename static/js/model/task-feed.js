import { api } from "../net/api.js"
import { SteadyStream } from "../net/steady-stream.js"

const PAGE = 50

/**
 * Keeps the book in step with the server: its list once per connection, then what changes. Rests while nobody looks.
 *
 * What changes from the feed's `ready` on is told, so a list that is asked for after it misses nothing; but the answer
 * may come when some of it is out of date.
 */
export class TaskFeed {
  #gone = new Set() // ids, since `ready`

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
    if (type === "ready") {
      this.#gone.clear()
      this.#load()
    } else if (view.removed) {
      this.#gone.add(view.id)
      this.book.remove(view.id)
    } else {
      this.#gone.delete(view.id)
      this.book.put(view)
    }
  }

  #rest() {
    this.stream.close()
    this.link.found(this)
  }

  async #load() {
    const before = this.book.list()
    try {
      const { tasks, next_cursor } = await api.get(`/api/tasks?limit=${PAGE}`)
      const standing = tasks.filter(({ id }) => !this.#gone.has(id))
      this.book.putNewest(standing, { hasMore: next_cursor !== null, before })
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
