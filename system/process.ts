// Identifies a process. A pid is not enough: it is reused, and it has no
// meaning in another container.
import { readFileSync, readlinkSync } from 'node:fs'
import { errorCode } from './error-code.ts'

/**
 * The fields of /proc/PID/stat after the name, which may hold spaces and
 * parentheses (proc(5)): state first.
 *
 * @returns undefined when the process does not exist or is hidden
 */
export function statFields(path: string): readonly string[] | undefined {
  try {
    const stat = readFileSync(`${path}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    // no such process, hidden from this user, or no /proc on this system
    return undefined
  }
}

/** The index of the start time in `statFields`. */
export const startTimeField = 19

/** When the process started, in clock ticks since boot. */
export function startTimeOf(pid: number): string | undefined {
  return statFields(`/proc/${pid}`)?.[startTimeField]
}

/** The pid namespace of this process; `-` when the system has none. */
export function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    // no /proc on this system
    return '-'
  }
}

/** Whether a process with this id exists, of any user. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return errorCode(err) === 'EPERM'
  }
}
