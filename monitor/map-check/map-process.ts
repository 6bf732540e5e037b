// Map programs as /proc shows them.
import { readFileSync, readdirSync, statSync } from 'node:fs'
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
 * Started for this directory: its command line names it, as `apache-conf` writes it.
 * The launcher counts, too.
 */
function isMapOf(directory: string, words: readonly string[]): boolean {
  return isMapCommand(words) && words.includes(directory)
}

/** How long ago each map program of this directory was started, in ms. */
export function mapAgesMs(directory: string): readonly number[] {
  return processIds()
    .filter(pid => isMapOf(directory, commandOf(pid)))
    .flatMap(pid => {
      const startTime = statFields(`/proc/${pid}`)?.[startTimeField]
      return startTime === undefined ? [] : [ageMs(startTime)]
    })
}

/** @param startTime in clock ticks since boot, as in /proc/PID/stat */
export function ageMs(startTime: string): number {
  return uptime() * 1_000 - Number(startTime) * msPerTick
}

/** A process may become another program (exec) shortly after its start. */
const looksPerProcess = 3

/**
 * Finds the map programs of a directory without their reports. Each process of the
 * machine is looked at a few times only, so it can be done often.
 */
export class MapFinder {
  readonly #directory: string
  #looks = new Map<string, number>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /** The process ids of the map programs that answer, without their launchers. */
  find(): readonly number[] {
    const looks = new Map<string, number>()
    const found = processIds().filter(pid => {
      const count = this.#looks.get(pid) ?? 0
      const isMap = count < looksPerProcess && this.#isAnswering(commandOf(pid))
      looks.set(pid, isMap ? 0 : Math.min(count + 1, looksPerProcess))
      return isMap
    })
    this.#looks = looks
    // each time: the directory may be away for a moment
    return found
      .filter(pid =>
        isSameDirectory(`/proc/${pid}/root${this.#directory}`, this.#directory),
      )
      .map(Number)
  }

  #isAnswering(words: readonly string[]): boolean {
    return (
      isMapOf(this.#directory, words) &&
      !words.some(word => word.endsWith('/launch.sh'))
    )
  }
}

/** False also when one of them cannot be seen: a container has its own root. */
function isSameDirectory(one: string, other: string): boolean {
  try {
    const [a, b] = [statSync(one), statSync(other)]
    return a.dev === b.dev && a.ino === b.ino
  } catch {
    // gone, or another user's process: nothing is known of it, so it is not ended
    return false
  }
}

function processIds(): readonly string[] {
  try {
    return readdirSync('/proc').filter(name => /^\d+$/.test(name))
  } catch {
    // no /proc on this system
    return []
  }
}
