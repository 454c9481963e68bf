import { api } from "../net/api.js"
import { Backoff } from "../net/backoff.js"

/** The kinds of work that this server offers, asked for once. */
export class Kinds {
  #loading = null
  #backoff = new Backoff()
  list = []

  load() {
    return (this.#loading ??= this.#ask())
  }

  get(name) {
    return this.list.find(({ kind }) => kind === name)
  }

  async #ask() {
    for (;;) {
      try {
        this.list = (await api.get("/api/kinds")).kinds
        return this.list
      } catch (problem) {
        if (problem.fatal) throw problem
        await new Promise((go) => setTimeout(go, this.#backoff.next()))
      }
    }
  }
}
