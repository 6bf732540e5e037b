// The running monitor: one BackendMonitor per backend, and one periodic beat for
// everything they share.
import type { Logger } from 'pino'
import {
  addressOf,
  frontName,
  sentinelNames,
  type Backend,
  type Config,
} from '../config/config.ts'
import { DutyCycle } from '../system/duty-cycle.ts'
import { version } from '../system/version.ts'
import { monitorReportFile, sentinelFile } from '../sentinels/names.ts'
import { servedMs } from '../sentinels/served.ts'
import {
  isInEffect,
  readRegularFile,
  readSentinels,
} from '../sentinels/read.ts'
import { parseReport, type MonitorReport } from '../sentinels/reports.ts'
import {
  emptySnapshot,
  noSentinels,
  type Snapshot,
} from '../sentinels/snapshot.ts'
import { buildTable } from '../choice/table.ts'
import type { SavedState } from '../health/light.ts'
import { ConnectionDropper } from '../probes/drop-connections.ts'
import { Cluster } from './cluster.ts'
import { FrontMonitor } from './map-check/front-monitor.ts'
import { floorOf, strandedOf } from '../health/floor.ts'
import { factsOf, type Fact } from './notify/fact.ts'
import { Notices } from './notify/notices.ts'
import { Resolver } from '../probes/resolver.ts'
import { MapSupervisor } from './map-check/map-supervisor.ts'
import { MapMonitor } from './map-check/map-monitor.ts'
import { Publisher } from './directory/publisher.ts'
import {
  parseFormerReport,
  probesReported,
  savedState,
} from './directory/saved-state.ts'
import { announcements, Scan } from './directory/scan.ts'
import { firstDelayMs } from '../health/interval.ts'
import { Starvation } from './backend/starvation.ts'
import { Telemetry } from '../page/telemetry.ts'
import { TextMapWriter } from './directory/text-map-writer.ts'
import { Transactions } from '../health/transactions.ts'
import { startQueue } from './backend/start-queue.ts'
import { BackendMonitor } from './backend/backend-monitor.ts'
import type { MonitorContext } from './backend/monitor-context.ts'
import { ZeoMonitor } from './backend/zeo-monitor.ts'

/** how soon a vanished directory or a suspicion is noticed */
export const tickMs = 100
/** the monitor's heartbeat (the time of monitor.json): at least once a second */
const reportMs = 800

