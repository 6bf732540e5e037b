// The metrics of the current state: what `status` reports, as numbers.
import { Gauge, type Registry } from 'prom-client'
import { standings } from '../choice/table.ts'
import type { BackendStatus, StatusReport } from '../status/report.ts'
import { adminKinds } from '../sentinels/names.ts'
import {
  clusterStates,
  frontStates,
  mapStates,
  states,
  type ClusterReport,
} from '../sentinels/reports.ts'

const livenessKinds = ['alive', 'silent', 'dead'] as const

type Gauges = ReturnType<typeof newGauges>

export function newGauges(registry: Registry) {
  const gauge = <Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ): Gauge<Label> =>
    new Gauge({
      name: `zope_failover_${name}`,
      help,
      labelNames,
      registers: [registry],
    })
  return {
    build: gauge('build_info', 'Always 1; the version', ['version']),
    reportAge: gauge(
      'monitor_report_age_seconds',
      'Time since the monitor wrote monitor.json',
    ),
    isTrusted: gauge(
      'verdicts_trusted',
      '1 while monitor.json is younger than staleAfter, else 0',
    ),
    problems: gauge(
      'problems',
      'Problems of the directory, its files or the configuration',
    ),
    isUp: gauge(
      'backend_up',
      '1 while the verdict lets the backend get traffic, else 0',
      ['backend'],
    ),
    state: gauge(
      'backend_state',
      '1 for the current state of the backend, else 0',
      ['backend', 'state'],
    ),
    since: gauge('backend_since_timestamp_seconds', 'When that state began', [
      'backend',
    ]),
    share: gauge(
      'backend_share_ratio',
      'The share of its weight that the backend gets, 0 to 1; 0 = last resort or down',
      ['backend'],
    ),
    probed: gauge(
      'backend_last_probe_timestamp_seconds',
      'When the last finished light probe started',
      ['backend'],
    ),
    admin: gauge(
      'backend_admin',
      '1 while that file of the administrator is in effect, else 0',
      ['backend', 'kind'],
    ),
    until: gauge(
      'backend_admin_until_timestamp_seconds',
      'When that file expires, if it does',
      ['backend', 'kind'],
    ),
    newcomers: gauge(
      'pool_newcomers',
      'How many backends share new visitors now; 0 = none serves them',
      ['pool'],
    ),
    members: gauge(
      'pool_members',
      'Members of the pool, by what applies to them now',
      ['pool', 'standing'],
    ),
    maps: gauge('maps', 'Map programs that have left a report here', ['state']),
    readers: gauge(
      'readers',
      'Other programs that answer from the table and have left a report here',
      ['program', 'state'],
    ),
    mapSeen: gauge(
      'map_seen_state',
      '1 for the state of the map program as seen through httpd, else 0',
      ['state'],
    ),
    frontScore: gauge(
      'front_score_ratio',
      'The content of front.up, 0 to 1; 0 = the file does not exist',
    ),
    frontState: gauge(
      'front_state',
      '1 for the current state of this machine, else 0',
      ['state'],
    ),
    frontAdmin: gauge(
      'front_admin',
      '1 while that file of the administrator is in effect, else 0',
      ['kind'],
    ),
    clusterState: gauge(
      'cluster_state',
      '1 for the relation of this machine to the others, else 0',
      ['state'],
    ),
    clusterMachines: gauge(
      'cluster_machines',
      'Machines that follow the same orders, this one included',
      ['state'],
    ),
    clusterClock: gauge(
      'cluster_clock_difference_seconds',
      'The clock of that machine minus the clock here',
      ['machine'],
    ),
    clusterDiffers: gauge(
      'cluster_settings_differ',
      '1 while the settings of that machine differ from those here, else 0',
      ['machine'],
    ),
    clusterOrders: gauge(
      'cluster_orders',
      'Active orders of the cluster; lost: etcd no longer has them',
      ['lost'],
    ),
    zeo: gauge('zeo_up', '1 while the ZEO server of the pool answers, else 0', [
      'pool',
    ]),
  }
}

