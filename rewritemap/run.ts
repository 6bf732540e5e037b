// The map program: first table, second thread, answer loop, end. Loads only
// what the first answer needs, because httpd's requests queue up until then.
import { writeSync } from 'node:fs'
import { sentinelNames, type Config } from '../config/config.ts'
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

type MapOptions = {
  readonly configFile: string
  /** the sentinel directory, if known without the configuration */
  readonly directory: string | undefined
  /** how the program on the other end writes and reads lines */
  readonly dialect: Dialect
  /** for the log and for the name of its report */
  readonly program: ReaderProgram
  /** become this user when started as root */
  readonly user: string | undefined
  /** behind launch.sh: only the end of input ends the map program */
  readonly isLaunched: boolean
  /**
   * The configuration to start with if there is no usable one. Omitted: that is
   * an error. Squid exits when a helper does, so a helper passes one.
   */
  readonly withoutConfig?: Config
}

/**
 * Answers lookups on stdin until it ends.
 *
 * @returns the exit code: 0
 * @throws {ConfigError} when there is no usable configuration: neither the file
 *   nor the last valid one
 */
export async function runMap(options: MapOptions): Promise<number> {
  if (options.isLaunched) ignoreSignals()
  const started = new Date().toISOString()
  dropPrivileges(options.directory, options.user)
  const { good, seenText, problems } = await firstConfig(options)
  const { config } = good
  if (options.directory !== undefined && options.directory !== config.directory)
    problems.push(
      `--directory must be the directory of the configuration, ${config.directory}, got ${options.directory}; using the configuration's`,
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

/** The configuration to start with. */
async function firstConfig({
  configFile,
  directory,
  program,
  withoutConfig,
}: MapOptions): Promise<{
  good: GoodConfig
  /** the file's text, valid or not */
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
          'the map program runs with the last good configuration',
        ],
      }
    if (withoutConfig === undefined) throw err
    return {
      good: { text: '', config: withoutConfig },
      seenText: text,
      problems: [...err.problems, 'no lookup is decided until that is fixed'],
    }
  }
}

/**
 * These signals are meant for the launcher, for httpd's whole process group or
 * come from the terminal. This thread never returns to its event loop, so the
 * handlers never run, but installing them keeps the system from ending the
 * process. USR1 would start an inspector.
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

/** Problems on stderr, one per line; used before the logger exists. */
export function reportProblems(problems: readonly string[]): void {
  try {
    writeSync(2, `${problems.join('\n')}\n`)
  } catch {
    // stderr is closed: nothing to write to
  }
}
