// What happens when nobody takes the output.
import { errorCode } from '../system/error-code.ts'

/**
 * A reader that has left (`| head -1`) ends the program quietly; output that
 * cannot be written for another reason is a failure. Without this, either is a
 * stack trace.
 */
export function watchOutput(): void {
  process.stdout.on('error', err => {
    const code = errorCode(err)
    if (code === 'EPIPE') process.exit(process.exitCode)
    process.stderr.write(`the output could not be written (${code})\n`)
    process.exit(1)
  })
  process.stderr.on('error', () => {
    // there is nobody left to tell
  })
}

/** Colour and cursor movements: only where a person looks at the output. */
export function isScreen(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true && process.env['TERM'] !== 'dumb'
}

/** https://no-color.org: any value but the empty one. */
export function hasColour(stream: { isTTY?: boolean }): boolean {
  return isScreen(stream) && !process.env['NO_COLOR']
}
