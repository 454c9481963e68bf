import { t } from "../../i18n/i18n.js"
import { titleOf } from "../../i18n/words.js"
import { addressOf } from "../../model/notices.js"

const SHOWN_MS = 12_000
const MOST_NAMED = 3

/** Tells of ends, once: on the page, and by the browser where nobody looks at it. */
export class Toasts {
  constructor(place, notices) {
    Object.assign(this, { place, notices })
    notices.addEventListener("told", ({ detail }) => this.#tell(detail))
  }

  #tell({ told, counts: { completed = 0, failed = 0 }, partly, active }) {
    if (!completed && !failed) return // who has stopped a task knows it
    const kind = active ? "some" : failed ? "ended" : partly ? "partly" : "all"
    const words = t(`toast.${kind}`, { completed, failed, partly })
    const ends = told.filter(({ status }) => status !== "stopped").slice(0, MOST_NAMED)
    const toast = document.querySelector("#toast").content.firstElementChild.cloneNode(true)
    toast.dataset.kind = kind
    toast.querySelector("strong").textContent = words
    toast.querySelector("button").ariaLabel = t("keys.close")
    toast.addEventListener("click", ({ target }) => target.closest("a, button") && toast.remove())
    toast.querySelector("ul").append(...ends.map(named))
    this.place.append(toast)
    leaveLater(toast)
    if (this.notices.permission === "granted" && !document.hasFocus()) {
      const shown = new Notification(words, { body: ends.map(titleOf).join("\n"), tag: told[0].id })
      shown.onclick = () => window.focus()
    }
  }
}

/** Not while it is pointed at or has the focus. */
function leaveLater(toast) {
  setTimeout(() => (toast.matches(":hover, :focus-within") ? leaveLater(toast) : toast.remove()), SHOWN_MS)
}

function named(end) {
  const item = document.createElement("li")
  const link = Object.assign(document.createElement("a"), { href: addressOf(end), textContent: titleOf(end) })
  link.dataset.link = ""
  item.append(link)
  return item
}
