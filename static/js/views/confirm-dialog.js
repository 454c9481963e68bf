/** Asks before something that can't be undone. */
export class ConfirmDialog {
  constructor(dialog) {
    this.dialog = dialog
  }

  /** Resolves to whether it may be done. */
  ask({ title, body, yes }) {
    this.dialog.querySelector("h2").textContent = title
    this.dialog.querySelector("p").textContent = body
    this.dialog.querySelector("[value=yes]").textContent = yes
    this.dialog.returnValue = ""
    this.dialog.showModal()
    return new Promise((resolve) => {
      this.dialog.addEventListener("close", () => resolve(this.dialog.returnValue === "yes"), { once: true })
    })
  }
}
