// Never two monitors on one directory. The lock is a symbolic link whose target
// is its content: made with it in one step, only if there is none, and without
// room on the disk. A holder that died without a word is no obstacle.
import {
  lstatSync,
  lutimesSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import { errorCode } from '../../system/error-code.ts'
import { pidNamespace, startTimeOf } from '../../system/process.ts'

export const lockFile = '.monitor.lock'

/** A holder that cannot be looked up is believed in for so long. */
const unseenMs = 5_000

export type LockState =
  | { readonly kind: 'held' }
  | { readonly kind: 'taken'; readonly pid: number }
  /** the file system did not let us: ENOENT, EACCES … */
  | { readonly kind: 'blocked'; readonly error: unknown }

/**
 * `PID START NAMESPACE`: the start time tells a reused pid, the namespace that
 * the pid means nothing here (two containers, one directory).
 */
const mine = `${process.pid} ${startTimeOf(process.pid) ?? '-'} ${pidNamespace()}`

/**
 * Takes the lock, or keeps it: the directory may have vanished with it. Called
 * at the start and with every beat.
 */
export function holdLock(directory: string): LockState {
  const file = `${directory}/${lockFile}`
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      if (attempt > 0 || readLock(file) === undefined) {
        if (createLock(file, mine)) return { kind: 'held' }
      }
      const found = readLock(file)
      if (found === undefined) continue
      if (found === mine) {
        touch(file)
        return { kind: 'held' }
      }
      if (isAlive(found, file))
        return { kind: 'taken', pid: Number.parseInt(found, 10) }
      takeAway(file, found)
    }
  } catch (error) {
    return { kind: 'blocked', error }
  }
  return {
    kind: 'blocked',
    error: new Error('other monitors fight for the lock'),
  }
}

/** Gives the lock back, if it is ours. */
export function releaseLock(directory: string): void {
  const file = `${directory}/${lockFile}`
  try {
    if (readLock(file) === mine) unlinkSync(file)
  } catch (err) {
    // the directory is gone or closed to us: the next monitor sees our death
    void err
  }
}

function isAlive(content: string, file: string): boolean {
  const [pidText = '', start, namespace] = content.split(' ')
  const pid = Number(pidText)
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  if (namespace !== pidNamespace())
    return Date.now() - lstatSync(file).mtimeMs < unseenMs
  try {
    process.kill(pid, 0)
  } catch (err) {
    if (errorCode(err) === 'ESRCH') return false
    // EPERM: there, but another user's
  }
  const now = startTimeOf(pid)
  return now === undefined || start === '-' || now === start
}

/** The content of the lock; undefined when there is none. */
function readLock(file: string): string | undefined {
  try {
    return readlinkSync(file)
  } catch (err) {
    const code = errorCode(err)
    if (code === 'ENOENT') return undefined
    // something else in its place, put there by hand: no lock of anybody
    if (code === 'EINVAL') return ''
    throw err
  }
}

function createLock(file: string, content: string): boolean {
  try {
    symlinkSync(content, file)
    return true
  } catch (err) {
    if (errorCode(err) === 'EEXIST') return false
    throw err
  }
}

/**
 * Removes a dead holder's lock. Between our look and the renaming somebody else
 * may have done the same and taken it: then his goes back to its place.
 */
function takeAway(file: string, seen: string): void {
  const aside = `${file}.${process.pid}.tmp`
  try {
    renameSync(file, aside)
  } catch (err) {
    if (errorCode(err) === 'ENOENT') return
    throw err
  }
  const taken = readLock(aside)
  unlinkSync(aside)
  if (taken !== undefined && taken !== seen) createLock(file, taken)
}

function touch(file: string): void {
  const seconds = Date.now() / 1_000
  lutimesSync(file, seconds, seconds)
}
