// The facts that notices are made of: the current state of each backend, pool, ZEO
// server, the map program and the front, and how bad it is. Pure.
import { frontName, type Config } from '../../config/config.ts'
import { candidatesOf } from '../../choice/choose.ts'
import { buildTable, isInEffect } from '../../choice/table.ts'
import { clusterSentence, machineNotes } from '../../status/cluster.ts'
import type {
  ClusterReport,
  ClusterState,
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
  readonly what: 'backend' | 'pool' | 'zeo' | 'map' | 'front' | 'cluster'
  readonly name: string
  readonly state: string
  /** null = unknown at present: what was reported last still holds */
  readonly severity: Severity | null
  /** one sentence */
  readonly reason: string
  /** RFC 3339; null = since it was first observed here */
  readonly since: string | null
}

/** What the monitor itself has observed. */
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
  readonly cluster?: ClusterReport | undefined
}

/** @param nowMs since 1970, the clock of the files */
export function factsOf(
  config: Config,
  snapshot: Snapshot,
  monitor: MonitorState,
  nowMs: number,
): Fact[] {
  return [
    ...config.backends.flatMap(({ name }) => {
      const observed = monitor.backends.get(name)
      return observed === undefined
        ? []
        : [backendFact(name, observed, adminOf(snapshot, name, nowMs))]
    }),
    ...poolFacts(config, reportedSnapshot(snapshot, monitor.backends), nowMs),
    ...[...monitor.zeo].map(([name, { state, reason, since }]): Fact => ({
      what: 'zeo',
      name,
      state,
      severity:
        state === 'unknown' ? null : state === 'gone' ? 'critical' : 'info',
      reason,
      since,
    })),
    ...(monitor.map === undefined ? [] : [mapFact(monitor.map)]),
    ...(monitor.front === undefined
      ? []
      : [frontFact(monitor.front, adminOf(snapshot, frontName, nowMs))]),
    ...(monitor.cluster === undefined ? [] : clusterFacts(monitor.cluster)),
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
    : { ...fact, ...plannedFact(admin) }
}

const clusterSeverity: Readonly<Record<ClusterState, Severity>> = {
  together: 'info',
  alone: 'warning',
  duplicate: 'critical',
  'older-data': 'critical',
}

/** This machine among the others, and each of the others. */
function clusterFacts(cluster: ClusterReport): Fact[] {
  const { name: own, state, since, members } = cluster
  const facts: Fact[] = [
    {
      what: 'cluster',
      name: own,
      state,
      severity: clusterSeverity[state],
      reason: clusterSentence(cluster),
      since,
    },
  ]
  for (const [name, { state: seen }] of Object.entries(members)) {
    if (name === own) continue
    const notes = machineNotes(name, cluster, false)
    const isAway = seen === 'away'
    facts.push({
      what: 'cluster',
      name,
      state: isAway ? 'away' : notes.length > 0 ? 'differs' : 'live',
      // a machine that is alone cannot know
      severity:
        state === 'alone' || state === 'duplicate'
          ? null
          : isAway || notes.length > 0
            ? 'warning'
            : 'info',
      reason: isAway
        ? `${name} gives no sign of life`
        : notes.length > 0
          ? `${name}: ${notes.join('; ')}`
          : `${name} is live`,
      since: null,
    })
  }
  return facts
}

/** An orderly removal raises no alert. */
function plannedFact(admin: 'maint' | 'drain') {
  return {
    state: admin,
    severity: 'info' as const,
    reason: `an administrator set it to ${admin}`,
    since: null,
  }
}

function backendFact(
  name: string,
  observed: { readonly state: State; readonly since: string; reason: string },
  admin: 'maint' | 'drain' | undefined,
): Fact {
  const { state, since, reason } = observed
  const severity = backendSeverity[state]
  return admin === undefined || severity === 'info'
    ? { what: 'backend', name, state, severity, reason, since }
    : { what: 'backend', name, ...plannedFact(admin) }
}

function adminOf(
  snapshot: Snapshot,
  name: string,
  nowMs: number,
): 'maint' | 'drain' | undefined {
  const sentinels = snapshot.backends.get(name)
  return (['maint', 'drain'] as const).find(kind =>
    isInEffect(sentinels?.[kind] ?? null, nowMs),
  )
}

function poolFacts(config: Config, snapshot: Snapshot, nowMs: number): Fact[] {
  const table = buildTable(config, snapshot, nowMs)
  return [...table.pools.values()].map(({ name, members }): Fact => {
    const isKnown =
      table.isFresh && members.every(({ standing }) => standing !== 'unknown')
    const good = members.filter(({ preference }) => preference === 0)
    const candidates = candidatesOf(members)
    const { state, severity, reason } = poolState(
      members.map(member => member.name),
      good.map(member => member.name),
      candidates[0]?.preference === 1
        ? candidates.map(member => member.name)
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
 * @param good backends that take a share of the new visitors
 * @param lastResorts backends that serve only because no good one is left
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
        reason: `only ${lastResorts.join(', ')} can serve, as a last resort`,
      }
    : {
        state: 'nobody',
        severity: 'critical',
        reason: `none of ${all} can serve`,
      }
}

/** A single failed check may be a graceful restart. */
const checksInDoubt = 1

function mapFact({ state, reason, since, streak }: MapObservation): Fact {
  const severity = mapSeverity(state)
  return {
    what: 'map',
    name: 'map',
    state,
    severity: severity !== 'info' && streak <= checksInDoubt ? null : severity,
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
    case 'not-configured':
      return 'warning'
    case 'dead':
    case 'hung':
    case 'out-of-step':
    case 'garbled':
    case 'unreachable':
      return 'critical'
  }
}
