import { api } from "../net/api.js"
import { t } from "../i18n/i18n.js"
import { problemSentence, size } from "../i18n/words.js"
import { make } from "../page/make.js"
import { framed } from "./fields.js"

/** A file that is chosen, or dropped here: it goes to the server at once, and the parameter is its id. */
export function uploadField(path, words) {
  let id, busy = false
  const control = make("input", { type: "file", className: "visually-hidden" })
  const state = make("span", { className: "drop-state", role: "status" })
  const element = framed(path, words, control, { wide: true })
  const zone = make("label", { className: "drop", for: control.id }, make("strong", { textContent: t("upload.choose") }), " ", t("upload.drop"), state)
  control.after(zone)

  async function take(file) {
    if (!file) return
    busy = true
    state.textContent = t("upload.busy", { name: file.name })
    try {
      id = (await api.upload("/api/uploads", file)).id
      state.textContent = t("upload.done", { name: file.name, size: size(file.size) })
    } catch (problem) {
      id = undefined
      state.textContent = t("upload.failed", { name: file.name, reason: problemSentence(problem) })
    }
    busy = false
  }

  control.addEventListener("change", () => take(control.files[0]))
  for (const type of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(type, (event) => {
      event.preventDefault()
      zone.classList.toggle("over", type === "dragover")
      if (type === "drop") take(event.dataTransfer.files[0])
    })
  }
  return {
    path, control, element,
    isWrong: () => busy,
    read: () => id,
    fill: (value) => {
      id = value
      if (value) state.textContent = value.slice(0, 12)
    },
  }
}
