/**
 * All tabs of one browser, of which one leads: it does what needs a connection, and tells the others.
 *
 * A tab leads until it is closed or put aside (the browser's own locks see to that); then another one takes over.
 * Where the browser has no such locks, each tab leads.
 */
export class OneOfAll {
  #channel = null
  #resign = null

  /** @param listener onLead(), onFollow() when another tab leads, onEnd() when this one no longer does, onTold(message) */
  constructor(name, listener) {
    Object.assign(this, { name, listener, leads: false })
  }

  start() {
    if (!navigator.locks || !globalThis.BroadcastChannel) return this.#lead()
    this.#channel = new BroadcastChannel(this.name)
    this.#channel.onmessage = ({ data }) => this.listener.onTold(data)
    addEventListener("pagehide", () => this.#resign?.())
    addEventListener("pageshow", ({ persisted }) => persisted && this.#join())
    this.#join()
  }

  /** To all other tabs. */
  tell(message) {
    this.#channel?.postMessage(message)
  }

  async #join() {
    const led = await navigator.locks.request(this.name, { ifAvailable: true }, (lock) => lock && this.#hold())
    if (led) return
    this.listener.onFollow()
    navigator.locks.request(this.name, () => this.#hold())
  }

  /** Resolves when this tab leads no more. */
  async #hold() {
    this.#lead()
    await new Promise((resolve) => (this.#resign = resolve))
    this.leads = false
    this.listener.onEnd()
    return true
  }

  #lead() {
    this.leads = true
    this.listener.onLead()
  }
}
