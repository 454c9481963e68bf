// One control for each simple shape. A field has an element, a `control` for the keyboard, `read()` (undefined: left out) and `fill(value)`.

import { t } from "../i18n/i18n.js"
import { wordOf } from "../i18n/words.js"
import { make } from "../page/make.js"
import { POSITIONS } from "./schema.js"

let count = 0

/** A control with its label, its description and the place for what is wrong with it. */
export function framed(path, { title, description }, control, { wide = false, inline = false } = {}) {
  const id = (control.id = `field-${++count}`)
  const hint = description && make("p", { className: "hint", id: `${id}-hint`, textContent: description })
  if (hint) control.setAttribute("aria-describedby", hint.id)
  const label = make("label", { for: id, textContent: title })
  const element = make("div", { className: "field" }, ...(inline ? [make("p", { className: "flag" }, control, label)] : [label, control]), hint, errorLine(id))
  element.classList.toggle("field-wide", wide)
  element.dataset.path = path
  return element
}

export function errorLine(id) {
  return make("p", { className: "field-error", id: `${id}-error`, hidden: true })
}

export function textField(path, words, schema, { long }) {
  const control = make(long ? "textarea" : "input", { ...(long && { rows: 3 }), placeholder: schema.default ?? "", spellcheck: long })
  return field(path, control, framed(path, words, control, { wide: long || schema.maxLength >= 1000 }), {
    read: () => control.value.trim() || undefined,
    fill: (value) => (control.value = value ?? ""),
  })
}

export function numberField(path, words, schema) {
  const { minimum, maximum, exclusiveMinimum, type } = schema
  const control = make("input", { type: "number", inputMode: type === "integer" ? "numeric" : "decimal", placeholder: schema.default ?? "" })
  Object.assign(control, { min: minimum ?? exclusiveMinimum ?? "", max: maximum ?? "", step: type === "integer" ? 1 : "any" })
  return field(path, control, framed(path, words, control), {
    read: () => (control.value === "" ? undefined : Number(control.value)),
    fill: (value) => (control.value = value ?? ""),
    isWrong: () => control.validity.badInput,
  })
}

export function flagField(path, words, schema) {
  const control = make("input", { type: "checkbox", checked: schema.default === true })
  return field(path, control, framed(path, words, control, { inline: true }), {
    read: () => (control.checked === (schema.default === true) ? undefined : control.checked),
    fill: (value) => (control.checked = value ?? schema.default === true),
  })
}

/** Yes, no, or whatever the server does when neither is said. */
export function maybeField(path, words) {
  const options = [["", "form.any"], ["true", "form.yes"], ["false", "form.no"]]
  const control = make("select", {}, ...options.map(([value, key]) => make("option", { value, textContent: t(key) })))
  return field(path, control, framed(path, words, control), {
    read: () => (control.value ? control.value === "true" : undefined),
    fill: (value) => (control.value = value == null ? "" : String(value)),
  })
}

export function choiceField(path, words, schema, isNeeded) {
  const empty = schema.default == null && !isNeeded ? [make("option", { value: "", textContent: t("form.none") })] : []
  const options = schema.enum.map((value) => make("option", { value, textContent: wordOf(path.replace(POSITIONS, ""), value) }))
  const control = make("select", {}, ...empty, ...options)
  const standing = String(schema.default ?? control.value)
  control.value = standing
  return field(path, control, framed(path, words, control), {
    read: () => (control.value === standing && !isNeeded ? undefined : schema.enum.find((value) => String(value) === control.value)),
    fill: (value) => (control.value = value ?? standing),
  })
}

/** Several of a few: a box to tick for each. */
export function choicesField(path, words, schema, values) {
  const standing = schema.default ?? []
  const boxes = values.map((value) => make("input", { type: "checkbox", value, checked: standing.includes(value) }))
  const labels = boxes.map((box) => make("label", { className: "flag" }, box, wordOf(path.replace(POSITIONS, ""), box.value)))
  const element = make("fieldset", { className: "field field-wide choices" }, make("legend", { textContent: words.title }), ...labels, errorLine(`field-${++count}`))
  element.dataset.path = path
  const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value)
  return field(path, boxes[0], element, {
    read: () => (String(chosen()) === String(standing) ? undefined : chosen()),
    fill: (value) => boxes.forEach((box) => (box.checked = (value ?? standing).includes(box.value))),
  })
}

/** Several texts or numbers, one a line; a list among them is a line of JSON. */
export function linesField(path, words, schema, each) {
  const control = make("textarea", { rows: 3, spellcheck: false, placeholder: t("form.lines"), className: "code" })
  const read = () => control.value.split("\n").map((line) => line.trim()).filter(Boolean)
  return field(path, control, framed(path, words, control, { wide: true }), {
    read: () => (read().length ? read().map((line) => ofLine(line, each)) : undefined),
    fill: (value) => (control.value = (value ?? []).map((one) => (Array.isArray(one) ? JSON.stringify(one) : one)).join("\n")),
  })
}

function ofLine(line, { type, anyOf }) {
  if (anyOf) return line.startsWith('["') && !isBroken(line) ? JSON.parse(line) : line
  return type === "string" || Number.isNaN(Number(line)) ? line : Number(line)
}

/** Whatever no field is made for, as JSON. */
export function jsonField(path, words, { rows = 4 } = {}) {
  const control = make("textarea", { rows, spellcheck: false, placeholder: "{ … }", className: "code" })
  return field(path, control, framed(path, words, control, { wide: true }), {
    read: () => (control.value.trim() && !isBroken(control.value) ? JSON.parse(control.value) : undefined),
    fill: (value) => (control.value = value == null ? "" : JSON.stringify(value, null, 2)),
    isWrong: () => control.value.trim() !== "" && isBroken(control.value),
  })
}

function isBroken(text) {
  try {
    JSON.parse(text)
    return false
  } catch {
    return true
  }
}

function field(path, control, element, rest) {
  return { path, control, element, isWrong: () => false, ...rest }
}
