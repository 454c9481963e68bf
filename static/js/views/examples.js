import { LANGUAGES, language, t } from "../i18n/i18n.js"
import { make } from "../page/make.js"

const RESEARCH = "research"
const OWN_DOCUMENTATION = "holdfast-docs"
const QUESTIONS = {
  en: ["How does Holdfast resume a stream?", "What happens to a task when the server is killed?"],
  zh: ["Holdfast 如何恢复流？", "关闭页面以后，任务会怎样？"],
}

/**
 * What to begin with. Questions are asked at once, those in the language of the page first; they are offered only where
 * the library can answer them. For other kinds the form is filled in, to be looked at and asked.
 */
export class Examples {
  constructor(section, { onQuestion, onSample }) {
    Object.assign(this, { section, title: section.querySelector("h2"), list: section.querySelector("ul"), onQuestion, onSample })
  }

  async render({ kind, search }) {
    this.kind = kind
    this.list.replaceChildren()
    const { SAMPLES } = kind === RESEARCH ? { SAMPLES: {} } : await import("./samples.js").catch(() => ({ SAMPLES: {} }))
    if (this.kind !== kind) return
    const order = language() === "zh" ? ["zh", "en"] : ["en", "zh"]
    const questions = () => order.flatMap((each) => QUESTIONS[each].map((text) => item(text, each, () => this.onQuestion(text))))
    const samples = () => (SAMPLES[kind]?.[language()] ?? []).map(([text, params]) => item(text, language(), () => this.onSample(params())))
    const items = kind !== RESEARCH ? samples() : search?.library === OWN_DOCUMENTATION ? questions() : []
    this.section.hidden = !items.length
    this.title.textContent = t(kind === RESEARCH ? "ask.examples" : "ask.samples")
    this.list.replaceChildren(...items)
  }
}

function item(text, inLanguage, onChosen) {
  const button = make("button", { type: "button", textContent: text, lang: LANGUAGES[inLanguage].tag })
  button.addEventListener("click", onChosen)
  return make("li", {}, button)
}
