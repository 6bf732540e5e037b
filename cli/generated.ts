// Options shared by apache-conf and squid-conf, and the output of both.
import { shellLine } from '../text/shell.ts'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Option, type Command } from 'commander'
import { seal, writeGenerated } from '../apache-conf/generated-file.ts'
import { parseDuration } from '../text/duration.ts'
import { ConfigError } from '../config/problem.ts'
import { describeValue } from '../text/describe.ts'
import { CommandError } from '../system/command-error.ts'

export type GeneratedGiven = {
  output?: string
  force?: true
  timeout: string
  retryAfter: string
}

export function outputOption(): Option {
  return new Option(
    '--output <file>',
    'write there unless the file was edited by hand (default: print)',
  )
}

export function forceOption(): Option {
  return new Option(
    '--force',
    'with --output: overwrite a file that was edited',
  )
}

/**
 * Prints, or writes `--output`.
 *
 * @param text renders it
 * @param next what to type after writing it
 * @throws {ConfigError} when the options do not fit together
 */
export function printOrSave(
  { output, force }: GeneratedGiven,
  text: () => string,
  next: string,
): void {
  if (force === true && output === undefined)
    throw new ConfigError([
      '--force must come with --output: it overwrites that file',
    ])
  const sealed = seal(text())
  if (output === undefined) process.stdout.write(sealed)
  else saveGenerated(output, sealed, force === true, next)
}

/**
 * Writes a generated file and reports the result on stderr.
 *
 * @param next what to type after that
 */
function saveGenerated(
  output: string,
  text: string,
  isForced: boolean,
  next: string,
): void {
  const result = writeGenerated(output, text, isForced)
  switch (result.kind) {
    case 'written':
      process.stderr.write(
        `${result.file} ${result.isNew ? 'was created' : 'was updated'}; next: ${next}\n`,
      )
      break
    case 'unchanged':
      process.stderr.write(`${result.file} is up to date\n`)
      break
    case 'refused':
      throw new CommandError(result.why)
  }
}

/** `--timeout` and `--retry-after` in ms. */
export function durationsOf(
  { timeout, retryAfter }: GeneratedGiven,
  problems: string[],
): { timeoutMs: number; retryAfterMs: number } {
  return {
    timeoutMs: durationOf('--timeout', timeout, problems),
    retryAfterMs: durationOf('--retry-after', retryAfter, problems),
  }
}

/** In ms; for an invalid one it adds a problem and returns a minute. */
export function durationOf(
  name: string,
  text: string,
  problems: string[],
): number {
  const ms = parseDuration(text)
  if (ms === undefined)
    problems.push(
      `${name} must be a duration such as 60s or 5m, got ${describeValue(text)}`,
    )
  return ms ?? 60_000
}

/** The folder of the built programs: dist/, also when this runs from source. */
const here = dirname(fileURLToPath(import.meta.url))
export const installation = import.meta.url.endsWith('.ts')
  ? resolve(here, '../dist')
  : resolve(here, '..')

/** The same command again, as one would type it. */
export function commandLine(command: Command, configFile: string): string {
  const given = command.options.flatMap(option => {
    const name = option.attributeName()
    if (['config', 'output', 'force'].includes(name)) return []
    if (command.getOptionValueSource(name) !== 'cli') return []
    const value: unknown = command.getOptionValue(name)
    if (option.negate) return value === false ? [option.long ?? ''] : []
    if (value === false) return []
    if (value === true) return [option.long ?? '']
    const values: unknown[] = Array.isArray(value) ? value : [value]
    return values.flatMap(one => [option.long ?? '', String(one)])
  })
  return shellLine([
    'zope-failover',
    command.name(),
    '--config',
    configFile,
    ...given,
  ])
}
