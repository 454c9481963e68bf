import { t, onLanguage } from "../i18n/i18n.js"

const TOLD_MS = 2000
const LONGEST_ARGUMENT = 100_000 // bytes, of the 128 KiB that Linux takes for one

/** Copies the task's address, and the command that asks for the same task. */
export class ShareTools {
  constructor(group, announcer, viewOf) {
    Object.assign(this, { announcer, viewOf })
    for (const button of group.querySelectorAll("[data-copy]")) button.addEventListener("click", () => this.#copy(button))
    onLanguage(() => {})
  }

  async #copy(button) {
    const text = button.dataset.copy === "link" ? `${location.origin}/t/${this.viewOf().id}` : command(this.viewOf())
    const copied = await navigator.clipboard.writeText(text).then(() => true, () => false)
    if (!copied) return prompt(t("share.manual"), text)
    button.textContent = this.announcer.textContent = t("share.copied")
    setTimeout(() => (button.textContent = t(button.dataset.t)), TOLD_MS)
  }
}

/** What starts this task, or attaches to it, from a shell: the same request is the same task. */
export function command({ kind, params }) {
  const body = JSON.stringify({ kind, params })
  const asked = `curl -N -H 'Content-Type: application/json' '${location.origin}/api/stream' -d`
  if (new Blob([body]).size > LONGEST_ARGUMENT) return `${asked} @- <<'END'\n${body}\nEND\n`
  return `${asked} '${body.replaceAll("'", "'\\''")}'`
}
