// What the heartbeats say about a backend. Pure. Invariant: a server is judged by
// its heartbeat only after a trial has shown that the server does not treat it as a
// request; and no longer once one turns out to be a request, or once the server
// answers light probes but no heartbeats.

export type Heartbeat = {
  readonly isLearned: boolean
  /** the last heartbeat, by the monotonic clock; -Infinity = none yet */
  readonly lastHeartbeatAt: number
  /** how long the one in flight has been unanswered; 0 = none is late */
  readonly silentForMs: number
  /** why the last one failed at once; null = it did not */
  readonly trouble: string | null
  /** no trial before this time, by the monotonic clock */
  readonly trialMs: number
  /** trials in a row without a result */
  readonly unclear: number
  /** the last ten minutes' pauses that no longer pause followed, oldest first */
  readonly pauses: readonly Pause[]
}

/** A heartbeat that came, but not at once. */
export type Pause = { readonly atMs: number; readonly ms: number }

export type HeartbeatEvent =
  /** answered after `ms`; `isOurs`: this process itself paused meanwhile */
  | { readonly kind: 'beat'; readonly ms: number; readonly isOurs?: boolean }
  /** unanswered for `silentForMs` so far */
  | { readonly kind: 'silent'; readonly silentForMs: number }
  /** refused, reset, closed */
  | { readonly kind: 'broken'; readonly why: string }
  /** a trial has shown that heartbeats work and are not requests */
  | { readonly kind: 'learned'; readonly ms: number }
  /** a final answer: it runs as a request here */
  | { readonly kind: 'heartless' }
  /** a trial had no result */
  | { readonly kind: 'unclear' }

/** Times of the heartbeat, in ms. */
export type HeartbeatTimes = {
  readonly intervalMs: number
  /** a heartbeat that takes longer is missing */
  readonly timeoutMs: number
  /** later than this, new visitors go elsewhere; learned from its own pauses */
  readonly lateMs: number
  /** silent for this long, with no other sign of life: frozen */
  readonly frozenMs: number
  /** heartbeats detect `frozen` before light probes alone would detect `down` */
  readonly isFirst: boolean
}

/** The light probe's settings that the heartbeat times depend on. */
export type ProbeLimits = {
  readonly fall: number
  readonly intervalMs: number
  readonly timeoutMs: number
}

export const noHeartbeat: Heartbeat = {
  isLearned: false,
  lastHeartbeatAt: -Infinity,
  silentForMs: 0,
  trouble: null,
  trialMs: -Infinity,
  unclear: 0,
  pauses: [],
}

/** a delay that a busy machine causes now and then */
const minLateMs = 150
/** the default for late, as long as no pause has been seen */
const defaultLateMs = 200
/** how long a pause is remembered */
const memoryMs = 600_000
/** when to try a server again that runs heartbeats as requests */
const hourMs = 3_600_000
/** a trial without a result is repeated after this, then after twice as long, ... */
const firstRetryMs = 10_000

/**
 * The times that the settings imply. Late is twice the longest pause of the last ten
 * minutes: a full garbage collection stops Plone for half a second, a bare Zope is
 * never that late. Late never exceeds the timeout, so no pause can blind the monitor.
 * Frozen does not depend on it: silent for `fall` times twice the timeout, three
 * seconds by default. An extension that holds Python's interpreter lock for two
 * seconds is silent as well, but not frozen. Quick light probes shorten it: a hanging
 * backend is out after fall × (interval + timeout) at the latest.
 */
