// Runs the command as its users do.
import {
  spawn,
  spawnSync,
  type ChildProcessWithoutNullStreams,
} from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import { dist, hangMs, publicDirectory } from '../../../lab/processes.ts'

export const main = `${dist}/cli/main.js`
export const isRoot = process.getuid?.() === 0

export type Installation = {
  /** the configuration file */
  readonly file: string
  /** the sentinel directory, empty */
  readonly directory: string
}

/** A configuration and its directory, of a test that ends. */
export function install(
  t: Test,
  rest = 'backends: { zope1: http://127.0.0.1:1, zope2: http://127.0.0.1:2 }\n',
): Installation {
  const place = publicDirectory(t)
  const directory = `${place}/run`
  mkdirSync(directory, { mode: 0o755 })
  const file = `${place}/zope-failover.yaml`
  writeFileSync(file, `directory: ${directory}\n${rest}`)
  return { file, directory }
}

/**
 * Words for `env` that start node with nothing but these variables: tap would
 * have each child write its coverage, which takes longer than the child.
 */
export function bare(
  file: string,
  env: Readonly<Record<string, string>> = {},
): string[] {
  const all = {
    PATH: process.env['PATH'],
    ZOPE_FAILOVER_CONFIG: file,
    ...env,
  }
  const words = Object.entries(all).map(([name, value]) => `${name}=${value}`)
  return ['-i', ...words, process.execPath]
}

export type Outcome = {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

type Options = {
  readonly env?: Readonly<Record<string, string>>
  readonly uid?: number
}

/** Runs to its end. */
export function run(
  { file }: Installation,
  args: readonly string[],
  { env = {}, uid }: Options = {},
): Outcome {
  const { status, stdout, stderr } = spawnSync(
    'env',
    [...bare(file, env), main, ...args],
    {
      ...(uid === undefined ? {} : { uid, gid: uid }),
      cwd: '/',
      encoding: 'utf8',
      timeout: hangMs,
    },
  )
  return { code: status, stdout, stderr }
}

/** Starts a program that keeps running; it is stopped at the end of the test. */
export function start(
  t: Test,
  { file }: Installation,
  command: readonly string[],
): ChildProcessWithoutNullStreams {
  const child = spawn('env', [...bare(file, {}), ...command])
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })
  return child
}
