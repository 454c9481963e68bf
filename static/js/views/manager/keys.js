const OFF = "holdfast.keys.off"
const KEYS = new Set("jkxapsrd/?").add("Escape")

/** Single keys. They can be turned off, as somebody who speaks to the computer, or slips, must be able to. */
export class Keys {
  /** @param onKey(key)  false where there was nothing to do */
  constructor(dialog, isHere, onKey) {
    const box = dialog.querySelector("input")
    box.checked = !localStorage.getItem(OFF)
    box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")))
    document.addEventListener("keydown", (event) => {
      const { key, target } = event
      const writes = target.matches("input:not([type=checkbox]), select, textarea") && key !== "Escape"
      if (!KEYS.has(key) || writes || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
      if (!isHere() || !box.checked || document.querySelector("dialog[open], :popover-open")) return
      if (onKey(key) !== false) event.preventDefault()
    })
  }
}
