// The heart of the monitor: what the light probes, the heartbeats and the deep
// probes say, put together into one state. Pure, and the only place where a
// verdict changes.
import type { ProbeSettings } from '../config/config.ts'
import type { State } from '../sentinels/reports.ts'
import { noDeep, nextDeep } from './deep.ts'
import type { Deep, DeepEvent } from './deep.ts'
import {
  heardElsewhere,
  heartTimes,
  heartTrouble,
  isBeating,
  isTrialDue as isHeartTrialDue,
  noHeart,
  nextHeartbeat,
} from './heartbeat.ts'
import type {
  Heartbeat,
  HeartbeatEvent,
  HeartTimes,
  ProbeLimits,
} from './heartbeat.ts'
import { lightOf, shareOf as lightShareOf, nextLight } from './light.ts'
import type { Light, LightEvent, SavedVerdict } from './light.ts'
import { isAnswer, judge } from './outcome.ts'
import type { Outcome } from './outcome.ts'

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
      readonly kind: 'heart'
      readonly heart: HeartbeatEvent
      /** how long ago httpd had a good answer from it; Infinity = not known */
      readonly lastServedAgoMs: number
    }
  | { readonly kind: 'warm-up'; readonly isGood: boolean }
  | DeepEvent

export type HealthSettings = Pick<
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

/** The health to start from: nobody flaps because the monitor was restarted. */
export function healthOf(
  verdict: SavedVerdict,
  settings: HealthSettings,
  nowMs: number,
): Health {
  const light = lightOf(verdict, settings, nowMs)
  return {
    state: light.state,
    reason: light.reason,
    light,
    heartbeat: noHeart,
    deep: noDeep,
  }
}

/** The next health; a change of state is seen by comparing `state`. */
export function nextHealth(
  health: Health,
  event: HealthEvent,
  settings: HealthSettings,
  nowMs: number,
): Health {
  switch (event.kind) {
    case 'tick':
      return settle(health, {
        light: lit(health, event, settings, nowMs),
        // switched off: what it said last holds no longer
        deep: settings.deep === null ? noDeep : health.deep,
      })
    case 'warm-up':
      return settle(health, { light: lit(health, event, settings, nowMs) })
    case 'overdue':
      return settle(health, {
        light: lit(
          health,
          { ...event, isBeating: heartBeats(health, settings, nowMs) },
          settings,
          nowMs,
        ),
      })
    case 'probed': {
      const isPass = judge(event.outcome) === 'pass'
      const isHeard = isPass && isAnswer(event.outcome)
      const times = timesOf(settings, health.heartbeat)
      // what its kernel does is no sign that it has thawed: its heart tells
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
        light: lit(health, event, settings, nowMs),
        heartbeat:
          times === null
            ? // it was switched off: what it said last holds no longer
              noHeart
            : isHeard
              ? heardElsewhere(health.heartbeat, times, nowMs)
              : health.heartbeat,
      })
    }
    case 'heart':
      return afterHeart(health, event, settings, nowMs)
    case 'deep':
      return settle(health, {
        deep: nextDeep(health.deep, event, settings, nowMs),
      })
  }
}

/** The same change, and not counted for damping: it was planned. */
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

/** Whether its heart beats now, so that a silent light probe means busy. */
export function heartBeats(
  { heartbeat: heart }: Health,
  settings: HealthSettings,
  nowMs: number,
): boolean {
  const times = timesOf(settings, heart)
  return times !== null && isBeating(heart, times, nowMs)
}

/**
 * Whether a silent light probe is to be held: its heart beats, or its heartbeats
 * will tell sooner than light probes whether it is frozen.
 */
export function holdsProbe(
  health: Health,
  settings: HealthSettings,
  nowMs: number,
): boolean {
  const { heartbeat: heart, light, state } = health
  const times = timesOf(settings, heart)
  if (times === null) return false
  return (
    isBeating(heart, times, nowMs) ||
    (heart.isLearned &&
      heart.silentForMs > 0 &&
      state !== 'frozen' &&
      (times.isFirst || light.isProvenBusy))
  )
}

/** The times of its heartbeat; null = it is off. */
export function timesOf(
  settings: Pick<HealthSettings, 'heartbeat' | keyof ProbeLimits>,
  heart: Heartbeat,
): HeartTimes | null {
  const { heartbeat } = settings
  return heartbeat.kind === 'off'
    ? null
    : heartTimes(heartbeat, settings, heart)
}

/**
 * Whether a trial of its heartbeat is due: it may have one, it is not known yet,
 * and its light probe is good, so that a silence would say something.
 */
export function isTrialDue(
  { light, heartbeat: heart }: Health,
  settings: HealthSettings,
  nowMs: number,
): boolean {
  return (
    settings.heartbeat.kind !== 'off' &&
    (light.state === 'up' || light.state === 'warming') &&
    light.streak > 0 &&
    isHeartTrialDue(heart, nowMs)
  )
}

function afterHeart(
  health: Health,
  { heart: event, lastServedAgoMs }: HealthEvent & { readonly kind: 'heart' },
  settings: HealthSettings,
  nowMs: number,
): Health {
  const times = timesOf(settings, health.heartbeat)
  // it was switched off while that one was under way
  if (times === null) return health
  const heart = nextHeartbeat(health.heartbeat, event, times, nowMs)
  const isFrozen =
    event.kind === 'silent' &&
    heart.isLearned &&
    // one that is busy is silent when all its connections wait: for busyTimeout
    !health.light.isProvenBusy &&
    event.silentMs >= times.frozenMs &&
    // the light probe has been silent, too, and httpd has had nothing from it
    Math.min(nowMs - health.light.lastAnswerAt, lastServedAgoMs) >=
      times.frozenMs
  const light = isFrozen
    ? lit(health, { kind: 'frozen', silentMs: event.silentMs }, settings, nowMs)
    : event.kind === 'beat' && heart.isLearned
      ? lit(health, { kind: 'beat' }, settings, nowMs)
      : health.light
  return settle(health, { light, heartbeat: heart })
}

function lit(
  { light }: Health,
  event: LightEvent,
  settings: HealthSettings,
  nowMs: number,
): Light {
  return nextLight(light, event, settings, nowMs)
}

/** The worst that is said wins; what the light probe says is told first. */
function settle(
  before: Health,
  change: Partial<Pick<Health, 'light' | 'heartbeat' | 'deep'>>,
): Health {
  const { light, heartbeat: heart, deep } = { ...before, ...change }
  const next = (state: State, reason: string): Health => ({
    state,
    reason: state === before.state ? before.reason : reason,
    light,
    heartbeat: heart,
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
      const trouble = heartTrouble(heart) ?? deep.slowReason
      if (trouble !== null) return next('slow', trouble)
      return light.reason === before.light.reason
        ? next(light.state, recovery(before, deep))
        : { ...next(light.state, light.reason), reason: light.reason }
    }
  }
}

/** Why it is well again, when the light probe has nothing new to say. */
function recovery(
  { state, deep, heartbeat: heart, light }: Health,
  after: Deep,
): string {
  if (state === 'cut-off' || deep.slowReason !== null)
    return after === noDeep
      ? 'its database is not asked any more'
      : 'its database answers again'
  return heartTrouble(heart) === null ? light.reason : 'its heart beats again'
}
