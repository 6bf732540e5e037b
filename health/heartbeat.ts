// What the heartbeats say of a backend. Pure. Invariant: a server is judged by
// its heartbeat only after a trial has shown that a heartbeat is no request there,
// and no longer once one turns out to be a request, or once it answers light probes
// without giving any.

export type Heartbeat = {
  readonly isLearned: boolean
  /** the last heartbeat, by the monotonic clock; -Infinity = none yet */
  readonly lastHeartbeatAt: number
  /** for how long the one in flight has been unanswered; 0 = none is late */
  readonly silentForMs: number
  /** why the last one failed at once; null = it did not */
  readonly trouble: string | null
  /** no trial before this time, by the monotonic clock */
  readonly trialMs: number
  /** trials in a row that showed nothing */
  readonly unclear: number
  /** its pauses of the last ten minutes that no longer one followed, oldest first */
  readonly pauses: readonly Pause[]
}

/** A heartbeat that came, but not at once. */
export type Pause = { readonly atMs: number; readonly ms: number }

export type HeartbeatEvent =
  /** answered after `ms`; `isOurs`: this process itself slept meanwhile */
  | { readonly kind: 'beat'; readonly ms: number; readonly isOurs?: boolean }
  /** unanswered for `silentMs` so far */
  | { readonly kind: 'silent'; readonly silentMs: number }
  /** refused, reset, closed */
  | { readonly kind: 'broken'; readonly why: string }
  /** a trial has shown that it gives one, and that it is no request */
  | { readonly kind: 'learned'; readonly ms: number }
  /** a final answer: it runs as a request here */
  | { readonly kind: 'heartless' }
  /** a trial has shown neither */
  | { readonly kind: 'unclear' }

