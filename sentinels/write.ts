// Changes to the sentinel directory. A file is written under a temporary name
// and renamed, so that no reader ever sees half of it.
import {
  closeSync,
  constants,
  fchmodSync,
  lutimesSync,
  openSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { errorCode } from '../system/error-code.ts'

/**
 * Replaces `name` by `text`, atomically. A link is replaced, not followed.
 *
 * @param mode world-readable by default: httpd runs as another user
 * @throws the system's error (ENOSPC, EACCES, ENOENT …); no temporary file is
 *   left
 */
export function writeAside(
  directory: string,
  name: string,
  text: string,
  mode = 0o644,
): void {
  const aside = `${directory}/.${name}.${process.pid}.tmp`
  rmSync(aside, { force: true })
  const fd = openSync(
    aside,
    constants.O_WRONLY |
      constants.O_CREAT |
      constants.O_EXCL |
      constants.O_NOFOLLOW,
    mode,
  )
  try {
    try {
      fchmodSync(fd, mode)
      const bytes = Buffer.from(text)
      let written = 0
      while (written < bytes.length) written += writeSync(fd, bytes, written)
    } finally {
      closeSync(fd)
    }
    renameSync(aside, `${directory}/${name}`)
  } catch (err) {
    rmSync(aside, { force: true })
    throw err
  }
}

/** Removes a file; false if it did not exist. */
export function removeFile(directory: string, name: string): boolean {
  try {
    unlinkSync(`${directory}/${name}`)
    return true
  } catch (err) {
    if (errorCode(err) === 'ENOENT') return false
    throw err
  }
}

/**
 * Sets a file's time to now, without touching its content.
 *
 * @throws ENOENT when it does not exist
 */
export function touchFile(
  directory: string,
  name: string,
  nowMs: number,
): void {
  const seconds = nowMs / 1_000
  lutimesSync(`${directory}/${name}`, seconds, seconds)
}
