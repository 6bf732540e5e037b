// The map program's other thread: keeps the table current, logs and reports.
// File system events are hints, never facts: on each hint that file is read
// again, and once a second the whole directory.
import { LogOnce } from '../../system/log-once.ts'
import { watch, type FSWatcher } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { sentinelNames, type Config } from '../../config/config.ts'
import { errorCode } from '../../system/error-code.ts'
import { readConfigText } from '../../config/file.ts'
import { ConfigError } from '../../config/problem.ts'
import type { ConfigReload } from '../../config/reload.ts'
import { version } from '../../system/version.ts'
import { DutyCycle } from '../../system/duty-cycle.ts'
import { directoryIdentity } from '../../sentinels/directory.ts'
import { meaningOf, readerReportFile } from '../../sentinels/names.ts'
import {
  readEntries,
  readSentinels,
  rereadEntries,
  snapshotOf,
  type Entries,
} from '../../sentinels/read.ts'
import type { MapReport } from '../../sentinels/reports.ts'
import { pidNamespace, startTimeOf } from '../../system/process.ts'
import { removeFile, touchFile, writeAside } from '../../sentinels/write.ts'
import { total } from '../answer.ts'
import { newBoard, publish } from './board.ts'
import { rememberConfig } from '../last-config.ts'
import {
  shared,
  type GoodConfig,
  type NewConfig,
  type Problems,
  type Stop,
  type WatcherStart,
} from './messages.ts'
import { removeDeadReports } from './map-reports.ts'
import { buildTable, type Table } from '../../choice/table.ts'

const start: WatcherStart = workerData
const { state, port, configFile, totals } = start
const reportFile = readerReportFile(start.program, process.pid)

// The first table is as old as this thread took to start. The logger takes as
// long again to load, so it comes after the first read.
const firstTable = buildTable(
  start.good.config,
  readSentinels(start.good.config.directory, namesIn(start.good.config)),
  Date.now(),
)
publish(start.board, firstTable)
const [{ pino }, { logOptions }, { watchConfig, watchRemedy }] =
  await Promise.all([
    import('pino'),
    import('../../system/log-options.ts'),
    import('../../config/watch.ts'),
  ])

// Asynchronous and bounded: httpd's error log may be a pipe that is not being
// read, and a blocked log must not block the map program.
const destination = pino.destination({ fd: 2, sync: false, maxLength: 65_536 })
let dropped = 0
let isLogBroken = false
destination.on('drop', () => dropped++)
// the reader is gone or the disk is full: logging that would only fail again
destination.on('error', () => (isLogBroken = true))
const logger = pino(logOptions(start.program), destination)

const bug = 'bug in the watching thread'
const reportIntervalMs = 1_000

let good: GoodConfig = start.good
/** the backends of the configuration */
let known: ReadonlySet<string> = namesIn(good.config)
let table: Table = firstTable
/** the directory as it was last read */
let entries: Entries | undefined
let tables = 1
/** the one in use by the answering thread, then those it has yet to take */
const boards = [{ board: start.board, config: good.config }]
/** configurations that it has taken */
let taken = 0
const directory = good.config.directory
let directoryProblems: readonly string[] = []
let configProblems: readonly string[] = start.problems
/** from the answering thread */
let otherProblems: readonly string[] = []

/**
 * Reads the directory and publishes changes on the board.
 *
 * @param names the files to read again; undefined = all
 */
function rescan(names?: Iterable<string>): void {
  entries = readDirectory(names)
  const snapshot = snapshotOf(entries)
  logProblems(snapshot.problems.map(problem => problem.text))
  const next = buildTable(good.config, snapshot, Date.now())
  const last = boards.at(-1)
  if (last === undefined || !publish(last.board, next)) return
  wake()
  if (table.isFresh !== next.isFresh)
    logger[next.isFresh ? 'info' : 'warn'](
      { directory, staleAfterMs: good.config.staleAfterMs },
      next.isFresh
        ? 'monitor is back, using its verdicts'
        : 'monitor is gone, using its last verdicts only as a preference',
    )
  table = next
  tables++
}

function readDirectory(names?: Iterable<string>): Entries {
  return names === undefined || entries === undefined || entries.isMissing
    ? readEntries(directory, known, entries)
    : rereadEntries(entries, directory, known, names)
}

function namesIn(config: Config): Set<string> {
  return new Set(sentinelNames(config))
}

/**
 * Most problems logged at once and kept in the report: a flood does not help.
 */
const maxProblems = 20
/** A problem that comes and goes is logged once per period. */
const repeatMs = 60_000
const loggedMs = new Map<string, number>()
/** Most lines per period: foreign files may have new names each second. */
const maxLines = 20
let linesLogged = 0
let linesMs = -Infinity

