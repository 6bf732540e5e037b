// The pages that are open somewhere: each gets what has changed, and one that
// does not read gets nothing more until it does, then everything at once.
import type { ServerResponse } from 'node:http'
import { freshMs } from './report-cache.ts'
import type { ReportCache } from './report-cache.ts'
import { root, titleOf } from './page.ts'
import { fill, patchBetween } from './page-template.ts'
import type { Patch, PageTemplate } from './page-template.ts'

export const maxOpenPages = 100

/** Something is sent at least so often: the page knows silence from calm. */
const beatMs = 1_000
/** Who has read nothing for so long is gone. */
const patienceMs = 20_000
/** For the list of events, while nobody looks. */
const idleMs = 2_000

export class OpenPages {
  readonly #live: ReportCache
  /** when each was found not to read; undefined = it does */
  readonly #pages = new Map<ServerResponse, number | undefined>()
  #sent: PageTemplate
  #sentMs = -Infinity
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(live: ReportCache) {
    this.#live = live
    this.#sent = live.sheet()
    this.#pace()
  }

  /** Sends events until the visitor leaves; false when there are too many. */
  add(response: ServerResponse): boolean {
    if (this.#pages.size >= maxOpenPages) return false
    response.on('close', () => {
      this.#pages.delete(response)
      if (this.#pages.size === 0) this.#pace()
    })
    this.#pages.set(response, undefined)
    response.write('retry: 1000\n\n')
    response.write(this.#message(wholeOf(this.#sent)))
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
    this.#sent = this.#live.sheet()
    const patch = patchBetween(before, this.#sent, root)
    const isDue = nowMs - this.#sentMs >= beatMs
    if (Object.keys(patch).length === 0 && !isDue) return
    this.#sentMs = nowMs
    const news = this.#message(patch)
    let whole: Buffer | undefined
    for (const [response, stuckMs] of this.#pages) {
      if (response.writableLength > 0) {
        this.#pages.set(response, stuckMs ?? nowMs)
        if (stuckMs !== undefined && nowMs - stuckMs > patienceMs)
          response.destroy()
      } else if (stuckMs === undefined) {
        response.write(news)
      } else {
        this.#pages.set(response, undefined)
        response.write((whole ??= this.#message(wholeOf(this.#sent))))
      }
    }
  }

  #message(patch: Patch): Buffer {
    const { time, backends } = this.#live.report()
    const now = Date.parse(time)
    const title = titleOf(backends)
    return Buffer.from(`data: ${JSON.stringify({ now, title, patch })}\n\n`)
  }
}

function wholeOf(sheet: PageTemplate): Patch {
  return { [root]: fill(sheet) }
}
