// Requests to this server, and what it answers when it refuses: RFC 9457 problem documents.

import { PROBLEMS, need } from "../i18n/i18n.js"

const UNREACHABLE = { status: 0, code: "unreachable", detail: "The server can't be reached.", errors: [] }

export class Problem extends Error {
  /** `message`: what those routes say that speak the language of whoever asks; else it is the detail. */
  constructor({ status, code, detail, message = detail, errors = [] }) {
    super(message)
    Object.assign(this, { status, code, detail, errors })
  }

  /** Whether asking again can't help. */
  get fatal() {
    return this.status >= 400 && this.status < 500 && this.status !== 408 && this.status !== 429
  }
}

/** @throws {Problem} the server refused or can't be reached; an abort is thrown as it is. */
async function request(method, path, { body, signal, type = "application/json" } = {}) {
  const headers = method === "GET" ? {} : { "Content-Type": type }
  const content = body instanceof Blob ? body : body && JSON.stringify(body)
  const answer = await fetch(path, { method, headers, signal, body: content }).catch((error) => {
    throw error.name === "AbortError" ? error : new Problem(UNREACHABLE)
  })
  if (answer.ok) return answer
  const [told] = await Promise.all([answer.json().catch(() => ({})), need(PROBLEMS)])
  throw new Problem({ code: "unknown", detail: `${answer.status} ${answer.statusText}`, ...told, status: answer.status })
}

export const api = {
  get: (path, options) => request("GET", path, options).then((answer) => answer.json()),
  text: (path, options) => request("GET", path, options).then((answer) => answer.text()),
  post: (path, body = {}) => request("POST", path, { body }).then((answer) => answer.json()),
  upload: (path, file) => request("POST", `${path}?name=${encodeURIComponent(file.name)}`, { body: file, type: file.type || "application/octet-stream" }).then((answer) => answer.json()),
  delete: (path) => request("DELETE", path),
}
