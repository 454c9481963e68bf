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

  /** What a kind is called in this language; its name where this server does not offer it, or is not yet asked. */
  nameOf(kind, language) {
    return this.get(kind)?.label[language] ?? kind
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
