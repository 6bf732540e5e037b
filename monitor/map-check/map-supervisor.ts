// Ends a map program that hangs. httpd would wait for it without a time limit;
// a dead one costs nothing, for the text map answers. Nothing has to be configured:
// each map program writes its report into the sentinel directory.
// Invariant: a process is ended only if it is provably that map program (pid, start
// time, pid namespace, program, owner), looked at immediately before the signal.
import { readFileSync, readdirSync } from 'node:fs'
import type { Logger } from 'pino'
import { errorCode } from '../../system/error-code.ts'
import { reportFiles } from '../../sentinels/directory.ts'
import {
  isAlive,
  pidNamespace,
  startTimeField,
  statFields,
} from '../../system/process.ts'
import { readRegularFile } from '../../system/regular-file.ts'
import { isMapReport, parseReport } from '../../sentinels/reports.ts'
import type { MapReport, MonitorLimit } from '../../sentinels/reports.ts'
import { hangOf, withLook } from '../../health/map-hang.ts'
import type { MapLook } from '../../health/map-hang.ts'

const everyMs = 200
/** the process of an older report may be gone, and its pid be another's */
const recentMs = 60_000
const maxReportBytes = 1024 * 1024
/** clock ticks of /proc/PID/stat: 100 a second on Linux (USER_HZ) */
const msPerTick = 10

/** A map program that wrote a report and is running. */
type Program = {
  readonly report: MapReport
  /** user id of the report's owner */
  readonly owner: number
  /** differs for each report */
  readonly version: string
  /** written within the last minute, by the clock of the files */
  readonly isRecent: boolean
}

/** Whether the monitor may end it; else why not. */
type Right =
  { readonly kind: 'may' } | (MonitorLimit & { readonly kind: 'not' })

export class MapSupervisor {
  readonly #directory: string
  readonly #log: Logger
  readonly #isDirectoryWell: () => boolean
  readonly #changed: () => void
  readonly #looks = new Map<string, readonly MapLook[]>()
  /** by pid and start time: told once for each process */
  readonly #told = new Set<string>()
  #limits: readonly MonitorLimit[] = []
  #timer: NodeJS.Timeout | undefined

  /**
   * @param isDirectoryWell whether the monitor can write there
   * @param changed called when `limits` says something new
   */
  constructor(
    directory: string,
    log: Logger,
    isDirectoryWell: () => boolean,
    changed: () => void,
  ) {
    this.#directory = directory
    this.#log = log
    this.#isDirectoryWell = isDirectoryWell
    this.#changed = changed
  }

  /** Map programs that it may not end, each with the reason. */
  get limits(): readonly MonitorLimit[] {
    return this.#limits
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), everyMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** One look at every map program. Never throws. */
  look(): void {
    const limits: MonitorLimit[] = []
    const seen = new Set<string>()
    for (const program of programsIn(this.#directory)) {
      const key = `${program.report.pid} ${program.report.startTime}`
      seen.add(key)
      const right = rightTo(program)
      if (right === undefined) continue
      if (right.kind === 'not') {
        const { kind: _, ...limit } = right
        const { what, why, remedy } = limit
        limits.push(limit)
        this.#tell(key, () =>
          this.#log.warn({ pid: program.report.pid, why: what, remedy }, why),
        )
        continue
      }
      const look = this.#lookAt(program)
      const looks =
        look === undefined ? [] : withLook(this.#looks.get(key) ?? [], look)
      this.#looks.set(key, looks)
      const reason = hangOf(looks)
      if (reason !== undefined) this.#end(program, key, reason)
    }
    for (const key of this.#looks.keys())
      if (!seen.has(key)) this.#looks.delete(key)
    if (JSON.stringify(limits) === JSON.stringify(this.#limits)) return
    this.#limits = limits
    this.#changed()
  }

  #lookAt({ report, version }: Program): MapLook | undefined {
    const path = `/proc/${report.pid}`
    const fields = statFields(path)
    if (fields === undefined) return undefined
    const [state = ''] = fields
    return {
      atMs: performance.now(),
      report: version,
      lookupMs: report.lookupMs ?? 0,
      state,
      sleeps: Number(statusOf(report.pid, 'voluntary_ctxt_switches')),
      // utime, stime: of all threads together
      cpuMs: (Number(fields[11]) + Number(fields[12])) * msPerTick,
      isRunnable: tasksOf(path).some(task => statFields(task)?.[0] === 'R'),
      isDirectoryWell: this.#isDirectoryWell(),
    }
  }

  #end(program: Program, key: string, reason: string): void {
    const { pid } = program.report
    // again, for the time since the look may have been long
    if (rightTo(program)?.kind !== 'may') return
    let err: string | undefined
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      err = errorCode(error)
    }
    this.#tell(key, () => {
      if (err === undefined)
        this.#log.error(
          { pid, reason },
          'map program hung: ended with SIGKILL; httpd uses the text map until its next restart',
        )
      else this.#log.error({ pid, reason, err }, 'cannot end the map program')
    })
  }

  #tell(key: string, log: () => void): void {
    if (this.#told.has(key)) return
    this.#told.add(key)
    log()
  }
}

