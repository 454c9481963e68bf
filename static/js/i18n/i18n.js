// Words of the page in both languages. Elements with data-t, data-t-label and data-t-placeholder are filled from here.

const DICTIONARIES = ["", "rooms-"] // "x-" also loads x-en.js or x-zh.js; only the language that is shown is loaded

export const LANGUAGES = { en: { name: "English", tag: "en" }, zh: { name: "中文", tag: "zh-CN" } }
const STORED = "holdfast.language"
const listeners = new Set()
let current = localStorage.getItem(STORED) ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en")
if (!(current in LANGUAGES)) current = "en"
let words = await load(current)

async function load(code) {
  const parts = await Promise.all(DICTIONARIES.map((name) => import(`./${name}${code}.js`)))
  return Object.assign({}, ...parts.map((part) => part[code]))
}

export const language = () => current
export const languageTag = () => LANGUAGES[current].tag
export const knows = (key) => key in words

/** The words for a key, with each `{name}` replaced by its value. */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole)
}

/** Calls `render` now and whenever the language changes. */
export function onLanguage(render) {
  listeners.add(render)
  render()
}

export async function setLanguage(chosen) {
  words = await load(chosen)
  current = chosen
  localStorage.setItem(STORED, chosen)
  for (const render of listeners) render()
}

function fillPage() {
  document.documentElement.lang = languageTag()
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t)
  for (const element of document.querySelectorAll("[data-t-label]")) element.ariaLabel = t(element.dataset.tLabel)
  for (const element of document.querySelectorAll("[data-t-placeholder]")) {
    element.placeholder = t(element.dataset.tPlaceholder)
  }
}

onLanguage(fillPage)
