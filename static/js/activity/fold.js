/** Shows a part of the task's page only where there is something in it, and fills it in only while it is open. */
export class Fold {
  constructor(details, fill) {
    Object.assign(this, { details, fill, stale: false })
    details.addEventListener("toggle", () => this.#refill())
  }

  /** @param count how many there are; none hides it */
  render(count) {
    this.details.hidden = !count
    const mark = this.details.querySelector(".count")
    if (mark) mark.textContent = count > 1 || mark.dataset.always != null ? count.toLocaleString() : ""
    this.stale = true
    this.#refill()
  }

  #refill() {
    if (!this.stale || !this.details.open || this.details.hidden) return
    this.stale = false
    this.fill(this.details.querySelector(".fold-body"))
  }
}