export class Monitor {
  readonly publisher: Publisher
  readonly telemetry = new Telemetry()
  readonly #configFile: string
  readonly #log: Logger
  readonly #context: MonitorContext
  readonly #scan: Scan
  readonly #backendMonitors = new Map<string, BackendMonitor>()
  readonly #started = new Date().toISOString()
  readonly #starvation = new Starvation()
  readonly #textMap: TextMapWriter
  readonly #notices: Notices
  readonly #mapSupervisor: MapSupervisor
  readonly #cluster: Cluster
  #mapMonitor: MapMonitor | undefined
  #frontMonitor: FrontMonitor | undefined
  /** as last read */
  #snapshot = emptySnapshot
  #zeoMonitors = new Map<string, ZeoMonitor>()
  #config: Config
  #kept: ReadonlySet<string> = new Set()
  #stranded: ReadonlySet<string> = new Set()
  #isDue = false
  #isReady = false
  #reportedMs = -Infinity
  readonly #reporting = new DutyCycle({
    share: 1 / 10,
    leastMs: tickMs,
    mostMs: reportMs,
  })
  // a huge directory must not take time from the probes
  readonly #scanning = new DutyCycle({ share: 1 / 20, leastMs: 1_000 })
  readonly #announcing = new DutyCycle({ share: 1 / 20 })

  constructor(configFile: string, config: Config, log: Logger) {
    this.#configFile = configFile
    this.#config = config
    this.#log = log
    this.publisher = new Publisher(config.directory, log)
    this.publisher.isTracked = config.front !== undefined
    this.#textMap = new TextMapWriter(config, this.publisher, snapshot => {
      this.#snapshot = snapshot
      this.#updateFront()
    })
    this.#notices = new Notices(
      config.notify,
      config.directory,
      this.publisher,
      log,
    )
    this.#scan = new Scan(config.directory, this.publisher, log)
    this.#mapSupervisor = new MapSupervisor(
      config.directory,
      log,
      () => this.publisher.isWell,
      () => {
        this.#isDue = true
      },
    )
    this.#cluster = new Cluster(
      config,
      this.publisher,
      log,
      probes =>
        new Map(
          [...this.#backendMonitors].map(([name, monitor]) => [
            name,
            monitor.report(probes),
          ]),
        ),
      () => {
        this.#isDue = true
      },
    )
    const resolver = new Resolver()
    this.#context = {
      resolver,
      dropper: new ConnectionDropper(config.directory, resolver, log),
      telemetry: this.telemetry,
      starvation: this.#starvation,
      startTurn: startQueue(),
      transactions: new Transactions(config.pools),
      publisher: this.publisher,
      log,
      lastServedAgoMs: name => {
        const agoMs = Date.now() - (servedMs(config.directory, name) ?? 0)
        // a time in the future says nothing
        return agoMs < 0 ? Infinity : agoMs
      },
      doubt: name => this.#doubt(name),
      isPlanned: name =>
        (['maint', 'drain'] as const).some(kind =>
          isInEffect(config.directory, name, kind, Date.now()),
        ),
      isKept: name => this.#kept.has(name),
      isStranded: name => this.#stranded.has(name),
      changed: () => {
        this.#isDue = true
        this.#applyFloor()
        this.#textMap.schedule()
      },
    }
  }

  /** When the last report was written, by performance.now(); -Infinity = never. */
  get reportedMs(): number {
    return this.#reportedMs
  }

  /** Starts from the verdicts that an earlier monitor left on disk. */
  start(): void {
    const { directory, backends } = this.#config
    this.#checkDropping()
    const names = new Set(sentinelNames(this.#config))
    const snapshot = readSentinels(directory, names)
    this.#snapshot = snapshot
    const file = readRegularFile(
      `${directory}/${monitorReportFile}`,
      32 * 1024 * 1024,
    )
    const text = file.kind === 'bytes' ? file.text : ''
    const former = parseFormerReport(text)
    this.#context.resolver.remember(
      parseReport(text)?.['addresses'],
      hostsOf(this.#config),
      Date.now(),
    )
    for (const backend of backends) {
      const { verdict, since } = savedState(
        backend.name,
        snapshot,
        former,
        Date.now(),
      )
      this.#startBackendMonitor(backend, verdict, since)
    }
    for (const name of former.keys())
      if (!names.has(name)) this.publisher.forget(name)
    // a front.up that is no longer updated must not direct keepalived
    if (!names.has(frontName) && parseReport(text)?.['front'] !== undefined)
      this.publisher.forget(frontName)
    this.#startMapMonitor()
    this.#startFrontMonitor()
    this.#startZeoMonitors()
    this.#mapSupervisor.start()
    this.#notices.start()
    this.#cluster.start()
  }

  #startZeoMonitors(): void {
    for (const monitor of this.#zeoMonitors.values()) monitor.stop()
    const { resolver, transactions, starvation, log } = this.#context
    this.#zeoMonitors = new Map(
      this.#config.pools
        .filter(({ zeo }) => zeo !== null)
        .map(pool => [
          pool.name,
          new ZeoMonitor(pool, resolver, transactions, starvation, log),
        ]),
    )
    for (const monitor of this.#zeoMonitors.values()) monitor.start()
  }

  /** Probes the ZEO servers of this backend's pools soon. */
  #doubt(name: string): void {
    for (const { name: pool, members } of this.#config.pools)
      if (members.some(member => member.name === name))
        this.#zeoMonitors.get(pool)?.doubt()
  }

  /** Restarts it with the current configuration; past observations stay. */
  #startMapMonitor(): void {
    const before = this.#mapMonitor?.seen
    this.#mapMonitor?.stop()
    const { map, directory } = this.#config
    this.#mapMonitor =
      map === undefined
        ? undefined
        : new MapMonitor(
            map,
            directory,
            this.#log,
            () => {
              this.#isDue = true
            },
            before,
          )
    this.#mapMonitor?.start()
  }

  /** Restarts it with the current configuration; past observations stay. */
  #startFrontMonitor(): void {
    const before = this.#frontMonitor
    before?.stop()
    const { front } = this.#config
    this.publisher.isTracked = front !== undefined
    this.#frontMonitor =
      front === undefined
        ? undefined
        : new FrontMonitor(
            front,
            this.#config.directory,
            this.publisher,
            this.#starvation,
            this.#log,
            () => {
              this.#isDue = true
            },
            before,
          )
    this.#updateFront()
    this.#frontMonitor?.start()
  }

  /** Passes on what the directory says and which backends are judged. */
  #updateFront(): void {
    const { front } = this.#config
    if (front === undefined || this.#frontMonitor === undefined) return
    const now = Date.now()
    const isJudged = [...this.#backendMonitors.values()].every(
      monitor => monitor.isJudged,
    )
    // this monitor itself is alive and knows which backends it has judged
    const monitor = {
      writtenMs: now,
      judged: new Set(this.#backendMonitors.keys()),
    }
    this.#frontMonitor.update({
      sentinels: this.#snapshot.backends.get(frontName) ?? noSentinels,
      pool: isJudged
        ? buildTable(
            this.#config,
            { ...this.#snapshot, monitor },
            now,
          ).pools.get(front.pool)
        : undefined,
    })
  }

  /** The verdicts stay on disk. */
  stop(): void {
    this.#cluster.stop()
    this.#starvation.stop()
    this.#context.dropper.stop()
    this.#textMap.stop()
    this.#notices.stop()
    this.#mapSupervisor.stop()
    this.#mapMonitor?.stop()
    this.#frontMonitor?.stop()
    for (const monitor of this.#zeoMonitors.values()) monitor.stop()
    for (const monitor of this.#backendMonitors.values()) monitor.stop()
  }

  #checkDropping(): void {
    const wanted = this.#config.backends.map(
      ({ probe }) => probe.dropConnections,
    )
    this.#context.dropper.check(
      (['on', 'auto'] as const).find(one => wanted.includes(one)) ?? 'off',
    )
  }

  /** Applies a changed configuration without losing a verdict. */
  reconfigure(config: Config): void {
    const before = new Map(
      this.#config.backends.map(backend => [backend.name, backend]),
    )
    const isMapSame =
      JSON.stringify(config.map) === JSON.stringify(this.#config.map)
    const isFrontSame =
      JSON.stringify(config.front) === JSON.stringify(this.#config.front)
    const isZeoSame = zeoServers(config) === zeoServers(this.#config)
    this.#config = config
    this.#checkDropping()
    this.#textMap.reconfigure(config)
    this.#notices.reconfigure(config.notify)
    this.#cluster.reconfigure(config)
    this.#context.transactions.reconfigure(config.pools)
    if (!isMapSame) this.#startMapMonitor()
    if (!isZeoSame) this.#startZeoMonitors()
    if (!isFrontSame) this.#startFrontMonitor()
    if (config.front === undefined && !isFrontSame)
      this.publisher.forget(frontName)
    const added: string[] = []
    const changed: string[] = []
    for (const backend of config.backends) {
      const old = before.get(backend.name)
      before.delete(backend.name)
      if (old === undefined) {
        added.push(backend.name)
        this.#startBackendMonitor(
          backend,
          { kind: 'none' },
          new Date().toISOString(),
        )
      } else if (JSON.stringify(old) !== JSON.stringify(backend)) {
        changed.push(backend.name)
        this.#backendMonitors.get(backend.name)?.reconfigure(backend)
      }
    }
    for (const name of before.keys()) {
      this.#backendMonitors.get(name)?.stop()
      this.#context.transactions.claim(name, null, null, performance.now())
      this.#backendMonitors.delete(name)
      this.publisher.forget(name)
    }
    this.#isDue = true
    this.#log.info(
      { config: this.#configFile, added, changed, removed: [...before.keys()] },
      'configuration changed',
    )
  }

  #startBackendMonitor(
    backend: Backend,
    verdict: SavedState,
    since: string,
  ): void {
    const monitor = new BackendMonitor(backend, verdict, since, this.#context)
    this.#backendMonitors.set(backend.name, monitor)
    monitor.start(
      firstDelayMs(this.#config.backends.length, backend.probe, Math.random),
    )
    this.#log.debug(
      { backend: backend.name, address: addressOf(backend) },
      'watching',
    )
  }

  /** Keeps in the backends that `minAlive` requires. */
  #applyFloor(): void {
    const judged = new Map(
      [...this.#backendMonitors].map(([name, monitor]) => [
        name,
        monitor.judged,
      ]),
    )
    const wereStranded = this.#stranded
    this.#stranded = strandedOf(this.#config.pools, judged)
    for (const name of this.#stranded)
      if (!wereStranded.has(name)) this.#backendMonitors.get(name)?.hurry()
    const before = this.#kept
    this.#kept = floorOf(this.#config.pools, judged)
    const added = [...this.#kept].filter(name => !before.has(name))
    const isAnsweringAgain = (name: string): boolean =>
      judged.get(name)?.state !== 'cut-off' &&
      judged.get(name)?.isAnswering === true
    const back = added.filter(isAnsweringAgain)
    if (back.length > 0)
      this.#log.info(
        { backends: back },
        'backend answers again, no other in its pool does: used as last resort',
      )
    const floor = added.filter(name => !isAnsweringAgain(name))
    if (floor.length > 0)
      this.#log.error(
        { backends: floor, kept: [...this.#kept] },
        'too few backends are left (minAlive): kept as last resort',
      )
    for (const name of new Set([...before, ...this.#kept]))
      if (before.has(name) !== this.#kept.has(name))
        this.#backendMonitors.get(name)?.republish()
  }

  /** Everything but the probes; called every `tickMs`. */
  beat(): void {
    if (this.publisher.retry()) this.#isDue = true
    this.#cluster.beat()
    this.#textMap.beat()
    if (this.#announcing.waitMs === 0)
      this.#announcing.run(() => this.#takeAnnouncements())
    if (this.#scanning.waitMs === 0) this.#scanning.run(() => this.#runScan())
    this.#reportIfDue()
  }

  /** Suspicions, and changes by an administrator. */
  #takeAnnouncements(): void {
    const { suspected, marks } = announcements(
      this.#config.directory,
      sentinelNames(this.#config),
    )
    this.#textMap.compare(marks)
    for (const name of suspected) {
      const monitor = this.#backendMonitors.get(name)
      // removed before the probe starts: a later suspicion counts again
      if (
        monitor?.isReadyForSuspicion === true &&
        this.publisher.remove(sentinelFile(name, 'suspect'))
      )
        monitor.suspect()
    }
  }

  #runScan(): void {
    for (const monitor of this.#backendMonitors.values()) monitor.tick()
    this.#applyFloor()
    const names = sentinelNames(this.#config)
    const { marks } = announcements(this.#config.directory, names)
    const snapshot = this.#scan.run(new Set(names))
    // such as an `.up` made by hand
    this.#textMap.update(snapshot, marks)
    // what a starting monitor does not know yet is not news
    if (this.#isReady && this.#notices.isOn)
      this.#notices.update(this.#facts(snapshot))
  }

  #facts(snapshot: Snapshot): Fact[] {
    return factsOf(
      this.#config,
      snapshot,
      {
        backends: new Map(
          [...this.#backendMonitors].map(([name, monitor]) => [
            name,
            monitor.report(1),
          ]),
        ),
        zeo: new Map(
          [...this.#zeoMonitors].map(([name, monitor]) => [name, monitor.seen]),
        ),
        map: this.#mapMonitor?.seen,
        front: this.#frontMonitor?.report,
        cluster: this.#cluster.report,
      },
      Date.now(),
    )
  }

  #reportIfDue(): void {
    const nowMs = performance.now()
    if (!this.#isDue && nowMs - this.#reportedMs < reportMs) return
    if (this.#reporting.waitMs > 0) return
    // no report before every backend has had its first probe: the map program
    // must not read "unknown" for a backend that has not been probed yet
    const monitors = [...this.#backendMonitors.values()]
    this.#isReady ||= monitors.every(monitor => monitor.isJudged)
    if (!this.#isReady) return
    // the report makes the verdicts fresh and lists the judged backends
    if (this.#isDue) this.#textMap.schedule()
    // the last backend to be judged may have changed no verdict
    if (this.#reportedMs === -Infinity) this.#updateFront()
    this.#isDue = false
    this.#reportedMs = nowMs
    this.#reporting.run(() => this.publisher.report(this.#reportText()))
  }

  #reportText(): string {
    const reported = probesReported(this.#backendMonitors.size)
    const addresses = this.#context.resolver.remembered(hostsOf(this.#config))
    const notices = this.#notices.seen
    const cluster = this.#cluster.report
    const limits = [
      ...this.#mapSupervisor.limits,
      ...[this.#context.dropper.limit].filter(limit => limit !== undefined),
    ]
    const report: MonitorReport = {
      version,
      pid: process.pid,
      started: this.#started,
      written: new Date().toISOString(),
      config: this.#configFile,
      backends: Object.fromEntries(
        [...this.#backendMonitors].map(([name, monitor]) => [
          name,
          monitor.report(reported),
        ]),
      ),
      ...(this.#mapMonitor !== undefined && { map: this.#mapMonitor.seen }),
      ...(this.#zeoMonitors.size > 0 && {
        zeo: Object.fromEntries(
          [...this.#zeoMonitors].map(([name, monitor]) => [name, monitor.seen]),
        ),
      }),
      ...(this.#frontMonitor !== undefined && {
        front: this.#frontMonitor.report,
      }),
      ...(notices !== undefined && { notices }),
      ...(cluster !== undefined && { cluster }),
      ...(Object.keys(addresses).length > 0 && { addresses }),
      ...(limits.length > 0 && { limits }),
    }
    return `${JSON.stringify(report)}\n`
  }
}

/** Host names and addresses of everything that is probed. */
function hostsOf({ backends, pools }: Config): string[] {
  return [
    ...backends.map(({ host }) => host),
    ...pools.flatMap(({ zeo }) => (zeo === null ? [] : [zeo.host])),
  ]
}

function zeoServers({ pools }: Config): string {
  return JSON.stringify(pools.map(({ name, zeo }) => [name, zeo]))
}
