// Map programs as /proc shows them.
import { readFileSync, readdirSync } from 'node:fs'
import { uptime } from 'node:os'
import { startTimeField, statFields } from '../../system/process.ts'

/** clock ticks of /proc/PID/stat: 100 a second on Linux (USER_HZ) */
export const msPerTick = 10

/** The words of its command line; none when it has just exited or is hidden. */
export function commandOf(pid: number | string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    // it has just exited
    return []
  }
}

/** Started by the launcher, or as `zope-failover rewritemap`. */
export function isMapCommand(words: readonly string[]): boolean {
  return words.some(word => /(?:^|\/)rewritemap(?:\/main\.[jt]s)?$/.test(word))
}

/**
 * How long ago each map program of this directory was started, in ms; a launcher counts,
 * too. Only those whose command line names the directory, as `apache-conf` writes it.
 */
export function mapAgesMs(directory: string): readonly number[] {
  return processIds()
    .filter(pid => {
      const words = commandOf(pid)
      return isMapCommand(words) && words.includes(directory)
    })
    .flatMap(pid => {
      const started = statFields(`/proc/${pid}`)?.[startTimeField]
      return started === undefined
        ? []
        : [uptime() * 1_000 - Number(started) * msPerTick]
    })
}

function processIds(): readonly string[] {
  try {
    return readdirSync('/proc').filter(name => /^\d+$/.test(name))
  } catch {
    // no /proc on this system
    return []
  }
}
