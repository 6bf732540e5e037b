// `zope-failover follow`: the map program's watching thread keeps the table
// current, follow/runs.ts decides when the command runs, and this file runs it.
import { pino, type Logger } from 'pino'
import { buildTable, type Table } from '../choice/table.ts'
import { sentinelNames, type Config } from '../config/config.ts'
import { LogOnce } from '../system/log-once.ts'
import { logOptions } from '../system/log-options.ts'
import {
  runCommand,
  type Command,
  type CommandEnd,
} from '../system/run-command.ts'
import { total } from '../rewritemap/answer.ts'
import { newBoard, sharedFloat64Array } from '../rewritemap/thread/board.ts'
import type { GoodConfig } from '../rewritemap/thread/messages.ts'
import { WatchingThread } from '../rewritemap/thread/watching-thread.ts'
import { readSentinels } from '../sentinels/read.ts'
import {
  askedAgain,
  noRuns,
  runBegun,
  runEnded,
  tableRead,
  untilRun,
  type Runs,
} from './runs.ts'
import { followText, type FollowFormat } from './table-text.ts'

/**
 * The watching thread wakes this one; the tick covers the case that it died.
 */
const tickMs = 250
/** How long a running command may take to finish when the program stops. */
const graceMs = 2_000

type FollowOptions = {
  readonly configFile: string
  readonly good: GoodConfig
  /** one of the configuration */
  readonly pool: string
  readonly format: FollowFormat
  readonly command: Command
  /** for one run */
  readonly timeoutMs: number
}

/**
 * Runs the command with the table until a signal ends it.
 *
 * @returns the exit code: 0
 */
export async function runFollow(options: FollowOptions): Promise<number> {
  const { configFile, good } = options
  const { config } = good
  const known = new Set(sentinelNames(config))
  const snapshot = readSentinels(config.directory, known)
  const table = buildTable(config, snapshot, Date.now())
  const board = newBoard(table)
  const totals = sharedFloat64Array(total.length)
  // asynchronous: a blocked stderr must not stop the runs
  const log = pino(
    logOptions('follow'),
    pino.destination({ fd: 2, sync: false, maxLength: 1_048_576 }),
  )
  const follower = new Follower(options, table, totals, log)
  const watching = new WatchingThread(follower, board, {
    configFile,
    seenText: good.text,
    good,
    totals,
    problems: [],
    started: new Date().toISOString(),
    program: 'follow',
    wakes: true,
  })
  follower.report = problems => watching.report(problems)
  const update = (): void => {
    watching.begin()
    watching.end()
    follower.next()
  }
  watching.onNews = update
  const ticking = setInterval(update, tickMs)
  update()
  await untilAskedToStop(follower, log)
  clearInterval(ticking)
  watching.stop()
  return 0
}

/** A second signal does not wait for the command. */
async function untilAskedToStop(follower: Follower, log: Logger) {
  await new Promise<void>(resolve => {
    let isStopping = false
    const onSignal = (signal: NodeJS.Signals): void => {
      if (isStopping) {
        follower.kill()
        return
      }
      isStopping = true
      log.info({ signal }, 'asked to stop')
      void follower.stop().then(resolve)
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    process.on('SIGHUP', () => {
      log.info('running the command again on request')
      follower.again()
    })
  })
}

class Follower {
  readonly #options: FollowOptions
  readonly #totals: Float64Array
  readonly #log: Logger
  #config: Config
  #table: Table
  #runs: Runs = noRuns
  #timer: NodeJS.Timeout | undefined
  #isStopping = false
  #running: Promise<void> = Promise.resolve()
  readonly #killing = new AbortController()
  readonly #logged = new LogOnce()
  /** shows problems in the report */
  report: (problems: readonly string[]) => void = () => {}

  constructor(
    options: FollowOptions,
    table: Table,
    totals: Float64Array,
    log: Logger,
  ) {
    this.#options = options
    this.#config = options.good.config
    this.#table = table
    this.#totals = totals
    this.#log = log
  }

  get table(): Table {
    return this.#table
  }

  take(table: Table, _answers?: Float64Array, config?: Config): void {
    this.#table = table
    if (config !== undefined) this.#config = config
  }

  noteFault(): void {
    this.#count(total.faults)
  }

  #count(index: number): void {
    this.#totals[index] = (this.#totals[index] ?? 0) + 1
  }

  /** Reads the table, and runs the command if it is due. */
  next(): void {
    this.#read()
    this.#begin()
  }

  /** Runs the command although the table has not changed. */
  again(): void {
    this.#runs = askedAgain(this.#runs)
    this.next()
  }

  #read(): void {
    const { pool: name, format } = this.#options
    const pool = this.#table.pools.get(name)
    if (pool === undefined) {
      if (this.#logged.isNew('pool'))
        this.#log.error(
          { pool: name },
          'pool was removed from the configuration, keeping its last table',
        )
      return
    }
    if (this.#logged.end('pool'))
      this.#log.info({ pool: name }, 'pool is back in the configuration')
    const text = followText(this.#config, pool, format)
    this.#runs = tableRead(this.#runs, text, performance.now())
  }

  #begin(): void {
    clearTimeout(this.#timer)
    if (this.#isStopping) return
    const waitMs = untilRun(this.#runs, performance.now())
    if (waitMs === null) return
    if (waitMs > 0)
      this.#timer = setTimeout(() => {
        this.#begin()
      }, waitMs)
    else this.#running = this.#run()
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { command, timeoutMs, pool } = this.#options
    this.#runs = runBegun(this.#runs, performance.now())
    const end = await runCommand(
      command,
      { ZOPE_FAILOVER_POOL: pool },
      timeoutMs,
      this.#killing.signal,
      this.#runs.running ?? '',
      'inherit',
    )
    this.#count(total.lookups)
    const isDone = end.code === 0
    const hadFailed = this.#runs.failed !== null
    this.#runs = runEnded(this.#runs, isDone, performance.now())
    if (isDone) {
      if (hadFailed) this.report([])
      this.#log.info(
        { command, ms: end.ms, output: end.output },
        hadFailed ? 'command works again' : 'command has the newest table',
      )
    } else {
      this.#count(total.unanswered)
      const problem = problemOf(command, end)
      this.report([problem])
      this.#log.error(
        { command, ...end, failures: this.#runs.failed?.count },
        this.#isStopping
          ? 'command was killed because the program stops'
          : 'command failed, will retry',
      )
    }
    this.#begin()
  }

  /** Starts no other run; a running command gets a moment to finish. */
  async stop(): Promise<void> {
    this.#isStopping = true
    clearTimeout(this.#timer)
    const killer = setTimeout(() => {
      this.kill()
    }, graceMs)
    await this.#running
    clearTimeout(killer)
  }

  /** Kills the command and its children. */
  kill(): void {
    this.#killing.abort()
  }
}

function problemOf([program]: Command, end: CommandEnd): string {
  const how = {
    exited: `exit code ${end.code}`,
    signal: `ended by ${end.code}`,
    limit: `killed at its limit after ${end.ms} ms`,
    'not-begun': `it cannot be started (${end.code})`,
  }[end.how]
  const output = end.output === '' ? '' : `: ${end.output.slice(0, 200)}`
  return `${program} must accept the table and exit with code 0, got ${how}${output}; it is retried until then`
}
