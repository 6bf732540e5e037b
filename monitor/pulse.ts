// The heartbeats of one backend, one in flight at most: learned while it is well,
// then asked for a few times a second.
import type { Backend } from '../config/config.ts'
import { isWell, timesOf } from './judgement/health.ts'
import type { Health } from './judgement/health.ts'
import type { HeartEvent } from './judgement/heart.ts'
import { heartbeat } from './probes/heartbeat.ts'
import { jittered } from './judgement/interval.ts'
import type { Lookup } from './probes/lookup.ts'
import { Loop } from './loop.ts'
import type { Starvation } from './starvation.ts'

/** a server that had none when it was well is asked again after so long */
const learnAgainMs = 60_000
/** nothing to do now */
const idleMs = 1_000
/** nothing to do at all; a reload starts it again at once */
const offMs = 3_600_000

/** What a pulse needs of its backend's watch. */
export type Pulsed = {
  readonly backend: Backend
  readonly health: Health
  readonly signal: AbortSignal
  readonly note: (event: HeartEvent) => void
}

export class Pulse {
  readonly #of: Pulsed
  readonly #lookup: Lookup
  readonly #starvation: Starvation
  readonly #loop: Loop
  #learnMs = -Infinity

  constructor(of: Pulsed, lookup: Lookup, starvation: Starvation) {
    this.#of = of
    this.#lookup = lookup
    this.#starvation = starvation
    this.#loop = new Loop(() => this.#round())
  }

  start(delayMs: number): void {
    this.#loop.start(delayMs)
  }

  /** Other settings or another address: what was learned of it may be wrong. */
  retune(): void {
    this.#learnMs = -Infinity
    this.#loop.start(0)
  }

  stop(): void {
    this.#loop.stop()
  }

  async #round(): Promise<number> {
    const { backend, health, signal } = this.#of
    const times = timesOf(backend.probe, health.heart)
    if (times === null) return offMs
    const startedMs = performance.now()
    const isLearned = health.heart.isLearned
    if (!isLearned && (!isWell(health) || startedMs < this.#learnMs))
      return Math.min(idleMs, times.intervalMs)
    const resolved = await this.#lookup.resolve(backend.host, times.timeoutMs)
    if (resolved.kind === 'failed' || resolved.kind === 'hanging') return idleMs
    const event = await heartbeat(
      backend,
      resolved.addresses,
      times,
      silentMs => {
        if (this.#starvation.lateSince(startedMs) === 0 && !signal.aborted)
          this.#of.note({ kind: 'silent', silentMs })
      },
      signal,
    )
    if (signal.aborted) return 0
    if (event !== undefined && event.kind !== 'silent') this.#of.note(event)
    if (!isLearned && event?.kind !== 'beat')
      this.#learnMs = performance.now() + learnAgainMs
    // a refusal has the pace of the light probe
    const wantedMs =
      this.#of.health.state === 'down'
        ? backend.probe.downIntervalMs
        : event?.kind === 'broken'
          ? backend.probe.fastIntervalMs
          : times.intervalMs
    const tookMs = performance.now() - startedMs
    return Math.max(jittered(wantedMs, Math.random) - tookMs, wantedMs / 4)
  }
}
