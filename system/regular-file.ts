// Reads one file safely: a pipe does not block, a device is not read, a huge
// file is read up to a limit.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  statSync,
  type Stats,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { errorCode } from './error-code.ts'

/** The attributes of a file that was read. */
type Facts = {
  /** it is longer than the limit */
  readonly isCut: boolean
  readonly modifiedMs: number
  /** user id */
  readonly owner: number
  /** group id */
  readonly group: number
  /** permission bits */
  readonly mode: number
}

type Unread =
  /** it exists, but cannot be read */
  | {
      readonly kind: 'closed'
      readonly code: string
      readonly modifiedMs: number | undefined
    }
  /** something that is not a regular file */
  | { readonly kind: 'refused'; readonly why: string; readonly what: string }
  | { readonly kind: 'gone' }

export type FileRead =
  ({ readonly kind: 'bytes'; readonly text: string } & Facts) | Unread

export type BytesRead =
  ({ readonly kind: 'bytes'; readonly bytes: Buffer } & Facts) | Unread

/** `followed` is for paths that an administrator wrote into a file of root. */
type Links = 'refused' | 'followed'

/**
 * The text of a regular file, at most `limit` bytes. Links are not followed.
 *
 * @param limit in bytes
 * @returns never throws; system errors are in `closed`
 */
export function readRegularFile(path: string, limit: number): FileRead {
  const read = readRegularBytes(path, limit, 'refused')
  if (read.kind !== 'bytes') return read
  const { bytes, ...facts } = read
  return { ...facts, text: bytes.toString('utf8') }
}

/** The file as bytes. */
export function readRegularBytes(
  path: string,
  limit: number,
  links: Links,
): BytesRead {
  let fd
  try {
    fd = openSync(path, flagsFor(links))
  } catch (err) {
    return unopened(path, errorCode(err), links)
  }
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) return notRegular(stats)
    const buffer = Buffer.allocUnsafe(Math.min(stats.size, limit))
    let length = 0
    while (length < buffer.length) {
      const count = readSync(fd, buffer, length, buffer.length - length, null)
      if (count === 0) break
      length += count
    }
    return bytesRead(buffer.subarray(0, length), stats, limit)
  } catch (err) {
    // a disk error: the name exists, the content cannot be read
    return unopened(path, errorCode(err), links)
  } finally {
    closeSync(fd)
  }
}

/**
 * The asynchronous version, for a program that must not wait for a disk: a dead
 * file server delays only the promise.
 */
export async function readRegularBytesLater(
  path: string,
  limit: number,
  links: Links,
): Promise<BytesRead> {
  try {
    const handle = await open(path, flagsFor(links))
    try {
      const stats = await handle.stat()
      if (!stats.isFile()) return notRegular(stats)
      const buffer = Buffer.allocUnsafe(Math.min(stats.size, limit))
      let length = 0
      while (length < buffer.length) {
        const { bytesRead: count } = await handle.read(buffer, length)
        if (count === 0) break
        length += count
      }
      return bytesRead(buffer.subarray(0, length), stats, limit)
    } finally {
      await handle.close()
    }
  } catch (err) {
    const code = errorCode(err)
    return code === 'ENOENT'
      ? { kind: 'gone' }
      : { kind: 'closed', code, modifiedMs: undefined }
  }
}

/**
 * A FIFO must not wait for a writer, and a terminal must not become this
 * process's controlling terminal.
 */
function flagsFor(links: Links): number {
  return (
    constants.O_RDONLY |
    constants.O_NONBLOCK |
    constants.O_NOCTTY |
    (links === 'refused' ? constants.O_NOFOLLOW : 0)
  )
}

function bytesRead(bytes: Buffer, stats: Stats, limit: number): BytesRead {
  return {
    kind: 'bytes',
    bytes,
    isCut: stats.size > limit,
    modifiedMs: stats.mtimeMs,
    owner: stats.uid,
    group: stats.gid,
    mode: stats.mode & 0o7777,
  }
}

/** A directory or a FIFO without read access is still not a regular file. */
function unopened(path: string, code: string, links: Links): BytesRead {
  if (code === 'ENOENT') return { kind: 'gone' }
  try {
    const stats = links === 'refused' ? lstatSync(path) : statSync(path)
    if (!stats.isFile()) return notRegular(stats)
    return { kind: 'closed', code, modifiedMs: stats.mtimeMs }
  } catch (err) {
    if (errorCode(err) === 'ENOENT') return { kind: 'gone' }
    // its directory may be listed, but not entered
    return { kind: 'closed', code, modifiedMs: undefined }
  }
}

function notRegular(stats: Stats): Unread {
  return {
    kind: 'refused',
    why: 'is not a regular file and is ignored; remove it',
    what: typeOf(stats),
  }
}

function typeOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFIFO()) return 'a named pipe'
  if (stats.isSocket()) return 'a socket'
  if (stats.isSymbolicLink()) return 'a symbolic link'
  return 'a device'
}
