import { Backoff } from "./backoff.js"

const SILENCE_MS = 45_000 // three of the server's heartbeats
const STEADY_MS = 5000 // a connection that held so long was a good one

/**
 * An EventSource that does not give up: it opens a new one, from the last event seen, whenever one is lost.
 *
 * The browser's own reconnecting is not relied on, because it ends for good at the first answer that is no stream.
 *
 * @param address  what to open, given the id of the last event seen ("" for none)
 * @param types    names of the events to listen for
 * @param listener onEvent(type, data, id), onOpen(), onLost(), and isOver(): asked after an answer that is no stream,
 *                 resolves to true when there is nothing more to come
 */
export class SteadyStream {
  #source = null
  #timer = 0
  #lastId = ""
  #heardAt = 0
  #openedAt = Infinity
  #backoff = new Backoff()
  #wake = () => this.look()

  constructor(address, types, listener) {
    Object.assign(this, { address, types, listener, opened: false })
  }

  open(lastId = "") {
    this.close()
    this.opened = true
    this.#lastId = lastId
    window.addEventListener("online", this.#wake)
    document.addEventListener("visibilitychange", this.#wake)
    this.#connect()
  }

  /** Drops the connection and opens another one after a while. */
  again() {
    if (Date.now() - this.#openedAt > STEADY_MS) this.#backoff.reset()
    this.#drop()
    this.#timer = setTimeout(() => this.#connect(), this.#backoff.next())
  }

  close() {
    this.opened = false
    this.#drop()
    window.removeEventListener("online", this.#wake)
    document.removeEventListener("visibilitychange", this.#wake)
  }

  #connect() {
    this.#drop()
    const source = (this.#source = new EventSource(this.address(this.#lastId)))
    this.#heardAt = Date.now()
    source.onopen = () => {
      this.#openedAt = Date.now()
      this.listener.onOpen()
    }
    source.onerror = () => this.#lose(source, source.readyState === EventSource.CLOSED)
    for (const type of this.types) source.addEventListener(type, (event) => this.#take(type, event))
  }

  #take(type, event) {
    this.#heardAt = Date.now()
    if (event.lastEventId) this.#lastId = event.lastEventId
    this.listener.onEvent(type, JSON.parse(event.data), event.lastEventId)
  }

  async #lose(source, refused) {
    if (source !== this.#source) return
    this.again()
    this.listener.onLost()
    if (refused && (await this.listener.isOver())) this.close()
  }

  /** The page is seen or online again: what waits tries at once, what has been silent too long is opened anew. */
  look() {
    const silent = Date.now() - this.#heardAt > SILENCE_MS
    if (this.opened && (!this.#source || silent)) this.#connect()
  }

  #drop() {
    clearTimeout(this.#timer)
    this.#source?.close()
    this.#source = null
    this.#openedAt = Infinity
  }
}
