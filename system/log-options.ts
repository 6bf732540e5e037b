// The format of every program's log lines: program, time, and level as a word.
import { pino, type LoggerOptions } from 'pino'

/**
 * Options for pino.
 *
 * @param program the subcommand
 * @param level the lowest level that is logged
 */
export function logOptions(program: string, level = 'info'): LoggerOptions {
  return {
    level,
    base: { program, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
  }
}
