// The thread that httpd waits for: read, answer, write, and nothing else.
// httpd holds one global lock and has no timeout here (mod_rewrite.c,
// lookup_map_program). So this thread has no await, reads no file and uses no
// clock that can block. Invariant: one line in, exactly one line out, in order,
// whatever the bytes. The one exception is proved in pipe-sync.ts.
import { readSync, writeSync } from 'node:fs'
import { errorCode } from '../system/error-code.ts'
import { maxLineBytes } from './lookup.ts'

const newline = 0x0a
const chunkBytes = 65_536

/**
 * Answers lines until the input ends.
 *
 * @param input file descriptor to read from
 * @param output file descriptor to write to
 * @param answer a line without its newline, as latin1 -> the answer with its
 *   newline, or '' for none; must not throw. For a line over the limit it gets
 *   the beginning, one byte longer than the limit.
 * @returns at the end of input or when the reader has closed the output
 * @throws the system's error when the pipe breaks in another way
 */
export function answerLoop(
  input: number,
  output: number,
  answer: (line: string) => string,
): void {
  const buffer = Buffer.allocUnsafe(chunkBytes)
  let filled = 0
  /** the beginning of a line that is too long; the rest is discarded */
  let tooLong: string | null = null
  for (;;) {
    const count = readChunk(input, buffer, filled)
    if (count === 0) return
    const end = filled + count
    let answers = ''
    let start = 0
    let stop = indexOfNewline(buffer, filled, end)
    while (stop !== -1) {
      answers += answer(tooLong ?? buffer.toString('latin1', start, stop))
      tooLong = null
      start = stop + 1
      stop = indexOfNewline(buffer, start, end)
    }
    if (end - start > maxLineBytes)
      tooLong ??= buffer.toString('latin1', start, start + maxLineBytes + 1)
    if (tooLong !== null) start = end
    filled = end - start
    if (start > 0 && filled > 0) buffer.copyWithin(0, start, end)
    if (answers !== '' && !writeWhole(output, answers)) return
  }
}

/** Bytes from `end` on are left over from earlier chunks. */
function indexOfNewline(buffer: Buffer, start: number, end: number): number {
  if (start >= end) return -1
  const index = buffer.indexOf(newline, start)
  return index < end ? index : -1
}

/** 0 = the input has ended. */
function readChunk(input: number, buffer: Buffer, offset: number): number {
  for (;;) {
    try {
      return readSync(input, buffer, offset, buffer.length - offset, null)
    } catch (err) {
      waitOrThrow(err)
    }
  }
}

/** False = the reader has closed the pipe. */
function writeWhole(output: number, text: string): boolean {
  let written = 0
  while (written < text.length) {
    try {
      // a string saves a Buffer; a pipe takes up to 4,096 bytes atomically
      const rest = written === 0 ? text : text.slice(written)
      written += writeSync(output, rest, null, 'latin1')
    } catch (err) {
      if (errorCode(err) === 'EPIPE') return false
      waitOrThrow(err)
    }
  }
  return true
}

const never = new Int32Array(new SharedArrayBuffer(4))

/**
 * httpd's pipes block, but a pipe made by another program may not (EAGAIN); a
 * signal may interrupt a call (EINTR). Both are retried.
 */
function waitOrThrow(err: unknown): void {
  const code = errorCode(err)
  if (code === 'EAGAIN') Atomics.wait(never, 0, 0, 1)
  else if (code !== 'EINTR') throw err
}
