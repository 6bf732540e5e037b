// The map program's other thread: keeps the table true and tells about itself.
// What chokidar reports is a hint, never a fact (it merges and throttles: a
// file removed and made again at once can go unseen); on any hint, and once a
// second, the whole directory is read afresh.
import { statSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { watch } from 'chokidar'
import type { FSWatcher } from 'chokidar'
import { pino } from 'pino'
import type { Config } from '../config/config.ts'
import { errorCode } from '../config/error-code.ts'
import { readConfigText } from '../config/file.ts'
import { ConfigError } from '../config/problem.ts'
import type { ConfigReload } from '../config/reload.ts'
import { version } from '../config/version.ts'
import { mapReportFile } from '../sentinels/names.ts'
import { readSentinels } from '../sentinels/read.ts'
import type { MapReport } from '../sentinels/reports.ts'
import { removeFile, writeAside } from '../sentinels/write.ts'
import type { Counts } from './answer.ts'
import { rememberConfig } from './last-config.ts'
import { shared } from './messages.ts'
import type { ToAnswering, ToWatching, WatcherStart } from './messages.ts'
import { removeDeadReports } from './map-reports.ts'
import { buildTable } from './table.ts'
import type { Table } from './table.ts'

const start: WatcherStart = workerData
const { state, port, configFile } = start
const directory = start.config.directory

// Asynchronous and bounded: httpd's error log may be a pipe that nobody reads,
// and a log that waits must not become a map that waits.
const destination = pino.destination({ fd: 2, sync: false, maxLength: 65_536 })
let dropped = 0
destination.on('drop', () => dropped++)
const logger = pino(
  {
    base: { program: 'rewritemap', pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: level => ({ level }) },
  },
  destination,
)

const bug = 'bug in the watching thread'

let config: Config = start.config
let table: Table = start.table
let tables = 1
let counts: Counts | undefined
let problems: readonly string[] = []
const told = new Set<string>()

function send(message: ToAnswering): void {
  port.postMessage(message)
  Atomics.add(state, shared.sent, 1)
}

/** Reads the directory; a table that says something new goes over. */
function rescan(): void {
  const known = new Set(config.backends.map(backend => backend.name))
  const snapshot = readSentinels(directory, known)
  tell(snapshot.problems.map(problem => problem.text))
  const next = buildTable(config, snapshot, Date.now())
  if (isSame(table, next)) return
  if (table.isFresh !== next.isFresh)
    logger[next.isFresh ? 'info' : 'warn'](
      { directory, staleAfterMs: config.staleAfterMs },
      next.isFresh
        ? 'the monitor is there, its verdicts count'
        : 'the monitor is gone, its last verdicts only order the choice',
    )
  table = next
  tables++
  send({ kind: 'table', table })
}

function isSame(one: Table, other: Table): boolean {
  return textOf(one) === textOf(other)
}

function textOf({ isFresh, pools }: Table): string {
  return JSON.stringify([isFresh, ...pools.values()])
}

/** Each problem is told when it appears, and again when it comes back. */
function tell(texts: readonly string[]): void {
  problems = texts
  for (const text of told) if (!texts.includes(text)) told.delete(text)
  for (const text of texts) {
    if (told.has(text)) continue
    told.add(text)
    logger.warn({ directory, problem: text }, 'problem in the directory')
  }
}

let lastScan = 0
let pending: NodeJS.Timeout | undefined

/**
 * A hint asks for a scan at once, but however many come, scanning takes at most
 * a fifth of the time: 1,000 backends are touched 1,000 times a second.
 */
let pause = 0
function hint(): void {
  if (pending !== undefined) return
  const wait = Math.max(0, lastScan + pause - performance.now())
  pending = setTimeout(() => {
    pending = undefined
    const began = performance.now()
    guarded('directory', rescan)
    lastScan = performance.now()
    pause = 4 * (lastScan - began)
  }, wait)
}

let watched: { watcher: FSWatcher; inode: number } | undefined

/** Watches the directory that is there now: it may have been made anew. */
function rewatch(): void {
  const inode = inodeOf(directory)
  if (inode === watched?.inode) return
  const former = watched?.watcher
  watched = undefined
  void former?.close()
  if (inode === undefined) return
  const watcher = watch(directory, { depth: 0, ignoreInitial: true })
  // 'raw' comes before chokidar's own merging and throttling
  watcher.on('raw', hint).on('all', hint)
  watcher.on('error', err => {
    logger.warn({ err, directory }, 'watching failed, looking once a second')
  })
  watched = { watcher, inode }
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino
  } catch {
    // whatever the reason: there is nothing to watch; the scan says why
    return undefined
  }
}

