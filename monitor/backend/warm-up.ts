// Fetches the warm-up pages of a cold backend one after the other, round after
// round, never two at a time. A page is not given up before `busyTimeout`: Zope still
// executes an abandoned request, and the next one would do the same work twice.
import { LogOnce } from '../../system/log-once.ts'
import type { Backend, WarmUpPage } from '../../config/config.ts'
import { printable } from '../../text/printable.ts'
import { judgePage, type PageResult } from '../../health/warm-up.ts'
import { ProbeLoop } from './probe-loop.ts'
import { fetchPage } from '../../probes/page.ts'

/** between two rounds, and while the light probe is unanswered */
const pauseMs = 250
/** it is warm; the loop restarts at once when it becomes cold */
const offMs = 3_600_000

/** Reports whether all pages of a round were good. */
export class WarmUp extends ProbeLoop<boolean> {
  readonly #logged = new LogOnce()

  protected async round(): Promise<number> {
    const { backend, signal } = this.target()
    const { warmUp = [] } = backend.probe
    if (!this.#isCold()) return offMs
    if (this.target().health.light.streak <= 0) return pauseMs
    let isGood = true
    for (const page of warmUp) {
      const result = await this.#fetch(backend, page, signal)
      if (signal.aborted || !this.#isCold()) return 0
      isGood &&= result.isGood
    }
    // pages of an old configuration say nothing about the current ones
    if (this.target().backend === backend) this.report(isGood)
    return pauseMs
  }

  #isCold(): boolean {
    return this.target().health.light.cold !== null
  }

  async #fetch(
    backend: Backend,
    page: WarmUpPage,
    signal: AbortSignal,
  ): Promise<PageResult> {
    const { busyTimeoutMs, slowMs } = backend.probe
    const { outcome, ms, response } = await fetchPage(
      backend,
      page.path,
      busyTimeoutMs,
      this.context.resolver,
      signal,
    )
    const result = judgePage(
      outcome,
      ms,
      slowMs,
      printable(response?.headers.location ?? '').slice(0, 200),
    )
    if (!signal.aborted) this.#logComplaint(backend.name, page, result)
    this.context.log.debug(
      { backend: backend.name, page: page.path, ms: Math.round(ms), ...result },
      'warm-up page fetched',
    )
    return result
  }

  /** Once per page in the life of the monitor. */
  #logComplaint(
    name: string,
    page: WarmUpPage,
    { complaint }: PageResult,
  ): void {
    if (complaint === null || !this.#logged.isNew(page.path)) return
    this.context.log.warn(
      { backend: name, page: page.shown, asked: page.path, remedy: complaint },
      'warm-up page has a problem',
    )
  }
}
