import { knows, languageTag, need, t } from "../i18n/i18n.js"
import { doing, problemSentence, reasonSentence, size } from "../i18n/words.js"
import { make } from "../page/make.js"

const SHOWN = 200

/** The last entries of a task's log, the newest first. */
export function fillEvents(body, { entries, dropped }, address) {
  need("log-")
  const shown = entries.slice(-SHOWN).reverse()
  const rows = shown.map(({ seq, at, type, data }) =>
    make("li", {}, make("time", { dateTime: at, textContent: new Date(at).toLocaleTimeString(languageTag(), { hour12: false }) }), make("code", { textContent: type }), make("span", { textContent: said(type, data), title: `#${seq}` })))
  const hidden = entries.length + dropped - shown.length
  const whole = make("a", { href: `${address}/log`, target: "_blank", rel: "noopener", textContent: t("events.all") })
  body.replaceChildren(make("ol", { className: "events", tabIndex: 0, ariaLabel: t("part.events") }, ...rows), make("p", { className: "hint" }, hidden > 0 ? t("events.older", { n: hidden }) : "", " ", whole))
}

function said(type, data) {
  switch (type) {
    case "status":
    case "done":
      return [t(`status.${data.status}`), data.reason && data.reason !== data.status && why(data.reason), data.attempt > 1 && `#${data.attempt}`, data.node].filter(Boolean).join(" · ")
    case "progress":
      return `${Math.floor(data.percentage)}% · ${doing(data)}`
    case "output":
    case "reasoning":
      return t("events.text", { part: data.part, n: data.characters.toLocaleString() })
    case "item":
      return [data.title || data.url || data.key, t(`status.${data.status ?? data.outcome}`)].join(" · ")
    case "artifact":
      return `${data.name} · ${size(data.size)}`
    case "failure":
      return problemSentence({ code: data.code, detail: data.message })
    case "rollback":
      return t("events.rollback", { part: data.part })
    default:
      return ""
  }
}

/** Why a status changed: a word of the journal's, or the code of what went wrong. */
function why(reason) {
  return knows(`why.${reason}`) ? t(`why.${reason}`) : reasonSentence({ code: reason })
}
