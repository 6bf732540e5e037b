// What the light probes say about a backend: state + event + settings -> state.
// Pure: the (monotonic) time is an argument. Invariant: a backend goes out after
// `fall` failures in a row (or because of the window), never before, and comes back
// after `rise` passes in a row. An outcome that says nothing about the backend
// changes nothing.
import type { ProbeSettings } from '../config/config.ts'
import type { State } from '../sentinels/reports.ts'
import { formatDuration } from '../text/duration.ts'
import { dampedMs, flipped, noFlips, type Flips } from './damping.ts'
import {
  describe,
  isAnswer,
  isSignOfLife,
  judge,
  type Outcome,
} from './outcome.ts'
import { learned, noPace, type Pace } from './pace.ts'

export type LightState = Exclude<State, 'cut-off'>

export type Light = {
  readonly state: LightState
  /** why, in one sentence */
  readonly reason: string
  /**
   * Passes (positive) or failures (negative) in a row. Together with the state this
   * is the entire memory of rise and fall: one integer, so no two counters can drift
   * apart, and changed limits need no conversion.
   */
  readonly streak: number
  /** the last 64 probes, oldest first; true = failed */
  readonly failures: readonly boolean[]
  /** when slow start began; null = none; the state may also be `slow` meanwhile */
  readonly warmSinceMs: number | null
  /** the probe in flight is older than this limit; null = it is not overdue */
  readonly overdueMs: number | null
  /** how many probes in a row were answered, but later than `slow` */
  readonly lateAnswers: number
  /** a heartbeat arrived after that: it is busy, whatever later heartbeats show */
  readonly isProvenBusy: boolean
  /** when the passes in a row began; null = the last probe failed */
  readonly goodSinceMs: number | null
  /** it must answer its warm-up pages before it gets new visitors; null = warm */
  readonly cold: {
    readonly sinceMs: number
    /** rounds in a row in which every page was answered in time */
    readonly good: number
  } | null
  readonly flips: Flips
  readonly pace: Pace
  /** when a probe was last answered, however badly; by the monotonic clock */
  readonly lastAnswerAt: number
}

export type LightEvent =
  | { readonly kind: 'probed'; readonly outcome: Outcome; readonly ms: number }
  /** the probe in flight is older than the limit */
  | {
      readonly kind: 'overdue'
      readonly limitMs: number
      readonly isBeating: boolean
    }
  /** a heartbeat arrived */
  | { readonly kind: 'beat' }
  /** no heartbeat and no other sign of life for `silentForMs` */
  | { readonly kind: 'frozen'; readonly silentForMs: number }
  /** all its warm-up pages were fetched once */
  | { readonly kind: 'warm-up'; readonly isGood: boolean }
  /** time went by */
  | { readonly kind: 'tick' }

type LightSettings = Pick<
  ProbeSettings,
  | 'rise'
  | 'fall'
  | 'slowMs'
  | 'leastSlowMs'
  | 'slowStartMs'
  | 'window'
  | 'isDamped'
  | 'warmUp'
>

/** What an earlier monitor left on disk about a backend. */
export type SavedState =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'up'
      readonly share: number
      /** its warm-up was not finished */
      readonly isCold?: boolean
    }
  | { readonly kind: 'down' }

/** The share at which slow start begins. */
const warmingFloor = 10
const maxHistory = 64
/** rounds in a row: the first fills the caches, the second proves it */
const warmRounds = 2
/** a page that is always late or broken keeps a backend out no longer than this */
export const warmUpLimitMs = 120_000

/** What to start from: a restart of the monitor makes no backend flap. */
export function lightOf(
  verdict: SavedState,
  settings: LightSettings,
  nowMs: number,
): Light {
  const fresh = {
    streak: 0,
    failures: [],
    warmSinceMs: null,
    overdueMs: null,
    lateAnswers: 0,
    pace: noPace,
    isProvenBusy: false,
    goodSinceMs: null,
    cold: null,
    flips: noFlips,
    lastAnswerAt: nowMs,
  }
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
      const { share, isCold = false } = verdict
      if (isCold && hasWarmUp(settings))
        return {
          ...fresh,
          state: 'warming',
          reason: 'found warming up when the monitor started',
          cold: { sinceMs: nowMs, good: 0 },
        }
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
  light: Light,
  settings: LightSettings,
  nowMs: number,
): number | null {
  switch (light.state) {
    case 'unknown':
    case 'frozen':
    case 'down':
      return null
    case 'slow':
    case 'busy':
      return 0
    case 'up':
      return 100
    case 'warming': {
      if (light.cold !== null) return 0
      const ms = warmingMs(light, settings, nowMs)
      return ms === null
        ? 100
        : Math.floor(
            warmingFloor + ((100 - warmingFloor) * ms) / settings.slowStartMs,
          )
    }
  }
}

