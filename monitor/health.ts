// The heart of the monitor: state + what happened + settings -> state. Pure:
// the (monotonic) time comes in. What must hold: a backend is taken out after
// `fall` failures in a row and not before (or by the window), and comes back
// after `rise` passes in a row. What says nothing of the backend changes nothing.
import type { ProbeSettings } from '../config/config.ts'
import type { State } from '../sentinels/reports.ts'
import { describe, judge } from './outcome.ts'
import type { Outcome } from './outcome.ts'

export type Health = {
  readonly state: State
  /** why, in one sentence */
  readonly reason: string
  /**
   * Passes (positive) or failures (negative) in a row. Together with the state
   * the whole memory of rise and fall: one integer, so no two counters can
   * drift apart, and a reload of the limits needs no conversion.
   */
  readonly streak: number
  /** the last 64 probes, oldest first; true = failed */
  readonly failures: readonly boolean[]
  /** when slow start began; null = not warming, though perhaps slow meanwhile */
  readonly warmSinceMs: number | null
}

export type HealthEvent =
  | { readonly kind: 'probed'; readonly outcome: Outcome; readonly ms: number }
  /** the probe in flight is older than `slow` */
  | { readonly kind: 'overdue' }
  /** time went by */
  | { readonly kind: 'tick' }

export type HealthSettings = Pick<
  ProbeSettings,
  'rise' | 'fall' | 'slowMs' | 'slowStartMs' | 'window'
>

/** What an earlier monitor left on disk about a backend. */
export type Verdict =
  | { readonly kind: 'none' }
  | { readonly kind: 'up'; readonly share: number }
  | { readonly kind: 'down' }

/** The share at which slow start begins. */
export const warmingFloor = 10
const maxHistory = 64

/** The health to start from: nobody flaps because the monitor was restarted. */
export function healthOf(
  verdict: Verdict,
  settings: HealthSettings,
  nowMs: number,
): Health {
  const fresh = { streak: 0, failures: [], warmSinceMs: null }
  switch (verdict.kind) {
    case 'none':
      return {
        ...fresh,
        state: 'unknown',
        reason: 'no probe has been judged yet',
      }
    case 'down':
      return {
        ...fresh,
        state: 'down',
        reason: 'found down in monitor.json when the monitor started',
      }
    case 'up': {
      const { share } = verdict
      const reason = `found up with share ${share} when the monitor started`
      if (share === 0) return { ...fresh, state: 'slow', reason }
      if (share >= 100 || settings.slowStartMs === 0)
        return { ...fresh, state: 'up', reason }
      const warmMs =
        (settings.slowStartMs * Math.max(0, share - warmingFloor)) /
        (100 - warmingFloor)
      return {
        ...fresh,
        state: 'warming',
        reason,
        warmSinceMs: nowMs - warmMs,
      }
    }
  }
}

/** Percent of its weight a backend should get; null = it is not up. */
export function shareOf(
  health: Health,
  settings: HealthSettings,
  nowMs: number,
): number | null {
  switch (health.state) {
    case 'unknown':
    case 'down':
      return null
    case 'slow':
      return 0
    case 'up':
      return 100
    case 'warming': {
      const ms = warmingMs(health, settings, nowMs)
      return ms === null
        ? 100
        : Math.floor(
            warmingFloor + ((100 - warmingFloor) * ms) / settings.slowStartMs,
          )
    }
  }
}

/** The next health; a change of state is seen by comparing `state`. */
export function step(
  health: Health,
  event: HealthEvent,
  settings: HealthSettings,
  nowMs: number,
): Health {
  switch (event.kind) {
    case 'tick':
      return health.state === 'warming' &&
        warmingMs(health, settings, nowMs) === null
        ? awake(health, settings, nowMs, 'slow start is over')
        : health
    case 'overdue':
      return isUp(health.state)
        ? enter(
            health,
            'slow',
            `no answer for ${settings.slowMs} ms (the limit of slow)`,
          )
        : health
    case 'probed': {
      const judgement = judge(event.outcome)
      if (judgement === 'none') return health
      const isFailure = judgement === 'fail'
      const counted = {
        ...health,
        streak: isFailure
          ? Math.min(health.streak, 0) - 1
          : Math.max(health.streak, 0) + 1,
        failures: [...health.failures, isFailure].slice(-maxHistory),
      }
      return isFailure
        ? afterFailure(counted, event, settings)
        : afterPass(counted, event, settings, nowMs)
    }
  }
}

