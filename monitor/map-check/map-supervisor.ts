// Kills a map program that hangs. httpd would wait for it without a time limit; a
// dead one costs nothing, because the text map answers. It needs no configuration:
// each map program writes its report into the sentinel directory, and one that hangs
// before its first report is found by its command line.
// Invariant: a process is killed only if it is provably that map program (pid, start
// time, pid namespace, program, owner), verified immediately before the signal.
import { LogOnce } from '../../system/log-once.ts'
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
import {
  isMapReport,
  parseReport,
  type MonitorLimit,
} from '../../sentinels/reports.ts'
import {
  MapFinder,
  ageMs,
  commandOf,
  isMapCommand,
  msPerTick,
} from './map-process.ts'
import { hangOf, withSample, type MapSample } from '../../health/map-hang.ts'

const everyMs = 200
/** Processes are listed at every tenth check. */
const checksPerListing = 10
/** The first report is due within this time after the start. */
const firstReportMs = 2_000
/** the process of an older report may be gone and its pid reused */
const recentMs = 60_000
const maxReportBytes = 1024 * 1024

/** A map program, by its report or by /proc. */
type Program = {
  readonly pid: number
  /** in clock ticks since boot; undefined: its report is of an older version */
  readonly startTime: string | undefined
  readonly pidNamespace: string | undefined
  /** how long one lookup has been unanswered, by its own report */
  readonly lookupMs: number
  /** user id of the report's owner */
  readonly owner: number
  /** differs for each report; undefined: it has not written one */
  readonly version: string | undefined
  /** written within the last minute, by the clock of the files */
  readonly isRecent: boolean
}

/** Whether the monitor may kill it; else why not. */
type Right =
  { readonly kind: 'may' } | (MonitorLimit & { readonly kind: 'not' })

export class MapSupervisor {
  readonly #directory: string
  readonly #log: Logger
  readonly #isDirectoryWell: () => boolean
  readonly #changed: () => void
  readonly #finder: MapFinder
  /** map programs without a report, when processes were listed last */
  #unreported: readonly number[] = []
  #checks = 0
  readonly #samples = new Map<string, readonly MapSample[]>()
  /** by pid and start time: logged once per process */
  readonly #logged = new LogOnce()
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
    this.#finder = new MapFinder(directory)
    this.#log = log
    this.#isDirectoryWell = isDirectoryWell
    this.#changed = changed
  }

  /** Map programs that it may not kill, each with the reason. */
  get limits(): readonly MonitorLimit[] {
    return this.#limits
  }

  start(): void {
    this.#timer = setInterval(() => this.check(), everyMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Checks every map program once. Never throws. */
  check(): void {
    const limits: MonitorLimit[] = []
    const seen = new Set<string>()
    for (const program of this.#programs()) {
      const key = `${program.pid} ${program.startTime}`
      seen.add(key)
      const right = rightTo(program)
      if (right === undefined) continue
      if (right.kind === 'not') {
        const { kind: _, ...limit } = right
        const { what, why, remedy } = limit
        limits.push(limit)
        this.#logOnce(key, () =>
          this.#log.warn({ pid: program.pid, why: what, remedy }, why),
        )
        continue
      }
      const sample = this.#sample(program)
      const samples =
        sample === undefined
          ? []
          : withSample(this.#samples.get(key) ?? [], sample)
      this.#samples.set(key, samples)
      const reason = hangOf(samples)
      if (reason !== undefined) this.#kill(program, key, reason)
    }
    for (const key of this.#samples.keys())
      if (!seen.has(key)) this.#samples.delete(key)
    if (JSON.stringify(limits) === JSON.stringify(this.#limits)) return
    this.#limits = limits
    this.#changed()
  }

  #programs(): readonly Program[] {
    const reported = programsIn(this.#directory)
    const pids = new Set(reported.map(({ pid }) => pid))
    if (this.#checks++ % checksPerListing === 0)
      this.#unreported = this.#finder.find()
    return [
      ...reported,
      ...this.#unreported.filter(pid => !pids.has(pid)).flatMap(withoutReport),
    ]
  }

  #sample(program: Program): MapSample | undefined {
    const { pid, lookupMs, version } = program
    const path = `/proc/${pid}`
    const fields = statFields(path)
    if (fields === undefined) return undefined
    const [state = ''] = fields
    return {
      atMs: performance.now(),
      report: version ?? '',
      lookupMs,
      state,
      sleeps: Number(statusOf(pid, 'voluntary_ctxt_switches')),
      // utime, stime: the sum over all threads
      cpuMs: (Number(fields[11]) + Number(fields[12])) * msPerTick,
      isRunnable: tasksOf(path).some(task => statFields(task)?.[0] === 'R'),
      // its report may be elsewhere: that there is none here proves nothing
      isDirectoryWell: version !== undefined && this.#isDirectoryWell(),
    }
  }

  #kill(program: Program, key: string, reason: string): void {
    const { pid } = program
    // verified again: time may have passed since the check
    if (rightTo(program)?.kind !== 'may') return
    let err: string | undefined
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      err = errorCode(error)
    }
    this.#logOnce(key, () => {
      if (err === undefined)
        this.#log.error(
          { pid, reason },
          'map program hung: killed with SIGKILL; httpd uses the text map until its next restart',
        )
      else
        this.#log.error(
          { pid, reason, err },
          'cannot kill the hung map program',
        )
    })
  }

  #logOnce(key: string, log: () => void): void {
    if (this.#logged.isNew(key)) log()
  }
}

