import { t } from "../i18n/i18n.js"

/** Shows a status by its sign, its colour and, where there is room for it, its word. */
export function fillStatus(badge, status, word = badge.querySelector(".status-word")) {
  if (badge.dataset.status !== status) {
    badge.dataset.status = status
    badge.querySelector("use").setAttribute("href", `#i-${status}`)
  }
  word.textContent = t(`status.${status}`)
}
