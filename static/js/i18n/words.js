// Numbers, times and errors in words, in the language of the page.

import { PROBLEMS, knows, languageTag, need, t } from "./i18n.js"

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR
const DEMO = /^Demo: (\d+) events \(seed (\d+)\)$/
const NOVEL_TASK = / · ([a-z]+)((?: [\d,-]+)?)$/
const OWN_KEY = /^([a-z]+)(?::(\d+))?$/
const VERBS = "verb-"
const JUST_NOW = 10 * SECOND

const formats = new Map()

/** Made once for each language and kind: making one takes longer than a hundred uses. */
function format(Kind, options) {
  const key = `${Kind.name} ${languageTag()}`
  if (!formats.has(key)) formats.set(key, new Kind(languageTag(), options))
  return formats.get(key)
}

/** `90` → "about 2 minutes left"; null → "". */
export function timeLeft(seconds) {
  if (seconds == null) return ""
  if (seconds < 10) return t("eta.moment")
  if (seconds < 60) return t("eta.minute")
  if (seconds < 90 * 60) return t(seconds < 90 ? "eta.oneMinute" : "eta.minutes", { n: Math.round(seconds / 60) })
  return t("eta.hours", { n: (seconds / 3600).toLocaleString(languageTag(), { maximumFractionDigits: 1 }) })
}

/** `"2026-01-02T03:04:05Z"` → "5 minutes ago". */
export function ago(iso) {
  const passed = Date.now() - Date.parse(iso)
  if (passed < JUST_NOW) return t("ago.now")
  const words = format(Intl.RelativeTimeFormat, { numeric: "auto", style: "short" })
  if (passed < MINUTE) return words.format(-Math.round(passed / SECOND), "second")
  if (passed < HOUR) return words.format(-Math.round(passed / MINUTE), "minute")
  if (passed < DAY) return words.format(-Math.round(passed / HOUR), "hour")
  return passed < 30 * DAY ? words.format(-Math.round(passed / DAY), "day") : new Date(iso).toLocaleDateString(languageTag())
}

export function moment(iso) {
  return format(Intl.DateTimeFormat, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(iso))
}

/** Milliseconds → "4.2 s", "3 min 20 s", "2 h 5 min". */
export function duration(ms) {
  if (ms < 10 * SECOND) return t("took.seconds", { s: Math.max(0.1, ms / SECOND).toFixed(1) })
  const seconds = Math.round(ms / SECOND)
  if (seconds < 60) return t("took.seconds", { s: seconds })
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return t("took.minutes", { m: minutes, s: seconds % 60 })
  return t("took.hours", { h: Math.floor(minutes / 60), m: minutes % 60 })
}

/** Bytes → "12 kB". */
export function size(bytes) {
  const [unit, per] = bytes < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6]
  return (bytes / per).toLocaleString(languageTag(), { style: "unit", unit, maximumFractionDigits: 1 })
}

export function percent(value) {
  return `${Math.floor(value)}%`
}

/** A task's title without characters that show nothing, or a box; what the server itself says in it, in the page's words. */
export function titleOf({ title, kind }) {
  const named = { novel: inNovel, demo: asDemo }[kind]?.(title ?? "") ?? title
  const readable = (named || kind).replace(/[\p{Cc}\p{Cn}\p{Co}\p{Cs}\s]+/gu, " ").trim()
  return /[^\p{C}\p{Z}\p{M}]/u.test(readable) ? readable : t("task.untitled")
}

const inNovel = (title) => title.replace(NOVEL_TASK, (_, type, rest) => ` · ${wordOf("task_type", type)}${rest}`)
const asDemo = (title) => title.replace(DEMO, (_, events, seed) => t("title.demo", { events, seed }))

/** A value of a choice in words, where the page has some for it. `path`: of the parameter, without positions in lists. */
export function wordOf(path, value) {
  const names = path.split(".")
  const key = names.map((_, from) => ["value", ...names.slice(from), value].join(".")).find(knows)
  return key ? t(key) : value
}

/** What a step is called: as its workflow calls it, or by the page's word for one that has only its key. */
export function stepName(label) {
  const [, key, number] = OWN_KEY.exec(label) ?? []
  return knows(`step.${key}`) ? [t(`step.${key}`), number && Number(number) + 1].filter(Boolean).join(" ") : label
}

/** What a step is doing; of a page of a batch, the verb that is done on it. */
export function doing({ message, step }) {
  return stepName(message || step).replace(/: ([a-zA-Z]+)$/, (whole, verb) => {
    need(VERBS)
    const key = [`value.steps.type.${verb}`, `value.captures.${verb}`].find(knows)
    return key ? t("progress.doing", { what: t(key) }) : whole
  })
}

/** What a problem says: in the page's words where it has some, else in the server's. */
export function problemSentence({ code, detail }) {
  need(PROBLEMS)
  return knows(`problem.${code}`) ? t(`problem.${code}`, { detail }) : detail
}

/** Why an item of a batch is as it is, or a source was not read. */
export function reasonSentence({ code, message }) {
  need(PROBLEMS)
  const [, status] = /^http_(\d+)$/.exec(code) ?? []
  const key = status ? "reason.http" : `reason.${code}`
  return knows(key) ? t(key, { status, detail: message }) : problemSentence({ code, detail: message ?? code })
}

/** What is wrong with a field: in the page's words where it has some, with the limits of its schema, else in the server's. */
export function fieldSentence({ path, code, message, limits = {} }) {
  const name = path.split(".").findLast((part) => !/^\d*$/.test(part))
  const key = [`field.${name}.${code}`, `field.${code}`].find(knows)
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, minItems, maxItems } = limits
  const least = minimum ?? exclusiveMinimum ?? minLength ?? minItems, most = maximum ?? exclusiveMaximum ?? maxLength ?? maxItems
  return key && !(t(key).includes("{min}") && least == null) && !(t(key).includes("{max}") && most == null)
    ? t(key, { min: least?.toLocaleString(), max: most?.toLocaleString(), message })
    : message
}
