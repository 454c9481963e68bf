import { Notices } from "../model/notices.js"
import { NoticeCentre } from "../views/rooms/notice-centre.js"
import { Toasts } from "../views/rooms/toasts.js"

const manager = () => import("../views/manager/manager-view.js").then((room) => room.ManagerView)
const session = () => import("../views/rooms/session-view.js").then((room) => room.SessionView)
const ops = () => import("../views/rooms/ops-view.js").then((room) => room.OpsView)
const PLACES = { tasks: ["manager", manager], p: ["manager", manager], s: ["session", session], ops: ["ops", ops] }

/**
 * The pages beside asking and one task: all tasks, a project's, a session's, the server's; and what tells of ends.
 *
 * Each room is fetched when somebody first enters it, and shown when it is here.
 */
export class Rooms {
  #rooms = {}
  #inside = null
  #entered = 0

  constructor(parts) {
    const find = (selector) => document.querySelector(selector)
    this.notices = new Notices(parts.book)
    this.parts = { ...parts, notices: this.notices }
    new NoticeCentre(find("#notices"), find("#bell"), this.notices)
    new Toasts(find("#toasts"), this.notices)
  }

  /** Shows the room that this address is of; false when it is of none. */
  enter(path) {
    this.#entered++
    this.#inside?.leave()
    this.#inside = null
    this.notices.lookAt(path)
    const [, first, rest] = /^\/([^/]*)\/?(.*?)\/?$/.exec(path)
    for (const anchor of document.querySelectorAll(".topnav a")) {
      anchor.ariaCurrent = anchor.pathname === (first === "p" ? "/tasks" : `/${first}`) ? "page" : null
    }
    if (!Object.hasOwn(PLACES, first)) return false
    this.#open(...PLACES[first], decoded(rest))
    return true
  }

  async #open(name, fetched, what) {
    const entered = this.#entered
    const Room = this.#rooms[name] ? null : await fetched().catch(() => null)
    if (entered !== this.#entered) return
    if (!Room && !this.#rooms[name]) return this.parts.onGone({ code: "unreachable" })
    this.parts.stage.show(name)
    document.querySelector("main").focus({ preventScroll: true })
    this.#inside = this.#rooms[name] ??= new Room(document.getElementById(name), this.parts)
    this.#inside.open(what)
  }
}

/** As it was written; a `%` may also stand for itself in an address. */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
