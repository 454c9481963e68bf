import { api } from "../net/api.js"
import { t } from "../i18n/i18n.js"
import { problemSentence, size } from "../i18n/words.js"
import { make } from "../page/make.js"
import { framed } from "./fields.js"

/** A file that is chosen, or dropped here: it goes to the server at once, and the parameter is its id. */
export function uploadField(path, words) {
  let id, fault = null
  let turn = 0 // of what was chosen, the newest counts, however late an answer comes
  const control = make("input", { type: "file", className: "visually-hidden" })
  const state = make("span", { className: "drop-state", role: "status" })
  const remove = make("button", { type: "button", className: "link", textContent: t("upload.remove"), hidden: true })
  const element = framed(path, words, control, { wide: true })
  const zone = make("label", { className: "drop", for: control.id }, make("strong", { textContent: t("upload.choose") }), " ", t("upload.drop"), state)
  control.after(zone, remove)

  function stand(found, told, wrong = null) {
    id = found
    fault = wrong
    state.textContent = told
    remove.hidden = !told
  }

  async function take(file) {
    if (!file) return
    const own = ++turn
    control.dispatchEvent(new Event("input", { bubbles: true })) // whatever was wrong with the field is so no more
    stand(undefined, t("upload.busy", { name: file.name }), { code: "upload_busy" })
    try {
      const kept = await api.upload("/api/uploads", file)
      if (own === turn) stand(kept.id, t("upload.done", { name: file.name, size: size(file.size) }))
    } catch (problem) {
      const reason = problem.errors?.[0]?.message ?? problemSentence(problem)
      const message = t("upload.failed", { name: file.name, reason })
      if (own === turn) stand(undefined, message, { code: "upload_failed", message })
    }
  }

  /** Names the file that an id stands for, where the server still has it. */
  async function fill(value) {
    const own = ++turn
    stand(value, value?.slice(0, 12) ?? "")
    if (!value) return
    const kept = await api.get(`/api/uploads/${value}`).catch(() => null)
    if (kept && own === turn) stand(value, t("upload.done", { name: kept.name, size: size(kept.bytes) }))
  }

  control.addEventListener("change", () => {
    take(control.files[0])
    control.value = "" // the same file may be chosen again, when it has changed
  })
  remove.addEventListener("click", () => {
    fill(undefined)
    control.dispatchEvent(new Event("input", { bubbles: true }))
    control.focus()
  })
  for (const type of ["dragover", "dragleave", "drop"]) {
    zone.addEventListener(type, (event) => {
      event.preventDefault()
      zone.classList.toggle("over", type === "dragover")
      if (type === "drop") take(event.dataTransfer.files[0])
    })
  }
  return { path, control, element, isWrong: () => fault !== null, fault: () => fault, read: () => id, fill, take }
}
