const OFF = "holdfast.keys.off"
const KEYS = new Set("jkxapsrd/?").add("Escape")
const IN_ROW = { ArrowDown: "j", ArrowUp: "k" }

/** Single keys. Letters can be turned off, as somebody who speaks to the computer, or slips, must be able to. */
export class Keys {
  /** @param onKey(key)  false where there was nothing to do */
  constructor(dialog, isHere, onKey) {
    const box = dialog.querySelector("input")
    box.checked = !localStorage.getItem(OFF)
    box.addEventListener("change", () => (box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")))
    document.addEventListener("keydown", (event) => {
      const { target } = event
      const key = meant(event)
      const isLetter = key === event.key && key !== "Escape"
      const writes = target.matches("input:not([type=checkbox]), select, textarea") && isLetter
      if (!KEYS.has(key) || writes || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
      if (!isHere() || (isLetter && !box.checked) || document.querySelector("dialog[open], :popover-open")) return
      if (onKey(key) !== false) event.preventDefault()
    })
  }
}

/** Arrows and space are letters where they can't mean what they mean elsewhere: in a row, and below the search. */
function meant({ key, target }) {
  if (key === " ") return target.matches(".row-title") ? "x" : key
  if (target.closest(".row")) return IN_ROW[key] ?? key
  return key === "ArrowDown" && target.name === "q" ? "j" : key
}
