// The deep probes of one backend. Invariant: never two in flight, and an
// unanswered one is never given up: it holds a Zope worker until the database is
// back, and the next one would hold another. A probe that waits for a free worker
// says nothing about the database.
import { isDeepInDoubt, type DeepOutcome } from '../../health/deep.ts'
import type { Health } from '../../health/health.ts'
import { jittered } from '../../health/interval.ts'
import { askDeep } from '../../probes/deep.ts'
import { ProbeLoop } from './probe-loop.ts'

const idleMs = 1_000
/** no deep probe is configured; a reload restarts the loop at once */
const offMs = 3_600_000
/** often enough to be sure within seconds, rare enough not to add load */
const doubtMs = 1_000
/** how often to check what a silence means */
const checkMs = 250
/** the longest time a timer can have */
const longestTimerMs = 2 ** 31 - 1

export class DeepProbeLoop extends ProbeLoop<DeepOutcome> {
  protected async round(): Promise<number> {
    const { backend, health, signal } = this.target()
    const { resolver, starvation } = this.context
    const { deep } = backend.probe
    // do not add load while the light probe is unanswered
    if (deep === null) return offMs
    if (!isAnswering(health.light.state)) return idleMs
    // silence counts only while pages are answered: else no worker may be free
    const isEvidence = backend.probe.light.kind === 'http'
    let sinceMs = performance.now()
    const checkDoubt = (): void => {
      const isDoubtful =
        !isAnswering(this.target().health.light.state) ||
        starvation.lateSince(sinceMs) > 0
      if (isDoubtful) sinceMs = performance.now()
    }
    const silence = setInterval(
      () => {
        checkDoubt()
        const ms = this.target().health.light.lastAnswerAt - sinceMs
        if (isEvidence && ms >= deep.timeoutMs && !signal.aborted)
          this.report({ kind: 'silent', ms })
      },
      Math.min(checkMs, deep.timeoutMs),
    )
    const { outcome } = await askDeep(
      backend,
      deep,
      longestTimerMs,
      resolver,
      signal,
    )
    clearInterval(silence)
    if (signal.aborted) return 0
    checkDoubt()
    this.report(
      outcome.kind === 'fresh'
        ? { ...outcome, ms: Math.min(outcome.ms, performance.now() - sinceMs) }
        : outcome,
    )
    const intervalMs = isDeepInDoubt(this.target().health.deep)
      ? Math.min(doubtMs, deep.intervalMs)
      : deep.intervalMs
    return jittered(intervalMs, Math.random)
  }
}

/** Whether the light probe finds a free worker. */
function isAnswering(state: Health['light']['state']): boolean {
  return state === 'up' || state === 'warming'
}