function logProblems(texts: readonly string[]): void {
  directoryProblems =
    texts.length > maxProblems
      ? [
          ...texts.slice(0, maxProblems),
          'more problems of this kind, not listed',
        ]
      : texts
  const now = performance.now()
  const present = new Set(directoryProblems)
  for (const [text, atMs] of loggedMs)
    if (!present.has(text) && now - atMs >= repeatMs) loggedMs.delete(text)
  if (now - linesMs >= repeatMs) {
    linesMs = now
    linesLogged = 0
  }
  for (const text of present) {
    if (loggedMs.has(text)) continue
    loggedMs.set(text, now)
    if (++linesLogged > maxLines) continue
    logger.warn({ directory, problem: text }, 'problem in the directory')
  }
}

const rereading = new DutyCycle({ share: 1 / 5 })
let isPending = false
const hinted = new Set<string>()
let isAllHinted = false

/**
 * A hint has its file read at once, but reading takes at most a fifth of the
 * time, however many hints come: 1,000 backends are touched 1,000 times a
 * second. If the system loses a hint, the next full read makes up for it.
 *
 * @param name the file that changed; null = unknown
 */
function hint(name: string | null): void {
  if (name === null) isAllHinted = true
  else if (mattersNow(name)) hinted.add(name)
  else return
  if (isPending) return
  isPending = true
  const wait = rereading.waitMs
  // hints that come together are handled together: each wake-up of this thread
  // slows the lookups running in parallel
  if (wait > 0) setTimeout(readHinted, wait)
  else setImmediate(readHinted)
}

function readHinted(): void {
  isPending = false
  const names = isAllHinted ? undefined : [...hinted]
  isAllHinted = false
  hinted.clear()
  guarded('directory', () => {
    rereading.run(() => {
      rescan(names)
    })
  })
}

/** Other files, including this program's own report, can wait a second. */
function mattersNow(name: string): boolean {
  const meaning = meaningOf(name)
  return meaning.kind === 'sentinel'
    ? known.has(meaning.backend)
    : meaning.kind === 'monitor-report'
}

let watched: { watcher: FSWatcher; identity: string } | undefined

/** Watches the current directory: it may have been recreated. */
function rewatch(): void {
  const identity = currentIdentity()
  if (identity === watched?.identity) return
  const former = watched?.watcher
  watched = undefined
  former?.close()
  if (identity === undefined) return
  let watcher
  try {
    watcher = watch(directory, (_event, name) => {
      hint(name)
    })
  } catch (err) {
    logWatchState(errorCode(err))
    return
  }
  logWatchState(undefined)
  watcher.on('error', err => {
    logger.warn(
      { err, directory },
      'watching the directory failed, reading it once a second',
    )
  })
  watched = { watcher, identity }
  // a recreated directory has lost it
  rememberConfig(configFile, good, start.program)
}

/** undefined = there is nothing to watch; reading the directory reports why. */
function currentIdentity(): string | undefined {
  try {
    return directoryIdentity(directory)
  } catch {
    return undefined
  }
}

const logged = new LogOnce()

/**
 * Logs once when watching fails, and once when it works again.
 *
 * @param code why it failed; undefined = it works
 */
function logWatchState(code: string | undefined): void {
  if (code === undefined) {
    if (logged.end('watching'))
      logger.info({ directory }, 'watching the directory again')
  } else if (logged.isNew('watching', code))
    logger.warn(
      {
        directory,
        err: code,
        remedy: watchRemedy,
      },
      'cannot watch the directory, reading it once a second',
    )
}

let reload: ConfigReload | undefined

/** YAML and zod take 20 MB: loaded at the first change, not before. */
async function checkConfig(): Promise<void> {
  if (reload === undefined) {
    if (isConfigUntouched()) return
    const loaded = await import('../../config/reload.ts')
    reload ??= new loaded.ConfigReload(configFile, start.seenText, good.config)
  }
  const change = reload.check()
  if (change?.kind === 'changed') {
    configProblems = []
    useConfig({ text: change.text, config: change.config })
  } else if (change?.kind === 'refused') {
    configProblems = change.problems
    logger.error(
      { file: configFile, problems: change.problems },
      'configuration rejected, keeping the previous one',
    )
  }
}

function checkConfigSafely(): void {
  checkConfig().catch((err: unknown) => {
    logger.error({ err, what: 'configuration' }, bug)
  })
}

function isConfigUntouched(): boolean {
  try {
    return readConfigText(configFile) === start.seenText
  } catch (err) {
    if (err instanceof ConfigError) return false
    throw err
  }
}

function useConfig(next: GoodConfig): void {
  const isChanged = JSON.stringify(next.config) !== JSON.stringify(good.config)
  good = next
  known = namesIn(next.config)
  rememberConfig(configFile, good, start.program)
  logger.info({ file: configFile }, 'configuration loaded')
  // without lookups messages are not taken and pile up: send only real changes
  if (!isChanged) return
  entries = readDirectory()
  table = buildTable(good.config, snapshotOf(entries), Date.now())
  tables++
  const board = newBoard(table, start.kinds?.length)
  boards.push({ board, config: good.config })
  const message: NewConfig = { good, table, board }
  port.postMessage(message)
  Atomics.add(state, shared.sent, 1)
  wake()
}

function wake(): void {
  if (start.wakes === true) parentPort?.postMessage(null)
}

