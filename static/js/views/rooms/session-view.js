import { api } from "../../net/api.js"
import { language, onLanguage, t } from "../../i18n/i18n.js"
import { percent, problemSentence, timeLeft } from "../../i18n/words.js"
import { SessionWatch } from "../../model/session-watch.js"
import { isOver } from "../../model/status.js"
import { fillStatus } from "../status-badge.js"
import { fillPage } from "./batch-page.js"

/** The batch of pages of a session: how far it is, what came of each page, and going on or stopping. */
export class SessionView {
  #session = null

  constructor(section, parts) {
    Object.assign(this, { section, list: section.querySelector("ol") })
    this.watch = new SessionWatch(parts)
    this.said = this.#find(".session-said")
    this.commands = section.querySelectorAll("[data-command]")
    for (const button of this.commands) {
      button.addEventListener("click", () => this.#command(button.dataset.command))
    }
    this.watch.addEventListener("change", () => this.#render())
    this.watch.addEventListener("refused", ({ detail }) => this.#say(problemSentence(detail), true))
    onLanguage(() => this.watch.batch && this.#render())
  }

  open(session) {
    this.#session = session
    this.#say("")
    this.list.replaceChildren()
    for (const part of [".session-body", ".room-empty"]) this.#find(part).hidden = true
    this.#find("code").textContent = session
    document.title = `${t("session.heading")} · Holdfast`
    this.watch.open(session)
  }

  leave() {
    this.#session = null
    this.watch.close()
  }

  #find(selector) {
    return this.section.querySelector(selector)
  }

  async #command(name) {
    this.commands.forEach((button) => (button.disabled = true))
    try {
      const path = `/api/background_task/${name}?lang=${language()}`
      this.#say((await api.post(path, { session: this.#session })).message)
    } catch (problem) {
      this.#say(problemSentence(problem), true)
    }
    await this.watch.load()
    this.commands.forEach((button) => (button.disabled = false))
  }

  #say(words, bad = false) {
    this.said.hidden = !words
    this.said.textContent = words
    this.said.classList.toggle("bad", bad)
  }

  #render() {
    const { status, task, pages, counts, total, percentage, current_percentage: current } = this.watch.batch
    this.#find(".room-empty").hidden = Boolean(task)
    this.#find(".session-body").hidden = !task
    if (!task) return
    const [start, stop] = this.commands
    start.hidden = status === "running" || status === "pending"
    start.textContent = t(status === "completed" ? "session.start" : "session.goOn")
    stop.hidden = isOver(status)
    this.#find(".session-report").setAttribute("href", `/t/${task.id}`)
    this.#find(".progress-note").hidden = isOver(status)
    fillStatus(this.#find(".session-line .status"), status)
    this.#find(".session-sentence").textContent = sentence(this.watch.batch)
    const left = status === "running" ? timeLeft(task.progress.eta_seconds) : ""
    this.#find(".session-done").textContent = [t("session.done", { done: counts.completed, total }), left].filter(Boolean).join(" · ")
    for (const [name, value] of Object.entries({ overall: percentage, current })) {
      const bar = this.#find(`[data-bar=${name}]`)
      bar.querySelector("progress").value = value
      bar.querySelector("output").textContent = percent(value)
    }
    while (this.list.children.length < pages.length) this.list.append(newPage())
    pages.forEach((page) => fillPage(this.list.children[page.index], page, task.id))
    const far = isOver(status) ? t(`status.${status}`) : percent(percentage)
    document.title = `${far} · ${t("session.heading")} · Holdfast`
  }
}

const newPage = () => document.querySelector("#batch-page").content.firstElementChild.cloneNode(true)

function sentence({ status, counts, total, task: { error, progress } }) {
  if (status === "completed") return t(counts.completed === total ? "toast.all" : "session.partly", counts)
  if (status === "failed") return error ? problemSentence({ code: error.code, detail: error.message }) : t("notice.failed.unknown")
  return status === "running" ? progress.message : ""
}
