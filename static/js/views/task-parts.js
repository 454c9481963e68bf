import { t } from "../i18n/i18n.js"
import { size } from "../i18n/words.js"
import { Fold } from "../activity/fold.js"
import { Items } from "../activity/items.js"
import { Steps } from "../activity/steps.js"
import { TaskActivity } from "../model/task-activity.js"
import { make } from "../page/make.js"
import { Contents } from "../report/contents.js"

const RAIL_BESIDE = "(min-width: 78rem)" // as in activity.css

/** What stands around a task's report: contents, steps, items, sources, reasoning, files and the log; what fills the rarer ones is fetched for them. */
export class TaskParts {
  #isFirst = true

  constructor(section, article) {
    Object.assign(this, { article, activity: new TaskActivity() })
    const find = (name) => section.querySelector(`#part-${name}`)
    const { activity } = this
    this.contents = new Contents(article, find("contents"))
    this.items = new Items(activity)
    this.stepsFold = new Fold(find("steps"), (body) => this.steps.fill(body))
    this.steps = new Steps(activity, this.stepsFold)
    this.itemsFold = new Fold(find("items"), (body) => this.items.fill(body, activity.address))
    this.sourcesFold = new Fold(find("sources"), async (body) => (await import("../activity/sources.js")).fillSources(body, activity.address))
    this.reasoningFold = new Fold(find("reasoning"), (body) => this.#fillReasoning(body))
    this.filesFold = new Fold(find("files"), (body) => this.#fillFiles(body))
    this.eventsFold = new Fold(find("events"), async (body) => (await import("../activity/events.js")).fillEvents(body, activity, activity.address))
    activity.addEventListener("change", () => this.#render())
    for (const each of [find("contents"), find("steps")]) each.open = matchMedia(RAIL_BESIDE).matches
  }

  open(taskId, generation) {
    this.#isFirst = true
    this.items.forget()
    this.activity.open(taskId, generation)
  }

  close() {
    this.activity.close()
    for (const each of ["sources", "reasoning", "files", "events", "items"]) document.querySelector(`#part-${each}`).open = false
    this.contents.render()
    this.sourcesFold.render(0)
  }

  /** The report has been written on. */
  written({ hasResult }) {
    this.contents.render()
    this.sourcesFold.render(hasResult ? this.article.querySelectorAll("[id^=source-]").length : 0)
  }

  /** In another language. */
  reword() {
    this.items.forget()
    this.#render()
  }

  #render() {
    const { activity } = this
    if (this.#isFirst && activity.items.size) {
      this.#isFirst = false
      this.itemsFold.details.open = this.items.areVivid
    }
    this.stepsFold.render(this.steps.count)
    this.itemsFold.render(activity.items.size)
    this.reasoningFold.render(activity.reasoning.size)
    this.filesFold.render(activity.files.size)
    this.eventsFold.render(activity.entries.length)
  }

  #fillReasoning(body) {
    const texts = [...this.activity.reasoning].map(([part, pieces]) => make("section", {}, make("h3", { textContent: part }), make("p", { textContent: pieces.map(([, text]) => text).join("") })))
    body.replaceChildren(...texts)
  }

  #fillFiles(body) {
    const rows = [...this.activity.files.values()].map(({ name, url, size: bytes }) => make("li", {}, make("a", { href: url, download: name, textContent: name }), " ", make("small", { textContent: size(bytes) })))
    body.replaceChildren(make("ul", { className: "files" }, ...rows))
  }
}