export function heartbeatTimes(
  settings: { readonly intervalMs: number; readonly timeoutMs: number },
  probe: ProbeLimits,
  heartbeat: Pick<Heartbeat, 'pauses'>,
): HeartbeatTimes {
  const { intervalMs, timeoutMs } = settings
  const lateMs = Math.min(
    timeoutMs,
    Math.max(
      Math.min(defaultLateMs, Math.max(minLateMs, 0.4 * timeoutMs)),
      2 * longestPauseMs(heartbeat.pauses),
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

/** A silence of `frozenMs` is not a pause: the backend was frozen or busy. */
export function nextHeartbeat(
  heartbeat: Heartbeat,
  event: HeartbeatEvent,
  times: Pick<HeartbeatTimes, 'intervalMs' | 'frozenMs'>,
  nowMs: number,
): Heartbeat {
  switch (event.kind) {
    case 'beat':
      // after an outage another program may answer: repeat the trial
      if (heartbeat.trouble !== null) return forgotten(heartbeat)
      return {
        ...heartbeat,
        lastHeartbeatAt: nowMs,
        silentForMs: 0,
        pauses: withPause(
          heartbeat.pauses,
          { atMs: nowMs, ms: pauseMs(heartbeat, event, times, nowMs) },
          minLateMs,
        ),
      }
    case 'silent':
      return { ...heartbeat, silentForMs: event.silentForMs }
    case 'broken':
      return { ...heartbeat, silentForMs: 0, trouble: event.why }
    case 'learned':
      return {
        ...forgotten(heartbeat),
        isLearned: true,
        lastHeartbeatAt: nowMs,
      }
    case 'heartless':
      return { ...forgotten(heartbeat), trialMs: nowMs + hourMs }
    case 'unclear':
      return {
        ...forgotten(heartbeat),
        unclear: heartbeat.unclear + 1,
        trialMs:
          nowMs + Math.min(hourMs, firstRetryMs * 2 ** heartbeat.unclear),
      }
  }
}

/** A light probe was answered: another sign of life. */
export function answeredElsewhere(
  heartbeat: Heartbeat,
  times: Pick<HeartbeatTimes, 'intervalMs' | 'frozenMs'>,
  nowMs: number,
): Heartbeat {
  return heartbeat.silentForMs >= times.frozenMs
    ? nextHeartbeat(heartbeat, { kind: 'unclear' }, times, nowMs)
    : heartbeat
}

/** Whether the next light probe should test for a heartbeat. */
export function isTrialDue(
  { isLearned, trialMs }: Heartbeat,
  nowMs: number,
): boolean {
  return !isLearned && nowMs >= trialMs
}

/** Its heartbeat is alive: the light probe only waits for a free worker. */
export function isBeating(
  heartbeat: Heartbeat,
  { intervalMs, timeoutMs }: Pick<HeartbeatTimes, 'intervalMs' | 'timeoutMs'>,
  nowMs: number,
): boolean {
  return (
    heartbeat.isLearned &&
    heartbeat.silentForMs === 0 &&
    heartbeat.trouble === null &&
    nowMs - heartbeat.lastHeartbeatAt <= 2 * (intervalMs + timeoutMs)
  )
}

/** Why new visitors should go elsewhere; null = no reason. */
export function heartbeatProblem(heartbeat: Heartbeat): string | null {
  if (!heartbeat.isLearned) return null
  if (heartbeat.trouble !== null)
    return `its heartbeat failed: ${heartbeat.trouble}`
  return heartbeat.silentForMs > 0
    ? `no heartbeat for ${Math.round(heartbeat.silentForMs)} ms`
    : null
}

/** How long the backend itself paused; 0 = the silence was something else. */
function pauseMs(
  { lastHeartbeatAt }: Heartbeat,
  { ms, isOurs = false }: Extract<HeartbeatEvent, { kind: 'beat' }>,
  { intervalMs, frozenMs }: Pick<HeartbeatTimes, 'intervalMs' | 'frozenMs'>,
  nowMs: number,
): number {
  // earlier heartbeats may have been given up
  const silenceMs = Math.max(ms, nowMs - lastHeartbeatAt - 2 * intervalMs)
  return isOurs || silenceMs >= frozenMs ? 0 : ms
}

/** 0 = none */
export function longestPauseMs(pauses: readonly Pause[]): number {
  return pauses[0]?.ms ?? 0
}

/**
 * The pauses of the last ten minutes. Pauses shorter than the newest are dropped, so
 * the first is the longest.
 *
 * @param leastMs a pause counts if it is longer than half of this
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

/** No longer judged by heartbeats; the pauses of this backend are kept. */
function forgotten({ pauses }: Heartbeat): Heartbeat {
  return { ...noHeartbeat, pauses }
}
