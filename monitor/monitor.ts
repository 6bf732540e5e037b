// The running monitor: one watch per backend, one beat for all that is shared.
import type { Logger } from 'pino'
import { addressOf, frontName, sentinelNames } from '../config/config.ts'
import type { Backend, Config } from '../config/config.ts'
import { version } from '../system/version.ts'
import { monitorReportFile, sentinelFile } from '../sentinels/names.ts'
import { servedMs } from '../sentinels/served.ts'
import { isInForce, readRegularFile, readSentinels } from '../sentinels/read.ts'
import { parseReport } from '../sentinels/reports.ts'
import type { MonitorReport } from '../sentinels/reports.ts'
import { emptySnapshot, noSentinels } from '../sentinels/snapshot.ts'
import type { Snapshot } from '../sentinels/snapshot.ts'
import { buildTable } from '../choice/table.ts'
import type { SavedVerdict } from '../health/light.ts'
import { ConnectionDropper } from '../probes/drop-connections.ts'
import { FrontMonitor } from './map-check/front-monitor.ts'
import { floorOf, strandedOf } from '../health/floor.ts'
import { Hook } from './backend/hook.ts'
import { factsOf } from './notify/fact.ts'
import type { Fact } from './notify/fact.ts'
import { Notices } from './notify/notices.ts'
import { Resolver } from '../probes/resolver.ts'
import { MapSupervisor } from './map-check/map-supervisor.ts'
import { MapMonitor } from './map-check/map-monitor.ts'
import { Publisher } from './directory/publisher.ts'
import {
  parseFormerReport,
  probesTold,
  savedVerdict,
} from './directory/saved-state.ts'
import { Scan, suspectedBackends } from './directory/scan.ts'
import { firstDelayMs } from '../health/interval.ts'
import { Starvation } from './backend/starvation.ts'
import { Telemetry } from '../page/telemetry.ts'
import { TextMapWriter } from './directory/text-map-writer.ts'
import { Transactions } from '../health/transactions.ts'
import { StartQueue } from './backend/start-queue.ts'
import { BackendMonitor } from './backend/backend-monitor.ts'
import { ZeoMonitor } from './backend/zeo-monitor.ts'
import type { MonitorContext } from './backend/backend-monitor.ts'

/** a vanished directory and a suspicion are seen this soon */
export const tickMs = 100
/** the heartbeat is due at least once a second (contract 6) */
const reportMs = 800

export class Monitor {
  readonly publisher: Publisher
  readonly telemetry = new Telemetry()
  readonly #configFile: string
  readonly #log: Logger
  readonly #around: MonitorContext
  readonly #scan: Scan
  readonly #watches = new Map<string, BackendMonitor>()
  readonly #started = new Date().toISOString()
  readonly #starvation = new Starvation()
  readonly #textMap: TextMapWriter
  readonly #notices: Notices
  readonly #mapSupervisor: MapSupervisor
  #mapWatch: MapMonitor | undefined
  #frontWatch: FrontMonitor | undefined
  /** as it was read last */
  #snapshot = emptySnapshot
  #zeoWatches = new Map<string, ZeoMonitor>()
  #config: Config
  #kept: ReadonlySet<string> = new Set()
  #stranded: ReadonlySet<string> = new Set()
  #isDue = false
  #isReady = false
  #reportedMs = -Infinity
  #reportGapMs = tickMs
  #scannedMs = -Infinity
  #scanGapMs = 1_000

