import { onLanguage, t } from "../../i18n/i18n.js"
import { titleOf } from "../../i18n/words.js"
import { addressOf } from "../../model/notices.js"
import { fillTime } from "../../page/relative-times.js"
import { fillStatus } from "../status-badge.js"

const MOST = 99
const COUNT = /^\(\d+\+?\) /

/** The bell with the number of unread ends, which stands in the page's title too, and the list behind it. */
export class NoticeCentre {
  constructor(panel, bell, notices) {
    Object.assign(this, { panel, bell, notices, title: document.querySelector("title") })
    this.list = panel.querySelector("ol")
    panel.querySelector(".read-all").addEventListener("click", () => this.#read())
    panel.querySelector(".notices-browser button").addEventListener("click", () => notices.askPermission())
    this.list.addEventListener("click", ({ target }) => this.#follow(target.closest("a")))
    notices.addEventListener("change", () => this.#render())
    onLanguage(() => this.#render())
    new MutationObserver(() => this.#count()).observe(this.title, { childList: true })
  }

  #follow(anchor) {
    if (!anchor) return
    this.panel.hidePopover()
    if (!anchor.classList.contains("read")) this.#read([anchor.dataset.id])
  }

  /** What could not be marked stays unread, and is seen to be. */
  #read(ids) {
    return this.notices.read(ids).catch(() => {})
  }

  #render() {
    const { unread, notifications } = this.notices.state
    const { permission } = this.notices
    const find = (selector) => this.panel.querySelector(selector)
    this.bell.title = this.bell.ariaLabel = unread ? t("notices.unread", { n: unread }) : t("notices.title")
    find(".read-all").disabled = !unread
    find(".notices-empty").hidden = notifications.length > 0
    find(".notices-browser").hidden = permission !== "default"
    find(".notices-denied").hidden = permission !== "denied"
    this.list.replaceChildren(...notifications.map(item))
    this.#count()
  }

  #count() {
    const { unread } = this.notices.state
    const shown = unread > MOST ? `${MOST}+` : String(unread)
    const badge = this.bell.querySelector(".badge")
    badge.hidden = !unread
    badge.textContent = shown
    const title = (unread ? `(${shown}) ` : "") + this.title.textContent.replace(COUNT, "")
    if (this.title.textContent !== title) this.title.textContent = title
  }
}

function item(end) {
  const made = document.querySelector("#end").content.firstElementChild.cloneNode(true)
  const anchor = made.querySelector("a")
  anchor.setAttribute("href", addressOf(end))
  anchor.dataset.id = end.id
  anchor.classList.toggle("read", end.read)
  made.querySelector(".end-title").textContent = titleOf(end)
  made.querySelector(".end-unread").textContent = end.read ? "" : t("notices.new")
  fillStatus(made.querySelector(".status"), end.status, made.querySelector(".status-word"))
  fillTime(made.querySelector("time"), end.finished_at)
  return made
}
