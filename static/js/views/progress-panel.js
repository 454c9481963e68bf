import { t } from "../i18n/i18n.js"
import { doing, percent, stepName, timeLeft } from "../i18n/words.js"
import { isOver } from "../model/status.js"

/** How far a task is: a bar, what it does now, and how long it may still take. */
export class ProgressPanel {
  constructor(panel) {
    this.panel = panel
    this.bar = panel.querySelector("progress")
    this.current = panel.querySelector(".progress-current")
    this.message = panel.querySelector(".progress-message")
    this.numbers = panel.querySelector(".progress-numbers")
  }

  render(view) {
    const { progress, status } = view
    this.panel.hidden = status === "completed"
    this.panel.dataset.status = status
    this.panel.querySelector(".progress-note").hidden = isOver(status) || status === "paused"
    this.bar.value = progress.percentage
    this.bar.ariaLabel = t("progress.label")
    this.current.hidden = status !== "running" || progress.current_percentage == null
    this.current.firstElementChild.value = progress.current_percentage ?? 0
    this.current.firstElementChild.ariaLabel = t("progress.current")
    this.message.textContent = isOver(status) ? stepName(progress.step) : message(view)
    this.numbers.textContent = numbers(view).filter(Boolean).join(" · ")
  }
}

function message({ status, progress, queue_position: place, stalled }) {
  if (stalled) return t(`stalled.${stalled.code}`)
  if (status === "paused") return t("progress.paused")
  if (status === "pending") return place > 1 ? t("progress.queue", { n: place, before: place - 1 }) : t("progress.starting")
  return doing(progress) || t("progress.starting")
}

function numbers({ status, progress }) {
  const { completed, failed, skipped, total, percentage, eta_seconds: eta } = progress
  return [
    total > 0 && t(failed ? "progress.count.failed" : "progress.count", { done: completed + failed + skipped, total, failed }),
    percent(percentage),
    status === "running" && timeLeft(eta),
  ]
}
