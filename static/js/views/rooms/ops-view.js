import { api } from "../../net/api.js"
import { languageTag, need, onLanguage, t } from "../../i18n/i18n.js"
import { duration, percent, problemSentence } from "../../i18n/words.js"
import { style } from "../../page/style.js"
import { columns, line, share } from "./charts.js"

await Promise.all([style("/static/css/ops.css"), need("rooms-")])

const LOOK_MS = 2000
const SPAN_MS = 300_000 // what a line shows
const STAYS_MS = 20_000 // how long a server whose figures are shown may leave the answers to others
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"]

/**
 * What the servers do, live: asked for again and again while somebody looks.
 *
 * Behind a proxy each answer may come from another server. The figures of one of them are shown for as long as it
 * answers now and then, else they would be another server's at each look.
 */
export class OpsView {
  #timer = 0
  #open = false
  #looks = new Map() // of each server that has answered: what it was at each look

  constructor(section, { link }) {
    Object.assign(this, { section, link })
    document.addEventListener("visibilitychange", () => this.#look())
    onLanguage(() => this.#open && this.stats && this.#render())
  }

  open() {
    this.#open = true
    this.#looks.clear()
    this.stats = null
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
    this.#keep(told)
    this.#render()
  }

  #keep(told) {
    const now = Date.now()
    const { node, nodes } = told
    const alive = nodes.filter((each) => each.alive && each.id !== node.id)
    const look = { ...node, at: now, running: sum([node, ...alive].map((each) => each.running)) }
    const before = this.#looks.get(node.id) ?? []
    // One that has begun anew goes on from nothing.
    const seen = before.at(-1)?.seconds > node.seconds ? [] : before
    this.#looks.set(node.id, [...seen, look].filter(({ at }) => now - at <= SPAN_MS))
    const shown = this.stats && this.#looks.get(this.stats.node.id).at(-1)
    this.stats = { ...told, node: shown && now - shown.at <= STAYS_MS ? shown : look, running: look.running }
    this.stats.capacity = sum([node, ...alive].map((each) => each.capacity))
  }

  #render() {
    const { node, nodes, storage, ended_per_minute: ended } = this.stats
    this.#find(".ops-body").hidden = false
    document.title = `${t("nav.ops")} · Holdfast`
    this.#find(".ops-node").textContent = `${node.id} · ${node.version} · ${t("ops.up", { time: duration(1000 * node.seconds) })}`
    const hour = Object.fromEntries(Object.entries(ended).map(([status, minutes]) => [status, sum(minutes)]))
    this.#figure("ended", number(sum(Object.values(hour))), t("ops.ended.note", hour), (svg) => columns(svg, ended))
    const { running, capacity } = this.stats
    const looks = this.#looks.get(node.id)
    const of = (name) => looks.map((look) => ({ at: look.at, n: look[name] }))
    this.#line("running", running, of("running"), t("ops.running.note", { n: number(capacity) }), capacity)
    const oldest = node.queued && t("ops.queued.note", { time: duration(1000 * node.oldest_wait_seconds) })
    this.#line("queued", node.queued, of("queued"), oldest)
    const rates = ratesOf(looks)
    this.#line("events", rates.at(-1)?.n ?? 0, rates)
    this.#line("readers", node.readers, of("readers"))
    this.#find("[data-figure=storage]").hidden = !storage
    if (storage) {
      const used = 1 - storage.free_bytes / storage.total_bytes
      const words = t("ops.storage.note", { total: bytes(storage.total_bytes), used: percent(100 * used) })
      this.#figure("storage", bytes(storage.free_bytes), words, (svg) => share(svg, used))
    }
    for (const value of this.section.querySelectorAll("[data-counted]")) value.textContent = number(node.counted[value.dataset.counted])
    this.#find("tbody").replaceChildren(...nodes.map((each) => nodeRow(each, each.id === node.id)))
  }

  /** @param note  what is said of it; else, how high its line goes */
  #line(name, now, seen, note, most) {
    const highest = number(Math.max(now, ...seen.map(({ n }) => n)))
    this.#figure(name, number(now), note || t("ops.minutes", { most: highest }), (svg) => line(svg, seen, SPAN_MS, most))
  }

  #figure(name, value, note, draw) {
    const card = this.#find(`[data-figure=${name}]`)
    card.querySelector("strong").textContent = value
    card.querySelector("p").textContent = note
    const svg = card.querySelector("svg")
    svg.ariaLabel = `${card.querySelector("h2").textContent}: ${value}. ${note}`
    draw(svg)
  }
}

/** Events in a second, from each look to the next. */
function ratesOf(looks) {
  return looks.slice(1).map(({ at, counted, seconds }, index) => {
    const before = looks[index]
    return { at, n: (counted.events_published - before.counted.events_published) / Math.max(0.1, seconds - before.seconds) }
  })
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
