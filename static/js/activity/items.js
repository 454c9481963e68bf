import { knows, t } from "../i18n/i18n.js"
import { reasonSentence } from "../i18n/words.js"
import { make, sign } from "../page/make.js"

const PICTURE = /\.(png|jpe?g|webp|gif)$/i
const AT_ONCE = 24
const SIGNS = { completed: "completed", failed: "failed", skipped: "pending", needs_confirmation: "paused" }

/** What became of each item of a batch, with its pictures and files. */
export class Items {
  #shown = AT_ONCE
  #cards = new Map()

  constructor(activity) {
    this.activity = activity
  }

  /** Whether there is more to see than names. */
  get areVivid() {
    return [...this.activity.items.values()].some(({ artifacts, error }) => artifacts?.length || error)
  }

  forget() {
    this.#shown = AT_ONCE
    this.#cards.clear()
  }

  fill(body, address) {
    const items = [...this.activity.items.values()]
    const left = items.length - this.#shown
    const more = make("button", { type: "button", className: "button small", textContent: t("items.more", { n: Math.min(left, AT_ONCE) }) })
    more.addEventListener("click", () => {
      this.#shown += AT_ONCE
      this.fill(body, address)
    })
    const cards = items.slice(0, this.#shown).map((item) => this.#card(item, address))
    const list = body.querySelector("ul") ?? make("ul", { className: "items" })
    list.append(...cards.filter((card) => card.parentElement !== list))
    for (const card of [...list.children]) if (!cards.includes(card)) card.remove()
    body.replaceChildren(list, left > 0 ? more : "")
  }

  /** Made once for each state of an item, so that its picture is not loaded again. */
  #card(item, address) {
    const known = this.#cards.get(item.key)
    if (known?.item === item) return known.card
    const card = made(item, address)
    known?.card.replaceWith(card)
    this.#cards.set(item.key, { item, card })
    return card
  }
}

function made({ key, title, url, final_url: final, outcome, status, error, artifacts = [], path }, address) {
  const state = SIGNS[status ?? outcome] ?? outcome
  const badge = make("span", { className: "status", title: word(status ?? outcome) }, sign(state), make("span", { className: "visually-hidden", textContent: word(status ?? outcome) }))
  badge.dataset.status = state
  const place = final ?? url ?? path
  const name = (title || place || key).replace(/^https?:\/\//, "")
  const files = artifacts.map(({ name }) => name)
  const source = (file) => `${address}/artifacts/${encodeURIComponent(file)}`
  const pictures = files.filter((file) => PICTURE.test(file)).map((file) =>
    make("a", { href: source(file), target: "_blank", rel: "noopener", className: "shot" }, make("img", { src: source(file), loading: "lazy", decoding: "async", alt: t("items.picture", { name }) })))
  const others = files.filter((file) => !PICTURE.test(file)).map((file) => make("a", { href: source(file), download: file, textContent: file }))
  return make("li", { className: "item" }, ...pictures,
    make("p", { className: "item-name" }, badge, make("span", { textContent: name })),
    place && title && make("p", { className: "item-place", textContent: place }),
    error && make("p", { className: "item-error", textContent: reasonSentence(error) }),
    others.length > 0 && make("p", { className: "item-files" }, ...others))
}

function word(outcome) {
  return knows(`status.${outcome}`) ? t(`status.${outcome}`) : outcome
}
