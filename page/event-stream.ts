// The open pages: each gets what has changed. A page that does not read gets nothing
// more until it does, then everything at once.
import type { ServerResponse } from 'node:http'
import { freshMs, type ReportCache } from './report-cache.ts'
import { root, titleOf } from './page.ts'
import {
  fill,
  patchBetween,
  type Patch,
  type PageTemplate,
} from './page-template.ts'

const maxOpenPages = 100

/** A message is sent at least this often, so that the page notices a lost connection. */
const heartbeatIntervalMs = 1_000
/** A page that has read nothing for this long is gone. */
const patienceMs = 20_000
/** The interval while no page is open, for the list of events. */
const idleMs = 2_000

export class OpenPages {
  readonly #reports: ReportCache
  /** since when each page has not been reading; undefined = it reads */
  readonly #pages = new Map<ServerResponse, number | undefined>()
  #sent: PageTemplate
  #sentMs = -Infinity
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(reports: ReportCache) {
    this.#reports = reports
    this.#sent = reports.template()
    this.#pace()
  }

  /** Sends events until the visitor leaves; false if too many pages are open. */
  add(response: ServerResponse): boolean {
    if (this.#pages.size >= maxOpenPages) return false
    response.on('close', () => {
      this.#pages.delete(response)
      if (this.#pages.size === 0) this.#pace()
    })
    this.#pages.set(response, undefined)
    response.write('retry: 1000\n\n')
    response.write(this.#message(wholePage(this.#sent)))
    if (this.#pages.size === 1) this.#pace()
    return true
  }

  stop(): void {
    this.#isStopped = true
    clearInterval(this.#timer)
    for (const response of this.#pages.keys()) response.destroy()
  }

  #pace(): void {
    clearInterval(this.#timer)
    if (this.#isStopped) return
    const isSeen = this.#pages.size > 0
    this.#timer = setInterval(
      () => this.#send(),
      isSeen ? freshMs : idleMs,
    ).unref()
  }

  #send(): void {
    const nowMs = performance.now()
    const before = this.#sent
    this.#sent = this.#reports.template()
    const patch = patchBetween(before, this.#sent, root)
    const isDue = nowMs - this.#sentMs >= heartbeatIntervalMs
    if (Object.keys(patch).length === 0 && !isDue) return
    this.#sentMs = nowMs
    const message = this.#message(patch)
    let whole: Buffer | undefined
    for (const [response, stuckMs] of this.#pages) {
      if (response.writableLength > 0) {
        this.#pages.set(response, stuckMs ?? nowMs)
        if (stuckMs !== undefined && nowMs - stuckMs > patienceMs)
          response.destroy()
      } else if (stuckMs === undefined) {
        response.write(message)
      } else {
        this.#pages.set(response, undefined)
        response.write((whole ??= this.#message(wholePage(this.#sent))))
      }
    }
  }

  #message(patch: Patch): Buffer {
    const { time, backends } = this.#reports.report()
    const now = Date.parse(time)
    const title = titleOf(backends)
    return Buffer.from(`data: ${JSON.stringify({ now, title, patch })}\n\n`)
  }
}

function wholePage(template: PageTemplate): Patch {
  return { [root]: fill(template) }
}
