const FIRST_MS = 250
const LONGEST_MS = 5000
const SPREAD = 0.3

/** How long to wait before trying again: longer each time, and never the same for all who wait. */
export class Backoff {
  #next = FIRST_MS

  reset() {
    this.#next = FIRST_MS
  }

  next() {
    const wait = this.#next * (1 + SPREAD * Math.random())
    this.#next = Math.min(this.#next * 2, LONGEST_MS)
    return wait
  }
}
