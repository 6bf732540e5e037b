// Fetches the warm-up pages of one backend while it is cold, one after the other,
// round after round. Never two at a time. A page is not given up before `busyTimeout`,
// for Zope executes what was given up, and the next one would do it twice.
import type { Logger } from 'pino'
import type { Backend, WarmUpPage } from '../../config/config.ts'
import { printable } from '../../text/printable.ts'
import { judgePage } from '../../health/warm-up.ts'
import type { PageSeen } from '../../health/warm-up.ts'
import { ProbeLoop } from './probe-loop.ts'
import type { ProbeTarget } from './probe-loop.ts'
import type { Resolver } from '../../probes/resolver.ts'
import { fetchPage } from '../../probes/page.ts'

/** between two rounds, and while the light probe is not answered */
const pauseMs = 250
/** it is warm; being cold starts it again at once */
const offMs = 3_600_000

/** Reports whether all pages of a round were good. */
export class WarmUp extends ProbeLoop<boolean> {
  readonly #log: Logger
  readonly #told = new Set<string>()

  constructor(of: ProbeTarget<boolean>, lookup: Resolver, log: Logger) {
    super(of, lookup)
    this.#log = log
  }

  protected async round(): Promise<number> {
    const { backend, signal } = this.of
    const { warmUp = [] } = backend.probe
    if (!this.#isCold()) return offMs
    if (this.of.health.light.streak <= 0) return pauseMs
    let isGood = true
    for (const page of warmUp) {
      const seen = await this.#fetch(backend, page, signal)
      if (signal.aborted || !this.#isCold()) return 0
      isGood &&= seen.isGood
    }
    // pages of another configuration say nothing of those of now
    if (this.of.backend === backend) this.of.note(isGood)
    return pauseMs
  }

  #isCold(): boolean {
    return this.of.health.light.cold !== null
  }

  async #fetch(
    backend: Backend,
    page: WarmUpPage,
    signal: AbortSignal,
  ): Promise<PageSeen> {
    const { busyTimeoutMs, slowMs } = backend.probe
    const { outcome, ms, response } = await fetchPage(
      backend,
      page.path,
      busyTimeoutMs,
      this.lookup,
      signal,
    )
    const seen = judgePage(
      outcome,
      ms,
      slowMs,
      printable(response?.headers.location ?? '').slice(0, 200),
    )
    if (!signal.aborted) this.#tell(backend.name, page, seen)
    this.#log.debug(
      { backend: backend.name, page: page.path, ms: Math.round(ms), ...seen },
      'warm-up page fetched',
    )
    return seen
  }

  /** Each page once, as long as the monitor runs. */
  #tell(name: string, page: WarmUpPage, { complaint }: PageSeen): void {
    if (complaint === null || this.#told.has(page.path)) return
    this.#told.add(page.path)
    this.#log.warn(
      { backend: name, page: page.shown, asked: page.path, remedy: complaint },
      'warm-up page is not as it should be',
    )
  }
}
