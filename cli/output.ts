// Errors of the output, and what kind of output it is.
import { errorCode } from '../system/error-code.ts'

/**
 * A reader that has left (`| head -1`) ends the program quietly; any other
 * write error is a failure. Without this, both would print a stack trace.
 */
export function watchOutput(): void {
  process.stdout.on('error', err => {
    const code = errorCode(err)
    if (code === 'EPIPE') process.exit(process.exitCode)
    process.stderr.write(`cannot write the output (${code})\n`)
    process.exit(1)
  })
  process.stderr.on('error', () => {
    // stderr is closed: nothing to write to
  })
}

/** Color and cursor movements: only on a terminal. */
export function isScreen(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true && process.env['TERM'] !== 'dumb'
}

/** https://no-color.org: any value except the empty one. */
export function hasColour(stream: { isTTY?: boolean }): boolean {
  return isScreen(stream) && !process.env['NO_COLOR']
}
