// The core of the monitor: combines light probes, heartbeats and deep probes into
// one state. Pure, and the only place where a verdict changes.
import type { ProbeSettings } from '../config/config.ts'
import type { State } from '../sentinels/reports.ts'
import { noDeep, nextDeep, type Deep, type DeepEvent } from './deep.ts'
import {
  answeredElsewhere,
  heartbeatTimes,
  heartbeatProblem,
  isBeating,
  isTrialDue as isHeartbeatTrialDue,
  noHeartbeat,
  nextHeartbeat,
  type Heartbeat,
  type HeartbeatEvent,
  type HeartbeatTimes,
  type ProbeLimits,
} from './heartbeat.ts'
import {
  lightOf,
  shareOf as lightShareOf,
  nextLight,
  type Light,
  type LightEvent,
  type SavedState,
} from './light.ts'
import { isAnswer, judge, type Outcome } from './outcome.ts'

export type Health = {
  readonly state: State
  /** why, in one sentence */
  readonly reason: string
  readonly light: Light
  readonly heartbeat: Heartbeat
  readonly deep: Deep
}

export type HealthEvent =
  | { readonly kind: 'probed'; readonly outcome: Outcome; readonly ms: number }
  /** the light probe in flight is older than `limitMs`, as `overdueMs` says */
  | { readonly kind: 'overdue'; readonly limitMs: number }
  /** time went by */
  | { readonly kind: 'tick' }
  | {
      readonly kind: 'heartbeat'
      readonly event: HeartbeatEvent
      /** how long ago httpd got a good answer from it; Infinity = not known */
      readonly lastServedAgoMs: number
    }
  | { readonly kind: 'warm-up'; readonly isGood: boolean }
  | DeepEvent

type HealthSettings = Pick<
  ProbeSettings,
  | 'rise'
  | 'fall'
  | 'intervalMs'
  | 'timeoutMs'
  | 'slowMs'
  | 'leastSlowMs'
  | 'slowStartMs'
  | 'window'
  | 'isDamped'
  | 'heartbeat'
  | 'deep'
  | 'warmUp'
>

/** The health to start from: a restart of the monitor makes no backend flap. */
export function healthOf(
  verdict: SavedState,
  settings: HealthSettings,
  nowMs: number,
): Health {
  const light = lightOf(verdict, settings, nowMs)
  return {
    state: light.state,
    reason: light.reason,
    light,
    heartbeat: noHeartbeat,
    deep: noDeep,
  }
}

/** The next health; compare `state` to detect a change. */
export function nextHealth(
  health: Health,
  event: HealthEvent,
  settings: HealthSettings,
  nowMs: number,
): Health {
  switch (event.kind) {
    case 'tick':
      return settle(health, {
        light: nextLightOf(health, event, settings, nowMs),
        // switched off: its last result no longer counts
        deep: settings.deep === null ? noDeep : health.deep,
      })
    case 'warm-up':
      return settle(health, {
        light: nextLightOf(health, event, settings, nowMs),
      })
    case 'overdue':
      return settle(health, {
        light: nextLightOf(
          health,
          { ...event, isBeating: heartbeatIsAlive(health, settings, nowMs) },
          settings,
          nowMs,
        ),
      })
    case 'probed': {
      const isPass = judge(event.outcome) === 'pass'
      const isHeard = isPass && isAnswer(event.outcome)
      const times = timesOf(settings, health.heartbeat)
      // an accepted connection does not show that it has thawed: wait for a heartbeat
      if (
        isPass &&
        !isHeard &&
        health.state === 'frozen' &&
        health.heartbeat.isLearned &&
        times !== null &&
        !isBeating(health.heartbeat, times, nowMs)
      )
        return health
      return settle(health, {
        light: nextLightOf(health, event, settings, nowMs),
        heartbeat:
          times === null
            ? // switched off: its last result no longer counts
              noHeartbeat
            : isHeard
              ? answeredElsewhere(health.heartbeat, times, nowMs)
              : health.heartbeat,
      })
    }
    case 'heartbeat':
      return afterHeartbeat(health, event, settings, nowMs)
    case 'deep':
      return settle(health, {
        deep: nextDeep(health.deep, event, settings, nowMs),
      })
  }
}

/** The same change, but not counted for damping: it was planned. */
export function unflipped(before: Health, after: Health): Health {
  return { ...after, light: { ...after.light, flips: before.light.flips } }
}

/** Percent of its weight a backend should get; null = it is not up. */
export function shareOf(
  health: Health,
  settings: HealthSettings,
  nowMs: number,
): number | null {
  switch (health.state) {
    case 'cut-off':
      return null
    case 'slow':
    case 'busy':
      return 0
    case 'unknown':
    case 'up':
    case 'warming':
    case 'frozen':
    case 'down':
      return lightShareOf(health.light, settings, nowMs)
  }
}

