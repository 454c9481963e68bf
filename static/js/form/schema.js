// What a JSON Schema, as `GET /api/kinds` tells it, asks of a form.

import { language, t } from "../i18n/i18n.js"
import { wordOf } from "../i18n/words.js"

const LONG_TEXT = 1000 // letters: what may be longer is written in a box of several lines
const UPLOAD = "upload"
export const POSITIONS = /\.\d+(?=\.|$)/g // `tasks.0.steps.12.type` → `tasks.steps.type`
const NAMED = { en: /(`)([^`]+)`/g, zh: /( ?)`?\b([A-Za-z]\w*)\b`? ?/g } // in Chinese a Latin word stands out by itself

/** A schema without references and without the null that stands for "left out"; a yes or no that may be left out says so. */
export function plain(schema, root) {
  if (schema.$ref) {
    const { $ref, ...own } = schema
    return plain({ ...root.$defs[$ref.split("/").at(-1)], ...own }, root)
  }
  const ways = schema.anyOf?.filter(({ type }) => type !== "null")
  if (ways?.length !== 1) return schema
  const { anyOf: _, ...own } = schema
  return plain({ ...ways[0], ...own, isOpen: ways.length < schema.anyOf.length }, root)
}

/** Which field a plain schema is filled in with; what none is made for is written as JSON. */
export function shapeOf(name, schema, root) {
  if (schema.const !== undefined) return "constant"
  if (schema.paste) return "json"
  if (schema.enum) return "choice"
  if (name === UPLOAD && schema.type === "string") return "upload"
  switch (schema.type) {
    case "boolean":
      return schema.isOpen ? "maybe" : "flag"
    case "integer":
    case "number":
      return "number"
    case "string":
      return schema.maxLength >= LONG_TEXT && !/ur[il]/i.test(name) ? "long" : "text"
    case "object":
      return schema.properties ? "group" : "json"
    case "array":
      return shapeOfList(plain(schema.items ?? {}, root))
    default:
      return "json"
  }
}

function shapeOfList(each) {
  if (each.enum) return "choices"
  if ((each.type === "object" && each.properties) || verbsOf(each)) return "list"
  return ["string", "integer", "number"].some((type) => type === each.type || each.anyOf?.some((way) => way.type === type)) ? "lines" : "json"
}

/** The names of an element that is one of several, told apart by one property, in their order; null for any other. */
export function verbsOf({ oneOf, discriminator }) {
  const named = Object.entries(discriminator?.mapping ?? {})
  return named.length && oneOf ? oneOf.map(({ $ref }) => named.find(([, place]) => place === $ref)[0]) : null
}

/**
 * Title and description in the language of the page, as far as the schema has them. What they name as it is sent
 * (`auto`, `users`) is called as the form calls it: a value of the field itself, or the field beside it.
 */
export function wordsOf(name, schema, { path = name, beside = {} } = {}) {
  const { title, description } = worded(schema)
  const values = schema.enum ?? schema.items?.enum ?? []
  const called = (whole, mark, code) => {
    const word = values.includes(code) ? wordOf(path.replace(POSITIONS, ""), code) : beside[code] && worded(beside[code]).title
    return word ? t("form.quoted", { word }) : whole.replaceAll("`", "")
  }
  return { title: title ?? name, description: description?.replace(NAMED[language()], called) ?? "" }
}

function worded(schema) {
  return { ...schema, ...(language() === "zh" && schema.zh) }
}

/** The property that a kind is mainly asked by: the one that stands in the big box. */
export function mainProperty({ schema }) {
  const named = Object.entries(schema.properties ?? {}).map(([name, each]) => [name, plain(each, schema)])
  const long = named.filter(([name, each]) => shapeOf(name, each, schema) === "long").map(([name]) => name)
  return long.find((name) => schema.required?.includes(name)) ?? long[0] ?? null
}
