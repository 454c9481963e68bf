// Words of the page in both languages. Elements with data-t, data-t-label and data-t-placeholder are filled from here.

import { en } from "./en.js"
import { zh } from "./zh.js"
import { en as enRooms } from "./rooms-en.js"
import { zh as zhRooms } from "./rooms-zh.js"

export const LANGUAGES = {
  en: { name: "English", tag: "en", words: { ...en, ...enRooms } },
  zh: { name: "中文", tag: "zh-CN", words: { ...zh, ...zhRooms } },
}
const STORED = "holdfast.language"
const listeners = new Set()
let current = localStorage.getItem(STORED) ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en")
if (!(current in LANGUAGES)) current = "en"

export const language = () => current
export const languageTag = () => LANGUAGES[current].tag
export const knows = (key) => key in LANGUAGES[current].words

/** The words for a key, with each `{name}` replaced by its value. */
export function t(key, values = {}) {
  const words = LANGUAGES[current].words[key] ?? LANGUAGES.en.words[key] ?? key
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole)
}

/** Calls `render` now and whenever the language changes. */
export function onLanguage(render) {
  listeners.add(render)
  render()
}

export function setLanguage(chosen) {
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