/** The state after the event; compare `state` to detect a change. */
export function nextLight(
  light: Light,
  event: LightEvent,
  settings: LightSettings,
  nowMs: number,
): Light {
  switch (event.kind) {
    case 'tick':
      if (light.cold !== null) return thawed(light, light.cold, settings, nowMs)
      return light.state === 'warming' &&
        warmingMs(light, settings, nowMs) === null
        ? awake(light, settings, nowMs, 'slow start is over')
        : light
    case 'warm-up': {
      if (light.cold === null) return light
      const good = event.isGood ? light.cold.good + 1 : 0
      return good < warmRounds
        ? { ...light, cold: { ...light.cold, good } }
        : warm(
            light,
            settings,
            nowMs,
            `its warm-up pages were answered in time ${times(good)}`,
          )
    }
    case 'overdue': {
      if (!isUp(light.state)) return light
      const waiting = { ...light, overdueMs: event.limitMs }
      const silence = `no answer for ${limitText(event.limitMs, settings)}`
      return event.isBeating
        ? enter(waiting, 'busy', `${silence}, but its heartbeat is alive`)
        : enter(waiting, 'slow', silence)
    }
    case 'beat':
      if (light.overdueMs === null) return light
      return light.state === 'slow'
        ? enter(
            { ...light, isProvenBusy: true },
            'busy',
            `its heartbeat is alive, but the probe is unanswered after more than ${limitText(light.overdueMs, settings)}`,
          )
        : { ...light, isProvenBusy: true }
    case 'frozen':
      return isUp(light.state)
        ? out(
            light,
            'frozen',
            `no heartbeat and no other sign of life for ${Math.round(event.silentForMs)} ms`,
            nowMs,
          )
        : light
    case 'probed': {
      const judgement = judge(event.outcome)
      if (judgement === 'none')
        return {
          ...light,
          overdueMs: null,
          isProvenBusy: false,
          // the reason shows why there is no verdict
          reason:
            light.state === 'unknown' ? describe(event.outcome) : light.reason,
        }
      const isFailure = judgement === 'fail'
      const counted: Light = {
        ...light,
        overdueMs: null,
        isProvenBusy: false,
        lastAnswerAt: isAnswer(event.outcome) ? nowMs : light.lastAnswerAt,
        goodSinceMs: isFailure ? null : (light.goodSinceMs ?? nowMs),
        lateAnswers:
          isFailure || event.ms <= settings.slowMs ? 0 : light.lateAnswers + 1,
        streak: isFailure
          ? Math.min(light.streak, 0) - 1
          : Math.max(light.streak, 0) + 1,
        failures: [...light.failures, isFailure].slice(-maxHistory),
        pace:
          isFailure || event.ms > settings.slowMs
            ? light.pace
            : learned(light.pace, event.ms, settings, nowMs),
      }
      return isFailure
        ? afterFailure(counted, event, settings, nowMs)
        : afterPass(counted, event, settings, nowMs)
    }
  }
}

/** How long the wait was, and where its limit comes from. */
function limitText(ms: number, { slowMs }: LightSettings): string {
  const why =
    ms < slowMs
      ? 'twice its longest answer of the last ten minutes'
      : 'the limit of slow'
  return `${Math.round(ms)} ms (${why})`
}

type ProbeDone = LightEvent & { readonly kind: 'probed' }

function afterFailure(
  light: Light,
  { outcome, ms }: ProbeDone,
  settings: LightSettings,
  nowMs: number,
): Light {
  const why = describe(outcome)
  const { state } = light
  if (state === 'down') return light
  // `frozen` ends only with a sign of life; a refused connection is one
  if (state === 'frozen' && !isSignOfLife(outcome)) return light
  const down = (reason: string): Light => out(light, 'down', reason, nowMs)
  // it has had all of `busyTimeout`
  if (outcome.kind === 'stuck') return down(why)
  if (state === 'unknown') return down(`the first probe failed: ${why}`)
  const inRow = -light.streak
  if (inRow >= settings.fall)
    return down(`failed ${times(inRow)} (fall ${settings.fall}): ${why}`)
  const failed = windowFailures(light, settings)
  if (isWindowBroken(light, settings))
    return down(
      `${failed} of the last ${settings.window.of} probes failed (limit ${settings.window.failures}), the last one: ${why}`,
    )
  if (ms > settings.slowMs && state !== 'frozen')
    return enter(
      light,
      'slow',
      `failed ${times(inRow)} (fall ${settings.fall}) after ${Math.round(ms)} ms: ${why}`,
    )
  return light
}

