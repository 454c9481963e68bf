import { api } from "../net/api.js"
import { isOlder, place } from "./task-book.js"

const PAGE = 500
export const MOST_ROWS = 20_000

/**
 * All tasks, newest first, as rows: views without what may be long. Tells "change".
 *
 * It begins with what the book knows, asks for all others page by page, and takes what the book is told. When the book
 * has loaded its list anew, the connection was lost: what became of the others meanwhile is asked for again.
 */
export class Roster extends EventTarget {
  #rows = new Map()
  #order = null
  #gone = new Set() // ids, since the list was asked for
  #asking = null
  loading = false
  problem = null
  cut = false // there are more than MOST_ROWS

  constructor(book) {
    super()
    this.book = book
    this.listeners = { change: this.#changed, remove: this.#removed, loaded: this.#load }
  }

  /** @param project  whose tasks alone are wanted; "" for all */
  open(project) {
    this.project = project
    for (const view of this.book.list()) this.#put(view)
    for (const [event, heard] of Object.entries(this.listeners)) this.book.addEventListener(event, heard)
    this.#load()
  }

  close() {
    this.#asking?.abort()
    this.#rows.clear()
    this.#order = null
    for (const [event, heard] of Object.entries(this.listeners)) this.book.removeEventListener(event, heard)
  }

  get(id) {
    return this.#rows.get(id)
  }

  /** Newest first. */
  get rows() {
    return (this.#order ??= [...this.#rows.values()].sort((a, b) => (a.place < b.place ? 1 : -1)))
  }

  #load = async () => {
    this.#asking?.abort()
    const { signal } = (this.#asking = new AbortController())
    const before = new Set(this.#rows.keys())
    this.#gone.clear()
    this.#tell({ loading: true, problem: null, cut: false })
    try {
      let query = new URLSearchParams({ brief: 1, limit: PAGE, project: this.project })
      for (let asked = 0; query && asked < MOST_ROWS; asked += PAGE) {
        const { tasks, next_cursor: cursor } = await api.get(`/api/tasks?${query}`, { signal })
        for (const view of tasks) {
          before.delete(view.id)
          if (!this.#gone.has(view.id)) this.#put(view)
        }
        if (cursor) query.set("cursor", cursor)
        else query = null
        this.#tell()
      }
      if (!query) before.forEach((id) => this.#drop(id))
      this.#tell({ loading: false, cut: Boolean(query) })
    } catch (problem) {
      if (problem.name !== "AbortError") this.#tell({ loading: false, problem })
    }
  }

  #changed = ({ detail }) => {
    this.#gone.delete(detail)
    this.#put(this.book.get(detail))
    this.#tell()
  }

  #removed = ({ detail }) => {
    this.#gone.add(detail)
    this.#drop(detail)
    this.#tell()
  }

  #put(view) {
    const known = this.#rows.get(view.id)
    if ((this.project && view.project !== this.project) || (known && isOlder(view, known))) return
    const { params, artifacts, ...row } = view
    this.#rows.set(view.id, Object.assign(row, { place: place(view), folded: view.title.toLowerCase() }))
    this.#order = null
  }

  #drop(id) {
    if (this.#rows.delete(id)) this.#order = null
  }

  #tell(state) {
    Object.assign(this, state)
    this.dispatchEvent(new Event("change"))
  }
}
