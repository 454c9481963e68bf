/** All tasks that this page knows, as the server last told them. Tells "change" and "remove", with the id as detail. */
export class TaskBook extends EventTarget {
  #views = new Map()

  get(id) {
    return this.#views.get(id)
  }

  /** Newest first. */
  list() {
    return [...this.#views.values()].sort((a, b) => (place(a) < place(b) ? 1 : -1))
  }

  /** Takes a view, unless a newer one is known. */
  put(view) {
    const known = this.#views.get(view.id)
    if (known && isOlder(view, known)) return
    this.#views.set(view.id, view)
    this.dispatchEvent(new CustomEvent("change", { detail: view.id }))
  }

  remove(id) {
    this.#views.delete(id)
    this.dispatchEvent(new CustomEvent("remove", { detail: id })) // others may know tasks that this book does not
  }

  /**
   * Takes the newest page of the server's list. What should be on it and is not, is gone; only of what was known
   * `before` it was asked for, since a task that is newer than the answer can't be on it.
   */
  putNewest(views, { hasMore, before }) {
    const told = new Set(views.map((view) => view.id))
    const oldest = hasMore && views.length ? place(views.at(-1)) : ""
    for (const view of before) if (!told.has(view.id) && place(view) >= oldest) this.remove(view.id)
    for (const view of views) this.put(view)
  }
}

export function place(view) {
  return `${view.created_at} ${view.id}`
}

/** A snapshot may lag behind the stream; a re-run, which is another generation, is newer whatever its numbers. */
export function isOlder(view, known) {
  if (view.generation !== known.generation) return view.created_at < known.created_at
  return view.seq < known.seq
}
