import { api } from "../net/api.js"
import { LANGUAGES, language, onLanguage } from "../i18n/i18n.js"

const OWN_DOCUMENTATION = "holdfast-docs"
const QUESTIONS = {
  en: ["How does Holdfast resume a stream?", "What happens to a task when the server is killed?"],
  zh: ["Holdfast 如何恢复流？", "关闭页面以后，任务会怎样？"],
}

/** Questions to begin with, those in the language of the page first; only where the library can answer them. */
export class Examples {
  constructor(section, onChosen) {
    Object.assign(this, { section, list: section.querySelector("ul"), onChosen })
    onLanguage(() => this.#render())
    this.#show()
  }

  async #show() {
    const { kinds } = await api.get("/api/kinds").catch(() => ({ kinds: [] }))
    this.section.hidden = !kinds.some(({ search }) => search?.library === OWN_DOCUMENTATION)
  }

  #render() {
    const order = language() === "zh" ? ["zh", "en"] : ["en", "zh"]
    this.list.replaceChildren(...order.flatMap((each) => QUESTIONS[each].map((text) => this.#item(text, each))))
  }

  #item(text, inLanguage) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: text })
    button.lang = LANGUAGES[inLanguage].tag
    button.addEventListener("click", () => this.onChosen(text))
    const item = document.createElement("li")
    item.append(button)
    return item
  }
}
