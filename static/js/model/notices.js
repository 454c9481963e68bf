import { api } from "../net/api.js"
import { isOver } from "./status.js"

const GATHER_MS = 250
const AGAIN_MS = 1000
const LOOKS = 8 // for an end that a task's own view tells of, and the lists do not yet
const UNSEEN_MS = 15_000 // how often a page that nobody sees asks, where the browser may tell

const taskAddress = ({ task_id: id }) => `/t/${id}`

/** Where an end is best seen: a batch of a session on the page of that. */
export function addressOf(end) {
  return end.kind === "browse" && end.session ? `/s/${encodeURIComponent(end.session)}` : taskAddress(end)
}

/**
 * The ends of this user's tasks: which are unread, as the server keeps it, and which nobody has told them of.
 *
 * Tells "change", and "told" (detail: the ends that this page, of all pages of the user, is to tell).
 */
export class Notices extends EventTarget {
  #timer = 0
  #looked = ""
  #awaited = new Set()
  #looks = 0
  #others = new BroadcastChannel("holdfast.notices")
  state = { unread: 0, notifications: [] }

  constructor(book) {
    super()
    book.addEventListener("change", ({ detail }) => isOver(book.get(detail).status) && this.#await(detail))
    for (const change of ["remove", "loaded"]) book.addEventListener(change, () => this.#plan())
    document.addEventListener("visibilitychange", () => this.#plan())
    this.#others.onmessage = () => this.#plan()
  }

  /** The page that is open: the end of a task that it is of is read as soon as it is seen. */
  lookAt(address) {
    this.#looked = address.replace(/\/$/, "").toLowerCase()
    this.#plan()
  }

  /** These, or all, have been read. */
  async read(ids) {
    this.#take(await api.post("/api/notifications/read", ids && { ids }))
    this.#others.postMessage("read")
  }

  /** Whether the browser may tell: "granted", "denied", "default", or undefined where it can't. */
  get permission() {
    return globalThis.Notification?.permission
  }

  /** Asks whether it may. At a click only. */
  async askPermission() {
    await Notification.requestPermission()
    this.dispatchEvent(new Event("change"))
  }

  #await(taskId) {
    this.#awaited.add(taskId)
    this.#looks = LOOKS
    this.#plan()
  }

  #plan(ms = GATHER_MS) {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#look(), ms)
  }

  async #look() {
    if (document.hidden && this.permission !== "granted") return
    if (document.hidden) this.#plan(UNSEEN_MS)
    try {
      this.#take(await api.get("/api/notifications"))
      for (const { task_id: id } of this.state.notifications) this.#awaited.delete(id)
      if (!this.#looks--) this.#awaited.clear()
      if (this.#awaited.size) this.#plan(AGAIN_MS)
      const here = (end) => [addressOf(end), taskAddress(end)].includes(this.#looked)
      const seen = this.state.notifications.filter((end) => !end.read && here(end))
      if (seen.length && !document.hidden) await this.read(seen.map(({ id }) => id))
      if (!this.state.untold) return
      const ends = await api.post("/api/notifications/tell")
      if (ends.told.length) this.dispatchEvent(new CustomEvent("told", { detail: ends }))
    } catch (problem) {
      if (!("status" in problem)) throw problem // a server that is not reached is asked again when it is found
    }
  }

  #take(state) {
    this.state = state
    this.dispatchEvent(new Event("change"))
  }
}
