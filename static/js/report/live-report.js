import { api } from "../net/api.js"
import { Backoff } from "../net/backoff.js"
import { patch } from "./patch.js"

const GATHER_MS = 400
const RENDERING_SHARE = 4 // a report that takes long to render or to lay out is asked for less often
const AT_ONCE = 400 // new blocks: more of them are put in frame by frame, so that the page goes on answering
const LONG = 300 // blocks: of a longer report, only those that are looked at are laid out

/** The report as it stands, rendered by the server, kept up to date in the page while it grows. */
export class LiveReport {
  #address = ""
  #abort = new AbortController()
  #timer = 0
  #startedAt = 0
  #tookMs = 0
  #busy = false
  #dirty = false
  #backoff = new Backoff()

  /** @param onShown called after each attempt, with the problem if there was one */
  constructor(article, { onShown }) {
    Object.assign(this, { article, onShown })
    document.addEventListener("visibilitychange", () => this.#dirty && this.#plan())
  }

  /** Starts over with a life of a task: shows what it has written so far. */
  open(taskId, generation) {
    this.close()
    this.#address = `/api/tasks/${taskId}/output.html?generation=${generation}`
    this.refresh()
  }

  close() {
    this.#abort.abort()
    this.#abort = new AbortController()
    clearTimeout(this.#timer)
    this.#timer = this.#startedAt = this.#tookMs = 0
    this.#busy = this.#dirty = false
    this.#address = ""
    this.article.replaceChildren()
  }

  /** Something was written or taken back: shown soon. */
  touch() {
    this.#dirty = true
    this.#plan()
  }

  /** Shown now, whatever was planned. */
  refresh() {
    this.#dirty = true
    this.#startedAt = 0
    this.#plan()
  }

  #plan() {
    if (this.#busy || document.hidden || !this.#address) return
    clearTimeout(this.#timer)
    const pause = Math.max(GATHER_MS, this.#tookMs * RENDERING_SHARE)
    this.#timer = setTimeout(() => this.#show(), Math.max(0, this.#startedAt + pause - Date.now()))
  }

  async #show() {
    const { signal } = this.#abort
    this.#busy = true
    this.#dirty = false
    this.#startedAt = Date.now()
    const began = this.#startedAt
    const { html, problem } = await this.#ask(signal)
    if (signal.aborted) return
    if (problem) this.#later(problem)
    else await this.#take(html, began, signal)
    if (signal.aborted) return
    this.#busy = false
    this.onShown(problem)
    if (this.#dirty) this.#plan()
  }

  #ask(signal) {
    return api.text(this.#address, { signal }).then(
      (html) => ({ html, problem: null }),
      (problem) => ({ html: "", problem }),
    )
  }

  async #take(html, began, signal) {
    this.#backoff.reset()
    const { body } = new DOMParser().parseFromString(html, "text/html")
    body.querySelectorAll(":scope > h2, :scope > h3").forEach((heading, index) => (heading.id ||= `section-${index + 1}`))
    this.article.classList.toggle("long", body.childElementCount > LONG)
    const blocks = [...body.childNodes]
    for (let some = this.article.childNodes.length + AT_ONCE; some < blocks.length; some += AT_ONCE) {
      patch(this.article, { childNodes: blocks.slice(0, some) })
      await new Promise(requestAnimationFrame)
      if (signal.aborted) return
    }
    patch(this.article, { childNodes: blocks })
    this.article.getBoundingClientRect() // lays it out now, so that the time for that counts too
    this.#tookMs = Date.now() - began
  }

  #later(problem) {
    this.#dirty ||= !problem.fatal
    this.#tookMs = this.#backoff.next() / RENDERING_SHARE
  }
}