/** Whether its heartbeat is alive: then a silent light probe means busy. */
function heartbeatIsAlive(
  { heartbeat }: Health,
  settings: HealthSettings,
  nowMs: number,
): boolean {
  const times = timesOf(settings, heartbeat)
  return times !== null && isBeating(heartbeat, times, nowMs)
}

/**
 * Whether to hold a silent light probe: its heartbeat is alive, or its heartbeats
 * will show sooner than light probes whether it is frozen.
 */
export function holdsProbe(
  health: Health,
  settings: HealthSettings,
  nowMs: number,
): boolean {
  const { heartbeat, light, state } = health
  const times = timesOf(settings, heartbeat)
  if (times === null) return false
  return (
    isBeating(heartbeat, times, nowMs) ||
    (heartbeat.isLearned &&
      heartbeat.silentForMs > 0 &&
      state !== 'frozen' &&
      (times.isFirst || light.isProvenBusy))
  )
}

/** The times of its heartbeat; null = it is off. */
export function timesOf(
  settings: Pick<HealthSettings, 'heartbeat' | keyof ProbeLimits>,
  observed: Heartbeat,
): HeartbeatTimes | null {
  const { heartbeat } = settings
  return heartbeat.kind === 'off'
    ? null
    : heartbeatTimes(heartbeat, settings, observed)
}

/**
 * Whether to try now if it supports heartbeats: allowed, not known yet, and its
 * light probe passes, so a silence would mean something.
 */
export function isTrialDue(
  { light, heartbeat }: Health,
  settings: HealthSettings,
  nowMs: number,
): boolean {
  return (
    settings.heartbeat.kind !== 'off' &&
    (light.state === 'up' || light.state === 'warming') &&
    light.streak > 0 &&
    isHeartbeatTrialDue(heartbeat, nowMs)
  )
}

function afterHeartbeat(
  health: Health,
  { event, lastServedAgoMs }: HealthEvent & { readonly kind: 'heartbeat' },
  settings: HealthSettings,
  nowMs: number,
): Health {
  const times = timesOf(settings, health.heartbeat)
  // switched off while this heartbeat was in flight
  if (times === null) return health
  const heartbeat = nextHeartbeat(health.heartbeat, event, times, nowMs)
  const isFrozen =
    event.kind === 'silent' &&
    heartbeat.isLearned &&
    // a busy one is silent while all its connections wait: `busyTimeout` applies
    !health.light.isProvenBusy &&
    event.silentForMs >= times.frozenMs &&
    // the light probe is silent, too, and httpd has got no answer from it
    Math.min(nowMs - health.light.lastAnswerAt, lastServedAgoMs) >=
      times.frozenMs
  const light = isFrozen
    ? nextLightOf(
        health,
        { kind: 'frozen', silentForMs: event.silentForMs },
        settings,
        nowMs,
      )
    : event.kind === 'beat' && heartbeat.isLearned
      ? nextLightOf(health, { kind: 'beat' }, settings, nowMs)
      : health.light
  return settle(health, { light, heartbeat })
}

function nextLightOf(
  { light }: Health,
  event: LightEvent,
  settings: HealthSettings,
  nowMs: number,
): Light {
  return nextLight(light, event, settings, nowMs)
}

/** The worst result wins; the light probe's reason takes precedence. */
function settle(
  before: Health,
  change: Partial<Pick<Health, 'light' | 'heartbeat' | 'deep'>>,
): Health {
  const { light, heartbeat, deep } = { ...before, ...change }
  const next = (state: State, reason: string): Health => ({
    state,
    reason: state === before.state ? before.reason : reason,
    light,
    heartbeat,
    deep,
  })
  switch (light.state) {
    case 'unknown':
    case 'frozen':
    case 'down':
      return { ...next(light.state, light.reason), reason: light.reason }
    case 'slow':
    case 'busy':
    case 'up':
    case 'warming': {
      if (deep.cutReason !== null)
        return { ...next('cut-off', deep.cutReason), reason: deep.cutReason }
      if (light.state === 'slow' || light.state === 'busy')
        return next(light.state, light.reason)
      const trouble = heartbeatProblem(heartbeat) ?? deep.slowReason
      if (trouble !== null) return next('slow', trouble)
      return light.reason === before.light.reason
        ? next(light.state, recovery(before, deep))
        : { ...next(light.state, light.reason), reason: light.reason }
    }
  }
}

/** Why it is well again when the light probe reports nothing new. */
function recovery(
  { state, deep, heartbeat, light }: Health,
  after: Deep,
): string {
  if (state === 'cut-off' || deep.slowReason !== null)
    return after === noDeep
      ? 'deep probes are switched off'
      : 'its database answers again'
  return heartbeatProblem(heartbeat) === null
    ? light.reason
    : 'its heartbeat is back'
}
