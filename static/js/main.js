// The one place where the parts of the page are put together.

import { api } from "./net/api.js"
import { Link } from "./net/link.js"
import { TaskBook } from "./model/task-book.js"
import { TaskFeed } from "./model/task-feed.js"
import { LanguageSwitch } from "./page/language-switch.js"
import { ThemeSwitch } from "./page/theme-switch.js"
import { Router } from "./page/router.js"
import { RelativeTimes } from "./page/relative-times.js"
import { AskView } from "./views/ask-view.js"
import { ConfirmDialog } from "./views/confirm-dialog.js"
import { ConnectionLine } from "./views/connection-line.js"
import { TaskList } from "./views/task-list.js"
import { TaskView } from "./views/task-view.js"
import { TroubleView } from "./views/trouble-view.js"
import { Stage } from "./page/stage.js"
import { Rooms } from "./page/rooms.js"

const find = (selector) => document.querySelector(selector)

const link = new Link()
const book = new TaskBook()
const router = new Router()
const stage = new Stage(document.body)

new ThemeSwitch(find("#theme"))
new LanguageSwitch(find("#language"))
new RelativeTimes()
new ConnectionLine(find(".connection"), link)

const confirm = new ConfirmDialog(find(".confirm"))
const list = new TaskList(find(".tasks"), book)
const trouble = new TroubleView(find("#trouble"))
const onGone = (why) => {
  trouble.show(why)
  stage.show("trouble")
}
const rooms = new Rooms({ book, link, stage, confirm, onGone, announcer: find("#announcer") })
const task = new TaskView(find("#task"), {
  book, link,
  announcer: find("#announcer"),
  confirm,
  onShown: () => stage.show("task"),
  onGone,
  onDeleted: () => router.go("/"),
})
const ask = new AskView(find("#ask"), {
  onAsk: (request) => api.post("/api/tasks", request),
  onAsked: (view) => {
    book.put(view)
    router.go(`/t/${view.id}`)
  },
})

router.start(({ taskId, path }) => {
  list.mark(taskId)
  task.leave()
  if (rooms.enter(path, taskId)) return
  if (taskId) {
    stage.show("loading")
    task.open(taskId)
  } else {
    stage.show("ask")
    ask.open()
  }
})

new TaskFeed(book, link).start()
