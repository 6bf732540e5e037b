// The deep probes of one backend. Invariant: never two in flight, and one
// that is unanswered is never given up, for it holds a worker of Zope until its
// database is back, and the next one would hold another. And one that waits for a
// free worker says nothing of the database.
import { isDeepInDoubt } from '../../health/deep.ts'
import type { DeepOutcome } from '../../health/deep.ts'
import type { Health } from '../../health/health.ts'
import { jittered } from '../../health/interval.ts'
import type { Resolver } from '../../probes/resolver.ts'
import { askDeep } from '../../probes/deep.ts'
import { ProbeLoop } from './probe-loop.ts'
import type { ProbeTarget } from './probe-loop.ts'
import type { Starvation } from './starvation.ts'

const idleMs = 1_000
/** none is configured; a reload starts it again at once */
const offMs = 3_600_000
/** soon enough to be sure within seconds, seldom enough to be no burden */
const doubtMs = 1_000
/** how often to look what a silence means */
const lookMs = 250
/** the longest time a timer can have */
const foreverMs = 2 ** 31 - 1

export class DeepProbeLoop extends ProbeLoop<DeepOutcome> {
  readonly #starvation: Starvation

  constructor(
    of: ProbeTarget<DeepOutcome>,
    lookup: Resolver,
    starvation: Starvation,
  ) {
    super(of, lookup)
    this.#starvation = starvation
  }

  protected async round(): Promise<number> {
    const { backend, signal } = this.of
    const { deep } = backend.probe
    const { state } = this.of.health.light
    // one that gives no light answer would only get more to do
    if (deep === null) return offMs
    if (!isAnswering(state)) return idleMs
    // silence counts as long as pages are answered: else no worker may be free
    const isTelling = backend.probe.light.kind === 'http'
    let sinceMs = performance.now()
    const look = (): void => {
      const isDoubtful =
        !isAnswering(this.of.health.light.state) ||
        this.#starvation.lateSince(sinceMs) > 0
      if (isDoubtful) sinceMs = performance.now()
    }
    const silence = setInterval(
      () => {
        look()
        const ms = this.of.health.light.lastAnswerAt - sinceMs
        if (isTelling && ms >= deep.timeoutMs && !signal.aborted)
          this.of.note({ kind: 'silent', ms })
      },
      Math.min(lookMs, deep.timeoutMs),
    )
    const { outcome } = await askDeep(
      backend,
      deep,
      foreverMs,
      this.lookup,
      signal,
    )
    clearInterval(silence)
    if (signal.aborted) return 0
    look()
    this.of.note(
      outcome.kind === 'fresh'
        ? { ...outcome, ms: Math.min(outcome.ms, performance.now() - sinceMs) }
        : outcome,
    )
    const wantedMs = isDeepInDoubt(this.of.health.deep)
      ? Math.min(doubtMs, deep.intervalMs)
      : deep.intervalMs
    return jittered(wantedMs, Math.random)
  }
}

/** Whether the light probe finds a free worker. */
function isAnswering(state: Health['light']['state']): boolean {
  return state === 'up' || state === 'warming'
}
