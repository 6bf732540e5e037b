// What can be told of: how each backend, pool, ZEO server and the map is now, and
// how bad that is. Pure.
import type { Config } from '../../config/config.ts'
import { candidatesOf } from '../../choice/choose.ts'
import { buildTable, isInForce } from '../../choice/table.ts'
import { frontName } from '../../config/config.ts'
import type {
  FrontReport,
  FrontState,
  MapObservation,
  State,
  ZeoObservation,
} from '../../sentinels/reports.ts'
import type { Snapshot } from '../../sentinels/snapshot.ts'
import { reportedSnapshot } from '../../health/reported-state.ts'

export const severities = ['info', 'warning', 'critical'] as const
export type Severity = (typeof severities)[number]

export type Fact = {
  readonly what: 'backend' | 'pool' | 'zeo' | 'map' | 'front'
  readonly name: string
  readonly state: string
  /** null = nobody knows just now: what was told last still holds */
  readonly severity: Severity | null
  /** one sentence */
  readonly reason: string
  /** RFC 3339; null = since it was first seen here */
  readonly since: string | null
}

/** What the monitor knows of its own. */
export type MonitorState = {
  readonly backends: ReadonlyMap<
    string,
    {
      readonly state: State
      readonly since: string
      readonly reason: string
      /** its warm-up is not over */
      readonly cold?: boolean
    }
  >
  readonly zeo: ReadonlyMap<string, ZeoObservation>
  readonly map: MapObservation | undefined
  readonly front?: FrontReport | undefined
}

/** @param nowMs since 1970, the clock of the files */
export function factsOf(
  config: Config,
  snapshot: Snapshot,
  known: MonitorState,
  nowMs: number,
): Fact[] {
  return [
    ...config.backends.flatMap(({ name }) => {
      const seen = known.backends.get(name)
      return seen === undefined
        ? []
        : [backendFact(name, seen, adminOf(snapshot, name, nowMs))]
    }),
    ...poolFacts(config, reportedSnapshot(snapshot, known.backends), nowMs),
    ...[...known.zeo].map(([name, { state, reason, since }]): Fact => ({
      what: 'zeo',
      name,
      state,
      severity:
        state === 'unknown' ? null : state === 'gone' ? 'critical' : 'info',
      reason,
      since,
    })),
    ...(known.map === undefined ? [] : [mapFact(known.map)]),
    ...(known.front === undefined
      ? []
      : [frontFact(known.front, adminOf(snapshot, frontName, nowMs))]),
  ]
}

const backendSeverity: Readonly<Record<State, Severity | null>> = {
  unknown: null,
  up: 'info',
  warming: 'info',
  slow: 'warning',
  busy: 'warning',
  frozen: 'critical',
  'cut-off': 'critical',
  down: 'critical',
}

/** The fact about the pool covers these states. */
const frontSeverity: Readonly<Record<FrontState, Severity | null>> = {
  unknown: null,
  up: 'info',
  'last-resort': 'info',
  nobody: 'info',
  silent: 'critical',
}

function frontFact(
  { state, reason, since }: FrontReport,
  admin: 'maint' | 'drain' | undefined,
): Fact {
  const fact = { what: 'front' as const, name: frontName }
  const severity = frontSeverity[state]
  return admin === undefined || severity === 'info'
    ? { ...fact, state, severity, reason, since }
    : { ...fact, ...byAdmin(admin) }
}

/** An orderly removal raises no alert. */
function byAdmin(admin: 'maint' | 'drain') {
  return {
    state: admin,
    severity: 'info' as const,
    reason: `an administrator has it in ${admin}`,
    since: null,
  }
}

function backendFact(
  name: string,
  seen: { readonly state: State; readonly since: string; reason: string },
  admin: 'maint' | 'drain' | undefined,
): Fact {
  const { state, since, reason } = seen
  const severity = backendSeverity[state]
  return admin === undefined || severity === 'info'
    ? { what: 'backend', name, state, severity, reason, since }
    : { what: 'backend', name, ...byAdmin(admin) }
}

function adminOf(
  snapshot: Snapshot,
  name: string,
  nowMs: number,
): 'maint' | 'drain' | undefined {
  const sentinels = snapshot.backends.get(name)
  return (['maint', 'drain'] as const).find(kind =>
    isInForce(sentinels?.[kind] ?? null, nowMs),
  )
}

function poolFacts(config: Config, snapshot: Snapshot, nowMs: number): Fact[] {
  const table = buildTable(config, snapshot, nowMs)
  return [...table.pools.values()].map(({ name, members }): Fact => {
    const isKnown =
      table.isFresh && members.every(({ standing }) => standing !== 'unknown')
    const good = members.filter(({ preference }) => preference === 0)
    const newcomers = candidatesOf(members)
    const { state, severity, reason } = poolState(
      members.map(member => member.name),
      good.map(member => member.name),
      newcomers[0]?.preference === 1
        ? newcomers.map(member => member.name)
        : [],
    )
    return {
      what: 'pool',
      name,
      state,
      severity: isKnown ? severity : null,
      reason,
      since: null,
    }
  })
}

/**
 * @param good who takes a share of the newcomers
 * @param lastResorts who serves although it is not well
 */
function poolState(
  members: readonly string[],
  good: readonly string[],
  lastResorts: readonly string[],
): { readonly state: string; readonly severity: Severity; reason: string } {
  const all = members.join(', ')
  if (good.length === 1 && members.length > 1)
    return {
      state: 'one-left',
      severity: 'warning',
      reason: `only ${good.join()} is left of ${all}`,
    }
  if (good.length > 0)
    return {
      state: 'well',
      severity: 'info',
      reason: `served by ${good.join(', ')}`,
    }
  return lastResorts.length > 0
    ? {
        state: 'last-resort',
        severity: 'warning',
        reason: `only ${lastResorts.join(', ')} can serve, and not well`,
      }
    : {
        state: 'nobody',
        severity: 'critical',
        reason: `none of ${all} can serve`,
      }
}

/** One look that went wrong may be a graceful restart. */
const looksInDoubt = 1

function mapFact({ state, reason, since, streak }: MapObservation): Fact {
  const severity = mapSeverity(state)
  return {
    what: 'map',
    name: 'map',
    state,
    severity: severity !== 'info' && streak <= looksInDoubt ? null : severity,
    reason,
    since,
  }
}

function mapSeverity(state: MapObservation['state']): Severity | null {
  switch (state) {
    case 'unknown':
      return null
    case 'ok':
      return 'info'
    case 'busy':
    case 'absent':
      return 'warning'
    case 'dead':
    case 'hung':
    case 'out-of-step':
    case 'odd':
    case 'unreachable':
      return 'critical'
  }
}