function programsIn(directory: string): Program[] {
  // what is wrong with the directory, the publisher reports
  return (reportFiles(directory) ?? []).flatMap(
    ({ name: file, program, pid }) => {
      if (program !== 'rewritemap') return []
      const read = readRegularFile(`${directory}/${file}`, maxReportBytes)
      if (read.kind !== 'bytes') return []
      const report: unknown = parseReport(read.text)
      return isMapReport(report) && report.pid === pid
        ? [
            {
              report,
              owner: read.owner,
              version: `${read.modifiedMs} ${report.written}`,
              isRecent: Math.abs(Date.now() - read.modifiedMs) < recentMs,
            },
          ]
        : []
    },
  )
}

/** undefined = it is not running, or the process of that pid is another one. */
function rightTo({ report, owner, isRecent }: Program): Right | undefined {
  const { pid, startTime, pidNamespace: namespace } = report
  const mayNot = (what: string, remedy: string): Right => ({
    kind: 'not',
    severity: 'warning',
    what: `the map program with pid ${pid} ${what}`,
    why: 'a map program that hangs cannot be ended here: httpd would wait for it',
    remedy,
  })
  // written by an older version
  if (startTime === undefined || namespace === undefined)
    return isRecent
      ? mayNot(
          'is of an older version, which does not say enough to be recognized',
          'restart httpd gracefully',
        )
      : undefined
  if (namespace !== pidNamespace())
    return isRecent
      ? mayNot(
          'runs in another container (pid namespace)',
          'run the monitor in the pid namespace of httpd, or set map.url and map.command',
        )
      : undefined
  const found = statFields(`/proc/${pid}`)
  if (found === undefined)
    return isRecent && isAlive(pid)
      ? mayNot(
          'cannot be seen in /proc',
          'take ProtectProc= out of the unit of the monitor, or mount /proc without hidepid',
        )
      : undefined
  // one that is dead, but not waited for yet, ends no more
  if (found[0] === 'Z' || found[0] === 'X') return undefined
  if (found[startTimeField] !== startTime || !isMapProgram(pid))
    return undefined
  const user = Number(statusOf(pid, 'Uid').split('\t')[1])
  // only it can say this of itself
  if (user !== owner) return undefined
  const mine = process.geteuid?.()
  return mine === 0 || mine === user
    ? { kind: 'may' }
    : mayNot(
        `runs as uid ${user}, the monitor as uid ${mine}`,
        'run both as one user: apache-conf --map-user, or User= in the unit of the monitor',
      )
}

/** Started by the launcher, or as `zope-failover rewritemap`. */
function isMapProgram(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .some(word => /(?:^|\/)rewritemap(?:\/main\.[jt]s)?$/.test(word))
  } catch {
    // it has just ended
    return false
  }
}

/** A value of /proc/PID/status; '' when there is none. */
function statusOf(pid: number, key: string): string {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
  } catch {
    // it has just ended
    return ''
  }
}

function tasksOf(path: string): string[] {
  try {
    return readdirSync(`${path}/task`).map(task => `${path}/task/${task}`)
  } catch {
    // it has just ended
    return []
  }
}
