// The one place where the parts of the page are put together.

import { api } from "./net/api.js"
import { Link } from "./net/link.js"
import { Kinds } from "./model/kinds.js"
import { TaskBook } from "./model/task-book.js"
import { TaskFeed } from "./model/task-feed.js"
import { EarlyAsk } from "./page/early-ask.js"
import { LanguageSwitch } from "./page/language-switch.js"
import { ThemeSwitch } from "./page/theme-switch.js"
import { Router } from "./page/router.js"
import { RelativeTimes } from "./page/relative-times.js"
import { ConfirmDialog } from "./views/confirm-dialog.js"
import { ConnectionLine } from "./views/connection-line.js"
import { TaskList } from "./views/task-list.js"
import { TroubleView } from "./views/trouble-view.js"
import { Stage } from "./page/stage.js"
import { Rooms } from "./page/rooms.js"

const find = (selector) => document.querySelector(selector)

const link = new Link()
const book = new TaskBook()
const kinds = new Kinds()
const router = new Router()
const stage = new Stage(document.body)

new ThemeSwitch(find("#theme"))
new LanguageSwitch(find("#language"))
new RelativeTimes()
new ConnectionLine(find(".connection"), link)

const confirm = new ConfirmDialog(find(".confirm"))
const list = new TaskList(find(".tasks"), book)
const trouble = new TroubleView(find("#trouble"))
const early = new EarlyAsk(find(".ask-form"))
const onGone = (why) => {
  trouble.show(why)
  stage.show("trouble")
}
const rooms = new Rooms({ book, link, kinds, stage, confirm, onGone, announcer: find("#announcer") })

/** Each view is loaded when it is first shown, so that a page weighs no more than what it shows. */
const loading = new Map()
const views = {
  ask: async () => {
    const { AskView } = await import("./views/ask-view.js")
    const view = new AskView(find("#ask"), {
      kinds,
      onAsk: (request) => api.post("/api/tasks", request),
      onAsked: (task) => {
        book.put(task)
        router.go(`/t/${task.id}`)
      },
    })
    early.handOver()
    return view
  },
  task: async () => {
    const { TaskView } = await import("./views/task-view.js")
    return new TaskView(find("#task"), {
      book, link, kinds, confirm,
      announcer: find("#announcer"),
      onShown: () => stage.show("task"),
      onGone,
      onDeleted: () => router.go("/"),
      onEdit: async (view) => {
        router.go("/")
        ;(await viewOf("ask")).edit(view)
      },
    })
  },
}

function viewOf(name) {
  if (!loading.has(name)) loading.set(name, views[name]())
  return loading.get(name).catch((problem) => {
    loading.delete(name)
    throw problem
  })
}

let opened = null // the view that is open, once it is there

router.start(async ({ taskId, path }) => {
  list.mark(taskId)
  opened?.leave?.()
  opened = null
  if (rooms.enter(path)) return
  const name = taskId ? "task" : "ask"
  stage.show(taskId ? "loading" : "ask")
  const address = location.pathname
  const view = await viewOf(name).catch(() => null)
  if (!view) {
    trouble.show({ status: 0, code: "unreachable" })
    return stage.show("trouble")
  }
  if (location.pathname !== address || opened === view) return
  opened = view
  view.open(taskId)
})

new TaskFeed(book, link).start()