  constructor(configFile: string, config: Config, log: Logger) {
    this.#configFile = configFile
    this.#config = config
    this.#log = log
    this.publisher = new Publisher(config.directory, log)
    this.publisher.isTracked = config.front !== undefined
    this.#textMap = new TextMapWriter(config, this.publisher, snapshot => {
      this.#snapshot = snapshot
      this.#seeFront()
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
    const lookup = new Resolver()
    this.#around = {
      resolver: lookup,
      dropper: new ConnectionDropper(config.directory, lookup, log),
      hook: new Hook(config.hook, log),
      telemetry: this.telemetry,
      starvation: this.#starvation,
      startQueue: new StartQueue(),
      transactions: new Transactions(config.pools),
      publisher: this.publisher,
      log,
      lastServedAgoMs: name => {
        const agoMs = Date.now() - (servedMs(config.directory, name) ?? 0)
        // a time of the future says nothing
        return agoMs < 0 ? Infinity : agoMs
      },
      doubt: name => this.#doubt(name),
      isPlanned: name =>
        (['maint', 'drain'] as const).some(kind =>
          isInForce(config.directory, name, kind, Date.now()),
        ),
      isKept: name => this.#kept.has(name),
      isStranded: name => this.#stranded.has(name),
      changed: () => {
        this.#isDue = true
        this.#seeToFloor()
        this.#textMap.note()
      },
    }
  }

  /** When the last report was made, by performance.now(); -Infinity = never. */
  get reportedMs(): number {
    return this.#reportedMs
  }

  /** Starts from the verdicts on disk. */
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
    this.#around.resolver.remember(
      parseReport(text)?.['addresses'],
      hostsOf(this.#config),
      Date.now(),
    )
    for (const backend of backends) {
      const { verdict, since } = savedVerdict(
        backend.name,
        snapshot,
        former,
        Date.now(),
      )
      this.#watch(backend, verdict, since)
    }
    for (const name of former.keys())
      if (!names.has(name)) this.publisher.forget(name)
    // a front.up that is no longer updated must not steer keepalived
    if (!names.has(frontName) && parseReport(text)?.['front'] !== undefined)
      this.publisher.forget(frontName)
    this.#watchMap()
    this.#watchFront()
    this.#watchZeo()
    this.#mapSupervisor.start()
    this.#notices.start()
  }

  #watchZeo(): void {
    for (const watch of this.#zeoWatches.values()) watch.stop()
    const { resolver: lookup, transactions, starvation, log } = this.#around
    this.#zeoWatches = new Map(
      this.#config.pools
        .filter(({ zeo }) => zeo !== null)
        .map(pool => [
          pool.name,
          new ZeoMonitor(pool, lookup, transactions, starvation, log),
        ]),
    )
    for (const watch of this.#zeoWatches.values()) watch.start()
  }

  /** Asks the ZEO servers of a backend's pools soon. */
  #doubt(name: string): void {
    for (const { name: pool, members } of this.#config.pools)
      if (members.some(member => member.name === name))
        this.#zeoWatches.get(pool)?.doubt()
  }

  /** As the configuration wants it now; what was seen so far stays. */
  #watchMap(): void {
    const before = this.#mapWatch?.seen
    this.#mapWatch?.stop()
    const { map, directory } = this.#config
    this.#mapWatch =
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
    this.#mapWatch?.start()
  }

  /** As the configuration wants it now; what was seen so far stays. */
  #watchFront(): void {
    const before = this.#frontWatch
    before?.stop()
    const { front } = this.#config
    this.publisher.isTracked = front !== undefined
    this.#frontWatch =
      front === undefined
        ? undefined
        : new FrontMonitor(
            front,
            this.publisher,
            this.#starvation,
            this.#log,
            () => {
              this.#isDue = true
            },
            before,
          )
    this.#seeFront()
    this.#frontWatch?.start()
  }

  /** Tells the front what the directory says, and who is judged. */
  #seeFront(): void {
    const { front } = this.#config
    if (front === undefined || this.#frontWatch === undefined) return
    const now = Date.now()
    const isJudged = [...this.#watches.values()].every(watch => watch.isJudged)
    // this very monitor lives, and knows whom it has judged
    const monitor = { writtenMs: now, judged: new Set(this.#watches.keys()) }
    this.#frontWatch.see({
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

  /** The verdicts stay. */
  stop(): void {
    this.#starvation.stop()
    this.#around.dropper.stop()
    this.#textMap.stop()
    this.#notices.stop()
    this.#mapSupervisor.stop()
    this.#mapWatch?.stop()
    this.#frontWatch?.stop()
    for (const watch of this.#zeoWatches.values()) watch.stop()
    for (const watch of this.#watches.values()) watch.stop()
  }

  #checkDropping(): void {
    const wanted = this.#config.backends.map(
      ({ probe }) => probe.dropConnections,
    )
    this.#around.dropper.check(
      (['on', 'auto'] as const).find(one => wanted.includes(one)) ?? 'off',
    )
  }

  /** Takes a changed configuration over without losing a verdict. */
  retune(config: Config): void {
    const before = new Map(
      this.#config.backends.map(backend => [backend.name, backend]),
    )
    const isMapSame =
      JSON.stringify(config.map) === JSON.stringify(this.#config.map)
    const isFrontSame =
      JSON.stringify(config.front) === JSON.stringify(this.#config.front)
    const isZeoSame = zeosOf(config) === zeosOf(this.#config)
    this.#config = config
    this.#checkDropping()
    this.#textMap.retune(config)
    this.#around.hook.reconfigure(config.hook)
    this.#notices.retune(config.notify)
    this.#around.transactions.retune(config.pools)
    if (!isMapSame) this.#watchMap()
    if (!isZeoSame) this.#watchZeo()
    if (!isFrontSame) this.#watchFront()
    if (config.front === undefined && !isFrontSame)
      this.publisher.forget(frontName)
    const added: string[] = []
    const changed: string[] = []
    for (const backend of config.backends) {
      const old = before.get(backend.name)
      before.delete(backend.name)
      if (old === undefined) {
        added.push(backend.name)
        this.#watch(backend, { kind: 'none' }, new Date().toISOString())
      } else if (JSON.stringify(old) !== JSON.stringify(backend)) {
        changed.push(backend.name)
        this.#watches.get(backend.name)?.reconfigure(backend)
      }
    }
    for (const name of before.keys()) {
      this.#watches.get(name)?.stop()
      this.#around.transactions.claim(name, null, null, performance.now())
      this.#watches.delete(name)
      this.publisher.forget(name)
    }
    this.#isDue = true
    this.#log.info(
      { config: this.#configFile, added, changed, removed: [...before.keys()] },
      'configuration changed',
    )
  }

  #watch(backend: Backend, verdict: SavedVerdict, since: string): void {
    const watch = new BackendMonitor(backend, verdict, since, this.#around)
    this.#watches.set(backend.name, watch)
    watch.start(
      firstDelayMs(this.#config.backends.length, backend.probe, Math.random),
    )
    this.#log.debug(
      { backend: backend.name, address: addressOf(backend) },
      'watching',
    )
  }

  /** Keeps in who must stay for the sake of `minAlive`. */
  #seeToFloor(): void {
    const judged = new Map(
      [...this.#watches].map(([name, watch]) => [name, watch.judged]),
    )
    const wereStranded = this.#stranded
    this.#stranded = strandedOf(this.#config.pools, judged)
    for (const name of this.#stranded)
      if (!wereStranded.has(name)) this.#watches.get(name)?.hurry()
    const before = this.#kept
    this.#kept = floorOf(this.#config.pools, judged)
    const added = [...this.#kept].filter(name => !before.has(name))
    const isBack = (name: string): boolean =>
      judged.get(name)?.state !== 'cut-off' &&
      judged.get(name)?.isAnswering === true
    const back = added.filter(isBack)
    if (back.length > 0)
      this.#log.info(
        { backends: back },
        'answers again while no other backend of its pool does: last resort',
      )
    const floor = added.filter(name => !isBack(name))
    if (floor.length > 0)
      this.#log.error(
        { backends: floor, kept: [...this.#kept] },
        'too few are left (minAlive): kept as last resort although judged out',
      )
    for (const name of new Set([...before, ...this.#kept]))
      if (before.has(name) !== this.#kept.has(name))
        this.#watches.get(name)?.publishAgain()
  }

  /** Sees to everything but the probes; called every `beatMs`. */
  beat(): void {
    if (this.publisher.retry()) this.#isDue = true
    this.#textMap.beat()
    for (const name of suspectedBackends(
      this.#config.directory,
      this.#watches.keys(),
    )) {
      const watch = this.#watches.get(name)
      // the file goes before the probe: a suspicion that comes later, counts
      if (
        watch?.isReadyForSuspicion === true &&
        this.publisher.remove(sentinelFile(name, 'suspect'))
      )
        watch.suspect()
    }
    this.#scanIfDue()
    this.#reportIfDue()
  }

  #scanIfDue(): void {
    const startMs = performance.now()
    if (startMs - this.#scannedMs < this.#scanGapMs) return
    this.#scannedMs = startMs
    for (const watch of this.#watches.values()) watch.tick()
    this.#seeToFloor()
    const snapshot = this.#scan.run(new Set(sentinelNames(this.#config)))
    // what a starting monitor does not know yet is no news
    if (this.#isReady && this.#notices.isOn)
      this.#notices.note(this.#facts(snapshot))
    // a huge directory must not keep the monitor from probing
    this.#scanGapMs = Math.max(1_000, 20 * (performance.now() - startMs))
  }

  #facts(snapshot: Snapshot): Fact[] {
    return factsOf(
      this.#config,
      snapshot,
      {
        backends: new Map(
          [...this.#watches].map(([name, watch]) => [name, watch.report(1)]),
        ),
        zeo: new Map(
          [...this.#zeoWatches].map(([name, watch]) => [name, watch.seen]),
        ),
        map: this.#mapWatch?.seen,
        front: this.#frontWatch?.report,
      },
      Date.now(),
    )
  }

  #reportIfDue(): void {
    const startMs = performance.now()
    const sinceMs = startMs - this.#reportedMs
    if (sinceMs < (this.#isDue ? this.#reportGapMs : reportMs)) return
    // nobody is called unknown before he had his chance (contract 6: boot)
    const watches = [...this.#watches.values()]
    this.#isReady ||= watches.every(watch => watch.isJudged)
    if (!this.#isReady) return
    // the report makes the verdicts fresh, and tells who is judged
    if (this.#isDue) this.#textMap.note()
    // who was judged last may have changed no verdict
    if (this.#reportedMs === -Infinity) this.#seeFront()
    this.#isDue = false
    this.#reportedMs = startMs
    this.publisher.report(this.#reportText())
    this.#reportGapMs = Math.min(
      reportMs,
      Math.max(tickMs, 10 * (performance.now() - startMs)),
    )
  }

  #reportText(): string {
    const told = probesTold(this.#watches.size)
    const addresses = this.#around.resolver.remembered(hostsOf(this.#config))
    const notices = this.#notices.seen
    const limits = [
      ...this.#mapSupervisor.limits,
      ...[this.#around.dropper.limit].filter(limit => limit !== undefined),
    ]
    const report: MonitorReport = {
      version,
      pid: process.pid,
      started: this.#started,
      written: new Date().toISOString(),
      config: this.#configFile,
      backends: Object.fromEntries(
        [...this.#watches].map(([name, watch]) => [name, watch.report(told)]),
      ),
      ...(this.#mapWatch !== undefined && { map: this.#mapWatch.seen }),
      ...(this.#zeoWatches.size > 0 && {
        zeo: Object.fromEntries(
          [...this.#zeoWatches].map(([name, watch]) => [name, watch.seen]),
        ),
      }),
      ...(this.#frontWatch !== undefined && {
        front: this.#frontWatch.report,
      }),
      ...(notices !== undefined && { notices }),
      ...(Object.keys(addresses).length > 0 && { addresses }),
      ...(limits.length > 0 && { limits }),
    }
    return `${JSON.stringify(report)}\n`
  }
}

/** Names and addresses of all that is asked. */
function hostsOf({ backends, pools }: Config): string[] {
  return [
    ...backends.map(({ host }) => host),
    ...pools.flatMap(({ zeo }) => (zeo === null ? [] : [zeo.host])),
  ]
}

function zeosOf({ pools }: Config): string {
  return JSON.stringify(pools.map(({ name, zeo }) => [name, zeo]))
}
