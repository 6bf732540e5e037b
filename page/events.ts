// What happened between two reports, for the list on the status page. Pure.
import type { BackendStatus, Liveness, StatusReport } from '../status/report.ts'
import { rowsOf } from '../status/print.ts'

export type Tone = 'good' | 'warn' | 'bad' | 'note'

export type StatusEvent = {
  /** RFC 3339: of the change itself if known, else of the report */
  readonly at: string
  readonly tone: Tone
  /** a backend, a pool, a program */
  readonly subject: string
  readonly text: string
}

/** How many are kept. */
export const maxEvents = 200

/** How good a state is; a later version may report unknown ones. */
export function toneOf(state: string): Tone {
  return stateTones.get(state) ?? 'note'
}

const stateTones = new Map<string, Tone>([
  ['up', 'good'],
  // of the front
  ['last-resort', 'warn'],
  ['nobody', 'bad'],
  ['silent', 'bad'],
  ['warming', 'warn'],
  ['slow', 'warn'],
  ['busy', 'warn'],
  ['frozen', 'bad'],
  ['cut-off', 'bad'],
  ['down', 'bad'],
])

/** Newest first; the oldest are dropped. */
export function remembered(
  events: readonly StatusEvent[],
  fresh: readonly StatusEvent[],
): readonly StatusEvent[] {
  return fresh.length === 0
    ? events
    : [...fresh.toReversed(), ...events].slice(0, maxEvents)
}

/** In the order of the report: they happened between the same two reports. */
export function eventsBetween(
  before: StatusReport,
  after: StatusReport,
): StatusEvent[] {
  const at = after.time
  return [
    ...programEvents('monitor', before.monitor, after.monitor, at),
    ...mapEvents(before, after),
    ...backendEvents(before, after),
    ...poolEvents(before, after),
    ...after.problems
      .filter(text => !before.problems.includes(text))
      .map(text => ({ at, tone: 'warn' as const, subject: 'problem', text })),
  ]
}

function backendEvents(
  before: StatusReport,
  after: StatusReport,
): StatusEvent[] {
  const at = after.time
  const old = new Map(rowsOf(before).map(backend => [backend.name, backend]))
  const events = rowsOf(after).flatMap((backend): StatusEvent[] => {
    const was = old.get(backend.name)
    old.delete(backend.name)
    const note = { at, tone: 'note' as const, subject: backend.name }
    if (was === undefined)
      return [{ ...note, text: 'added to the configuration' }]
    const { state, since, reason } = backend
    return [
      ...(state === was.state
        ? []
        : [
            {
              at: since ?? at,
              tone: toneOf(state),
              subject: backend.name,
              text: `${was.state} → ${state}${reason === null ? '' : `: ${reason}`}`,
            },
          ]),
      ...adminEvents(was, backend).map(text => ({ ...note, text })),
    ]
  })
  for (const subject of old.keys())
    events.push({
      at,
      tone: 'note',
      subject,
      text: 'removed from the configuration',
    })
  return events
}

function adminEvents(before: BackendStatus, after: BackendStatus): string[] {
  return [
    ...notIn(before, after.admin).map(
      ({ kind, by, reason }) =>
        `${kind}${by === null ? '' : ` by ${by}`}${reason === null ? '' : `: ${reason}`}`,
    ),
    ...notIn(after, before.admin).map(({ kind }) => `no longer ${kind}`),
  ]
}

function notIn(
  { admin }: BackendStatus,
  notes: BackendStatus['admin'],
): BackendStatus['admin'] {
  return notes.filter(({ kind }) => !admin.some(one => one.kind === kind))
}

function poolEvents(
  before: StatusReport,
  { pools, time: at }: StatusReport,
): StatusEvent[] {
  return pools.flatMap(({ name, newcomers }): StatusEvent[] => {
    const was = before.pools.find(pool => pool.name === name)
    if (was === undefined || was.newcomers.join() === newcomers.join())
      return []
    return [
      {
        at,
        tone: newcomers.length === 0 ? 'bad' : 'note',
        subject: `pool ${name}`,
        text:
          newcomers.length === 0
            ? 'NO BACKEND can serve'
            : `new visitors go to ${newcomers.join(', ')}`,
      },
    ]
  })
}

function mapEvents(before: StatusReport, after: StatusReport): StatusEvent[] {
  const at = after.time
  const [former, present] = [answeringOf(before), answeringOf(after)]
  const seen = after.mapSeen
  return [
    ...present.map(({ name, program }) =>
      programEvents(
        name,
        former.find(one => isSame(one.program, program))?.program,
        program,
        at,
      ),
    ),
    former
      .filter(
        ({ program }) => !present.some(one => isSame(one.program, program)),
      )
      .map(({ name, program }) => ({
        at,
        tone: 'note' as const,
        subject: name,
        text: `pid ${pidOf(program)} has exited`,
      })),
    seen === undefined || seen.state === before.mapSeen?.state
      ? []
      : [
          {
            at: seen.since,
            tone: seen.state === 'ok' ? ('good' as const) : ('bad' as const),
            subject: 'map through httpd',
            text: `${seen.state}: ${seen.reason}`,
          },
        ],
  ].flat()
}

/** The programs that answer lookups, with their display names. */
function answeringOf({ maps, readers = [] }: StatusReport) {
  return [
    ...maps.map(program => ({ name: 'map', program })),
    ...readers.map(program => ({ name: program.program, program })),
  ]
}

function isSame(one: Liveness, other: Liveness): boolean {
  return pidOf(one) === pidOf(other)
}

function programEvents(
  subject: string,
  before: Liveness | undefined,
  after: Liveness,
  at: string,
): StatusEvent[] {
  if (before?.kind === after.kind && pidOf(before) === pidOf(after)) return []
  const tone =
    after.kind === 'alive' ? 'good' : after.kind === 'silent' ? 'warn' : 'bad'
  const pid = pidOf(after)
  const text = pid === undefined ? after.kind : `${after.kind}, pid ${pid}`
  return [{ at, tone, subject, text }]
}

function pidOf(program: Liveness): number | undefined {
  return program.kind === 'never-seen' ? undefined : program.pid
}
