import { LANGUAGES, language, onLanguage, setLanguage } from "../i18n/i18n.js"

/** Offers the other language, in that language. */
export class LanguageSwitch {
  constructor(button) {
    button.addEventListener("click", () => setLanguage(this.#other))
    onLanguage(() => {
      const { name, tag } = LANGUAGES[this.#other]
      button.textContent = name
      button.lang = tag
    })
  }

  get #other() {
    return language() === "en" ? "zh" : "en"
  }
}
