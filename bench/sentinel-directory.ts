// A sentinel directory as written by a live monitor, all backends up.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { textMap } from '../choice/text-map.ts'
import { parseConfig } from '../config/parse.ts'
import {
  monitorReportFile,
  sentinelFile,
  textMapFile,
} from '../sentinels/names.ts'
import { readSentinels } from '../sentinels/read.ts'
import type { Scratch } from './scratch.ts'

export const pool = 'default'
export const backends = ['zope1', 'zope2', 'zope3'] as const

/**
 * Fits the directories made here; the monitor.json in them stays fresh for it.
 */
export function configText(directory: string, more: object = {}): string {
  return `${JSON.stringify({
    ...more,
    directory,
    staleAfter: '1h',
    backends: Object.fromEntries(
      backends.map((name, i) => [name, `http://127.0.0.1:${8081 + i}`]),
    ),
  })}\n`
}

export function makeSentinelDirectory(directory: string): void {
  mkdirSync(directory)
  for (const name of backends)
    writeFileSync(join(directory, sentinelFile(name, 'up')), '100\n')
  const state = { state: 'up', share: 100 }
  writeFileSync(
    join(directory, monitorReportFile),
    JSON.stringify({
      backends: Object.fromEntries(backends.map(name => [name, state])),
    }),
  )
}

/** A separate one, with the text map that a monitor keeps there. */
export function textMapDirectory(scratch: Scratch): string {
  const directory = join(scratch.path, 'text-map')
  makeSentinelDirectory(directory)
  writeTextMap(directory)
  return directory
}

/** The report of a monitor. */
export function writeTextMap(directory: string): void {
  const config = parseConfig(configText(directory), 'bench')
  const snapshot = readSentinels(directory, new Set(backends))
  writeFileSync(
    join(directory, textMapFile),
    textMap(config, snapshot, Date.now()),
  )
}

/** Like `touch zope1.drain` and `rm zope1.drain`. */
export function setDrained(directory: string, isDrained: boolean): void {
  const path = join(directory, sentinelFile(backends[0], 'drain'))
  if (isDrained) writeFileSync(path, '')
  else rmSync(path, { force: true })
}
