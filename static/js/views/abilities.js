import { api } from "../net/api.js"
import { language, onLanguage, t } from "../i18n/i18n.js"
import { make } from "../page/make.js"

const VERSION = /^\D+\d+/ // "Chromium 156" of all that it says of itself

/** What the server can do right now, in words: its model, what it searches, its browser. */
export class Abilities {
  #told = null

  constructor(section) {
    this.section = section
    onLanguage(() => this.#render())
  }

  async refresh() {
    this.#told = (await api.get("/api/stats").catch(() => null))?.capabilities ?? this.#told
    this.#render()
  }

  #render() {
    this.section.hidden = !this.#told
    if (!this.#told) return
    const lines = sentences(this.#told).map(([ready, text]) => make("li", { className: ready ? "ready" : "" }, text))
    this.section.querySelector("ul").replaceChildren(...lines)
  }
}

function sentences({ model, search, browser }) {
  const used = search.filter(({ state }) => state !== "unconfigured")
  const list = new Intl.ListFormat(language(), { type: "conjunction" })
  const ready = used.filter(({ state }) => state === "ready").map(({ name }) => (name === "library" ? t("can.library") : name))
  const ailing = used.filter(({ state }) => state !== "ready")
  const web = used.some(({ state, for: fields }) => state === "ready" && fields.some((field) => field !== "local"))
  return [
    [model, model ? t("can.model", { model }) : t("can.noModel")],
    [web, t(web ? "can.search" : "can.noWeb", { names: list.format(ready) || "—" })],
    ...ailing.map(({ name, detail }) => [false, `${name}: ${detail[language()] ?? detail.en}`]),
    [browser, browser ? t("can.browser", { browser: VERSION.exec(browser)?.[0] ?? browser }) : t("can.noBrowser")],
  ]
}
