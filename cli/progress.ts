// The progress of a long command: on a terminal one line that is overwritten,
// otherwise a line for each step.
import { printable } from '../text/printable.ts'
import type { Progress } from '../operate/wait.ts'
import { isScreen } from './output.ts'

type Stream = {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly write: (text: string) => unknown
}

/** to the beginning of the line, and clear it */
const again = '\r\u001B[K'

export function progressOn(stream: Stream): Progress {
  const isLive = isScreen(stream)
  return {
    step: text => {
      stream.write(`${isLive ? again : ''}${printable(text)}\n`)
    },
    live: text => {
      // a text that wraps to a second line cannot be overwritten
      const width = (stream.columns ?? 80) - 1
      if (isLive) stream.write(`${again}${printable(text).slice(0, width)}`)
    },
  }
}
