import { onLanguage, t } from "../i18n/i18n.js"

const STORED = "holdfast.theme"

/** Dark or light: the system's wish until somebody presses the button. */
export class ThemeSwitch {
  #system = matchMedia("(prefers-color-scheme: light)")

  constructor(button) {
    this.button = button
    button.addEventListener("click", () => this.#choose(this.#next))
    this.#system.addEventListener("change", () => this.#render())
    onLanguage(() => this.#render())
  }

  get #next() {
    const now = document.documentElement.dataset.theme ?? (this.#system.matches ? "light" : "dark")
    return now === "dark" ? "light" : "dark"
  }

  #choose(theme) {
    document.documentElement.dataset.theme = theme
    localStorage.setItem(STORED, theme)
    this.#render()
  }

  #render() {
    const next = this.#next
    this.button.querySelector("use").setAttribute("href", next === "light" ? "#i-sun" : "#i-moon")
    this.button.setAttribute("aria-label", t(`theme.${next}`))
    this.button.title = t(`theme.${next}`)
  }
}