type Probed = HealthEvent & { readonly kind: 'probed' }

function afterFailure(
  health: Health,
  { outcome, ms }: Probed,
  settings: HealthSettings,
): Health {
  const why = describe(outcome)
  const { state } = health
  if (state === 'down') return health
  const down = (reason: string): Health => ({
    ...enter(health, 'down', reason),
    warmSinceMs: null,
  })
  if (state === 'unknown') return down(`the first probe failed: ${why}`)
  const inRow = -health.streak
  if (inRow >= settings.fall)
    return down(`failed ${times(inRow)} (fall ${settings.fall}): ${why}`)
  const failed = windowFailures(health, settings)
  if (isWindowBroken(health, settings))
    return down(
      `${failed} of the last ${settings.window.of} probes failed (limit ${settings.window.failures}), the last one: ${why}`,
    )
  if (ms > settings.slowMs)
    return enter(
      health,
      'slow',
      `failed ${times(inRow)} (fall ${settings.fall}) after ${Math.round(ms)} ms: ${why}`,
    )
  return health
}

function afterPass(
  health: Health,
  { outcome, ms }: Probed,
  settings: HealthSettings,
  nowMs: number,
): Health {
  const took = `${describe(outcome)} after ${Math.round(ms)} ms`
  const isLate = ms > settings.slowMs
  const late = `, later than the ${settings.slowMs} ms of slow`
  const passed = (reason: string, from: Health): Health =>
    isLate
      ? enter(from, 'slow', reason + late)
      : awake(from, settings, nowMs, reason)
  if (health.state === 'unknown')
    return passed(`the first probe passed: ${took}`, health)
  if (health.state === 'down') {
    if (health.streak < settings.rise || isWindowBroken(health, settings))
      return health
    return passed(
      `passed ${times(health.streak)} (rise ${settings.rise}): ${took}`,
      {
        ...health,
        warmSinceMs: settings.slowStartMs > 0 ? nowMs : null,
      },
    )
  }
  if (isLate) return passed(took, health)
  return health.state === 'slow'
    ? passed(`in time again: ${took}`, health)
    : step(health, { kind: 'tick' }, settings, nowMs)
}

/** Up, or warming where slow start is not over. */
function awake(
  health: Health,
  settings: HealthSettings,
  nowMs: number,
  reason: string,
): Health {
  return warmingMs(health, settings, nowMs) !== null
    ? enter(
        health,
        'warming',
        `${reason}; its share grows for ${settings.slowStartMs} ms`,
      )
    : { ...enter(health, 'up', reason), warmSinceMs: null }
}

function enter(health: Health, state: State, reason: string): Health {
  return health.state === state ? health : { ...health, state, reason }
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times in a row`
}

function isUp(state: State): boolean {
  return state === 'up' || state === 'slow' || state === 'warming'
}

/** How far slow start has come; null = it is over, or never was. */
function warmingMs(
  { warmSinceMs }: Health,
  { slowStartMs }: HealthSettings,
  nowMs: number,
): number | null {
  return warmSinceMs !== null && nowMs - warmSinceMs < slowStartMs
    ? nowMs - warmSinceMs
    : null
}

function windowFailures(health: Health, { window }: HealthSettings): number {
  return window.of === 0
    ? 0
    : health.failures.slice(-window.of).filter(Boolean).length
}

/** Holds a backend down, too, until fewer of the last probes have failed. */
function isWindowBroken(health: Health, settings: HealthSettings): boolean {
  return (
    settings.window.of > 0 &&
    windowFailures(health, settings) >= settings.window.failures
  )
}
