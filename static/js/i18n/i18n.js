// Words of the page in both languages. Elements with data-t, data-t-label and data-t-placeholder are filled from here.

const wanted = new Set([""]) // "x-" also loads x-en.js or x-zh.js; only the language that is shown is loaded
export const PROBLEMS = "problem-" // only where something has gone wrong

export const LANGUAGES = { en: { name: "English", tag: "en" }, zh: { name: "中文", tag: "zh-CN" } }
const STORED = "holdfast.language"
const listeners = new Set()
let current = localStorage.getItem(STORED) ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en")
if (!(current in LANGUAGES)) current = "en"
let words = await load(current)

/** All that is wanted by the time that it is there. */
async function load(code) {
  for (;;) {
    const names = [...wanted]
    const parts = await Promise.all(names.map((name) => import(`./${name}${code}.js`)))
    if (names.length === wanted.size) return Object.assign({}, ...parts.map((part) => part[code]))
  }
}

/** Adds words that not every page needs. Where they can't be had, the page goes on without. */
export async function need(name) {
  if (wanted.has(name)) return
  wanted.add(name)
  const code = current
  try {
    const loaded = await load(code)
    if (code !== current) return
    words = loaded
    tellAll()
  } catch {
    wanted.delete(name)
  }
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
  tellAll()
}

function tellAll() {
  for (const render of listeners) render()
}

/** Empty where the words have not come yet: they are of a view that nobody has opened. */
const wordFor = (key) => words[key] ?? ""

function fillPage() {
  document.documentElement.lang = languageTag()
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = wordFor(element.dataset.t)
  for (const element of document.querySelectorAll("[data-t-label]")) element.ariaLabel = wordFor(element.dataset.tLabel)
  for (const element of document.querySelectorAll("[data-t-placeholder]")) {
    element.placeholder = wordFor(element.dataset.tPlaceholder)
  }
}

onLanguage(fillPage)
