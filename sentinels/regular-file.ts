// Reads one file that anybody may have put there.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
} from 'node:fs'
import { errorCode } from '../config/error-code.ts'

export type FileRead =
  | {
      readonly kind: 'bytes'
      readonly text: string
      /** there was more than the limit */
      readonly isCut: boolean
      readonly modifiedMs: number
      /** user id */
      readonly owner: number
      /** permission bits */
      readonly mode: number
    }
  /** there, but its content cannot be had */
  | {
      readonly kind: 'closed'
      readonly code: string
      readonly modifiedMs: number | undefined
    }
  /** something that is not a regular file */
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'gone' }

/**
 * A regular file's text, its first `limit` bytes. Links are not followed, and a
 * FIFO in a sentinel's place must not block.
 */
export function readRegularFile(path: string, limit: number): FileRead {
  let fd
  try {
    fd = openSync(
      path,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    )
  } catch (err) {
    const code = errorCode(err)
    if (code === 'ENOENT') return { kind: 'gone' }
    if (code === 'ELOOP' || code === 'ENXIO') return notRegular
    return unopened(path, code)
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) return notRegular
    const buffer = Buffer.allocUnsafe(Math.min(stats.size, limit))
    let length = 0
    while (length < buffer.length) {
      const count = readSync(fd, buffer, length, buffer.length - length, null)
      if (count === 0) break
      length += count
    }
    return {
      kind: 'bytes',
      text: buffer.toString('utf8', 0, length),
      isCut: stats.size > limit,
      modifiedMs: stats.mtimeMs,
      owner: stats.uid,
      mode: stats.mode & 0o7777,
    }
  } catch (err) {
    // an I/O error of the disk: the name is there, the content is not
    return unopened(path, errorCode(err))
  } finally {
    closeSync(fd)
  }
}

/** A directory or a FIFO that is closed to us is still no regular file. */
function unopened(path: string, code: string): FileRead {
  try {
    const stats = lstatSync(path)
    if (!stats.isFile()) return notRegular
    return { kind: 'closed', code, modifiedMs: stats.mtimeMs }
  } catch (err) {
    if (errorCode(err) === 'ENOENT') return { kind: 'gone' }
    // a directory whose names may be listed, but nothing else
    return { kind: 'closed', code, modifiedMs: undefined }
  }
}

const notRegular: FileRead = {
  kind: 'refused',
  why: 'is not a regular file and is ignored; remove it',
}