let reload: ConfigReload | undefined

/** YAML and zod take 20 MB: they are loaded at the first change, not before. */
async function checkConfig(): Promise<void> {
  if (reload === undefined) {
    if (isConfigUntouched()) return
    const loaded = await import('../config/reload.ts')
    reload ??= new loaded.ConfigReload(configFile, start.configText, config)
  }
  const change = reload.check()
  if (change?.kind === 'changed') {
    config = change.config
    rememberConfig(directory, configFile, change.text, config)
    logger.info({ file: configFile }, 'configuration taken over')
  } else if (change?.kind === 'refused') {
    logger.error(
      { file: configFile, problems: change.problems },
      'configuration refused, the old one lives on',
    )
  }
}

function isConfigUntouched(): boolean {
  try {
    return readConfigText(configFile) === start.configText
  } catch (err) {
    if (err instanceof ConfigError) return false
    throw err
  }
}

let reported: Counts | undefined

function logCounts(): void {
  if (counts === undefined) return
  const was = reported ?? { malformed: 0, faults: 0 }
  if (counts.malformed > was.malformed)
    logger.warn(
      { malformed: counts.malformed, was: was.malformed },
      'malformed lookups or unknown pool',
    )
  if (counts.faults > was.faults)
    logger.error(
      { faults: counts.faults, was: was.faults },
      'bug in the answer path, NULL was answered',
    )
  reported = counts
  if (dropped > 0) {
    const lines = dropped
    dropped = 0
    logger.warn({ lines }, 'log lines were dropped, nobody read them')
  }
}

let reportProblem: string | undefined

function writeReport(): void {
  const report: MapReport = {
    version,
    pid: process.pid,
    started: start.started,
    written: new Date().toISOString(),
    config: configFile,
    problems,
    lookups: counts?.lookups ?? 0,
    malformed: counts?.malformed ?? 0,
    unanswered: counts?.unanswered ?? 0,
    faults: counts?.faults ?? 0,
    tables,
    answers: counts?.answers ?? {},
  }
  let problem: string | undefined
  try {
    writeAside(
      directory,
      mapReportFile(process.pid),
      `${JSON.stringify(report)}\n`,
    )
  } catch (err) {
    problem = errorCode(err)
  }
  // a directory the map may only read is enough for answering
  if (problem !== undefined && problem !== reportProblem)
    logger.warn(
      { directory, err: problem },
      'report not written, status cannot see this map',
    )
  reportProblem = problem
}

/** A bug in one of the chores must not end the others. */
function guarded(what: string, chore: () => void): void {
  try {
    chore()
  } catch (err) {
    logger.error({ err, what }, bug)
  }
}

function everySecond(): void {
  Atomics.add(state, shared.beat, 1)
  send({ kind: 'count' })
  checkConfig().catch((err: unknown) => {
    logger.error({ err, what: 'configuration' }, bug)
  })
  guarded('watching', rewatch)
  guarded('directory', rescan)
  guarded('counts', logCounts)
  guarded('report', writeReport)
}

port.on('message', (message: ToWatching) => {
  if (message.kind === 'counts') {
    counts = message.counts
    return
  }
  clearInterval(ticking)
  guarded('counts', logCounts)
  guarded('report', () => removeFile(directory, mapReportFile(process.pid)))
  destination.flush(() => {
    Atomics.store(state, shared.done, 1)
    Atomics.notify(state, shared.done)
  })
})

process.on('uncaughtException', err => {
  logger.error({ err }, bug)
})

for (const problem of start.problems)
  logger.error({ file: configFile, problem }, 'problem at the start')
guarded('watching', rewatch)
guarded('configuration', () => {
  rememberConfig(directory, configFile, start.configText, config)
})
guarded('reports', () => {
  removeDeadReports(directory)
})
everySecond()
const ticking = setInterval(everySecond, 1_000)
