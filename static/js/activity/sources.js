import { api } from "../net/api.js"
import { t } from "../i18n/i18n.js"
import { problemSentence } from "../i18n/words.js"
import { make } from "../page/make.js"

const ADDRESS = /^https?:\/\//

/** Each source of a report with what is quoted from it, word for word, as its result has it. */
export async function fillSources(body, address) {
  const told = await api.get(`${address}/result`).catch((problem) => ({ problem }))
  if (told.problem) return body.replaceChildren(make("p", { className: "hint", textContent: problemSentence(told.problem) }))
  const quotes = Map.groupBy(told.evidence ?? [], ({ source }) => source)
  const items = (told.sources ?? []).map((source) => item(source, quotes.get(source.n) ?? quotes.get(source.id) ?? []))
  body.replaceChildren(items.length ? make("ol", { className: "sources" }, ...items) : make("p", { className: "hint", textContent: t("sources.none") }))
}

function item({ n, title, url, path, date }, quotes) {
  const name = title || url || path
  const head = url && ADDRESS.test(url) ? make("a", { href: url, target: "_blank", rel: "noopener noreferrer", textContent: name }) : make("span", { textContent: name })
  const facts = [url && ADDRESS.test(url) ? new URL(url).host : path, date].filter(Boolean).join(" · ")
  return make("li", {}, make("span", { className: "source-number", textContent: n ? `[${n}]` : "" }), make("div", {}, head, " ", make("small", { textContent: facts }),
    ...quotes.map(({ quote, text }) => make("blockquote", { textContent: quote ?? text ?? "" }))))
}
