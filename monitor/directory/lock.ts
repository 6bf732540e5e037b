// Never two monitors on one directory. The lock is a symbolic link whose target is
// its content: created together with it in one step, only if none exists, even on a
// full disk. A crashed holder is no obstacle.
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

/** A holder that cannot be verified is believed for this long. */
const unseenMs = 5_000

type LockState =
  | { readonly kind: 'held' }
  | { readonly kind: 'taken'; readonly pid: number }
  /** the file system refused: ENOENT, EACCES … */
  | { readonly kind: 'blocked'; readonly error: unknown }

/**
 * `PID START NAMESPACE`: the start time reveals a reused pid; the namespace shows
 * whether the pid means anything here (two containers, one directory).
 */
const mine = `${process.pid} ${startTimeOf(process.pid) ?? '-'} ${pidNamespace()}`

/**
 * Takes the lock, or renews it: the directory may have vanished together with it.
 * Called at the start and on every beat.
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
    error: new Error('other monitors compete for the lock'),
  }
}

/** Releases the lock if it is ours. */
export function releaseLock(directory: string): void {
  const file = `${directory}/${lockFile}`
  try {
    if (readLock(file) === mine) unlinkSync(file)
  } catch (err) {
    // directory gone or no access: the next monitor sees that we are dead
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
    // EPERM: it exists, owned by another user
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
    // something else has its name, put there by hand: not a lock
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
 * Removes a dead holder's lock. Between our check and the rename another monitor
 * may have done the same and taken the lock: then its lock is put back.
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
