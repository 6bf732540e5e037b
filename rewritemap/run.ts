// The map program: first table, second thread, answer loop, end. Only what the
// first answer needs is loaded here: httpd's requests queue up until then.
import { writeSync } from 'node:fs'
import { sentinelNames } from '../config/config.ts'
import type { Config } from '../config/config.ts'
import { readConfigText } from '../config/file.ts'
import { ConfigError } from '../config/problem.ts'
import type { ReaderProgram } from '../sentinels/names.ts'
import { readSentinels } from '../sentinels/read.ts'
import { answerLoop } from './answer-loop.ts'
import { Answerer, total } from './answer.ts'
import { newBoard, sharedFloat64Array } from './thread/board.ts'
import { recallConfig } from './last-config.ts'
import type { Dialect } from './dialect.ts'
import type { GoodConfig } from './thread/messages.ts'
import { dropPrivileges } from './privileges.ts'
import { buildTable } from '../choice/table.ts'
import { WatchingThread } from './thread/watching-thread.ts'

export type MapOptions = {
  readonly configFile: string
  /** the sentinel directory, when known without the configuration */
  readonly directory: string | undefined
  /** how the program on the other end writes and reads lines */
  readonly dialect: Dialect
  /** for the log, and the name of its report */
  readonly program: ReaderProgram
  /** become this user when started as root */
  readonly user: string | undefined
  /** behind launch.sh: only the end of input ends the map */
  readonly isLaunched: boolean
  /**
   * What to begin with when there is no usable configuration. Left out: that is an
   * error. Squid exits when a helper does, so a helper has one.
   */
  readonly withoutConfig?: Config
}

/**
 * Answers lookups on stdin until it ends.
 *
 * @returns the exit code: 0
 * @throws {ConfigError} when there is no usable configuration, neither the file
 *   nor what was kept of its last good state
 */
export async function runMap(options: MapOptions): Promise<number> {
  if (options.isLaunched) ignoreSignals()
  const started = new Date().toISOString()
  dropPrivileges(options.directory, options.user)
  const { good, seenText, problems } = await firstConfig(options)
  const { config } = good
  if (options.directory !== undefined && options.directory !== config.directory)
    problems.push(
      `--directory must be the one of the configuration, ${config.directory}, got ${options.directory}; the configuration counts`,
    )
  problems.push(...dropPrivileges(config.directory, options.user))
  const snapshot = readSentinels(
    config.directory,
    new Set(sentinelNames(config)),
  )
  const table = buildTable(config, snapshot, Date.now())
  const board = newBoard(table)
  const totals = sharedFloat64Array(total.length)
  const answerer = new Answerer(
    options.dialect,
    table,
    totals,
    board.answers,
    options.isLaunched,
  )
  const watching = new WatchingThread(answerer, board, {
    configFile: options.configFile,
    seenText,
    good,
    totals,
    problems,
    started,
    program: options.program,
  })
  try {
    answerLoop(0, 1, line => {
      watching.begin()
      const answer = answerer.answer(line)
      watching.end()
      return answer
    })
  } finally {
    watching.stop()
  }
  return 0
}

/** What to begin with. */
async function firstConfig({
  configFile,
  directory,
  program,
  withoutConfig,
}: MapOptions): Promise<{
  good: GoodConfig
  /** the file's text, be it good or not */
  seenText: string
  problems: string[]
}> {
  const kept =
    directory === undefined
      ? undefined
      : recallConfig(directory, configFile, program)
  let text = ''
  try {
    text = readConfigText(configFile)
    if (kept?.text === text) return { good: kept, seenText: text, problems: [] }
    const { parseConfig } = await import('../config/parse.ts')
    const config = parseConfig(text, configFile)
    return { good: { text, config }, seenText: text, problems: [] }
  } catch (err) {
    if (!(err instanceof ConfigError)) throw err
    if (kept !== undefined)
      return {
        good: kept,
        seenText: text,
        problems: [
          ...err.problems,
          'the map runs with the last good configuration',
        ],
      }
    if (withoutConfig === undefined) throw err
    return {
      good: { text: '', config: withoutConfig },
      seenText: text,
      problems: [...err.problems, 'every lookup is left undecided until then'],
    }
  }
}

/**
 * These go to the launcher, to httpd's whole group or to the terminal;
 * handlers that can never run, for this thread does not return to its event
 * loop, are what makes the system not end the process. USR1 would start an
 * inspector.
 */
function ignoreSignals(): void {
  for (const signal of [
    'SIGTERM',
    'SIGHUP',
    'SIGINT',
    'SIGUSR1',
    'SIGUSR2',
  ] as const)
    process.on(signal, () => {})
}

/** Problems on stderr, one a line; used before the log is there. */
export function complain(problems: readonly string[]): void {
  try {
    writeSync(2, `${problems.join('\n')}\n`)
  } catch {
    // stderr is closed: there is nobody to tell
  }
}
