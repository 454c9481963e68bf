import { t } from "../../i18n/i18n.js"
import { percent, problemSentence, titleOf } from "../../i18n/words.js"
import { isOver } from "../../model/status.js"
import { fillTime } from "../../page/relative-times.js"
import { fillStatus } from "../status-badge.js"
import { OFFERED } from "../task-actions.js"

const SIGNS = { pause: "paused", resume: "play", stop: "stopped", retry: "retry", rerun: "retry", delete: "bin" }

export const makeRow = () => document.querySelector("#manager-row").content.firstElementChild.cloneNode(true)

/** Draws a task as a row of the manager. What stands there already is not written again. */
export function fillRow(element, row, kindName, selected, busy) {
  const why = row.error && problemSentence({ code: row.error.code, detail: row.error.message })
  const stamp = [row.id, row.generation, row.seq, row.status, row.queue_position, selected, busy, kindName, t("nav"), why].join()
  if (element.dataset.stamp === stamp) return
  Object.assign(element.dataset, { stamp, id: row.id })
  element.classList.toggle("selected", selected)
  const find = (selector) => element.querySelector(selector)
  const title = titleOf(row)
  const over = isOver(row.status)
  find("input").checked = selected
  find("input").ariaLabel = t("manager.select", { title })
  find("a").textContent = find("a").title = title
  find("a").setAttribute("href", `/t/${row.id}`)
  find(".row-labels").replaceChildren(...labels(row, kindName, why))
  fillStatus(find(".status"), row.status)
  find(".row-far").dataset.status = row.status
  find("progress").hidden = over
  find("progress").value = row.progress.percentage
  find(".row-number").textContent = over ? "" : far(row)
  fillTime(find("time"), row.finished_at ?? row.created_at)
  const offered = OFFERED[row.status].filter((action) => action !== "rerun" || row.status === "completed")
  for (const [index, button] of [...find(".row-actions").children].entries()) {
    const action = (button.dataset.action = offered[index] ?? "")
    button.hidden = !action
    button.disabled = busy
    button.title = t(`action.${action}`)
    button.ariaLabel = `${button.title}: ${title}`
    button.querySelector("use").setAttribute("href", `#i-${SIGNS[action]}`)
  }
}

function far({ status, progress, queue_position: place }) {
  return status === "pending" && place ? t("manager.place", { n: place }) : percent(progress.percentage)
}

/** @param why  it failed, or is kept waiting; null where there is nothing to say */
function labels({ project, session }, kindName, why) {
  const said = why && Object.assign(document.createElement("span"), { className: "row-error", textContent: why, title: why })
  return [kindName, project && link("p", project), session && link("s", session), said].filter(Boolean)
}

function link(room, name) {
  const made = Object.assign(document.createElement("a"), { textContent: name, href: `/${room}/${encodeURIComponent(name)}` })
  made.dataset.link = ""
  return made
}
