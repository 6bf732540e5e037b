// One line that httpd pipes to `observe` -> observations of backends. Pure. The
// line is LogFormat zope_failover_observe (apache-conf/prg.conf). Invariant: it
// contains no byte from a visitor. Names come from httpd's configuration, numbers
// from httpd. So a visitor can make a backend suspect only by making it fail.
//
//   zf1 MS first=BACKEND,STATUS,ZOPE,TIMEDOUT last=… answer=LEAD NEXT
//
// first and last are equal unless httpd repeated the request by an internal
// redirect. ZOPE is the status from the backend itself, - = it did not answer.

export type Signal =
  /** it answered, without its own error */
  | 'good'
  /** it answered with a status from 500 */
  | 'error'
  /** httpd could not connect */
  | 'refused'
  /** connected, but the answer never came */
  | 'lost'
  | 'timeout'

export type Observation = {
  readonly backend: string
  readonly signal: Signal
}

/** The result of one request. */
type Request = {
  /** its end, ms since 1970 */
  readonly atMs: number
  /** in order of time; [] = no backend was involved */
  readonly observations: readonly Observation[]
}

const name = '[a-z][a-z0-9-]{0,31}'
const attempt = `(${name}|-),(\\d{3}|-),(\\d{3}|-),(1|-)`
const form = new RegExp(
  `^zf1 (\\d{13,15}) first=(${attempt}) last=(${attempt}) answer=(?:(${name}) (?:${name}|-)|NULL|-)$`,
)

/** undefined: not one of our lines, or an incomplete one. */
export function parseLine(line: string): Request | undefined {
  const match = form.exec(line)
  if (match === null) return undefined
  const [, at, first = '', ...rest] = match
  const [last, lead] = [rest[4], rest[9]]
  const firstTry = attemptOf(rest.slice(0, 4))
  const served = rest[0]
  return {
    atMs: Number(at),
    observations: [
      // the balancer used the standby: the lead refused the connection
      ...(lead === undefined || served === '-' || served === lead
        ? []
        : [{ backend: lead, signal: 'refused' as const }]),
      ...firstTry,
      ...(last === first ? [] : attemptOf(rest.slice(5, 9))),
    ],
  }
}

function attemptOf(fields: readonly (string | undefined)[]): Observation[] {
  const [backend = '-', status, zope, timedOut] = fields
  if (backend === '-') return []
  const signal = signalOf(Number(status), Number(zope), timedOut === '1')
  return signal === undefined ? [] : [{ backend, signal }]
}

/** @param zope NaN = no status from the backend */
function signalOf(
  status: number,
  zope: number,
  isTimedOut: boolean,
): Signal | undefined {
  if (zope >= 500) return 'error'
  if (zope > 0) return 'good'
  if (isTimedOut || status === 504) return 'timeout'
  if (status === 503) return 'refused'
  // on a reused connection httpd answers 500 instead of 502
  if (status === 502 || status === 500) return 'lost'
  // an error of the visitor (400, 408, 413)
  return undefined
}