function programsIn(directory: string): Program[] {
  // the publisher reports problems of the directory
  return (reportFiles(directory) ?? []).flatMap(
    ({ name: file, program, pid }) => {
      if (program !== 'rewritemap') return []
      const read = readRegularFile(`${directory}/${file}`, maxReportBytes)
      if (read.kind !== 'bytes') return []
      const report: unknown = parseReport(read.text)
      return isMapReport(report) && report.pid === pid
        ? [
            {
              pid,
              startTime: report.startTime,
              pidNamespace: report.pidNamespace,
              lookupMs: report.lookupMs ?? 0,
              owner: read.owner,
              version: `${read.modifiedMs} ${report.written}`,
              isRecent: Math.abs(Date.now() - read.modifiedMs) < recentMs,
            },
          ]
        : []
    },
  )
}

/** None while it starts: its first report may be on its way. */
function withoutReport(pid: number): Program[] {
  const startTime = statFields(`/proc/${pid}`)?.[startTimeField]
  return startTime === undefined || ageMs(startTime) < firstReportMs
    ? []
    : [
        {
          pid,
          startTime,
          // /proc shows it by this namespace's pid
          pidNamespace: pidNamespace(),
          lookupMs: 0,
          owner: userOf(pid),
          version: undefined,
          isRecent: true,
        },
      ]
}

/** undefined = it is not running, or its pid belongs to another process. */
function rightTo(program: Program): Right | undefined {
  const { pid, startTime, pidNamespace: namespace, owner, isRecent } = program
  const mayNot = (what: string, remedy: string): Right => ({
    kind: 'not',
    severity: 'warning',
    what: `the map program with pid ${pid} ${what}`,
    why: 'a hung map program cannot be killed here: httpd would wait for it',
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
  // a zombie: already dead
  if (found[0] === 'Z' || found[0] === 'X') return undefined
  if (found[startTimeField] !== startTime || !isMapCommand(commandOf(pid)))
    return undefined
  const user = userOf(pid)
  // the report must have been written by the user the process runs as
  if (user !== owner) return undefined
  const mine = process.geteuid?.()
  return mine === 0 || mine === user
    ? { kind: 'may' }
    : mayNot(
        `runs as uid ${user}, the monitor as uid ${mine}`,
        'run both as one user: apache-conf --map-user, or User= in the unit of the monitor',
      )
}

/** Its effective user id; NaN when it has just exited. */
function userOf(pid: number): number {
  return Number(statusOf(pid, 'Uid').split('\t')[1])
}

/** A value of /proc/PID/status; '' when there is none. */
function statusOf(pid: number, key: string): string {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
  } catch {
    // it has just exited
    return ''
  }
}

function tasksOf(path: string): string[] {
  try {
    return readdirSync(`${path}/task`).map(task => `${path}/task/${task}`)
  } catch {
    // it has just exited
    return []
  }
}
