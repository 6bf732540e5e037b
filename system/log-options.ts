// How the log lines of every program look: who, when, how bad, in words.
import { pino } from 'pino'
import type { LoggerOptions } from 'pino'

/**
 * Options for pino.
 *
 * @param program the subcommand
 * @param level the least that is told
 */
export function logOptions(program: string, level = 'info'): LoggerOptions {
  return {
    level,
    base: { program, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
  }
}
