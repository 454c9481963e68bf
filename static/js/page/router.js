const TASK_PATH = /^\/t\/([^/]+)\/?$/

/** Addresses: `/` asks, `/t/{id}` shows a task; the other rooms read theirs themselves. Links with `data-link` change the address without a new page. */
export class Router {
  #onRoute = () => {}
  #path = ""

  start(onRoute) {
    this.#onRoute = onRoute
    // Links within a report change the address too, but only what follows its "#".
    window.addEventListener("popstate", () => location.pathname !== this.#path && this.#tell())
    document.addEventListener("click", (event) => this.#follow(event))
    this.#tell()
  }

  go(path) {
    if (path !== location.pathname) history.pushState(null, "", path)
    this.#tell()
    scrollTo(0, 0)
  }

  #follow(event) {
    const anchor = event.target.closest("a[data-link]")
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
    if (!anchor || !plain || event.defaultPrevented) return
    event.preventDefault()
    this.go(anchor.pathname)
  }

  #tell() {
    this.#path = location.pathname
    const match = TASK_PATH.exec(location.pathname)
    this.#onRoute({ taskId: match ? decodeURIComponent(match[1]) : null, path: location.pathname })
  }
}
