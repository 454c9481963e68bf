import { api } from "../../net/api.js"
import { languageTag, onLanguage, t } from "../../i18n/i18n.js"
import { duration, percent, problemSentence } from "../../i18n/words.js"
import { style } from "../../page/style.js"
import { columns, line, share } from "./charts.js"

await style("/static/css/ops.css")

const LOOK_MS = 2000
const SEEN = 150 // looks that a line shows: five minutes
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"]

/** What the server does, live: asked for again and again while somebody looks. */
export class OpsView {
  #timer = 0
  #open = false
  #looks = [] // what this node was at each look

  constructor(section, { link }) {
    Object.assign(this, { section, link })
    document.addEventListener("visibilitychange", () => this.#look())
    onLanguage(() => this.#open && this.stats && this.#render())
  }

  open() {
    this.#open = true
    this.#looks = []
    document.title = `${t("nav.ops")} · Holdfast`
    this.#look()
  }

  leave() {
    this.#open = false
    clearTimeout(this.#timer)
    this.link.found(this)
  }

  #find(selector) {
    return this.section.querySelector(selector)
  }

  async #look() {
    clearTimeout(this.#timer)
    if (!this.#open || document.hidden) return
    const notice = this.#find(".room-error")
    const told = await api.get("/api/stats").catch((problem) => ({ problem }))
    if (!this.#open) return
    this.#timer = setTimeout(() => this.#look(), LOOK_MS)
    notice.hidden = !told.problem
    if (told.problem) {
      notice.textContent = problemSentence(told.problem)
      return told.problem.status || this.link.lost(this)
    }
    this.link.found(this)
    const { node } = (this.stats = told)
    const before = this.#looks.at(-1)
    // Another server may have answered, or this one has begun anew: its figures go on from nothing.
    if (before?.id !== node.id || before.seconds > node.seconds) this.#looks = []
    this.#looks = [...this.#looks, node].slice(-SEEN)
    this.#render()
  }

  #render() {
    const { node, nodes, storage, ended_per_minute: ended } = this.stats
    this.#find(".ops-body").hidden = false
    document.title = `${t("nav.ops")} · Holdfast`
    this.#find(".ops-node").textContent = `${node.id} · ${node.version} · ${t("ops.up", { time: duration(1000 * node.seconds) })}`
    const hour = Object.fromEntries(Object.entries(ended).map(([status, minutes]) => [status, sum(minutes)]))
    this.#figure("ended", number(sum(Object.values(hour))), t("ops.ended.note", hour), (svg) => columns(svg, ended))
    this.#seen("running", node.running, t("ops.running.note", { n: node.capacity }), node.capacity)
    this.#seen("queued", node.queued, node.queued ? t("ops.queued.note", { time: duration(1000 * node.oldest_wait_seconds) }) : "")
    const rates = this.#rates()
    this.#figure("events", number(rates.at(-1) ?? 0), t("ops.minutes"), (svg) => line(svg, rates, SEEN))
    this.#seen("readers", node.readers, t("ops.minutes"))
    this.#find("[data-figure=storage]").hidden = !storage
    if (storage) {
      const used = 1 - storage.free_bytes / storage.total_bytes
      const words = t("ops.storage.note", { total: bytes(storage.total_bytes), used: percent(100 * used) })
      this.#figure("storage", bytes(storage.free_bytes), words, (svg) => share(svg, used))
    }
    for (const value of this.section.querySelectorAll("[data-counted]")) value.textContent = number(node.counted[value.dataset.counted])
    this.#find("tbody").replaceChildren(...nodes.map((each) => nodeRow(each, each.id === node.id)))
  }

  #seen(name, now, note, most) {
    this.#figure(name, number(now), note, (svg) => line(svg, this.#looks.map((each) => each[name]), SEEN, most))
  }

  #figure(name, value, note, draw) {
    const card = this.#find(`[data-figure=${name}]`)
    card.querySelector("strong").textContent = value
    card.querySelector("p").textContent = note
    const svg = card.querySelector("svg")
    svg.ariaLabel = `${card.querySelector("h2").textContent}: ${value}. ${note}`
    draw(svg)
  }

  /** Events in a second, from each look to the next. */
  #rates() {
    return this.#looks.slice(1).map(({ counted, seconds }, index) => {
      const before = this.#looks[index]
      return (counted.events_published - before.counted.events_published) / Math.max(0.1, seconds - before.seconds)
    })
  }
}

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0)

const number = (value) => value.toLocaleString(languageTag(), { maximumFractionDigits: value < 10 ? 1 : 0 })

function bytes(value) {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10))
  return `${number(value / 1024 ** step)} ${UNITS[step]}`
}

function nodeRow({ id, alive, running, capacity, version }, own) {
  const row = document.createElement("tr")
  const state = t(!alive ? "ops.dead" : !capacity ? "ops.leaving" : own ? "ops.own" : "ops.alive")
  const cells = [id, state, `${running} / ${capacity}`, version]
  row.dataset.alive = alive
  row.append(...cells.map((text, index) => Object.assign(document.createElement(index ? "td" : "th"), { textContent: text })))
  return row
}
