import { language, onLanguage, t } from "../i18n/i18n.js"
import { duration, percent, titleOf } from "../i18n/words.js"
import { isOver } from "../model/status.js"
import { TaskWatch } from "../model/task-watch.js"
import { fillTime } from "../page/relative-times.js"
import { LiveReport } from "../report/live-report.js"
import { ScrollFollower } from "../report/scroll-follower.js"
import { renderDownloads } from "./downloads.js"
import { ProgressPanel } from "./progress-panel.js"
import { ShareTools } from "./share-tools.js"
import { fillStatus } from "./status-badge.js"
import { SteerForm } from "./steer-form.js"
import { TaskActions } from "./task-actions.js"
import { TaskNotice } from "./task-notice.js"
import { TaskParts } from "./task-parts.js"

const HAN = /\p{Script=Han}/u

/** One task: what it is, how far it is, and its report as it is written. */
export class TaskView {
  #watch = null
  #planned = false
  #toldStatus = null

  constructor(section, { book, link, kinds, announcer, confirm, onShown, onGone, onDeleted, onEdit }) {
    Object.assign(this, { section, book, link, kinds, announcer, onShown, onGone })
    const find = (selector) => section.querySelector(selector)
    this.progress = new ProgressPanel(find(".progress-panel"))
    this.notice = new TaskNotice(find(".task-notice"), find(".report-wait"))
    this.article = find(".report")
    this.parts = new TaskParts(section, this.article)
    this.follower = new ScrollFollower(this.article, find(".follow"))
    this.steer = new SteerForm(find(".steer"), (view) => book.put(view))
    new ShareTools(find(".task-tools"), announcer, () => this.#watch.view)
    find(".ask-again").addEventListener("click", () => onEdit(this.#watch.view))
    this.report = new LiveReport(this.article, { onShown: (problem) => this.#reportShown(problem) })
    this.actions = new TaskActions(find(".task-actions"), find(".action-error"), {
      confirm,
      onView: (view) => book.put(view),
      onDeleted: (id) => {
        this.leave()
        book.remove(id)
        onDeleted()
      },
    })
    onLanguage(() => {
      this.parts.reword()
      this.#plan()
    })
    kinds.load().then(() => this.#plan(), () => {})
  }

  open(taskId) {
    const watch = (this.#watch = new TaskWatch(taskId, this.book, this.link))
    this.#toldStatus = null
    watch.addEventListener("gone", ({ detail }) => this.#gone(detail))
    watch.addEventListener("written", () => this.report.touch())
    watch.addEventListener("moved", () => this.parts.activity.touch())
    watch.addEventListener("ended", () => {
      this.report.refresh()
      this.parts.activity.touch()
    })
    watch.addEventListener("reset", () => this.#openReport())
    this.book.addEventListener("change", this.#onChange)
    if (this.book.get(taskId)) this.#begin()
    watch.open()
  }

  leave() {
    this.#watch?.close()
    this.#watch = null
    this.book.removeEventListener("change", this.#onChange)
    this.report.close()
    this.parts.close()
    this.follower.forget()
    this.actions.forget()
    this.section.hidden = true
  }

  #onChange = ({ detail }) => {
    if (detail !== this.#watch?.id) return
    if (this.section.hidden) this.#begin()
    this.#plan()
  }

  /** The first view is here. */
  #begin() {
    this.onShown()
    this.#openReport()
    this.#render()
    this.section.closest("main").focus({ preventScroll: true })
  }

  #openReport() {
    const { id, generation } = this.#watch.view
    this.isReportShown = false
    this.reportProblem = null
    this.#nameLanguage("")
    this.report.open(id, generation)
    this.parts.open(id, generation)
  }

  #reportShown(problem) {
    this.reportProblem = problem
    this.#nameLanguage(this.article.firstElementChild?.textContent)
    if (!this.isReportShown && location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView()
    this.isReportShown = true
    this.parts.written({ hasResult: this.#watch.view.has_result })
    this.follower.keep()
    this.#plan()
  }

  /** Of the report: as it was asked for, or as its title and its first words are written. */
  #nameLanguage(words) {
    const { title, params } = this.#watch.view
    const given = params.language ?? "auto"
    this.article.lang = (given === "auto" ? HAN.test(title + words) : given === "zh") ? "zh-CN" : "en"
  }

  #gone(problem) {
    this.leave()
    this.onGone(problem)
  }

  #plan() {
    if (this.#planned) return
    this.#planned = true
    requestAnimationFrame(() => {
      this.#planned = false
      if (this.#watch?.view && !this.section.hidden) this.#render()
    })
  }

  #render() {
    const view = this.#watch.view
    this.section.querySelector(".task-title").textContent = titleOf(view)
    fillStatus(this.section.querySelector(".task-line .status"), view.status)
    this.#facts(view)
    this.progress.render(view)
    this.actions.render(view)
    this.notice.render(view, {
      isEmpty: !this.article.hasChildNodes(),
      isShown: this.isReportShown,
      problem: this.reportProblem,
    })
    const kind = this.kinds.get(view.kind)
    renderDownloads(this.section.querySelector(".task-links"), view, kind)
    this.steer.render(view, kind, language())
    this.follower.start(view.status === "running")
    this.#announce(view)
  }

  #facts(view) {
    const time = this.section.querySelector(".task-facts time") ?? document.createElement("time")
    time.dataset.ago = ""
    fillTime(time, view.finished_at ?? view.created_at)
    const took = view.finished_at && view.started_at && Date.parse(view.finished_at) - Date.parse(view.started_at)
    const words = took != null && took >= 0 ? ` · ${t("took.label", { time: duration(took) })}` : ""
    this.section.querySelector(".task-facts").replaceChildren(time, words)
  }

  /** Tells of the status in the tab's title, and to those who listen to the page. */
  #announce(view) {
    const far = isOver(view.status) ? t(`status.${view.status}`) : percent(view.progress.percentage)
    document.title = `${far} · ${titleOf(view)} · Holdfast`
    if (this.#toldStatus !== null && this.#toldStatus !== view.status) {
      this.announcer.textContent = `${titleOf(view)}: ${t(`status.${view.status}`)}`
    }
    this.#toldStatus = view.status
  }
}
