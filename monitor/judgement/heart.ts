// What the heartbeats say of a backend. Pure. What must hold: a server is judged
// by its heartbeat only after it gave one while its light probe was good, and no
// longer once it answers light probes without giving any.

export type Heart = {
  readonly isLearned: boolean
  /** the last heartbeat, by the monotonic clock; -Infinity = none yet */
  readonly beatMs: number
  /** for how long the one in flight has been unanswered; 0 = none is late */
  readonly silentMs: number
  /** why the last one failed at once; null = it did not */
  readonly trouble: string | null
  /** how long a heartbeat takes while the backend is well, smoothed */
  readonly usualMs: number
}

export type HeartEvent =
  /** answered after `ms` */
  | { readonly kind: 'beat'; readonly ms: number }
  /** unanswered for `silentMs` so far */
  | { readonly kind: 'silent'; readonly silentMs: number }
  /** refused, reset, closed */
  | { readonly kind: 'broken'; readonly why: string }
  /** another answer than 100: this server has no heartbeat to give */
  | { readonly kind: 'heartless' }

/** Times of the heartbeat, in ms. */
export type HeartTimes = {
  readonly intervalMs: number
  /** a heartbeat that takes longer is missing */
  readonly timeoutMs: number
  /** later than this, newcomers go elsewhere; grows with what is usual */
  readonly lateMs: number
  /** silent for so long, with no other sign of life: frozen */
  readonly frozenMs: number
  /** frozen is known before light probes alone would know that it is down */
  readonly isFirst: boolean
}

/** What the heartbeat has to do with the light probes. */
export type ProbeLimits = {
  readonly fall: number
  readonly intervalMs: number
  readonly timeoutMs: number
}

export const noHeart: Heart = {
  isLearned: false,
  beatMs: -Infinity,
  silentMs: 0,
  trouble: null,
  usualMs: 0,
}

/** what a busy machine does to a heartbeat now and then */
const leastLateMs = 150

/**
 * The times that the settings ask for. Frozen is `fall` times silent for twice the
 * timeout, three seconds by default: an extension that holds Python's interpreter
 * for two seconds is silent, too, and is not frozen. Quick light probes make it
 * sooner: whoever hangs is out after fall × (interval + timeout) at the latest.
 */
export function heartTimes(
  heartbeat: { readonly intervalMs: number; readonly timeoutMs: number },
  probe: ProbeLimits,
  heart: Pick<Heart, 'usualMs'>,
): HeartTimes {
  const { intervalMs, timeoutMs } = heartbeat
  const lateMs = Math.min(
    timeoutMs,
    Math.max(leastLateMs, 0.4 * timeoutMs, 4 * heart.usualMs),
  )
  // the first unanswered heartbeat may be sent an interval after it froze
  const latestMs =
    probe.fall * (probe.intervalMs + probe.timeoutMs) - 2 * intervalMs
  return {
    intervalMs,
    timeoutMs,
    lateMs,
    frozenMs: Math.max(lateMs, Math.min(probe.fall * 2 * timeoutMs, latestMs)),
    isFirst: lateMs <= latestMs,
  }
}

/** @param isWell its light probe is good now, so that it can be learned */
export function stepHeart(
  heart: Heart,
  event: HeartEvent,
  isWell: boolean,
  nowMs: number,
): Heart {
  switch (event.kind) {
    case 'beat':
      return {
        isLearned: heart.isLearned || isWell,
        beatMs: nowMs,
        silentMs: 0,
        trouble: null,
        usualMs:
          heart.beatMs === -Infinity
            ? event.ms
            : heart.usualMs + (event.ms - heart.usualMs) / 8,
      }
    case 'silent':
      return { ...heart, silentMs: event.silentMs }
    case 'broken':
      return { ...heart, silentMs: 0, trouble: event.why }
    case 'heartless':
      return noHeart
  }
}

/** A light probe was answered: another sign of life. */
export function heardElsewhere(
  heart: Heart,
  times: Pick<HeartTimes, 'frozenMs'>,
): Heart {
  return heart.silentMs >= times.frozenMs ? noHeart : heart
}

/** It beats now: what the light probe waits for is a free worker. */
export function isBeating(
  heart: Heart,
  { intervalMs, timeoutMs }: Pick<HeartTimes, 'intervalMs' | 'timeoutMs'>,
  nowMs: number,
): boolean {
  return (
    heart.isLearned &&
    heart.silentMs === 0 &&
    heart.trouble === null &&
    nowMs - heart.beatMs <= 2 * (intervalMs + timeoutMs)
  )
}

/** Why newcomers should go elsewhere; null = they need not. */
export function heartTrouble(heart: Heart): string | null {
  if (!heart.isLearned) return null
  if (heart.trouble !== null) return `its heartbeat failed: ${heart.trouble}`
  return heart.silentMs > 0
    ? `no heartbeat for ${Math.round(heart.silentMs)} ms`
    : null
}
