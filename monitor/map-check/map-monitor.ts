// Checks the map program through httpd, as a visitor would use it: by a path that
// makes httpd do one lookup (apache-conf/prg.conf). Invariant: it delays no probe,
// and it runs the administrator's command only where that helps, and rarely: a
// graceful restart under load stops httpd from accepting for about a second, while
// the fallback serves without the map program.
import type { Logger } from 'pino'
import type { MapSettings } from '../../config/config.ts'
import { reportFiles } from '../../sentinels/directory.ts'
import { readRegularFile } from '../../sentinels/read.ts'
import {
  isMapReport,
  parseReport,
  type MapObservation,
} from '../../sentinels/reports.ts'
import { askForMap, askHttpd } from './ask-httpd.ts'
import { runCommand, shell } from '../../system/run-command.ts'
import { jittered } from '../../health/interval.ts'
import { TimedLoop } from '../backend/timed-loop.ts'
import {
  diagnose,
  firstObservation,
  isCommandDue,
  nextObservation,
  type MapCheck,
} from '../../health/map-health.ts'

const commandLimitMs = 60_000

export class MapMonitor {
  readonly #settings: MapSettings
  readonly #directory: string
  readonly #log: Logger
  readonly #changed: () => void
  readonly #loop: TimedLoop
  #seen: MapObservation
  #lookups: number | undefined

  /**
   * @param changed called when the report says something new
   * @param before the observation of the previous monitor
   */
  constructor(
    settings: MapSettings,
    directory: string,
    log: Logger,
    changed: () => void,
    before?: MapObservation,
  ) {
    this.#settings = settings
    this.#directory = directory
    this.#log = log
    this.#changed = changed
    this.#seen = before ?? {
      ...firstObservation,
      since: new Date().toISOString(),
    }
    this.#loop = new TimedLoop(async () => {
      await this.#round()
      return jittered(this.#settings.intervalMs, Math.random)
    })
  }

  get seen(): MapObservation {
    return this.#seen
  }

  start(): void {
    this.#loop.start(0)
  }

  stop(): void {
    this.#loop.stop()
  }

  async #round(): Promise<void> {
    const startedMs = performance.now()
    const check = await this.#check()
    const was = this.#seen
    this.#seen = nextObservation(
      was,
      diagnose(check),
      Math.round(performance.now() - startedMs),
      new Date().toISOString(),
    )
    const { state, reason, ms } = this.#seen
    if (state !== was.state) {
      const fields = { state, was: was.state, reason, ms }
      if (state === 'ok')
        this.#log.info(fields, 'map program seen through httpd')
      else this.#log.warn(fields, 'map program seen through httpd')
      this.#changed()
    }
    if (isCommandDue(this.#seen, this.#settings, Date.now()))
      void this.#command()
  }

  async #check(): Promise<MapCheck> {
    const before = this.#lookups
    const answer = await askForMap(this.#settings)
    const check =
      answer.kind === 'timeout'
        ? {
            ...answer,
            isHttpdFree: await this.#isHttpdFree(),
            isMapIdle:
              before !== undefined && before === lookupsOf(this.#directory),
          }
        : answer
    this.#lookups = lookupsOf(this.#directory)
    return check
  }

  /** Whether httpd serves a path that needs no lookup. */
  async #isHttpdFree(): Promise<boolean> {
    try {
      await askHttpd({
        ...this.#settings,
        url: this.#settings.url.replace(/map$/, 'none'),
      })
      return true
    } catch {
      // whatever the error, no worker has answered
      return false
    }
  }

  /** Not awaited; never rejects. */
  async #command(): Promise<void> {
    const { command } = this.#settings
    this.#seen = { ...this.#seen, commandAt: new Date().toISOString() }
    this.#changed()
    const fields = { state: this.#seen.state, command }
    this.#log.warn(fields, 'map program is still broken, running the command')
    const end = await runCommand(shell(command ?? ''), {}, commandLimitMs)
    const isDone = end.code === 0
    this.#log[isDone ? 'info' : 'error'](
      { ...fields, ...end },
      isDone ? 'command done' : 'command failed',
    )
  }
}

/** Lookups of all map programs that report here; undefined = none does. */
function lookupsOf(directory: string): number | undefined {
  const mapReports = (reportFiles(directory) ?? []).filter(
    ({ program }) => program === 'rewritemap',
  )
  const counts = mapReports.flatMap(({ name }) => {
    const read = readRegularFile(`${directory}/${name}`, 1024 * 1024)
    const report = read.kind === 'bytes' ? parseReport(read.text) : undefined
    return isMapReport(report) ? [report.lookups] : []
  })
  return counts.length === 0
    ? undefined
    : counts.reduce((sum, count) => sum + count, 0)
}
