const VIEWS = ["ask", "task", "manager", "session", "ops", "trouble", "loading"]

/** Which of the page's views is shown. The style sheet reads it from the body's `data-view`. */
export class Stage {
  constructor(body) {
    this.body = body
  }

  show(name) {
    for (const view of VIEWS) document.getElementById(view).hidden = view !== name
    this.body.dataset.view = name
  }
}
