/** Whether the server is reached, summed up over all that talk to it. Tells "lost" and "found". */
export class Link extends EventTarget {
  #troubled = new Set()

  lost(who) {
    this.#troubled.add(who)
    if (this.#troubled.size === 1) this.dispatchEvent(new Event("lost"))
  }

  found(who) {
    if (this.#troubled.delete(who) && this.#troubled.size === 0) this.dispatchEvent(new Event("found"))
  }
}