/** The answering thread's counts so far. */
function countsNow() {
  for (; taken < Atomics.load(state, shared.taken); taken++) boards.shift()
  const inUse = boards[0]
  return {
    lookups: totals[total.lookups] ?? 0,
    malformed: totals[total.malformed] ?? 0,
    unanswered: totals[total.unanswered] ?? 0,
    faults: totals[total.faults] ?? 0,
    outOfStep: totals[total.outOfStep] ?? 0,
    ...answersIn(inUse),
  }
}

/** By backend, and for each by kind where kinds are counted separately. */
function answersIn(inUse: (typeof boards)[number] | undefined) {
  const names = start.kinds ?? ['']
  const answers: Record<string, number> = {}
  const kinds: Record<string, Record<string, number>> = {}
  for (const [place, { name }] of (inUse?.config.backends ?? []).entries()) {
    const first = place * names.length
    const counts = names.map(
      (_kind, index) => inUse?.board.answers[first + index] ?? 0,
    )
    const sum = counts.reduce((all, count) => all + count, 0)
    if (sum === 0) continue
    answers[name] = sum
    kinds[name] = Object.fromEntries(
      names.map((kind, index) => [kind, counts[index] ?? 0]),
    )
  }
  return start.kinds === undefined ? { answers } : { answers, kinds }
}

let reported = { malformed: 0, faults: 0, outOfStep: 0 }

function logCounts(): void {
  const { malformed, faults, outOfStep } = countsNow()
  if (malformed > reported.malformed)
    logger.warn(
      { malformed, was: reported.malformed },
      'malformed lookups or unknown pool',
    )
  if (faults > reported.faults)
    logger.error(
      { faults, was: reported.faults },
      'bug in the answering thread, caught there',
    )
  if (outOfStep > reported.outOfStep)
    logger.warn(
      { outOfStep, was: reported.outOfStep },
      'pipe resynchronized: a killed httpd child had left its answer unread',
    )
  reported = { malformed, faults, outOfStep }
  if (dropped > 0) {
    const lines = dropped
    dropped = 0
    logger.warn({ lines }, 'dropped log lines: stderr is not being read')
  }
}

let lookup = 0
/** beats of this thread during which the same lookup has been unanswered */
let lookupBeats = 0

function watchLookup(): void {
  const now = Atomics.load(state, shared.lookup)
  const isInProgress = now % 2 !== 0
  lookupBeats = isInProgress && now === lookup ? lookupBeats + 1 : 0
  lookup = now
}

const identity = {
  startTime: startTimeOf(process.pid) ?? '-',
  pidNamespace: pidNamespace(),
}

function writeReport(): void {
  const report: MapReport = {
    version,
    pid: process.pid,
    started: start.started,
    written: new Date().toISOString(),
    config: configFile,
    problems: [...configProblems, ...directoryProblems, ...otherProblems],
    ...identity,
    // beats, not a clock: the whole process may have been stopped meanwhile
    lookupMs: lookupBeats * reportIntervalMs,
    tables,
    ...countsNow(),
  }
  try {
    writeAside(directory, reportFile, `${JSON.stringify(report)}\n`)
    logged.end('report')
  } catch (err) {
    const code = errorCode(err)
    keepReportFresh()
    // a read-only directory is enough for answering
    if (logged.isNew('report', code))
      logger.warn(
        { directory, err: code },
        'report not written: status cannot see this map program',
      )
  }
}

/** On a full disk the report still shows that this program is alive. */
function keepReportFresh(): void {
  try {
    touchFile(directory, reportFile, Date.now())
  } catch {
    // there is none; the caller logs the reason
  }
}

/** A bug in one of the chores must not end the others. */
function guarded(what: string, chore: () => void): void {
  try {
    chore()
    if (logged.end(`chore ${what}`)) logger.info({ what }, 'works again')
  } catch (err) {
    // chores run each second, and the log is httpd's: log a failure once
    if (logged.isNew(`chore ${what}`, String(err)))
      logger.error({ err, what }, bug)
  }
}

function everySecond(): void {
  Atomics.add(state, shared.beat, 1)
  checkConfigSafely()
  guarded('watching', rewatch)
  guarded('directory', () => {
    rescan()
  })
  guarded('counts', logCounts)
  watchLookup()
  guarded('report', writeReport)
}

port.on('message', (message: Stop | Problems) => {
  if (message.kind === 'problems') {
    otherProblems = message.problems
    return
  }
  clearInterval(ticking)
  guarded('counts', logCounts)
  guarded('report', () => removeFile(directory, reportFile))
  if (isLogBroken) signalDone()
  else {
    destination.once('close', signalDone).once('error', signalDone)
    destination.end()
  }
})

function signalDone(): void {
  Atomics.store(state, shared.done, 1)
  Atomics.notify(state, shared.done)
}

process.on('uncaughtException', err => {
  logger.error({ err }, bug)
})

for (const problem of start.problems)
  logger.error({ file: configFile, problem }, 'problem at startup')
guarded('reports', () => {
  removeDeadReports(directory)
})
everySecond()
const ticking = setInterval(everySecond, reportIntervalMs)
// when the system has no watch left, watching the directory reports it
watchConfig(configFile, checkConfigSafely)
