import { api } from "../net/api.js"
import { isOver } from "./status.js"

const PAUSE_MS = 1500
const MOST_ENTRIES = 400 // of the log; older ones are let go

/**
 * What a task has been doing, as its log tells: steps with their times, items, reasoning, and its last entries.
 *
 * Tells "change". Everything here comes from the server, with the server's times, so each who looks sees the same.
 */
export class TaskActivity extends EventTarget {
  #abort = new AbortController()
  #timer = 0
  #askedAt = 0
  #busy = false
  #dirty = false

  constructor() {
    super()
    this.#forget()
    document.addEventListener("visibilitychange", () => this.#dirty && this.#plan())
  }

  open(taskId, generation) {
    this.close()
    Object.assign(this, { address: `/api/tasks/${taskId}`, generation })
    this.touch()
  }

  close() {
    this.#abort.abort()
    this.#abort = new AbortController()
    clearTimeout(this.#timer)
    this.#busy = this.#dirty = false
    this.address = ""
    this.#forget()
  }

  /** Something has happened: looked at soon. */
  touch() {
    this.#dirty = true
    this.#plan()
  }

  /** Steps that were begun and are not finished, oldest first. */
  get running() {
    if (isOver(this.status)) return []
    const finished = new Set(this.steps.map(({ key }) => key))
    return [...this.begun.values()].filter(({ key }) => !finished.has(key))
  }

  #forget() {
    Object.assign(this, { seq: 0, status: "pending", total: 0, dropped: 0 })
    Object.assign(this, { steps: [], begun: new Map(), items: new Map(), files: new Map(), reasoning: new Map(), entries: [] })
    this.dispatchEvent(new Event("change"))
  }

  #plan() {
    if (this.#busy || document.hidden || !this.address) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#look(), Math.max(0, this.#askedAt + PAUSE_MS - Date.now()))
  }

  async #look() {
    const { signal } = this.#abort
    this.#busy = true
    this.#dirty = false
    this.#askedAt = Date.now()
    try {
      await this.#ask(signal)
    } catch {
      this.#dirty ||= !signal.aborted && !document.hidden // the line about the connection tells of it
    }
    if (signal.aborted) return
    this.#busy = false
    this.dispatchEvent(new Event("change"))
    if (this.#dirty) this.#plan()
  }

  async #ask(signal) {
    for (let more = true; more; ) {
      const told = await api.get(`${this.address}/log?generation=${this.generation}&after=${this.seq}`, { signal })
      for (const entry of told.events) this.#take(entry)
      ;({ more, seq: this.seq } = told)
    }
    const { total, steps } = await api.get(`${this.address}/steps?generation=${this.generation}`, { signal })
    Object.assign(this, { total, steps })
  }

  #take(entry) {
    const { type, data, at } = entry
    if (type === "progress" && data.current && !this.begun.has(data.current)) {
      this.begun.set(data.current, { key: data.current, label: data.step, at })
    }
    if (type === "status") this.#restart(data)
    if (type === "item") {
      const { text: _, ...item } = data
      this.items.set(data.key, item)
    }
    if (type === "artifact") this.files.set(data.name, data)
    if (type === "reasoning") this.reasoning.set(data.part, [...(this.reasoning.get(data.part) ?? []), [entry.seq, data.text]])
    if (type === "rollback") this.#takeBack(data)
    this.#keep(entry)
  }

  #restart({ status, workflow_version: another }) {
    this.status = status
    if (status === "running") this.begun.clear()
    if (another) for (const each of [this.items, this.files, this.reasoning]) each.clear()
  }

  #takeBack({ part, to_seq: last }) {
    if (this.reasoning.has(part)) this.reasoning.set(part, this.reasoning.get(part).filter(([seq]) => seq <= last))
  }

  /** Pieces of one text that come one after the other are one entry, as the server has it within one answer. */
  #keep(entry) {
    const last = this.entries.at(-1)
    const { type, data } = entry
    if (type === "reasoning") entry = { ...entry, data: { part: data.part, pieces: 1, characters: data.text.length } }
    if (last?.type === type && entry.data.pieces && last.data.part === entry.data.part) {
      const { pieces, characters } = last.data
      entry.data = { ...entry.data, pieces: pieces + entry.data.pieces, characters: characters + entry.data.characters }
      this.entries.pop()
    }
    this.entries.push(entry)
    if (this.entries.length > MOST_ENTRIES) this.dropped += this.entries.splice(0, MOST_ENTRIES / 4).length
  }
}
