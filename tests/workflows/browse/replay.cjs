// Plays a recording with Google's own player: node replay.cjs BROWSER < recording.json
const { createRunner, parse, PuppeteerRunnerExtension } = require("@puppeteer/replay")
const puppeteer = require("puppeteer-core")

// Someone who comes back from a new tab sees the page again; without that, its clicks wait for a frame for ever.
class AsAPerson extends PuppeteerRunnerExtension {
  async beforeEachStep(step) {
    if (!step.target || step.target === "main") await this.page.bringToFront()
  }
}

async function main() {
  const flow = parse(JSON.parse(require("fs").readFileSync(0, "utf-8")))
  const browser = await puppeteer.launch({ executablePath: process.argv[2], args: ["--no-sandbox"] })
  try {
    const page = await browser.newPage()
    await (await createRunner(flow, new AsAPerson(browser, page, { timeout: 5000 }))).run()
  } finally {
    await browser.close()
  }
}

main().catch(error => {
  console.error(error)
  process.exitCode = 1
})
