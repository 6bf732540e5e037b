// What external readers learn about this machine and a backend, and the explanation
// of front.up. Pure.
import type { PoolStatus, StatusReport } from './report.ts'

/** The answer to a load balancer. */
type UpAnswer = {
  readonly status: 200 | 404 | 503
  /** one line */
  readonly text: string
}

/**
 * `GET /up`: whether this machine should get visitors. Depends on the file alone: a
 * dead monitor changes nothing.
 */
export function upOfFront({ front }: StatusReport): UpAnswer {
  if (front === undefined)
    return {
      status: 404,
      text: 'this machine is not judged: the configuration has no key "front"',
    }
  if (front.share !== null) return { status: 200, text: String(front.share) }
  return {
    status: 404,
    text: ['out', ...front.admin.map(({ kind }) => kind), front.state].join(
      ' ',
    ),
  }
}

/**
 * `GET /up/NAME`: whether this backend may get new visitors. A last resort may only
 * while its pool has no better member. The client handles tiers itself.
 *
 * @param drained the status for a backend in drain
 */
export function upOfBackend(
  { backends, pools }: StatusReport,
  name: string,
  drained: 404 | 503,
): UpAnswer {
  const backend = backends.find(one => one.name === name)
  if (backend === undefined)
    return { status: 404, text: `unknown backend ${name}` }
  const standings = pools.flatMap(({ members }) =>
    members.filter(member => member.name === name),
  )
  // maint and drain apply to all pools alike
  const admin = standings.find(
    ({ standing }) => standing === 'maint' || standing === 'drain',
  )
  if (admin !== undefined)
    return {
      status: admin.standing === 'drain' ? drained : 503,
      text: admin.standing,
    }
  if (pools.some(pool => isWanted(pool, name)))
    return { status: 200, text: `up ${backend.share ?? 0}` }
  return { status: 503, text: standings[0]?.standing ?? 'in no pool' }
}

const good: ReadonlySet<string> = new Set(['up', 'force'])
const lastResorts: ReadonlySet<string> = new Set([
  'last-resort',
  'unknown',
  'presumed-down',
])

function isWanted({ newcomers, members }: PoolStatus, name: string): boolean {
  if (newcomers.includes(name)) return true
  const usable = members.filter(({ weight }) => weight > 0)
  const own = usable.find(member => member.name === name)
  if (own === undefined) return false
  return (
    good.has(own.standing) ||
    (lastResorts.has(own.standing) &&
      !usable.some(({ standing }) => good.has(standing)))
  )
}

/** Sentences for a person: what front.up says and why. */
export function explainFront(report: StatusReport): string[] {
  const { front, monitor } = report
  if (front === undefined)
    return [
      'This machine is not judged: the configuration has no key "front", so there is no front.up.',
    ]
  const { share, admin, state, reason } = front
  return [
    share === null
      ? 'front.up does not exist: this machine should get no visitors.'
      : `front.up says ${share}: ${share === 100 ? 'this machine can serve new visitors' : 'this machine can serve, but with last resorts only'}.`,
    ...admin.map(
      ({ kind, by, reason: why }) =>
        `${kind} is set${by === null ? '' : ` by ${by}`}${why === null ? '' : ` (${why})`}${kind === admin[0]?.kind ? ', and takes precedence' : ''}.`,
    ),
    `The monitor sees: ${state}${reason === null ? '' : `, ${reason}`}.`,
    monitor.kind === 'alive'
      ? 'The monitor is alive, so the file is current.'
      : 'The monitor is gone: the file keeps the last known state.',
  ]
}
