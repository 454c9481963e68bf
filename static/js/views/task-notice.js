import { t } from "../i18n/i18n.js"
import { problemSentence } from "../i18n/words.js"
import { isOver } from "../model/status.js"

/** What stands above a report that is no whole one, and in its place while there is none. */
export class TaskNotice {
  constructor(notice, wait) {
    Object.assign(this, { notice, wait })
  }

  render(view, { isEmpty, isShown, problem }) {
    const lines = sentences(view)
    this.notice.hidden = lines.length === 0
    this.notice.classList.toggle("bad", view.status === "failed")
    this.notice.replaceChildren(...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })))

    const over = isOver(view.status)
    this.wait.hidden = !isEmpty
    this.wait.classList.toggle("still", over && isShown)
    this.wait.querySelector("p").textContent = problem ? trouble(problem) : t(waiting(over, isShown))
  }
}

function trouble(problem) {
  return t("report.trouble", { reason: problemSentence(problem) })
}

function waiting(over, isShown) {
  if (!over) return "report.wait"
  return isShown ? "report.empty" : "report.loading"
}

function sentences({ status, error }) {
  if (status === "stopped") return [t("notice.stopped")]
  if (status !== "failed") return []
  const message = error && problemSentence({ code: error.code, detail: error.message })
  return [message ? t("notice.failed", { message }) : t("notice.failed.unknown"), t("notice.kept")]
}
