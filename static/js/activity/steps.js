import { t } from "../i18n/i18n.js"
import { duration, moment, stepName } from "../i18n/words.js"
import { make, sign } from "../page/make.js"

const SHOWN = 14
const TICK_MS = 1000

/** The steps that are finished, with how long they took, and those under way. */
export class Steps {
  #all = false

  constructor(activity, fold) {
    Object.assign(this, { activity, fold })
    setInterval(() => !document.hidden && activity.running.length && fold.render(this.count), TICK_MS)
  }

  get count() {
    return this.activity.total + this.activity.running.length
  }

  fill(body) {
    const { steps, total, running } = this.activity
    const shown = this.#all ? steps : steps.slice(-SHOWN)
    const earlier = total - shown.length
    const more = make("button", { type: "button", className: "link", textContent: t("steps.earlier", { n: earlier }) })
    more.addEventListener("click", () => {
      this.#all = true
      this.fill(body)
    })
    const done = shown.map(({ label, seconds, finished_at: at }) => row("completed", label, duration(seconds * 1000), at))
    const now = running.map(({ label, at }) => row("running", label, duration(Math.max(0, Date.now() - Date.parse(at))), at))
    body.replaceChildren(earlier > 0 && !this.#all ? more : "", make("ol", { className: "steps" }, ...done, ...now))
  }
}

function row(status, label, time, at) {
  const badge = make("span", { className: "status" }, sign(status))
  badge.dataset.status = status
  return make("li", { title: moment(at) }, badge, make("span", { textContent: stepName(label) }), make("time", { dateTime: at, textContent: time }))
}
