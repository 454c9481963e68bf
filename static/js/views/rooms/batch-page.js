import { t } from "../../i18n/i18n.js"
import { reasonSentence } from "../../i18n/words.js"

const SIGNS = { waiting: "pending", not_chosen: "pending", skipped: "stopped", needs_confirmation: "paused" }
const OWN_WORDS = new Set(["not_chosen", "skipped", "needs_confirmation"]) // the other states are those of tasks
const PICTURE = /\.(png|jpe?g|webp)$/i

/** One page of a batch: how it stands, its pictures and files, and what went wrong. */
export function fillPage(item, page, taskId) {
  const { state, attempts, http_status: code, error, artifacts } = page
  const stamp = [taskId, state, attempts, artifacts?.length, t("nav"), error && reasonSentence(error)].join()
  if (item.dataset.stamp === stamp) return
  const find = (selector) => item.querySelector(selector)
  const sign = SIGNS[state] ?? state
  Object.assign(item.dataset, { stamp, state })
  find(".status").dataset.status = sign
  find("use").setAttribute("href", `#i-${sign}`)
  const name = page.title || page.url || page.key
  find(".batch-title").textContent = name
  const more = attempts > 1 && t("page.attempts", { n: attempts })
  const address = page.title && (page.final_url ?? page.url)
  find(".batch-line").textContent = [t(OWN_WORDS.has(state) ? `page.${state}` : `status.${sign}`), code && `HTTP ${code}`, more, address].filter(Boolean).join(" · ")
  find(".batch-error").textContent = error ? reasonSentence(error) : ""
  find(".batch-files").replaceChildren(...(artifacts ?? []).map((file) => fileLink(taskId, file.name, name)))
}

function fileLink(taskId, file, title) {
  const href = `/api/tasks/${taskId}/artifacts/${encodeURIComponent(file)}`
  const link = Object.assign(document.createElement("a"), { href, target: "_blank" })
  if (!PICTURE.test(file)) return Object.assign(link, { textContent: file, download: file })
  link.append(Object.assign(document.createElement("img"), { src: href, loading: "lazy", alt: `${title}: ${file}` }))
  return link
}