/** Times of the heartbeat, in ms. */
export type HeartTimes = {
  readonly intervalMs: number
  /** a heartbeat that takes longer is missing */
  readonly timeoutMs: number
  /** later than this, new visitors go elsewhere; learned from its own pauses */
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

export const noHeart: Heartbeat = {
  isLearned: false,
  lastHeartbeatAt: -Infinity,
  silentForMs: 0,
  trouble: null,
  trialMs: -Infinity,
  unclear: 0,
  pauses: [],
}

/** what a busy machine does to a heartbeat now and then */
const leastLateMs = 150
/** late, where the settings allow it and no pause has been seen */
const usualLateMs = 200
/** so long a pause is remembered */
const memoryMs = 600_000
/** a server that runs heartbeats as requests is tried again after so long */
const hourMs = 3_600_000
/** a trial that showed nothing is repeated after this, then twice as long, ... */
const firstRetryMs = 10_000

/**
 * The times that the settings ask for. Late is twice the longest pause of the last
 * ten minutes: a full garbage collection stops a Plone for half a second, a bare
 * Zope is never that late. It is never later than the timeout, so no pause can make
 * the monitor blind. Frozen does not depend on it: `fall` times silent for twice the
 * timeout, three seconds by default. An extension that holds Python's interpreter
 * for two seconds is silent, too, and is not frozen. Quick light probes make it
 * sooner: what hangs is out after fall × (interval + timeout) at the latest.
 */
export function heartTimes(
  heartbeat: { readonly intervalMs: number; readonly timeoutMs: number },
  probe: ProbeLimits,
  heart: Pick<Heartbeat, 'pauses'>,
): HeartTimes {
  const { intervalMs, timeoutMs } = heartbeat
  const lateMs = Math.min(
    timeoutMs,
    Math.max(
      Math.min(usualLateMs, Math.max(leastLateMs, 0.4 * timeoutMs)),
      2 * longestPauseMs(heart.pauses),
    ),
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

/** A silence of `frozenMs` is no pause: it was called frozen, or busy. */
export function nextHeartbeat(
  heart: Heartbeat,
  event: HeartbeatEvent,
  times: Pick<HeartTimes, 'intervalMs' | 'frozenMs'>,
  nowMs: number,
): Heartbeat {
  switch (event.kind) {
    case 'beat':
      // who was away may be back as another program: it has to be tried again
      if (heart.trouble !== null) return forgotten(heart)
      return {
        ...heart,
        lastHeartbeatAt: nowMs,
        silentForMs: 0,
        pauses: withPause(
          heart.pauses,
          { atMs: nowMs, ms: pauseMs(heart, event, times, nowMs) },
          leastLateMs,
        ),
      }
    case 'silent':
      return { ...heart, silentForMs: event.silentMs }
    case 'broken':
      return { ...heart, silentForMs: 0, trouble: event.why }
    case 'learned':
      return { ...forgotten(heart), isLearned: true, lastHeartbeatAt: nowMs }
    case 'heartless':
      return { ...forgotten(heart), trialMs: nowMs + hourMs }
    case 'unclear':
      return {
        ...forgotten(heart),
        unclear: heart.unclear + 1,
        trialMs: nowMs + Math.min(hourMs, firstRetryMs * 2 ** heart.unclear),
      }
  }
}

/** A light probe was answered: another sign of life. */
export function heardElsewhere(
  heart: Heartbeat,
  times: Pick<HeartTimes, 'intervalMs' | 'frozenMs'>,
  nowMs: number,
): Heartbeat {
  return heart.silentForMs >= times.frozenMs
    ? nextHeartbeat(heart, { kind: 'unclear' }, times, nowMs)
    : heart
}

/** Whether the next light probe is to show if it has a heartbeat. */
export function isTrialDue(
  { isLearned, trialMs }: Heartbeat,
  nowMs: number,
): boolean {
  return !isLearned && nowMs >= trialMs
}

/** It beats now: what the light probe waits for is a free worker. */
export function isBeating(
  heart: Heartbeat,
  { intervalMs, timeoutMs }: Pick<HeartTimes, 'intervalMs' | 'timeoutMs'>,
  nowMs: number,
): boolean {
  return (
    heart.isLearned &&
    heart.silentForMs === 0 &&
    heart.trouble === null &&
    nowMs - heart.lastHeartbeatAt <= 2 * (intervalMs + timeoutMs)
  )
}

/** Why new visitors should go elsewhere; null = they need not. */
export function heartTrouble(heart: Heartbeat): string | null {
  if (!heart.isLearned) return null
  if (heart.trouble !== null) return `its heartbeat failed: ${heart.trouble}`
  return heart.silentForMs > 0
    ? `no heartbeat for ${Math.round(heart.silentForMs)} ms`
    : null
}

/** How long the backend itself paused; 0 = what was silent was more than that. */
function pauseMs(
  { lastHeartbeatAt: beatMs }: Heartbeat,
  { ms, isOurs = false }: Extract<HeartbeatEvent, { kind: 'beat' }>,
  { intervalMs, frozenMs }: Pick<HeartTimes, 'intervalMs' | 'frozenMs'>,
  nowMs: number,
): number {
  // heartbeats before this one may have been given up
  const silenceMs = Math.max(ms, nowMs - beatMs - 2 * intervalMs)
  return isOurs || silenceMs >= frozenMs ? 0 : ms
}

/** 0 = none */
export function longestPauseMs(pauses: readonly Pause[]): number {
  return pauses[0]?.ms ?? 0
}

/**
 * The pauses of the last ten minutes. Shorter ones than the newest say nothing any
 * more, so the first is the longest.
 *
 * @param leastMs twice as long a pause as counts at all
 */
export function withPause(
  pauses: readonly Pause[],
  newest: Pause,
  leastMs: number,
): readonly Pause[] {
  return [
    ...pauses.filter(
      ({ atMs, ms }) => ms > newest.ms && newest.atMs - atMs < memoryMs,
    ),
    ...(2 * newest.ms > leastMs ? [newest] : []),
  ]
}

/** Not judged by it; its pauses are still those of this backend. */
function forgotten({ pauses }: Heartbeat): Heartbeat {
  return { ...noHeart, pauses }
}
