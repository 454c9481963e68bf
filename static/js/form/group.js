// Fields that are made of fields: the properties of an object, and lists of objects.

import { t } from "../i18n/i18n.js"
import { make, sign } from "../page/make.js"
import { choiceField, choicesField, errorLine, flagField, jsonField, linesField, maybeField, numberField, textField } from "./fields.js"
import { plain, shapeOf, verbsOf, wordsOf } from "./schema.js"
import { uploadField } from "./upload-field.js"

const DEEPEST = 3
const FIRST_SHOWN = 3 // simple fields of an element; the others are folded away
const FOLDED = new Set(["group", "list", "json"])

/** Each property's field, without those in `except`. What is needed is sent even when it is empty, where all around it is (`isSent`). */
export function fieldsOf(schema, root, { path = "", except = [], depth = 0, isSent = true } = {}) {
  const beside = { ...root.properties, ...schema.properties }
  const names = Object.keys(schema.properties ?? {}).filter((name) => !except.includes(name))
  return names.map((name) => {
    const each = plain(schema.properties[name], root)
    const isNeeded = schema.required?.includes(name) ?? false
    return { name, isNeeded, ...fieldOf(path ? `${path}.${name}` : name, name, each, root, { isNeeded, isSent: isSent && isNeeded, depth, beside }) }
  })
}

function fieldOf(path, name, schema, root, { isNeeded, isSent, depth, beside }) {
  const words = wordsOf(name, schema, { path, beside })
  const shape = shapeOf(name, schema, root)
  const make = {
    constant: () => constant(path, schema.const),
    choice: () => choiceField(path, words, schema, isNeeded),
    upload: () => uploadField(path, words),
    flag: () => flagField(path, words, schema),
    maybe: () => maybeField(path, words),
    number: () => numberField(path, words, schema),
    text: () => textField(path, words, schema, { long: false }),
    long: () => textField(path, words, schema, { long: true }),
    lines: () => linesField(path, words, schema, plain(schema.items, root)),
    choices: () => choicesField(path, words, schema, plain(schema.items, root).enum),
    group: () => groupField(path, words, schema, root, { isSent, depth: depth + 1 }),
    list: () => listField(path, words, plain(schema.items, root), root, { isNeeded, isSent, depth: depth + 1 }),
    json: () => jsonField(path, words),
  }[depth >= DEEPEST && FOLDED.has(shape) ? "json" : shape]
  return { schema, isFolded: FOLDED.has(shape), ...make() }
}

/** What fields say together; undefined when all are left out. */
export function readAll(fields) {
  const told = fields.map(({ name, read }) => [name, read()]).filter(([, value]) => value !== undefined)
  return told.length ? Object.fromEntries(told) : undefined
}

function constant(path, value) {
  return { path, element: make("span", { hidden: true }), inner: [], isWrong: () => false, read: () => value, fill: () => {} }
}

function groupField(path, { title, description }, schema, root, { isSent, depth }) {
  const inner = fieldsOf(schema, root, { path, depth, isSent })
  const body = make("div", { className: "options-grid" }, ...inner.map(({ element }) => element))
  const element = make("details", { className: "field-wide group", open: isSent }, make("summary", {}, make("span", { textContent: title }), " ", make("small", { textContent: description })), errorLine(`group-${path}`), body)
  element.dataset.path = path
  return { path, element, inner, isWrong: () => false, read: () => readAll(inner) ?? (isSent ? {} : undefined), fill: (value) => fillAll(inner, value) }
}

export function fillAll(fields, values) {
  for (const field of fields) field.fill(values?.[field.name])
}

function listField(path, { title, description }, each, root, { isNeeded, isSent, depth }) {
  const rows = make("ol", { className: "rows" })
  const add = make("button", { type: "button", className: "button small" }, t("form.add"))
  const element = make("fieldset", { className: "field-wide list" }, make("legend", { textContent: title }), description && make("p", { className: "hint", textContent: description }), errorLine(`list-${path}`), rows, add)
  element.dataset.path = path
  const field = { path, element, inner: [], isWrong: () => false }
  const verbs = verbsOf(each)
  const everywhere = verbs && commonIn(Object.values(each.discriminator.mapping).map(($ref) => plain({ $ref }, root)))

  /** The choice of a verb, and what it takes. Another choice makes the row anew. */
  function verbFields(verb = verbs[0]) {
    const { propertyName: name, mapping } = each.discriminator
    const place = field.inner.length
    const schema = plain({ $ref: mapping[verb] ?? mapping[verbs[0]] }, root)
    const choice = choiceField(`${path}.${place}.${name}`, wordsOf(name, schema.properties[name]), { enum: verbs, default: verb }, true)
    choice.control.addEventListener("change", () => {
      field.fill(field.read().map((value, at) => (at === place ? { [name]: value[name] } : value)))
      field.inner[place].inner[0].control.focus()
    })
    const taken = fieldsOf(schema, root, { path: `${path}.${place}`, except: [name], depth, isSent })
    for (const one of taken) one.isFolded ||= !one.isNeeded && everywhere.has(one.name)
    return [{ name, isNeeded: true, schema: {}, ...choice }, ...taken]
  }

  function addRow(value) {
    const inner = verbs ? verbFields(value?.[each.discriminator.propertyName]) : fieldsOf(each, root, { path: `${path}.${field.inner.length}`, depth, isSent })
    const shown = inner.filter((one) => !one.isFolded).slice(0, FIRST_SHOWN)
    const all = new Set([...shown, ...inner.filter((one) => one.isNeeded)])
    const folded = inner.filter((one) => !all.has(one))
    const remove = make("button", { type: "button", className: "tool tool-icon", ariaLabel: t("form.remove", { n: field.inner.length + 1 }) }, sign("close"))
    const more = folded.length > 0 && make("details", { className: "group" }, make("summary", { textContent: t("form.more") }), make("div", { className: "options-grid" }, ...folded.map((one) => one.element)))
    rows.append(make("li", {}, remove, make("div", { className: "options-grid" }, ...[...all].map((one) => one.element)), more))
    remove.addEventListener("click", () => {
      const values = field.read() ?? []
      values.splice([...rows.children].indexOf(remove.parentElement), 1)
      field.fill(values)
      ;(rows.querySelector("input, textarea") ?? add).focus()
    })
    field.inner.push({ name: String(field.inner.length), path: `${path}.${field.inner.length}`, element: rows.lastChild, inner, isWrong: () => false, read: () => readAll(inner) ?? {} })
    if (value) {
      fillAll(inner, value)
      if (more) more.open = folded.some(({ name, schema }) => value[name] != null && JSON.stringify(value[name]) !== JSON.stringify(schema.default))
    }
    return inner
  }

  add.addEventListener("click", () => addRow().find((one) => one.control)?.control.focus())
  field.read = () => {
    const values = field.inner.map((row) => row.read())
    return isSent || values.some((value) => Object.keys(value).length) ? values : undefined
  }
  field.fill = (values) => {
    rows.replaceChildren()
    field.inner = []
    for (const value of values ?? []) addRow(value)
    if (isNeeded && !field.inner.length) addRow()
  }
  field.fill()
  return field
}

/** The names that all of these objects have. */
function commonIn([first, ...others]) {
  return new Set(Object.keys(first.properties).filter((name) => others.every(({ properties }) => name in properties)))
}
