import { LANGUAGES, language, onLanguage } from "../i18n/i18n.js"

const QUESTIONS = {
  en: ["How does Holdfast resume a stream?", "What happens to a task when the server is killed?"],
  zh: ["Holdfast 怎样续传一个流？", "关闭页面以后，任务会怎样？"],
}

/** Questions to begin with, those in the language of the page first. */
export class Examples {
  constructor(list, onChosen) {
    Object.assign(this, { list, onChosen })
    onLanguage(() => this.#render())
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
