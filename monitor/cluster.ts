// This machine as a member of a cluster: starts and ends with the key `cluster`, and
// reports to the other machines what this monitor knows.
import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { machineName } from '../cluster/credentials.ts'
import type { Answer, Ask } from '../cluster/keys.ts'
import { ClusterMember } from '../cluster/member.ts'
import type { Files } from '../cluster/mirror.ts'
import type { Config } from '../config/config.ts'
import { countInFlight } from '../operate/count.ts'
import {
  isBack,
  isIdle,
  isTakenOver,
  mayLeave,
  inFlightText,
} from '../operate/decide.ts'
import { reportFiles } from '../sentinels/directory.ts'
import type {
  BackendReport,
  ClusterReport,
  State,
} from '../sentinels/reports.ts'
import { statusOf } from '../status/read.ts'

/** enough to see whether one has passed since a restart */
const lastProbes = 16

export class Cluster {
  readonly #files: Files
  readonly #log: Logger
  readonly #reports: (probes: number) => ReadonlyMap<string, BackendReport>
  readonly #onChange: () => void
  #config: Config
  #settings: Readonly<Record<string, string>>
  #member: ClusterMember | undefined

  /**
   * @param reports the backends as this monitor sees them, with so many probes
   * @param onChange the report of the cluster has changed
   */
  constructor(
    config: Config,
    files: Files,
    log: Logger,
    reports: (probes: number) => ReadonlyMap<string, BackendReport>,
    onChange: () => void,
  ) {
    this.#config = config
    this.#settings = settingsOf(config)
    this.#files = files
    this.#log = log
    this.#reports = reports
    this.#onChange = onChange
  }

  get report(): ClusterReport | undefined {
    return this.#member?.report
  }

  start(): void {
    const { cluster, directory } = this.#config
    if (cluster === undefined) return
    this.#member = new ClusterMember(cluster, machineName(cluster), {
      directory,
      files: this.#files,
      log: this.#log,
      backends: () => this.#config.backends.map(({ name }) => name),
      states: () => this.#states(),
      settings: () => this.#settings,
      maps: () =>
        (reportFiles(directory) ?? []).filter(
          ({ program }) => program === 'rewritemap',
        ).length,
      answer: (backend, ask, sinceMs) => this.#answer(backend, ask, sinceMs),
      onChange: this.#onChange,
    })
    this.#member.start()
  }

  beat(): void {
    this.#member?.beat()
  }

  reconfigure(config: Config): void {
    const before = this.#config.cluster
    const after = config.cluster
    const isSame = JSON.stringify(before) === JSON.stringify(after)
    this.#config = config
    this.#settings = settingsOf(config)
    if (isSame) return
    this.#member?.stop(
      after === undefined ||
        before?.prefix !== after.prefix ||
        before.name !== after.name,
    )
    this.#member = undefined
    this.start()
  }

  /** The files stay. */
  stop(): void {
    this.#member?.stop(false)
  }

  /** The backends that are not up. */
  #states(): Record<string, State> {
    return Object.fromEntries(
      [...this.#reports(1)].flatMap(([name, { state }]) =>
        state === 'up' ? [] : [[name, state]],
      ),
    )
  }

  /** What another machine's `restart` asks about a backend. */
  async #answer(
    name: string,
    ask: Ask,
    sinceMs: number,
  ): Promise<Omit<Answer, 'id' | 'step'>> {
    const backend = this.#config.backends.find(one => one.name === name)
    // without it httpd here sends it nothing
    if (backend === undefined) return { answer: 'yes', why: '' }
    const now = Date.now()
    const status = statusOf(this.#config, now)
    if (ask.step === 'leave') {
      const leave = mayLeave(this.#config, status, name)
      return leave.kind === 'yes'
        ? { answer: 'yes', why: '' }
        : { answer: leave.kind, why: leave.why }
    }
    if (ask.step === 'back') {
      const back = isBack(this.#reports(lastProbes).get(name), sinceMs, false)
      return back.kind === 'back'
        ? { answer: 'yes', why: '' }
        : { answer: 'wait', why: back.why }
    }
    if (!isTakenOver(status, sinceMs, now)) {
      this.#counts.delete(ask.id)
      return { answer: 'wait', why: 'its map program has not seen it yet' }
    }
    try {
      const count = await countInFlight(this.#config, backend, process.pid)
      const counts = [...(this.#counts.get(ask.id) ?? []), count].slice(-8)
      this.#counts.clear()
      this.#counts.set(ask.id, counts)
      return isIdle(counts)
        ? { answer: 'yes', why: '' }
        : { answer: 'wait', why: inFlightText(count) }
    } catch (err) {
      return {
        answer: 'no',
        why: err instanceof Error ? err.message : String(err),
      }
    }
  }

  /** requests in flight, newest last, by the id of the question */
  readonly #counts = new Map<string, number[]>()
}

/** A short hash of each backend, and of everything else that decides. */
function settingsOf(config: Config): Record<string, string> {
  const { backends, pools, staleAfterMs } = config
  return Object.fromEntries([
    ['*', hashOf({ pools, staleAfterMs })],
    ...backends.map(backend => [backend.name, hashOf(backend)]),
  ])
}

function hashOf(value: unknown): string {
  return createHash('sha1')
    .update(JSON.stringify(value))
    .digest('hex')
    .slice(0, 8)
}
