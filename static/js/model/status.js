const OVER = new Set(["completed", "failed", "stopped"])

/** Whether a task of this status has ended. */
export const isOver = (status) => OVER.has(status)