function afterPass(
  light: Light,
  { outcome, ms }: ProbeDone,
  settings: LightSettings,
  nowMs: number,
): Light {
  const took = `${describe(outcome)} after ${Math.round(ms)} ms`
  const isLate = ms > settings.slowMs
  const late = `, later than the ${settings.slowMs} ms of slow`
  const passed = (reason: string, from: Light): Light =>
    isLate
      ? enter(from, 'slow', reason + late)
      : awake(from, settings, nowMs, reason)
  if (light.state === 'unknown')
    return passed(`the first probe passed: ${took}`, light)
  if (isOut(light.state)) {
    if (light.streak < settings.rise || isWindowBroken(light, settings))
      return light
    const holdMs = settings.isDamped ? dampedMs(light.flips, nowMs) : 0
    if (nowMs - Number(light.goodSinceMs) < holdMs)
      return {
        ...light,
        reason: `passes again, but went down too often: kept out until it has passed for ${Math.ceil(holdMs / 1_000)} s`,
      }
    return passed(
      `passed ${times(light.streak)} (rise ${settings.rise}): ${took}`,
      {
        ...light,
        warmSinceMs: settings.slowStartMs > 0 ? nowMs : null,
        // after `frozen` its caches are still warm
        cold:
          light.state === 'down' && hasWarmUp(settings)
            ? { sinceMs: nowMs, good: 0 }
            : null,
      },
    )
  }
  if (isLate) return passed(took, light)
  return light.state === 'slow' || light.state === 'busy'
    ? passed(`in time again: ${took}`, light)
    : nextLight(light, { kind: 'tick' }, settings, nowMs)
}

/** Up, or warming while slow start is not over. */
function awake(
  light: Light,
  settings: LightSettings,
  nowMs: number,
  reason: string,
): Light {
  if (light.cold !== null)
    return enter(
      light,
      'warming',
      `${reason}; its warm-up pages are fetched before it gets new visitors`,
    )
  return warmingMs(light, settings, nowMs) !== null
    ? enter(
        light,
        'warming',
        `${reason}; its share grows for ${formatDuration(settings.slowStartMs)}`,
      )
    : { ...enter(light, 'up', reason), warmSinceMs: null }
}

/** The warm-up is over; slow start follows. */
function warm(
  light: Light,
  settings: LightSettings,
  nowMs: number,
  reason: string,
): Light {
  const done: Light = {
    ...light,
    cold: null,
    warmSinceMs: settings.slowStartMs > 0 ? nowMs : null,
  }
  if (light.state !== 'warming') return done
  // the state may stay the same, but the reason changes
  return awake({ ...done, state: 'slow' }, settings, nowMs, reason)
}

/** Ends a warm-up that takes too long, or whose pages are no longer configured. */
function thawed(
  light: Light,
  { sinceMs }: NonNullable<Light['cold']>,
  settings: LightSettings,
  nowMs: number,
): Light {
  if (!hasWarmUp(settings))
    return warm(
      light,
      settings,
      nowMs,
      'warm-up pages were removed from the configuration',
    )
  return nowMs - sinceMs < warmUpLimitMs
    ? light
    : warm(
        light,
        settings,
        nowMs,
        `its warm-up pages were not answered in time for ${formatDuration(warmUpLimitMs)}, it serves without warm-up`,
      )
}

function hasWarmUp({ warmUp = [] }: LightSettings): boolean {
  return warmUp.length > 0
}

/** Down or frozen; from `unknown` it is a first verdict, not a flip. */
function out(
  light: Light,
  state: 'down' | 'frozen',
  reason: string,
  nowMs: number,
): Light {
  return {
    ...enter(light, state, reason),
    warmSinceMs: null,
    cold: null,
    overdueMs: null,
    isProvenBusy: false,
    streak: Math.min(light.streak, 0),
    goodSinceMs: null,
    flips: isUp(light.state) ? flipped(light.flips, nowMs) : light.flips,
  }
}

function enter(light: Light, state: LightState, reason: string): Light {
  return light.state === state ? light : { ...light, state, reason }
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times in a row`
}

function isUp(state: LightState): boolean {
  return state !== 'unknown' && !isOut(state)
}

function isOut(state: LightState): boolean {
  return state === 'down' || state === 'frozen'
}

/** The progress of slow start; null = it is over or never began. */
function warmingMs(
  { warmSinceMs }: Light,
  { slowStartMs }: LightSettings,
  nowMs: number,
): number | null {
  return warmSinceMs !== null && nowMs - warmSinceMs < slowStartMs
    ? nowMs - warmSinceMs
    : null
}

function windowFailures(light: Light, { window }: LightSettings): number {
  return window.of === 0
    ? 0
    : light.failures.slice(-window.of).filter(Boolean).length
}

/** Also keeps a backend down until fewer of the last probes have failed. */
function isWindowBroken(light: Light, settings: LightSettings): boolean {
  return (
    settings.window.of > 0 &&
    windowFailures(light, settings) >= settings.window.failures
  )
}
