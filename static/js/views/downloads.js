import { knows, t } from "../i18n/i18n.js"
import { make } from "../page/make.js"

const EVERY_KIND = ["md", "html", "pdf", "docx", "json", "zip"] // whatever a task has come to; a kind's own formats are made of a result

/** A link for each format in which a task's report can be had. */
export function renderDownloads(line, { id, status, params, has_result: hasResult }, kind) {
  line.hidden = status === "pending" || status === "running"
  const isMade = (format) => Object.entries(kind.formats_when[format] ?? {}).every(([name, values]) => values.includes(params[name]))
  const formats = hasResult && kind ? kind.formats.filter(isMade) : EVERY_KIND
  const links = formats.map((format) => make("a", { href: `/api/tasks/${id}/report.${format}?download=1`, download: "", textContent: knows(`format.${format}`) ? t(`format.${format}`) : format.toUpperCase() }))
  const told = links.map(({ href, textContent }) => href + textContent).join()
  if (line.dataset.told === told) return
  line.dataset.told = told
  line.replaceChildren(make("span", { textContent: t("links.label") }), ...links)
}
