// What the events of its task make of the batch of a session, in the words of `GET /api/sessions/{session}`.

const OPEN = new Set(["waiting", "running"])
const UNDEALT = new Set(["not_chosen", ...OPEN])
const STEP_OF_PAGE = /^[a-z]+:(\d{1,3})$/

/** The outcome of a page. One that an earlier task has done stays as that left it. */
export function withItem(batch, item) {
  if (item.error?.code === "already_completed") return batch
  const { status: state, url, attempts, final_url, http_status, artifacts, error } = item
  const told = { state, attempts, final_url, http_status, artifacts, error }
  return counted(batch, batch.pages.map((page) => (page.key === item.key ? { ...page, url: url || page.url, ...told } : page)))
}

/** The page that is open, and how much is done of it. */
export function withProgress(batch, progress, seq) {
  const found = STEP_OF_PAGE.exec(progress.current ?? "")
  const current = found && batch.pages[found[1]] ? Number(found[1]) : null
  const pages = batch.pages.map((page, index) =>
    OPEN.has(page.state) ? { ...page, state: index === current ? "running" : "waiting" } : page,
  )
  const task = { ...batch.task, progress, seq }
  return counted({ ...batch, task, current, current_percentage: progress.current_percentage ?? 0 }, pages)
}

function counted(batch, pages) {
  const counts = Object.fromEntries(Object.keys(batch.counts).map((state) => [state, 0]))
  for (const { state } of pages) counts[state]++
  const dealt = pages.filter(({ state }) => !UNDEALT.has(state)).length
  return { ...batch, pages, counts, percentage: Math.floor((100 * dealt) / batch.total) }
}
