const IME_KEY = 229 // what Safari reports while an input method is composing

/** Whether a key asks, in a box in which Shift+Enter makes a new line. */
export function asks(event) {
  return event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== IME_KEY
}

/** Keeps what is asked before the page can ask, and asks it when the page can. */
export class EarlyAsk {
  #asked = false
  #keep = (event) => {
    if (event.type === "keydown" && !asks(event)) return
    event.preventDefault()
    this.#asked = true
  }

  constructor(form) {
    this.form = form
    for (const type of ["keydown", "submit"]) form.addEventListener(type, this.#keep)
  }

  handOver() {
    for (const type of ["keydown", "submit"]) this.form.removeEventListener(type, this.#keep)
    if (this.#asked) this.form.requestSubmit()
  }
}
