const STORED = "holdfast.draft"

/** What stands in the form, kept for this tab until it is loaded anew; what is larger than a browser keeps is not. */
export function keepDraft(draft) {
  try {
    sessionStorage.setItem(STORED, JSON.stringify(draft))
  } catch {
    sessionStorage.removeItem(STORED)
  }
}

export function keptDraft() {
  try {
    return JSON.parse(sessionStorage.getItem(STORED)) ?? {}
  } catch {
    return {}
  }
}
