import { Notices } from "../model/notices.js"
import { ManagerView } from "../views/manager/manager-view.js"
import { NoticeCentre } from "../views/rooms/notice-centre.js"
import { OpsView } from "../views/rooms/ops-view.js"
import { SessionView } from "../views/rooms/session-view.js"
import { Toasts } from "../views/rooms/toasts.js"

const PLACES = { tasks: "manager", p: "manager", s: "session", ops: "ops" }

/** The pages beside asking and one task: all tasks, a project's, a session's, the server's; and what tells of ends. */
export class Rooms {
  #inside = null

  constructor({ book, link, stage, confirm, announcer }) {
    this.stage = stage
    const find = (selector) => document.querySelector(selector)
    this.rooms = {
      manager: new ManagerView(find("#manager"), { book, confirm, announcer }),
      session: new SessionView(find("#session"), { book, link }),
      ops: new OpsView(find("#ops"), link),
    }
    this.notices = new Notices(book)
    new NoticeCentre(find("#notices"), find("#bell"), this.notices)
    new Toasts(find("#toasts"), this.notices)
  }

  /** Shows the room that this address is of; false when it is of none. `taskId`: the task that is shown instead. */
  enter(path, taskId) {
    this.#inside?.leave()
    this.#inside = null
    this.notices.lookAt(taskId)
    const [, first, rest] = /^\/([^/]*)\/?(.*?)\/?$/.exec(path)
    for (const anchor of document.querySelectorAll(".topnav a")) {
      anchor.ariaCurrent = anchor.pathname === (first === "p" ? "/tasks" : `/${first}`) ? "page" : null
    }
    const name = PLACES[first]
    if (!name) return false
    this.stage.show(name)
    this.#inside = this.rooms[name]
    this.#inside.open(decoded(rest))
    document.querySelector("main").focus({ preventScroll: true })
    return true
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
