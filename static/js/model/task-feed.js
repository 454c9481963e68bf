import { api } from "../net/api.js"
import { Backoff } from "../net/backoff.js"
import { OneOfAll } from "../net/one-of-all.js"
import { SteadyStream } from "../net/steady-stream.js"

const PAGE = 50

/**
 * Keeps the book in step with the server: its list once per connection, then what changes. All tabs share one
 * connection, that of the tab which leads.
 *
 * What changes from the feed's `ready` on is told, so a list that is asked for after it misses nothing; but the answer
 * may come when some of it is out of date.
 */
export class TaskFeed {
  #gone = new Set() // ids, since `ready`
  #backoff = new Backoff()
  #timer = 0

  constructor(book, link) {
    Object.assign(this, { book, link })
    this.stream = new SteadyStream(() => "/api/events", ["task", "ready"], {
      onEvent: (type, view) => this.#share({ type, view }),
      onOpen: () => {},
      onLost: () => this.#share({ type: "lost" }),
      isOver: async () => false,
    })
    this.tabs = new OneOfAll("holdfast.feed", {
      onLead: () => this.stream.open(),
      onFollow: () => this.#ready(),
      onEnd: () => this.stream.close(),
      onTold: (message) => this.#told(message),
    })
  }

  start() {
    this.tabs.start()
    // The tab that leads may be one that the browser lets sleep.
    document.addEventListener("visibilitychange", () => document.hidden || this.tabs.leads || this.tabs.tell({ type: "look" }))
  }

  /** What the leading tab hears, all hear. */
  #share(message) {
    this.tabs.tell(message)
    this.#told(message)
  }

  #told({ type, view }) {
    if (type === "ready") return this.#ready()
    if (type === "lost") return this.link.lost(this)
    if (type === "look") return this.tabs.leads && this.stream.look()
    if (view.removed) {
      this.#gone.add(view.id)
      this.book.remove(view.id)
    } else {
      this.#gone.delete(view.id)
      this.book.put(view)
    }
  }

  #ready() {
    this.#gone.clear()
    this.#load()
  }

  async #load() {
    clearTimeout(this.#timer)
    const before = this.book.list()
    try {
      const { tasks, next_cursor } = await api.get(`/api/tasks?limit=${PAGE}`)
      const standing = tasks.filter(({ id }) => !this.#gone.has(id))
      this.book.putNewest(standing, { hasMore: next_cursor !== null, before })
      this.book.dispatchEvent(new CustomEvent("loaded", { detail: next_cursor }))
      this.#backoff.reset()
      this.link.found(this)
    } catch (problem) {
      if (this.tabs.leads) this.stream.again()
      else this.#timer = setTimeout(() => this.#load(), this.#backoff.next())
      this.link.lost(this)
      this.book.dispatchEvent(new CustomEvent("unloaded", { detail: problem }))
    }
  }
}
