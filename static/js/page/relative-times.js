import { ago, moment } from "../i18n/words.js"
import { onLanguage } from "../i18n/i18n.js"

const TICK_MS = 20_000

/** Keeps every `<time data-ago datetime=…>` of the page true as time passes. */
export class RelativeTimes {
  constructor() {
    setInterval(() => this.#tick(), TICK_MS)
    onLanguage(() => this.#tick())
    document.addEventListener("visibilitychange", () => this.#tick())
  }

  #tick() {
    if (document.hidden) return
    for (const element of document.querySelectorAll("time[data-ago][datetime]")) fillTime(element, element.dateTime)
  }
}

export function fillTime(element, iso) {
  const text = ago(iso)
  if (element.dateTime !== iso) element.dateTime = iso
  if (element.textContent !== text) element.textContent = text
  element.title = moment(iso)
}
