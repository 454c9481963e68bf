import { isOver } from "./status.js"

/** What an event makes of a task's view: a new view, of this event's seq. */
export function applyEvent(view, type, data, seq) {
  return { ...view, ...changes(view, type, data), seq }
}

function changes(view, type, data) {
  const now = new Date().toISOString()
  switch (type) {
    case "progress":
      return { progress: data, stalled: null }
    case "failure":
      return { error: data }
    case "result":
      return { has_result: true }
    case "status":
      return {
        ...data,
        queue_position: null,
        stalled: null,
        error: data.status === "running" ? null : view.error,
        started_at: view.started_at ?? (data.status === "running" ? now : null),
        finished_at: isOver(data.status) ? now : null,
      }
    default:
      return {}
  }
}
