import { api } from "../../net/api.js"
import { language, need, onLanguage, t } from "../../i18n/i18n.js"
import { doing, percent, problemSentence, timeLeft } from "../../i18n/words.js"
import { SessionWatch } from "../../model/session-watch.js"
import { isOver } from "../../model/status.js"
import { fillStatus } from "../status-badge.js"
import { fillPage } from "./batch-page.js"
import { SessionChoice } from "./session-choice.js"
import { SessionForm } from "./session-form.js"

await need("rooms-")

/** The batch of pages of a session: how far it is, what came of each page, and going on or stopping. */
export class SessionView {
  #session = null
  #busy = false
  #active = false

  constructor(section, parts) {
    Object.assign(this, { section, notices: parts.notices, list: section.querySelector("ol") })
    this.watch = new SessionWatch(parts)
    this.said = this.#find(".session-said")
    this.commands = section.querySelectorAll("[data-command]")
    this.choice = new SessionChoice(section, () => this.#renderStart())
    this.form = new SessionForm(this.#find("form"), (wanted) => this.#command("start", wanted))
    const [start, stop] = this.commands
    start.addEventListener("click", () => this.choice.count && this.#command("start", this.choice.wanted))
    stop.addEventListener("click", () => this.#command("stop"))
    this.watch.addEventListener("change", () => this.#render())
    this.watch.addEventListener("refused", ({ detail }) => this.#say(sentenceOf(detail), true))
    onLanguage(() => this.watch.batch && this.#render())
  }

  /** @param session  its id, or "new" for one that nobody has used */
  open(session) {
    if (session === "new") {
      session = madeUp()
      history.replaceState(null, "", `/s/${session}`)
      this.notices.lookAt(location.pathname)
    }
    this.#session = session
    this.#active = false
    this.#say("")
    this.list.replaceChildren()
    this.#find(".session-body").hidden = true
    this.form.show(false)
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

  async #command(name, wanted) {
    if (this.#busy) return
    this.#setBusy(true)
    try {
      const path = `/api/background_task/${name}?lang=${language()}`
      const { message } = await api.post(path, { session: this.#session, ...wanted })
      await this.watch.load()
      this.#say(message)
    } catch (problem) {
      if (!this.form.blame(problem)) this.#say(sentenceOf(problem), true)
      this.watch.load()
    }
    this.#setBusy(false)
  }

  #setBusy(busy) {
    this.#busy = busy
    for (const button of this.section.querySelectorAll("button")) button.ariaDisabled = String(busy) // `disabled` would take the focus away
  }

  #say(words, bad = false) {
    this.said.hidden = !words
    this.said.textContent = words
    this.said.classList.toggle("bad", bad)
  }

  #render() {
    const { status, task, pages, counts, earlier, total, percentage, current_percentage: current } = this.watch.batch
    const focused = document.activeElement // what is hidden loses it
    if (this.form.isShown === Boolean(task)) this.form.show(!task)
    this.#find(".session-body").hidden = !task
    if (!task) return
    const active = !isOver(status)
    if (this.#active && !active) this.#say("") // of the start, that is
    this.#active = active
    this.#find(".session-report").setAttribute("href", `/t/${task.id}`)
    const others = this.#find(".session-earlier")
    others.hidden = !earlier.length
    others.href = `/tasks?session=${this.#session}`
    this.#find(".progress-note").hidden = !active
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
    this.choice.render(this.watch.batch, this.list.children)
    this.#renderStart()
    if (this.section.contains(focused) && !focused.checkVisibility()) [...this.commands].find((button) => !button.hidden).focus()
    const far = active ? percent(percentage) : t(`status.${status}`)
    document.title = `${far} · ${t("session.heading")} · Holdfast`
  }

  #renderStart() {
    const { status } = this.watch.batch
    const [start, stop] = this.commands
    const { count, isAll, isSame } = this.choice
    start.hidden = status === "running" || status === "pending"
    stop.hidden = isOver(status)
    start.disabled = !count
    const word = isSame && status !== "completed" ? "goOn" : isAll ? "start" : count ? "some" : "none"
    start.textContent = t(`session.${word}`, { n: count })
  }
}

const newPage = () => document.querySelector("#batch-page").content.firstElementChild.cloneNode(true)

/** In the words of the server, which speaks the page's language there. */
const sentenceOf = (problem) => (problem.status ? problem.message : problemSentence(problem))

/** A random UUID; the browser's own is missing where the page was not loaded over TLS. */
function madeUp() {
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("")
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join("-")
}

function sentence({ status, counts, total, task: { error, progress } }) {
  if (status === "completed") return t(counts.completed === total ? "toast.all" : "session.partly", counts)
  if (status === "failed") return error ? problemSentence({ code: error.code, detail: error.message }) : t("notice.failed.unknown")
  return status === "running" ? doing(progress) : ""
}
