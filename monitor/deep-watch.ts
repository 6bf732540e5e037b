// The deep probes of one backend. What must hold: never two in flight, and one
// that is unanswered is never given up, for it holds a worker of Zope until its
// database is back, and the next one would hold another.
import type { Backend, DeepProbe } from '../config/config.ts'
import { deepOutcome } from './probes/deep-answer.ts'
import { isDeepInDoubt } from './judgement/deep.ts'
import type { DeepOutcome } from './judgement/deep.ts'
import type { Health } from './judgement/health.ts'
import { jittered } from './judgement/interval.ts'
import type { Lookup } from './probes/lookup.ts'
import { Loop } from './loop.ts'
import { probe } from './probes/probe.ts'
import type { Probed } from './probes/probe.ts'
import type { Starvation } from './starvation.ts'

const idleMs = 1_000
/** none is configured; a reload starts it again at once */
const offMs = 3_600_000
/** soon enough to be sure within seconds, seldom enough to be no burden */
const doubtMs = 1_000
/** the longest time a timer can have */
const foreverMs = 2 ** 31 - 1

/**
 * One deep probe.
 *
 * @param limitMs for the whole of it; in the monitor there is none
 */
export async function askDeep(
  backend: Backend,
  deep: DeepProbe,
  limitMs: number,
  lookup: Lookup,
  signal: AbortSignal,
): Promise<{ readonly outcome: DeepOutcome; readonly probed: Probed }> {
  const probed = await probe(
    {
      ...backend,
      probe: {
        ...backend.probe,
        path: deep.path,
        method: 'GET',
        body: null,
        // what the answer says counts, whatever its status
        status: [[100, 599]],
        timeoutMs: limitMs,
        firstByteTimeoutMs: limitMs,
      },
    },
    lookup,
    signal,
  )
  const status = probed.response?.statusCode ?? 0
  const isAllowed = backend.probe.status.some(
    ([from, to]) => status >= from && status <= to,
  )
  const body = probed.body.toString('utf8')
  return {
    outcome: deepOutcome(probed.outcome, isAllowed, probed.ms, body),
    probed,
  }
}

/** What a deep watch needs of its backend's watch. */
export type Deepened = {
  readonly backend: Backend
  readonly health: Health
  readonly signal: AbortSignal
  readonly note: (outcome: DeepOutcome) => void
}

export class DeepWatch {
  readonly #of: Deepened
  readonly #lookup: Lookup
  readonly #starvation: Starvation
  readonly #loop: Loop

  constructor(of: Deepened, lookup: Lookup, starvation: Starvation) {
    this.#of = of
    this.#lookup = lookup
    this.#starvation = starvation
    this.#loop = new Loop(() => this.#round())
  }

  start(delayMs: number): void {
    this.#loop.start(delayMs)
  }

  stop(): void {
    this.#loop.stop()
  }

  async #round(): Promise<number> {
    const { backend, signal } = this.#of
    const { deep } = backend.probe
    const { state } = this.#of.health.light
    // one that gives no light answer would only get more to do
    if (deep === null) return offMs
    if (!['up', 'warming', 'slow'].includes(state)) return idleMs
    const startedMs = performance.now()
    const silence = setInterval(() => {
      if (this.#starvation.lateSince(startedMs) === 0 && !signal.aborted)
        this.#of.note({ kind: 'silent', ms: performance.now() - startedMs })
    }, deep.timeoutMs)
    const { outcome } = await askDeep(
      backend,
      deep,
      foreverMs,
      this.#lookup,
      signal,
    )
    clearInterval(silence)
    if (signal.aborted) return 0
    this.#of.note(outcome)
    const wantedMs = isDeepInDoubt(this.#of.health.deep)
      ? Math.min(doubtMs, deep.intervalMs)
      : deep.intervalMs
    return jittered(wantedMs, Math.random)
  }
}