/** Sets all gauges to the current state and drops all former values. */
export function setGauges(gauges: Gauges, report: StatusReport): void {
  for (const gauge of Object.values(gauges)) gauge.reset()
  gauges.build.set({ version: report.version }, 1)
  const { monitor } = report
  gauges.reportAge.set(
    monitor.kind === 'never-seen' ? Infinity : monitor.ageMs / 1_000,
  )
  gauges.isTrusted.set(Number(report.verdictsCount))
  gauges.problems.set(report.problems.length)
  for (const backend of report.backends) setBackend(gauges, backend)
  for (const { name: pool, newcomers, members } of report.pools) {
    gauges.newcomers.set({ pool }, newcomers.length)
    for (const standing of standings)
      gauges.members.set(
        { pool, standing },
        members.filter(member => member.standing === standing).length,
      )
  }
  for (const state of livenessKinds)
    gauges.maps.set(
      { state },
      report.maps.filter(({ kind }) => kind === state).length,
    )
  for (const program of new Set(report.readers?.map(one => one.program)))
    for (const state of livenessKinds)
      gauges.readers.set(
        { program, state },
        (report.readers ?? []).filter(
          one => one.program === program && one.kind === state,
        ).length,
      )
  if (report.cluster !== undefined) setCluster(gauges, report.cluster)
  if (report.front !== undefined) setFront(gauges, report.front)
  for (const [pool, { state }] of Object.entries(report.zeo ?? {}))
    if (state !== 'unknown') gauges.zeo.set({ pool }, Number(state === 'well'))
  // 0 for every state: the map program is not checked
  for (const state of mapStates)
    gauges.mapSeen.set({ state }, Number(report.mapSeen?.state === state))
}

/** Only set where the machine is judged at all. */
function setFront(
  { frontScore, frontState, frontAdmin }: Gauges,
  { share, state: present, admin }: BackendStatus,
): void {
  frontScore.set((share ?? 0) / 100)
  for (const state of frontStates)
    frontState.set({ state }, Number(state === present))
  for (const kind of adminKinds)
    frontAdmin.set({ kind }, Number(admin.some(one => one.kind === kind)))
}

function setCluster(gauges: Gauges, cluster: ClusterReport): void {
  const { clusterState, clusterMachines, clusterClock } = gauges
  for (const state of clusterStates)
    clusterState.set({ state }, Number(cluster.state === state))
  const machines = Object.entries(cluster.members)
  for (const state of ['live', 'away'])
    clusterMachines.set(
      { state },
      machines.filter(([, seen]) => seen.state === state).length,
    )
  for (const [machine, { clockMs, settingsDiffer }] of machines) {
    if (clockMs !== null) clusterClock.set({ machine }, clockMs / 1_000)
    gauges.clusterDiffers.set({ machine }, Number(settingsDiffer))
  }
  const lost = Object.values(cluster.orders).filter(({ isLost }) => isLost)
  const count = Object.keys(cluster.orders).length - lost.length
  gauges.clusterOrders.set({ lost: 'no' }, count)
  gauges.clusterOrders.set({ lost: 'yes' }, lost.length)
}

function setBackend(gauges: Gauges, status: BackendStatus): void {
  const { name: backend, share } = status
  gauges.isUp.set({ backend }, Number(share !== null))
  gauges.share.set({ backend }, (share ?? 0) / 100)
  for (const state of states)
    gauges.state.set({ backend, state }, Number(status.state === state))
  setTime(gauges.since, { backend }, status.since)
  setTime(gauges.probed, { backend }, status.probed)
  for (const kind of adminKinds) {
    const file = status.admin.find(one => one.kind === kind)
    gauges.admin.set({ backend, kind }, Number(file !== undefined))
    setTime(gauges.until, { backend, kind }, file?.until ?? null)
  }
}

/** The time comes from a report that any user may have written: skip a bad one. */
function setTime<Label extends string>(
  gauge: Gauge<Label>,
  labels: Partial<Record<Label, string>>,
  time: string | null,
): void {
  const ms = Date.parse(time ?? '')
  if (Number.isFinite(ms)) gauge.set(labels, ms / 1_000)
}
