import { make } from "./make.js"

/** A style sheet of some pages only. Resolves when it stands, or can't be had: they are shown without it, then. */
export function style(href) {
  return new Promise((settle) => document.head.append(make("link", { rel: "stylesheet", href, onload: settle, onerror: settle })))
}
