import { api } from "../net/api.js"
import { patch } from "./patch.js"

const GATHER_MS = 400
const RETRY_MS = 2000
const RENDERING_SHARE = 4 // a report that takes long to render is asked for less often

/** The report as it stands, rendered by the server, kept up to date in the page while it grows. */
export class LiveReport {
  #address = ""
  #abort = new AbortController()
  #timer = 0
  #startedAt = 0
  #tookMs = 0
  #busy = false
  #dirty = false

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
    const began = (this.#startedAt = Date.now())
    let pause = 0
    try {
      const html = await api.text(this.#address, { signal })
      if (signal.aborted) return
      patch(this.article, new DOMParser().parseFromString(html, "text/html").body)
      this.onShown()
    } catch (problem) {
      if (signal.aborted) return
      this.#dirty ||= !problem.fatal
      pause = RETRY_MS
    }
    this.#tookMs = Math.max(Date.now() - began, pause / RENDERING_SHARE)
    this.#busy = false
    if (this.#dirty) this.#plan()
  }
}
