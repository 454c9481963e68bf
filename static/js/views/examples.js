import { LANGUAGES, language, onLanguage } from "../i18n/i18n.js"
import { make } from "../page/make.js"

const OWN_DOCUMENTATION = "holdfast-docs"
const QUESTIONS = {
  en: ["How does Holdfast resume a stream?", "What happens to a task when the server is killed?"],
  zh: ["Holdfast 如何恢复流？", "关闭页面以后，任务会怎样？"],
}

/** Questions to begin with, those in the language of the page first; only where the library can answer them. */
export class Examples {
  constructor(section, kinds, onChosen) {
    Object.assign(this, { section, list: section.querySelector("ul"), onChosen })
    onLanguage(() => this.#render())
    kinds.load().then(
      () => (section.hidden = !kinds.list.some(({ search }) => search?.library === OWN_DOCUMENTATION)),
      () => {},
    )
  }

  #render() {
    const order = language() === "zh" ? ["zh", "en"] : ["en", "zh"]
    this.list.replaceChildren(...order.flatMap((each) => QUESTIONS[each].map((text) => this.#item(text, each))))
  }

  #item(text, inLanguage) {
    const button = make("button", { type: "button", textContent: text, lang: LANGUAGES[inLanguage].tag })
    button.addEventListener("click", () => this.onChosen(text))
    return make("li", {}, button)
  }
}
